"""Eq. 8 for many latents and every λ of a grid at once: exact lasso solutions, each one checked."""

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.optimize import nnls
from sklearn.exceptions import ConvergenceWarning

from smicnb.base.errors import DimensionError

CHUNK = 64  # latents that a thread takes at a time
WORTH_THREADS = 80_000  # coefficients, some 15 ms of one core, at which two threads were as fast as none
INDEPENDENT = 1e-15  # eigenvalue of a Gram matrix, as a share of the largest, that is not rounding


def lasso_path(latents: np.ndarray, atoms: np.ndarray, penalties: Sequence[float]) -> np.ndarray:
    """Coefficients c that minimise ½‖z − Tc‖² + λ‖c‖₁ for each latent z and each λ.

    Args:
        latents: (n, L), in any scale; λ is on the same scale.
        atoms: (n_atoms, L), of any norm; they may depend on one another: then one of the minima is returned.
        penalties: (P,) values of λ, positive, in any order.

    Returns:
        (n, P, n_atoms) float64; no optimality condition is breached by more than 1e-9·λ, where atoms nearly depend on
        one another 1e-6·λ. A latent's codes depend on threads and on the other latents only through the rounding of
        its products with the atoms.

    Raises:
        DimensionError: sizes that do not fit, numbers that are not finite, or a λ that is not positive.

    Source: Bachard and Maugey, Semantic Multi-Item Compression, Eq. 8.
    """
    latents, atoms = np.asarray(latents, np.float64), np.asarray(atoms, np.float64)
    if latents.ndim != 2 or atoms.ndim != 2 or latents.shape[1] != atoms.shape[1]:
        raise DimensionError(f"found latents {latents.shape} and atoms {atoms.shape}", "(n, L) and (n_atoms, L)")
    return path_from_gram(atoms @ atoms.T, latents @ atoms.T, penalties)


def path_from_gram(gram: np.ndarray, correlations: np.ndarray, penalties: Sequence[float]) -> np.ndarray:
    """`lasso_path` from the products of the atoms (n_atoms, n_atoms) and of latents and atoms (n, n_atoms)."""
    from numba.core import config

    from smicnb.codec.coders import homotopy

    gram, correlations = (np.ascontiguousarray(array, np.float64) for array in (gram, correlations))
    grid = np.asarray(penalties, np.float64)
    if correlations.ndim != 2 or gram.shape != 2 * correlations.shape[1:] or not gram.size:
        raise DimensionError(
            f"found products {gram.shape} and {correlations.shape}", "(n_atoms, n_atoms), (n, n_atoms)"
        )
    if grid.ndim != 1 or not grid.size or not (np.isfinite(grid) & (grid > 0)).all():
        raise DimensionError(f"found λ = {penalties}", "a list of positive numbers")
    if not (np.isfinite(gram).all() and np.isfinite(correlations).all()):
        raise DimensionError("found products that are not finite", "finite latents and atoms")
    falling = np.argsort(-grid, kind="stable")
    codes = np.zeros((len(correlations), len(grid), len(gram)))
    breaches = np.zeros(codes.shape[:2])

    def follow(start: int) -> None:
        rows = slice(start, start + CHUNK)
        homotopy.follow(gram, correlations[rows], grid[falling], codes[rows], breaches[rows])

    starts = range(0, len(codes), CHUNK)
    if codes.size < WORTH_THREADS:
        for start in starts:
            follow(start)
    else:
        with ThreadPoolExecutor(config.NUMBA_NUM_THREADS) as threads:
            list(threads.map(follow, starts))
    for row, place in np.argwhere(~(breaches <= 1)):
        mend(gram, correlations[row], grid[falling[place]], codes[row, place], row)
    if not (falling == np.arange(len(grid))).all():
        codes = codes[:, np.argsort(falling)]
    return codes


def mend(gram: np.ndarray, products: np.ndarray, penalty: float, code: np.ndarray, row: int) -> None:
    """Solve in place, by a finite method, what neither the path nor coordinate descent has solved."""
    values, vectors = np.linalg.eigh(gram)
    kept = values > INDEPENDENT * values[-1]
    atoms = vectors[:, kept] * np.sqrt(values[kept])  # any atoms of this Gram matrix will do
    try:
        code[:] = least_distance(products @ vectors[:, kept] / np.sqrt(values[kept]), atoms, penalty)
    except RuntimeError:
        message = f"the code of latent {row} at λ = {penalty:g} is not exact: no solver finished"
        warnings.warn(message, ConvergenceWarning, stacklevel=4)


def least_distance(latent: np.ndarray, atoms: np.ndarray, penalty: float) -> np.ndarray:
    """The code of one latent by a finite method, however close to one another the atoms are.

    The residual of the optimum is the point θ nearest to z among those whose product with every ±atom
    is at most the penalty. Lawson and Hanson, Solving Least Squares Problems, 1974, chapter 23, turn
    such a least-distance problem into non-negative least squares; the multipliers are the code.

    Raises:
        RuntimeError: it did not end.
    """
    scale = np.linalg.norm(latent)
    latent, penalty = latent / scale, penalty / scale
    signed = np.vstack([atoms, -atoms])
    system = np.vstack([-signed.T, signed @ latent - penalty])
    target = np.zeros(len(system))
    target[-1] = 1
    multipliers, _ = nnls(system, target, maxiter=30 * len(signed))
    multipliers /= target[-1] - system[-1] @ multipliers
    return scale * (multipliers[: len(atoms)] - multipliers[len(atoms) :])
