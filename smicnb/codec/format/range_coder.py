"""The range coder of the .smic file: constriction's, and the same coder in Python where it publishes no wheel.

The Python one is what docs/format.md specifies and writes the same words; it has as much of constriction's interface
as this project uses. It is for Linux on arm64: slower, where the other would need a compiler to be installed.
"""

from bisect import bisect_right
from types import ModuleType, SimpleNamespace

import numpy as np

PRECISION = 24  # bits of a probability
WORD = 1 << 32
STATE = 1 << 64


def stream() -> ModuleType | SimpleNamespace:
    """constriction's module `stream`, or `plain`."""
    try:
        from constriction import stream
    except ModuleNotFoundError:
        return plain
    return stream


class _Categorical:
    """Symbols 0 to n − 1 by their frequencies (n,), float64 of whole numbers, 2 at least."""

    def __init__(self, frequencies: np.ndarray, perfect: bool):
        if perfect or len(frequencies) < 2 or not frequencies.sum() > 0:
            raise ValueError("frequencies of less than two symbols, or another way to round them")
        before = np.concatenate([[0.0], np.cumsum(frequencies)[:-1]])
        share = ((1 << PRECISION) - len(frequencies)) / frequencies.sum()
        whole = np.arange(len(frequencies)) + np.floor(before * share).astype(np.int64)
        self.bounds = [*whole.tolist(), 1 << PRECISION]


class _Uniform:
    """Symbols 0 to `size` − 1, all alike."""

    def __init__(self, size: int):
        self.bounds = [*(symbol * ((1 << PRECISION) // size) for symbol in range(size)), 1 << PRECISION]


class _Bernoulli:
    """Symbols 0 and 1 by the probability of 1, which comes with each symbol."""

    def __init__(self, perfect: bool):
        if perfect:
            raise ValueError("another way to round probabilities")

    @staticmethod
    def split(chance: float) -> list[int]:
        """The bounds under one probability."""
        return [0, 1 + int((1 - chance) * ((1 << PRECISION) - 2)), 1 << PRECISION]


class _RangeEncoder:
    """Words by the rule of docs/format.md; a carry goes back into the words that are written."""

    def __init__(self):
        self._lower, self._range, self._words = 0, STATE - 1, []

    def encode(self, symbols: int | np.ndarray, model: _Categorical | _Uniform | _Bernoulli, *chances) -> None:
        """Write one symbol or an array of them, under a model and, for Bernoulli's, an array of probabilities."""
        every = np.atleast_1d(symbols).tolist()
        if chances:
            for symbol, chance in zip(every, chances[0].tolist(), strict=True):
                self._put(symbol, model.split(chance))
        else:
            for symbol in every:
                self._put(symbol, model.bounds)

    def _put(self, symbol: int, bounds: list[int]) -> None:
        if not 0 <= symbol < len(bounds) - 1:
            raise ValueError(f"symbol {symbol} of {len(bounds) - 1}")
        scale = self._range >> PRECISION
        self._lower += scale * bounds[symbol]
        self._range = scale * (bounds[symbol + 1] - bounds[symbol])
        if self._lower >= STATE:
            self._lower -= STATE
            _carry(self._words)
        if self._range < WORD:
            self._words.append(self._lower >> 32)
            self._range, self._lower = self._range << 32, self._lower % WORD << 32

    def get_compressed(self) -> np.ndarray:
        """The words so far, uint32, ended so that whatever follows decodes alike."""
        words = self._words.copy()
        if self._range < STATE - 1:
            point = self._lower + WORD - 1
            if point >= STATE:
                point -= STATE
                _carry(words)
            words.append(point >> 32)
            if (self._lower + self._range) % STATE >> 32 == words[-1]:
                words.append(0)
        return np.array(words, np.uint32)


def _carry(words: list[int]) -> None:
    place = len(words) - 1
    while words[place] == WORD - 1:
        words[place] = 0
        place -= 1
    words[place] += 1


class _RangeDecoder:
    """Symbols of words (n,) uint32, after which zeros follow; ValueError for words that no encoder wrote."""

    def __init__(self, words: np.ndarray):
        self._words = iter(words.tolist())
        self._lower, self._range, self._point = 0, STATE - 1, 0
        for _ in range(2):
            self._point = self._point << 32 | next(self._words, 0)

    def decode(self, model: _Categorical | _Uniform | _Bernoulli, *more) -> int | np.ndarray:
        """One symbol; with a count, that many; under Bernoulli's model, one for each of an array of probabilities."""
        if not more:
            return self._take(model.bounds)
        if isinstance(model, _Bernoulli):
            found = [self._take(model.split(chance)) for chance in more[0].tolist()]
        else:
            found = [self._take(model.bounds) for _ in range(more[0])]
        return np.array(found, np.int32)

    def _take(self, bounds: list[int]) -> int:
        scale = self._range >> PRECISION
        place = (self._point - self._lower) % STATE // scale
        if place >= 1 << PRECISION:
            raise ValueError("words that no encoder wrote")
        symbol = bisect_right(bounds, place) - 1
        self._lower = (self._lower + scale * bounds[symbol]) % STATE
        self._range = scale * (bounds[symbol + 1] - bounds[symbol])
        if self._range < WORD:
            self._range, self._lower = self._range << 32, self._lower % WORD << 32
            self._point = self._point % WORD << 32 | next(self._words, 0)
        return symbol


plain = SimpleNamespace(
    queue=SimpleNamespace(RangeEncoder=_RangeEncoder, RangeDecoder=_RangeDecoder),
    model=SimpleNamespace(Categorical=_Categorical, Uniform=_Uniform, Bernoulli=_Bernoulli),
)
