"""The range coder in Python writes and reads the words that constriction's does."""

import bisect
import sys

import numpy as np
import pytest

from smicnb.codec.format import payload, range_coder
from smicnb.codec.format.trellis import quantisation

plain = range_coder.plain


def some(rng, few):
    """Symbols of a drawn kind with what they are coded under: (frequencies, symbols, chances, bits, numbers)."""
    alphabet, count = int(rng.integers(2, 70)), int(rng.integers(0, 6 if few else 300))
    frequencies = rng.integers(1, 2 ** int(rng.integers(1, 20)), alphabet).astype(np.float64)
    symbols = rng.choice(alphabet, count, p=frequencies / frequencies.sum()).astype(np.int32)
    chances = rng.random(count) ** 4 * rng.integers(0, 2, count)
    bits = (rng.random(count) < np.where(rng.random(count) < 0.1, 1, chances)).astype(np.int32)
    return frequencies, symbols, chances, bits, rng.integers(0, 128, count).astype(np.int32)


def written(stream, frequencies, symbols, chances, bits, numbers):
    coder = stream.queue.RangeEncoder()
    if len(symbols):
        coder.encode(symbols, stream.model.Categorical(frequencies, perfect=False))
        coder.encode(bits, stream.model.Bernoulli(perfect=False), chances)
        coder.encode(numbers, stream.model.Uniform(128))
        coder.encode(int(symbols[0]), stream.model.Categorical(frequencies, perfect=False))
    return coder.get_compressed()


def read(stream, words, frequencies, chances):
    """What the words hold as `written` orders it, or None for words that no encoder wrote."""
    coder = stream.queue.RangeDecoder(words.copy())
    try:
        return [
            coder.decode(stream.model.Categorical(frequencies, perfect=False), len(chances)).tolist(),
            coder.decode(stream.model.Bernoulli(perfect=False), chances).tolist(),
            coder.decode(stream.model.Uniform(128), len(chances)).tolist(),
            coder.decode(stream.model.Categorical(frequencies, perfect=False)),
        ]
    except (AssertionError, ValueError):
        return None


@pytest.mark.parametrize("few", [True, False])
def test_words_are_those_of_constriction_and_are_read_alike(few):
    other, rng = pytest.importorskip("constriction").stream, np.random.default_rng(few)
    refused = 0
    for _ in range(200):
        frequencies, symbols, chances, bits, numbers = some(rng, few)
        words = written(plain, frequencies, symbols, chances, bits, numbers)
        np.testing.assert_array_equal(words, written(other, frequencies, symbols, chances, bits, numbers))
        damaged = rng.integers(0, 2**32, len(words) + 3).astype(np.uint32)
        damaged[:2] |= np.uint32(2**32 - 1) * (rng.random() < 0.5)  # beyond every symbol
        if len(symbols):
            expected = [symbols.tolist(), bits.tolist(), numbers.tolist(), symbols[0]]
            assert read(plain, words, frequencies, chances) == expected
            assert read(plain, damaged, frequencies, chances) == read(other, damaged, frequencies, chances)
            refused += read(plain, damaged, frequencies, chances) is None
    assert refused > 0


@pytest.mark.parametrize("above", [True, False])
def test_a_carry_goes_back_through_full_words(above):
    other, rng = pytest.importorskip("constriction").stream, np.random.default_rng(above)
    frequencies, most = rng.integers(1, 1000, 64).astype(np.float64), 0
    model = plain.model.Categorical(frequencies, perfect=False)
    for _ in range(20):
        coder, symbols = plain.queue.RangeEncoder(), []

        def put(symbol, coder=coder, symbols=symbols):
            coder.encode(symbol, model)
            symbols.append(symbol)

        def at_the_carry(coder=coder):  # the symbol in whose interval 2^64 lies
            place = (range_coder.STATE - coder._lower) // (coder._range >> range_coder.PRECISION)
            return bisect.bisect_right(model.bounds, place) - 1 if place < 1 << range_coder.PRECISION else None

        while len(coder._words) < 12:
            symbol = at_the_carry()
            put(symbol if symbol is not None else int(rng.integers(0, 64)))
        most = max(most, coder._words.count(range_coder.WORD - 1))
        symbol = at_the_carry()
        put(min(symbol + 1, 63) if above and symbol is not None else 0)
        put(int(rng.integers(0, 64)))
        reference = other.queue.RangeEncoder()
        reference.encode(np.array(symbols, np.int32), other.model.Categorical(frequencies, perfect=False))
        np.testing.assert_array_equal(coder.get_compressed(), reference.get_compressed())
    assert most > 5


def test_a_machine_without_constriction_writes_and_reads_the_same_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    levels = np.where(rng.random((20, 12)) < 0.4, rng.integers(0, 256, (20, 12)), payload.NULL).astype(np.int32)
    models = payload.EntropyModels.fit(levels, 8)
    codes = np.array([3, 2, 1])
    paths = quantisation.search_levels(rng.standard_normal((20, 3)), np.ones(3), codes, 0.1)

    def blocks():
        quantisation.tables.cache_clear()  # and the coder's models with them
        return payload.encode_entropy(levels, 8, models), quantisation.encode(paths, codes)

    before = blocks()
    monkeypatch.setitem(sys.modules, "constriction", None)
    assert range_coder.stream() is plain
    assert blocks() == before
    np.testing.assert_array_equal(payload.decode_entropy(before[0], 20, 12, 8, models), levels)
    np.testing.assert_array_equal(quantisation.decode(before[1], 20, codes), paths)
    monkeypatch.undo()
    quantisation.tables.cache_clear()  # and the coder's models with them
