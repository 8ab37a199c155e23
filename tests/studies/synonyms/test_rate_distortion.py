"""Rate–distortion functions against closed forms and against one another."""

import numpy as np
import pytest

from smicnb.base.errors import DimensionError, SmicnbError
from smicnb.studies.synonyms import sources
from smicnb.studies.synonyms.rate_distortion import rate_distortion, semantic_distortion

HAMMING = 1.0 - np.eye(2)
SLOPES = np.geomspace(0.3, 6, 6)


def binary_entropy(d):
    return -d * np.log2(d) - (1 - d) * np.log2(1 - d)


def test_a_biased_coin_has_its_closed_form():
    """R(D) = h(p) − h(D), where log2((1 − D)/D) is the slope."""
    table = rate_distortion(np.array([0.3, 0.7]), HAMMING, [2, 3, 5])
    expected = 1 / (1 + np.exp2(table["slope"]))
    np.testing.assert_allclose(table["distortion"], expected, atol=1e-3)
    np.testing.assert_allclose(table["rate"], binary_entropy(0.3) - binary_entropy(expected), atol=3e-3)


def test_realism_leaves_a_fair_coin_as_it_is_and_costs_a_biased_one():
    """A fair coin's best x̂ is fair. A biased one's joint is known from D: D/2 off the diagonal each."""
    fair = np.full(2, 0.5)
    plain, real = (rate_distortion(fair, HAMMING, [3], realism=realism) for realism in (False, True))
    np.testing.assert_allclose(plain.to_numpy(), real.to_numpy(), atol=1e-6)
    real = rate_distortion(np.array([0.3, 0.7]), HAMMING, [2], realism=True).iloc[0]
    off = real["distortion"] / 2
    joint = np.array([[0.3 - off, off], [off, 0.7 - off]])
    assert real["rate"] == pytest.approx(sources.mutual_information(joint), abs=1e-6)
    assert real["rate"] > binary_entropy(0.3) - binary_entropy(real["distortion"]) + 1e-3


def test_ends_are_entropy_and_semantic_entropy():
    source, distance = sources.grid((2, 2)), sources.squared_distance()
    plain = rate_distortion(source.probabilities, distance, [30])
    assert plain["rate"].item() == pytest.approx(source.entropy, abs=1e-3)
    semantic = rate_distortion(source.probabilities, semantic_distortion(distance, source), [30])
    assert semantic["rate"].item() == pytest.approx(source.semantic_entropy, abs=1e-3)
    assert semantic["distortion"].item() < 1e-3


def test_up_to_synonyms_is_cheaper_and_realism_dearer():
    source, distance = sources.grid((2, 2)), sources.squared_distance()
    up_to = semantic_distortion(distance, source)
    assert (up_to <= distance).all()
    np.testing.assert_array_equal(up_to == 0, source.members @ source.members.T == 1)
    lagrangians = [
        rate_distortion(source.probabilities, d, SLOPES, realism=realism).eval("rate + slope * distortion")
        for d, realism in ((up_to, False), (distance, False), (distance, True))
    ]
    assert (lagrangians[0] < lagrangians[1] - 0.05).all()
    assert (lagrangians[1] <= lagrangians[2] + 1e-4).all()


def test_bad_input_is_refused():
    with pytest.raises(SmicnbError, match="slope"):
        rate_distortion(np.full(2, 0.5), HAMMING, [0])
    with pytest.raises(DimensionError):
        rate_distortion(np.full(3, 1 / 3), HAMMING, [1])
