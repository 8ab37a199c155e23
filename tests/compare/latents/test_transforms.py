"""Transforms find known axes, come back through their side information alone, and decode to the same bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.codec.format import quantise
from smicnb.compare.latents import transforms
from smicnb.compare.latents.transforms import KLT, NORM, UNIT, RandomRotation, Truncation, normalise


def latents(images, dim, seed, kind="any"):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((images, dim)) + rng.standard_normal(dim)
    if kind == "identical":
        Z[:] = Z[0]
    if kind == "zero":
        Z[0] = 0
    return normalise(Z)


some = st.builds(
    latents,
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["any", "identical", "zero"]),
)
all_transforms = st.sampled_from(
    [KLT(), KLT(2, 3), KLT(bits=16), Truncation(), Truncation(1, True), RandomRotation(), RandomRotation(7)]
)


@parametrize_with_checks([KLT(2), Truncation(1), RandomRotation()])
def test_scikit_learn_accepts_the_estimators(estimator, check):
    check(estimator)


@given(some, all_transforms)
@settings(deadline=None)
def test_side_information_is_all_that_a_decoder_needs(Z, transform):
    transform = clone(transform).fit(Z)
    data = transform.side_information()
    again, rest = type(transform).from_bytes(data + b"rest", Z.shape[1])
    assert rest == b"rest"
    assert again.side_information() == data
    fixed = np.rint(transform.transform(Z) * UNIT).astype(np.int64)
    decoded = transform.decode(fixed)
    assert decoded.dtype == np.float32
    assert np.array_equal(again.decode(fixed), decoded)
    np.testing.assert_array_equal(again.transform(Z), transform.transform(Z))
    for cut in range(len(data)):
        with pytest.raises(IntegrityError):
            type(transform).from_bytes(data[:cut], Z.shape[1])


@given(some, st.sampled_from([KLT(bits=16), Truncation(), Truncation(centre=True), RandomRotation(3)]))
@settings(deadline=None)
def test_all_coefficients_give_the_latents_back(Z, transform):
    transform = clone(transform).fit(Z)
    # 8 bits of the mean are nearly enough: what they miss lies outside the KLT's axes.
    np.testing.assert_allclose(transform.inverse_transform(transform.transform(Z)), Z, atol=0.2)


def test_decoding_is_the_inverse_at_norm_20():
    Z = latents(30, 8, 0)
    for transform in (KLT(4), RandomRotation(1), Truncation(5, True)):
        C = transform.fit(Z).transform(Z)
        inverse, decoded = transform.inverse_transform(C), transform.decode(np.rint(C * UNIT).astype(np.int64))
        np.testing.assert_allclose(np.linalg.norm(decoded, axis=1), NORM, rtol=1e-6)
        np.testing.assert_allclose(decoded, normalise(inverse), atol=1e-3)


def test_the_klt_finds_the_axes_and_variances_of_a_known_covariance():
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((4, 4)))[0].T
    axes *= np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=1, keepdims=True), axis=1))
    deviations, mean = np.array([2.0, 1.0, 0.5, 0.25]), np.array([1.0, 2, 3, 4])
    Z = mean + rng.standard_normal((200_000, 4)) * deviations @ axes
    klt = KLT(bits=12).fit(Z)
    np.testing.assert_allclose(klt.variances_, deviations**2, rtol=0.02)
    np.testing.assert_allclose(klt.rows_ / 2**19, axes, atol=0.02)
    np.testing.assert_allclose(klt.mean_, mean, atol=0.05)
    C = klt.transform(Z)
    np.testing.assert_allclose(np.cov(C.T), np.diag(deviations**2), atol=0.02)


def test_axes_of_few_bits_are_those_that_the_encoder_uses():
    Z = latents(40, 10, 0)
    coarse, fine = KLT(bits=2).fit(Z), KLT(bits=16).fit(Z)
    assert not np.allclose(coarse.rows_, fine.rows_, atol=1e4)
    # Least squares in the coarse axes: no other coefficients come closer to the latents.
    C = coarse.transform(Z)
    error = np.square(coarse.inverse_transform(C) - Z).sum()
    for other in (fine.transform(Z), 1.01 * C, 0.99 * C):
        assert np.square(coarse.inverse_transform(other) - Z).sum() > error


def test_side_information_takes_the_bits_that_it_says():
    Z = latents(40, 10, 0)
    assert len(KLT(3, 5).fit(Z).side_information()) == 3 + (4 + 10) + 19  # 3 · 10 · 5 bits
    assert len(Truncation().fit(Z).side_information()) == 2 + 4
    assert len(Truncation(2, True).fit(Z).side_information()) == 2 + 4 + 10
    assert len(RandomRotation().fit(Z).side_information()) == 12 + 4 + 10


def test_the_first_axes_are_the_klt_of_as_many_components():
    Z = latents(40, 10, 0)
    klt = KLT(bits=16).fit(Z)
    short = klt.first(4)
    np.testing.assert_array_equal(short.rows_, klt.rows_[:4])
    np.testing.assert_allclose(short.rows_, KLT(4, 16).fit(Z).rows_, atol=2**19 / 2**14)
    assert klt.first(0).transform(Z).shape == (40, 0)


def test_a_rotation_is_one_and_its_seed_says_which():
    rows = transforms.rotation(50, 3) / 2**19
    np.testing.assert_allclose(rows @ rows.T, np.eye(50), atol=1e-4)
    assert not np.array_equal(transforms.rotation(50, 3), transforms.rotation(50, 4))
    # Fixed numbers: another NumPy that draws otherwise is seen here before it is seen in a file.
    expected = [[50157, -175447, 491508], [41848, -490831, -179476], [520203, 56401, -32953]]
    assert transforms.rotation(3, 0).astype(int).tolist() == expected


def test_a_machine_that_draws_another_rotation_gets_an_error(monkeypatch):
    data = RandomRotation(5).fit(latents(9, 6, 0)).side_information()
    drawn = transforms.rotation
    monkeypatch.setattr(transforms, "rotation", lambda dim, seed: drawn(dim, seed) + np.eye(dim))
    with pytest.raises(IntegrityError, match="another rotation"):
        RandomRotation.from_bytes(data, 6)


def test_parameters_out_of_range_are_refused():
    Z = latents(9, 6, 0)
    for bits in (0, 17):
        with pytest.raises(SmicnbError, match="1 to 16"):
            KLT(bits=bits).fit(Z)
    for kept in (0, 7):
        with pytest.raises(DimensionError, match="1 to 6"):
            Truncation(kept).fit(Z)
    with pytest.raises(ValueError, match="features"):
        KLT().fit(Z).transform(Z[:, :3])


def test_the_inverse_of_rows_is_kept_as_long_as_they_are():
    Z = np.random.default_rng(0).normal(size=(30, 12))
    klt = transforms.KLT(4).fit(Z)
    first = klt.transform(Z)
    np.testing.assert_array_equal(klt.transform(Z), first)
    kept = len(transforms._INVERSES)
    again = klt.fit(Z[::-1] * np.arange(1, 13)).transform(Z)  # other rows, and the old ones are gone
    assert not np.allclose(again, first)
    assert len(transforms._INVERSES) == kept
    np.testing.assert_array_equal(again, (Z - klt.mean_) @ np.linalg.pinv(klt.rows_ / quantise.ATOM_UNIT))
