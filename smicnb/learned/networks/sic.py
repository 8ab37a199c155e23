"""SIC (Liang et al., ICML 2025): one model for all rates, which codes some groups of channels and samples the others.

The first l of L groups of the latent y are the synonymous representation of level l and are coded; the rest, the
detail, is drawn anew at each decoding (Eq. 46), so that one file stands for a set of images, the synset. A size is a
`SicConfig`; FULL is the paper's Appendix C.1, MINI is what was trained here.

A latent covers 16×16 pixels, and an image has ⌈H/16⌉×⌈W/16⌉ of them: whatever the windows of attention need beyond
that is repeated at the right and lower edge before a transform and cut off behind it, and is never coded.

The context is what the decoder expects of y: hyperprior, masked convolution in groups, entropy parameters (Fig. 9, 10).
"""

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from smicnb.learned.networks.blocks import hyper_analysis, hyper_synthesis, pad, round_straight
from smicnb.learned.networks.entropy_models import EntropyBottleneck, GaussianConditional
from smicnb.learned.networks.swin import Division, Merging, Norm, SwinBlock

KERNEL = 5  # of the masked convolution
STRIDE = 16  # pixels of an image's side to one latent
SPREAD = 2.0  # of the uniform noise of Eq. 46, to both sides
DETAILS = ("uniform", "scale", "zero")


def causal_mask(groups: tuple[int, ...]) -> Tensor:
    """Which weights of the masked convolution are used, (2C, C, 5, 5) of 0 and 1 (Fig. 10).

    A group sees all 25 places of the groups before it, and of itself the rows above and what is left in its own row.
    """
    total, middle = sum(groups), KERNEL // 2
    mask = torch.zeros(2 * total, total, KERNEL, KERNEL)
    for start, end in pairwise((0, *accumulate(groups))):
        mask[2 * start : 2 * end, :start] = 1
        mask[2 * start : 2 * end, start:end, :middle] = 1
        mask[2 * start : 2 * end, start:end, middle, :middle] = 1
    return mask


class Context(nn.Module):
    """What the decoder expects of y: h_s, the masked convolution, and the entropy parameters of each group."""

    def __init__(self, config: "SicConfig"):
        super().__init__()
        self.h_s = hyper_synthesis(config.hyper, config.hyper_widths, config.latent)
        self.groups = config.groups
        self.masked = nn.Conv2d(config.latent, 2 * config.latent, KERNEL, padding=KERNEL // 2)
        self.register_buffer("mask", causal_mask(config.groups), persistent=False)
        with torch.no_grad():
            self.masked.weight.mul_(self.mask)
        # One convolution in groups would do where all are equal; a list does also where they grow.
        self.parameters_of = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(4 * c, 3 * c, 1), nn.LeakyReLU(), nn.Conv2d(3 * c, 3 * c, 1), nn.LeakyReLU(),
                nn.Conv2d(3 * c, 2 * c, 1),
            )
            for c in config.groups
        )  # fmt: skip

    def hyper(self, z_hat: Tensor, height: int, width: int) -> Tensor:
        """Scales, then means, that the hyper-latent alone gives to all channels, (n, 2C, height, width)."""
        return self.h_s(z_hat)[..., :height, :width]

    def split_groups(self, hyper: Tensor) -> list[Tensor]:
        """Scales, then means, of each group of c channels, (n, 2c, h, w)."""
        halves = (half.split(self.groups, dim=1) for half in hyper.chunk(2, 1))
        return [torch.cat(both, dim=1) for both in zip(*halves, strict=True)]

    def forward(self, y_hat: Tensor, hyper: Tensor) -> tuple[Tensor, Tensor]:
        """Scales and means of all of y, each (n, C, h, w), as its causal neighbours in ŷ and `hyper` tell them."""
        seen = functional.conv2d(y_hat, self.masked.weight * self.mask, self.masked.bias, padding=KERNEL // 2)
        local = seen.split([2 * c for c in self.groups], dim=1)
        told = zip(self.parameters_of, self.split_groups(hyper), local, strict=True)
        found = [network(torch.cat([wide, near], dim=1)).chunk(2, 1) for network, wide, near in told]
        scales, means = zip(*found, strict=True)
        return torch.cat(scales, dim=1), torch.cat(means, dim=1)


@dataclass(frozen=True)
class SicConfig:
    """A size and a variant of SIC.

    Args:
        dims: channels of g_a's four stages; the last are those of y, and g_s has them in reverse.
        depths: Swin blocks of each stage.
        heads: number of attention heads in every block.
        window: side of a window of attention, in tokens; every second block shifts it by half.
        groups: channels of the groups that the levels add, dims[-1] in all: equal in the paper.
        hyper: channels of the hyper-latent z.
        hyper_widths: channels of the two hidden layers of h_s.
        detail: what is added to the mean that h_s gives, before rounding, for a group that is not coded: noise of
            U(−2, 2) (the paper's Eq. 46), Gaussian noise of the scale that h_s gives, or nothing.
    """

    dims: tuple[int, int, int, int] = (256, 384, 512, 512)
    depths: tuple[int, int, int, int] = (1, 2, 2, 3)
    heads: int = 16
    window: int = 8
    groups: tuple[int, ...] = (32,) * 16
    hyper: int = 384
    hyper_widths: tuple[int, int] = (512, 768)
    detail: Literal["uniform", "scale", "zero"] = "uniform"
    encoder: ClassVar[None] = None  # of captions, which it does not read

    def __post_init__(self):
        if sum(self.groups) != self.dims[-1] or min(self.groups) < 1:
            raise ValueError(f"groups {self.groups} do not add up to {self.dims[-1]} channels")
        if len(self.groups) > 255:
            raise ValueError(f"found {len(self.groups)} groups, and a file counts them to 255")
        if any(dim % self.heads or dim % 4 for dim in self.dims):
            raise ValueError(f"dims {self.dims} cannot be shared out among {self.heads} heads and 4 pixels")
        if self.detail not in DETAILS:
            raise ValueError(f"detail '{self.detail}' is none of {', '.join(DETAILS)}")

    @property
    def latent(self) -> int:
        """Channels C of y."""
        return self.dims[-1]

    @property
    def levels(self) -> int:
        """L."""
        return len(self.groups)

    @property
    def bounds(self) -> tuple[int, ...]:
        """Where the groups begin and end: the channels of the first 0, 1, … L levels."""
        return (0, *accumulate(self.groups))


FULL = SicConfig()


MINI = SicConfig(
    dims=(32, 64, 96, 64), depths=(1, 2, 2, 3), heads=4, window=4, groups=(8,) * 8, hyper=32, hyper_widths=(48, 64)
)


SIZES = {"full": FULL, "mini": MINI}


def _swin(dim: int, depth: int, config: SicConfig) -> list[nn.Module]:
    shifts = [index % 2 * (config.window // 2) for index in range(depth)]
    return [SwinBlock(dim, config.heads, config.window, shift) for shift in shifts]


class Analysis(nn.Module):
    """g_a: pixels (n, 3, H, W) to y (n, C, H/16, W/16), both sides multiples of 16 windows (Fig. 7)."""

    def __init__(self, config: SicConfig):
        super().__init__()
        first = config.dims[0]
        self.embed, self.norm_embed = nn.Conv2d(3, first, 2, stride=2), Norm(first)
        # The norm keeps the direction alone, which tells brightness only where pixels lie about 0. Without this start
        # the small size learns nothing but the mean colour for hundreds of steps.
        with torch.no_grad():
            self.embed.bias.sub_(self.embed.weight.sum(dim=(1, 2, 3)) / 2)
        layers = _swin(first, config.depths[0], config)
        for (before, dim), depth in zip(pairwise(config.dims), config.depths[1:], strict=True):
            layers += [Merging(before, dim), *_swin(dim, depth, config)]
        self.stages, self.norm = nn.Sequential(*layers), Norm(config.latent)

    def forward(self, pixels: Tensor) -> Tensor:
        """As the class says."""
        tokens = self.norm_embed(self.embed(pixels).permute(0, 2, 3, 1))
        return self.norm(self.stages(tokens)).permute(0, 3, 1, 2)


class Synthesis(nn.Module):
    """g_s: ŷ (n, C, h, w) to pixels (n, 3, 16h, 16w) about [0, 1], both sides multiples of a window (Fig. 7)."""

    def __init__(self, config: SicConfig):
        super().__init__()
        dims = config.dims[::-1]
        layers: list[nn.Module] = []
        for dim, out, depth in zip(dims, (*dims[1:], dims[-1]), config.depths[::-1], strict=True):
            layers += [*_swin(dim, depth, config), Division(dim, out)]
        self.stages, self.pixels = nn.Sequential(*layers), nn.Conv2d(dims[-1], 3, 3, padding=1)

    def forward(self, latent: Tensor) -> Tensor:
        """As the class says; in evaluation clamped to [0, 1]."""
        pixels = self.pixels(self.stages(latent.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        return pixels if self.training else pixels.clamp(0, 1)


@dataclass(frozen=True)
class Latent:
    """An image batch between the transforms.

    Args:
        y: g_a's output, (n, C, h, w).
        y_hat: y rounded, with the gradient of y.
        hyper: scales, then means, from h_s alone, (n, 2C, h, w).
        hyper_bits: estimated bits of z, (n,).
        group_bits: estimated bits of each group of y, (n, L).
    """

    y: Tensor
    y_hat: Tensor
    hyper: Tensor
    hyper_bits: Tensor
    group_bits: Tensor

    def bits(self, level: int) -> Tensor:
        """Estimated bits of z and the first `level` groups, (n,)."""
        return self.hyper_bits + self.group_bits[:, :level].sum(dim=1)


class Sic(nn.Module):
    """The networks of one size and variant."""

    def __init__(self, config: SicConfig):
        super().__init__()
        self.config = config
        self.g_a, self.g_s = Analysis(config), Synthesis(config)
        self.h_a = hyper_analysis(config.latent, config.hyper, nn.LeakyReLU)
        self.context = Context(config)
        self.prior = EntropyBottleneck(config.hyper)
        self.gaussian = GaussianConditional()

    def latent(self, pixels: Tensor) -> Latent:
        """y, ŷ and their estimated bits, of pixels (n, 3, H, W) in [0, 1].

        Rounding is straight-through, as in the authors' training; in training mode likelihoods are those of noise.
        The rate's networks run in float32 whatever the surrounding precision.
        """
        y = self.analyse(pixels)
        with torch.autocast(pixels.device.type, enabled=False):
            return self.rate(y.float(), self.h_a(y.float()))

    def analyse(self, pixels: Tensor) -> Tensor:
        """y (n, C, ⌈H/16⌉, ⌈W/16⌉) of pixels (n, 3, H, W) in [0, 1]."""
        height, width = (-(-side // STRIDE) for side in pixels.shape[-2:])
        return self.g_a(pad(pixels, STRIDE * self.config.window))[..., :height, :width]

    def synthesise(self, latents: Tensor, height: int, width: int) -> Tensor:
        """Pixels (n, 3, height, width), about [0, 1], of latents (n, C, ⌈height/16⌉, ⌈width/16⌉)."""
        return self.g_s(pad(latents, self.config.window))[..., :height, :width]

    def rate(self, y: Tensor, z: Tensor) -> Latent:
        """ŷ and the estimated bits, from y and z."""
        _, likelihoods = self.prior(z)
        medians = self.prior.medians
        hyper = self.context.hyper(round_straight(z - medians) + medians, *y.shape[-2:])
        y_hat = round_straight(y)
        scales, means = self.context(y_hat, hyper)
        # y is rounded as it is, so the model's own rounding, which is about the mean, will not do.
        likely = self.gaussian.likelihood(self.gaussian.add_noise(y) if self.training else y_hat, scales, means)
        groups = (-torch.log2(likely)).split(self.config.groups, dim=1)
        group_bits = torch.stack([group.flatten(1).sum(dim=1) for group in groups], dim=1)
        return Latent(y, y_hat, hyper, -torch.log2(likelihoods).flatten(1).sum(dim=1), group_bits)

    def fill_detail(self, y_hat: Tensor, hyper: Tensor, level: int, noise: Tensor) -> Tensor:
        """ŷ with all groups after the first `level` sampled, round(μ + noise) (Eq. 46), of ŷ's shape.

        μ is h_s's mean, from the hyper-latent alone: Sec. C.1 gives the context model to the coded groups only, and
        the authors' code does the same.

        Args:
            y_hat: (n, C, h, w); channels of groups that are not coded are not looked at.
            hyper: (n, 2C, h, w) from h_s.
            level: how many groups are coded.
            noise: (n, C, h, w), as `SicConfig.detail` says.
        """
        start = self.config.bounds[level]
        means = hyper[:, self.config.latent :]
        return torch.cat([y_hat[:, :start], round_straight(means[:, start:] + noise[:, start:])], dim=1)

    def draw_members(
        self, coded: Latent, level: int, samples: int, size: tuple[int, int], generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Members of a batch's synsets: pixels (samples, n, 3, H, W) float32, about [0, 1], and latents of ŷ's shape.

        Args:
            coded: the batch, of n images.
            level: how many groups are coded, 1 to L; at L nothing is left to sample.
            samples: how many members are drawn of each synset.
            size: (H, W) in pixels.
            generator: source of the detail's noise, on the device of the latents; None: torch's own.
        """
        latents = torch.stack([
            self.fill_detail(coded.y_hat, coded.hyper, level, self.noise(coded.hyper, generator))
            for _ in range(samples)
        ])  # fmt: skip
        return self.synthesise(latents.flatten(0, 1), *size).float().unflatten(0, latents.shape[:2]), latents

    def noise(self, hyper: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What is added to the means of the detail, of ŷ's shape, as `SicConfig.detail` says."""
        scales = hyper[:, : self.config.latent]
        if self.config.detail == "uniform":
            return torch.empty_like(scales).uniform_(-SPREAD, SPREAD, generator=generator)
        if self.config.detail == "scale":
            return torch.empty_like(scales).normal_(generator=generator) * self.gaussian.lower_bound_scale(scales)
        return torch.zeros_like(scales)
