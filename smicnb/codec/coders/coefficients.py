"""Coefficients to levels by the latents that they leave, where it is asked for: range of the quantiser, and levels.

The paper leaves the range open. Chosen by the error of the coefficients, as it is unless `SMICCodec` is asked to
refit, it is that of the few large ones of a memorised collection, and other images, whose coefficients are many and
small, may fall to any cosine. Here a range is judged by the cosines of the collection's latents and what their levels
decode to. And a level need not be the nearest one: within the atoms that Eq. 8 chose, levels are searched for the
latent's cosine, null among them. With many bits that is least squares on the support, without the penalty's bias.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from smicnb.codec.coders.sparse import path_from_gram
from smicnb.codec.format.quantise import COEFFICIENT_UNIT, CoefficientQuantiser

SWEEPS = 20  # over a latent's coefficients; a few are enough
JUDGED_BY, JUDGING_SWEEPS = 128, 5  # latents that a range is chosen by at most, evenly spread, and sweeps over each
# Shares of coefficients beyond either end of the range.
SHARES = np.concatenate([[0.0], 0.05 * 0.3 ** np.arange(6, -1, -1), [0.12, 0.25, 0.4]])
STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1))  # from a range to those beside it
BETTER = 1e-6  # of a mean cosine, by which a range has to be better than the one before


def spread_rows(count: int, most: int) -> np.ndarray:
    """At most `most` of the rows 0 … count − 1, evenly spread, both ends among them."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(int)


@dataclass(frozen=True)
class Codes:
    """The codes of one set of images at one λ, with what their fidelity is computed from.

    Args:
        codes: (n, n_atoms) float64, 0.0 where null.
        products: (n, n_atoms) of latents and the decoder's atoms.
        norms: (n,) of the latents.
        gram: (n_atoms, n_atoms) of the decoder's atoms.
    """

    codes: np.ndarray
    products: np.ndarray
    norms: np.ndarray
    gram: np.ndarray

    @classmethod
    def from_latents(cls, latents: np.ndarray, atoms: np.ndarray, penalty: float) -> "Codes":
        """Codes of Eq. 8 of latents (n, L) in atoms (n_atoms, L)."""
        gram, products = atoms @ atoms.T, latents @ atoms.T
        codes = path_from_gram(gram, products, [penalty])[:, 0]
        return cls(codes, products, np.linalg.norm(latents, axis=1), gram)

    def some(self, most: int) -> "Codes":
        """These, or `most` of them, evenly spread."""
        rows = spread_rows(len(self.codes), most)
        return Codes(self.codes[rows], self.products[rows], self.norms[rows], self.gram)

    def levels(
        self, quantiser: CoefficientQuantiser, norm: float, sweeps: int = SWEEPS
    ) -> tuple[np.ndarray, np.ndarray]:
        """Levels (n, n_atoms) int32, −1 where null, and the cosines (n,) of what they decode to with the latents. For
        these cosines an image's coefficients are gone through `sweeps` times at most; 0 for rounding alone.
        """
        from smicnb.codec.coders.refit import search

        levels = np.empty(self.codes.shape, np.int32)
        codes, products, gram = (np.ascontiguousarray(part) for part in (self.codes, self.products, self.gram))
        shape = quantiser.low, quantiser.high, quantiser.bits, COEFFICIENT_UNIT / norm
        return levels, search(codes, products, gram, self.norms, *shape, sweeps, levels)


def fit_range(codes: Codes, bits: int, norm: float) -> CoefficientQuantiser:
    """The quantiser of b_coef `bits` whose levels leave the collection's codes, of latents of a norm, the largest mean
    cosine, as far as a walk from range to range finds it.

    Ends are quantiles of the coefficients. The walk begins where coefficients err least in the squared sense.
    """
    values = np.sort(codes.codes[codes.codes != 0])
    if not values.size:
        return CoefficientQuantiser.from_range(0.0, 0.0, bits, norm)
    judges = codes.some(JUDGED_BY)
    lows, highs = np.quantile(values, SHARES), np.quantile(values, 1 - SHARES)

    @cache
    def cosine(low: int, high: int) -> float:
        if min(low, high) < 0 or max(low, high) >= len(SHARES) or (lows[low] >= highs[high] and (low or high)):
            return -np.inf
        quantiser = CoefficientQuantiser.from_range(lows[low], highs[high], bits, norm)
        return float(judges.levels(quantiser, norm, JUDGING_SWEEPS)[1].mean())

    at = _least_error(values, lows, highs, bits, norm)
    while True:
        beside = max(((at[0] + low, at[1] + high) for low, high in STEPS), key=lambda place: cosine(*place))
        if not cosine(*beside) > cosine(*at) + BETTER:
            return CoefficientQuantiser.from_range(lows[at[0]], highs[at[1]], bits, norm)
        at = beside


def _least_error(values: np.ndarray, lows: np.ndarray, highs: np.ndarray, bits: int, norm: float) -> tuple[int, int]:
    """The ends between which sorted coefficients err least, by their places among the quantiles."""
    some = values[spread_rows(len(values), 4096)]
    least, at = np.inf, (0, 0)
    for low, first in enumerate(lows):
        for high, last in enumerate(highs):
            if first < last:
                quantiser = CoefficientQuantiser.from_range(first, last, bits, norm)
                error = np.square(quantiser.dequantise(quantiser.quantise(some, norm), norm) - some).sum()
                if error < least:
                    least, at = error, (low, high)
    return at
