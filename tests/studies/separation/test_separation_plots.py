"""The pictures of separation draw what they are given, and fit the page."""

import numpy as np
import pandas as pd
import pytest
from drawn import fits, picture

from smicnb.studies.separation import plots

pytestmark = pytest.mark.usefixtures("house_style")


def test_separation_shows_three_rows_with_their_words():
    words = [["sea, ship", "sky, sun", "dog, cat"], ["a, b", "c, d", "e, f"]]
    three = [[picture(10 * row + column) for column in range(2)] for row in range(3)]
    figure = plots.separation(*three, words, ["foreign: dog", "held out"], "retrieved")
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == ["foreign: dog", "held out"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["sea, ship", "a, b", "sky, sun", "c, d", "dog, cat", "e, f"]
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()][1] == "retrieved from ẑ"
    assert fits(figure)


def test_scores_stand_beside_their_control():
    rows = [
        {"part": part, "words": words, "rank": 0.9, "low": 0.8, "high": 0.95, "shuffled": 0.5}
        for part in ("latent", "residual on a random subspace", "projection")
        for words in ("inside", "outside")
    ]
    figure = plots.separation_scores(pd.DataFrame(rows), "title")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["z", "ẑ", "z − ẑ on a random subspace"]
    (legend,) = figure.legends
    assert len({text.get_text() for text in legend.get_texts()}) == len(legend.get_texts()) == 4
    drawn = {float(x) for line in axes.lines for x in np.atleast_1d(line.get_xdata())}
    assert {0.9, 0.5} <= drawn
    assert fits(figure)


def test_the_statements_stand_beside_random_atoms():
    rows = [
        {"statement": statement, "by": by, "difference": value, "low": value - 0.1, "high": value + 0.1}
        for statement, value in (("projection holds what is inside", 0.25), ("residual holds what is outside", -0.25))
        for by in ("learned atoms", "random subspace")
    ]
    figure = plots.separation_claim(pd.DataFrame(rows), "title")
    axes = figure.axes[0]
    assert len(axes.get_yticklabels()) == 2
    assert [list(line.get_xdata()) for line in axes.lines if line.get_marker() == "o"] == [[0.25, -0.25]]
    assert fits(figure)
