"""Our files among the coders of latents, and what is asked of them: numbers that can be followed by hand."""

import numpy as np
import pandas as pd
import pytest

from smicnb.codec import priors
from smicnb.codec.transforms import PriorAxes, normalised
from smicnb.compare import beyond, latent_rivals, latent_smic
from smicnb.compare.beyond import Point
from smicnb.compare.latent import QuantisedCoder
from smicnb.compare.latent_scalar import SteppedScalar
from smicnb.semantics.metrics import latent_cosine

(PRIOR,) = priors.known()
SCENES = ["a", "a", "b", "b"]


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
            assert 0 < spent.container < spent.side
        assert latent_cosine(test, decoded).mean() > (0.9 if coder.name.startswith("ours") else 0.2)


def test_dictionaries_that_differ_in_bits_alone_are_learned_once_and_are_those_that_fit_learns():
    Z = images(40)
    shared = next(c for c in latent_smic.paper_coders(8) if c.setting.startswith("8 atoms of 8 bits, 3 bits"))
    alone = latent_smic.SMICCodec(8, 0.2, 8, 3, "tuple", random_state=0).fit(Z)
    assert shared.fit(Z).encode(Z) == alone.encode(Z)


def test_rivals_are_told_apart_and_work():
    Z, test = images(60), images(9, seed=1)
    coders = latent_rivals.rivals(PRIOR.dim, len(Z), (8.0, 2.0), 1, PRIOR)
    named = [(coder.name, coder.setting) for coder in coders]
    assert len(set(named)) == len(named)
    assert {*latent_rivals.BEST, *latent_rivals.GIVEN} <= {name for name, _ in named}
    assert not set(latent_rivals.GIVEN) & {coder.name for coder in latent_rivals.rivals(64, 60, (2.0,), 1)}
    quick = {coder.name: coder for coder in coders if "quantiser" not in coder.name}  # those have tests of their own
    points = beyond.measure(quick.values(), Z, test)
    assert np.isfinite([p.cosines.mean() for p in points]).all()
    bits = {p.coder: p.side_bits for p in points}
    assert bits["scalars on the prior's axes"] < bits["KLT, dead zone, given the prior"]


def test_a_rival_on_the_priors_axes_is_read_by_a_decoder_that_has_the_prior():
    Z, test = images(60), images(9, seed=1)
    coder = QuantisedCoder(SteppedScalar("any", PriorAxes(PRIOR), 1.0, 0.4)).fit(Z)
    data = coder.encode(test)
    reader = QuantisedCoder(SteppedScalar("any", PriorAxes(PRIOR), 1.0))
    assert reader.decode(data).tobytes() == coder.reconstruct(test).tobytes()
    assert latent_cosine(test, reader.decode(data)).mean() > 0.9


def test_a_covariance_with_the_prior_is_the_better_known_where_latents_are_few():
    Z, test = images(40), normalised(images(200, seed=1))

    def left(transform):
        first = transform.fit(normalised(Z)).first(20)
        return np.square(test - first.inverse_transform(first.transform(test))).sum()

    assert left(latent_rivals.PriorKLT(prior=PRIOR)) < left(latent_rivals.KLT())


def test_the_part_coders_add_one_part_after_the_other():
    names = list(dict.fromkeys(coder.name for coder in latent_smic.part_coders(PRIOR, (2.0, 4.0))))
    assert names[0] == "KLT, scalar"
    assert names[-1] == latent_smic.OURS
    assert latent_smic.OURS not in {coder.name for coder in latent_smic.part_coders(None, (2.0,))}


def points(spread=0.0):
    """Four images of two scenes: ours at half the paper's bits, one image by itself at 60 to 210.

    The paper's cosines are `spread` higher in the first scene and lower in the second; the others' are all alike.
    """
    steady, apart = np.zeros(4), spread * np.array([1, 1, -1, -1])
    made = [Point(latent_smic.PAPER, f"8 atoms, λ {penalty}", bits, 1000.0, apart + cosine)
            for penalty, bits, cosine in (("4", 100, 0.5), ("2", 200, 0.7), ("0.2", 400, 0.9))]  # fmt: skip
    made += [Point(latent_smic.OURS_PRIOR, f"f{bits}", bits, 500.0, steady + cosine, container_bits=400.0)
             for bits, cosine in ((25.0, 0.4), (50.0, 0.5), (100.0, 0.7), (200.0, 0.9), (400.0, 0.95))]  # fmt: skip
    made += [
        Point(latent_smic.SINGLE, f"f{bits}", bits, 0.0, steady + cosine)
        for bits, cosine in ((60.0, 0.5), (210.0, 0.9))
    ]
    return made


def test_ratios_are_of_bits_at_the_papers_fidelities():
    assert beyond.fidelities(points()) == pytest.approx({"lowest": 0.5, "lower": 0.7, "medium": 0.9})
    found = beyond.ratios(points(), beyond.OURS, (latent_smic.PAPER,), SCENES)
    assert found == {fidelity: pytest.approx((2, 2, 2)) for fidelity in ("lowest", "lower", "medium")}
    at_1000 = beyond.ratios(points(), beyond.OURS, (latent_smic.PAPER,), list("abcd"), n=1000)
    assert at_1000["medium"][0] == pytest.approx(401 / 200.5)


def test_intervals_are_those_of_drawn_scenes():
    """Drawn are the first scene twice, both, or the second twice: at 0.72, 0.7, 0.68 ours takes 110, 100, 95 bits."""
    centre, low, high = beyond.ratios(points(0.02), beyond.OURS, (latent_smic.PAPER,), SCENES)["lower"]
    assert centre == pytest.approx(200 / 100)
    assert (low, high) == pytest.approx((200 / 110, 200 / 95))


def test_the_checks_say_what_holds():
    table = beyond.checks(points(), list("abcd"))
    tuples = table[table["against"] == "paper's tuples, payload"].set_index("fidelity")
    assert tuples["holds"].tolist() == ["no", "no", "no"]
    assert tuples.loc["medium", "our_bits"] == pytest.approx(200)
    assert tuples.loc["medium", "their_bits"] == pytest.approx(400)
    assert (table[table["against"].str.contains("Gaussian")]["holds"] == "").all()  # there is none here
    better = [Point(p.coder, p.setting, p.payload_bits / 5, p.side_bits, p.cosines)
              if p.coder == latent_smic.OURS_PRIOR else p for p in points()]  # fmt: skip
    table = beyond.checks(better, list("abcd"))
    assert table[table["against"] == "paper's tuples, payload"]["holds"].tolist() == ["yes", "yes", "yes"]


def test_break_even_is_where_both_lines_cross():
    table = beyond.break_even(points(), [0.9, 0.5]).set_index("latent_cosine")
    # Ours saves 10 bits an image at either; 100 bits are sent once, and 400 more with the file's header and index.
    assert table["n_star_single"].tolist() == [11, 11]
    assert table["n_star_file"].tolist() == [51, 51]
    assert table.loc[0.9, "n_star_708"] == 1
    dear = [Point(p.coder, p.setting, p.payload_bits + 20, p.side_bits, p.cosines)
            if p.coder == latent_smic.OURS_PRIOR else p for p in points()]  # fmt: skip
    assert beyond.break_even(dear, [0.9])["n_star_single"].tolist() == [np.inf]


def test_totals_fall_with_the_size():
    table = beyond.totals(points(), 0.7)
    ours = table[table["coder"] == latent_smic.OURS_PRIOR]["bits"].to_numpy()
    assert (np.diff(ours) < 0).all()
    assert ours[0] == pytest.approx(600)
    assert "best Gaussian reference" not in set(table["coder"])
    bits = beyond.parts(points(), {"lower": 0.7}).set_index("coder")["bits at 0.700"]
    assert bits[latent_smic.PAPER] == pytest.approx(200)
    assert bits[latent_smic.SINGLE] == pytest.approx(60 + 150 / 2)


def test_references_are_what_held_out_latents_cost():
    Z, test = images(80), images(40, seed=1)
    some = beyond.reference(Z, test, [8.0, 1.0], 0, PRIOR)
    assert [p.coder for p in some[::2]] == list(beyond.REFERENCES)
    assert len(beyond.reference(Z, test, [8.0], 0)) == 2
    coarse, fine = some[-2:]
    assert coarse.payload_bits < fine.payload_bits
    assert coarse.cosines.mean() < fine.cosines.mean()
    # The prior is what these latents were drawn from: it knows them better than eighty of them do.
    assert beyond.bits_of(some, beyond.REFERENCES[2:], 0.7) < beyond.bits_of(some, beyond.REFERENCES[:1], 0.7)


def test_words_are_named():
    Z = images(3)
    table, bits, cosine = beyond.named(Z, PRIOR, 0.5, 4)
    assert set(table["word"]) <= set(PRIOR.words)
    assert (table.groupby("image").size() <= 4).all()
    assert cosine >= 0.5
    assert bits > 0


def test_the_figures_have_a_curve_for_each():
    from smicnb.repro import looks, plots_beyond

    assert set(beyond.CURVES) == set(looks.LATENT_CODERS)
    (axes,) = plots_beyond.rates(beyond.table(points(), SCENES)).axes
    shown = {latent_smic.PAPER, latent_smic.OURS_PRIOR, latent_smic.PAPER_BEST}
    assert {text.get_text() for text in axes.get_legend().get_texts()} == shown
    (axes,) = plots_beyond.totals([("some", beyond.totals(points(), 0.7))]).axes
    assert axes.get_title() == "some"
    (axes,) = plots_beyond.break_even(beyond.break_even(points(), [0.5, 0.9])).axes
    assert len(axes.lines) == 3
    words = pd.DataFrame({"image": [0, 0], "word": ["sea", "sky"], "coefficient": [3.0, -1.0]})
    figure = plots_beyond.decompositions([np.zeros((8, 8, 3), np.uint8)], words)
    assert [text.get_text() for text in figure.axes[1].get_yticklabels()] == ["sky", "sea"]
