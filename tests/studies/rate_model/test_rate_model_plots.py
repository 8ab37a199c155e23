"""The figure of Fig. 12 draws the numbers that are saved behind it."""

import numpy as np
import pandas as pd
import pytest

from smicnb.drawing import style
from smicnb.studies.rate_model import plots
from smicnb.studies.rate_model.null_proportion import NullLaw

LAW = NullLaw(scale=4.0, slope=1.1, growth=0.1, rmse=0.0, max_error=0.0, rmse_fitted=0.0)
CELLS = pd.DataFrame(
    [
        (split, size, penalty, null, 0.0, 10)
        for split, null in (("train", 0.25), ("heldout", 0.75))
        for size in (4, 2)
        for penalty in (0.1, 1.0)
    ],
    columns=["split", "n_atoms", "penalty", "p_null", "p_empty", "images"],
)


def test_the_data_behind_holds_one_split_and_every_curve():
    data = plots.null_data(CELLS, LAW, "heldout")
    assert set(data["p_null"]) == {0.75}
    np.testing.assert_allclose(data["eq13"] + data["eq14"], 1)
    np.testing.assert_allclose(data["fitted"] + data["residual"], data["p_null"])
    assert data.query("n_atoms == 4 and penalty == 1")["eq13"].item() == 0.25


@pytest.fixture
def figure(house_style):
    return plots.null_proportion(plots.null_data(CELLS, LAW, "train"), LAW)


def test_the_panels_show_the_data(figure):
    published, measured, residual = figure.axes
    assert len(published.lines) == 4
    assert sorted(text.get_text() for text in published.texts) == ["2", "4"]
    dots = [line for line in measured.lines if line.get_linestyle() == "None"]
    assert [line.get_label() for line in dots] == ["2", "4"]
    assert len({line.get_marker() for line in dots}) == 2
    assert all(list(line.get_ydata()) == [0.25, 0.25] for line in dots)
    expected = 0.25 - LAW.predict(np.array([0.1, 1.0]), 4)
    np.testing.assert_allclose(residual.lines[1].get_ydata(), expected)


def test_the_figure_fits_a_page_and_names_what_it_shows(figure):
    assert figure.get_figwidth() == style.PAGE
    assert [axes.get_xlabel() for axes in figure.axes] == ["penalty λ"] * 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["$n_a$ = 2", "$n_a$ = 4"]
