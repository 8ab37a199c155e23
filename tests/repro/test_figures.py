import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from smicnb.repro import figures
from smicnb.repro.session import Session, without_path


@pytest.fixture
def data():
    return pd.DataFrame({"n": [2, 4], "cosine": [0.123456789, np.nan], "verdict": ["ahead", "a|b"]})


@pytest.fixture
def session(tmp_path):
    return Session("03_reconstruction", {"seed": 1}, tmp_path / "out", tmp_path / "manifest.json")


def draw(height=1.0):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(2, 2))
    axes.bar([0], [height])
    plt.close(figure)
    return figure


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_figure_comes_with_pdf_data_and_origin(session, data):
    session.made_from(collection="abc")
    session.save_figure(draw(), "fig", data, "What it shows.")
    assert sorted(path.name for path in session.out.iterdir()) == ["fig.csv", "fig.json", "fig.pdf", "fig.png"]
    sidecar = json.loads((session.out / "fig.json").read_text())
    assert sidecar["parameters"] == {"seed": 1}
    assert sidecar["made_from"] == {"collection": "abc"}
    assert set(sidecar["files"]) == {"fig.png", "fig.csv"}
    assert "+" not in sidecar["versions"]["torch"]
    assert Image.open(session.out / "fig.png").text["Description"] == "What it shows."
    assert json.loads((session.out.parent / "manifest.json").read_text()) == [
        "fig.png",
        "fig.pdf",
        "fig.csv",
        "fig.json",
    ]


def test_repeating_a_result_changes_no_byte(session, data):
    for _ in range(2):
        session.save_figure(draw(), "fig", data, "caption")
        session.save_table(data, "table", "caption")
        before = bytes_of(session.out)
    session.save_figure(draw(), "fig", data, "caption")
    assert bytes_of(session.out) == before


def test_rounding_of_another_processor_changes_no_byte_but_a_result_does(session, data):
    session.save_figure(draw(), "fig", data, "caption")
    before = bytes_of(session.out)
    session.save_figure(draw(1.0 + 1e-9), "fig", data.assign(cosine=data["cosine"] * (1 + 1e-6)), "caption")
    assert bytes_of(session.out) == before
    session.save_figure(draw(0.5), "fig", data.assign(cosine=data["cosine"] * 1.01), "caption")
    after = bytes_of(session.out)
    assert [name for name in before if before[name] == after[name]] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.assign(cosine=[0.13, np.nan]),
        lambda d: d.assign(cosine=[0.123456789, 0.5]),
        lambda d: d.assign(verdict=["behind", "a|b"]),
        lambda d: d.iloc[:1],
        lambda d: d.rename(columns={"n": "m"}),
        lambda d: d.assign(n=[2, 5]),
    ],
)
def test_same_data_can_fail(data, change):
    assert figures.same_data(data, data.copy())
    assert not figures.same_data(data, change(data))


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("0.433 [0.416, 0.451]", "0.434 [0.416, 0.450]", True),
        ("0.433 [0.416, 0.451]", "0.435 [0.416, 0.451]", False),
        ("n* = 562", "n* = 563", False),
        ("holds at 0.5", "fails at 0.5", False),
        ("0.5", "0.50", True),
    ],
)
def test_numbers_within_text(old, new, same):
    assert figures.same_data(pd.DataFrame({"a": [old]}), pd.DataFrame({"a": [new]})) is same


def test_same_picture_sees_a_changed_label_and_size():
    def png(value, size=(20, 20)):
        pixels = np.full((*size, 3), 200, np.uint8)
        pixels[3, 3] = value
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, format="png")
        return stream.getvalue()

    assert figures.same_picture(png(200), png(203))
    assert not figures.same_picture(png(200), png(190))
    assert not figures.same_picture(png(200), png(200, (20, 21)))


def test_markdown_shows_rounded_numbers_and_empty_cells(session, data):
    session.save_table(data, "table", "Caption.")
    text = (session.out / "table.md").read_text()
    assert text.splitlines() == [
        "Caption.", "", "| n | cosine | verdict |", "|---|---|---|", "| 2 | 0.1235 | ahead |", "| 4 | – | a\\|b |",
    ]  # fmt: skip


def test_published_parameters_hold_no_path(tmp_path):
    assert without_path(f"bsds500:{tmp_path}") == "bsds500:PATH"
    assert without_path("open_clip:ViT-L-14/openai") == "open_clip:ViT-L-14/openai"
    assert without_path("stable-unclip:auto?steps=2") == "stable-unclip:auto?steps=2"
    assert without_path(f"stable-unclip:{tmp_path}?steps=2") == "stable-unclip:PATH?steps=2"
    assert without_path("embedded") == "embedded"
    assert without_path([1, 2]) == [1, 2]


def test_a_parameter_must_be_plain_json(tmp_path):
    with pytest.raises(TypeError):
        Session("x", {"path": tmp_path}, tmp_path, None)


def test_tables_of_bsds500_come_from_this_run_or_the_committed_file(session, data):
    assert list(session.on_bsds500("atoms_against_baselines", data).columns) != list(data.columns)
    here = Session("x", {"collection": "bsds500:PATH"}, session.out, None)
    assert here.on_bsds500("atoms_against_baselines", data) is data
