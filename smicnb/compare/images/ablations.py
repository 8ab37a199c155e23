"""What a part of a learned codec is worth: paired differences along rate curves, and a verdict on the claim."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from smicnb.base.errors import SmicnbError
from smicnb.compare.images.curves import WHOSE, means, values_at
from smicnb.compare.images.evaluate import METRICS
from smicnb.compare.verdicts import DOES_NOT, HOLDS, NOT_TRAINED, TOO_FEW, UNDECIDED, judge_interval

LEAST_SEEDS = 2  # of both variants: with one, what a training happens to come to is part of the gap
ALL = "all"  # seeds, in tables of `judge_seeds`
RATES = 9  # at which two curves are compared, evenly over the logarithm of the range that both reach


@dataclass(frozen=True)
class Claim:
    """One statement of a paper about two variants.

    Args:
        text: the statement, in a clause.
        better, worse: runs: the paper finds the first better.
        metric: a name of `evaluate.METRICS`.
        least: the smallest difference that the statement means, in the metric's unit.
        equal: the statement says that the two differ by no more than `least`.
    """

    text: str
    better: str
    worse: str
    metric: str
    least: float = 0.0
    equal: bool = False


def gaps(points: pd.DataFrame, first: str, second: str, metric: str) -> pd.DataFrame:
    """How much better one codec is than another on each image, on average over the rates that both reach there.

    Args:
        points, first, second, metric: arguments of `gaps_along`.

    Returns:
        dataset, scene, image, value; NaN where the two reach no common rate.
    """
    along = gaps_along(points, first, second, metric)
    return along.groupby(WHOSE, sort=False)["value"].agg(lambda values: values.mean(skipna=False)).reset_index()


def gaps_along(points: pd.DataFrame, first: str, second: str, metric: str) -> pd.DataFrame:
    """How much better one codec is than another on each image, at `RATES` rates of the range that both reach there.

    Curves are lines over log(bpp) between operating points, as in `curves.interpolate`.

    Args:
        points: `evaluate.points`', one setting for each operating point.
        first, second: names of codecs.
        metric: a name of `evaluate.METRICS`; the gap is positive where the first is better.

    Returns:
        dataset, scene, image, step (0 at the lowest rate), bpp, value; bpp and value are NaN where the two reach no
        common rate.
    """
    sign = 1 if METRICS[metric].higher else -1
    rows = []
    for whose, image in points.groupby(WHOSE, sort=False):
        curves = [image[image["codec"] == codec] for codec in (first, second)]
        low = max(curve["bpp"].min() for curve in curves)
        high = min(curve["bpp"].max() for curve in curves)
        rates = values = np.full(RATES, np.nan)
        if low < high:
            rates = np.exp(np.linspace(np.log(low), np.log(high), RATES))
            # the ends may leave the range by a rounding
            ours, theirs = (values_at(curve, metric, np.clip(rates, low, high)) for curve in curves)
            values = sign * (ours - theirs)
        rows += [(*whose, step, bpp, value) for step, (bpp, value) in enumerate(zip(rates, values, strict=True))]
    return pd.DataFrame(rows, columns=[*WHOSE, "step", "bpp", "value"])


def seed_of(codec: str) -> tuple[str, int]:
    """Variant and seed of a learned codec's name: "TACO full (seed 1)" is ("full", 1)."""
    try:
        variant, seed = codec.removesuffix(")").split(" ", 1)[1].split(" (seed ")
        return variant, int(seed)
    except (IndexError, ValueError) as error:
        raise SmicnbError(f"found a codec called '{codec}'", "FAMILY VARIANT (seed NUMBER)") from error


def spread(points: pd.DataFrame, metric: str, family: str) -> float:
    """How far two seeds of one variant of a family, the first word of codecs' names, lie apart: the largest mean gap in
    size, over the variants with several seeds.

    Returns:
        In the metric's unit; NaN where no variant has two seeds.
    """
    seeds: dict[str, list[str]] = {}
    for codec in points["codec"].unique():
        if codec.startswith(f"{family} "):
            seeds.setdefault(seed_of(codec)[0], []).append(codec)
    pairs = [(some[0], other) for some in seeds.values() for other in some[1:]]
    sizes = [abs(gaps(points, *pair, metric)["value"].mean()) for pair in pairs]
    return float(np.max(sizes)) if sizes else float("nan")


def judge_seeds(each: Mapping[int, pd.DataFrame], seed: int, above: str, below: str) -> list[dict]:
    """A difference that was measured image by image on several seeds: seed by seed and over seeds.

    Args:
        each: seed of a training -> dataset, scene, image, value.
        seed: seed of the bootstrap over scenes.
        above, below: the words where it lies on one side of zero.

    Returns:
        Rows of seed ("0", …, `ALL`: of each image the mean over seeds), mean, low and high (95 %), images, left_out,
        and of all seeds spread (of their means, the largest less the least) and verdict: an interval on one side of
        zero decides where the mean is farther from it than that spread.
    """
    over = pd.concat(each.values()).groupby(WHOSE, sort=False)["value"]
    tables = {str(number): each[number] for number in sorted(each)}
    tables[ALL] = over.mean().where(over.count() == len(each)).reset_index()
    rows = []
    for which, table in tables.items():
        (about,) = means(table.assign(all=0), "value", ["all"], seed).to_dict("records")
        del about["all"]
        rows.append({"seed": which, **about})
    spread = np.ptp([row["mean"] for row in rows[:-1]])
    rows[-1] |= {"spread": spread, "verdict": _over_seeds(rows[-1], spread, len(each), above, below)}
    return rows


def _over_seeds(row: dict, spread: float, seeds: int, above: str, below: str) -> str:
    if seeds < LEAST_SEEDS or not np.isfinite(spread):
        return TOO_FEW
    return judge_interval(row["low"], row["high"], above, below) if abs(row["mean"]) > spread else UNDECIDED


def judge(points: pd.DataFrame, claims: Sequence[Claim], family: str, seed: int) -> pd.DataFrame:
    """Each claim on the seeds that both of its variants have.

    Nothing is decided on one seed. A claim of a difference holds where the 95 % interval over images lies beyond
    `least` in the paper's direction and the mean gap exceeds the spread over seeds; it does not hold where the interval
    lies below `least` and the mean is below it by more than that spread. A claim of equality holds where the interval
    lies within ±`least`.

    Args:
        points: `evaluate.points`'.
        claims: statements.
        family: first word of the codecs' names.
        seed: seed of the bootstrap.

    Returns:
        claim, metric, better, worse, seeds, gap (positive: the paper's way), low, high, spread, images, verdict.
    """
    found = {seed_of(codec): codec for codec in points["codec"].unique() if codec.startswith(f"{family} ")}
    spreads: dict[str, float] = {}
    rows = []
    for claim in claims:
        shared = sorted(seed for variant, seed in found if variant == claim.better and (claim.worse, seed) in found)
        if not shared:
            rows.append({"claim": claim.text, "metric": claim.metric, "verdict": NOT_TRAINED})
            continue
        each = [
            gaps(points, found[claim.better, one], found[claim.worse, one], claim.metric).set_index(WHOSE)["value"]
            for one in shared
        ]
        mean = pd.concat(each, axis=1).mean(axis=1, skipna=False).rename("value").reset_index()
        (about,) = means(mean.assign(all=0), "value", ["all"], seed).to_dict("records")
        if claim.metric not in spreads:
            spreads[claim.metric] = spread(points, claim.metric, family)
        row = {
            "claim": claim.text,
            "metric": claim.metric,
            "better": claim.better,
            "worse": claim.worse,
            "seeds": len(shared),
            "gap": about["mean"],
            "low": about["low"],
            "high": about["high"],
            "spread": spreads[claim.metric],
            "images": about["images"],
        }
        rows.append({**row, "verdict": _verdict(claim, row)})
    return pd.DataFrame(rows)


def _verdict(claim: Claim, row: dict) -> str:
    gap, low, high, spread = (row[name] for name in ("gap", "low", "high", "spread"))
    if row["seeds"] < LEAST_SEEDS or not np.isfinite([gap, low, high, spread]).all():
        return TOO_FEW
    if claim.equal:
        if max(abs(low), abs(high)) <= claim.least:
            return HOLDS
        return DOES_NOT if min(abs(low), abs(high)) > claim.least and low * high > 0 else TOO_FEW
    if low > claim.least and gap - claim.least > spread:
        return HOLDS
    # Where the interval holds no gain at all, more images would not bring one.
    return DOES_NOT if high < claim.least and claim.least - gap > spread else TOO_FEW
