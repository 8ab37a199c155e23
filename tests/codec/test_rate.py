"""The rate model by hand-worked numbers, and what must hold for every operating point."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smicnb.codec import rate
from smicnb.codec.rate import HIGH, LOW, MEDIUM, OperatingPoint

POINTS = st.builds(
    OperatingPoint,
    n_atoms=st.integers(1, 4096),
    b_coef=st.integers(1, 32),
    b_dict=st.integers(1, 32),
    penalty=st.floats(0, 20),
)
BITS = st.floats(0, 1e7, allow_subnormal=False)


def test_the_conventions_are_the_papers():
    assert pytest.approx(707.7888) == rate.single_item_bits()
    assert rate.single_item_bits(0.5, 100) == 50
    assert rate.bits_per_pixel(589824) == 1
    assert rate.bits_per_pixel(3, 4) == 0.75


@pytest.mark.parametrize(
    ("point", "dictionary", "printed", "corrected"),
    [
        (LOW, 2 * 768 * 2, 1 * 2 / 2.6, 2 / 2.6 * (1 + 2)),
        (MEDIUM, 128 * 768 * 4, 7 * 4 / 1.2**7, 128 / 1.2**7 * (7 + 4)),
        (HIGH, 128 * 768 * 16, 7 * 16 / 1.1**7, 128 / 1.1**7 * (7 + 16)),
        (OperatingPoint(16, 3, 5, 1.0), 16 * 768 * 5, 4 * 3 / 16, 16 / 16 * (4 + 3)),
    ],
)
def test_each_model_by_hand(point, dictionary, printed, corrected):
    assert rate.dictionary_bits(point) == dictionary
    assert rate.dictionary_bits(point, dim=384) == dictionary / 2
    assert rate.image_bits_printed(point) == pytest.approx(printed, rel=1e-12)
    assert rate.image_bits_corrected(point) == pytest.approx(corrected, rel=1e-12)
    assert rate.image_bits_corrected(point, 0.25) == 0.25 * point.n_atoms * rate.tuple_bits(point)


def test_eq_13_and_eq_14_use_one_expression():
    sizes, penalties = np.array([2, 8, 128]), np.array([1.0, 1.0, 1.0])
    np.testing.assert_allclose(rate.p_null_printed(sizes, penalties), [1 / 2, 1 / 8, 1 / 128])
    np.testing.assert_array_equal(rate.p_nonzero_printed(sizes, 0.3), rate.p_null_printed(sizes, 0.3))
    assert rate.p_null_printed(1, 5.0) == 1
    assert rate.p_null_printed(64, 0.0) == 1


def test_the_ranges_of_the_quantisers():
    assert rate.range_bits(LOW) == (768 + 2) * 32
    assert rate.range_bits(HIGH, dim=10) == (10 + 128) * 32


@pytest.mark.parametrize("share", [-0.01, 1.01, math.nan])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ValueError, match=r"p_nonzero=.*; needed: a share between 0 and 1"):
        rate.image_bits_corrected(LOW, share)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"n_atoms": 0}, "n_atoms=0; needed: a finite number of at least 1"),
        ({"b_coef": 0}, "b_coef=0; needed: a finite number of at least 1"),
        ({"b_dict": -1}, "b_dict=-1; needed: a finite number of at least 1"),
        ({"penalty": -0.1}, r"penalty=-0\.1; needed: a finite number of at least 0"),
        ({"penalty": math.inf}, "penalty=inf; needed: a finite number of at least 0"),
    ],
)
def test_an_impossible_operating_point_is_refused(change, text):
    with pytest.raises(ValueError, match=text):
        OperatingPoint(**{"n_atoms": 2, "b_coef": 2, "b_dict": 2, "penalty": 1.0} | change)


def test_a_collection_has_at_least_one_image():
    with pytest.raises(ValueError, match=r"n=0\.5; needed: at least 1 image"):
        rate.gain(0.5, 1.0, 1.0, 1.0)


def test_break_even_by_hand():
    assert rate.total_bits(5, 100, 3) == 115
    assert rate.break_even(100, 3, 13) == 11  # at 10 images both cost 130
    assert rate.break_even(101, 3, 13) == 11
    assert rate.break_even(99, 3, 13) == 10
    assert rate.break_even(0, 3, 13) == 1
    assert rate.break_even(100, 13, 13) is None
    assert rate.break_even(100, 14, 13) is None
    assert rate.gain(10, 100, 3, 13) == 1
    assert rate.gain(math.inf, 100, 6.5, 13) == 2
    assert rate.gain(math.inf, 100, 0, 13) == math.inf


@given(overhead=BITS, image=BITS, other=BITS)
def test_smic_is_strictly_cheaper_from_n_star_on_and_not_before(overhead, image, other):
    needed = rate.break_even(overhead, image, other)

    def cheaper(n):
        return rate.total_bits(n, Fraction(overhead), Fraction(image)) < n * Fraction(other)

    if needed is None:
        assert other <= image
        assert not cheaper(10**12)
    else:
        assert cheaper(needed)
        assert needed == 1 or not cheaper(needed - 1)


@given(point=POINTS, n=st.integers(1, 10**6), more=st.integers(1, 10**6))
def test_the_gain_grows_with_the_collection_up_to_its_limit(point, n, more):
    parts = rate.dictionary_bits(point), rate.image_bits_printed(point), rate.single_item_bits()
    few, many, limit = (rate.gain(size, *parts) for size in (n, n + more, math.inf))
    assert few < many
    assert many <= limit


@given(point=POINTS)
def test_the_tuple_code_never_costs_less_than_eq_12(point):
    # n_a (log2 n_a + b) >= log2(n_a) b, because n_a >= log2(n_a).
    assert rate.image_bits_corrected(point) >= rate.image_bits_printed(point)


@given(point=POINTS, share=st.floats(0, 1))
def test_a_larger_share_costs_more(point, share):
    bits = rate.image_bits_corrected(point, share)
    assert 0 <= bits <= rate.image_bits_corrected(point, 1.0) == point.n_atoms * rate.tuple_bits(point)


@given(point=POINTS, more=st.floats(0.01, 5))
@settings(deadline=None)
def test_the_printed_expression_falls_with_the_penalty(point, more):
    assume(point.n_atoms > 1)
    assert rate.p_null_printed(point.n_atoms, point.penalty + more) < rate.p_null_printed(point.n_atoms, point.penalty)


def test_the_rate_of_a_file_counts_names_and_sizes_apart():
    spent = {"header": 100, "dictionary": 700, "tables": 200, "payload": 500, "index": 50, "details": 4000}
    measured = rate.FileRate.from_spent(spent, 100)
    assert measured.overhead_bits == 8000
    further, once = 40 + 8 * 13 / 64, 8000 + 8 * (20 + 13 + 12)  # bytes of a block, of a segment with one
    assert (measured.image_bits, measured.once_bits) == (further, once)
    assert measured.bits_per_image() == 8 * 1550 / 100
    assert measured.bits_per_image(1000) == further + once / 1000
    assert measured.bits_per_image(math.inf) == further
    assert measured.dictionary_share() == pytest.approx(8000 / 12400)
    assert measured.dictionary_share(math.inf) == 0
    assert measured.gain(1000, 2 * (further + once / 1000)) == pytest.approx(2)
    assert measured.break_even(further + 83.61) == 100  # 8360 bits are saved by then, not before
    assert measured.break_even(further) is None
