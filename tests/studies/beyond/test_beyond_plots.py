"""The pictures of notebook 10: measured sizes and formulas look differently, and no word stands on a curve."""

import numpy as np
import pandas as pd
import pytest

from smicnb.compare.latents import smic
from smicnb.drawing.looks import LATENT_CODERS
from smicnb.studies.beyond import plots

pytestmark = pytest.mark.usefixtures("house_style")


def test_totals_are_lines_with_markers_at_their_ends_alone():
    table = pd.DataFrame({"coder": smic.PAPER, "n": [1, 10, 100, 1000], "bits": [9000.0, 950.0, 140.0, 60.0]})
    (axes,) = plots.totals([("a title", table)]).axes
    (line,) = [line for line in axes.lines if line.get_label() == smic.PAPER]
    assert (line.get_marker(), line.get_markevery()) == (LATENT_CODERS[smic.PAPER]["marker"], [0, -1])
    assert list(line.get_ydata()) == list(table["bits"])


@pytest.mark.parametrize("single", [[20.0, 18.0, np.inf], [np.inf] * 3])
def test_break_even_sizes_are_plain_numbers_with_the_constant_in_the_legend(single):
    table = pd.DataFrame({"latent_cosine": [0.5, 0.6, 0.7], "n_star_708": 1.0, "n_star_single": single})
    (axes,) = plots.break_even(table.assign(n_star_file=table["n_star_single"] * 10)).axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names[-1] == "against 708 bits: n* = 1"
    said = {text.get_text().strip() for text in axes.texts}
    assert said == {"never"}  # and nothing else within the frame
    if np.isfinite(single).any():
        ticks = axes.get_yticks()
        assert min(axes.get_ylim()) < 18 < 200 < max(axes.get_ylim())
        assert [axes.yaxis.get_major_formatter()(tick) for tick in ticks] == ["20", "50", "100", "200"]
