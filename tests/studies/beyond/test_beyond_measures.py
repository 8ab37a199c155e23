"""What is asked of our coder of latents: numbers that can be followed by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from prior_latents import PRIOR, images

from smicnb.compare.latents import points as latent_points
from smicnb.compare.latents import rivals, smic
from smicnb.compare.latents.points import Point
from smicnb.studies.beyond import kinds, measures, reading, sharing

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
    found = measures.ratios(points(), kinds.OURS, (smic.PAPER,), SCENES)
    assert found == {fidelity: pytest.approx((2, 2, 2)) for fidelity in ("lowest", "lower", "medium")}
    at_1000 = measures.ratios(points(), kinds.OURS, (smic.PAPER,), list("abcd"), n=1000)
    assert at_1000["medium"][0] == pytest.approx(401 / 200.5)


def test_intervals_are_those_of_drawn_scenes():
    """Drawn are the first scene twice, both, or the second twice: at 0.72, 0.7, 0.68 ours takes 110, 100, 95 bits."""
    centre, low, high = measures.ratios(points(0.02), kinds.OURS, (smic.PAPER,), SCENES)["lower"]
    assert centre == pytest.approx(200 / 100)
    assert (low, high) == pytest.approx((200 / 110, 200 / 95))


def test_payloads_are_drawn_with_their_images():
    """At 0.5 ours takes 10 bits of an image of the first scene and 90 of the second, 50 in the mean. Where the second
    is drawn twice, its neighbours' mixture at 0.5 takes 50 too, and is better than 90."""
    made = [replace(p, image_bits=np.array([10.0, 10.0, 90.0, 90.0])) if p.payload_bits == 50 else p for p in points()]
    centre, low, high = measures.ratios(made, kinds.OURS, (smic.PAPER,), SCENES)["lowest"]
    assert centre == pytest.approx(100 / 50)
    assert (low, high) == pytest.approx((100 / 50, 100 / 10))


def test_the_strongest_is_the_one_of_the_fewest_bits_by_itself():
    assert measures.strongest(points(), (smic.PAPER, smic.SINGLE), 0.9) == smic.SINGLE
    assert (
        measures.strongest(points(), (smic.PAPER, smic.OURS_PRIOR), 0.45) == smic.OURS_PRIOR
    )  # the paper's begin at 0.5
    assert measures.strongest(points(), (smic.PAPER,), 0.99) == ""


def test_the_checks_say_what_holds():
    table = measures.checks(points(), list("abcd"))
    assert table["against"].iloc[0] == "best of all rivals, payload"
    assert set(table["strongest"]) == {smic.PAPER, ""}
    (payload, shared, paper) = reading.tell_rivals(table, "Kodak")
    assert payload.startswith("Against the best of all rivals at equal latent cosine on Kodak, in payload, ours is ")
    assert "; it takes 2.00 [" in payload
    assert "at n = 1000" in shared
    assert paper.startswith("The paper's code takes on Kodak, at latent cosine ")
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


def shared():
    """`points` and our code with nothing sent, at 2 bits an image more than with the mean sent; own axes never pay."""
    others = ((smic.OURS_BARE, 2, 0.0), (smic.OURS, 0, 1e6), (smic.OURS_ALONE, 20, 1e6))
    made = [replace(p, coder=name, payload_bits=p.payload_bits + more, side_bits=side)
            for p in points() if p.coder == smic.OURS_PRIOR for name, more, side in others]  # fmt: skip
    return points() + made


def test_sharing_pays_from_the_size_on_that_repays_what_is_sent():
    worth = sharing.worth(shared(), list("abcd"), 0, (100, 1000))
    assert worth["fidelity"].tolist()[:8] == ["lowest"] * 8
    assert worth["n"].tolist()[:8] == [100] * 4 + [1000] * 4
    mean = worth[(worth["sent"] == sharing.MEAN) & (worth["fidelity"] == "lowest")].set_index("n")
    assert mean.loc[100, "times"] == pytest.approx((50 + 500 / 100) / 52)
    assert mean.loc[1000, "times"] == pytest.approx((50 + 500 / 1000) / 52)
    assert mean.loc[1000, "times_low"] == pytest.approx(mean.loc[1000, "times_high"])  # all images are alike
    assert (worth[worth["sent"] == sharing.NOTHING]["times"] == 1).all()
    wide = sharing.by_size(worth)
    assert len(wide) == 6
    assert wide["mean_times_low"].iloc[1] == pytest.approx(50.5 / 52)
    assert wide[sharing.AXES].iloc[1] == pytest.approx(50 + 1e6 / 1000)
    said = reading.tell_sharing(wide, "Kodak")
    assert "with n = 1000 " in said
    assert f"{wide['mean_times'].iloc[-1]:.2f} [" in said


def test_a_prior_is_repaid_by_what_each_image_saves():
    """With nothing sent 52 bits at 0.5; without the prior 70 and a million; the paper's 100 and a thousand."""
    made = [p for p in shared() if p.coder in (smic.OURS_BARE, smic.OURS_ALONE, smic.PAPER)]
    table = sharing.repaid(made, PRIOR)
    assert table["saved"].iloc[0] == pytest.approx(18)
    own = table[table["against"] == smic.PAPER].set_index("fidelity").loc["lowest"]
    bits = 8 * PRIOR.size
    assert own.iloc[-1] == np.floor((bits - 1000) / (100 - 52)) + 1
    assert own.iloc[-2] < own.iloc[-1]
    dear = [replace(p, payload_bits=p.payload_bits * 9) if p.coder == smic.OURS_BARE else p for p in made]
    assert np.isinf(sharing.repaid(dear, PRIOR).iloc[-1, -1])


def test_all_rivals_are_told_of_in_kinds():
    assert len(set(kinds.ALL)) == len(kinds.ALL)
    assert not set(kinds.ALL) & {*kinds.OURS, smic.OURS_ALONE, smic.SINGLE}
    made = [*smic.searched_coders(PRIOR), *smic.paper_coders(8, refitted=True)]
    made += [*rivals.rivals(PRIOR.dim, 60, (2.0,), 1, PRIOR), *rivals.today(PRIOR.dim, 60, 1, PRIOR)]
    assert set(kinds.ALL) == {coder.name for coder in made}
    assert set(kinds.WITHOUT_PRIOR) < set(kinds.WITHOUT_OURS) < set(kinds.ALL)


def test_the_figures_have_a_curve_for_each():
    from smicnb.drawing import looks
    from smicnb.studies.beyond import plots

    assert set(kinds.CURVES) == set(looks.LATENT_CODERS)
    assert set(plots.TOTALS) < set(looks.LATENT_CODERS)
    assert set(sharing.WAYS) == {sharing.NOTHING, *looks.SENT}
    figure = plots.rates(latent_points.table(points(), SCENES))
    whole, beside = figure.axes
    shown = {smic.PAPER, kinds.PAPERS_NAME, kinds.OURS_NAME}
    assert {text.get_text() for text in figure.legends[0].get_texts()} == shown
    assert len(whole.containers) == 3
    assert beside.lines[0].get_ydata() == pytest.approx(1)  # ours, beside itself
    assert beside.lines[1].get_ydata() == pytest.approx(2)
    axes = plots.sharing(sharing.worth(shared(), SCENES, 0)).axes
    assert [panel.get_title() for panel in axes] == ["cosine 0.500", "cosine 0.700", "cosine 0.900"]
    (axes,) = plots.totals([("some", measures.totals(points(), 0.7))]).axes
    assert axes.get_title() == "some"
    stars = measures.break_even(points(), [0.5, 0.9])
    (axes,) = plots.break_even(stars).axes
    assert [len(line.get_xdata()) for line in axes.lines] == [*[2, 0] * 2, 0]  # the last one is a line of the legend
    assert axes.get_legend().get_texts()[-1].get_text() == "against 708 bits: n* = 1"
    assert not axes.texts
    (axes,) = plots.break_even(stars.assign(n_star_file=[51, np.inf])).axes
    assert [text.get_text().strip() for text in axes.texts] == ["never"]
    words = pd.DataFrame({"image": [0, 0], "word": ["sea", "sky"], "coefficient": [3.0, -1.0]})
    figure = plots.decompositions([np.zeros((8, 8, 3), np.uint8)], words)
    assert [text.get_text() for text in figure.axes[1].get_yticklabels()] == ["sky", "sea"]
