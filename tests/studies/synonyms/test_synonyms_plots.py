"""The figure of synonyms draws the numbers that are saved behind it, and they are the theory's."""

import numpy as np
import pytest

from smicnb.drawing import style
from smicnb.studies.synonyms import plots, sources


@pytest.fixture(scope="module")
def data():
    return plots.synonyms_data()


@pytest.fixture
def figure(house_style, data):
    return plots.synonyms_figure(data)


def curve(data, panel, name):
    return data[(data["panel"] == panel) & (data["curve"] == name)].sort_values("x")


def test_every_curve_has_its_numbers(data):
    for panel, looks in plots.LOOKS.items():
        assert set(data.loc[data["panel"] == panel, "curve"]) == set(looks)
    assert np.isfinite(data[["x", "bits"]]).all(axis=None)


def test_semantic_entropy_never_passes_entropy(data):
    plain, semantic = (curve(data, "entropies", name)["bits"].to_numpy() for name in ("H", "H_s"))
    assert (semantic <= plain + 1e-12).all()
    assert semantic[-1] == 0
    assert curve(data, "entropies", "I_s")["bits"].iloc[-1] < 0


def test_divergences_are_least_at_different_tilts(data):
    plain, partial = (curve(data, "divergences", name) for name in ("KL", "partial semantic KL"))
    assert (partial["bits"].to_numpy() <= plain["bits"].to_numpy()).all()
    assert plain.loc[plain["bits"].idxmin(), "x"] == pytest.approx(0)
    assert partial.loc[partial["bits"].idxmin(), "x"] == pytest.approx(1)
    assert partial["bits"].min() == pytest.approx(
        -np.log2(sources.EIGHT.synset_probabilities[sources.EIGHT.synsets].sum())
    )


@pytest.mark.parametrize(("points", "bound"), [("best", "R(D)"), ("drawn", "R(D, 0)")])
def test_codes_of_synsets_lie_above_their_bounds(data, points, bound):
    found, known = curve(data, "rates", points), curve(data, "rates", bound)
    inside = found[found["x"] <= known["x"].max()]
    assert len(inside) > 4
    # On the chords of a convex function; the last digits are those of the iteration.
    chords = np.interp(inside["x"], known["x"], known["bits"])
    assert (inside["bits"].to_numpy() >= chords - 0.03).all()
    assert inside["bits"].iloc[3] > chords[3] + 0.1


def test_the_panels_show_the_data_on_a_page(figure, data):
    assert figure.get_figwidth() == style.PAGE
    for axes, (panel, looks) in zip(figure.axes, plots.LOOKS.items(), strict=True):
        assert [text.get_text() for text in axes.get_legend().get_texts()] == [look["label"] for look in looks.values()]
        for line, name in zip(axes.lines, looks, strict=False):
            np.testing.assert_allclose(line.get_ydata(), curve(data, panel, name)["bits"])
        assert "bits" in axes.get_ylabel()
