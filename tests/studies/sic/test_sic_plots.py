"""The pictures of SIC: each level, model and sample stands where its table says."""

import numpy as np
import pandas as pd

from smicnb.studies.sic import plots

ONE, GROWING = "SIC one-sample (seed 0)", "SIC growing (seed 0)"


def test_only_keeps_variants_and_rivals():
    points = pd.DataFrame({"codec": [ONE, GROWING, "SIC growing (seed 1)", "JPEG"]})
    assert plots.select_codecs(points, ["growing"])["codec"].tolist() == [GROWING, "SIC growing (seed 1)", "JPEG"]
    assert plots.select_codecs(points, ["one-sample"], rivals=False)["codec"].tolist() == [ONE]


def test_rates_of_levels():
    rows = [
        (codec, level, 0.1 * level + shift, 0.1 * level, 10 * level)
        for codec, shift in ((ONE, 0), (GROWING, 0.1))
        for level in (1, 2, 3)
    ]
    names = ["codec", "level", "own_bpp", "own_estimated_bpp", "largest_excess"]
    figure = plots.level_rates(pd.DataFrame(rows, columns=names))
    own, apart = figure.axes
    np.testing.assert_allclose(own.lines[0].get_ydata(), [0.1, 0.2, 0.3])
    np.testing.assert_allclose(own.lines[2].get_ydata(), [0.2, 0.3, 0.4])
    np.testing.assert_allclose(apart.lines[0].get_ydata(), [10, 20, 30])
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["SIC, M = 1", "growing groups"]


def test_images_at_rising_levels():
    rng = np.random.default_rng(0)
    pictures = [[rng.integers(0, 255, (20, 30, 3), np.uint8) for _ in range(3)] for _ in range(2)]
    rows = [(model, level, 0.1 * level, 20.0, 0.3) for model in ("one-sample/all/0", "authors/x") for level in (1, 8)]
    figure = plots.draw_levels(pictures, pd.DataFrame(rows, columns=["model", "level", "bpp", "psnr", "dists"]))
    assert len(figure.axes) == 6
    np.testing.assert_array_equal(figure.axes[4].get_images()[0].get_array(), pictures[1][1])
    assert [axes.get_title() for axes in figure.axes[:3]] == ["original", "level 1", "level 8"]
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == ["SIC,\nM = 1", "authors/x"]
    assert [len(axes.get_images()) for axes in figure.axes[::3]] == [1, 0]  # the original once
    assert not any(axes.get_xlabel() for axes in figure.axes[::3])  # nothing stands below it
    assert "0.800 bpp" in figure.axes[5].get_xlabel()


def test_samples_and_their_spread_on_one_scale():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (20, 30, 3), np.uint8)
    found = [([image] * 4, most * rng.random((20, 30))) for most in (30, 5)]
    table = pd.DataFrame(
        {"level": [1, 8], "bpp": [0.1, 0.4], "spread": [12.0, 2.0], "psnr": 20.0, "psnr_of_mean": 22.0}
    )
    figure = plots.synset(image, found, table)
    maps = [axes.get_images()[0] for axes in (figure.axes[4], figure.axes[9])]
    np.testing.assert_array_equal(maps[1].get_array(), found[1][1])
    assert maps[0].get_clim() == maps[1].get_clim() == (0, found[0][1].max())
    assert figure.axes[0].get_ylabel() == "level 1\n0.100 bpp"
    assert figure.axes[2].get_xlabel() == "all 4: 20.0 dB on average; the mean of their pixels: 22.0 dB"
    assert not any(figure.axes[place].get_xlabel() for place in (0, 1, 3))
    assert "steps of 8 bits" in figure.axes[-1].get_ylabel()
