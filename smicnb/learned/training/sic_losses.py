"""What SIC is trained for: rate, distortion and perception at two levels, its constraints, and the adversary."""

from itertools import pairwise
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer
from torch import Tensor, nn
from torch.nn import functional

from smicnb.base.bounds import MOST_WEIGHT
from smicnb.learned.networks.sic import STRIDE, SicConfig
from smicnb.learned.training.losses import leave_out_unsaid

PAPER_LEVELS = 16  # for which Table 1 has weights
CONDITION = 12  # channels that the condition is brought to


class SicWeights(BaseModel):
    """Weights of Eq. 12, 13 and 47.

    Args:
        scale: weight of the distortion: 1 with Table 1; λ of the squared error of pixels in [0, 255] without it.
        table: the reading of Table 1: the authors' code weights squared errors (of pixels in [0, 1]) by its first
            row, LPIPS by the second and the rate by the third; the paper's labels say rate, distortion, perception.
        alpha: α, of the level against the last.
        rate_spread, rate_reward: b and a of Eq. 47, in the warm-up alone.
        lpips: factor of Table 1's weights of LPIPS, or the twin's own weight of it; None, which is not written down:
            as the objective has it, 1 or 0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    scale: float = Field(1.0, gt=0, le=MOST_WEIGHT)
    table: Literal["code", "paper"] = "code"
    alpha: float = Field(0.5, ge=0, le=1)
    rate_spread: float = Field(64, ge=0, le=MOST_WEIGHT)
    rate_reward: float = Field(4, ge=0, le=MOST_WEIGHT)
    lpips: float | None = Field(None, ge=0, le=MOST_WEIGHT)

    @model_serializer(mode="wrap")
    def _describe(self, describe: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return leave_out_unsaid(describe(self), ("lpips",))

    def weight_of_lpips(self, objective: str) -> float:
        """`lpips` as it is used under an objective, "synonymous" or "rate-distortion"."""
        if self.lpips is not None:
            return self.lpips
        return 1.0 if objective == "synonymous" else 0.0

    def weights_at(self, level: int, levels: int) -> dict[str, float]:
        """Weights of mse, lpips and bpp at a level of 1 to `levels`, as Table 1 has them at level · 16 / levels."""
        place = PAPER_LEVELS * level / levels
        rows = [128 * place, 2 ** ((40 - place) / 8), 2 ** ((48 - 3 * place) / 8)]
        named = ("mse", "lpips", "bpp") if self.table == "code" else ("bpp", "mse", "lpips")
        weights = dict(zip(named, rows, strict=True))
        return weights | {"mse": self.scale * weights["mse"]}


def twin_weights_at(level: int, levels: int) -> tuple[float, float]:
    """λ of squared errors of pixels in [0, 255] and the weight of LPIPS under which a twin, whose rate counts once,
    minimises what Table 1 has at a level of 1 to `levels`.
    """
    weights = SicWeights().weights_at(level, levels)
    return weights["mse"] / (255**2 * weights["bpp"]), weights["lpips"] / weights["bpp"]


def spread_of_rates(group_bpp: Tensor, level: int, weights: SicWeights) -> Tensor:
    """Eq. 47: what keeps every group alive in the warm-up, from the bits per pixel of the L groups."""
    return weights.rate_spread * group_bpp.std() - weights.rate_reward * group_bpp[level - 1]


class Discriminator(nn.Module):
    """Whether pixels are an image's own, given the coded groups of a level (Fig. 18); four convolutions, the first to
    `width` channels, 64 in the paper.
    """

    def __init__(self, config: SicConfig, width: int):
        super().__init__()
        normed = nn.utils.parametrizations.spectral_norm
        self.conditions = nn.ModuleList(
            nn.Conv2d(channels, CONDITION, 3, padding=1, padding_mode="reflect") for channels in config.bounds[1:]
        )
        widths = [3 + CONDITION, width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [normed(nn.Conv2d(before, after, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, normed(nn.Conv2d(widths[-1], 1, 1)))

    def forward(self, pixels: Tensor, coded: Tensor, level: int) -> Tensor:
        """Logits (n, 1, H/16, W/16), positive for what looks real, of pixels (n, 3, H, W) about [0, 1], given the first
        `level` groups of ŷ, (n, channels, H/16, W/16).
        """
        condition = functional.leaky_relu(self.conditions[level - 1](coded.detach()), 0.2)
        condition = functional.interpolate(condition, scale_factor=STRIDE, mode="nearest")
        return self.layers(torch.cat([pixels, condition.to(pixels.dtype)], dim=1)).float()


def generator_loss(logits: Tensor) -> Tensor:
    """The non-saturating loss of the generator (Eq. 14), from logits of what it made."""
    return functional.softplus(-logits).mean()


def discriminator_loss(real: Tensor, made: Tensor) -> Tensor:
    """The loss of the discriminator (Eq. 15), from its logits."""
    return functional.softplus(-real).mean() + functional.softplus(made).mean()
