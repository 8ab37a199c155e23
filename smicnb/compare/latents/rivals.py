"""The other ways to code a latent, entropy coded, each at the settings that its curve is drawn from."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from sklearn.utils.validation import validate_data

from smicnb.codec.coders.axes import mixed_covariance, spectrum
from smicnb.codec.format import quantise
from smicnb.codec.format.priors import Prior
from smicnb.compare.latents.protocol import LatentCoder, QuantisedCoder
from smicnb.compare.latents.scalar import FixedScalar, SteppedScalar
from smicnb.compare.latents.transforms import KLT, PriorAxes, RandomRotation, Truncation
from smicnb.compare.latents.vector import ProductQuantiser, ResidualQuantiser

# Those of which the best is asked to be beaten, and those that are given our prior.
BEST = ("KLT", "KLT, dead zone", "product quantiser + entropy", "residual quantiser + entropy")
KLT_PRIOR, SCALAR_PRIOR = "KLT, dead zone, given the prior", "scalars on the prior's axes"
GIVEN = (KLT_PRIOR, SCALAR_PRIOR)
ROUNDINGS = (("KLT", 0.5), ("KLT, dead zone", 0.4), ("KLT, dead zone", 0.3))
# Axes and bits of a KLT: few axes of few bits are for small collections and low fidelities.
AXES = ((None, 8), (None, 5), *((count, bits) for bits in (3, 4) for count in (8, 16, 24, 32, 48, 64, 96)))
WATER = 1.0  # variance below which a component is not asked for in cross-validation, at norm 20


class PriorKLT(KLT):
    """The KLT of a covariance that is mixed with a prior's: what our coder knows, for a rival to know too.

    Args:
        n_components, bits: as of `KLT`.
        prior: whose covariance; its share is found as `AxesCodec` finds it.
    """

    def __init__(self, n_components=None, bits=8, prior: Prior | None = None):
        super().__init__(n_components, bits)
        self.prior = prior

    def fit(self, Z, y=None) -> Self:
        """Find mean and axes of latents Z (n, L) of norm 20."""
        Z = validate_data(self, Z, dtype=np.float64)
        mean = Z.mean(axis=0)
        covariance, _ = mixed_covariance(Z - mean, self.prior.covariance, WATER)
        variances, axes = spectrum(covariance)
        self._set_mean(mean)
        self.variances_ = variances[: self.n_components]
        self._set_rows(quantise.atom_levels(axes[: self.n_components], self.bits))
        return self


def rivals(dim: int, images: int, steps: Sequence[float], seed: int, prior: Prior | None = None) -> list[LatentCoder]:
    """Every rival at all its settings.

    Args:
        dim: L, dimensions of the latents.
        images: that they are fitted to: codebooks have at most as many codewords.
        steps: of the scalar quantisers, in the unit of latents of norm 20.
        seed: of rotation and codebooks.
        prior: given to two of them, `GIVEN`; without one these are left out.
    """
    transforms = [KLT(*shape) for shape in AXES]
    coders: list[LatentCoder] = [
        QuantisedCoder(SteppedScalar(name, transform, step, rounding))
        for name, rounding in ROUNDINGS
        for transform in transforms
        for step in steps
    ]
    if prior is not None:
        given = ((KLT_PRIOR, PriorKLT(prior=prior)), (SCALAR_PRIOR, PriorAxes(prior)))
        coders += [
            QuantisedCoder(SteppedScalar(name, transform, step, rounding))
            for name, transform in given
            for rounding in (0.4, 0.3)
            for step in steps
        ]
    for bits in (b for b in (4, 6, 7) if 1 << b <= images):
        for codebook_bits in (4, 8):  # the cheaper for small collections
            shape = bits, codebook_bits, seed
            counts = [count for count in (4, 16, 64) if dim % count == 0]
            coders += [QuantisedCoder(ProductQuantiser("product quantiser", count, *shape)) for count in counts]
            coders += [
                QuantisedCoder(ResidualQuantiser("residual quantiser", count, *shape)) for count in (1, 2, 4, 8, 16)
            ]
    return coders + _untrained(dim, steps, seed)


def _untrained(dim: int, steps: Sequence[float], seed: int) -> list[LatentCoder]:
    """Those that learn no axes: uniform bits, signs, a random rotation, the leading dimensions."""
    rotation = RandomRotation(seed)
    fixed = [FixedScalar("CLIP-intra", Truncation(), bits) for bits in (1, 2, 3, 4)]
    fixed += [FixedScalar("random rotation, b bit", rotation, bits) for bits in (1, 2, 3)]
    coders: list[LatentCoder] = [QuantisedCoder(quantiser) for quantiser in fixed]
    coders += [QuantisedCoder(SteppedScalar("random rotation", rotation, step, 0.3)) for step in steps]
    for kept in (dim // 8, dim // 4, dim // 2):
        shorter = Truncation(kept, centre=True)
        coders += [QuantisedCoder(SteppedScalar("matryoshka", shorter, step, 0.2)) for step in steps]
    return coders
