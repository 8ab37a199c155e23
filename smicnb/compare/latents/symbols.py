"""Symbols of images to bytes and back: at fixed length, or range-coded under tables that were fitted and are sent.

Symbols are (n, K) int32, those of column k from 0 to `sizes[k]` − 1. Columns whose symbols are distributed alike share
a table. Images go in blocks of `BLOCK_IMAGES`, each one stream behind its length: a stream of one image alone would
cost whole words of the range coder.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from smicnb.base import leb128
from smicnb.base.errors import IntegrityError
from smicnb.codec.format import quantise, range_coder
from smicnb.codec.format.container import BLOCK_IMAGES

HEAD = struct.Struct("<HH")  # columns, tables
LENGTH = struct.Struct("<I")  # of the deflated tables
LARGEST = 255  # frequency of a table's likeliest symbol; the least is 1
UNSEEN = 0.25  # what is added to every count: what was not seen may still come
MOST_SYMBOLS = 1 << 16


@dataclass(frozen=True)
class Tables:
    """How likely each symbol of each column is, in small integers.

    Args:
        columns: (K,) table of each column.
        frequencies: each table's frequencies, uint8 from 1 to 255, one a symbol.
    """

    columns: np.ndarray
    frequencies: tuple[np.ndarray, ...]

    @classmethod
    def from_counts(cls, columns: np.ndarray, counts: list[np.ndarray]) -> Self:
        """Tables from how often each symbol was seen."""
        seen = [count + UNSEEN for count in counts]
        scaled = [np.clip(np.rint(LARGEST * count / count.max()), 1, LARGEST) for count in seen]
        return cls(np.asarray(columns, np.uint16), tuple(table.astype(np.uint8) for table in scaled))

    @classmethod
    def fit(cls, symbols: np.ndarray, columns: np.ndarray, sizes: np.ndarray) -> Self:
        """Tables of symbols (n, K), `sizes[t]` entries for table t."""
        counts = [np.bincount(symbols[:, columns == t].ravel(), minlength=size) for t, size in enumerate(sizes)]
        return cls.from_counts(columns, counts)

    @property
    def sizes(self) -> np.ndarray:
        """(K,) number of symbols of each column."""
        return np.array([len(table) for table in self.frequencies], np.int64)[self.columns]

    def lengths(self, symbols: np.ndarray) -> np.ndarray:
        """(n,) bits of each image under the tables: the cross-entropy that a block's bytes come close to."""
        bits = [-np.log2(table / table.sum(dtype=np.float64)) for table in self.frequencies]
        return sum((bits[t][symbols[:, k]] for k, t in enumerate(self.columns)), np.zeros(len(symbols)))

    def to_bytes(self) -> bytes:
        """The tables as a file holds them: sizes, and then raw deflate of columns and frequencies."""
        sizes = np.array([len(table) for table in self.frequencies], "<u4").tobytes()
        deflate = zlib.compressobj(9, wbits=-15)
        body = self.columns.astype("<u2").tobytes() + sizes + b"".join(table.tobytes() for table in self.frequencies)
        body = deflate.compress(body) + deflate.flush()
        return HEAD.pack(len(self.columns), len(self.frequencies)) + LENGTH.pack(len(body)) + body

    @classmethod
    def from_bytes(cls, data: bytes) -> tuple[Self, bytes]:
        """The tables at the beginning of `data`, and the bytes after them; raises IntegrityError."""
        try:
            columns, tables = HEAD.unpack_from(data)
            (length,) = LENGTH.unpack_from(data, HEAD.size)
            start = HEAD.size + LENGTH.size
            inflate = zlib.decompressobj(wbits=-15)
            raw = inflate.decompress(data[start : start + length], 2 * columns + (4 + MOST_SYMBOLS) * tables)
        except (struct.error, zlib.error) as error:
            raise _damaged() from error
        if not inflate.eof or len(raw) < 2 * columns + 4 * tables:
            raise _damaged()
        which = np.frombuffer(raw, "<u2", columns)
        sizes = np.frombuffer(raw, "<u4", tables, 2 * columns)
        frequencies = np.frombuffer(raw, np.uint8, -1, 2 * columns + 4 * tables)
        if len(frequencies) != sizes.sum() or not frequencies.all() or not sizes.all() or (which >= tables).any():
            raise _damaged()
        return cls(which, tuple(np.split(frequencies, np.cumsum(sizes)[:-1]))), data[start + length :]


@dataclass(frozen=True)
class FixedLength:
    """All symbols of K columns at the same number of bits, 1 to 16."""

    columns: int
    bits: int

    @property
    def sizes(self) -> np.ndarray:
        """(K,) number of symbols of each column."""
        return np.full(self.columns, 1 << self.bits)


Model = Tables | FixedLength


def encode(symbols: np.ndarray, model: Model) -> bytes:
    """Blocks of symbols (n, K), one behind the other, each behind its length."""
    blocks = (symbols[start : start + BLOCK_IMAGES] for start in range(0, len(symbols), BLOCK_IMAGES))
    coded = [_encode_block(block, model) for block in blocks]
    return b"".join(leb128.pack(len(block)) + block for block in coded)


def decode(data: bytes, images: int, model: Model) -> np.ndarray:
    """The symbols (images, K) int32 of `encode`; raises IntegrityError for what it never writes."""
    parts = [np.zeros((0, len(model.sizes)), np.int32)]
    for start, block in zip(range(0, images, BLOCK_IMAGES), _blocks(data, -(-images // BLOCK_IMAGES)), strict=True):
        parts.append(_decode_block(block, min(BLOCK_IMAGES, images - start), model))
    return np.concatenate(parts)


def _encode_block(symbols: np.ndarray, model: Model) -> bytes:
    if isinstance(model, FixedLength):
        return quantise.pack_levels(symbols, model.bits)
    stream = range_coder.stream()

    coder = stream.queue.RangeEncoder()
    for t, table in enumerate(model.frequencies):
        chosen = symbols[:, model.columns == t].ravel()
        if len(chosen) and len(table) > 1:
            coder.encode(np.ascontiguousarray(chosen, np.int32), _categorical(table))
    # The decoder fills up with zeros.
    return coder.get_compressed().astype(">u4").tobytes().rstrip(b"\0")


def _decode_block(data: bytes, images: int, model: Model) -> np.ndarray:
    if isinstance(model, FixedLength):
        count = images * model.columns
        if len(data) != -(-count * model.bits // 8):
            raise _damaged()
        return quantise.unpack_levels(data, count, model.bits).astype(np.int32).reshape(images, model.columns)
    stream = range_coder.stream()

    words = data + bytes(-len(data) % 4 + 8)
    coder = stream.queue.RangeDecoder(np.frombuffer(words, ">u4").astype(np.uint32))
    symbols = np.zeros((images, len(model.columns)), np.int32)
    try:
        for t, table in enumerate(model.frequencies):
            mine = model.columns == t
            count = images * np.count_nonzero(mine)
            if count and len(table) > 1:
                symbols[:, mine] = coder.decode(_categorical(table), int(count)).reshape(images, -1)
    except (AssertionError, ValueError) as error:  # what the range coder raises for words that no encoder wrote
        raise _damaged() from error
    return symbols


def _categorical(table: np.ndarray):
    stream = range_coder.stream()

    return stream.model.Categorical(table.astype(np.float64), perfect=False)


def _blocks(data: bytes, count: int) -> Iterator[bytes]:
    place = 0
    for _ in range(count):
        try:
            length, place = leb128.read(data, place)
        except IntegrityError as error:
            raise _damaged() from error
        if length > len(data) - place:
            raise _damaged()
        yield data[place : place + length]
        place += length
    if place != len(data):
        raise _damaged()


def _damaged() -> IntegrityError:
    return IntegrityError("found tables or symbols that no encoder wrote", "the bytes that an encoder wrote")
