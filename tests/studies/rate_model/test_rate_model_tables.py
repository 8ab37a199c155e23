"""The paper's printed cells against its own equations, and the list of its contradictions."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smicnb.codec import published, rate
from smicnb.codec.published import Cell
from smicnb.studies.rate_model import contradictions as rate_contradictions
from smicnb.studies.rate_model import tables
from smicnb.studies.rate_model.contradictions import contradictions

# A table of the sweep's form with round numbers, to check arithmetic by hand; no measurement.
SHARES = pd.DataFrame(
    [
        (split, n_atoms, penalty, null, 0.5, 4)
        for split, null in (("train", 0.75), ("heldout", 0.5))
        for n_atoms, penalty in ((2, 1.6), (128, 0.2), (128, 1.0), (8, 0.2), (32, 0.2))
    ],
    columns=["split", "n_atoms", "penalty", "p_null", "p_empty", "images"],
)


def deviations():
    table = tables.table3()
    return table.loc[table["digits"] >= 3, "deviation %"].abs()


def test_every_cell_with_three_digits_is_within_0_4_percent():
    assert len(deviations()) == 9
    assert deviations().max() <= 0.4


@pytest.mark.parametrize(
    ("name", "factor"), [("image_bits_printed", 1.002), ("dictionary_bits", 1.005), ("dictionary_bits", 0.99)]
)
def test_the_bound_notices_a_wrong_rate(monkeypatch, name, factor):
    right = getattr(rate, name)
    monkeypatch.setattr(rate, name, lambda point, *rest: factor * right(point, *rest))
    assert deviations().max() > 0.4


def test_table_3_holds_every_printed_cell():
    table = tables.table3()
    assert list(zip(table["row"], table["column"], table["as published"], strict=True)) == [
        (model, column, printed)
        for model, row in {
            "low": ["22.51", "184.3", "659", "923", "5"],
            "medium": ["0.17", "1.76", "15", "90.9", "562"],
            "high": ["0.04", "0.43", "3.3", "12.3", "2419"],
        }.items()
        for column, printed in zip(["n = 100", "n = 1000", "n = 10000", "n = inf", "n*"], row, strict=True)
    ]


def test_rates_cut_to_three_digits_give_every_printed_digit_and_exact_ones_do_not():
    table = tables.table3()
    assert "neither" not in set(table["published is (cut)"])
    missed = table[table["published is"] == "neither"]
    assert list(zip(missed["row"], missed["column"], strict=True)) == [
        ("low", "n = 100"),
        ("low", "n = 10000"),
        ("low", "n = inf"),
        ("medium", "n = inf"),
    ]


def test_n_star_of_high_needs_the_unrounded_single_item_rate():
    assert tables.exact_cell(rate.HIGH, "n*", rate.single_item_bits()) == 2419
    assert tables.exact_cell(rate.HIGH, "n*", 708.0) == 2418


def test_the_corrected_columns():
    table = tables.table3(SHARES).set_index(["row", "column"])
    assert [table.loc[(model, "n*"), "corrected"] for model in rate.POINTS] == [5, 1249, math.inf]
    assert table.loc[("low", "n = inf"), "corrected, P of train"] == pytest.approx(707.7888 / (2 * 0.25 * 3))
    assert table.loc[("low", "n = inf"), "corrected, P of heldout"] == pytest.approx(707.7888 / (2 * 0.5 * 3))
    assert math.isnan(table.loc[("high", "n = inf"), "corrected, P of train"])  # λ = 0.1 is not in the table
    assert math.isnan(table.loc[("high", "n*"), "corrected, P of train"])


def test_files_have_their_own_columns():
    cells = {"images": 100, "overhead_bits": 7000 - 8 * 45, "payload_bits": 62.0 - 104 / 64}
    rows = [{"model": model, "coding": "tuple", "split": "train", **cells} for model in rate.POINTS]
    rows.append({**rows[1], "coding": "entropy", "payload_bits": 32.0 - 104 / 64})
    files, other = pd.DataFrame(rows), rate.single_item_bits()
    table = tables.table3(SHARES, files).set_index(["row", "column"])
    assert table.loc[("medium", "n = 1000"), "file (tuple), train"] == pytest.approx(other / (62 + 7))
    assert table.loc[("medium", "n*"), "file (entropy), train"] == math.floor(7000 / (other - 32)) + 1
    assert math.isnan(table.loc[("low", "n*"), "file (entropy), train"])
    table = tables.table4(SHARES, files).set_index("row")
    assert table.loc["Clip inter (SMIC, medium)", "file (tuple), train"] == pytest.approx((62 + 7000 / 5000) / 768**2)
    table = tables.compare_points(SHARES, files).set_index("model")
    assert table.loc["medium", "R(z) file (entropy), train"] == 32


def test_models_in_bits():
    table = tables.compare_points(SHARES).set_index("model")
    assert table.loc["low", "P(non-null) of heldout"] == 0.5
    assert table.loc["medium", "R(z) corrected, P of train"] == pytest.approx(128 * 0.25 * 11)
    assert table.loc["medium", "R(z) as printed"] == pytest.approx(7.814, abs=1e-3)
    assert "P(non-null) of train" not in tables.compare_points()


def test_table_4_is_not_what_its_equations_give():
    table = tables.table4(SHARES).set_index("row")
    exact = table["Eq. 10-15"]
    assert exact["Clip inter (SMIC, medium)"] == pytest.approx((393216 / 5000 + 28 / 1.2**7) / 768**2)
    assert table.loc["Clip inter (SMIC, medium)", "published is"] == "cut off"
    assert [exact["Clip intra [21]"], exact["PICS [31]"], exact["VVC [32]"]] == [562, 26, 149]
    assert list(table["as published"]) == ["1.4e-4", "150", "5", "38"]
    assert list(table["published is"].iloc[1:]) == ["neither"] * 3
    assert table.loc["VVC [32]", "corrected, P of train"] == math.floor(393216 / (4.5e-3 * 768**2 - 352)) + 1


@pytest.mark.parametrize("codec", published.TABLE_4_BREAK_EVEN)
def test_the_implied_dictionary_is_what_gives_the_printed_n_star(codec):
    least, most = tables.implied_dictionary(codec)
    image = rate.image_bits_printed(rate.MEDIUM)
    other = rate.single_item_bits(published.TABLE_4_RATES[codec].value)
    printed = int(published.TABLE_4_BREAK_EVEN[codec].printed)
    sizes = (0.999 * least, 1.001 * least, 0.999 * most, 1.001 * most)
    assert [rate.break_even(bits, image, other) - printed for bits in sizes] == [-1, 0, 0, 1]


def test_cells_know_their_digits_and_how_a_value_becomes_them():
    digits = {"22.51": 4, "659": 3, "0.17": 2, "0.04": 1, "1.4e-4": 2, "2419": 4}
    assert {text: Cell("", "", "", text).digits for text in digits} == digits
    cell = Cell("", "", "", "1.76")
    readings = {1.7649: "either", 1.767: "cut off", 1.756: "rounded", 1.77: "neither", 1.7549: "neither"}
    assert {value: cell.reading(value) for value in readings} == readings
    assert Cell("", "", "", "1.4e-4").reading(1.466e-4) == "cut off"


@given(value=st.floats(1e-9, 1e9), digits=st.integers(1, 6))
def test_cut_keeps_the_first_digits(value, digits):
    kept = tables.cut(value, digits)
    unit = 10.0 ** (math.floor(math.log10(value)) + 1 - digits)
    assert kept <= value * (1 + 1e-15)
    assert value - kept < unit * (1 + 1e-9)
    assert f"{value:.17e}".replace(".", "")[:digits] == f"{kept:.10e}".replace(".", "")[:digits]


def test_every_claim_has_evidence_and_a_verdict():
    table = contradictions()
    verdicts = rate_contradictions.CONTRADICTED, rate_contradictions.MISSING, rate_contradictions.READING
    assert list(table["no"]) == list(published.CLAIMS)
    assert {number[0] for number in published.CLAIMS} == set("123456789")
    unmeasured = table[table["verdict"] == rate_contradictions.UNMEASURED]
    assert list(unmeasured["no"]) == ["3c", "7c"]
    assert set(unmeasured["evidence"]) == {"not measured in this run"}
    assert table.drop(unmeasured.index)["verdict"].str.startswith(verdicts).all()


def test_evidence_is_computed():
    evidence = contradictions().set_index("no")["evidence"]
    assert "medium 392.9 (Eq. 12: 7.81), gain at n = inf 1.8, n* 1249" in evidence["1"]
    assert "n* never" in evidence["1"]
    assert "limits the gain to 88.5" in evidence["2"]
    assert "low 0.769; medium 0.558; high 1.03" in evidence["3b"]
    assert "Clip intra [21] 562 (Table IV: 150); PICS [31] 26 (Table IV: 5); VVC [32] 149" in evidence["5a"]
    assert "8 of 12 cells" in evidence["10"]
    assert evidence["11"] == "n* by R_SIC in bits: 707.789 gives 2419; 708 gives 2418"


def test_evidence_follows_the_model(monkeypatch):
    monkeypatch.setattr(rate, "image_bits_printed", lambda point: 100.0)
    table = contradictions().set_index("no")
    assert "Eq. 12: 100" in table.loc["1", "evidence"]
    assert "Clip intra [21] 647 (Table IV: 150)" in table.loc["5a", "evidence"]
    # What is left is where the dictionary outweighs the images: 0.17 and 0.04 at n = 100.
    assert "digits of 2 of 12 cells" in table.loc["10", "evidence"]


def test_measured_evidence():
    table = contradictions(SHARES, norms=[10.0, 30.0]).set_index("no")
    assert "0.75 measured, 0.00781 by Eq. 13" in table.loc["3c", "evidence"]
    assert "low 1.5 and 3; medium 352 and 704; high nan and nan" in table.loc["7c", "evidence"]
    assert table.loc["8a", "evidence"].endswith("norms of 20, standard deviation 10")
    assert table.loc["8b", "evidence"].endswith("; 50.0% measured")


def test_one_split_measures_no_unseen_images():
    only = SHARES[SHARES["split"] == "train"]
    assert contradictions(only).set_index("no").loc["7c", "verdict"] == rate_contradictions.UNMEASURED
