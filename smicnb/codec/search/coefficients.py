"""Coefficients of many images, as small as a file's symbols allow, and the cosines of queries with them.

On axes an image is one number of 16 bits for each axis that is coded, in parts of that axis's standard deviation. Of
atoms only those that an image has are kept, with their levels. A query is multiplied with axes or atoms once; what is
left for each image is a sum of its small numbers times the query's, over its norm, which is that of the decoder's own
whole numbers. No latent is made.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from smicnb.codec.format import priors
from smicnb.codec.format.codebook import Codebook
from smicnb.codec.format.quantise import ATOM_UNIT, COEFFICIENT_UNIT
from smicnb.codec.format.trellis import quantisation
from smicnb.codec.format.trellis.codebook import TrellisCodebook
from smicnb.codec.format.trellis.quantisation import LEVEL_UNIT
from smicnb.codec.search import scan
from smicnb.codec.search.scan import TILE

Prepared = tuple[np.ndarray, np.ndarray]  # weights (Q, axes or atoms) and offsets (Q,)


class Coefficients(Protocol):
    """Those of consecutive images."""

    said: float  # sum over the images that were added of the cosine that the file says it keeps of each

    def add(self, start: int, levels: np.ndarray) -> np.ndarray:
        """Take a block's levels (n, n_atoms), whose first image is number `start` here; starts rise.

        Returns:
            (n, L) float64, whole numbers: the latents but for their norm, as the decoder has them.
        """

    def score(self, prepared: Prepared, scores: np.ndarray) -> None:
        """Fill in the cosines (Q, images); NaN for images that were not added, and for latents of zeros."""

    @property
    def nbytes(self) -> int:
        """Bytes that these take."""


class Space:
    """What is known of a file's axes or atoms, for queries and for images.

    Args:
        book: the file's codebook.
    """

    def __init__(self, book: Codebook | TrellisCodebook):
        self.book = book
        self.on_axes = isinstance(book, TrellisCodebook)

    def coefficients(self, images: int) -> Coefficients:
        """Room for so many images, none of which is there yet."""
        return _OnAxes(self, images) if self.on_axes else _OnAtoms(self, images)

    def prepare(self, queries: np.ndarray) -> Prepared:
        """What queries (Q, L), float64 of norm 1, come to on axes or atoms."""
        products = np.empty((len(queries), self._rows.shape[1]))
        scan.project(queries, self._rows, products)
        if not self.on_axes:
            return products, np.zeros(len(queries))
        offsets = np.empty((len(queries), 1))
        scan.project(queries, self.mean[:, None], offsets)
        return products, offsets[:, 0]

    def sums(self, levels: np.ndarray) -> np.ndarray:
        """(n, L) float64, whole numbers: latents of levels (n, n_atoms) but for their norm, as the decoder has them."""
        return self.coefficients(len(levels)).add(0, levels)

    @cached_property
    def said(self) -> float:
        """The mean cosine of latents and what a file on axes keeps of them, by its distortion and scales.

        A coded axis keeps all but the distortion θ of its variance, another one nothing, nor does what no axis reaches.
        """
        book = self.book
        variances = np.square(priors.deviation(book.scales) / COEFFICIENT_UNIT)
        mean = np.square(self.mean / (ATOM_UNIT * COEFFICIENT_UNIT)).sum()
        coded, total = len(book.codes), float(mean + variances.sum())
        noise = np.square(priors.deviation(book.fidelity) / COEFFICIENT_UNIT)
        lost = coded * noise + variances[coded:].sum() + max(0.0, 1 - total)
        return float(np.sqrt(max(0.0, 1 - lost / max(1.0, total))))

    @cached_property
    def rows(self) -> np.ndarray:
        """(axes that are coded or atoms, L) float64, whole numbers."""
        return self.book.fixed_axes[: len(self.book.codes)] if self.on_axes else self.book.fixed_atoms

    @cached_property
    def _rows(self) -> np.ndarray:
        return np.ascontiguousarray(self.rows.T)

    @cached_property
    def mean(self) -> np.ndarray:
        """(L,) float64, whole numbers: what is added to the sums of all images."""
        return self.book.fixed_mean if self.on_axes else np.zeros(self.book.header.dim)

    @cached_property
    def steps(self) -> np.ndarray:
        """(K,) float64: of each axis, what a part of its standard deviation is in fixed point."""
        return self.book.deviations / LEVEL_UNIT

    @cached_property
    def trellis(self) -> tuple:
        """Codes and where their levels lie, for `scan.spread`."""
        known = quantisation.tables()
        table = np.concatenate([levels.ravel() for levels in known.levels]).astype(np.int16)
        return self.book.codes, known.first, table, self.book.deviations, LEVEL_UNIT


def inverses(sums: np.ndarray) -> np.ndarray:
    """(n,) inverse norms of vectors (n, L); NaN for those of zeros."""
    squares = np.empty(len(sums))
    scan.squares(sums, squares)
    squares[squares == 0] = np.nan
    return 1 / np.sqrt(squares)


@dataclass
class _OnAxes:
    space: Space
    images: int

    def __post_init__(self):
        count = len(self.space.book.codes)
        self._tiles = np.zeros((-(-self.images // TILE), count, TILE), np.int16)
        self._inverses, self.said = np.full(self.images, np.nan), 0.0

    def add(self, start: int, levels: np.ndarray) -> np.ndarray:
        values = np.empty((len(levels), self._tiles.shape[1]))
        scan.spread(levels, start, *self.space.trellis, self._tiles, values)
        sums = values @ self.space.rows  # exact, and so is the mean's: whole numbers below 2^53
        sums += self.space.mean
        self._inverses[start : start + len(levels)] = inverses(sums)
        self.said += self.space.said * len(levels)
        return sums

    def score(self, prepared: Prepared, scores: np.ndarray) -> None:
        scan.score_axes(self._tiles, self.space.steps, *prepared, self._inverses, scores)

    @property
    def nbytes(self) -> int:
        return self._tiles.nbytes + self._inverses.nbytes


class _OnAtoms:
    def __init__(self, space: Space, images: int):
        self._space, self._inverses, self.said = space, np.full(images, np.nan), 0.0
        self._used = np.zeros(images + 1, np.int64)
        self._atoms: list[np.ndarray] = []
        self._levels: list[np.ndarray] = []

    def add(self, start: int, levels: np.ndarray) -> np.ndarray:
        used = levels >= 0
        self._used[start + 1 : start + 1 + len(levels)] = used.sum(axis=1)
        self._atoms.append(np.nonzero(used)[1].astype(np.uint16))
        self._levels.append(levels[used].astype(np.uint16))
        midpoints = np.where(used, self._space.book.quantiser.midpoints(np.maximum(levels, 0)), 0)
        sums = midpoints.astype(np.float64) @ self._space.rows  # exact, as above
        found = inverses(sums)
        self._inverses[start : start + len(levels)] = found
        # At the optimum of Eq. 8 the product of latent and approximation is |s|² + λ‖c‖₁; all in units of the norm.
        norms = 1 / (found * ATOM_UNIT * COEFFICIENT_UNIT)
        header = self._space.book.header
        weight = header.penalty / header.norm * np.abs(midpoints).sum(axis=1) / COEFFICIENT_UNIT
        self.said += float(np.nan_to_num(np.minimum(1, norms + weight / norms)).sum())
        return sums

    @property
    def _flat(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if len(self._atoms) != 1:
            empty = np.zeros(0, np.uint16)
            self._atoms = [np.concatenate([empty, *self._atoms])]
            self._levels = [np.concatenate([empty, *self._levels])]
        return np.cumsum(self._used), self._atoms[0], self._levels[0]

    def score(self, prepared: Prepared, scores: np.ndarray) -> None:
        quantiser = self._space.book.quantiser
        shape = quantiser.low, quantiser.high - quantiser.low, quantiser.bits
        scan.score_atoms(*self._flat, *shape, prepared[0], self._inverses, scores)

    @property
    def nbytes(self) -> int:
        flat = sum(part.nbytes for parts in (self._atoms, self._levels) for part in parts)
        return flat + self._used.nbytes + self._inverses.nbytes
