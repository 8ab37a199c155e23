"""What the decoder of SIC expects of y: hyperprior, masked convolution in groups, entropy parameters (Fig. 9, 10)."""

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from smicnb.learned.networks.blocks import hyper_synthesis

if TYPE_CHECKING:
    from smicnb.learned.networks.sic import SicConfig

KERNEL = 5  # of the masked convolution


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
    """What the decoder expects of y: h_s, the masked convolution, and the entropy parameters of each group.

    Args:
        config: of the codec.
    """

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

    def by_group(self, hyper: Tensor) -> list[Tensor]:
        """The same for each group of c channels, (n, 2c, h, w)."""
        halves = (half.split(self.groups, dim=1) for half in hyper.chunk(2, 1))
        return [torch.cat(both, dim=1) for both in zip(*halves, strict=True)]

    def forward(self, y_hat: Tensor, hyper: Tensor) -> tuple[Tensor, Tensor]:
        """Scales and means of all of y, each (n, C, h, w), as its causal neighbours in ŷ and `hyper` tell them."""
        seen = functional.conv2d(y_hat, self.masked.weight * self.mask, self.masked.bias, padding=KERNEL // 2)
        local = seen.split([2 * c for c in self.groups], dim=1)
        told = zip(self.parameters_of, self.by_group(hyper), local, strict=True)
        found = [network(torch.cat([wide, near], dim=1)).chunk(2, 1) for network, wide, near in told]
        scales, means = zip(*found, strict=True)
        return torch.cat(scales, dim=1), torch.cat(means, dim=1)
