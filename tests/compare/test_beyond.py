"""Our files among the coders of latents, and what is asked of them: numbers that can be followed by hand."""

import numpy as np
import pandas as pd
import pytest

from smicnb.codec import priors
from smicnb.compare import beyond, latent_smic
from smicnb.compare.beyond import Point
from smicnb.semantics.metrics import latent_cosine

(PRIOR,) = priors.known()


def images(count, seed=0):
    rng = np.random.default_rng(seed)
    rows = PRIOR.axes / (1 << 19)
    spread = priors.deviation(PRIOR.scales) * (20 / (1 << 17))
    return (rng.standard_normal((count, len(rows))) * spread) @ rows + 3 * rows[5]


def finest(coders):
    """The first setting of each."""
    return list({coder.name: coder for coder in reversed(coders)}.values())


def test_every_bit_of_our_files_is_counted_and_they_come_back():
    Z, test = images(60), images(9, seed=1)
    for coder in finest(latent_smic.our_coders(PRIOR, 1000) + latent_smic.paper_coders(8)):
        data = coder.fit(Z).encode(test)
        spent, decoded = coder.spent(data), coder.decode(data)
        assert decoded.shape == test.shape
        assert spent.images == len(test)
        if coder.name == latent_smic.SINGLE:
            assert spent.side == 0
            assert 0 < spent.payload < len(data)
        else:
            assert spent.side + spent.payload == len(data)
        assert latent_cosine(test, decoded).mean() > (0.9 if coder.name.startswith("ours") else 0.2)


def test_the_part_coders_add_one_part_after_the_other():
    names = list(dict.fromkeys(coder.name for coder in latent_smic.part_coders(PRIOR, (2.0, 4.0))))
    assert names[0] == "KLT, scalar"
    assert names[-1] == latent_smic.OURS
    assert latent_smic.OURS not in {coder.name for coder in latent_smic.part_coders(None, (2.0,))}


def points():
    """Four images of two scenes: ours at half the paper's bits, one image by itself at 100."""
    steady = np.zeros(4)
    made = [Point(latent_smic.PAPER, f"8 atoms, λ {penalty}", bits, 1000.0, steady + cosine)
            for penalty, bits, cosine in (("4", 100, 0.5), ("2", 200, 0.7), ("0.2", 400, 0.9))]  # fmt: skip
    made += [Point(latent_smic.OURS_PRIOR, f"f{bits}", bits, 500.0, steady + cosine)
             for bits, cosine in ((25.0, 0.4), (50.0, 0.5), (100.0, 0.7), (200.0, 0.9), (400.0, 0.95))]  # fmt: skip
    made += [
        Point(latent_smic.SINGLE, f"f{bits}", bits, 0.0, steady + cosine)
        for bits, cosine in ((60.0, 0.5), (210.0, 0.9))
    ]
    return made


def test_ratios_are_of_bits_at_the_papers_fidelities():
    assert beyond.fidelities(points()) == pytest.approx({"lowest": 0.5, "lower": 0.7, "medium": 0.9})
    for fidelity in ("lowest", "lower", "medium"):
        found = beyond.ratio(points(), beyond.OURS, (latent_smic.PAPER,), fidelity, ["a", "a", "b", "b"])
        assert found == pytest.approx((2, 2, 2))
    at_1000 = beyond.ratio(points(), beyond.OURS, (latent_smic.PAPER,), "medium", list("abcd"), n=1000)
    assert at_1000[0] == pytest.approx(401 / 200.5)


def test_the_checks_say_what_holds():
    table = beyond.checks(points(), list("abcd"))
    tuples = table[table["against"] == "paper's tuples, payload"].set_index("fidelity")
    assert tuples["holds"].tolist() == ["no", "no", "no"]
    assert tuples.loc["medium", "our_bits"] == pytest.approx(200)
    assert tuples.loc["medium", "their_bits"] == pytest.approx(400)
    assert (table[table["against"].str.startswith("Gaussian")]["holds"] == "").all()  # there is none here


def test_break_even_is_where_both_lines_cross():
    table = beyond.break_even(points(), [0.9, 0.5]).set_index("latent_cosine")
    assert table.loc[0.9, "n_star_single"] == pytest.approx(51, abs=2)  # 500 / n < 10
    assert table.loc[0.5, "n_star_single"] == pytest.approx(51, abs=2)
    assert table.loc[0.9, "n_star_708"] == 1


def test_totals_fall_with_the_size():
    table = beyond.totals(points(), 0.7)
    ours = table[table["coder"] == latent_smic.OURS_PRIOR]["bits"].to_numpy()
    assert (np.diff(ours) < 0).all()
    assert ours[0] == pytest.approx(600)
    assert isinstance(beyond.parts(points(), {"lower": 0.7}), pd.DataFrame)


def test_words_are_named():
    Z = images(3)
    table, bits, cosine = beyond.named(Z, PRIOR, 0.5, 4)
    assert set(table["word"]) <= set(PRIOR.words)
    assert (table.groupby("image").size() <= 4).all()
    assert cosine >= 0.5
    assert bits > 0


def test_the_figures_draw():
    from smicnb.repro import plots_beyond

    assert plots_beyond.rates(beyond.table(points(), list("abcd")))
    assert plots_beyond.totals([("some", beyond.totals(points(), 0.7))])
    assert plots_beyond.break_even(beyond.break_even(points(), [0.5, 0.9]))
    words = pd.DataFrame({"image": [0, 0], "word": ["sea", "sky"], "coefficient": [3.0, -1.0]})
    assert plots_beyond.decompositions([np.zeros((8, 8, 3), np.uint8)], words)
