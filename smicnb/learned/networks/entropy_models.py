"""How probable latents are: a factorised prior that is learned, and Gaussians about what a network predicts.

Both give likelihoods of values that are rounded (in evaluation) or have noise of U(−½, ½) added (in training), and
both become tables for the entropy coder. Parameters and buffers are named as in CompressAI, since the names are in
every checkpoint and in its hash.

Source: Ballé, Minnen, Singh, Hwang and Johnston, Variational image compression with a scale hyperprior, 2018: the
prior is its Sec. 6.1, the Gaussians its Sec. 3; Minnen, Ballé and Toderici, 2018, for their means.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from smicnb.learned.networks.frequencies import cumulate

TAIL = 1e-9  # probability outside a table
LEAST = 1e-9  # likelihood of anything
WIDTHS = (1, 3, 3, 3, 3, 1)  # of the prior's cumulative functions, layer by layer
REACH = 10.0  # of the prior's quantiles at first
SMALLEST_SCALE = 0.11


class _Floor(torch.autograd.Function):
    """max(x, bound), whose gradient also passes below the bound where it leads upwards."""

    @staticmethod
    def forward(ctx, values: Tensor, bound: Tensor) -> Tensor:
        ctx.save_for_backward(values, bound)
        return torch.max(values, bound)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        values, bound = ctx.saved_tensors
        return ((values >= bound) | (gradient < 0)) * gradient, None


class LowerBound(nn.Module):
    """Values, but none below `bound`; one that is below still learns to rise."""

    def __init__(self, bound: float):
        super().__init__()
        self.register_buffer("bound", torch.tensor([bound]))

    def forward(self, values: Tensor) -> Tensor:
        """Values of any shape, bounded."""
        return _Floor.apply(values, self.bound)


class _EntropyModel(nn.Module):
    """What both models have: the least likelihood, quantisation, and tables once `update` has made them."""

    def __init__(self):
        super().__init__()
        self.likelihood_lower_bound = LowerBound(LEAST)
        for name in ("_offset", "_quantized_cdf", "_cdf_length"):
            self.register_buffer(name, torch.empty(0, dtype=torch.int32))

    def quantise(self, values: Tensor, means: Tensor) -> Tensor:
        """Values with noise in training; else rounded, with their means (of a shape that fits) taken off meanwhile."""
        if self.training:
            return self.add_noise(values)
        return torch.round(values - means) + means

    @staticmethod
    def add_noise(values: Tensor) -> Tensor:
        """Values with noise of U(−½, ½), of the same shape."""
        return values + torch.empty_like(values).uniform_(-0.5, 0.5)

    def _keep(self, pmf: Tensor, tails: Tensor, lengths: Tensor, offsets: Tensor) -> None:
        """Make the tables.

        Args:
            pmf: (models, longest), of each row as many count as `lengths` says.
            tails: (models, 1) probability of everything else, the escape.
            lengths, offsets: (models,) int32; an offset is the symbol of a row's first entry.
        """
        cdfs = torch.zeros((len(pmf), pmf.shape[1] + 2), dtype=torch.int32)
        for row, probabilities, tail, length in zip(cdfs, pmf, tails, lengths.tolist(), strict=True):
            row[: length + 2] = torch.from_numpy(cumulate(torch.cat([probabilities[:length], tail]).cpu().numpy()))
        self._quantized_cdf = cdfs.to(pmf.device)
        self._cdf_length, self._offset = lengths + 2, offsets


class EntropyBottleneck(_EntropyModel):
    """A density for each of C channels, learned as a monotone network from a value to its cumulative probability."""

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels
        self.matrices, self.biases, self.factors = nn.ParameterList(), nn.ParameterList(), nn.ParameterList()
        scale = REACH ** (1 / (len(WIDTHS) - 1))
        for before, after in pairwise(WIDTHS):
            start = math.log(math.expm1(1 / scale / after))
            self.matrices.append(nn.Parameter(torch.full((channels, after, before), start)))
            self.biases.append(nn.Parameter(torch.empty(channels, after, 1).uniform_(-0.5, 0.5)))
        for width in WIDTHS[1:-1]:
            self.factors.append(nn.Parameter(torch.zeros(channels, width, 1)))
        self.quantiles = nn.Parameter(torch.tensor([-REACH, 0, REACH]).repeat(channels, 1, 1))
        edge = math.log(2 / TAIL - 1)
        self.register_buffer("target", torch.tensor([-edge, 0, edge]))

    @property
    def medians(self) -> Tensor:
        """(C, 1, 1)."""
        return self.quantiles[:, :, 1:2]

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Quantised values and their likelihoods, both of the values' shape (n, C, …)."""
        first = values.transpose(0, 1)
        flat = first.reshape(self.channels, 1, -1)
        quantised = self.quantise(flat, self.medians)
        likelihoods = self.likelihood_lower_bound(self._likelihood(quantised)[0])
        back = (each.reshape(first.shape).transpose(0, 1).contiguous() for each in (quantised, likelihoods))
        return tuple(back)

    def loss(self) -> Tensor:
        """How far the quantiles are from where the median and the tails begin; trains them alone."""
        return (self._logits(self.quantiles, fixed=True) - self.target).abs().sum()

    def update(self) -> None:
        """Make the tables: of each channel whole steps from its median out to where the tails begin."""
        with torch.no_grad():
            lower, medians, upper = self.quantiles[:, 0].unbind(1)
            below = torch.ceil(medians - lower).int().clamp(min=0)
            above = torch.ceil(upper - medians).int().clamp(min=0)
            lengths = above + below + 1
            steps = torch.arange(int(lengths.max()), device=medians.device)
            samples = steps[None, :] + (medians - below)[:, None, None]
            pmf, lower, upper = self._likelihood(samples)
            tails = torch.sigmoid(lower[:, 0, :1]) + torch.sigmoid(-upper[:, 0, -1:])
            self._keep(pmf[:, 0], tails, lengths, -below)

    def _likelihood(self, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Probability of values (C, 1, n) ± ½, and the logits of the cumulative at either end."""
        lower, upper = self._logits(values - 0.5), self._logits(values + 0.5)
        return torch.sigmoid(upper) - torch.sigmoid(lower), lower, upper

    def _logits(self, values: Tensor, fixed: bool = False) -> Tensor:
        """Logits of the cumulative probability of values (C, 1, n); `fixed`: the density learns nothing."""
        logits = values
        for index, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            matrix, bias = (matrix.detach(), bias.detach()) if fixed else (matrix, bias)
            logits = torch.matmul(functional.softplus(matrix), logits) + bias
            if index < len(self.factors):
                factor = self.factors[index].detach() if fixed else self.factors[index]
                logits = logits + torch.tanh(factor) * torch.tanh(logits)
        return logits


class GaussianConditional(_EntropyModel):
    """Gaussians whose scales and means another network predicts; `update` makes tables for `scales`, standard
    deviations that rise.
    """

    def __init__(self, scales: Sequence[float] | None = None):
        super().__init__()
        self.lower_bound_scale = LowerBound(SMALLEST_SCALE)
        self.register_buffer("scale_table", torch.tensor(list(scales or []), dtype=torch.float32))
        self.register_buffer("scale_bound", torch.tensor([SMALLEST_SCALE]))

    def forward(self, values: Tensor, scales: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
        """Quantised values and their likelihoods, all of one shape."""
        quantised = self.quantise(values, means)
        return quantised, self.likelihood(quantised, scales, means)

    def likelihood(self, values: Tensor, scales: Tensor, means: Tensor) -> Tensor:
        """Probability of values ± ½, at least `LEAST`; scales are at least `SMALLEST_SCALE`."""
        distances, scales = torch.abs(values - means), self.lower_bound_scale(scales)
        upper, lower = _normal((0.5 - distances) / scales), _normal((-0.5 - distances) / scales)
        return self.likelihood_lower_bound(upper - lower)

    def update(self) -> None:
        """Make a table for each scale, about the mean 0."""
        from scipy.special import ndtri

        sides = torch.ceil(self.scale_table * -ndtri(TAIL / 2)).int()
        steps = torch.arange(2 * int(sides.max()) + 1, device=sides.device)
        distances, scales = torch.abs(steps.int() - sides[:, None]).float(), self.scale_table[:, None]
        upper, lower = _normal((0.5 - distances) / scales), _normal((-0.5 - distances) / scales)
        self._keep(upper - lower, 2 * lower[:, :1], 2 * sides + 1, -sides)


def _normal(values: Tensor) -> Tensor:
    """The cumulative of the standard normal; by erfc, which keeps its digits far below 0."""
    return 0.5 * torch.erfc(-(2**-0.5) * values)
