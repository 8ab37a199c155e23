"""The trellis code: paths come back, cost what they should, and no damaged word brings a decoder down."""

import bisect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import IntegrityError
from smicnb.codec.format import priors, range_coder
from smicnb.codec.format.trellis import quantisation


def test_every_state_is_reached_from_two_others():
    reached = np.bincount(quantisation.FOLLOWING.ravel(), minlength=quantisation.STATES)
    assert reached.tolist() == [2] * quantisation.STATES


def test_the_tables_are_as_they_were_written():
    known = quantisation.tables()
    assert known.to_bytes() == quantisation.TABLES.read_bytes()
    for levels, frequencies in zip(known.levels, known.frequencies, strict=True):
        assert levels.shape == frequencies.shape
        assert levels.shape[:2] == (quantisation.BOOKS, 2)
        assert (frequencies >= 1).all()


@given(
    st.integers(0, 2**31),
    st.integers(1, 40),
    st.lists(st.integers(0, quantisation.CODES - 1), max_size=12),
    st.integers(0, quantisation.MOST_GROWTH),
)
@settings(deadline=None, max_examples=40)
def test_what_is_coded_is_decoded(seed, images, codes, growth):
    codes = np.array(codes, np.int64)
    targets = np.random.default_rng(seed).standard_normal((images, len(codes))) * 2
    levels = quantisation.search_levels(targets, np.ones(len(codes)), codes, 0.1)
    data = quantisation.encode(levels, codes, growth)
    np.testing.assert_array_equal(quantisation.decode(data, images, codes, growth), levels)
    assert 8 * len(data) <= quantisation.lengths(levels, codes, growth).sum() + 40


def written_by_the_other(levels, codes, growth, stream):
    """The words of a coder that is given one symbol at a time, with models made anew from what docs/format.md says."""
    known, coder, state = quantisation.tables(), stream.queue.RangeEncoder(), 0
    frequencies = [table.reshape(quantisation.BOOKS, -1).astype(np.float64) for table in known.frequencies]
    counted = [table.copy() for table in frequencies]
    for image, row in enumerate(levels.tolist()):
        if growth and (image <= 16 or image % 8 == 0):
            frequencies = [table.copy() for table in counted]
        for code, level in zip(codes.tolist(), row, strict=True):
            book, symbol = state % 2, level % (2 * known.widths[code])
            coder.encode(int(symbol), stream.model.Categorical(frequencies[code][book], perfect=False))
            state = quantisation.FOLLOWING[state, int(symbol >= known.widths[code])]
        for code, level in zip(codes.tolist(), row, strict=True):
            counted[code].ravel()[level] += (1 << growth) // (128 + code**3) if growth else 0
    return coder.get_compressed().astype(">u4").tobytes().rstrip(b"\0")


@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 12), st.sampled_from([0, 4, 18, 24]))
@settings(deadline=None, max_examples=25)
def test_words_are_those_of_constriction(seed, images, count, growth):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, quantisation.CODES, count)
    levels = quantisation.search_levels(rng.standard_normal((images, count)) * 3, np.ones(count), codes, 0.1)
    words = quantisation.encode(levels, codes, growth, shortest=False)
    assert words == written_by_the_other(levels, codes, growth, range_coder.stream())


def symbol_at_the_carry(coder, bounds):
    """The symbol in whose interval 2^64 lies, or None."""
    place = (range_coder.STATE - coder._lower) // (coder._range >> range_coder.PRECISION)
    return bisect.bisect_right(bounds, place) - 1 if place < 1 << range_coder.PRECISION else None


@pytest.mark.parametrize("end", ["above", "below", "on it"])
def test_a_carry_goes_back_through_full_words(end):
    """Symbols that stay on the edge of a carry, so that full words wait for it; then one above it, one below, or an
    end that brings the carry itself.
    """
    known, code, rng, most = quantisation.tables(), 40, np.random.default_rng(0), 0
    books, width = known.frequencies[code].reshape(2, -1).astype(np.float64), known.widths[code]
    models = [range_coder.plain.model.Categorical(book, perfect=False) for book in books]
    for _ in range(10):
        coder, state, levels, is_last = range_coder.plain.queue.RangeEncoder(), 0, [], False
        while not is_last:
            most = max(most, coder._words.count(range_coder.WORD - 1))
            symbol = symbol_at_the_carry(coder, models[state % 2].bounds)
            if end != "on it" and len(coder._words) >= 12:
                is_last = True
                symbol = min(symbol + 1, 2 * width - 1) if end == "above" and symbol is not None else 0
            symbol = int(rng.integers(0, 2 * width)) if symbol is None else symbol
            levels.append(state % 2 * 2 * width + symbol)
            coder.encode(symbol, models[state % 2])
            state = int(quantisation.FOLLOWING[state, int(symbol >= width)])
            is_last |= len(coder._words) > 2 and coder._lower > range_coder.STATE - range_coder.WORD and end == "on it"
        codes, path = np.full(len(levels), code), np.array([levels], np.int32)
        words = quantisation.encode(path, codes, 0, shortest=False)
        assert words == coder.get_compressed().astype(">u4").tobytes().rstrip(b"\0")
        assert words == written_by_the_other(path, codes, 0, range_coder.stream())
    assert most > 2


def test_frequencies_follow_what_a_block_has_in_common():
    codes, one = np.full(10, 12), np.random.default_rng(3).standard_normal((1, 10))
    alike = quantisation.search_levels(np.repeat(one, 60, axis=0), np.ones(10), codes, 0.1)
    still, growing = (len(quantisation.encode(alike, codes, growth)) for growth in (0, quantisation.GROWTH))
    assert growing < 0.8 * still
    spent = quantisation.lengths(alike, codes)
    np.testing.assert_array_equal(spent[:1], quantisation.lengths(alike[:1], codes, growth=0))
    assert spent[-8:].mean() < 0.7 * spent[0]


def test_a_block_that_is_nothing_like_its_neighbours_costs_little_more_where_frequencies_grow():
    codes = np.repeat(np.arange(1, 40), 4)
    drawn = np.random.default_rng(4).standard_normal((255, len(codes)))
    levels = quantisation.search_levels(drawn, np.ones(len(codes)), codes, 0.1)
    assert len(quantisation.encode(levels, codes)) < 1.01 * len(quantisation.encode(levels, codes, growth=0))


def test_a_second_search_counts_bits_as_the_first_one_left_them():
    codes = np.full(20, 6)
    drawn = np.abs(np.random.default_rng(6).standard_normal((80, 20)))
    first = quantisation.search_levels(drawn, np.ones(20), codes, 0.3)
    second = quantisation.search_levels(drawn, np.ones(20), codes, 0.3, known_levels=first)

    def cost(levels):
        errors = drawn - quantisation.values(levels, np.full(20, 1 << 12), codes) / (1 << 12)
        return np.square(errors).sum() + 0.3 * quantisation.lengths(levels, codes).sum()

    assert cost(second) < cost(first)
    unmoved = quantisation.search_levels(drawn, np.ones(20), codes, 0.3, known_levels=first, growth=0)
    np.testing.assert_array_equal(unmoved, first)


def test_images_of_more_weight_are_coded_more_closely():
    codes, drawn = np.full(20, 6), np.random.default_rng(7).standard_normal((60, 20))
    levels = quantisation.search_levels(drawn, np.ones(20), codes, 0.3, weights=np.repeat([4.0, 0.25], 30))
    errors = np.square(drawn - quantisation.values(levels, np.full(20, 1 << 12), codes) / (1 << 12)).mean(axis=1)
    assert errors[:30].mean() < 0.7 * errors[30:].mean()


def test_a_short_block_ends_with_as_few_bytes_as_decode_where_a_file_is_written(monkeypatch):
    codes, saved = np.full(6, 12), 0
    for seed in range(9):
        targets = np.random.default_rng(seed).standard_normal((1, 6))
        levels = quantisation.search_levels(targets, np.ones(6), codes, 0.1)
        short, plain = quantisation.encode(levels, codes), quantisation.encode(levels, codes, shortest=False)
        for data in (short, plain):
            np.testing.assert_array_equal(quantisation.decode(data, 1, codes), levels)
        with pytest.raises((IntegrityError, AssertionError)):
            np.testing.assert_array_equal(quantisation.decode(short[:-1], 1, codes), levels)
        saved += len(plain) - len(short)
    assert saved > 0
    monkeypatch.setattr(quantisation, "decode", None)  # a search decodes nothing
    assert quantisation.encode(levels, codes, shortest=False) == plain


@given(st.binary(max_size=60), st.lists(st.integers(0, quantisation.CODES - 1), min_size=1, max_size=9))
@settings(deadline=None, max_examples=40)
def test_any_bytes_are_a_path_or_an_error(data, codes):
    codes = np.array(codes, np.int64)
    try:
        levels = quantisation.decode(data, 2, codes)
    except IntegrityError:
        return
    assert (levels >= 0).all()
    assert (levels < 4 * quantisation.tables().widths[codes]).all()


@pytest.mark.parametrize("bits", [0.5, 1.0, 2.0, 4.0])
def test_gaussians_come_within_a_third_of_a_decibel_of_the_bound(bits):
    code = round(bits * quantisation.PER_BIT) - 1
    drawn = np.random.default_rng(5).standard_normal((64, 100))
    codes = np.full(100, code)
    levels = quantisation.search_levels(drawn, np.ones(100), codes, 2 * np.log(2) * 4.0**-bits)
    decoded = quantisation.values(levels, np.full(100, 1 << 12), codes) / (1 << 12)
    rate = 8 * len(quantisation.encode(levels, codes)) / drawn.size
    decibels = 20 * np.log10(2) * rate + 10 * np.log10(np.square(decoded - drawn).mean())
    assert -0.1 < decibels < 0.33


def test_a_bit_that_costs_more_is_spent_less():
    targets, codes = np.random.default_rng(1).standard_normal((8, 40)), np.full(40, 10)
    spent = [
        quantisation.lengths(quantisation.search_levels(targets, np.ones(40), codes, price), codes).sum()
        for price in (0.1, 1, 9)
    ]
    assert spent[0] > spent[1] > spent[2]


def test_scales_are_eighths_of_an_octave():
    deviations = priors.deviation(np.arange(priors.MOST_SCALE + 1))
    np.testing.assert_allclose(deviations[40:] * 2.0 ** (-np.arange(40, priors.MOST_SCALE + 1) / 8), 1, atol=0.04)
    np.testing.assert_array_equal(
        priors.scale_of(deviations[60:] / (1 << 17), 1.0), np.arange(60, priors.MOST_SCALE + 1)
    )


def test_a_prior_is_found_by_the_weights_and_by_its_bytes():
    (prior,) = priors.list_priors()
    assert priors.find_by_weights(prior.weights_hash) is prior
    assert priors.find_by_identity(prior.identity) is prior
    assert priors.find_by_weights("0" * 64) is None
    with pytest.raises(IntegrityError, match="use the version of smicnb that wrote it"):
        priors.find_by_identity(b"\0" * 8)
    rows = prior.axes / (1 << 19)
    np.testing.assert_allclose(rows @ rows.T, np.eye(prior.dim), atol=0.04)
    assert (np.diff(prior.scales.astype(int)) <= 0).all()
    assert len(prior.words) == len(prior.word_levels)


def test_the_prior_belongs_to_the_embedded_encoder():
    from smicnb.semantics.encoders import encoders
    from smicnb.semantics.photographs.words import words

    encoder = encoders.encoder("lite0-minilm")
    prior = priors.find_by_weights(encoder.weights_hash)
    assert prior.name == encoder.name
    assert prior.words == words().words
    of_text = encoder.encode_text(["sea", "sky"]).astype(float)
    stored = [prior.word_levels[prior.words.index(word)].astype(float) - 127.5 for word in ("sea", "sky")]
    for one, other in zip(of_text, stored, strict=True):
        assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.999
