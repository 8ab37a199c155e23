"""Distances between sets against the library, against formulas, and on sets whose distance is known."""

import numpy as np
import pytest
import torch
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from smicnb.base.errors import DimensionError, UnknownNameError
from smicnb.semantics.metrics.realism import METRICS, realism

EACH = pytest.mark.parametrize("metric", METRICS)


def draw(rng, n, dim=12, shift=0.0, scale=1.0):
    return (rng.normal(shift, scale, (n, dim)) @ np.diag(np.linspace(0.2, 2, dim))).astype(np.float32)


def by_torchmetrics(X, Y):
    moments = [torch.from_numpy(each) for Z in (X.astype(float), Y.astype(float)) for each in (Z.mean(0), np.cov(Z.T))]
    return _compute_fid(*moments).item()


@pytest.mark.parametrize(("n", "m"), [(50, 70), (70, 13), (400, 300)])
def test_fid_is_that_of_torchmetrics_where_covariances_are_regular(n, m):
    rng = np.random.default_rng(n)
    X, Y = draw(rng, n), draw(rng, m, shift=0.3, scale=1.5)
    assert realism("fid", X, Y, 0).value == pytest.approx(by_torchmetrics(X, Y), rel=1e-6)


def test_fid_of_fewer_images_than_dimensions_is_exact():
    # With mean 0 and the same two images each way round, both covariances are known by heart.
    X = np.array([[3.0, 0, 0], [-3, 0, 0]])
    Y = np.array([[4.0, 0, 0], [-4, 0, 0]])
    Z = np.array([[0.0, 4, 0], [0, -4, 0]])
    # Variances 18 and 32: along one axis (√32 - √18)² = 2, across axes 18 + 32.
    assert realism("fid", X, Y, 0).value == pytest.approx(2)
    assert realism("fid", X, Z, 0).value == pytest.approx(50)
    assert realism("fid", X, X + np.array([0, 5, 0]), 0).value == pytest.approx(25)


@EACH
def test_distances_are_small_within_and_large_between(metric):
    rng = np.random.default_rng(1)
    X, Y, far = draw(rng, 300, shift=1), draw(rng, 300, shift=1), draw(rng, 300, shift=-1)
    near = realism(metric, X, Y, 3)
    assert abs(near.value) < 0.05 * realism(metric, X, far, 3).value
    assert (near.metric, near.n, near.n_hat) == (metric, 300, 300)
    assert realism(metric, Y, X, 3).value == pytest.approx(near.value, abs=near.spread or 1e-9)


def test_a_set_is_at_no_fid_and_no_cmmd_from_itself():
    X = draw(np.random.default_rng(2), 40)
    assert realism("fid", X, X[::-1], 0).value == pytest.approx(0, abs=1e-9)
    assert realism("cmmd", X, X[::-1], 0).value == pytest.approx(0, abs=1e-9)


def test_kid_is_the_library_s_over_subsets_of_half_a_set():
    rng = np.random.default_rng(5)
    X, Y = draw(rng, 60), draw(rng, 90, shift=0.5)
    found = realism("kid", X, Y, 7)
    whole = poly_mmd(*(torch.from_numpy(Z.astype(float)) for Z in (X, Y[:60]))).item()
    assert found.value == pytest.approx(whole, abs=found.spread)
    assert 0 < found.spread < found.value
    assert realism("kid", X, Y, 7) == found
    assert realism("kid", X, Y, 8).value != found.value
    assert "subsets of 30 instead of 1000" in found.warning


def test_kid_is_unbiased():
    rng = np.random.default_rng(11)
    values = [realism("kid", draw(rng, 40), draw(rng, 40), seed).value for seed in range(30)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0 < max(values)


def test_cmmd_by_hand_on_directions():
    X, Y = np.array([[5.0, 0], [1, 0]]), np.array([[0, 2.0], [0, 9]])
    # Unit vectors at a squared distance of 2, one direction in each set: no bias, hence no warning.
    found = realism("cmmd", X, Y, 0)
    assert found.value == pytest.approx(1000 * (2 - 2 * np.exp(-2 / 200)))
    assert found.warning == ""


def test_cmmd_says_how_much_too_large_it_is():
    rng = np.random.default_rng(4)
    values, stated = [], []
    for _ in range(20):
        found = realism("cmmd", draw(rng, 30), draw(rng, 30), 0)
        values.append(found.value)
        stated.append(float(found.warning.rpartition(" ")[2]))
    assert np.mean(stated) == pytest.approx(np.mean(values), rel=0.1), "sets of one distribution are at 0"


def test_fid_warns_of_few_images():
    rng = np.random.default_rng(6)
    assert "12 dimensions" in realism("fid", draw(rng, 12), draw(rng, 80), 0).warning
    few = realism("fid", draw(rng, 60), draw(rng, 80), 0).warning
    assert few.startswith("FID of 60 and 80 images is too large")
    assert "dimensions" not in few
    assert realism("fid", draw(rng, 10_000, 3), draw(rng, 10_000, 3), 0).warning == ""


@EACH
def test_features_that_cannot_be_compared_are_refused(metric):
    X = np.ones((4, 3))
    with pytest.raises(DimensionError, match=r"shape \(4, 3\) and \(4, 2\); needed: \(n, d\) and \(m, d\)"):
        realism(metric, X, X[:, :2], 0)
    with pytest.raises(DimensionError, match="4 and 1 images; needed: at least 2"):
        realism(metric, X, X[:1], 0)
    with pytest.raises(DimensionError, match="not finite"):
        realism(metric, X, X * np.nan, 0)


def test_an_unknown_metric_gives_the_near_miss():
    with pytest.raises(UnknownNameError, match="did you mean 'fid'"):
        realism("fids", np.ones((2, 2)), np.ones((2, 2)), 0)
