"""The bootstrap over scenes: exact small cases, and a simulation of how often it is right."""

import numpy as np
import pytest
from scipy.stats import t as student

from smicnb.base.errors import DimensionError
from smicnb.semantics.metrics.intervals import bootstrap_mean, interval_of_pairs, standard_error


def test_every_item_weighs_the_same():
    # Two scenes of 1 and 3 views: the resampled means are 0, 3/4 and 1, never 1/2.
    values, groups = [0, 1, 1, 1], ["a", "b", "b", "b"]
    assert bootstrap_mean(values, groups, seed=0) == (0.75, 0, 1)
    assert bootstrap_mean(values, groups, seed=0, level=0.02)[1:] == (0.75, 0.75)


def test_scenes_of_equal_size_weigh_as_their_means():
    values = np.random.default_rng(0).standard_normal((12, 5))
    whole = bootstrap_mean(values.ravel(), np.repeat(np.arange(12), 5), seed=1)
    assert whole == pytest.approx(bootstrap_mean(values.mean(axis=1), np.arange(12), seed=1))


def test_order_of_rows_and_repetition_change_nothing():
    rng = np.random.default_rng(0)
    values, groups = rng.standard_normal(40), rng.integers(0, 9, 40)
    expected = bootstrap_mean(values, groups, seed=5)
    assert bootstrap_mean(values, groups, seed=5) == expected
    shuffle = rng.permutation(40)
    assert bootstrap_mean(values[shuffle], groups[shuffle], seed=5) == pytest.approx(expected)
    assert bootstrap_mean(values, groups, seed=6) != expected


def test_interval_agrees_with_drawing_scenes_one_by_one():
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(10), rng.integers(1, 8, 10))
    values = groups + rng.standard_normal(len(groups))
    means = [np.concatenate([values[groups == scene] for scene in rng.integers(0, 10, 10)]).mean() for _ in range(4000)]
    _, low, high = bootstrap_mean(values, groups, seed=0, n_resamples=4000)
    assert [low, high] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.2)


def test_paired_differences_cancel_what_a_scene_has_in_common():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(8), 4)
    hard = 10 * rng.standard_normal(8)[groups]
    mean, low, high = bootstrap_mean((hard + 0.5) - hard, groups, seed=0)
    assert (mean, low, high) == pytest.approx((0.5, 0.5, 0.5))


def test_intervals_over_scenes_cover_and_intervals_over_items_do_not():
    """30 scenes of 8 views whose scene effect is as large as the noise; the true mean is 0."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 8)
    covered = {"scenes": 0, "items": 0}
    for seed in range(400):
        values = rng.standard_normal(30)[groups] + rng.standard_normal(240)
        for name, by in {"scenes": groups, "items": np.arange(240)}.items():
            _, low, high = bootstrap_mean(values, by, seed, n_resamples=400)
            covered[name] += low <= 0 <= high
    assert 0.90 <= covered["scenes"] / 400 <= 0.98
    assert covered["items"] / 400 < 0.75


def test_one_scene_has_a_mean_but_no_interval():
    mean, low, high = bootstrap_mean([1, 2, 3], ["a", "a", "a"], seed=0)
    assert mean == 2
    assert np.isnan([low, high]).all()


def test_unusable_values_are_refused():
    with pytest.raises(DimensionError, match=r"values of shape \(3,\) and groups of shape \(2,\); needed: one"):
        bootstrap_mean([1, 2, 3], ["a", "b"], seed=0)
    with pytest.raises(DimensionError, match=r"values of shape \(0,\)"):
        bootstrap_mean([], [], seed=0)
    with pytest.raises(ValueError, match="1 of 2 values are not finite"):
        bootstrap_mean([1, np.inf], ["a", "b"], seed=0)


def test_the_standard_error_is_the_textbook_s_without_scenes_and_the_bootstrap_s_with_them():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(50)
    assert standard_error(values, np.arange(50)) == pytest.approx(values.std(ddof=1) / np.sqrt(50))
    groups = np.repeat(np.arange(60), rng.integers(1, 8, 60))
    values = rng.standard_normal(60)[groups] + rng.standard_normal(len(groups))
    _, low, high = bootstrap_mean(values, groups, seed=0, n_resamples=8000)
    assert standard_error(values, groups) == pytest.approx((high - low) / 2 / 1.96, rel=0.06)
    assert np.isnan(standard_error(np.arange(3.0), np.zeros(3, int)))


def test_pairs_that_share_a_scene_on_either_side_are_less_certain():
    rng = np.random.default_rng(0)
    scenes = np.arange(12)
    first, second = (side.ravel() for side in np.meshgrid(scenes, scenes, indexing="ij"))
    of_second = rng.normal(0, 1, 12)[second]  # what differs, differs by the second side alone
    mean, low, high = interval_of_pairs(of_second, first, second)
    assert mean == pytest.approx(of_second.mean())
    textbook = student.ppf(0.975, 11) * of_second[:12].std(ddof=1) / np.sqrt(12)
    assert (low, high) == pytest.approx((mean - textbook, mean + textbook))
    assert interval_of_pairs(of_second, second, first) == pytest.approx((mean, low, high))


def test_pairs_of_scenes_of_their_own_have_the_interval_of_independent_values():
    values = np.random.default_rng(1).normal(0, 1, 40)
    mean, low, high = interval_of_pairs(values, np.arange(40), np.arange(40)[::-1], 0.9)
    half = student.ppf(0.95, 39) * values.std(ddof=1) / np.sqrt(40)
    assert (low, high) == pytest.approx((mean - half, mean + half))


def test_intervals_of_pairs_cover_where_both_sides_repeat():
    """They hold the mean nearly as often as they say, where those over one side alone hold it far less often."""
    rng, covered = np.random.default_rng(2), np.zeros(2)
    for _ in range(300):
        first, second = rng.integers(0, 15, 60), rng.integers(0, 15, 60)
        values = rng.normal(0, 1, 15)[first] + rng.normal(0, 1, 15)[second] + rng.normal(0, 0.5, 60)
        intervals = interval_of_pairs(values, first, second), bootstrap_mean(values, first, 1, n_resamples=200)
        covered += [low < 0 < high for _, low, high in intervals]
    both, one = covered / 300
    assert both > 0.9
    assert one < both - 0.1


def test_a_pair_needs_two_scenes_and_a_finite_value():
    values, first, second = np.arange(8.0), np.arange(8), np.arange(8)[::-1]
    assert np.isnan(interval_of_pairs(values, first, np.zeros(8))[1:]).all()
    with pytest.raises(DimensionError, match="one scene of either side"):
        interval_of_pairs(values, first, second[:7])
    with pytest.raises(ValueError, match="1 of 8 values are not finite"):
        interval_of_pairs(np.where(values == 3, np.nan, values), first, second)
