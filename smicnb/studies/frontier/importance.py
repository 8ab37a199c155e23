"""Which parameter matters most on the rate–fidelity hull: the ranking that Sec. V-C claims, measured.

The paper deduces λ ≫ n_a > b_coef ≫ b_dict from looking at its curves and gives no measure. Ours holds one parameter at
a time at one value, the best one, lets all others vary, and takes what the hull loses in fidelity: a parameter matters
as much as having it free gains.
"""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from smicnb.semantics.metrics.intervals import upper_hull
from smicnb.studies.frontier.sweep import ACCOUNTINGS, PARAMETERS, SIZES, bits_per_image

RATES = 400  # at which hulls are compared, evenly spread over the logarithm of the rate


def loss(points: pd.DataFrame, n: float, accounting: str, parameter: str, start: float = 0.0) -> tuple[float, float]:
    """Mean fidelity that the hull loses when `parameter` is held at its best value, and that value.

    The mean is over the logarithm of the rate, from the cheapest to the best point of the whole hull, or from `start`
    bits. Coding nothing, at no bits and a cosine of 0, belongs to every hull: that is what one shares time with below
    its cheapest point.
    """
    bits, fidelity = bits_per_image(points, n, accounting), points["latent_cosine"].to_numpy()
    whole = upper_hull(bits, fidelity)
    rates = np.geomspace(max(start, bits[whole[0]]), bits[whole[-1]], RATES)
    best = _interpolate_hull(bits, fidelity, rates)
    losses = {}
    for value in points[parameter].unique():
        kept = (points[parameter] == value).to_numpy()
        losses[float(value)] = float(np.mean(best - _interpolate_hull(bits[kept], fidelity[kept], rates)))
    value = min(losses, key=losses.get)
    return losses[value], value


def common_bits(points: pd.DataFrame, n: float, accounting: str) -> float:
    """Bits from which on every single value of every parameter has a point of its own, whatever it is held at."""
    bits = pd.Series(bits_per_image(points, n, accounting), index=points.index)
    return max(float(bits.groupby(points[parameter]).min().max()) for parameter in PARAMETERS)


def _interpolate_hull(bits: np.ndarray, fidelity: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Fidelity of the hull of points and of coding nothing, at each rate."""
    bits, fidelity = np.append(0.0, bits), np.append(0.0, fidelity)
    hull = upper_hull(bits, fidelity)
    return np.interp(rates, bits[hull], fidelity[hull])


def changes(hull: pd.DataFrame, parameter: str) -> float:
    """Share of the steps from one point of a hull to the next at which a parameter changes, 0 to 1."""
    values = hull[parameter].to_numpy()
    return float(np.mean(values[1:] != values[:-1])) if len(values) > 1 else math.nan


def ranking(table: pd.DataFrame, hulls: pd.DataFrame, sizes: Iterable[float] = SIZES) -> pd.DataFrame:
    """One row per split, accounting, n and parameter, of `sweep.sweep`'s table and its `sweep.hulls`.

    Returns:
        Columns split, accounting, n, parameter, loss (of mean latent cosine), rank (1 loses most), held_at, changes
        (share of the hull's steps at which the parameter changes), claimed_rank (the paper's); above_bits, loss_above
        and rank_above are the same over the rates that all values reach.
    """
    rows = []
    for split, points in table.groupby("split", sort=False):
        for accounting in ACCOUNTINGS:
            for n in sizes:
                above = common_bits(points, n, accounting)
                found, upper = (
                    {parameter: loss(points, n, accounting, parameter, start) for parameter in PARAMETERS}
                    for start in (0.0, above)
                )
                order, high = (sorted(some, key=lambda parameter: -some[parameter][0]) for some in (found, upper))
                hull = hulls[(hulls["split"] == split) & (hulls["accounting"] == accounting) & (hulls["n"] == n)]
                for claimed, parameter in enumerate(PARAMETERS, 1):
                    lost, value = found[parameter]
                    about = {"split": split, "accounting": accounting, "n": n, "parameter": parameter, "loss": lost}
                    about |= {"rank": order.index(parameter) + 1, "claimed_rank": claimed, "held_at": value}
                    about |= {"changes": changes(hull, parameter), "above_bits": above}
                    rows.append(about | {"loss_above": upper[parameter][0], "rank_above": high.index(parameter) + 1})
    return pd.DataFrame(rows)


def claim(ranking: pd.DataFrame) -> pd.DataFrame:
    """One row per split, accounting and n: the parameters by importance, and whether that is the paper's order.

    Returns:
        Columns split, accounting, n, order ("penalty > n_atoms > …"), as_claimed, the loss of each parameter, and
        above_bits, order_above, as_claimed_above over the rates that all values reach.
    """
    rows = []
    for (split, accounting, n), cell in ranking.groupby(["split", "accounting", "n"], sort=False):
        ordered = cell.sort_values("rank")
        about = {"split": split, "accounting": accounting, "n": n, "order": " > ".join(ordered["parameter"])}
        about |= {"as_claimed": bool((cell["rank"] == cell["claimed_rank"]).all())}
        about |= dict(zip(cell["parameter"], cell["loss"], strict=True))
        about |= {"above_bits": cell["above_bits"].iloc[0]}
        about |= {"order_above": " > ".join(cell.sort_values("rank_above")["parameter"])}
        rows.append(about | {"as_claimed_above": bool((cell["rank_above"] == cell["claimed_rank"]).all())})
    return pd.DataFrame(rows)
