"""Quantisers behind a random rotation, which learn no codebook: TurboQuant and RaBitQ, at one to eight bits a number.

Both were made for every dimension of a vector, at a bit each or more. So that they reach lower rates, here they may
stand behind axes that are fitted or known: a transform leaves K coefficients, these are rotated at random, and their
direction is coded. Faiss holds both, and neither rotates by itself, stores a vector's length, or reads more than the
signs of a RaBitQ code back (1.15.1); so they are written here, and tests hold them against what faiss has.
"""

import struct
from functools import cache
from typing import ClassVar, Self

import numpy as np

from smicnb.base.errors import IntegrityError, SmicnbError
from smicnb.codec.format import quantise
from smicnb.compare.latents.quantisers.scalar import TRANSFORMS, Transform, fitted_once, limited, transform_from
from smicnb.compare.latents.symbols import Tables
from smicnb.compare.latents.transforms import UNIT, Truncation, hash_matrix, rotation

HEAD = struct.Struct("<BBQIII")  # transform, bits, seed, check of the rotation, least and largest length
LENGTHS = 16  # of the rotated coefficients, in equal steps between the least and the largest of training
LEVEL_UNIT = 1 << 12  # of a standard deviation, in which TurboQuant's levels are whole numbers
MOST_BITS = 8
ROUNDS = 2000  # of Lloyd's iteration


class Rotated:
    """What both have: transform, rotation, a length of a few bits, and one level for each rotated coefficient.

    Decoded is the projection of the coefficients on what their levels stand for: its length is what is sent.

    Args:
        name: name of the curve.
        transform: transform of the latents, fitted here; quantisers that share the object share the work of fitting it.
        bits: bits of a coefficient, 1 to 8.
        seed: seed of the rotation.
    """

    kind: ClassVar[int]

    def __init__(self, name: str, transform: Transform, bits: int, seed: int = 0):
        if not 1 <= bits <= MOST_BITS:
            raise SmicnbError(f"found {bits} bits for a coefficient", f"1 to {MOST_BITS}")
        self.name, self.transform, self.depth, self.seed = name, transform, bits, seed

    bits = None  # lengths and levels are of unlike sizes

    @property
    def setting(self) -> str:
        """Bits, and which coefficients are rotated."""
        if isinstance(self.transform, Truncation):
            return f"{self.depth} bit, dimensions as they are"
        return f"{self.depth} bit, {getattr(self.transform, 'n_components', None) or 'all'} axes"

    def fit(self, Z: np.ndarray) -> Self:
        """Fit transform, lengths and tables to latents (n, L) of norm `NORM`; tables to latents of other folds."""
        self._fitted, C = fitted_once(self.transform, Z)
        self._rotation = rotation(C.shape[1], self.seed)
        levels, lengths = self._directions(C)
        low, high = (lengths.min(), lengths.max()) if lengths.size else (0, 0)
        self._low = int(np.clip(np.floor(low), 0, quantise.LIMIT - 2))
        self._high = int(np.clip(np.ceil(high), self._low + 1, quantise.LIMIT - 1))
        symbols = np.hstack([self._length_levels(lengths), levels])
        counts = [np.bincount(symbols[:, 0], minlength=LENGTHS)]
        if levels.shape[1]:
            seen = np.bincount(levels.ravel(), minlength=1 << self.depth)
            counts.append((seen + seen[::-1]) / 2)  # a direction and its opposite are the same
        self._tables = Tables.from_counts(np.minimum(np.arange(symbols.shape[1]), 1), counts)
        return self

    def _directions(self, C: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Levels (n, K) int32 of coefficients (n, K), and the lengths (n,) of their projections in fixed point."""
        turned = C @ (self._rotation / quantise.ATOM_UNIT).T
        levels = self._levels(turned)
        values = self._values(levels).astype(np.float64)
        norms = np.sqrt(np.square(values).sum(axis=1))
        return levels, UNIT * (turned * values).sum(axis=1) / np.where(norms == 0, 1, norms)

    def _length_levels(self, lengths: np.ndarray) -> np.ndarray:
        found = np.floor((lengths - self._low) * (LENGTHS / (self._high - self._low)))
        return np.clip(found, 0, LENGTHS - 1).astype(np.int32)[:, None]

    def quantise(self, Z: np.ndarray) -> np.ndarray:
        """Length, then levels (n, 1 + K) int32, of latents (n, L) of norm `NORM`."""
        levels, lengths = self._directions(self._fitted.transform(Z))
        return np.hstack([self._length_levels(lengths), levels])

    def reconstruct(self, symbols: np.ndarray) -> np.ndarray:
        """Latents (n, L) float32 of symbols (n, 1 + K)."""
        values = self._values(symbols[:, 1:])
        lengths = self._low + (((2 * symbols[:, :1].astype(np.int64) + 1) * (self._high - self._low)) // (2 * LENGTHS))
        norms = np.sqrt(np.maximum(1, np.square(values).sum(axis=1, keepdims=True)).astype(np.float64))
        turned = values.astype(np.float64) @ self._rotation  # exact: 2^15 · 2^19 · K is below 2^53
        return self._fitted.decode(limited(np.rint(turned * (lengths / (norms * quantise.ATOM_UNIT)))).astype(np.int64))

    def _levels(self, turned: np.ndarray) -> np.ndarray:
        """Levels (n, K) int32, 0 to 2^depth − 1, of rotated coefficients (n, K)."""
        raise NotImplementedError

    def _values(self, levels: np.ndarray) -> np.ndarray:
        """What levels stand for, whole numbers (n, K) int64, at any scale."""
        raise NotImplementedError

    @property
    def sizes(self) -> np.ndarray:
        """(1 + K,) lengths, then levels of each coefficient."""
        return np.array([LENGTHS] + [1 << self.depth] * len(self._fitted.rows_))

    def tables(self) -> Tables:
        """One table for the lengths, one for all levels."""
        return self._tables

    def side_information(self) -> bytes:
        """Bits, rotation and lengths, then the transform's."""
        check = hash_matrix(self._rotation)
        head = HEAD.pack(TRANSFORMS.index(type(self._fitted)), self.depth, self.seed, check, self._low, self._high)
        return head + self._fitted.side_information()

    @classmethod
    def from_bytes(cls, data: bytes, dim: int) -> tuple[Self, bytes]:
        """The quantiser of `side_information`'s bytes, and the bytes after it; raises IntegrityError."""
        number, bits, seed, check, low, high = HEAD.unpack_from(data)
        if not 1 <= bits <= MOST_BITS or not low < high < quantise.LIMIT:
            raise IntegrityError(f"found {bits} bits and lengths from {low} to {high}", "those of an encoder")
        transform, rest = transform_from(number, data[HEAD.size :], dim)
        quantiser = cls("", transform, bits, seed)
        quantiser._fitted, quantiser._low, quantiser._high = transform, low, high
        quantiser._rotation = rotation(len(transform.rows_), seed)
        if hash_matrix(quantiser._rotation) != check:
            raise IntegrityError("this machine draws another rotation than the encoder's", "the same NumPy as there")
        return quantiser, rest


class TurboQuant(Rotated):
    """Each rotated coefficient by the best scalar quantiser of a Gaussian, whatever the others are.

    Args:
        name, transform, bits, seed: arguments of `Rotated`.

    Source: Zandieh, Daliri, Hadian and Mirrokni, TurboQuant: online vector quantization with near-optimal distortion
    rate, 2025 (the quantiser of least squared error); Lloyd, Least squares quantization in PCM, 1982.
    """

    kind: ClassVar[int] = 8

    def _levels(self, turned: np.ndarray) -> np.ndarray:
        scale = np.sqrt(np.square(turned).mean(axis=1, keepdims=True)) if turned.shape[1] else np.ones((len(turned), 1))
        points = lloyd_levels(self.depth) / LEVEL_UNIT
        ends = (points[1:] + points[:-1]) / 2
        return np.searchsorted(ends, turned / np.where(scale == 0, 1, scale), side="right").astype(np.int32)

    def _values(self, levels: np.ndarray) -> np.ndarray:
        return lloyd_levels(self.depth)[levels]


@cache
def lloyd_levels(bits: int) -> np.ndarray:
    """(2^bits,) levels of least squared error for a standard Gaussian, int64 in 1/`LEVEL_UNIT`, symmetric."""
    from scipy.special import ndtr, ndtri

    count = 1 << bits
    points = ndtri((np.arange(count) + 0.5) / count)
    for _ in range(ROUNDS):
        ends = np.concatenate([[-np.inf], (points[1:] + points[:-1]) / 2, [np.inf]])
        points = -np.diff(np.exp(-np.square(ends) / 2)) / np.sqrt(2 * np.pi) / np.diff(ndtr(ends))
    return np.rint((points - points[::-1]) / 2 * LEVEL_UNIT).astype(np.int64)


class RaBitQ(Rotated):
    """The direction of the rotated coefficients by the nearest, in angle, of all vectors of 2^bits even steps.

    With one bit these are the signs. With more, the vectors that a growing scale rounds to are gone through, all of
    them, as the source does.

    Args:
        name, transform, bits, seed: arguments of `Rotated`.

    Source: Gao and Long, RaBitQ: quantizing high-dimensional vectors with a theoretical error bound, 2024; Gao, Gou,
    Xu, Yang, Long and Wong, Practical and asymptotically optimal quantization of high-dimensional vectors, 2025.
    """

    kind: ClassVar[int] = 9

    def _levels(self, turned: np.ndarray) -> np.ndarray:
        half = 1 << (self.depth - 1)
        sizes = np.stack([_nearest_sizes(row, half) for row in np.abs(turned)]) if len(turned) else turned.astype(int)
        return np.where(turned < 0, half - 1 - sizes, half + sizes).astype(np.int32)

    def _values(self, levels: np.ndarray) -> np.ndarray:
        return 2 * levels.astype(np.int64) + 1 - (1 << self.depth)


def _nearest_sizes(row: np.ndarray, half: int) -> np.ndarray:
    """Whole numbers q (K,), 0 to half − 1, for which the vector 2q + 1 is nearest in angle to a row (K,) of sizes."""
    largest = row.max(initial=0.0)
    if half == 1 or largest == 0.0:
        return np.zeros(len(row), np.int64)
    # A scale s takes |x| to q = ⌊s|x|/2⌋: it steps up where s|x| = 2, 4, …
    which = np.tile(np.arange(len(row)), half - 1)
    steps = np.repeat(np.arange(1, half), len(row))
    with np.errstate(divide="ignore"):
        scales = 2 * steps / row[which]
    order = np.argsort(scales, kind="stable")
    order = order[np.isfinite(scales[order])]
    products = row.sum() + np.concatenate([[0], np.cumsum(2 * row[which[order]])])
    squares = len(row) + np.concatenate([[0], np.cumsum(8 * steps[order])])  # (2q + 1)² − (2q − 1)²
    best = int(np.argmax(products / np.sqrt(squares)))
    return np.bincount(which[order[:best]], minlength=len(row))
