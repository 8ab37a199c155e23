"""Vector quantisers of latents: product codebooks, trained by faiss, searched and decoded in integers."""

import struct
from collections.abc import Callable
from types import ModuleType
from typing import ClassVar, Self

import numpy as np

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.codec.format import quantise
from smicnb.compare.latents.symbols import Tables
from smicnb.compare.latents.transforms import NORM

HEAD = struct.Struct("<HBB")  # codebooks, bits of an index, bits of a number in a codebook
MOST_BITS = 12  # of an index
COUNTED = 1024  # latents whose indices make the tables: the collection's, and of draws no more than is needed
ROTATIONS = 10  # rounds in which an optimized product quantiser learns its rotation
KEPT = 1e-3  # weight of a rotation in the one after it, so that what latents do not span is not turned by rounding


def the_faiss() -> ModuleType:
    """The module, which trains codebooks; raises SmicnbError where it is not installed."""
    try:
        import faiss
    except ImportError as error:
        needed = "the package 'faiss-cpu', which trains product and residual quantisers"
        raise SmicnbError("faiss is not installed", needed, "pip install 'smicnb[codecs]'") from error
    return faiss


class Codebooks:
    """What both have: `count` codebooks of 2^bits codewords, sent at `codebook_bits` bits a number.

    A decoded latent is a sum or a concatenation of codewords, given norm `NORM`: the scale of the codebooks, one for
    all, cancels out and is not sent. Indices are entropy-coded under their histograms in training, or of fixed length.
    `drawn` makes latents (m, L) of norm `NORM` out of the training ones, for codebooks to be trained on besides.
    """

    kind: ClassVar[int]

    def __init__(
        self,
        name: str,
        count: int,
        bits: int,
        codebook_bits: int = 8,
        seed: int = 0,
        drawn: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        if count < 1 or not 1 <= bits <= MOST_BITS or not 1 <= codebook_bits <= 16:
            found = f"found {count} codebooks, {bits} bits of an index, {codebook_bits} of a number"
            raise SmicnbError(found, f"1 or more, 1 to {MOST_BITS}, 1 to 16")
        self.name, self.count, self.bits, self.codebook_bits, self.seed = name, count, bits, codebook_bits, seed
        self.drawn = drawn

    @property
    def setting(self) -> str:
        """How many codebooks, of what size."""
        return f"{self.count} × {self.bits} bit, {self.codebook_bits} bit codebooks"

    def fit(self, Z: np.ndarray) -> Self:
        """Train codebooks, and tables of the indices, on latents (n, L) of norm `NORM`."""
        if self.drawn is not None:
            Z = np.vstack([Z, self.drawn(Z)])
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
        self._tables = Tables.fit(self.quantise(Z[:COUNTED]), columns, self.sizes)
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


class ProductQuantiser(Codebooks):
    """Latents cut into `count` pieces of equal width, each with a codebook of its own.

    Args:
        name: name of the curve.
        count: pieces, a divisor of L.
        bits: bits of an index, 1 to 12.
        codebook_bits: bits of a number in a codebook, 1 to 16.
        seed: seed of k-means.

    Source: Jégou, Douze and Schmid, Product quantization for nearest neighbor search, 2011.
    """

    kind: ClassVar[int] = 3

    def _check(self, dim: int) -> None:
        if dim % self.count:
            raise DimensionError(f"found {dim} dimensions for {self.count} pieces", "a divisor of the dimensions")

    def _width(self, dim: int) -> int:
        return dim // self.count

    def _train(self, Z: np.ndarray) -> np.ndarray:
        faiss = the_faiss()
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


class OptimizedProductQuantiser(ProductQuantiser):
    """A product quantiser behind a rotation that is learned with it, and sent at `codebook_bits` bits a number.

    The rotation begins with principal axes, dealt out so that all pieces have about one product of variances, and is
    then fitted in turn with the codebooks. (The trainer of faiss 1.15.1 wants as many latents as codewords *and* as
    dimensions, and writes beyond its memory where it is given fewer of the latter.)

    Args:
        name, count, bits, codebook_bits, seed: arguments of `ProductQuantiser`.

    Source: Ge, He, Ke and Sun, Optimized product quantization for approximate nearest neighbor search, 2013.
    """

    kind: ClassVar[int] = 5

    def _train(self, Z: np.ndarray) -> np.ndarray:
        faiss, rotation = the_faiss(), _dealt_axes(Z, self.count)
        trained = faiss.ProductQuantizer(Z.shape[1], self.count, self.bits)
        trained.cp.seed, trained.cp.min_points_per_centroid = self.seed, 1
        weight = KEPT * np.square(Z.astype(np.float64)).sum() / Z.shape[1]
        for _ in range(ROTATIONS):
            turned = np.ascontiguousarray(Z @ rotation.T, np.float32)
            trained.train(turned)
            trained.train_type, trained.cp.niter = faiss.ProductQuantizer.Train_hot_start, 4
            found = trained.decode(trained.compute_codes(turned)).astype(np.float64)
            left, _, right = np.linalg.svd(found.T @ Z.astype(np.float64) + weight * rotation)
            rotation = left @ right
        self._set_rotation(quantise.atom_levels(rotation, self.codebook_bits))
        trained.train(np.ascontiguousarray(self._turned(Z), np.float32))
        return faiss.vector_to_array(trained.centroids).reshape(self.count, 1 << self.bits, -1)

    def _set_rotation(self, levels: np.ndarray) -> None:
        self._rotation_levels = levels
        self._rotation = quantise.unit_atoms(levels, self.codebook_bits)
        self._inverse = np.linalg.pinv(self._rotation / quantise.ATOM_UNIT)

    def _turned(self, Z: np.ndarray) -> np.ndarray:
        return np.asarray(Z, np.float64) @ self._inverse

    def quantise(self, Z: np.ndarray) -> np.ndarray:
        """Indices (n, count) int32 of the nearest codewords of latents (n, L) of norm `NORM`, once turned."""
        return super().quantise(self._turned(Z))

    def reconstruct(self, symbols: np.ndarray) -> np.ndarray:
        """Latents (n, L) float32 of indices (n, count)."""
        return quantise.scale_to_norm(self._sums(symbols).astype(np.float64), NORM)

    def _sums(self, symbols: np.ndarray) -> np.ndarray:
        turned = super()._sums(symbols).astype(np.float64)
        return turned @ self._rotation  # exact: 2^16 · 2^19 · L is below 2^53

    def side_information(self) -> bytes:
        """Sizes, codebooks, rotation."""
        return super().side_information() + quantise.pack_levels(self._rotation_levels, self.codebook_bits)

    @classmethod
    def from_bytes(cls, data: bytes, dim: int) -> tuple[Self, bytes]:
        """The quantiser of `side_information`'s bytes, and the bytes after it; raises IntegrityError."""
        quantiser, rest = super().from_bytes(data, dim)
        end = -(-dim * dim * quantiser.codebook_bits // 8)
        if len(rest) < end:
            raise IntegrityError("found a rotation that was cut off", "that of an encoder")
        levels = quantise.unpack_levels(rest[:end], dim * dim, quantiser.codebook_bits)
        quantiser._set_rotation(levels.reshape(dim, dim))
        return quantiser, rest[end:]


def _dealt_axes(Z: np.ndarray, count: int) -> np.ndarray:
    """(L, L) principal axes, dealt out to `count` pieces: the next largest variance where the product is least."""
    Z = Z.astype(np.float64)
    centred = Z - Z.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred / len(Z))
    logs = np.log(np.maximum(variances[::-1], 1e-3 * variances.mean() + 1e-12))
    logs, width = logs - logs.min(), len(variances) // count
    pieces: list[list[int]] = [[] for _ in range(count)]
    for axis in range(len(logs)):
        open_ones = [piece for piece in pieces if len(piece) < width]
        min(open_ones, key=lambda piece: sum(logs[other] for other in piece)).append(axis)
    return axes.T[::-1][np.concatenate(pieces)]
