"""Vector quantisers of latents: product and residual codebooks, trained by faiss, searched and decoded in integers."""

import struct
from types import ModuleType
from typing import ClassVar, Self

import numpy as np

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.codec.format import quantise
from smicnb.compare.latents.symbols import Tables
from smicnb.compare.latents.transforms import NORM

HEAD = struct.Struct("<HBB")  # codebooks, bits of an index, bits of a number in a codebook
MOST_BITS = 12  # of an index
BEAM = 16  # paths that the search of a residual quantiser keeps


def _faiss() -> ModuleType:
    try:
        import faiss
    except ImportError as error:
        needed = "the package 'faiss-cpu', which trains product and residual quantisers"
        raise SmicnbError("faiss is not installed", needed, "pip install 'smicnb[codecs]'") from error
    return faiss


class _Codebooks:
    """What both have: `count` codebooks of 2^bits codewords, sent at `codebook_bits` bits a number.

    A decoded latent is a sum or a concatenation of codewords, given norm `NORM`: the scale of the codebooks, one for
    all, cancels out and is not sent. Indices are entropy-coded under their histograms in training, or of fixed length.
    """

    kind: ClassVar[int]

    def __init__(self, name: str, count: int, bits: int, codebook_bits: int = 8, seed: int = 0):
        if count < 1 or not 1 <= bits <= MOST_BITS or not 1 <= codebook_bits <= 16:
            found = f"found {count} codebooks, {bits} bits of an index, {codebook_bits} of a number"
            raise SmicnbError(found, f"1 or more, 1 to {MOST_BITS}, 1 to 16")
        self.name, self.count, self.bits, self.codebook_bits, self.seed = name, count, bits, codebook_bits, seed

    @property
    def setting(self) -> str:
        """How many codebooks, of what size."""
        return f"{self.count} × {self.bits} bit, {self.codebook_bits} bit codebooks"

    def fit(self, Z: np.ndarray) -> Self:
        """Train codebooks, and tables of the indices, on latents (n, L) of norm `NORM`."""
        if len(Z) < 1 << self.bits:
            found = f"found {len(Z)} latents to train codebooks of {1 << self.bits} codewords"
            raise DimensionError(found, f"at least {1 << self.bits}", "take fewer bits")
        self._check(Z.shape[1])
        codebooks = self._train(np.ascontiguousarray(Z, np.float32))
        self._levels = quantise.atom_levels(codebooks.reshape(1, -1), self.codebook_bits).reshape(codebooks.shape)
        # The scale that cancels out when decoding, but that the search needs.
        midpoints = self._midpoints.astype(np.float64)
        self._unit = float((midpoints * codebooks).sum() / np.square(midpoints).sum())
        columns = np.arange(self.count)
        self._tables = Tables.fit(self.quantise(Z), columns, self.sizes)
        return self

    @property
    def _midpoints(self) -> np.ndarray:
        """The codebooks (count, 2^bits, width) in whole numbers, int64."""
        return 2 * self._levels.astype(np.int64) + 1 - (1 << self.codebook_bits)

    def reconstruct(self, symbols: np.ndarray) -> np.ndarray:
        """Latents (n, L) float32 of indices (n, count)."""
        sums = self._sums(symbols)
        squared = np.square(sums).sum(axis=1)
        scale = NORM / np.sqrt(np.maximum(1, squared).astype(np.float64))
        return (sums * scale[:, None]).astype(np.float32)

    @property
    def sizes(self) -> np.ndarray:
        """(count,) codewords of each codebook."""
        return np.full(self.count, 1 << self.bits)

    def tables(self) -> Tables:
        """One table for each codebook."""
        return self._tables

    def side_information(self) -> bytes:
        """Sizes, then codebooks."""
        head = HEAD.pack(self.count, self.bits, self.codebook_bits)
        return head + quantise.pack_levels(self._levels, self.codebook_bits)

    @classmethod
    def from_bytes(cls, data: bytes, dim: int) -> tuple[Self, bytes]:
        """The quantiser of `side_information`'s bytes, and the bytes after it; raises IntegrityError."""
        try:
            quantiser = cls("", *HEAD.unpack_from(data))
            quantiser._check(dim)
        except SmicnbError as error:
            raise IntegrityError("found codebooks that cannot be", "those of an encoder") from error
        shape = quantiser.count, 1 << quantiser.bits, quantiser._width(dim)
        numbers = int(np.prod(shape))
        end = HEAD.size - (-numbers * quantiser.codebook_bits // 8)
        if len(data) < end:
            raise IntegrityError("found codebooks that were cut off", "those of an encoder")
        levels = quantise.unpack_levels(data[HEAD.size : end], numbers, quantiser.codebook_bits)
        quantiser._levels = levels.reshape(shape)
        return quantiser, data[end:]

    def _check(self, dim: int) -> None:
        """Raise DimensionError where latents of `dim` dimensions cannot be coded."""

    def _width(self, dim: int) -> int:
        raise NotImplementedError

    def _train(self, Z: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def quantise(self, Z: np.ndarray) -> np.ndarray:
        """Indices (n, count) int32 of latents (n, L) of norm `NORM`."""
        raise NotImplementedError

    def _sums(self, symbols: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class ProductQuantiser(_Codebooks):
    """Latents cut into `count` pieces of equal width, each with a codebook of its own.

    Args:
        name: of the curve.
        count: pieces, a divisor of L.
        bits: of an index, 1 to 12.
        codebook_bits: of a number in a codebook, 1 to 16.
        seed: of k-means.

    Source: Jégou, Douze and Schmid, Product quantization for nearest neighbor search, 2011.
    """

    kind: ClassVar[int] = 3

    def _check(self, dim: int) -> None:
        if dim % self.count:
            raise DimensionError(f"found {dim} dimensions for {self.count} pieces", "a divisor of the dimensions")

    def _width(self, dim: int) -> int:
        return dim // self.count

    def _train(self, Z: np.ndarray) -> np.ndarray:
        faiss = _faiss()
        trained = faiss.ProductQuantizer(Z.shape[1], self.count, self.bits)
        trained.cp.seed, trained.cp.min_points_per_centroid = self.seed, 1
        trained.train(Z)
        return faiss.vector_to_array(trained.centroids).reshape(self.count, 1 << self.bits, -1)

    def quantise(self, Z: np.ndarray) -> np.ndarray:
        """Indices (n, count) int32 of the nearest codewords of latents (n, L) of norm `NORM`."""
        pieces = Z.reshape(len(Z), self.count, -1)
        return np.stack(
            [_nearest(pieces[:, place], book) for place, book in enumerate(self._midpoints * self._unit)], axis=1
        )

    def _sums(self, symbols: np.ndarray) -> np.ndarray:
        return np.hstack([book[symbols[:, place]] for place, book in enumerate(self._midpoints)])


def _nearest(points: np.ndarray, codewords: np.ndarray) -> np.ndarray:
    distances = np.square(codewords).sum(axis=1) - 2 * points @ codewords.T
    return distances.argmin(axis=1).astype(np.int32)


class ResidualQuantiser(_Codebooks):
    """Sums of `count` codewords, each from a codebook for what those before it leave; found by a beam search.

    Args:
        name: of the curve.
        count: codebooks.
        bits: of an index, 1 to 12.
        codebook_bits: of a number in a codebook, 1 to 16.
        seed: of k-means.

    Source: Chen, Guan and Wang, Approximate nearest neighbor search by residual vector quantization, 2010; Liu, Lu and
    Qu, Improved residual vector quantization, 2015 (the search).
    """

    kind: ClassVar[int] = 4

    def _width(self, dim: int) -> int:
        return dim

    def _train(self, Z: np.ndarray) -> np.ndarray:
        trained = self._of_faiss(Z.shape[1])
        trained.train(Z)
        return _faiss().vector_to_array(trained.codebooks).reshape(self.count, 1 << self.bits, -1)

    def _of_faiss(self, dim: int):
        faiss = _faiss()
        quantiser = faiss.ResidualQuantizer(dim, self.count, self.bits)
        quantiser.cp.seed, quantiser.cp.min_points_per_centroid = self.seed, 1
        # With a beam wider than its first codebook faiss returns a path, not the best one.
        quantiser.max_beam_size = min(BEAM, 1 << self.bits)
        quantiser.train_type = faiss.ResidualQuantizer.Train_default  # the other needs more latents than dimensions
        return quantiser

    def quantise(self, Z: np.ndarray) -> np.ndarray:
        """Indices (n, count) int32 of latents (n, L) of norm `NORM`, searched in the codebooks that are sent."""
        faiss, books = _faiss(), (self._midpoints * self._unit).astype(np.float32)
        search = self._of_faiss(Z.shape[1])
        faiss.copy_array_to_vector(books.ravel(), search.codebooks)
        search.is_trained = True
        packed = search.compute_codes(np.ascontiguousarray(Z, np.float32))
        return faiss.unpack_bitstrings(packed, self.count, self.bits).astype(np.int32)

    def _sums(self, symbols: np.ndarray) -> np.ndarray:
        return sum(book[symbols[:, place]] for place, book in enumerate(self._midpoints))
