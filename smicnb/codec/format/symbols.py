"""The symbols of a block of any coding by compiled code: the same levels as the reader's, or its error, sooner.

Everything that decides a symbol is what `format` has, in the same numbers of 64 bits: the range coder, the bounds of
its models in float64 without any reordering, the frequencies that grow. The reader stays what needs no compiler; that
both agree, also on blocks that no encoder wrote, is tested.

Source: docs/format.md.
"""

import numpy as np
from numba import njit, uint64

from smicnb.codec.format.codebook import Codebook
from smicnb.codec.format.container import Block
from smicnb.codec.format.payload import (
    CHECK_BYTES,
    COUNT_STEP,
    MODELLED,
    NULL,
    SCALE,
    VALUE_STEP,
    check,
    count_bits,
    damage_error,
    index_bits,
)  # fmt: skip
from smicnb.codec.format.range_coder import PRECISION
from smicnb.codec.format.trellis import quantisation
from smicnb.codec.format.trellis.codebook import TrellisCodebook
from smicnb.codec.format.trellis.quantisation import FOLLOWING, is_due
from smicnb.codec.format.trellis.words import BOOKS, fill_books, fill_bounds

_PRECISION, _WORD, _LOW = uint64(PRECISION), uint64(32), uint64(1 << 32)
_PARTS = 1 << PRECISION
_ALL = uint64((1 << 64) - 1)
AHEAD = 2  # words of zeros behind a block's own, which the coder reads at its start


class Symbols:
    """The levels of a file's blocks.

    Args:
        codebook: codebook of the file.
    """

    def __init__(self, codebook: Codebook | TrellisCodebook):
        self._codebook, self._header = codebook, codebook.header
        if isinstance(codebook, TrellisCodebook):
            known = quantisation.tables()
            self._trellis = (
                codebook.codes, known.first, known.widths, known.flat_frequencies, known.flat_steps(codebook.growth),
                np.unique(codebook.codes), FOLLOWING,
            )  # fmt: skip
        elif codebook.models is not None:
            models = codebook.models
            self._models = (
                models.counts.astype(np.float64), models.weights.astype(np.int64), models.remaining.copy(),
                models.values.astype(np.float64), self._header.b_coef - min(self._header.b_coef, MODELLED),
            )  # fmt: skip

    def levels(self, block: Block) -> np.ndarray:
        """The levels (block.count, n_atoms) int32 of a block; raises IntegrityError where it holds none."""
        levels = np.full((block.count, self._header.n_atoms), NULL, np.int32)
        if self._header.coding == "tuple":
            if not _tuples(np.frombuffer(block.payload, np.uint8), *self._widths, levels):
                raise damage_error()
            return levels
        if len(block.payload) < CHECK_BYTES:
            raise damage_error()
        words = _words(block.payload[CHECK_BYTES:])
        if isinstance(self._codebook, TrellisCodebook):
            sound = _trellis(words, *self._trellis, is_due(np.arange(block.count)), levels)
        else:
            sound = _entropy(words, *self._models, levels)
        if not sound or check(levels) != block.payload[:CHECK_BYTES]:
            raise damage_error()
        return levels

    @property
    def _widths(self) -> tuple[int, int, int]:
        n_atoms = self._header.n_atoms
        return count_bits(n_atoms), index_bits(n_atoms), self._header.b_coef


def _words(data: bytes) -> np.ndarray:
    return np.frombuffer(data + bytes(-len(data) % 4 + 4 * AHEAD), ">u4").astype(np.uint32)


@njit(cache=True, nogil=True, inline="always")
def _begin(words, coder):
    """Range, how far the point is above the lower end, and the place of the next word."""
    coder[0], coder[1], coder[2] = _ALL, uint64(words[0]) << _WORD | uint64(words[1]), uint64(2)


@njit(cache=True, nogil=True, inline="always")
def _narrow(words, coder, low, high):
    """Take the symbol of the bounds `low` and `high` from the coder."""
    scale = coder[0] >> _PRECISION
    coder[1] -= scale * uint64(low)
    coder[0] = scale * uint64(high - low)
    if coder[0] < _LOW:
        coder[0] <<= _WORD
        coder[1] <<= _WORD
        if coder[2] < uint64(len(words)):
            coder[1] |= uint64(words[coder[2]])
            coder[2] += uint64(1)


@njit(cache=True, nogil=True, inline="always")
def _found(bounds, place, count, at):
    """The symbol of `count` whose bounds, from `place` on, have `at` between them."""
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) >> 1
        if bounds[place + middle] <= at:
            low = middle
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _trellis(words, codes, first, widths, fresh, steps, used, following, due, levels):
    """Fill in the levels of the leading axes; False for words that no encoder wrote."""
    images, columns = len(levels), len(codes)
    frequencies, bounds = fresh.astype(np.float64), np.empty(len(fresh) + BOOKS * len(first), np.int64)
    coder, state = np.empty(3, np.uint64), 0
    _begin(words, coder)
    for image in range(images):
        if due[image]:
            fill_books(frequencies, used, first, widths, bounds)
        for column in range(columns):
            code, book = codes[column], state & 1
            size = 2 * widths[code]
            place = first[code] + book * size
            at = coder[1] // (coder[0] >> _PRECISION)
            if at >= _PARTS:
                return False
            there = place + BOOKS * code + book
            symbol = _found(bounds, there, size, np.int64(at))
            _narrow(words, coder, bounds[there + symbol], bounds[there + symbol + 1])
            levels[image, column] = book * size + symbol
            state = following[state, 1 if symbol >= widths[code] else 0]
        for column in range(columns):
            place = first[codes[column]] + levels[image, column]
            frequencies[place] += steps[place]
    return True


@njit(cache=True, nogil=True)
def _entropy(words, counts, weights, remaining, values, shift, levels):
    """Fill in the levels of atoms; False for words that no encoder wrote."""
    images, atoms = levels.shape
    coder, frequencies = np.empty(3, np.uint64), counts.copy()
    bounds, left = np.empty(max(len(counts), len(values)) + 1, np.int64), np.empty(images, np.int64)
    _begin(words, coder)
    for image in range(images):
        fill_bounds(frequencies, 0, len(counts), bounds, 0)
        at = coder[1] // (coder[0] >> _PRECISION)
        if at >= _PARTS:
            return False
        left[image] = _found(bounds, 0, len(counts), np.int64(at))
        _narrow(words, coder, bounds[left[image]], bounds[left[image] + 1])
        frequencies[left[image]] += COUNT_STEP
    least = 1 / SCALE
    for atom in range(atoms):
        for image in range(images):
            if left[image] > atoms - 1 - atom:
                chance = 1.0
            elif left[image] == 0:
                chance = 0.0
            else:
                chance = min(max(left[image] * weights[atom] / remaining[atom], least), 1 - least)
            bound = 1 + np.int64((1 - chance) * (_PARTS - 2))
            at = coder[1] // (coder[0] >> _PRECISION)
            if at >= _PARTS:
                return False
            if np.int64(at) >= bound:
                _narrow(words, coder, bound, _PARTS)
                levels[image, atom] = 0
                left[image] -= 1
                if left[image] < 0:
                    return False
            else:
                _narrow(words, coder, 0, bound)
    for image in range(images):
        if left[image]:
            return False
    frequencies = values.copy()
    seen = np.empty(len(values), np.int64)
    for image in range(images):
        fill_bounds(frequencies, 0, len(values), bounds, 0)
        seen[:] = 0
        for atom in range(atoms):
            if levels[image, atom] == 0:
                at = coder[1] // (coder[0] >> _PRECISION)
                if at >= _PARTS:
                    return False
                leading = _found(bounds, 0, len(values), np.int64(at))
                _narrow(words, coder, bounds[leading], bounds[leading + 1])
                levels[image, atom] = leading << shift
                seen[leading] += 1
        for leading in range(len(values)):
            frequencies[leading] += VALUE_STEP * seen[leading]
    if shift:
        step = _PARTS >> shift
        for image in range(images):
            for atom in range(atoms):
                if levels[image, atom] >= 0:
                    at = coder[1] // (coder[0] >> _PRECISION)
                    if at >= _PARTS:
                        return False
                    rest = np.int64(at) // step
                    _narrow(words, coder, rest * step, (rest + 1) * step)
                    levels[image, atom] |= rest
    return True


@njit(cache=True, nogil=True, inline="always")
def _number(data, place, width):
    """The `width` bits from bit `place` on, as a number."""
    number = 0
    for bit in range(place, place + width):
        number = number << 1 | (data[bit >> 3] >> (7 - (bit & 7)) & 1)
    return number


@njit(cache=True, nogil=True)
def _tuples(data, count_width, index_width, value_width, levels):
    """Fill in the levels of fixed-length records; False for what is none."""
    images, atoms = levels.shape
    place, end = 0, 8 * len(data)
    for image in range(images):
        if place + count_width > end:
            return False
        used = _number(data, place, count_width)
        place += count_width
        if used > atoms or place + used * (index_width + value_width) > end:
            return False
        before = -1
        for _ in range(used):
            atom = _number(data, place, index_width)
            if atom <= before or atom >= atoms:
                return False
            levels[image, atom] = _number(data, place + index_width, value_width)
            place, before = place + index_width + value_width, atom
    if end - place >= 8:
        return False
    return _number(data, place, end - place) == 0
