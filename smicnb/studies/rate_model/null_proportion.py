"""How many coefficients of the sparse codes are null: measured over λ and n_a, and a law fitted to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from smicnb.base.errors import DimensionError
from smicnb.base.progress import progress_bar
from smicnb.codec.rate import p_null_printed


def p_null(codes: np.ndarray) -> float:
    """Share of coefficients that are exactly zero in codes (n, n_atoms), 0 to 1 (Fig. 12)."""
    return float(np.mean(np.asarray(codes) == 0))


def p_empty(codes: np.ndarray) -> float:
    """Share of codes (n, n_atoms) without any coefficient: latents that no norm can be given to."""
    return float(np.mean(~np.asarray(codes).any(axis=1)))


def sweep(
    collection: np.ndarray,
    others: Mapping[str, np.ndarray],
    n_atoms: Sequence[int],
    penalties: Sequence[float],
    learning_penalty: float,
    seed: int,
    name: str = "train",
) -> pd.DataFrame:
    """Measure Fig. 12: one dictionary per n_a learned on the collection, codes at every λ.

    Args:
        collection: latents (n, L) that the dictionaries are learned on, of norm about 20.
        others: name of a split -> latents (m, L) that no dictionary has seen.
        n_atoms: sizes of the dictionaries.
        penalties: λ of Eq. 8, on the scale of the latents.
        learning_penalty: λ of Eq. 7, the same for every dictionary.
        seed: seed of the dictionaries.
        name: what the collection's own split is called.

    Returns:
        One row per split, n_a and λ: `split`, `n_atoms`, `penalty`, `p_null`, `p_empty`, `images`.
    """

    from smicnb.codec.coders.dictionary import SemanticDictionary

    splits = {name: collection, **others}
    rows = []
    with progress_bar("null coefficients", len(n_atoms) * (1 + len(penalties))) as advance:
        for size in n_atoms:
            model = SemanticDictionary(n_atoms=size, penalty=learning_penalty, random_state=seed)
            model.fit(collection)
            advance(1)
            for penalty in penalties:
                model.set_params(penalty=penalty)
                for split, latents in splits.items():
                    codes = model.transform(latents)
                    rows.append((split, size, penalty, p_null(codes), p_empty(codes), len(codes)))
                advance(1)
    columns = ["split", "n_atoms", "penalty", "p_null", "p_empty", "images"]
    return pd.DataFrame(rows, columns=columns)


def measured_p_null(measured: pd.DataFrame, split: str, n_atoms: int, penalty: float) -> float:
    """The measured share of null coefficients at one cell of `sweep`'s table; NaN where it has none."""
    cell = measured[
        (measured["split"] == split) & (measured["n_atoms"] == n_atoms) & np.isclose(measured["penalty"], penalty)
    ]
    return float(cell["p_null"].iloc[0]) if len(cell) else float("nan")


def _odds_law(parameters: Sequence[float], penalty: np.ndarray, n_atoms: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    log_scale, slope, growth = parameters
    return expit(slope * (np.log(penalty) - log_scale) + growth * np.log(2) * np.log2(n_atoms) ** 2)


def _eq13_shape(parameters: Sequence[float], penalty: np.ndarray, n_atoms: np.ndarray) -> np.ndarray:
    log_scale, log_factor, power = parameters
    exponent = np.exp(log_factor) * np.log2(n_atoms) ** power
    return -np.expm1(-exponent * np.logaddexp(0, np.log(penalty) - log_scale))


# Shape of P(null) -> the function of three free numbers, and where the fit starts.
SHAPES = {
    "odds of null = (λ/a)^s · 2^(t·(log2 n_a)²)": (_odds_law, (1.0, 1.0, 0.1)),
    "1 - 1/(1 + λ/a)^(c·(log2 n_a)^d), Eq. 13's shape": (_eq13_shape, (0.0, 0.0, 0.5)),
}
LAW = next(iter(SHAPES))
BOUND = 30.0  # of every free number: beyond it only data without a trend leads, and then to overflow


def _fit(shape: str, penalty: np.ndarray, n_atoms: np.ndarray, shares: np.ndarray) -> np.ndarray:
    from scipy.optimize import least_squares

    law, start = SHAPES[shape]
    return least_squares(lambda free: law(free, penalty, n_atoms) - shares, start, bounds=(-BOUND, BOUND)).x


def left_out_errors(shape: str, penalty: np.ndarray, n_atoms: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Prediction minus measurement at each cell, (m,), by a fit that saw no cell of the same n_a."""
    law, errors = SHAPES[shape][0], np.empty(len(shares))
    for size in np.unique(n_atoms):
        out = n_atoms == size
        free = _fit(shape, penalty[~out], n_atoms[~out], shares[~out])
        errors[out] = law(free, penalty[out], n_atoms[out]) - shares[out]
    return errors


@dataclass(frozen=True)
class NullLaw:
    """P(null) = o / (1 + o) with odds o = (λ / scale)^slope · 2^(growth · (log2 n_a)²).

    A logistic curve in log λ, shifted by the square of log2 n_a: half of the coefficients are null at
    λ = scale · 2^(-growth/slope · (log2 n_a)²).

    Args:
        scale: λ at which half of the coefficients of a one-atom dictionary would be null.
        slope: the power by which the odds rise with λ.
        growth: doublings of the odds per unit of (log2 n_a)².
        rmse: root of the mean squared error over all cells, each predicted without those of its n_a.
        max_error: largest absolute error over the same predictions.
        rmse_fitted: root of the mean squared error over the cells that the three numbers were fitted to.
    """

    scale: float
    slope: float
    growth: float
    rmse: float
    max_error: float
    rmse_fitted: float

    def predict(self, penalty: np.ndarray | float, n_atoms: np.ndarray | float) -> np.ndarray:
        """P(null), 0 to 1, at penalties λ > 0 and sizes n_a ≥ 1 (broadcast)."""
        free = np.log(self.scale), self.slope, self.growth
        return _odds_law(free, np.asarray(penalty), np.asarray(n_atoms))

    def describe(self) -> str:
        """The law on one line, with its numbers."""
        return f"odds of null = (λ/{self.scale:.3g})^{self.slope:.3g} · 2^({self.growth:.3g}·(log2 n_a)²)"


def fit_null_law(penalty: Sequence[float], n_atoms: Sequence[int], shares: Sequence[float]) -> NullLaw:
    """Fit `NullLaw` by least squares on P(null); its error is measured on sizes left out of the fit.

    Args:
        penalty: (m,) λ of each cell, positive.
        n_atoms: (m,) n_a of each cell, at least three different.
        shares: (m,) measured P(null) of each cell, 0 to 1.

    Raises:
        DimensionError: cells of different number, or fewer than three sizes of the dictionary.
    """
    penalty, n_atoms, shares = (np.asarray(array, dtype=float) for array in (penalty, n_atoms, shares))
    if not len(penalty) == len(n_atoms) == len(shares):
        raise DimensionError(
            f"{len(penalty)} penalties, {len(n_atoms)} sizes and {len(shares)} shares", "equal numbers"
        )
    sizes = len(np.unique(n_atoms))
    if sizes < 3:
        raise DimensionError(
            f"measurements at {sizes} sizes of the dictionary", "at least 3, as one is left out in turn"
        )
    free = _fit(LAW, penalty, n_atoms, shares)
    fitted = _odds_law(free, penalty, n_atoms) - shares
    errors = left_out_errors(LAW, penalty, n_atoms, shares)
    return NullLaw(float(np.exp(free[0])), *map(float, free[1:]), _rms(errors), _largest(errors), _rms(fitted))


def fit_measured(measured: pd.DataFrame, split: str) -> NullLaw:
    """`fit_null_law` on one split of `sweep`'s table."""
    cells = measured[measured["split"] == split]
    return fit_null_law(cells["penalty"], cells["n_atoms"], cells["p_null"])


def compare_laws(measured: pd.DataFrame) -> pd.DataFrame:
    """Errors of four laws of P(null) on each split of `sweep`'s table: two as published, two fitted.

    A fitted law's errors are on sizes left out of its fit. Columns: `split`, `law`, `free numbers`,
    `rms error`, `largest error` (both of a share, 0 to 1).
    """

    rows = []
    for split, cells in measured.groupby("split", sort=False):
        columns = (cells[name].to_numpy(float) for name in ("penalty", "n_atoms", "p_null"))
        penalty, n_atoms, shares = columns
        printed = p_null_printed(n_atoms, penalty)
        errors = {
            ("Eq. 13 as published, P(null)", 0): printed - shares,
            ("Eq. 13 as Eq. 14 uses it, P(non-null)", 0): 1 - printed - shares,
            **{(shape, 3): left_out_errors(shape, penalty, n_atoms, shares) for shape in reversed(SHAPES)},
        }
        rows += [(split, *law, _rms(error), _largest(error)) for law, error in errors.items()]
    return pd.DataFrame(rows, columns=["split", "law", "free numbers", "rms error", "largest error"])


def _rms(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def _largest(errors: np.ndarray) -> float:
    return float(np.abs(errors).max())
