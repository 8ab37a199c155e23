"""The other ways to code a latent, entropy coded, each at the settings that its curve is drawn from.

Those of `rivals` are fitted in seconds; those of `today` are the vector quantisers of these years, which train longer.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
from sklearn.utils.validation import validate_data

from smicnb.base.work.recall import recall_by_content
from smicnb.codec.coders.axes import mixed_covariance, spectrum
from smicnb.codec.format import quantise
from smicnb.codec.format.priors import Prior
from smicnb.compare.latents.protocol import LatentCoder, QuantisedCoder
from smicnb.compare.latents.quantisers.additive import (
    LocalSearchQuantiser,
    NarrowResidualQuantiser,
    ResidualQuantiser,
)
from smicnb.compare.latents.quantisers.rotated import RaBitQ, TurboQuant
from smicnb.compare.latents.quantisers.scalar import FixedScalar, SteppedScalar
from smicnb.compare.latents.quantisers.shared import DRAWN, SharedCodebooks
from smicnb.compare.latents.quantisers.vector import Codebooks, OptimizedProductQuantiser, ProductQuantiser
from smicnb.compare.latents.transforms import KLT, PriorAxes, RandomRotation, Truncation, normalise

# Those of which the best is asked to be beaten, and those that are given our prior.
BEST = ("KLT", "KLT, dead zone", "product quantiser + entropy", "residual quantiser + entropy")
KLT_PRIOR, SCALAR_PRIOR = "KLT, dead zone, given the prior", "scalars on the prior's axes"
GIVEN = (KLT_PRIOR, SCALAR_PRIOR)
# Those that learn no axes and no codebook.
UNTRAINED = ("CLIP-intra + entropy", "random rotation, b bit + entropy", "random rotation", "matryoshka")
# Vector quantisers of today, and the sizes that they are tried at: bits of an index; few where training takes long.
OPTIMISED, LOCAL_SEARCH = "optimised product quantiser", "local search quantiser"
ROTATED = {"TurboQuant": TurboQuant, "RaBitQ": RaBitQ}
TODAY = (f"{OPTIMISED} + entropy", f"{LOCAL_SEARCH} + entropy", *ROTATED)
VECTORS: dict[str, tuple[type[Codebooks], tuple[int, ...]]] = {
    "product quantiser": (ProductQuantiser, (4, 6, 8)),
    "residual quantiser": (NarrowResidualQuantiser, (6, 8)),
    OPTIMISED: (OptimizedProductQuantiser, (4, 6)),
    LOCAL_SEARCH: (LocalSearchQuantiser, (4, 6)),
}
PRIOR = ", given the prior"
VECTORS_GIVEN = (*(f"{name}{PRIOR} + entropy" for name in VECTORS), *(f"{name}{PRIOR}" for name in ROTATED))
COUNTS = (1, 2, 4, 8, 16)  # codebooks of a quantiser of today
# Codewords in all of what is searched for along many draws, which takes long.
MOST_SEARCHED: dict[type[Codebooks], int] = {LocalSearchQuantiser: 512, NarrowResidualQuantiser: 2048}
ROTATED_AXES, ROTATED_BITS = (8, 16, 32, 64, 128, None), (1, 2, 3, 4)
ROUNDINGS = (("KLT", 0.5), ("KLT, dead zone", 0.4), ("KLT, dead zone", 0.3))
# Axes and bits of a KLT: few axes of few bits are for small collections and low fidelities.
AXES = ((None, 8), (None, 5), *((count, bits) for bits in (3, 4) for count in (8, 16, 24, 32, 48, 64, 96)))
WATER = 1.0  # variance below which a component is not asked for in cross-validation, at norm 20


class PriorKLT(KLT):
    """The KLT of a covariance that is mixed with a prior's: what our coder knows, for a rival to know too.

    Args:
        n_components, bits: arguments of `KLT`.
        prior: source of a covariance; its share is found as `AxesCodec` finds it.
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


class Draws:
    """Latents that are drawn from the covariance which our coder has of a collection: its own, mixed with a prior's.

    Args:
        prior: source of the covariance that is mixed in.
        count: number of draws.
        seed: seed of draws.
    """

    def __init__(self, prior: Prior, count: int, seed: int):
        self.prior, self.count, self.seed = prior, count, seed

    def __call__(self, Z: np.ndarray) -> np.ndarray:
        """Latents (count, L) of norm `NORM`, for latents Z (n, L) of that norm."""
        return _draw(Z, self.prior.covariance, self.count, self.seed)


@recall_by_content(1)
def _draw(Z: np.ndarray, known: np.ndarray, count: int, seed: int) -> np.ndarray:
    mean = Z.mean(axis=0)
    covariance, _ = mixed_covariance(Z - mean, known, WATER)
    variances, axes = spectrum(covariance)
    normal = np.random.Generator(np.random.PCG64(seed)).standard_normal((count, len(axes)))
    return normalise(mean + (normal * np.sqrt(variances)) @ axes)


def rivals(dim: int, images: int, steps: Sequence[float], seed: int, prior: Prior | None = None) -> list[LatentCoder]:
    """Scalar, product and residual quantisers at all their settings.

    Args:
        dim: L, dimensions of the latents.
        images: number of images that they are fitted to: codebooks have at most as many codewords.
        steps: steps of the scalar quantisers, in the unit of latents of norm 20.
        seed: seed of rotation and codebooks.
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


def today(
    dim: int,
    images: int,
    seed: int,
    prior: Prior | None = None,
    counts: Sequence[int] = COUNTS,
    drawn: int = DRAWN,
) -> list[LatentCoder]:
    """Vector quantisers of today; with a prior also all vector quantisers as they are with what is known beforehand.

    Given the prior, codebooks are trained on draws: of the mixed covariance, together with the training latents, and
    sent; or of the prior alone, so that both sides have them.

    Args:
        dim, images, seed: arguments of `rivals`.
        prior: given to `VECTORS_GIVEN`; without one these are left out.
        counts: numbers of codebooks.
        drawn: latents of a prior that vector quantisers are trained on.
    """

    def shapes(kind: type[Codebooks], bits: Sequence[int], most: int) -> list[tuple[int, int]]:
        pieces = issubclass(kind, ProductQuantiser)
        fitting = [count for count in counts if not pieces or (count > 1 and dim % count == 0)]
        return [(count, b) for b in bits if 1 << b <= most for count in fitting]

    coders: list[LatentCoder] = []
    for name in (OPTIMISED, LOCAL_SEARCH):
        kind, bits = VECTORS[name]
        coders += [QuantisedCoder(kind(name, *shape, 8, seed)) for shape in shapes(kind, bits, images)]
    own = [KLT(count, 8) for count in ROTATED_AXES if count is None or count < min(dim, images)]
    coders += _rotated([*own, Truncation(centre=True)], seed, "")
    if prior is None:
        return coders
    mixed = Draws(prior, drawn, seed)
    for name, (kind, bits) in VECTORS.items():
        known = f"{name}{PRIOR}"
        for count, b in shapes(kind, bits, drawn):
            if count << b <= MOST_SEARCHED.get(kind, count << b):
                coders.append(QuantisedCoder(kind(known, count, b, 8, seed, mixed)))
                coders.append(QuantisedCoder(SharedCodebooks(kind(known, count, b, 8, seed), prior, drawn)))
    axes = [PriorAxes(prior, count) for count in ROTATED_AXES if count is None or count < dim]
    return coders + _rotated(axes, seed, PRIOR)


def _rotated(transforms: Sequence[KLT | PriorAxes | Truncation], seed: int, suffix: str) -> list[LatentCoder]:
    return [
        QuantisedCoder(kind(f"{name}{suffix}", transform, bits, seed))
        for name, kind in ROTATED.items()
        for transform in transforms
        for bits in ROTATED_BITS
    ]


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
