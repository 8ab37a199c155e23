"""The dictionary against scikit-learn's rules, the optimality conditions of Eq. 8, and odd data."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.datasets import load_digits
from sklearn.decomposition import DictionaryLearning
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Lasso
from sklearn.utils.estimator_checks import parametrize_with_checks

from smicnb.base.errors import DimensionError, UnknownNameError
from smicnb.codec.coders import dictionary, sparse
from smicnb.codec.coders.dictionary import DebiasedDictionary, SemanticDictionary, debiased_codes, sparse_codes


@pytest.fixture(scope="module")
def latents():
    """Scanned digits, centred and brought to the paper's norm: (300, 64)."""
    pixels = load_digits().data[:300]
    pixels = pixels - pixels.mean(axis=0)
    return 20 * pixels / np.linalg.norm(pixels, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def learned(latents):
    return SemanticDictionary(32, 0.5, random_state=0).fit(latents)


def violation(latents, atoms, codes, penalty):
    """Largest breach of the conditions of Eq. 8's optimum, as a share of the penalty.

    The residual's product with a used atom is the penalty with the coefficient's sign; with an unused
    atom it is at most the penalty.
    """
    products = (latents - codes @ atoms) @ atoms.T
    breach = np.where(codes != 0, products - penalty * np.sign(codes), np.maximum(np.abs(products) - penalty, 0))
    return np.abs(breach).max() / penalty


@parametrize_with_checks(
    [SemanticDictionary(), SemanticDictionary(n_atoms=2), SemanticDictionary(n_atoms=2, kind="exemplars")]
)
def test_scikit_learn_accepts_the_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("penalty", [0.05, 0.5, 4])
def test_codes_are_those_of_scikit_learns_lasso(latents, penalty):
    model = SemanticDictionary(32, penalty, random_state=0).fit(latents)
    lasso = Lasso(alpha=penalty / latents.shape[1], fit_intercept=False, tol=1e-12, max_iter=100_000)
    expected = [lasso.fit(model.atoms_.T, latent).coef_ for latent in latents[:20]]
    np.testing.assert_allclose(model.transform(latents[:20]), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("penalty", [0.05, 0.5, 4])
@pytest.mark.parametrize("kind", ["learned", "exemplars"])
def test_codes_meet_the_optimality_conditions(latents, kind, penalty):
    model = SemanticDictionary(40, penalty, kind, random_state=0).fit(latents[:150])
    codes = model.transform(latents)
    assert violation(latents, model.atoms_, codes, penalty) < 1e-6
    assert 0 < np.count_nonzero(codes) < codes.size


def test_nearly_parallel_atoms_are_coded_exactly(latents):
    rng = np.random.default_rng(0)
    atoms = np.repeat(latents[:8], 5, axis=0) + 0.1 * rng.standard_normal((40, 64))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    assert violation(latents[:20], atoms, sparse_codes(latents[:20], atoms, 0.2), 0.2) < 1e-9


def test_both_solvers_agree(latents, learned):
    exact = [sparse.least_distance(latent, learned.atoms_, 0.5) for latent in latents[:20]]
    np.testing.assert_allclose(learned.transform(latents[:20]), exact, rtol=0, atol=1e-7)


@pytest.mark.parametrize("kind", ["learned", "exemplars"])
def test_atoms_have_unit_norm_and_stand_in_order_of_use(latents, kind):
    model = SemanticDictionary(32, 0.5, kind, random_state=0).fit(latents)
    assert model.atoms_.shape == (32, 64)
    np.testing.assert_allclose(np.linalg.norm(model.atoms_, axis=1), 1, atol=1e-12)
    use = np.abs(model.transform(latents)).sum(axis=0)
    assert use.min() > 0
    assert np.all(np.diff(use) <= 1e-6 * use[0])


def test_learned_atoms_point_where_their_coefficients_add_up(latents, learned):
    assert learned.transform(latents).sum(axis=0).min() > 0


def test_exemplars_are_latents_of_the_collection(latents):
    model = SemanticDictionary(16, 0.5, "exemplars", random_state=3).fit(latents)
    cosines = model.atoms_ @ (latents / 20).T
    np.testing.assert_allclose(cosines.max(axis=1), 1, atol=1e-12)
    assert len(set(cosines.argmax(axis=1))) == 16
    other = SemanticDictionary(16, 0.5, "exemplars", random_state=4).fit(latents)
    assert not np.allclose(model.atoms_, other.atoms_)


@pytest.mark.parametrize("kind", ["learned", "exemplars"])
def test_equal_seeds_give_equal_dictionaries(latents, kind):
    first, second = (SemanticDictionary(8, 0.5, kind, random_state=7).fit(latents) for _ in range(2))
    np.testing.assert_array_equal(first.atoms_, second.atoms_)
    np.testing.assert_array_equal(first.transform(latents), second.transform(latents))


def test_objective_is_equation_8(latents, learned):
    codes = learned.transform(latents)
    terms = [
        0.5 * np.sum((z - c @ learned.atoms_) ** 2) + 0.5 * np.abs(c).sum() for z, c in zip(latents, codes, strict=True)
    ]
    assert learned.objective(latents) == pytest.approx(np.mean(terms), rel=1e-12)
    assert learned.objective_ == pytest.approx(learned.objective(latents), rel=1e-9)
    np.testing.assert_allclose(learned.residual(latents), latents - codes @ learned.atoms_, atol=1e-12)
    np.testing.assert_allclose(learned.inverse_transform(codes), codes @ learned.atoms_, atol=1e-12)


@pytest.mark.parametrize("n_atoms", [2, 32])
def test_learning_does_as_well_as_scikit_learns(latents, n_atoms):
    model = SemanticDictionary(n_atoms, 0.5, random_state=0).fit(latents)
    peer = DictionaryLearning(n_atoms, alpha=0.5, fit_algorithm="cd", max_iter=50, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the peer's, about its loosely solved codes
        peer.fit(latents)
    peer_codes = sparse_codes(latents, peer.components_, 0.5)
    assert model.objective_ < 1.01 * dictionary.mean_objective(latents, peer.components_, peer_codes, 0.5)
    exemplars = SemanticDictionary(n_atoms, 0.5, "exemplars", random_state=0).fit(latents)
    assert model.objective_ < exemplars.objective_


def test_planted_atoms_are_found():
    rng = np.random.default_rng(0)
    planted = np.linalg.qr(rng.standard_normal((32, 8)))[0].T
    codes = 20 * rng.standard_normal((400, 8)) * (rng.random((400, 8)) < 0.2)
    model = SemanticDictionary(8, 4, random_state=0).fit(codes @ planted)
    assert np.abs(model.atoms_ @ planted.T).max(axis=0).min() > 0.999


def test_atoms_that_nothing_uses_are_given_work(latents, monkeypatch):
    usual = SemanticDictionary(12, 0.5, random_state=0).fit(latents).objective_
    monkeypatch.setattr(dictionary, "start_atoms", lambda Z, n_atoms, rng: np.tile(np.eye(64)[:1], (n_atoms, 1)))
    model = SemanticDictionary(12, 0.5, random_state=0).fit(latents)
    assert np.abs(model.transform(latents)).sum(axis=0).min() > 0
    assert model.objective_ < 1.05 * usual


def test_an_unused_atom_moves_to_the_worst_residual():
    Z = np.array([[9.0, 0, 0], [0, 4, 3], [0, 0, 1]])
    atoms, codes = np.array([[1.0, 0, 0], [-1, 0, 0]]), np.array([[9.0, 0], [0, 0], [0, 0]])
    assert dictionary.reseed(Z, atoms, codes, penalty=6) == 0  # no residual is long enough to pay for it
    assert dictionary.reseed(Z, atoms, codes, penalty=0.5) == 1
    np.testing.assert_allclose(atoms, [[1, 0, 0], [0, 0.8, 0.6]])


@pytest.mark.parametrize(
    "Z",
    [
        np.zeros((6, 3)),
        np.ones((6, 3)),
        np.repeat(20 * np.eye(3), 4, axis=0),
        np.vstack([np.zeros((3, 3)), 20 * np.eye(3)]),
        np.full((4, 3), 1e-300),
        np.array([[20.0, 0.0, 0.0]]),
    ],
    ids=["zero", "constant", "duplicates", "zero rows", "tiny", "one latent"],
)
def test_odd_collections_give_finite_unit_atoms(Z):
    model = SemanticDictionary(5, 0.2, random_state=0).fit(Z)
    np.testing.assert_allclose(np.linalg.norm(model.atoms_, axis=1), 1, atol=1e-12)
    codes = model.transform(Z)
    assert np.isfinite(codes).all()
    np.testing.assert_array_equal(codes[~Z.any(axis=1)], 0)
    # One atom for each distinct latent leaves of it just the penalty.
    assert np.linalg.norm(model.residual(Z), axis=1).max() <= 0.2 + 1e-6


@settings(deadline=None, max_examples=60)
@given(
    Z=hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 9), st.integers(1, 6)),
        elements=st.floats(-50, 50, width=16) | st.sampled_from([0.0, 20.0]),
    ),
    n_atoms=st.integers(1, 12),
    penalty=st.floats(0.01, 30),
)
def test_any_small_collection_is_coded_optimally(Z, n_atoms, penalty):
    model = SemanticDictionary(n_atoms, penalty, random_state=0).fit(Z)
    np.testing.assert_allclose(np.linalg.norm(model.atoms_, axis=1), 1, atol=1e-12)
    codes = model.transform(Z)
    assert violation(Z, model.atoms_, codes, penalty) < 1e-4
    assert 0 <= model.objective_ <= np.square(Z).sum(axis=1).mean() / 2 * (1 + 1e-9)


def test_learning_accepts_more_atoms_than_latents(latents):
    model = SemanticDictionary(20, 0.5, random_state=0).fit(latents[:6])
    use = np.abs(model.transform(latents[:6])).sum(axis=0)
    assert np.count_nonzero(use) == 6
    assert model.atoms_.shape == (20, 64)


def test_more_exemplars_than_latents_are_refused(latents):
    Z = np.vstack([latents[:4], np.zeros((3, 64))])
    text = "n_samples=7, of which 4 are not zero; needed: at least n_atoms=5 non-zero latents to draw exemplars"
    with pytest.raises(DimensionError, match=text):
        SemanticDictionary(5, kind="exemplars").fit(Z)


@pytest.mark.parametrize(
    ("parameter", "value", "text"),
    [
        ("n_atoms", 0, "n_atoms=0; needed: a whole number of at least 1"),
        ("n_atoms", 2.5, "n_atoms=2.5; needed: a whole number of at least 1"),
        ("max_iter", 0, "max_iter=0; needed: a whole number of at least 1"),
        ("penalty", 0, "penalty=0; needed: a positive number"),
        ("penalty", float("nan"), "penalty=nan; needed: a positive number"),
        ("tol", -1, "tol=-1; needed: a number of at least 0"),
    ],
)
def test_parameters_out_of_range_are_refused(latents, parameter, value, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        SemanticDictionary().set_params(**{parameter: value}).fit(latents)


def test_an_unknown_kind_gives_the_near_miss(latents):
    with pytest.raises(UnknownNameError, match="did you mean 'exemplars'"):
        SemanticDictionary(kind="exemplar").fit(latents)


def test_codes_of_another_dictionary_are_refused(learned):
    with pytest.raises(DimensionError, match="codes of 31 coefficients; needed: 32, one for each atom"):
        learned.inverse_transform(np.zeros((2, 31)))


def test_an_unfitted_dictionary_says_so(latents):
    with pytest.raises(NotFittedError):
        SemanticDictionary().residual(latents)


def test_debiased_codes_are_of_least_error_on_the_atoms_that_were_chosen(latents, learned):
    debiased = DebiasedDictionary(learned).fit(latents)
    codes, found = learned.transform(latents), debiased.transform(latents)
    np.testing.assert_array_equal(codes == 0, found == 0)
    errors = [np.square(latents - learned.inverse_transform(some)).sum(axis=1) for some in (codes, found)]
    assert (errors[1] <= errors[0]).all()
    assert errors[1].mean() < 0.99 * errors[0].mean()
    left = (latents - debiased.inverse_transform(found)) @ learned.atoms_.T
    assert np.abs(left[found != 0]).max() < 1e-9  # nothing is left along what was chosen
    assert list(debiased.get_feature_names_out()) == [f"debiaseddictionary{atom}" for atom in range(32)]


def test_a_debiased_dictionary_fits_its_dictionary_where_that_is_not_fitted(latents, learned):
    debiased = DebiasedDictionary(SemanticDictionary(32, 0.5, random_state=0)).fit(latents)
    np.testing.assert_array_equal(debiased.transform(latents), DebiasedDictionary(learned).transform(latents))


def test_debiased_codes_of_equal_atoms_are_the_shortest(latents):
    atom = latents[:1] / 20
    codes = debiased_codes(latents[:1], np.vstack([atom, atom]), np.array([[9.0, 9.0]]))
    np.testing.assert_allclose(codes, [[10, 10]])
