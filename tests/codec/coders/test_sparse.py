"""The L1 path: optimality conditions, scikit-learn's objective, and dictionaries that make naive solvers fail."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls
from sklearn.datasets import load_digits
from sklearn.decomposition import sparse_encode
from sklearn.exceptions import ConvergenceWarning

from smicnb.base.errors import DimensionError
from smicnb.codec.coders import homotopy, sparse
from smicnb.codec.coders.dictionary import mean_objective
from smicnb.codec.coders.sparse import lasso_path

PENALTIES = np.geomspace(4, 0.05, 9)


@pytest.fixture(scope="module")
def latents():
    """Scanned digits, centred and brought to the paper's norm: (300, 64)."""
    pixels = load_digits().data[:300]
    pixels = pixels - pixels.mean(axis=0)
    return 20 * pixels / np.linalg.norm(pixels, axis=1, keepdims=True)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def violation(latents, atoms, codes, penalties):
    """Largest breach of the conditions of Eq. 8's optimum over all λ, as a share of λ."""
    products = (latents[:, None] - codes @ atoms) @ atoms.T
    penalties = np.asarray(penalties)[None, :, None]
    breach = np.where(codes != 0, np.abs(products - penalties * np.sign(codes)), np.abs(products) - penalties)
    return (breach / penalties).max()


ODD = {
    "plain": lambda rng, base: base,
    "duplicates": lambda rng, base: np.vstack([base, base[:7]]),
    "opposites": lambda rng, base: np.vstack([base, -base[:7]]),
    "dependent": lambda rng, base: np.vstack([base, unit(base[:7] + base[7:14]), unit(base[:7] - 2 * base[3:10])]),
    "nearly equal": lambda rng, base: np.vstack([base, unit(base[:9] + 1e-6 * rng.standard_normal((9, 64)))]),
    "closer still": lambda rng, base: np.vstack([base, unit(base[:9] + 1e-10 * rng.standard_normal((9, 64)))]),
    "more than L": lambda rng, base: np.vstack([base, unit(rng.standard_normal((150, 64)))]),
    "orthonormal, ties": lambda rng, base: np.eye(64),
    "with a zero atom": lambda rng, base: np.vstack([base, np.zeros((1, 64))]),
    "of unequal norms": lambda rng, base: base * rng.uniform(0.1, 10, (len(base), 1)),
    "one": lambda rng, base: base[:1],
}


@pytest.mark.parametrize("kind", ODD)
def test_every_code_meets_the_optimality_conditions(latents, kind):
    rng = np.random.default_rng(0)
    atoms = ODD[kind](rng, unit(latents[::10] + rng.standard_normal((30, 64))))
    tied = np.round(latents[:4] / 4) * 4
    some = np.vstack([latents[:40], np.zeros((2, 64)), 20 * atoms[:3], tied])
    codes = lasso_path(some, atoms, PENALTIES)
    assert codes.shape == (len(some), len(PENALTIES), len(atoms))
    assert violation(some, atoms, codes, PENALTIES) < (1e-9 if kind == "plain" else 1e-6)
    assert not codes[40:42].any()
    assert 0 < np.count_nonzero(codes) < codes.size


def test_the_objective_is_never_above_scikit_learns(latents):
    atoms = unit(latents[::6])
    codes = lasso_path(latents, atoms, PENALTIES)
    for place, penalty in enumerate(PENALTIES):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the peer's, about its loosely solved codes
            theirs = sparse_encode(latents, atoms, algorithm="lasso_cd", alpha=penalty, max_iter=10_000)
        ours = mean_objective(latents, atoms, codes[:, place], penalty)
        assert ours <= mean_objective(latents, atoms, theirs, penalty) * (1 + 1e-12)


def test_one_penalty_is_a_part_of_the_path_whatever_the_order(latents):
    atoms, shuffled = unit(latents[::8]), PENALTIES[[3, 0, 7, 7, 2]]
    whole = lasso_path(latents[:30], atoms, PENALTIES)
    np.testing.assert_allclose(lasso_path(latents[:30], atoms, shuffled), whole[:, [3, 0, 7, 7, 2]], atol=1e-9)


def test_threads_and_neighbours_change_nothing(latents, monkeypatch):
    from numba.core import config

    atoms = unit(latents[::8])
    gram, products = atoms @ atoms.T, latents @ atoms.T
    monkeypatch.setattr(sparse, "WORTH_THREADS", np.inf)
    one = sparse.path_from_gram(gram, products, PENALTIES)
    monkeypatch.setattr(sparse, "WORTH_THREADS", 0)
    for threads in (1, 3):
        monkeypatch.setattr(config, "NUMBA_NUM_THREADS", threads)
        np.testing.assert_array_equal(sparse.path_from_gram(gram, products, PENALTIES), one)
    np.testing.assert_array_equal(sparse.path_from_gram(gram, products[100:101], PENALTIES), one[100:101])


def test_without_the_path_coordinate_descent_and_the_finite_method_solve_the_same(latents, monkeypatch):
    atoms = unit(latents[:12])
    gram, products = atoms @ atoms.T, np.ascontiguousarray(latents[:10] @ atoms.T)
    expected = lasso_path(latents[:10], atoms, [0.5])[:, 0]
    for row in range(10):
        code = np.zeros(12)
        homotopy.descend(gram, code, 0.5, 1e-10, 10_000, products[row].copy())
        np.testing.assert_allclose(code, expected[row], atol=1e-7)
        code[:] = 0
        sparse.mend(gram, products[row], 0.5, code, row)
        np.testing.assert_allclose(code, expected[row], atol=1e-7)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e8])
def test_which_atoms_depend_on_others_is_seen_at_any_scale(latents, scale):
    atoms = unit(latents[:70])  # of 64 dimensions: some of the Gram matrix's eigenvalues are rounding
    code, scaled = np.zeros((2, 70))
    sparse.mend(atoms @ atoms.T, latents[80] @ atoms.T, 0.5, code, 0)
    atoms = scale * atoms
    sparse.mend(atoms @ atoms.T, latents[80] @ atoms.T, scale * 0.5, scaled, 0)
    assert np.count_nonzero(code) > 10
    np.testing.assert_allclose(scale * scaled, code, atol=1e-6)


def test_what_no_solver_finishes_is_reported(latents, monkeypatch):
    monkeypatch.setattr(sparse, "nnls", lambda *args, maxiter: nnls(*args, maxiter=1))
    atoms = unit(latents[:12])
    with pytest.warns(ConvergenceWarning, match=re.escape("the code of latent 3 at λ = 0.5 is not exact")):
        sparse.mend(atoms @ atoms.T, latents[0] @ atoms.T, 0.5, np.zeros(12), 3)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_small_problem_is_solved(data):
    dim, n_atoms, n = (data.draw(st.integers(1, most)) for most in (6, 12, 4))
    numbers = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5]) | st.floats(-3, 3, width=16)
    atoms, latents = (
        np.array(data.draw(st.lists(numbers, min_size=rows * dim, max_size=rows * dim))).reshape(rows, dim)
        for rows in (n_atoms, n)
    )
    penalties = data.draw(st.lists(st.floats(0.01, 10), min_size=1, max_size=4))
    codes = lasso_path(latents, atoms, penalties)
    assert np.isfinite(codes).all()
    assert violation(latents, atoms, codes, penalties) < 1e-6


@pytest.mark.parametrize(
    ("latents", "atoms", "penalties", "text"),
    [
        (np.ones((2, 3)), np.ones((2, 4)), [1], r"found latents \(2, 3\) and atoms \(2, 4\)"),
        (np.ones((2, 3)), np.ones((0, 3)), [1], "found products"),
        (np.ones((2, 3)), np.ones((2, 3)), [], "a list of positive numbers"),
        (np.ones((2, 3)), np.ones((2, 3)), [1, 0], "a list of positive numbers"),
        (np.ones((2, 3)), np.ones((2, 3)), [np.nan], "a list of positive numbers"),
        (np.full((2, 3), np.inf), np.ones((2, 3)), [1], "not finite"),
    ],
)
def test_what_cannot_be_solved_is_refused(latents, atoms, penalties, text):
    with pytest.raises(DimensionError, match=text):
        lasso_path(latents, atoms, penalties)


def test_no_latents_give_no_codes():
    assert lasso_path(np.zeros((0, 3)), np.eye(3), [1.0]).shape == (0, 1, 3)
