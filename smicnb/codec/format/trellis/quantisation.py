"""Trellis-coded quantisation: which value a symbol stands for depends on the symbols before it.

A trellis of 256 states has one of two codebooks in each state, and in each codebook two branches, of which every other
level of a lattice belongs to one. The branch that a symbol takes decides the next state. So a path may use a lattice
twice as fine as what each symbol pays for, and the search for the cheapest path (`search`) turns that into
fidelity: within a quarter of a decibel of the rate–distortion function of a Gaussian, where entropy-coded scalars lose
up to 1.5 dB.

There is a code for every eighth of a bit. Levels and frequencies are whole numbers that the package holds; they
were trained on drawn Gaussians (tools/build_trellis.py), on no latents. Within a block of images frequencies grow with
use: latents are not quite Gaussian, and a collection's variances are guessed.

Source: Ungerboeck, Channel coding with multilevel/phase signals, 1982 (the trellis of 256 states); Marcellin and
Fischer, Trellis coded quantization of memoryless and Gauss–Markov sources, 1990; Fischer and Wang,
Entropy-constrained trellis-coded quantization, 1992.
"""

import contextlib
import itertools
import struct
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Self

import numpy as np

from smicnb.base.errors import IntegrityError
from smicnb.codec.format import range_coder

STATES = 256
CHECKS = 0o515, 0o362  # Ungerboeck's parity-check polynomials for 256 states
BOOKS = 2  # state s has codebook s mod 2
PER_BIT = 8  # codes; code c is for (c + 1) / PER_BIT bits
CODES = 48
LEVEL_UNIT = 1 << 12  # of a standard deviation
TOTAL = 1 << 14  # of a codebook's frequencies, about, before they grow
GROWTH = 18  # a use adds ⌊2^growth / (128 + c³)⌋ to a frequency of code c; with 0 they stay
MOST_GROWTH = 24
EVERY_IMAGE, EVERY = 16, 8  # grown frequencies are taken after each of the first images, then after so many
TABLES = Path(__file__).parents[1] / "data" / "trellis.bin"


def _following() -> np.ndarray:
    state = np.arange(STATES)
    fed_back = np.where(state & 1, CHECKS[0] >> 1, 0)
    return np.stack([(state >> 1) ^ fed_back ^ (branch * (CHECKS[1] >> 1)) for branch in (0, 1)], axis=1)


FOLLOWING = _following()  # (STATES, 2) int64, the state after each branch


@dataclass(frozen=True)
class Tables:
    """Levels and frequencies of all codes.

    Args:
        levels: levels of each code, (BOOKS, 2, m) int16 in 1/`LEVEL_UNIT` of a standard deviation.
        frequencies: frequencies of each code, (BOOKS, 2, m) uint16, at least 1.
        following: (states, 2) int64, the state after each branch.
    """

    levels: tuple[np.ndarray, ...]
    frequencies: tuple[np.ndarray, ...]
    following: np.ndarray = field(default_factory=lambda: FOLLOWING)

    def to_bytes(self) -> bytes:
        """As the file holds them: m of each code, all levels, all frequencies."""
        widths = struct.pack(f"<{len(self.levels)}B", *(table.shape[2] for table in self.levels))
        parts = [*(table.astype("<i2") for table in self.levels), *(table.astype("<u2") for table in self.frequencies)]
        return widths + b"".join(part.tobytes() for part in parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`."""
        widths = np.frombuffer(data, "u1", CODES).astype(int)
        sizes = 2 * BOOKS * widths
        levels = np.frombuffer(data, "<i2", sizes.sum(), CODES)
        frequencies = np.frombuffer(data, "<u2", sizes.sum(), CODES + 2 * sizes.sum())
        ends = np.cumsum(sizes)[:-1]
        shapes = [(BOOKS, 2, width) for width in widths]
        cut = [[part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes, strict=True)]
               for flat in (levels, frequencies)]  # fmt: skip
        return cls(tuple(cut[0]), tuple(cut[1]))

    @cached_property
    def widths(self) -> np.ndarray:
        """(CODES,) levels of a branch."""
        return np.array([table.shape[2] for table in self.levels])

    @cached_property
    def first(self) -> np.ndarray:
        """(CODES,) where each code's levels begin in whatever is flat."""
        return np.concatenate([[0], np.cumsum(2 * BOOKS * self.widths)[:-1]])

    @cached_property
    def categorical(self) -> list[tuple]:
        """The range coder's models of both codebooks of each code, before a block's first image."""
        return [_categorical(table.reshape(BOOKS, -1)) for table in self.frequencies]

    @cached_property
    def whole_levels(self) -> np.ndarray:
        """All levels as they are held, int64, flat."""
        return np.concatenate([table.ravel() for table in self.levels]).astype(np.int64)

    @cached_property
    def flat_levels(self) -> np.ndarray:
        """All levels in standard deviations, float64."""
        return self.whole_levels / LEVEL_UNIT

    @cached_property
    def flat_frequencies(self) -> np.ndarray:
        """All frequencies, int64, before a block's first image."""
        return np.concatenate([table.ravel() for table in self.frequencies]).astype(np.int64)

    def flat_steps(self, growth: int) -> np.ndarray:
        """By how much each frequency grows with a use, int64: less in finer codes, which have more levels to learn."""
        return np.repeat((1 << growth) // (128 + np.arange(CODES) ** 3), 2 * BOOKS * self.widths)

    @cached_property
    def flat_bits(self) -> np.ndarray:
        """Bits of each level before a block's first image."""
        return self.count_bits(self.flat_frequencies)

    def count_bits(self, frequencies: np.ndarray) -> np.ndarray:
        """Bits of each level where these are its codebook's frequencies, flat as `flat_frequencies`."""
        size = np.repeat(2 * self.widths, BOOKS)  # levels of each codebook
        sums = np.add.reduceat(frequencies, np.cumsum(size) - size)
        return np.repeat(np.log2(sums), size) - np.log2(frequencies)


@cache
def tables() -> Tables:
    """The package's own."""
    return Tables.from_bytes(TABLES.read_bytes())


SHORT = 256  # bytes at most whose end is looked at twice
FIRST_CODE = 1  # the code of an eighth of a bit saves nothing: what would have it is not coded


def is_due(seen: np.ndarray | int) -> np.ndarray | bool:
    """Whether what `seen` images, one number or many, have made of the frequencies counts before the next one."""
    return (seen <= EVERY_IMAGE) | (seen % EVERY == 0)


def encode(
    levels: np.ndarray, codes: np.ndarray, growth: int = GROWTH, shortest: bool = True, known: Tables | None = None
) -> bytes:
    """Words of a range coder for the levels (n, K) of a block's images, each column of one code; zeros left out.

    Args:
        levels: numbers within a code: codebook · 2m + branch · m + level of the branch, a path from state 0 on.
        codes: (K,) codes.
        growth: 0 to `MOST_GROWTH`: by ⌊2^growth / (128 + c³)⌋ the frequency of a level of code c grows with a use.
        shortest: whether up to `SHORT` bytes end with as few as decode, for a file; searches do without.
        known: levels, frequencies and trellis; None for the package's own.
    """
    from smicnb.codec.format.trellis.words import write

    whole = known or tables()
    filled = np.empty(levels.size + 2, np.uint32)
    count = write(
        np.ascontiguousarray(levels, np.int32), codes, whole.first, whole.widths, whole.flat_frequencies.astype(float),
        whole.flat_steps(growth).astype(float), is_due(np.arange(len(levels))), np.unique(codes), whole.following,
        filled,
    )  # fmt: skip
    words = filled[:count].astype(">u4").tobytes().rstrip(b"\0")
    return _shortest(words, levels, codes, growth, known) if shortest and len(words) <= SHORT else words


def _shortest(words: bytes, levels: np.ndarray, codes: np.ndarray, growth: int, known: Tables | None) -> bytes:
    """The fewest bytes that decode to the same levels: the coder ends with whole words, of which many would do."""
    for kept in range(max(0, len(words) - 4), len(words)):
        number = int.from_bytes(words[:kept])
        for ending in (number, min(number + 1, (1 << 8 * kept) - 1)):
            data = ending.to_bytes(kept).rstrip(b"\0")
            with contextlib.suppress(IntegrityError):
                if np.array_equal(decode(data, len(levels), codes, growth, known), levels):
                    return data
    return words


def decode(
    data: bytes, images: int, codes: np.ndarray, growth: int = GROWTH, known: Tables | None = None
) -> np.ndarray:
    """The levels (images, K) int32 of `encode`; raises IntegrityError for words that it never writes."""
    stream = range_coder.stream()

    words = data + bytes(-len(data) % 4 + 8)
    coder = stream.queue.RangeDecoder(np.frombuffer(words, ">u4").astype(np.uint32))
    state, seen = 0, _Models(codes, growth, known or tables())
    levels = np.empty((images, len(codes)), np.int32)
    try:
        for image in range(images):
            seen.update()
            row = []
            for alphabet, width, models in seen.columns:
                book = state & 1
                symbol = coder.decode(models[book])
                row.append(book * alphabet + symbol)
                state = seen.following[2 * state + (symbol >= width)]
            levels[image] = row
            seen.note_levels(levels[image])
    except (AssertionError, ValueError) as error:  # what the range coder raises for words that no encoder wrote
        raise IntegrityError("found a block that holds no image records", "the bytes that an encoder wrote") from error
    return levels


class _Models:
    """The range coder's models, which follow the images.

    Attributes:
        columns: of each column symbols of a codebook, levels of a branch, and the model of either codebook.
        following: states after each branch, flat.
    """

    def __init__(self, codes: np.ndarray, growth: int, known: Tables):
        self._known = known
        self.following = known.following.ravel().tolist()
        self._places, self._steps = known.first[codes], known.flat_steps(growth)
        self._frequencies, self._seen = known.flat_frequencies.copy(), 0
        self._of_code = {code: list(known.categorical[code]) for code in np.unique(codes).tolist()}
        self.columns = [
            (2 * width, width, self._of_code[code])
            for code, width in zip(codes.tolist(), known.widths[codes].tolist(), strict=True)
        ]

    def note_levels(self, levels: np.ndarray) -> None:
        """Take note of an image's levels (K,)."""
        _grow(self._frequencies, self._places + levels, self._steps)
        self._seen += 1

    def update(self) -> None:
        """Bring the models to what was noted, where it is time."""
        if self._seen and self._steps.any() and is_due(self._seen):
            known = self._known
            for code, models in self._of_code.items():
                first, size = known.first[code], 2 * BOOKS * known.widths[code]
                models[:] = _categorical(self._frequencies[first : first + size].reshape(BOOKS, -1))


def _categorical(books: np.ndarray) -> tuple:
    stream = range_coder.stream()

    return tuple(stream.model.Categorical(book, perfect=False) for book in books.astype(np.float64))


def _grow(frequencies: np.ndarray, places: np.ndarray, steps: np.ndarray) -> None:
    """Let the frequencies of flat places grow, each with every use."""
    np.add.at(frequencies, places.ravel(), steps[places.ravel()])


def search_levels(
    targets: np.ndarray,
    deviations: np.ndarray,
    codes: np.ndarray,
    price: float,
    weights: np.ndarray | None = None,
    known_levels: np.ndarray | None = None,
    growth: int = GROWTH,
    known: Tables | None = None,
    axis_weights: np.ndarray | None = None,
) -> np.ndarray:
    """Levels (n, K) int32 of the cheapest path through the coefficients of a block, image after image.

    Args:
        targets: (n, K) coefficients.
        deviations: (K,) standard deviation that each column is coded with, positive.
        codes: (K,) code of each column.
        price: price of a bit, in squared units of the coefficients.
        weights: (n,) of each image's squared errors; None for ones.
        known_levels: (m, K) of an earlier search, by which bits are what frequencies come to after them; None for what
            they are before the first image.
        growth, known: the same as in `encode`.
        axis_weights: (K,) of each column's squared errors; None for ones.
    """
    from smicnb.codec.format.trellis.search import search

    known, (n, count) = known or tables(), targets.shape
    symbols, states = np.zeros(n * count, np.int64), np.zeros(n * count, np.int64)
    if not symbols.size:
        return np.zeros(targets.shape, np.int32)
    bits = known.flat_bits
    if known_levels is not None:
        frequencies = known.flat_frequencies.copy()
        _grow(frequencies, known.first[codes] + known_levels, known.flat_steps(growth))
        bits = known.count_bits(frequencies)
    every = np.tile(codes, n)
    of_images = np.ones(n) if weights is None else weights
    of_axes = np.square(deviations) if axis_weights is None else np.square(deviations) * axis_weights
    search(
        (targets / deviations).ravel(), np.outer(of_images, of_axes).ravel(), price, every, known.first, known.widths,
        known.flat_levels, bits, known.following, symbols, states,
    )  # fmt: skip
    return (symbols + (states % BOOKS) * 2 * known.widths[every]).reshape(n, count).astype(np.int32)


def values(levels: np.ndarray, deviations: np.ndarray, codes: np.ndarray, known: Tables | None = None) -> np.ndarray:
    """Coefficients (n, K) int64 of levels: whole numbers, in the unit of the deviations (K,), whole numbers too."""
    known = known or tables()
    scaled = known.whole_levels[known.first[codes] + levels]
    scaled *= deviations
    scaled += LEVEL_UNIT // 2
    scaled >>= LEVEL_UNIT.bit_length() - 1
    return scaled


def lengths(levels: np.ndarray, codes: np.ndarray, growth: int = GROWTH, known: Tables | None = None) -> np.ndarray:
    """(n,) ideal bits of a block's levels (n, K); a file's bytes come close to their sum."""
    known = known or tables()
    places, spent = known.first[codes] + levels, np.zeros(len(levels))
    frequencies = known.flat_frequencies.copy()
    starts = np.flatnonzero(is_due(np.arange(len(levels)))).tolist()
    for start, end in itertools.pairwise([*starts, len(levels)]):
        spent[start:end] = known.count_bits(frequencies)[places[start:end]].sum(axis=1)
        _grow(frequencies, places[start:end], known.flat_steps(growth))
    return spent
