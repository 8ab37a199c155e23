"""Linearity: spaces in which it holds and in which it does not, and the real embedded one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from smicnb.base.errors import DimensionError
from smicnb.semantics.encoders import encoders
from smicnb.semantics.generators.generators import RetrievalGenerator
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.spaces import SemanticSpace
from smicnb.studies.linearity import measures

SCENES = ["a", "a", "b", "c"]


@pytest.fixture(scope="module")
def drawn():
    """One view of each coded scene."""
    train = image_collections.load("embedded").split("train")
    return replace(train, items=train.items[::12])


@pytest.fixture(scope="module")
def space():
    gallery = image_collections.load("embedded").split("gallery")
    few = replace(gallery, items=gallery.items[::6])
    encoder = encoders.encoder("lite0-minilm")
    return SemanticSpace(encoder, RetrievalGenerator(few, encoders.encode_collection(encoder, few)))


@pytest.fixture(scope="module")
def measured(space, drawn):
    """Judged by the encoder itself, which is enough to see what the table holds."""
    latents, scenes = space.encode(drawn), [item.scene for item in drawn]
    pairs = measures.pairs_to_add(scenes, 8, 1), measures.pairs_to_remove(latents, scenes, 8, 1)
    return pd.concat([measures.measure(space, space.encoder, drawn, pair, [0.25, 2.0], 1) for pair in pairs])


def table(gains, operation="add", factors=(1.0, 2.0)):
    """Rows of `gains` made by hand: pair -> gain at each factor."""
    rows = [
        (pair, f"s{pair}", f"t{pair}", factor, gain, -gain)
        for pair, values in enumerate(gains)
        for factor, gain in zip(factors[: len(values)], values, strict=True)
    ]
    found = pd.DataFrame(rows, columns=["pair", "scene", "second_scene", "factor", "gain", "specific"])
    found = found.assign(operation=operation, against="third")
    found = pd.concat([found, found.assign(against="random", gain=-found["gain"])])
    return found.assign(wins=found["gain"] > 0, ties=found["gain"] == 0, nearer=False)


def wins_over_third(gains):
    found = measures.wins(table(gains))
    return found[found["against"] == "third"]


def test_pairs_to_add_are_different_and_of_different_scenes():
    pairs = measures.pairs_to_add(SCENES, 10, 3)
    found = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert len(found) == 10 == len(pairs)  # all there are: 4·3 less the two within scene a
    assert all(SCENES[first] != SCENES[second] for first, second in found)
    again = measures.pairs_to_add(SCENES, 10, 3)
    assert np.array_equal(pairs.first, again.first)
    assert not np.array_equal(pairs.first, measures.pairs_to_add(SCENES, 10, 4).first)


def test_what_is_removed_is_the_nearest_of_another_scene():
    latents = np.array([[1, 0], [1, 0.1], [1, 0.5], [0, 1]])
    pairs = measures.pairs_to_remove(latents, SCENES, 4, 1)
    assert dict(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == {0: 2, 1: 2, 2: 1, 3: 2}


@pytest.mark.parametrize("count", [0, 11])
def test_more_pairs_than_there_are_are_refused(count):
    with pytest.raises(DimensionError, match="found 10 pairs of different scenes"):
        measures.pairs_to_add(SCENES, count, 1)


def test_one_scene_has_nothing_to_remove():
    with pytest.raises(DimensionError, match="at least two"):
        measures.pairs_to_remove(np.eye(2), ["a", "a"], 1, 1)


def test_the_random_latent_has_the_norm_and_no_direction():
    latents = np.random.default_rng(0).normal(size=(500, 64)) + 3
    drawn = measures.random_like(latents, 1)
    assert np.allclose(np.linalg.norm(drawn, axis=1), np.linalg.norm(latents, axis=1))
    directions = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    assert np.linalg.norm(directions.mean(axis=0)) < 0.1  # of 500 independent directions: about 500^-0.5


def test_the_table_holds_every_pair_factor_and_control(measured):
    assert len(measured) == 2 * 8 * 2 * 3
    cells = measured.groupby(["operation", "factor", "what"]).size()
    assert set(cells.index) == {
        (o, f, w) for o in ("add", "remove") for f in (0.25, 2.0) for w in ("concept", "third", "random")
    }
    assert (cells == 8).all()
    assert measured[["to_first", "to_second"]].abs().to_numpy().max() <= 1


def test_in_the_encoders_own_eyes_adding_brings_the_image_nearer(measured):
    """The space that made the latents and chose the photograph must see it, or the signs are wrong."""
    wins = measures.wins(measures.gains(measured))
    wins = wins[wins["against"] == "random"].set_index(["operation", "factor"])
    assert wins.loc[("add", 2.0), "verdict"] == "concept ahead"
    assert wins.loc[("add", 2.0), "gain"] > wins.loc[("add", 0.25), "gain"]
    assert wins.loc[("add", 2.0), "nearer"] > wins.loc[("add", 0.25), "nearer"]
    assert wins.loc[("remove", 2.0), "verdict"] == "concept ahead"


def judged(operation, **cosines):
    """Gains of one pair at one factor, by control: the judge's cosines to (x1, x2) with what is added or removed."""
    about = {"pair": 0, "scene": "s", "second_scene": "t", "operation": operation, "factor": 1.0}
    rows = [about | {"what": what, "to_first": a, "to_second": b} for what, (a, b) in cosines.items()]
    return measures.gains(pd.DataFrame(rows)).set_index("against")


@pytest.mark.parametrize(("operation", "sign"), [("add", 1), ("remove", -1)])
def test_gains_have_the_sign_of_the_papers_statement(operation, sign):
    found = judged(operation, concept=(0.3, 0.5), third=(0.3, 0.6), random=(0.3, 0.1))
    assert found.loc["third", "gain"] == pytest.approx(-0.1 * sign)
    assert found.loc["random", "gain"] == pytest.approx(0.4 * sign)
    assert found["nearer"].all()
    assert found.loc["random", "wins"] == (sign > 0)


@pytest.mark.parametrize(
    ("operation", "concept", "random", "gain", "specific"),
    [
        ("add", (0.0, 0.9), (0.8, 0.1), 0.8, -0.1),  # one image in place of the other is no sum
        ("add", (0.5, 0.4), (0.8, 0.1), 0.3, 0.3),
        ("remove", (0.1, 0.1), (0.6, 0.4), 0.3, -0.2),  # where both are lost, nothing in particular was removed
        ("remove", (0.5, 0.0), (0.6, 0.4), 0.4, 0.3),
    ],
)
def test_specific_gains_are_those_that_leave_the_other_image(operation, concept, random, gain, specific):
    found = judged(operation, concept=concept, third=concept, random=random).loc["random"]
    assert found["gain"] == pytest.approx(gain)
    assert found["specific"] == pytest.approx(specific)


def test_specific_gains_have_their_own_verdict():
    wins = wins_over_third([(0.1, 0.2)] * 3)
    assert (wins["verdict"] == "concept ahead").all()
    assert (wins["specific_verdict"] == "concept behind").all()
    assert wins["specific"].tolist() == pytest.approx([-0.1, -0.2])


def test_the_other_control_has_its_own_rows():
    found = measures.wins(table([(0.1, 0.2)] * 3)).set_index("against")["verdict"]
    assert set(found.loc["third"]) == {"concept ahead"}
    assert set(found.loc["random"]) == {"concept behind"}


def test_the_third_photograph_shows_neither_scene():
    pairs = measures.Pairs("add", np.array([0, 2, 3]), np.array([2, 3, 1]))
    for seed in range(20):
        third = measures.draw_third(SCENES, pairs, seed)
        shown = zip(pairs.first, pairs.second, third, strict=True)
        assert all(len({SCENES[row] for row in rows}) == 3 for rows in shown)
    with pytest.raises(DimensionError, match="found 2 scenes; needed: at least three"):
        measures.draw_third(["a", "b"], measures.Pairs("add", np.array([0]), np.array([1])), 1)


def test_more_weights_ask_for_more_certainty():
    values = np.random.default_rng(0).normal(0.1, 1, 30)
    few, many = (wins_over_third([(value,) * count for value in values]) for count in (1, 2))
    assert many["low"].iloc[0] < few["low"].iloc[0]
    assert many["high"].iloc[0] > few["high"].iloc[0]


def test_from_here_on_counts_only_what_stays_won():
    wins = wins_over_third([(1, 1), (1, -1), (-1, 1), (-1, -1)]).set_index("factor")
    assert wins["wins"].tolist() == [0.5, 0.5]
    assert wins["from_here_on"].tolist() == [0.25, 0.5]


def test_the_same_image_twice_is_a_tie_and_no_win():
    wins = wins_over_third([(0, 1), (-1, 0), (1, 0), (0, 1)]).set_index("factor")
    assert wins["ties"].tolist() == [0.5, 0.5]
    assert wins["wins"].tolist() == [0.25, 0.5]


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ([(0.1, 0.2)] * 3, "concept ahead"),
        ([(-0.1, -0.2)] * 3, "concept behind"),
        ([(0.1, 0.1), (-0.1, -0.1)], "undecided"),
    ],
)
def test_verdicts_follow_the_interval(gains, verdict):
    assert (wins_over_third(gains)["verdict"] == verdict).all()


def test_curves_are_means_over_the_pairs(measured):
    curves = measures.curves(measured, 1).set_index(["operation", "factor", "what", "to"])
    here = measured.query("operation == 'add' and factor == 2.0 and what == 'random'")
    assert curves.loc[("add", 2.0, "random", "x2"), "mean"] == pytest.approx(here["to_second"].mean())
    assert curves.loc[("add", 2.0, "random", "x1"), "mean"] == pytest.approx(here["to_first"].mean())
    assert (curves["low"] <= curves["mean"]).all()
    assert (curves["mean"] <= curves["high"]).all()


def test_the_ranking_begins_with_the_worst_failure():
    gains = table([(1, 1), (-3, 1), (0, 0)])
    assert measures.ranking(gains[gains["against"] == "third"]).tolist() == [1, 2, 0]
