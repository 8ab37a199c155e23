"""The words of a range coder for a block's levels: the compiled part.

What it writes is what constriction's coder writes under the same models, and in its numbers: 64 bits for the coder,
float64 without any reordering for the bounds of models, frequencies that grow. The tests hold one against the other.

Source: docs/format.md.
"""

import numpy as np
from numba import njit, uint64

from smicnb.codec.format.range_coder import PRECISION

BOOKS = 2  # codebooks of a code
_PRECISION, _WORD, _LOW = uint64(PRECISION), uint64(32), uint64(1 << 32)
_PARTS = 1 << PRECISION
_ALL = uint64((1 << 64) - 1)


@njit(cache=True, nogil=True)
def fill_bounds(frequencies, first, count, bounds, place):
    """Write the count + 1 bounds of a model with these frequencies, the first of which is at `first`."""
    total = 0.0
    for symbol in range(count):
        total += frequencies[first + symbol]
    share, before = (_PARTS - count) / total, 0.0
    for symbol in range(count):
        bounds[place + symbol] = symbol + np.int64(np.floor(before * share))
        before += frequencies[first + symbol]
    bounds[place + count] = _PARTS


@njit(cache=True, nogil=True)
def fill_books(frequencies, used, first, widths, bounds):
    """Write the bounds of the codebooks of all codes in use; each codebook has one bound more than it has symbols."""
    for code in used:
        size = 2 * widths[code]
        for book in range(BOOKS):
            place = first[code] + book * size
            fill_bounds(frequencies, place, size, bounds, place + BOOKS * code + book)


@njit(cache=True, nogil=True)
def write(levels, codes, first, widths, fresh, steps, due, used, following, words):
    """Fill in the words of a block; returns how many there are.

    Args:
        levels: (n, K) int32, numbers within a code, a path from state 0 on.
        codes: (K,) int64.
        first: (C,) int64, where the levels of a code begin.
        widths: (C,) int64, levels on a branch of a code.
        fresh: flat float64, frequencies before the first image; by code, codebook, branch, level.
        steps: flat float64, by how much each grows with a use.
        due: (n,) bool, whether the frequencies are taken as they are before an image.
        used: int64, the codes that there are in `codes`, each once.
        following: (S, 2) int64, the state after each branch.
        words: uint32, at least n · K + 2 of them.
    """
    frequencies, bounds = fresh.copy(), np.empty(len(fresh) + BOOKS * len(first), np.int64)
    lower, extent, count, state = uint64(0), _ALL, 0, 0
    for image in range(len(levels)):
        if due[image]:
            fill_books(frequencies, used, first, widths, bounds)
        for column in range(len(codes)):
            code, book = codes[column], state & 1
            size = 2 * widths[code]
            symbol = levels[image, column] % size
            place = first[code] + book * (size + 1) + BOOKS * code + symbol
            scale = extent >> _PRECISION
            added = scale * uint64(bounds[place])
            lower += added
            if lower < added:
                _carry(words, count)
            extent = scale * uint64(bounds[place + 1] - bounds[place])
            if extent < _LOW:
                words[count] = lower >> _WORD
                count += 1
                lower, extent = lower << _WORD, extent << _WORD
            state = following[state, 1 if symbol >= widths[code] else 0]
        for column in range(len(codes)):
            place = first[codes[column]] + levels[image, column]
            frequencies[place] += steps[place]
    if extent == _ALL:
        return count
    point = lower + (_LOW - uint64(1))  # whatever follows the words decodes alike
    if point < lower:
        _carry(words, count)
    words[count] = point >> _WORD
    count += 1
    if (lower + extent) >> _WORD == uint64(words[count - 1]):
        words[count] = 0
        count += 1
    return count


@njit(cache=True, nogil=True)
def _carry(words, count):
    place = count - 1
    while words[place] == _LOW - uint64(1):
        words[place] = 0
        place -= 1
    words[place] += 1
