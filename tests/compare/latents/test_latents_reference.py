"""The Gaussian reference against closed forms."""

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from smicnb.base.errors import DimensionError
from smicnb.compare.latents.reference import GaussianReference

VARIANCES = np.array([9.0, 4.0, 1.0, 0.25])


def reference_of(variances, mean):
    return GaussianReference(mean, np.eye(len(variances)), np.asarray(variances), 0.0)


def test_rate_is_reverse_water_filling():
    mean, Z = np.zeros(4), np.eye(4)
    for water, expected in ((0.5, np.log2(9 / 0.5 * 4 / 0.5 * 1 / 0.5) / 2), (4, np.log2(9 / 4) / 2), (10, 0)):
        assert reference_of(VARIANCES, mean).measure(Z, water, 0).bits == pytest.approx(expected)


def test_distortion_of_the_channel_is_the_water_level():
    """E‖z − ẑ‖² = Σ min(θ, σ²): read from cosines by way of a mean so long that angles are distances over its norm."""
    rng, far = np.random.default_rng(0), 1e4
    variances = np.append(VARIANCES, 0)
    Z = rng.standard_normal((4000, 5)) * np.sqrt(variances) + far * np.eye(5)[4]
    scale = 20 / np.linalg.norm(Z, axis=1, keepdims=True)
    mean, water = 20 * np.eye(5)[4], 0.5
    reference = GaussianReference(mean, np.eye(5)[:4], VARIANCES * (20 / far) ** 2, 0.0)
    found = reference.measure(Z * scale, water * (20 / far) ** 2, 0, draws=8)
    distortion = 2 * far**2 * (1 - found.latent_cosine.mean())
    assert distortion == pytest.approx(np.minimum(water, VARIANCES).sum(), rel=0.02)
    assert found.used_bits == pytest.approx(found.bits, rel=0.01)


def test_latents_of_another_variance_cost_the_design_more_or_less():
    rng = np.random.default_rng(0)
    reference = GaussianReference(np.zeros(4), np.eye(4), np.full(4, 100.0), 0.0)
    Z = rng.standard_normal((2000, 4))  # at norm 20 the variances are just these 100
    found = reference.measure(Z, 10.0, 0)
    assert found.used_bits == pytest.approx(found.bits, rel=0.01)
    wide = GaussianReference(np.zeros(4), np.eye(4), np.full(4, 400.0), 0.0).measure(Z, 10.0, 0)
    # ½ Σ (log2(σ²/θ) + (θ/σ² + a s/σ² − 1) log2 e), with s = 100 under σ² = 400 and a = 1 − 10/400
    assert wide.used_bits == pytest.approx(2 * (np.log2(40) + (0.025 + 0.975 * 0.25 - 1) / np.log(2)), rel=0.01)
    assert wide.bits == pytest.approx(2 * np.log2(40))


def test_fitting_finds_mean_axes_and_variances():
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((500, 6)) * np.geomspace(4, 0.5, 6) + 3
    plain, shrunk = GaussianReference.fit(Z, 0.0), GaussianReference.fit(Z, 0.25)
    normed = 20 * Z / np.linalg.norm(Z, axis=1, keepdims=True)
    np.testing.assert_allclose(plain.mean, normed.mean(axis=0))
    covariance = np.cov(normed.T, bias=True)
    np.testing.assert_allclose((plain.axes.T * plain.variances) @ plain.axes, covariance, atol=1e-9)
    shrunk_covariance = 0.75 * covariance + 0.25 * np.trace(covariance) / 6 * np.eye(6)
    np.testing.assert_allclose((shrunk.axes.T * shrunk.variances) @ shrunk.axes, shrunk_covariance, atol=1e-9)
    assert GaussianReference.fit(Z).shrinkage == pytest.approx(ledoit_wolf(normed)[1])


def test_less_water_is_more_rate_and_more_fidelity_up_to_the_latents_themselves():
    Z = np.random.default_rng(0).standard_normal((50, 20))
    reference = GaussianReference.fit(Z, 0.0)
    found = [reference.measure(Z, water, 0) for water in (20, 5, 1, 1e-6)]
    assert [one.bits for one in found] == sorted(one.bits for one in found)
    cosines = [one.latent_cosine.mean() for one in found]
    assert cosines == sorted(cosines)
    assert cosines[-1] > 0.999999
    assert found[1].cosine_error > 0
    again = reference.measure(Z, 5, 0)
    assert np.array_equal(again.latent_cosine, found[1].latent_cosine)


@pytest.mark.parametrize("shrinkage", [None, 0.0, 0.5])
@pytest.mark.parametrize("Z", [np.ones((1, 3)), np.ones((5, 3)), np.zeros((2, 3)), np.ones((2, 1))])
def test_few_identical_or_empty_latents_are_no_trouble(Z, shrinkage):
    found = GaussianReference.fit(Z, shrinkage).measure(Z, 1.0, 0)
    assert found.bits == 0
    np.testing.assert_allclose(found.latent_cosine, float(Z.any()))


def test_a_shrinkage_out_of_range_is_refused():
    with pytest.raises(DimensionError, match="0 to 1"):
        GaussianReference.fit(np.ones((3, 3)), 1.5)
