"""Searched levels: no setting falls, nothing is made worse by the search, and what is predicted is decoded."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prior_latents import images

from smicnb.codec.coders.coefficients import SWEEPS, Codes, fit_range
from smicnb.codec.coders.dictionary import debiased_codes
from smicnb.codec.coders.smic import SMICCodec, normalise
from smicnb.codec.format.quantise import CoefficientQuantiser
from smicnb.codec.format.reader import SmicReader
from smicnb.semantics.metrics.pairs import latent_cosine

NORM = 20.0


def some_codes(count, dim, n_atoms, penalty, seed):
    rng = np.random.default_rng(seed)
    atoms = rng.standard_normal((n_atoms, dim)) + rng.standard_normal(dim)
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    latents = rng.standard_normal((count, dim)) * np.geomspace(3, 0.3, dim) + rng.standard_normal(dim)
    latents[: count // 8] = 0
    latents *= NORM / np.maximum(np.linalg.norm(latents, axis=1, keepdims=True), 1e-9)
    return latents, atoms, Codes.from_latents(latents, atoms, penalty)


@pytest.fixture(scope="module")
def memorised():
    """A collection whose own photographs are half of the atoms, as small collections are memorised; and others."""
    train, others = images(96), images(60, seed=1)
    own = train[::2] / np.linalg.norm(train[::2], axis=1, keepdims=True)
    return train, others, own


@pytest.mark.parametrize("b_dict", [1, 2, 4, 8])
def test_no_setting_falls(memorised, b_dict):
    """With the default's range, by the error of coefficients, other images fall at one bit to a sixth or less."""
    train, others, atoms = memorised
    kept = []
    for b_coef in (1, 2, 4, 8):
        codec = SMICCodec(len(atoms), 0.2, b_dict, b_coef, "tuple", refit=True).fit(train, atoms=atoms)
        kept.append([latent_cosine(some, codec.reconstruct(some)).mean() for some in (train, others)])
    collection, unseen = np.array(kept).T
    assert (np.diff(collection) > 0).all()
    assert (np.diff(unseen) > -0.02).all()
    assert unseen[0] > 0.6 * unseen[-1]


cases = st.builds(
    some_codes,
    st.sampled_from([1, 9, 40]),
    st.integers(2, 12),
    st.integers(1, 20),
    st.floats(0.05, 8),
    st.integers(0, 2**32 - 1),
)


@given(cases, st.integers(1, 16), st.tuples(st.floats(-20, 20), st.floats(0.01, 40)))
@example(some_codes(9, 2, 2, 1.0, 0), 14, (0.0, 5.0))  # one coefficient is 30 000 times as large as the other
@settings(deadline=None)
def test_searched_levels_are_never_further_from_a_latent_than_rounded_ones(case, bits, ends):
    latents, atoms, codes = case
    quantiser = CoefficientQuantiser.from_range(ends[0], ends[0] + ends[1], bits, NORM)
    (rounded, before), (levels, after) = (codes.levels(quantiser, NORM, sweeps) for sweeps in (0, SWEEPS))
    assert (after >= before - 1e-7).all()
    assert (after > -1e-9).all()
    assert levels.max() < 1 << bits
    assert not (levels >= 0)[codes.codes == 0].any()  # within the atoms that Eq. 8 chose
    assert np.array_equal(rounded, np.where(codes.codes != 0, quantiser.quantise(codes.codes, NORM), -1))
    for some, cosines in ((rounded, before), (levels, after)):
        decoded = np.where(some >= 0, quantiser.dequantise(np.maximum(some, 0), NORM), 0) @ atoms
        norms = np.linalg.norm(latents, axis=1) * np.linalg.norm(decoded, axis=1)
        np.testing.assert_allclose(cosines, (latents * decoded).sum(axis=1) / np.where(norms == 0, 1, norms), atol=1e-6)


@given(cases, st.integers(1, 16))
@settings(deadline=None, max_examples=30)
def test_a_fitted_range_is_at_least_as_good_as_the_whole_one_and_an_image_stands_alone(case, bits):
    latents, atoms, codes = case
    fitted = fit_range(codes, bits, NORM)
    values = codes.codes[codes.codes != 0]
    _, cosines = codes.levels(fitted, NORM)
    if bits > 1 and values.size:
        whole = CoefficientQuantiser.from_range(values.min(), values.max(), bits, NORM)
        assert cosines.mean() > codes.levels(whole, NORM)[1].mean() - 0.05
    alone = [Codes.from_latents(latents[i : i + 1], atoms, 1.0).levels(fitted, NORM)[0] for i in range(len(latents))]
    again = Codes.from_latents(latents, atoms, 1.0).levels(fitted, NORM)[0]
    assert np.array_equal(np.concatenate(alone), again)


def test_with_many_bits_the_search_ends_at_least_squares_on_the_support():
    latents, atoms, codes = some_codes(60, 30, 12, 1.0, 3)
    _, found = codes.levels(fit_range(codes, 16, NORM), NORM)
    best = debiased_codes(latents, atoms, codes.codes) @ atoms
    some = codes.codes.any(axis=1)
    np.testing.assert_allclose(found[some], latent_cosine(latents[some], best[some]), atol=1e-4)
    assert found.mean() > codes.levels(fit_range(codes, 16, NORM), NORM, sweeps=0)[1].mean() + 1e-3


def test_no_coefficient_at_all_has_a_range():
    codes = Codes(np.zeros((3, 2)), np.ones((3, 2)), np.full(3, NORM), np.eye(2))
    levels, cosines = codes.levels(fit_range(codes, 4, NORM), NORM)
    assert (levels == -1).all()
    assert not cosines.any()


def test_large_collections_are_judged_by_a_part():
    latents, atoms, codes = some_codes(2000, 8, 6, 1.0, 0)
    assert len(codes.some(256).codes) == 256
    assert fit_range(codes, 3, NORM) == fit_range(Codes.from_latents(latents, atoms, 1.0), 3, NORM)


@pytest.mark.parametrize("coding", ["tuple", "entropy"])
def test_a_codec_searches_on_request_alone(memorised, coding):
    """By default the range is the one of least error of the coefficients, and these are rounded in it."""
    train, others, atoms = memorised
    shape = len(atoms), 0.2, 8, 2, coding
    plain, searched = (SMICCodec(*shape, refit=refit).fit(train, atoms=atoms) for refit in (False, True))
    assert SMICCodec(*shape).fit(train, atoms=atoms).encode(others) == plain.encode(others) != searched.encode(others)
    codes = Codes.from_latents(normalise(others, NORM), plain.codebook_.atoms, 0.2).codes
    of_train = Codes.from_latents(normalise(train, NORM), plain.codebook_.atoms, 0.2).codes
    quantiser = CoefficientQuantiser.fit_codes(of_train, 2, NORM)
    assert plain.codebook_.quantiser == quantiser
    assert np.array_equal(plain.levels(others), np.where(codes != 0, quantiser.quantise(codes, NORM), -1))
    kept = [latent_cosine(others, codec.reconstruct(others)).mean() for codec in (plain, searched)]
    assert kept[1] > kept[0]


def test_what_is_searched_is_decoded_and_a_codec_of_the_file_searches_where_asked(memorised):
    train, others, atoms = memorised
    codec = SMICCodec(len(atoms), 0.5, 4, 3, refit=True).fit(train, atoms=atoms)
    with SmicReader(codec.encode(others)) as opened:
        assert np.array_equal(opened.latents(), codec.reconstruct(others))
        again = SMICCodec.from_codebook(opened.codebook, refit=True)
    assert np.array_equal(again.levels(others), codec.levels(others))
    assert not np.array_equal(SMICCodec.from_codebook(codec.codebook_).levels(others), codec.levels(others))
