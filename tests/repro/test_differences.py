import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from smicnb.repro import differences
from smicnb.repro.differences import EXACT, FRACTION, TEXT, Difference


@pytest.fixture
def data():
    return pd.DataFrame({"n": [2, 4], "cosine": [0.123456789, np.nan], "verdict": ["ahead", "a|b"]})


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda d: d.assign(cosine=[0.13, np.nan]), [("cosine", 1, 2, "0.123456789", "0.13", 0.006543211, FRACTION)]),
        (lambda d: d.assign(cosine=[0.123456789, 0.5]), [("cosine", 1, 2, "nan", "0.5", None, FRACTION)]),
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
    assert not differences.same_data(data, change(data))


def test_equal_tables_and_those_within_the_tolerance_have_none(data):
    assert differences.differences(data, data.copy()) == []
    assert differences.same_data(data, data.assign(cosine=data["cosine"] * (1 + 9e-4)))
    assert not differences.same_data(data, data.assign(cosine=data["cosine"] * (1 + 1.1e-3)))
    infinite = pd.DataFrame({"n": [np.inf, 1.0]})
    assert differences.same_data(infinite, infinite.copy())
    assert differences.differences(infinite, infinite.assign(n=[2.0, 1.0])) == [
        Difference("n", 1, 2, "inf", "2.0", None, FRACTION)
    ]
    empty = data.iloc[:0]
    assert differences.same_data(empty, empty.copy())


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
    assert differences.same_data(*tables) is same


def test_files_that_cannot_be_read_differ(data, tmp_path):
    data.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "b.csv").write_bytes(b"")
    assert differences.of_files(tmp_path / "a.csv", tmp_path / "a.csv") == []
    for name in ("b.csv", "c.csv"):
        (found,) = differences.of_files(tmp_path / "a.csv", tmp_path / name)
        assert found.column == ""


def test_same_picture_sees_a_changed_label_and_size():
    def png(value, size=(20, 20)):
        pixels = np.full((*size, 3), 200, np.uint8)
        pixels[3, 3] = value
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, format="png")
        return stream.getvalue()

    assert differences.same_picture(png(200), png(203))
    assert not differences.same_picture(png(200), png(190))
    assert not differences.same_picture(png(200), png(200, (20, 21)))


def test_an_absent_word_equals_an_absent_word_alone():
    old = pd.read_csv(io.StringIO("verdict,n\nholds,1\n,2\n"))
    assert differences.same_data(old, old.copy())
    assert differences.same_data(old, pd.read_csv(io.StringIO("verdict,n\nholds,1\n,2\n")))
    (found,) = differences.differences(old, old.assign(verdict=["holds", "fails"]))
    assert (found.column, found.moved) == ("verdict", 1)
