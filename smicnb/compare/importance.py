"""Which parameter matters most on the rate–fidelity hull: the ranking that Sec. V-C claims, measured.

The paper deduces λ ≫ n_a > b_coef ≫ b_dict from looking at its curves and gives no measure. Ours holds one parameter at
a time at one value, the best one, lets all others vary, and takes what the hull loses in fidelity: a parameter matters
as much as having it free gains.
"""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from smicnb.compare.frontier import ACCOUNTINGS, PARAMETERS, SIZES, bits_per_image, upper_hull

RATES = 400  # at which hulls are compared, evenly spread over the logarithm of the rate


def loss(points: pd.DataFrame, n: float, accounting: str, parameter: str) -> tuple[float, float]:
    """Mean fidelity that the hull loses when `parameter` is held at its best value, and that value.

    The mean is over the logarithm of the rate, from the cheapest to the best point of the whole hull. Coding nothing,
    at no bits and a cosine of 0, belongs to every hull: that is what one shares time with below its cheapest point.
    """
    bits, fidelity = bits_per_image(points, n, accounting), points["latent_cosine"].to_numpy()
    whole = upper_hull(bits, fidelity)
    rates = np.geomspace(bits[whole[0]], bits[whole[-1]], RATES)
    best = _along(bits, fidelity, rates)
    losses = {}
    for value in points[parameter].unique():
        kept = (points[parameter] == value).to_numpy()
        losses[float(value)] = float(np.mean(best - _along(bits[kept], fidelity[kept], rates)))
    value = min(losses, key=losses.get)
    return losses[value], value


def _along(bits: np.ndarray, fidelity: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Fidelity of the hull of points and of coding nothing, at each rate."""
    bits, fidelity = np.append(0.0, bits), np.append(0.0, fidelity)
    hull = upper_hull(bits, fidelity)
    return np.interp(rates, bits[hull], fidelity[hull])


def changes(hull: pd.DataFrame, parameter: str) -> float:
    """Share of the steps from one point of a hull to the next at which a parameter changes, 0 to 1."""
    values = hull[parameter].to_numpy()
    return float(np.mean(values[1:] != values[:-1])) if len(values) > 1 else math.nan


def ranking(table: pd.DataFrame, hulls: pd.DataFrame, sizes: Iterable[float] = SIZES) -> pd.DataFrame:
    """One row per split, accounting, n and parameter.

    Args:
        table: `frontier.sweep`'s.
        hulls: `frontier.hulls`' of it.

    Returns:
        Columns split, accounting, n, parameter, loss (of mean latent cosine), rank (1 loses most), held_at, changes
        (share of the hull's steps at which the parameter changes), claimed_rank (the paper's).
    """
    rows = []
    for split, points in table.groupby("split", sort=False):
        for accounting in ACCOUNTINGS:
            for n in sizes:
                found = {parameter: loss(points, n, accounting, parameter) for parameter in PARAMETERS}
                order = sorted(found, key=lambda parameter: -found[parameter][0])
                hull = hulls[(hulls["split"] == split) & (hulls["accounting"] == accounting) & (hulls["n"] == n)]
                for claimed, parameter in enumerate(PARAMETERS, 1):
                    lost, value = found[parameter]
                    about = {"split": split, "accounting": accounting, "n": n, "parameter": parameter, "loss": lost}
                    about |= {"rank": order.index(parameter) + 1, "claimed_rank": claimed, "held_at": value}
                    rows.append(about | {"changes": changes(hull, parameter)})
    return pd.DataFrame(rows)


def claim(ranking: pd.DataFrame) -> pd.DataFrame:
    """One row per split, accounting and n: the parameters by importance, and whether that is the paper's order.

    Returns:
        Columns split, accounting, n, order ("penalty > n_atoms > …"), as_claimed, and the loss of each parameter.
    """
    rows = []
    for (split, accounting, n), cell in ranking.groupby(["split", "accounting", "n"], sort=False):
        ordered = cell.sort_values("rank")
        about = {"split": split, "accounting": accounting, "n": n, "order": " > ".join(ordered["parameter"])}
        about |= {"as_claimed": bool((cell["rank"] == cell["claimed_rank"]).all())}
        rows.append(about | dict(zip(cell["parameter"], cell["loss"], strict=True)))
    return pd.DataFrame(rows)
