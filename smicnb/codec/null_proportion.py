"""How many coefficients of the sparse codes are null: measured over λ and n_a, and a law fitted to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smicnb.base.errors import DimensionError
from smicnb.base.progress import progress_bar

if TYPE_CHECKING:
    import pandas as pd


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
) -> "pd.DataFrame":
    """Measure Fig. 12: one dictionary per n_a learned on the collection, codes at every λ.

    Args:
        collection: latents (n, L) that the dictionaries are learned on, of norm about 20.
        others: name of a split -> latents (m, L) that no dictionary has seen.
        n_atoms: sizes of the dictionaries.
        penalties: λ of Eq. 8, on the scale of the latents.
        learning_penalty: λ of Eq. 7, the same for every dictionary.
        seed: of the dictionaries.
        name: what the collection's own split is called.

    Returns:
        One row per split, n_a and λ: `split`, `n_atoms`, `penalty`, `p_null`, `p_empty`, `images`.
    """
    import pandas as pd

    from smicnb.codec.dictionary import SemanticDictionary

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


def measured_p_null(measured: "pd.DataFrame", split: str, n_atoms: int, penalty: float) -> float:
    """The measured share of null coefficients at one cell of `sweep`'s table; NaN where it has none."""
    cell = measured[
        (measured["split"] == split) & (measured["n_atoms"] == n_atoms) & np.isclose(measured["penalty"], penalty)
    ]
    return float(cell["p_null"].iloc[0]) if len(cell) else float("nan")


@dataclass(frozen=True)
class NullLaw:
    """P(null) = o / (1 + o) with odds o = (λ / scale)^slope · n_a^growth.

    The odds of a null coefficient are a power of the penalty and a power of the dictionary's size.
    Half of the coefficients are null at λ = scale · n_a^(−growth/slope).

    Args:
        scale: λ at which a dictionary of one atom would leave half of its coefficients null.
        slope: by which power the odds rise with λ.
        growth: by which power the odds rise with n_a.
        rmse: root of the mean squared error over the cells of each n_a, predicted from the others.
        max_error: largest absolute error over the same cells, none of which its prediction had seen.
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
        return _odds_law((np.log(self.scale), self.slope, self.growth), np.asarray(penalty), np.asarray(n_atoms))

    def describe(self) -> str:
        """The law on one line, with its numbers."""
        return f"odds of null = (λ/{self.scale:.3g})^{self.slope:.3g} · n_a^{self.growth:.3g}"


def _odds_law(parameters: Sequence[float], penalty: np.ndarray, n_atoms: np.ndarray) -> np.ndarray:
    log_scale, slope, growth = parameters
    from scipy.special import expit

    return expit(slope * (np.log(penalty) - log_scale) + growth * np.log(n_atoms))


def _least_squares(penalty: np.ndarray, n_atoms: np.ndarray, shares: np.ndarray) -> np.ndarray:
    from scipy.optimize import least_squares

    start = (np.log(np.median(penalty)), 1.0, 0.0)
    return least_squares(lambda p: _odds_law(p, penalty, n_atoms) - shares, start).x


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
    sizes = np.unique(n_atoms)
    if not len(penalty) == len(n_atoms) == len(shares):
        raise DimensionError(f"{len(penalty)} penalties, {len(n_atoms)} sizes and {len(shares)} shares", "equal numbers")
    if len(sizes) < 3:
        raise DimensionError(
            f"measurements at {len(sizes)} sizes of the dictionary", "at least 3, as one is left out in turn"
        )
    parameters = _least_squares(penalty, n_atoms, shares)
    left_out = np.empty_like(shares)
    for size in sizes:
        out = n_atoms == size
        left_out[out] = _odds_law(
            _least_squares(penalty[~out], n_atoms[~out], shares[~out]), penalty[out], n_atoms[out]
        )
    errors, fitted = left_out - shares, _odds_law(parameters, penalty, n_atoms) - shares
    return NullLaw(
        scale=float(np.exp(parameters[0])),
        slope=float(parameters[1]),
        growth=float(parameters[2]),
        rmse=float(np.sqrt(np.mean(errors**2))),
        max_error=float(np.abs(errors).max()),
        rmse_fitted=float(np.sqrt(np.mean(fitted**2))),
    )
