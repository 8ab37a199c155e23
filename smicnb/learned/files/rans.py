"""Symbols to bytes and back by asymmetric numeral systems, under tables of cumulative frequencies: the compiled part.

The coder's state is a number of 64 bits, at least 2³¹ between two symbols; what it has too much leaves it, and what it
lacks enters it, in words of 32 bits. A symbol takes one of the 2¹⁶ counts of its table. The last entry of a table is
the escape: behind it stand, in nibbles of 4 bits, how many nibbles the distance beyond the table has, and those
nibbles, the lowest first. Encoding goes from the last symbol to the first, and begins at the state 2³¹; so a decoder
that has taken all symbols is at 2³¹ again and has read every word, or the bytes are not an encoder's.

Source: Duda, Asymmetric numeral systems, 2013; Giesen, Interleaved entropy coders, 2014, whose 64-bit variant this is.
The escape is that of CompressAI, whose streams these are.
"""

import numpy as np
from numba import njit, uint64

LOWEST = 2**31  # of the state between two symbols
LARGEST = 2**27  # symbol, in size
_SHIFT, _COUNTS, _STATE = uint64(16), uint64(0xFFFF), uint64(LOWEST)
_WORD, _WORDS, _NIBBLE, _NIBBLES = uint64(32), uint64(0xFFFFFFFF), uint64(4), uint64(15)
# A state from which a symbol of one count of 2¹⁶, or a nibble, would not fit into 64 bits.
_FULL, _FULL_NIBBLE = uint64(LOWEST >> 16 << 32), uint64(LOWEST >> 4 << 32)


@njit(cache=True, nogil=True)
def encode(symbols, rows, cdfs, sizes, offsets, state, words, place):
    """Put symbols in front of what is coded, the last of them first.

    Args:
        symbols: (n,) int64.
        rows: (n,) int64, the table of each.
        cdfs: (models, longest) int32, sizes: (models,) int32, offsets: (models,) int32: the tables.
        state: the coder's state, uint64.
        words: (m,) uint32, filled from its end; there has to be room for two words a symbol.
        place: index of the last word that was filled.

    Returns:
        The state and the place afterwards.
    """
    for index in range(len(symbols) - 1, -1, -1):
        row = rows[index]
        escape = sizes[row] - 2
        entry = symbols[index] - offsets[row]
        if entry < 0 or entry >= escape:
            beyond = uint64(-2 * entry - 1 if entry < 0 else 2 * (entry - escape))
            entry = escape
            length = uint64(0)
            while beyond >> (_NIBBLE * length):
                length += uint64(1)
            for nibble in range(length, -1, -1):
                if state >= _FULL_NIBBLE:
                    place -= 1
                    words[place] = state & _WORDS
                    state >>= _WORD
                value = beyond >> (_NIBBLE * uint64(nibble - 1)) & _NIBBLES if nibble else length
                state = state << _NIBBLE | value
        start = uint64(cdfs[row, entry])
        frequency = uint64(cdfs[row, entry + 1]) - start
        if state >= _FULL * frequency:
            place -= 1
            words[place] = state & _WORDS
            state >>= _WORD
        state = (state // frequency << _SHIFT) + state % frequency + start
    return state, place


@njit(cache=True, nogil=True)
def decode(words, at, rows, cdfs, sizes, offsets, symbols):
    """Take symbols from the front.

    Args:
        words: (m,) uint32.
        at: (2,) uint64, the state of the coder and the place of the next word; where decoding ends is filled in.
        rows: (n,) int64, the table of each symbol.
        cdfs, sizes, offsets: the same as for `encode`.
        symbols: (n,) int64, filled in.

    Returns:
        Whether that went well: the words lasted, and every escape was one that is written.
    """
    state, place = at[0], np.int64(at[1])
    for index in range(len(rows)):
        row = rows[index]
        count = np.int32(state & _COUNTS)
        entry, above = 0, sizes[row] - 1
        while above - entry > 1:
            middle = (entry + above) >> 1
            if cdfs[row, middle] <= count:
                entry = middle
            else:
                above = middle
        start = uint64(cdfs[row, entry])
        state = (uint64(cdfs[row, entry + 1]) - start) * (state >> _SHIFT) + (state & _COUNTS) - start
        if state < _STATE:
            if place == len(words):
                return False
            state = state << _WORD | uint64(words[place])
            place += 1
        symbol = np.int64(entry)
        if entry == sizes[row] - 2:
            length, beyond = 0, uint64(0)
            nibble = 0  # 0 is how many follow
            while nibble <= length:
                value = state & _NIBBLES
                state >>= _NIBBLE
                if state < _STATE:
                    if place == len(words):
                        return False
                    state = state << _WORD | uint64(words[place])
                    place += 1
                if nibble == 0:
                    length = np.int64(value)
                else:
                    beyond |= value << (_NIBBLE * uint64(nibble - 1))
                nibble += 1
            if length and beyond >> (_NIBBLE * uint64(length - 1)) == 0:  # a longer way to say the same
                return False
            distance = np.int64(beyond >> uint64(1))
            symbol = -distance - 1 if beyond & uint64(1) else symbol + distance
            if abs(symbol + offsets[row]) > LARGEST:
                return False
        symbols[index] = symbol + offsets[row]
    at[0], at[1] = state, uint64(place)
    return True
