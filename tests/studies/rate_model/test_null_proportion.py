"""Null coefficients counted on real codes, and the law fitted to what was counted."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from smicnb.base.errors import DimensionError
from smicnb.studies.rate_model import null_proportion
from smicnb.studies.rate_model.null_proportion import NullLaw, fit_null_law

SIZES, PENALTIES = [2, 4, 8, 16], [0.1, 0.5, 2.0, 8.0]


@pytest.fixture(scope="module")
def measured():
    """A sweep over scanned digits, centred and brought to the paper's norm; the last 100 are unseen."""
    pixels = load_digits().data[:300]
    pixels = pixels - pixels.mean(axis=0)
    latents = 20 * pixels / np.linalg.norm(pixels, axis=1, keepdims=True)
    return null_proportion.sweep(latents[:200], {"unseen": latents[200:]}, SIZES, PENALTIES, 0.5, seed=0)


def law(**change):
    numbers = {"scale": 4.0, "slope": 1.1, "growth": 0.1, "rmse": 0.0, "max_error": 0.0, "rmse_fitted": 0.0}
    return NullLaw(**numbers | change)


def grid():
    sizes, penalties = np.meshgrid([2, 4, 8, 16, 32], np.geomspace(0.05, 4, 8))
    return penalties.ravel(), sizes.ravel()


def test_counting_by_hand():
    codes = np.array([[0, 0, 0], [0, 2, 0], [-1, 3, 1e-300], [0, 0, 0]])
    assert null_proportion.p_null(codes) == 8 / 12
    assert null_proportion.p_empty(codes) == 0.5


def test_sweep_has_a_row_for_each_cell(measured):
    assert list(measured.columns) == ["split", "n_atoms", "penalty", "p_null", "p_empty", "images"]
    assert len(measured) == 2 * len(SIZES) * len(PENALTIES)
    assert measured.groupby("split")["images"].unique().map(list).to_dict() == {"train": [200], "unseen": [100]}


def test_the_measured_share_rises_with_the_penalty_where_eq_13_falls(measured):
    curves = measured.pivot_table(index=["split", "n_atoms"], columns="penalty", values="p_null")
    assert (np.diff(curves.to_numpy(), axis=1) > 0).all()
    errors = null_proportion.compare_laws(measured).set_index(["split", "law"])["rms error"]
    for split in ("train", "unseen"):
        assert errors[split, null_proportion.LAW] < 0.1 < errors[split, "Eq. 13 as published, P(null)"]


def test_looking_a_cell_up(measured):
    row = measured.iloc[-1]
    found = null_proportion.measured_p_null(measured, "unseen", row["n_atoms"], row["penalty"])
    assert found == row["p_null"]
    assert np.isnan(null_proportion.measured_p_null(measured, "unseen", 2, 0.3))
    assert np.isnan(null_proportion.measured_p_null(measured, "gallery", 2, 0.1))


@settings(deadline=None, max_examples=25)
@given(scale=st.floats(0.5, 20), slope=st.floats(0.7, 2), growth=st.floats(0, 0.3))
def test_a_law_is_found_again_from_its_own_values(scale, slope, growth):
    true = law(scale=scale, slope=slope, growth=growth)
    found = fit_null_law(*grid(), true.predict(*grid()))
    np.testing.assert_allclose([found.scale, found.slope, found.growth], [scale, slope, growth], rtol=1e-3, atol=1e-4)
    assert found.rmse < 1e-4


def test_the_reported_error_is_on_sizes_that_the_fit_did_not_see():
    penalties, sizes = grid()
    shares = law().predict(penalties, sizes)
    shares[sizes == 32] = 1.0
    found = fit_null_law(penalties, sizes, shares)
    unseen = fit_null_law(*(array[sizes != 32] for array in (penalties, sizes, shares)))
    expected = np.abs(unseen.predict(penalties, sizes) - shares)[sizes == 32].max()
    assert found.max_error == pytest.approx(expected, abs=1e-4)
    assert found.rmse > 1.2 * found.rmse_fitted


def test_half_of_the_coefficients_are_null_where_the_law_says():
    one = law(scale=3.0, slope=2.0, growth=0.5)
    assert one.predict(3.0, 1) == pytest.approx(0.5)
    assert one.predict(3.0 * 2 ** (-0.5 / 2.0 * 9), 8) == pytest.approx(0.5)
    assert one.describe() == "odds of null = (λ/3)^2 · 2^(0.5·(log2 n_a)²)"


def test_cells_that_do_not_match_are_refused():
    with pytest.raises(DimensionError, match="2 penalties, 2 sizes and 1 shares; needed: equal numbers"):
        fit_null_law([1, 2], [2, 2], [0.5])
    with pytest.raises(DimensionError, match="measurements at 2 sizes of the dictionary; needed: at least 3"):
        fit_null_law([1, 1], [2, 4], [0.5, 0.6])


def test_laws_are_compared_on_each_split(measured):
    table = null_proportion.compare_laws(measured)
    assert list(table["free numbers"]) == [0, 0, 3, 3] * 2
    train = measured[measured["split"] == "train"]
    fitted = null_proportion.fit_measured(measured, "train")
    assert table.iloc[3]["rms error"] == pytest.approx(fitted.rmse)
    expected = np.sqrt(np.mean((train["p_null"] - (1 + train["penalty"]) ** -np.log2(train["n_atoms"])) ** 2))
    assert table.iloc[0]["rms error"] == pytest.approx(expected)
    assert isinstance(table, pd.DataFrame)
