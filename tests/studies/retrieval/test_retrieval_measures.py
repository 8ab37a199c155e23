"""Searching coded latents: numbers that can be followed by hand, and loops that say the same."""

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from prior_latents import PRIOR

from smicnb.compare.latents import rivals, smic
from smicnb.studies.committed import Tables
from smicnb.studies.retrieval import kinds, matched, measures, plots, reading, verdicts
from smicnb.studies.retrieval.measures import FIRST, FITS, LABELS, RECALL, TEXT, VIEWS, Asked, Found
from smicnb.studies.retrieval.searches import Search, Texts, unit_rows

RNG = np.random.default_rng(3)
Z = RNG.standard_normal((40, 6))
SCENES = tuple(f"s{row // 4}" for row in range(40))
TEXTS = Texts(
    RNG.standard_normal((3, 6)), (frozenset(["s1"]), frozenset(["s2", "s3"]), frozenset(["x"])), Z[:5], "words"
)
SEARCH = Search(Z[::2], Z, SCENES, np.arange(0, 40, 3))


def by_hand(decoded):
    """Recall and precision of a search, photograph by photograph, sorted by Python."""
    found = {RECALL: [], FIRST: [], VIEWS: []}
    stored, coded = unit_rows(Z), unit_rows(decoded)
    for row in SEARCH.asking:
        others = [other for other in range(40) if other != row]
        exact, order = (sorted(others, key=lambda other: -float(stored[row] @ some[other])) for some in (stored, coded))
        found[RECALL].append(len(set(exact[:10]) & set(order[:10])) / 10)
        found[FIRST].append(float(exact[0] == order[0]))
        hits = [place for place, other in enumerate(order, 1) if SCENES[other] == SCENES[row]]
        found[VIEWS].append(np.mean([rank / place for rank, place in enumerate(hits, 1)]))
    return found


def test_recall_and_precision_are_those_of_a_loop():
    decoded = Z + 0.7 * RNG.standard_normal(Z.shape)
    values, hand = Asked(SEARCH, TEXTS).values(decoded), by_hand(decoded)
    assert 0.2 < np.mean(hand[RECALL]) < 0.95
    for name in hand:
        assert values[name] == pytest.approx(hand[name]), name


def test_what_is_not_coded_is_found_and_what_is_random_is_not():
    exact, index, drawn = measures.floors([Asked(SEARCH, TEXTS)], 0)
    assert [exact.values[name].mean() for name in (RECALL, FIRST, TEXT, LABELS)] == [1, 1, 1, 1]
    assert exact.values[VIEWS].mean() < 1
    assert len(exact.values[FITS]) == 2  # the third text fits no scene that is stored
    assert index.payload_bits == pytest.approx(np.log2(20))
    assert drawn.values[RECALL].mean() == pytest.approx(10 / 39, abs=0.12)
    assert drawn.values[RECALL].mean() < index.values[RECALL].mean() < 1


def test_equal_scores_come_in_one_random_order():
    """Else a code that keeps nothing would find neighbours by where they lie."""
    nothing = Asked(SEARCH, TEXTS).values(np.ones_like(Z))
    assert nothing[RECALL].mean() == pytest.approx(10 / 39, abs=0.12)
    scores = np.array([[0.5, 0.5 + 1e-12, 0.7, 0.5]])
    assert measures.ranked(scores, np.array([3, 0, 2, 1])).tolist() == [[2, 1, 3, 0]]


def test_averages_of_precision_by_hand():
    relevant, order = np.array([[True, False, True, False]]), np.array([[2, 3, 1, 0]])
    assert measures.average_precision(relevant, order) == pytest.approx([(1 + 2 / 4) / 2])


def found(ours=0.0, tilted=0.1):
    """Four photographs of two scenes: signs have 0.4 at 50 bits and 0.8 at 450; ours and ours for search lie above."""
    more, made = np.array([1, 1, -1, -1]), []
    for bits, value in ((50.0, 0.4), (450.0, 0.8)):
        made.append(Found(f"{kinds.SIGNS} + entropy", "", bits, 100.0, {RECALL: np.full(4, value)}))
        made.append(Found(smic.OURS, "", bits, 0.0, {RECALL: value + ours + 0.01 * more}))
        made.append(Found(kinds.OURS_SEARCH[0], "", bits, 0.0, {RECALL: value + tilted + 0.02 * more}))
    return made


def test_matched_bits_are_those_of_lines():
    table = matched.matched(found(), np.array(list("aabb")), 0)
    own = table[(table["size"] == "payload") & (table["against"] == f"{kinds.SIGNS} + entropy")].set_index("bits")
    # A thousandth of recall a bit on either line, and a tenth between them.
    assert own["recall"].tolist() == pytest.approx([0.414, 0.478, 0.606, 0.734])
    assert own["difference"].tolist() == pytest.approx([0.1] * 4)
    assert (own["low"].iloc[0], own["high"].iloc[0]) == pytest.approx((0.08, 0.12))
    assert own["verdict"].tolist() == [matched.AHEAD] * 4
    assert own["our_bits"].tolist()[2:] == pytest.approx([156, 284])
    assert own["times"].tolist()[2:] == pytest.approx([256 / 156, 384 / 284])
    assert own["times_low"].iloc[3] == pytest.approx(384 / 304)
    assert own["times_high"].iloc[3] == pytest.approx(384 / 264)
    at_1000 = table[(table["size"] == "n = 1000") & (table["against"] == f"{kinds.SIGNS} + entropy")]
    assert at_1000["recall"].iloc[0] == pytest.approx(0.4139)  # a tenth of a bit goes to what is sent once


@pytest.mark.parametrize(("tilted", "word"), [(0.1, matched.AHEAD), (-0.1, matched.BEHIND), (0.0, "undecided")])
def test_verdicts_follow_the_intervals(tilted, word):
    table = matched.matched(found(tilted=tilted), np.array(list("aabb")), 0)
    checks = matched.checks(table)
    best = checks[(checks["against"] == kinds.BEST_NAME) & (checks["size"] == "payload")]
    assert best["verdict"].tolist() == [word] * 3
    assert set(checks["asked"]) == {
        "its bits over ours at its recall",
        "recall no lower",
        "recall higher for search than for the cosine",
    }
    assert checks[checks["against"] == kinds.FIXED_NAME]["verdict"].isin(["not reached", "undecided"]).all()
    assert len(list(reading.tell_half(checks, "Kodak"))) == len(matched.SIZES)
    (said,) = reading.tell_rivals(table, kinds.BEST_NAME, "payload", "Kodak")
    side = {matched.AHEAD: "ahead", matched.BEHIND: "behind"}.get(word, "not told apart")
    assert said.startswith("By recall@10 on Kodak, in payload, ours for search is ")
    assert f"{side} at {(rates := len(matched.BITS) + 1)} of {rates} rates against the best of all rivals: " in said


class Given(Tables):
    """Tables that are at hand."""

    def __init__(self, tables):
        self.tables, self.read = tables, set()

    def __call__(self, name):
        self.read.add(name)
        return self.tables[name]


@lru_cache
def checks_of(tilted):
    return matched.checks(matched.matched(found(tilted=tilted), np.array(list("aabb")), 0))


def tables(first, others):
    """The first collection's with one gain of ours, all others' with another."""
    gains = [first] + [others] * (len(verdicts.CHECKS) - 1)
    return Given(dict(zip(verdicts.CHECKS, map(checks_of, gains), strict=True)))


def test_verdicts_of_the_map_can_go_either_way():
    beside, half, tilt = verdicts.recall_beside_rivals, verdicts.half_the_bits, verdicts.tilt_for_search
    assert [beside(tables(gain, gain)).outcome for gain in (0.1, 0.0, -0.1)] == ["agrees", "undecided", "differs"]
    assert [half(tables(gain, gain)).outcome for gain in (0.25, 0.1)] == ["agrees", "differs"]
    assert [tilt(tables(gain, gain)).outcome for gain in (0.1, 0.0)] == ["agrees", "undecided"]
    assert [beside(tables(0.1, gain)).outcome for gain in (0.0, -0.1)] == ["partly", "differs"]
    assert half(tables(0.25, 0.1)).outcome == "partly"
    assert f"{verdicts.NAMES[0]} +0.100 [+0.080, +0.120] at 64" in beside(tables(0.1, 0.1)).sentence


def test_coders_are_those_of_the_kinds():
    made = kinds.coders(PRIOR, PRIOR.dim, 64, 8, (2.0,), [2, 8], 64, 1)
    assert {coder.name for coder in made} == {*kinds.ALL, *kinds.OURS, *kinds.OURS_SEARCH}
    for name in (*kinds.OURS, *kinds.OURS_SEARCH):
        assert len([coder for coder in made if coder.name == name]) == len(smic.FIDELITIES)
    assert set(kinds.FIXED) < set(kinds.WITHOUT_OURS) < set(kinds.ALL)
    assert not set(kinds.FIXED) & {*rivals.GIVEN, *rivals.VECTORS_GIVEN}


def test_figures_show_all_curves():
    from smicnb.drawing import looks

    assert set(kinds.CURVES) <= set(looks.RETRIEVAL)
    some = found() + measures.floors([Asked(SEARCH, TEXTS)], 0)
    rows = []
    for each in some:
        about = each.coder, each.setting, each.payload_bits, each.bits(1000)
        rows += [(*about, name, *(value.mean() + off for off in (0, -0.1, 0.1))) for name, value in each.values.items()]
    names = ["coder", "setting", "payload_bits", "bits_at_1000", "measure", "mean", "low", "high"]
    table = pd.DataFrame(rows, columns=names)
    payload, shared = plots.recall(table).axes
    floors = {measures.INDEX, measures.RANDOM}
    assert all({line.get_label() for line in axes.lines} >= floors for axes in (payload, shared))
    assert not payload.texts
    assert {text.get_text() for text in shared.texts} > {kinds.SEARCH_NAME, kinds.OURS_NAME, *floors}
    assert len(payload.containers) == len(shared.containers) == 4  # and signs among those that learn nothing
    assert "the index of the gallery finds 0." in reading.tell_floors(table, "Kodak")
