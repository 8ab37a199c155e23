"""The pictures of linearity draw what they are given, and fit the page."""

import pandas as pd
import pytest
from drawn import fits, levels, picture

from smicnb.studies.linearity import plots

FACTORS = [0.25, 0.5, 0.75, 1.0]


pytestmark = pytest.mark.usefixtures("house_style")


@pytest.fixture
def wins():
    rows = [
        (operation, against, factor, factor * share, factor / 4, factor)
        for operation in ("add", "remove")
        for against, share in (("third", 0.5), ("random", 0.75))
        for factor in FACTORS
    ]
    names = ["operation", "against", "factor", "wins", "wins_low", "wins_high"]
    return pd.DataFrame(rows, columns=names).assign(from_here_on=0.1, nearer=0.6, ties=0.3)


@pytest.fixture
def curves():
    rows = [
        (operation, factor, what, to, factor * (1 if what == "concept" else -1))
        for operation in ("add", "remove")
        for factor in FACTORS
        for what in ("concept", "third", "random")
        for to in ("x1", "x2")
    ]
    return pd.DataFrame(rows, columns=["operation", "factor", "what", "to", "mean"]).assign(low=0, high=1)


def drawn(operation, count):
    pairs = [picture(10), picture(20)], [picture(11), picture(21)]
    return plots.series(operation, *pairs, [picture(30 + k) for k in range(count)], FACTORS[:count], "retrieved")


def test_a_series_shows_the_pair_each_alone_and_every_factor():
    figure = drawn("add", 4)
    assert levels(figure) == {
        "x₁": 10, "f(x₁), λ = 0": 11, "x₂": 20, "f(x₂)": 21,
        "λ = 0.25": 30, "λ = 0.5": 31, "λ = 0.75": 32, "λ = 1": 33,
    }  # fmt: skip
    assert fits(figure)


def test_a_series_takes_an_odd_number_of_factors():
    figure = drawn("add", 3)
    assert list(levels(figure).values())[4:] == [30, 31, 32]
    assert len([axes for axes in figure.findobj(lambda artist: hasattr(artist, "axison")) if not axes.axison]) == 1


@pytest.mark.parametrize(("operation", "sign"), [("add", "+"), ("remove", "−")])
def test_a_series_says_what_it_is_from(operation, sign):
    titles = [part.get_suptitle() for part in drawn(operation, 4).subfigs]
    assert titles == ["retrieved from either alone", f"retrieved from f(x₁) {sign} λ f(x₂)"]


def test_failures_name_their_gain():
    rows = [[picture(k) for k in range(3)], [picture(k + 10) for k in range(3)]]
    figure = plots.failures(rows, ["x₁", "x₂", "λ = 1"], [-0.25, 0.125])
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["mean gain −0.25", "mean gain +0.12"]
    assert fits(figure)


def test_linearity_draws_the_curves_and_the_shares(curves, wins):
    figure = plots.linearity(curves, wins, "judge")
    above = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    assert above["to x₂, with f(x₂)"] == FACTORS
    assert above["to x₁, with a random latent"] == [-factor for factor in FACTORS]
    below = {line.get_label(): list(line.get_ydata()) for line in figure.axes[3].lines}
    assert below["moves more than with f(x₃)"] == [factor / 2 for factor in FACTORS]
    assert below["moves more than with a random latent"] == [factor * 0.75 for factor in FACTORS]
    assert below["nearer to x₂ than to x₁"] == [0.6] * 4
    assert figure.axes[0].get_ylabel() == "cosine by judge"
    assert len(figure.legends[0].get_texts()) == 10
    assert fits(figure)


def test_the_claim_has_both_operations(wins):
    figure = plots.linearity_claim(wins.assign(wins=wins["wins"] + (wins["operation"] == "remove")), "title")
    assert [axes.lines[0].get_ydata()[0] for axes in figure.axes] == [0.125, 1.125]
    assert fits(figure)
