"""Principal components that pay for their mean."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

from smicnb.base.errors import DimensionError
from smicnb.codec.coders.dictionary import PCABaseline


@parametrize_with_checks([PCABaseline(n_atoms=2)])
def test_scikit_learn_accepts_the_estimator(estimator, check):
    check(estimator)


def test_the_mean_is_one_of_the_vectors():
    Z = load_digits().data[:100]
    model = PCABaseline(n_atoms=5).fit(Z)
    codes = model.transform(Z)
    assert codes.shape == (100, 4)
    centred = Z - Z.mean(axis=0)
    left, strengths, right = np.linalg.svd(centred, full_matrices=False)
    expected = Z.mean(axis=0) + (left[:, :4] * strengths[:4]) @ right[:4]
    np.testing.assert_allclose(model.inverse_transform(codes), expected, atol=1e-9)


def test_too_many_or_too_few_vectors_are_refused():
    Z = np.random.default_rng(0).standard_normal((6, 4))
    np.testing.assert_allclose(PCABaseline(5).fit(Z).inverse_transform(PCABaseline(5).fit_transform(Z)), Z)
    with pytest.raises(DimensionError) as caught:
        PCABaseline(6).fit(Z)
    assert str(caught.value) == (
        "n_samples=6 latents of 4 dimensions, for n_atoms=6; needed: at most 5: the mean and 4 components"
    )
    with pytest.raises(ValueError, match="n_atoms=1; needed: at least 2, the mean and one component"):
        PCABaseline(1).fit(Z)
