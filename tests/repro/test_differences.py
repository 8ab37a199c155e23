import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from smicnb.repro import differences
from smicnb.repro.differences import EXACT, FRACTION, OF_COSINE, TEXT, Difference


@pytest.fixture
def data():
    return pd.DataFrame({"n": [2, 4], "cosine": [0.123456789, np.nan], "verdict": ["ahead", "a|b"]})


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda d: d.assign(cosine=[0.13, np.nan]), [("cosine", 1, 2, "0.123456789", "0.13", 0.006543211, OF_COSINE)]),
        (lambda d: d.assign(cosine=[0.123456789, 0.5]), [("cosine", 1, 2, "nan", "0.5", None, OF_COSINE)]),
        (lambda d: d.assign(verdict=["behind", "a|b"]), [("verdict", 1, 2, "ahead", "behind", None, TEXT)]),
        (lambda d: d.iloc[:1], [("", 1, 2, "2 rows", "1 rows", None, EXACT)]),
        (
            lambda d: d.rename(columns={"n": "m"}),
            [("n", 2, 2, "a column", "no column", None, EXACT), ("m", 2, 2, "no column", "a column", None, EXACT)],
        ),
        (
            lambda d: d[["cosine", "n", "verdict"]],
            [("", 2, 2, "n, cosine, verdict", "cosine, n, verdict", None, EXACT)],
        ),
        (lambda d: d.assign(n=[2, 5]), [("n", 1, 2, "4", "5", 1.0, EXACT)]),
        (lambda d: d.assign(n=[3, 7], cosine=0.0), [("n", 2, 2, "4", "7", 3.0, EXACT), ("cosine", 2, 2, "nan", "0.0")]),
    ],
)
def test_every_difference_is_told(data, change, found):
    told = differences.differences(data, change(data))
    assert [difference[: len(wanted)] for difference, wanted in zip(told, found, strict=True)] == [
        tuple(pytest.approx(part) if isinstance(part, float) else part for part in wanted) for wanted in found
    ]
    assert not differences.is_same_data(data, change(data))


def test_equal_tables_and_those_within_the_tolerance_have_none(data):
    assert differences.differences(data, data.copy()) == []
    sized = data.rename(columns={"cosine": "bits"})
    assert differences.is_same_data(sized, sized.assign(bits=sized["bits"] * (1 + 9e-4)))
    assert not differences.is_same_data(sized, sized.assign(bits=sized["bits"] * (1 + 1.1e-3)))
    infinite = pd.DataFrame({"n": [np.inf, 1.0]})
    assert differences.is_same_data(infinite, infinite.copy())
    assert differences.differences(infinite, infinite.assign(n=[2.0, 1.0])) == [
        Difference("n", 1, 2, "inf", "2.0", None, FRACTION)
    ]
    empty = data.iloc[:0]
    assert differences.is_same_data(empty, empty.copy())


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("0.433 [0.416, 0.451]", "0.434 [0.416, 0.450]", True),
        ("0.433 [0.416, 0.451]", "0.435 [0.416, 0.451]", False),
        ("n* = 562", "n* = 563", False),
        ("holds at 0.5", "fails at 0.5", False),
        ("0.5", "0.50", True),
        ("λ = 0.5", "λ = 0.4", False),
        ("1.8 dB", "1.7 dB", False),
        ("0.05 of all", "0.06 of all", False),
        ("1.80 dB", "1.79 dB", True),
        ("1.8", "1.7", False),
        ("0.433", "0.434", False),
        ("0.4335", "0.4334", True),
        ("-4.335e-05", "-4.334e-05", True),
        ("-4.335e-05", "4.335e-05", False),
        ("5000", "5001", False),
        ("5000", "5001.0", True),
        ("5000", "many", False),
    ],
)
def test_numbers_within_text(old, new, same):
    tables = (pd.DataFrame({"a": [text, "a word"]}) for text in (old, new))
    assert differences.is_same_data(*tables) is same


def test_files_that_cannot_be_read_differ(data, tmp_path):
    data.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "b.csv").write_bytes(b"")
    assert differences.compare_files(tmp_path / "a.csv", tmp_path / "a.csv") == []
    for name in ("b.csv", "c.csv"):
        (found,) = differences.compare_files(tmp_path / "a.csv", tmp_path / name)
        assert found.column == ""


def test_same_picture_sees_a_changed_label_and_size():
    def png(value, size=(20, 20)):
        pixels = np.full((*size, 3), 200, np.uint8)
        pixels[3, 3] = value
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, format="png")
        return stream.getvalue()

    assert differences.is_same_picture(png(200), png(203))
    assert not differences.is_same_picture(png(200), png(200, (20, 21)))
    assert not differences.is_same_picture(png(200), b"damaged")


@pytest.mark.parametrize("place", [2.9, 2.95, 3.003, 3.1])
def test_same_picture_sees_a_full_stop_and_not_a_marker_s_part_of_a_pixel(place):
    def drawn(column, words):
        figure = Figure(figsize=(2, 2), dpi=200, layout="constrained")
        axes = figure.subplots()
        axes.plot([1, 2, column], [1, 2, 1.5], "o-", label="here")
        axes.set(xlim=(0, 4), ylim=(0, 3), xlabel=words)
        stream = io.BytesIO()
        figure.savefig(stream, format="png")
        return stream.getvalue()

    plain = drawn(place, "1 of 10")
    assert differences.is_same_picture(plain, drawn(place + 0.0015, "1 of 10"))
    assert not differences.is_same_picture(plain, drawn(place + 0.05, "1 of 10"))
    assert not differences.is_same_picture(plain, drawn(place, "1 of 10."))
    assert not differences.is_same_picture(plain, drawn(place, "1 of 19"))


def test_an_absent_word_equals_an_absent_word_alone():
    old = pd.read_csv(io.StringIO("verdict,n\nholds,1\n,2\n"))
    assert differences.is_same_data(old, old.copy())
    assert differences.is_same_data(old, pd.read_csv(io.StringIO("verdict,n\nholds,1\n,2\n")))
    (found,) = differences.differences(old, old.assign(verdict=["holds", "fails"]))
    assert (found.column, found.moved) == ("verdict", 1)


def test_a_cosine_near_zero_may_move_by_a_thousandth_and_no_other_number():
    cosines = pd.DataFrame({"image_cosine": [0.0094, 0.8], "cosine_error": [0.0094, 0.8]})
    assert differences.is_same_data(cosines, cosines.assign(image_cosine=[0.0103, 0.8005]))
    assert not differences.is_same_data(cosines, cosines.assign(image_cosine=[0.0103, 0.8005]), slack=False)
    (found,) = differences.differences(cosines, cosines.assign(image_cosine=[0.0106, 0.8]))
    assert (found.column, found.moved) == ("image_cosine", 1)
    assert not differences.is_same_data(cosines, cosines.assign(cosine_error=[0.0103, 0.8]))


@pytest.mark.parametrize("names", [("gain", "low", "high"), ("wins", "wins_low", "wins_high")])
def test_a_mean_and_its_ends_may_move_by_a_hundredth_of_the_interval(names):
    table = pd.DataFrame([["a", 6.9, -0.05, 48.6], ["b", 6.9, 6.8, 7.0], ["c", 6.9, np.nan, np.nan]])
    table.columns = ["codec", *names]
    for name in names:
        near, far = table.copy(), table.copy()
        near.loc[0, name] += 0.48
        far.loc[0, name] += 0.6
        assert differences.is_same_data(table, near)
        assert not differences.is_same_data(table, near, slack=False)
        assert [found.column for found in differences.differences(table, far)] == [name]
    for row in (1, 2):  # narrow, or none
        moved = table.copy()
        moved.loc[row, names[0]] += 0.01
        assert not differences.is_same_data(table, moved)
    between = table.rename(columns={names[1]: "least"})
    moved = between.copy()
    moved.loc[0, names[0]] += 0.1
    assert not differences.is_same_data(between, moved)
