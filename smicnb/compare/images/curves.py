"""Codecs against one another along their rate curves: at equal bits per pixel, at their own points, and BD-rate."""

from collections.abc import Iterable
from itertools import product

import numpy as np
import pandas as pd

from smicnb.base import names
from smicnb.base.errors import SmicnbError
from smicnb.compare.images.evaluate import METRICS
from smicnb.semantics.metrics.intervals import bootstrap_mean

WHOSE = ["dataset", "scene", "image"]


def interpolate(points: pd.DataFrame, metric: str, bpp: Iterable[float]) -> pd.DataFrame:
    """A metric at given rates, image by image: on lines between an image's operating points over log(bpp).

    Args:
        points: `evaluate.points`'.
        metric: one of its columns.
        bpp: bits per pixel, above 0.

    Returns:
        codec, dataset, scene, image, bpp, value; the value is NaN outside the rates that the codec reached on this
        image, since nothing is known there. Operating points of equal rate count as their mean, and those without
        a finite value (PSNR of identical images) are left out.
    """
    wanted = np.array(list(bpp), np.float64)
    parts = []
    for (codec, *whose), cell in points.groupby(["codec", *WHOSE], sort=False):
        values = values_at(cell, metric, wanted)
        about = dict(zip(("codec", *WHOSE), (codec, *whose), strict=True))
        parts.append(pd.DataFrame({**about, "bpp": wanted, "value": values}))
    columns = ["codec", *WHOSE, "bpp", "value"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def values_at(cell: pd.DataFrame, metric: str, bpp: np.ndarray) -> np.ndarray:
    """`interpolate`'s values for the operating points of one codec on one image, as many as there are rates."""
    rates, values = _curve(cell, metric)
    return np.interp(np.log(bpp), np.log(rates), values, np.nan, np.nan) if len(rates) else np.full(len(bpp), np.nan)


def _curve(cell: pd.DataFrame, metric: str) -> tuple[np.ndarray, np.ndarray]:
    rates, values = (cell[name].to_numpy(np.float64) for name in ("bpp", metric))
    finite = np.isfinite(values)
    rates, places, counts = np.unique(rates[finite], return_inverse=True, return_counts=True)
    return rates, np.bincount(places, values[finite], len(rates)) / counts


def means(table: pd.DataFrame, value: str, by: Iterable[str], seed: int) -> pd.DataFrame:
    """Means over images with 95 % intervals, bootstrapped over scenes.

    Equal seeds draw equal scenes, so that cells of the same images can be compared.

    Args:
        table: `evaluate.points`' or `interpolate`'s.
        value: the column to average.
        by: columns that tell the cells apart (codec, setting; or codec, bpp).
        seed: seed of the bootstrap.

    Returns:
        The columns `by`, mean, low, high, images, and left_out: images without a finite value (out of range, too
        small, or of infinite PSNR). Where none has one, all three are NaN.
    """
    by, rows = list(by), []
    for cell_of, cell in table.groupby(by, sort=False):
        rows.append((*cell_of, *_mean(cell, value, seed)))
    return pd.DataFrame(rows, columns=[*by, "mean", "low", "high", "images", "left_out"])


def difference(first: pd.DataFrame, second: pd.DataFrame, value: str, seed: int) -> dict[str, float]:
    """How much higher the first is than the second, image by image.

    At equal rates both are rows of `interpolate` for one codec and rate; at their own points rows of
    `evaluate.points` for one codec and setting.

    Args:
        first, second: tables with one row per image.
        value: the column that is compared.
        seed: seed of the bootstrap over scenes.

    Returns:
        mean, low, high (95 %), images, left_out: images that only one has, or whose difference is not finite.

    Raises:
        SmicnbError: several rows for an image.
    """
    for one in (first, second):
        if one.duplicated(WHOSE).any():
            image = one.loc[one.duplicated(WHOSE), "image"].iloc[0]
            raise SmicnbError(f"found several rows for '{image}'", "one codec at one rate or setting")
    both = first.merge(second, on=WHOSE, how="outer", suffixes=("", "_second"))
    both["difference"] = both[value] - both[f"{value}_second"]
    return dict(zip(("mean", "low", "high", "images", "left_out"), _mean(both, "difference", seed), strict=True))


def _mean(cell: pd.DataFrame, value: str, seed: int) -> tuple[float, float, float, int, int]:
    finite = cell[np.isfinite(cell[value])]
    left_out = len(cell) - len(finite)
    if not len(finite):
        return np.nan, np.nan, np.nan, 0, left_out
    mean, low, high = bootstrap_mean(finite[value].to_numpy(), finite["scene"].to_numpy(), seed)
    return mean, low, high, len(finite), left_out


def bd_rate(
    rates: np.ndarray, values: np.ndarray, anchor_rates: np.ndarray, anchor_values: np.ndarray, higher: bool = True
) -> float:
    """Bjøntegaard's mean difference of rate at equal quality, in percent of the anchor's: -50 is half the bits.

    Log-rate is interpolated over quality by PCHIP, not by the cubic that the source fits: with more points than four,
    and uneven ones, a cubic swings. The mean is over the range of quality that both curves reach. A point that another
    of its curve beats in rate without being worse is left out, since log-rate is to be a function of quality.

    Args:
        rates, values: (n,) rates above 0 in any unit, and qualities.
        anchor_rates, anchor_values: (m,) of the codec that is compared with.
        higher: whether higher values are better.

    Returns:
        Percent; NaN where the ranges of quality do not overlap, or a curve has fewer than two points.

    Source: Bjøntegaard, Calculation of average PSNR differences between RD-curves, VCEG-M33, 2001.
    """
    from scipy.interpolate import PchipInterpolator

    sign = 1 if higher else -1
    curves = [_quality_curve(*pair, sign) for pair in ((rates, values), (anchor_rates, anchor_values))]
    if min(len(quality) for quality, _ in curves) < 2:
        return float("nan")
    low = max(quality[0] for quality, _ in curves)
    high = min(quality[-1] for quality, _ in curves)
    if low >= high:
        return float("nan")
    ours, anchor = (PchipInterpolator(*curve).integrate(low, high) / (high - low) for curve in curves)
    return float(100 * np.expm1(ours - anchor))


def _quality_curve(rates: np.ndarray, values: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray]:
    """Rising quality and the log-rate of each point that no cheaper one matches."""
    rates, quality = np.asarray(rates, np.float64), sign * np.asarray(values, np.float64)
    finite = np.isfinite(quality)
    rates, quality = rates[finite], quality[finite]
    order = np.lexsort((-quality, rates))
    kept: list[int] = []
    for row in order:
        if not kept or quality[row] > quality[kept[-1]]:
            kept.append(row)
    return quality[kept], np.log(rates[kept])


def bd_rates(points: pd.DataFrame, metric: str, anchor: str) -> pd.DataFrame:
    """BD-rate of every codec against one of them, image by image; `means` averages them.

    Args:
        points: `evaluate.points`'.
        metric: a name of `evaluate.METRICS`, which says what is better.
        anchor: a codec's name.

    Returns:
        codec, dataset, scene, image, value in percent, NaN as `bd_rate` says, and shared: the part (0 to 1) of the
        anchor's range of quality that the other curve reaches too. The anchor itself has no rows.

    Raises:
        UnknownNameError: no such metric, or no such codec in the table.
    """
    higher = names.lookup("metric", metric, METRICS).higher
    if anchor not in set(points["codec"]):
        raise names.unknown("codec", anchor, set(points["codec"]))
    rows = []
    for whose, image in points.groupby(WHOSE, sort=False):
        curves = dict(iter(image.groupby("codec", sort=False)))
        if anchor not in curves:
            continue
        base = curves.pop(anchor)
        for codec, curve in curves.items():
            value = bd_rate(curve["bpp"], curve[metric], base["bpp"], base[metric], higher)
            rows.append((codec, *whose, value, _shared_range(curve[metric], base[metric])))
    return pd.DataFrame(rows, columns=["codec", *WHOSE, "value", "shared"])


def compare_at_rate(
    points: pd.DataFrame, codecs: Iterable[str], rivals: Iterable[str], metrics: Iterable[str], seed: int
) -> pd.DataFrame:
    """Operating points of some codecs beside rivals at the same bits per pixel, image by image.

    Args:
        points: `evaluate.points`'.
        codecs, rivals: names in it.
        metrics: columns of it.
        seed: seed of the bootstrap over scenes.

    Returns:
        codec, setting, rival, metric, bpp, value and rival_value (means over the images on which the rival reaches that
        rate), difference (the first less the second) with low and high (95 %), ratio of the means, better: images
        on which the codec is better, images, left_out.
    """
    curves = {(rival, image): cell for (rival, image), cell in points.groupby(["codec", "image"], sort=False)}
    rivals, metrics, rows = list(rivals), list(metrics), []
    for (codec, setting), cell in points[points["codec"].isin(list(codecs))].groupby(["codec", "setting"], sort=False):
        for rival, metric in product(rivals, metrics):
            theirs = [
                values_at(curves[rival, image], metric, np.array([bpp])).item()
                for image, bpp in zip(cell["image"], cell["bpp"], strict=True)
            ]
            both = cell[[*WHOSE, "bpp", metric]].assign(value=theirs)
            both["difference"] = both[metric] - both["value"]
            mean, low, high, images, left_out = _mean(both, "difference", seed)
            both = both[np.isfinite(both["difference"])]
            ours, rivals_own = both[metric].mean(), both["value"].mean()
            gain = both["difference"] if METRICS[metric].higher else -both["difference"]
            rows.append(
                {
                    **{"codec": codec, "setting": setting, "rival": rival, "metric": metric},
                    **{"bpp": both["bpp"].mean(), "value": ours, "rival_value": rivals_own},
                    **{"difference": mean, "low": low, "high": high, "ratio": ours / rivals_own},
                    **{"better": int((gain > 0).sum()), "images": images, "left_out": left_out},
                }
            )
    return pd.DataFrame(rows)


def _shared_range(values: pd.Series, anchor: pd.Series) -> float:
    values, anchor = values[np.isfinite(values)], anchor[np.isfinite(anchor)]
    least, most = max(values.min(), anchor.min()), min(values.max(), anchor.max())
    return float((most - least) / (anchor.max() - anchor.min())) if most > least else 0.0
