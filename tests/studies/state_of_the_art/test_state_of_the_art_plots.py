"""The pictures of the comparison: every codec is there, on the axis of rates, and says what its table says."""

import numpy as np
import pandas as pd
import pytest

from smicnb.compare.images import classical
from smicnb.compare.images.evaluate import METRICS
from smicnb.compare.images.generated import CLIP_INTRA
from smicnb.drawing import looks
from smicnb.studies.state_of_the_art import measures, plots

OURS = measures.OURS


@pytest.fixture(scope="module")
def points():
    """Made-up numbers of SMIC, alone and at a size, CLIP-intra, and two codecs, one of them on reduced images too."""
    rng = np.random.default_rng(0)
    rates = {
        OURS: 1e-3,
        f"{OURS}, n = 1000": 2e-3,
        CLIP_INTRA: 2e-3,
        "WebP": 0.1,
        "WebP, 1/8": 0.01,
        "VVenC intra": 0.02,
    }
    rows = []
    for codec, least in rates.items():
        for number, bpp in enumerate(least * np.array([1, 3, 9])):
            for image in range(4):
                values = {metric: 0.5 + 0.05 * np.log(bpp) + 0.01 * rng.random() for metric in METRICS}
                rows.append((codec, str(number), "made", f"s{image}", f"i{image}", bpp, *values.values()))
    return pd.DataFrame(rows, columns=["codec", "setting", "dataset", "scene", "image", "bpp", *METRICS])


@pytest.fixture(scope="module")
def summary(points):
    return measures.summary(points, ["psnr", "lpips", "image_cosine"], 0)


def test_every_classical_family_has_a_look():
    names = [codec.name for family in classical.LADDERS for codec in classical.ladder(family)[:1]]
    drawn = [plots.look(name) for name in [*names, *plots.SEMANTIC]]
    for part in ("marker", "color"):
        assert len({look[part] for look in drawn}) == len(drawn)
    assert {look["label"] for look in drawn} >= set(names)
    assert plots.look("VVenC intra, 1/4") == looks.CODECS["vvc"]
    assert plots.look(f"{OURS}, n = 1000") == looks.CODECS["smic"]


def test_rates_have_a_row_for_what_was_measured_and_for_what_was_published(summary):
    published = measures.published_rates()
    figure = plots.rates(summary, published)
    (axes,) = figure.axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[:5] == [OURS, f"{OURS}, n = 1000", CLIP_INTRA, "WebP", "VVenC intra"]
    assert labels[5:] == [f"{name} (as published)" for name in published["codec"].unique()]
    drawn = np.concatenate([line.get_xdata().astype(float) for line in axes.lines if len(line.get_xdata()) != 2])
    assert {round(0.01 * factor, 6) for factor in (1, 3, 9)} <= set(drawn.round(6))
    assert axes.get_xlim() == plots.BPP
    assert set(published["bpp"]) <= {float(x) for line in axes.lines for x in line.get_xdata()}


def test_curves_are_the_summarys_with_intervals_but_for_reduced_images(summary):
    figure = plots.curves(summary, ["psnr", "lpips", "image_cosine"])
    panels = [axes for axes in figure.axes if axes.get_xlabel()]
    assert len(panels) == 3
    assert [len(axes.containers) for axes in panels] == [2, 2, 5]  # what codes meaning stands in the last alone
    assert all(axes.get_xscale() == "log" for axes in panels)
    ours = summary[(summary["metric"] == "psnr") & summary["codec"].str.startswith((OURS, CLIP_INTRA))]["mean"]
    assert f"{ours.min():.2g} to {ours.max():.2g}" in panels[0].texts[0].get_text()
    (legend,) = [some for part in figure.subfigs for some in part.legends]
    assert sorted(text.get_text() for text in legend.get_texts()) == sorted(
        ["SMIC, entropy coded", CLIP_INTRA, "WebP", "VVenC intra"]
    )
    wanted = summary[(summary["codec"] == "WebP") & (summary["metric"] == "psnr")]["mean"]
    lines = [line.get_ydata().astype(float) for container in panels[0].containers for line in container.lines[:1]]
    assert any(np.allclose(line, wanted) for line in lines)


def test_reduced_images_have_a_panel_for_each_codec(summary):
    figure = plots.compare_reduced(summary, "image_cosine")
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == ["WebP"]
    labels = [line.get_label() for line in panels[0].lines]
    assert labels == ["SMIC, entropy coded", "whole image", "sides divided by 8"]


def test_pictures_and_what_is_said_of_them():
    pictures = [[np.full((24, 32, 3), shade, np.uint8) for shade in range(5)] for _ in range(3)]
    rows = [("WebP", 400 + number, number / 100, 0.5) for number in range(12)]
    table = pd.DataFrame(rows, columns=["shown", "bits", "image_cosine", "judge_cosine"])
    figure = plots.side_by_side(pictures, table)
    shown = figure.axes
    assert len(shown) == 15  # a photograph in each row
    assert shown[0].get_title() == shown[5].get_title() == "original"
    assert [axes.get_title() for axes in shown[1:5]] == ["400 bits", "401 bits", "402 bits", "403 bits"]
    assert shown[6].get_title() == "404 bits"
    assert [text.get_text() for text in shown[1].texts] == ["WebP"]
    assert shown[14].get_xlabel() == "cosine 0.11, by Inception 0.50"
    assert [int(axes.get_images()[0].get_array()[0, 0, 0]) for axes in shown[:5]] == list(range(5))
