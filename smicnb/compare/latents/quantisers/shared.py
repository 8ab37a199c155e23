"""Codebooks that both sides have: trained on draws of a prior, from a seed, so that only a mean is sent."""

import struct
import zlib
from functools import cache
from typing import ClassVar, Self

import numpy as np

from smicnb.base.errors import IntegrityError, SmicnbError
from smicnb.codec.format import priors, quantise
from smicnb.codec.format.priors import Prior
from smicnb.compare.latents.quantisers.additive import LocalSearchQuantiser, NarrowResidualQuantiser
from smicnb.compare.latents.quantisers.vector import (
    Codebooks,
    OptimizedProductQuantiser,
    ProductQuantiser,
)
from smicnb.compare.latents.symbols import Tables
from smicnb.compare.latents.transforms import NORM, Truncation

DRAWN = 4096  # latents of a prior that codebooks are trained on
# What a file may ask a decoder to train: draws, codebooks, bits of an index, and what faiss takes as a seed.
MOST_DRAWN, MOST_BOOKS, MOST_BITS, MOST_SEED = 1 << 14, 64, 8, (1 << 31) - 1
HEAD = struct.Struct("<BBBBQIIf")  # kind, codebooks, bits of an index, of a number, seed, draws, check, scale

TRAINED = (ProductQuantiser, NarrowResidualQuantiser, OptimizedProductQuantiser, LocalSearchQuantiser)
KINDS: dict[int, type[Codebooks]] = {quantiser.kind: quantiser for quantiser in TRAINED}


def draws(prior: Prior, count: int, seed: int) -> np.ndarray:
    """Latents (count, L) of a prior's covariance, of mean zero and `NORM` in the root of the mean square."""
    deviations = priors.deviation(prior.scales).astype(np.float64)
    deviations *= NORM / np.linalg.norm(deviations)
    normal = np.random.Generator(np.random.PCG64(seed)).standard_normal((count, len(deviations)))
    return (normal * deviations) @ (prior.axes / quantise.ATOM_UNIT)


@cache
def _known_to_both(
    kind: int, prior: Prior, count: int, bits: int, codebook_bits: int, seed: int, drawn: int
) -> Codebooks:
    """Codebooks that were trained on draws of a prior alone, as both sides can do."""
    return KINDS[kind]("", count, bits, codebook_bits, seed).fit(draws(prior, drawn, seed))


class SharedCodebooks:
    """Codebooks for what a mean leaves, trained on draws of a prior: the mean is sent, and a scale, no codebook.

    Both sides train them, from one seed; a check stands in the file, since a machine may round otherwise.

    Args:
        quantiser: quantiser of any of `KINDS`: its name and sizes.
        prior: source of the latents that are drawn.
        drawn: how many.
    """

    kind: ClassVar[int] = 7

    def __init__(self, quantiser: Codebooks, prior: Prior | None = None, drawn: int = DRAWN):
        self.name, self.count, self.bits = quantiser.name, quantiser.count, quantiser.bits
        self.setting = f"{quantiser.setting}, known to both"
        shape = quantiser.count, quantiser.bits, quantiser.codebook_bits, quantiser.seed
        self._shape = quantiser.kind, prior, *shape, drawn

    def fit(self, Z: np.ndarray) -> Self:
        """Take mean and scale of latents (n, L) of norm `NORM`, and tables of the indices."""
        self._mean = Truncation(centre=True).fit(Z)
        left = np.square(Z - self._mean.mean_).sum(axis=1).mean()
        self._scale = float(np.float32(max(np.sqrt(left), 1e-3) / NORM))
        drawn = self._books.quantise(draws(self._shape[1], self._shape[6], self._shape[5]))
        seen = np.vstack([drawn, self.quantise(Z)])
        self._tables = Tables.fit(seen, np.arange(len(self.sizes)), self.sizes)
        return self

    @property
    def _books(self) -> Codebooks:
        return _known_to_both(*self._shape)

    def quantise(self, Z: np.ndarray) -> np.ndarray:
        """Indices (n, count) int32 of latents (n, L) of norm `NORM`."""
        return self._books.quantise((Z - self._mean.mean_) / self._scale)

    def reconstruct(self, symbols: np.ndarray) -> np.ndarray:
        """Latents (n, L) float32 of indices (n, count)."""
        books = self._books
        sums = books._sums(symbols)
        whole = 1 if books.kind != OptimizedProductQuantiser.kind else quantise.ATOM_UNIT
        unit = self._scale * books._unit / whole
        return quantise.scale_to_norm(np.rint((self._mean.mean_ + sums * unit) * (1 << 24)), NORM)

    @property
    def sizes(self) -> np.ndarray:
        """(count,) codewords of each codebook."""
        return np.full(self._shape[2], 1 << self._shape[3])

    def tables(self) -> Tables:
        """One table for each codebook."""
        return self._tables

    def side_information(self) -> bytes:
        """Which codebooks, by kind, sizes and prior, their check, scale and mean."""
        kind, prior, *shape = self._shape
        head = HEAD.pack(kind, *shape, _check(self._books), self._scale)
        return head + prior.identity + self._mean.side_information()

    @classmethod
    def from_bytes(cls, data: bytes, dim: int) -> tuple[Self, bytes]:
        """The quantiser of `side_information`'s bytes, and the bytes after it; raises IntegrityError."""
        kind, count, bits, codebook_bits, seed, drawn, check, scale = HEAD.unpack_from(data)
        prior = priors.find_by_identity(data[HEAD.size :][:8])
        asked = drawn > MOST_DRAWN or count > MOST_BOOKS or bits > MOST_BITS or seed > MOST_SEED
        if kind not in KINDS or prior.dim != dim or not 0 < scale < np.inf or asked:
            raise IntegrityError("found shared codebooks that cannot be", "those of an encoder")
        try:
            quantiser = KINDS[kind]("", count, bits, codebook_bits, seed)
            quantiser._check(dim)
        except SmicnbError as error:
            raise IntegrityError("found shared codebooks that cannot be", "those of an encoder") from error
        found = cls(quantiser, prior, drawn)
        found._mean, rest = Truncation.from_bytes(data[HEAD.size + 8 :], dim)
        found._scale = scale
        if _check(found._books) != check:
            raise IntegrityError("this machine trains other codebooks than the encoder's", "the same faiss as there")
        return found, rest


def _check(books: Codebooks) -> int:
    return zlib.crc32(books.side_information())
