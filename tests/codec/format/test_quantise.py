"""Quantisers in integers: their error, their packing, and reconstruction that no order of adding changes."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smicnb.codec.format import quantise
from smicnb.codec.format.quantise import ATOM_UNIT, COEFFICIENT_UNIT, LIMIT, MOST_ATOMS, CoefficientQuantiser


def unit_rows(n, dim, seed=0):
    rows = np.random.default_rng(seed).standard_normal((n, dim))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 8, 16])
def test_more_bits_bring_the_decoder_s_atoms_closer(bits):
    atoms = unit_rows(20, 96)
    levels = quantise.atom_levels(atoms, bits)
    assert levels.dtype == np.uint16
    assert levels.min() >= 0
    assert levels.max() < 2**bits
    decoded = quantise.unit_atoms(levels, bits) / ATOM_UNIT
    assert np.allclose(np.linalg.norm(decoded, axis=1), 1, atol=1e-4)
    # A uniform quantiser of b bits on Gaussian values: 1-bit keeps √(2/π) of the norm; then at least 4 dB a bit.
    cosine = (decoded * atoms).sum(axis=1).mean()
    assert 1 - cosine < 0.22 * 0.42 ** (bits - 1) + 1e-8


def test_one_bit_of_an_atom_is_its_sign():
    atoms = unit_rows(5, 30)
    assert np.array_equal(quantise.atom_levels(atoms, 1), (atoms > 0).astype(np.uint16))


@given(st.integers(1, 16), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_packing_is_undone_and_as_short_as_it_can_be(bits, count, seed):
    levels = np.random.default_rng(seed).integers(0, 1 << bits, count).astype(np.uint16)
    packed = quantise.pack_levels(levels, bits)
    assert len(packed) == -(-count * bits // 8)
    assert np.array_equal(quantise.unpack_levels(packed, count, bits), levels)


@given(st.integers(1, 16), st.floats(0.1, 100), st.integers(0, 2**32 - 1))
def test_a_coefficient_within_the_range_comes_back_within_half_a_step(bits, norm, seed):
    values = np.random.default_rng(seed).normal(size=200) * norm / 5
    quantiser = CoefficientQuantiser.fit_codes(values, bits, norm)
    levels = quantiser.quantise(values, norm)
    assert levels.min() >= 0
    assert levels.max() < 1 << bits
    unit = norm / COEFFICIENT_UNIT
    inside = (values >= quantiser.low * unit) & (values <= quantiser.high * unit)
    step = (quantiser.high - quantiser.low) * unit / (1 << bits)
    error = np.abs(quantiser.dequantise(levels, norm) - values)
    assert (error[inside] <= step / 2 + 2 * unit).all()
    assert inside.mean() > 0.8


def test_the_range_is_the_one_that_errs_least():
    values = np.random.default_rng(0).laplace(size=5000)
    chosen = CoefficientQuantiser.fit_codes(values, 3, 20.0)
    whole = CoefficientQuantiser(
        3, *(int(np.rint(end * COEFFICIENT_UNIT / 20)) for end in (values.min(), values.max()))
    )

    def error(quantiser):
        return np.square(quantiser.dequantise(quantiser.quantise(values, 20.0), 20.0) - values).mean()

    assert error(chosen) < 0.6 * error(whole)
    fine = CoefficientQuantiser.fit_codes(values, 16, 20.0)
    assert error(fine) < 1e-6


@pytest.mark.parametrize("values", [np.zeros(3), np.array([1.5]), np.array([-2.0, -2.0]), np.array([1e9, -1e9])])
def test_ranges_without_a_width_or_beyond_the_limit_are_ranges(values):
    quantiser = CoefficientQuantiser.fit_codes(values, 2, 20.0)
    assert -LIMIT < quantiser.low < quantiser.high < LIMIT
    assert set(quantiser.quantise(values, 20.0)) <= {0, 1, 2, 3}


@pytest.mark.parametrize("dim", [1, 16, 512, 513])  # 2^9 squares of 2^44 are 2^53
def test_a_norm_is_given_by_whole_numbers(dim):
    """Against Python's own: of sums below 2^53, squares of the 22 leading bits are added up exactly."""
    rng = np.random.default_rng(dim)
    sums = np.rint(rng.standard_normal((40, dim)) * 2.0 ** rng.integers(0, 50, (40, 1)))
    sums[0], sums[1] = 0, 2.0**quantise.LATENT_BITS - 1  # the largest squares that there are
    sums[2, 0] = -0.0
    for row, latent in zip(sums, quantise.scale_to_norm(sums, 20.0), strict=True):
        shift = min(0, quantise.LATENT_BITS - int(max(abs(row))).bit_length())
        whole = [round(Fraction(int(value)) * Fraction(2) ** shift) for value in row]
        scale = 20.0 / math.sqrt(float(max(1, sum(value * value for value in whole))))
        assert latent.tobytes() == np.array([np.float32(value * scale) for value in whole]).tobytes()


def test_reconstruction_is_the_same_in_any_order_and_of_the_given_norm():
    rng = np.random.default_rng(1)
    atoms = quantise.unit_atoms(quantise.atom_levels(unit_rows(64, 48), 4), 4)
    midpoints = np.where(rng.random((30, 64)) < 0.4, rng.integers(-LIMIT, LIMIT, (30, 64)), 0)
    midpoints[3] = 0
    latents = quantise.reconstruct(midpoints, atoms, 20.0)
    assert latents.dtype == np.float32
    assert not latents[3].any()
    assert np.allclose(np.linalg.norm(np.delete(latents, 3, 0), axis=1), 20, rtol=1e-5)
    shuffle = rng.permutation(64)
    assert np.array_equal(quantise.reconstruct(midpoints[:, shuffle], atoms[shuffle], 20.0), latents)
    one_by_one = [quantise.reconstruct(row[None], atoms, 20.0)[0] for row in midpoints]
    assert np.array_equal(np.stack(one_by_one), latents)
    exact = midpoints.astype(object) @ atoms.astype(np.int64).astype(object)
    wanted = exact[0].astype(float) * (20 / np.sqrt(float((exact[0] ** 2).sum())))
    assert np.allclose(latents[0], wanted, rtol=1e-6, atol=1e-5)


def test_the_largest_sums_are_exact():
    assert MOST_ATOMS * LIMIT * ATOM_UNIT <= 2**53
    atoms = quantise.unit_atoms(np.full((MOST_ATOMS, 1), 1, np.uint16), 1)
    assert (atoms == ATOM_UNIT).all()
    midpoints = np.full((1, MOST_ATOMS), LIMIT - 1)
    sums = midpoints.astype(np.float64) @ atoms
    assert int(sums[0, 0]) == MOST_ATOMS * (LIMIT - 1) * ATOM_UNIT
    assert quantise.reconstruct(midpoints, atoms, 20.0)[0, 0] == np.float32(20)


def test_what_is_zero_but_for_rounding_takes_no_side():
    """The sign of an eigenvector's entry in a dimension in which nothing varies is that of a processor's rounding."""
    atoms = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0]])
    levels = quantise.atom_levels(atoms, 8)
    for noise in (1e-30, -1e-30, 1e-14, -1e-14):
        np.testing.assert_array_equal(quantise.atom_levels(atoms + np.array([0, 0, noise]), 8), levels)
    assert quantise.atom_levels(atoms + np.array([0, 0, -1e-9]), 8)[0, 2] == levels[0, 2] - 1
