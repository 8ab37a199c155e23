"""What is asked of our coder of latents: numbers that can be followed by hand."""

import numpy as np
import pandas as pd
import pytest
from prior_latents import PRIOR, images

from smicnb.compare.latents import points as latent_points
from smicnb.compare.latents import smic
from smicnb.compare.latents.points import Point
from smicnb.studies.beyond import measures

SCENES = ["a", "a", "b", "b"]


def points(spread=0.0):
    """Four images of two scenes: ours at half the paper's bits, one image by itself at 60 to 210.

    The paper's cosines are `spread` higher in the first scene and lower in the second; the others' are all alike.
    """
    steady, apart = np.zeros(4), spread * np.array([1, 1, -1, -1])
    made = [Point(smic.PAPER, f"8 atoms, λ {penalty}", bits, 1000.0, apart + cosine)
            for penalty, bits, cosine in (("4", 100, 0.5), ("2", 200, 0.7), ("0.2", 400, 0.9))]  # fmt: skip
    made += [Point(smic.OURS_PRIOR, f"f{bits}", bits, 500.0, steady + cosine, container_bits=400.0)
             for bits, cosine in ((25.0, 0.4), (50.0, 0.5), (100.0, 0.7), (200.0, 0.9), (400.0, 0.95))]  # fmt: skip
    made += [Point(smic.SINGLE, f"f{bits}", bits, 0.0, steady + cosine) for bits, cosine in ((60.0, 0.5), (210.0, 0.9))]
    return made


def test_ratios_are_of_bits_at_the_papers_fidelities():
    assert measures.fidelities(points()) == pytest.approx({"lowest": 0.5, "lower": 0.7, "medium": 0.9})
    found = measures.ratios(points(), measures.OURS, (smic.PAPER,), SCENES)
    assert found == {fidelity: pytest.approx((2, 2, 2)) for fidelity in ("lowest", "lower", "medium")}
    at_1000 = measures.ratios(points(), measures.OURS, (smic.PAPER,), list("abcd"), n=1000)
    assert at_1000["medium"][0] == pytest.approx(401 / 200.5)


def test_intervals_are_those_of_drawn_scenes():
    """Drawn are the first scene twice, both, or the second twice: at 0.72, 0.7, 0.68 ours takes 110, 100, 95 bits."""
    centre, low, high = measures.ratios(points(0.02), measures.OURS, (smic.PAPER,), SCENES)["lower"]
    assert centre == pytest.approx(200 / 100)
    assert (low, high) == pytest.approx((200 / 110, 200 / 95))


def test_the_checks_say_what_holds():
    table = measures.checks(points(), list("abcd"))
    tuples = table[table["against"] == "paper's tuples, payload"].set_index("fidelity")
    assert tuples["holds"].tolist() == ["no", "no", "no"]
    assert tuples.loc["medium", "our_bits"] == pytest.approx(200)
    assert tuples.loc["medium", "their_bits"] == pytest.approx(400)
    assert (table[table["against"].str.contains("Gaussian")]["holds"] == "").all()  # there is none here
    better = [Point(p.coder, p.setting, p.payload_bits / 5, p.side_bits, p.cosines)
              if p.coder == smic.OURS_PRIOR else p for p in points()]  # fmt: skip
    table = measures.checks(better, list("abcd"))
    assert table[table["against"] == "paper's tuples, payload"]["holds"].tolist() == ["yes", "yes", "yes"]


def test_break_even_is_where_both_lines_cross():
    table = measures.break_even(points(), [0.9, 0.5]).set_index("latent_cosine")
    # Ours saves 10 bits an image at either; 100 bits are sent once, and 400 more with the file's header and index.
    assert table["n_star_single"].tolist() == [11, 11]
    assert table["n_star_file"].tolist() == [51, 51]
    assert table.loc[0.9, "n_star_708"] == 1
    dear = [Point(p.coder, p.setting, p.payload_bits + 20, p.side_bits, p.cosines)
            if p.coder == smic.OURS_PRIOR else p for p in points()]  # fmt: skip
    assert measures.break_even(dear, [0.9])["n_star_single"].tolist() == [np.inf]


def test_totals_fall_with_the_size():
    table = measures.totals(points(), 0.7)
    ours = table[table["coder"] == smic.OURS_PRIOR]["bits"].to_numpy()
    assert (np.diff(ours) < 0).all()
    assert ours[0] == pytest.approx(600)
    assert "best Gaussian reference" not in set(table["coder"])
    bits = measures.parts(points(), {"lower": 0.7}).set_index("coder")["bits at 0.700"]
    assert bits[smic.PAPER] == pytest.approx(200)
    assert bits[smic.SINGLE] == pytest.approx(60 + 150 / 2)


def test_words_are_named():
    Z = images(3)
    table, bits, cosine = measures.named(Z, PRIOR, 0.5, 4)
    assert set(table["word"]) <= set(PRIOR.words)
    assert (table.groupby("image").size() <= 4).all()
    assert cosine >= 0.5
    assert bits > 0


def test_the_figures_have_a_curve_for_each():
    from smicnb.drawing import looks
    from smicnb.studies.beyond import plots

    assert set(measures.CURVES) == set(looks.LATENT_CODERS)
    (axes,) = plots.rates(latent_points.table(points(), SCENES)).axes
    shown = {smic.PAPER, smic.OURS_PRIOR, smic.PAPER_BEST}
    assert {text.get_text() for text in axes.get_legend().get_texts()} == shown
    (axes,) = plots.totals([("some", measures.totals(points(), 0.7))]).axes
    assert axes.get_title() == "some"
    stars = measures.break_even(points(), [0.5, 0.9])
    (axes,) = plots.break_even(stars).axes
    assert [len(line.get_xdata()) for line in axes.lines] == [2, 0] * 3
    (axes,) = plots.break_even(stars.assign(n_star_file=[51, np.inf])).axes
    assert [text.get_text().strip() for text in axes.texts] == ["never"]
    words = pd.DataFrame({"image": [0, 0], "word": ["sea", "sky"], "coefficient": [3.0, -1.0]})
    figure = plots.decompositions([np.zeros((8, 8, 3), np.uint8)], words)
    assert [text.get_text() for text in figure.axes[1].get_yticklabels()] == ["sky", "sea"]
