"""Means of measurements with intervals that respect that views of one scene are not independent, and upper hulls."""

from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from smicnb.base.errors import DimensionError


def bootstrap_mean(
    values: np.ndarray, groups: np.ndarray, seed: int, n_resamples: int = 2000, level: float = 0.95
) -> tuple[float, float, float]:
    """Mean of measurements and its percentile interval by a bootstrap over scenes.

    Whole scenes are drawn with replacement, as many as there are; every item of a drawn scene counts
    once for each time that it was drawn. For the difference of two methods pass the differences, item
    by item: what makes a scene hard for both then cancels. With few scenes the interval is too narrow.

    Args:
        values: (n,) finite measurements, in any unit.
        groups: (n,) scene of each, of any type that sorts.
        seed: seed of the draws; equal seeds draw equal scenes.
        n_resamples: number of draws.
        level: share of the resampled means inside the interval, between 0 and 1.

    Returns:
        Mean over the items, lower and upper end, in the unit of `values`; both ends are nan where there
        are fewer than two scenes, since nothing is then known of how scenes differ.

    Raises:
        DimensionError: no values, or not one group for each. ValueError: a value is not finite.

    Source: Davison and Hinkley, Bootstrap Methods and their Application, 1997, Sec. 3.8 (clusters).
    """
    values, groups = np.asarray(values, dtype=np.float64), np.asarray(groups)
    if values.ndim != 1 or values.shape != groups.shape or not len(values):
        raise DimensionError(
            f"values of shape {values.shape} and groups of shape {groups.shape}", "one group for each value"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{np.count_nonzero(~np.isfinite(values))} of {len(values)} values are not finite")
    scenes, codes = np.unique(groups, return_inverse=True)
    mean = float(values.mean())
    if len(scenes) < 2:
        return mean, np.nan, np.nan
    counts, sums = np.bincount(codes), np.bincount(codes, weights=values)
    draws = draw_scenes(len(scenes), seed, n_resamples)
    tail = (1 - level) / 2
    low, high = np.quantile(draws @ sums / (draws @ counts), [tail, 1 - tail])
    return mean, float(low), float(high)


@lru_cache(maxsize=4)  # a table asks for the same draws in each of its cells, and they take most of the time
def draw_scenes(scenes: int, seed: int, n_resamples: int) -> np.ndarray:
    """How often each of `scenes` scenes is drawn, (n_resamples, scenes): read only, since all cells share them."""
    draws = np.random.default_rng(seed).multinomial(scenes, np.full(scenes, 1 / scenes), size=n_resamples)
    draws.flags.writeable = False
    return draws


def interval_of_pairs(
    values: np.ndarray, first: np.ndarray, second: np.ndarray, level: float = 0.95
) -> tuple[float, float, float]:
    """Mean of measurements of pairs and its interval over the scenes of both sides.

    A scene that serves in several pairs, on whichever side, makes them alike. The variance of the mean is that over the
    first side's scenes and that over the second's, less what both count: that over pairs of scenes.

    Args:
        values: (n,) finite measurements, in any unit.
        first, second: (n,) scene of either side, of any type that sorts.
        level: level of the interval, between 0 and 1.

    Returns:
        Mean, lower and upper end, by Student's t with as many degrees of freedom as the smaller side has scenes, less
        one; both ends are nan where a side has fewer than two scenes.

    Raises:
        DimensionError: no values, or not two scenes for each. ValueError: a value is not finite.

    Source: Cameron, Gelbach and Miller, Robust inference with multiway clustering, J. Bus. Econ. Stat. 29(2), 2011.
    """
    values = np.asarray(values, dtype=np.float64)
    sides = [np.unique(np.asarray(side), return_inverse=True)[1] for side in (first, second)]
    if values.ndim != 1 or not len(values) or any(side.shape != values.shape for side in sides):
        raise DimensionError(f"values of shape {values.shape}", "one scene of either side for each value")
    if not np.isfinite(values).all():
        raise ValueError(f"{np.count_nonzero(~np.isfinite(values))} of {len(values)} values are not finite")
    mean, scenes = float(values.mean()), [int(side.max()) + 1 for side in sides]
    if min(scenes) < 2:
        return mean, np.nan, np.nan
    both = sides[0] * scenes[1] + sides[1]
    errors = [standard_error(values, groups) for groups in (*sides, np.unique(both, return_inverse=True)[1])]
    # Where scenes vary hardly at all the difference may fall below the larger part, which is then the answer.
    variance = max(errors[0] ** 2 + errors[1] ** 2 - errors[2] ** 2, errors[0] ** 2, errors[1] ** 2)
    half = float(stdtrit(min(scenes) - 1, (1 + level) / 2) * np.sqrt(variance))
    return mean, mean - half, mean + half


def bootstrap_cells(table: pd.DataFrame, keys: list[str], value: str, seed: int) -> pd.DataFrame:
    """`bootstrap_mean` of one column in each cell of a table, cells in the order of their first rows.

    Args:
        table: measurements, a row each, with the columns of `keys`, "scene" and `value`.
        keys: columns whose values make a cell.
        value: column of finite numbers.
        seed: seed of the bootstrap over scenes.

    Returns:
        `keys`, mean, low, high, images, scenes.
    """
    rows = []
    for cell_of, cell in table.groupby(keys, sort=False):
        interval = bootstrap_mean(cell[value].to_numpy(), cell["scene"].to_numpy(), seed)
        rows.append((*cell_of, *interval, len(cell), cell["scene"].nunique()))
    return pd.DataFrame(rows, columns=[*keys, "mean", "low", "high", "images", "scenes"])


def standard_error(values: np.ndarray, groups: np.ndarray) -> float:
    """Standard error of the mean of values whose scenes differ from one another, nan with fewer than two scenes.

    What `bootstrap_mean`'s interval comes to where scenes are many (a linearised ratio of sums), at the price of one
    pass: for tables of thousands of means.

    Args:
        values: (n,) measurements, in any unit.
        groups: (n,) scene of each, whole numbers from 0.

    Source: Davison and Hinkley, Bootstrap Methods and their Application, 1997, Sec. 2.7.2 and 3.8.
    """
    scenes = np.count_nonzero(np.bincount(groups))
    if scenes < 2:
        return float("nan")
    departures = np.bincount(groups, weights=values - values.mean())
    return float(np.sqrt(scenes / (scenes - 1) * np.sum(departures**2)) / len(values))


def upper_hull(bits: np.ndarray, fidelity: np.ndarray) -> np.ndarray:
    """Rows of the upper convex hull of rate and fidelity, by rising rate: from the cheapest point to the best.

    Each is better than all cheaper ones, and no mixture of two others is better at its rate.
    """
    order = np.lexsort((-fidelity, bits))
    rising, rises = fidelity[order], np.ones(len(order), bool)
    rises[1:] = rising[1:] > np.maximum.accumulate(rising)[:-1]
    hull: list[int] = []
    for row in order[rises]:
        while len(hull) > 1 and _is_below(bits, fidelity, hull[-2], hull[-1], row):
            hull.pop()
        hull.append(row)
    return np.array(hull, int)


def _is_below(bits: np.ndarray, fidelity: np.ndarray, left: int, middle: int, right: int) -> bool:
    """Whether the middle point lies on or below the line between the other two."""
    rise = (fidelity[middle] - fidelity[left]) * (bits[right] - bits[left])
    return rise <= (fidelity[right] - fidelity[left]) * (bits[middle] - bits[left])
