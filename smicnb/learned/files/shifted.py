"""Gaussians about any mean, as tables: for a latent that is rounded as it is, and not after its mean is taken off.

An integer whose Gaussian has the mean m + f, m an integer and |f| at most ½, is coded as its distance from m, and
where f is negative as that distance mirrored. One table serves a scale and a fraction |f|; the narrower the scale,
the more fractions are told apart. The tables are kept in the package, with the borders between scales: computed
anew they may differ in the last digit.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit

from smicnb.learned.files.coding import GRID, LARGEST, Tables, load_tables

FILE = "shifted_gaussian_tables.safetensors"


@dataclass(frozen=True)
class ShiftedGaussians:
    """The tables and how one of them is chosen.

    Args:
        tables: tables with one row for each scale and fraction, the fractions of a scale one after another.
        edges: bounds between the scales, (S - 1,) float64.
        first: the row of each scale's fraction 0, (S,).
        fineness: fractions of each scale are multiples of 1/fineness, (S,), a power of 2.
    """

    tables: Tables
    edges: np.ndarray
    first: np.ndarray
    fineness: np.ndarray

    def rows(self, scales: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What codes integers under Gaussians of these scales and means, float64 of one shape.

        Returns:
            Their tables; the integers m nearest to the means; and 1 or -1, which mirrors the distance from m. All
            are int64 of the same shape.
        """
        found = np.empty((3, scales.size), np.int64)
        _choose(self.edges, self.first, self.fineness, scales.ravel(), means.ravel(), *found)
        return tuple(each.reshape(scales.shape) for each in found)


@njit(cache=True, nogil=True)
def _choose(edges, first, fineness, scales, means, rows, near, mirrors):
    for index in range(len(scales)):
        mean = np.rint(means[index] * GRID) / GRID
        if not abs(mean) <= LARGEST:  # as of weights that were never trained, or no number
            mean = 0.0
        middle = np.floor(mean + 0.5)
        fraction = mean - middle
        scale = np.searchsorted(edges, scales[index])
        fine = fineness[scale]
        step = min(np.int64(np.floor(abs(fraction) * fine + 0.5)), fine // 2)
        rows[index], near[index] = first[scale] + step, np.int64(middle)
        mirrors[index] = -1 if fraction < 0 else 1


@cache
def shifted_gaussians() -> ShiftedGaussians:
    """The tables that the package keeps."""
    tables, more = load_tables(FILE)
    return ShiftedGaussians(tables, *(more[name] for name in ("edges", "first", "fineness")))
