"""Ours for search beside others: recall at equal bits, and bits for equal recall, with intervals over scenes.

The recall of a kind of coders at some bits is read from its upper convex hull, photograph by photograph, between the
two settings next to these bits: an interpolation, since a collection of which one part is coded at one setting and the
rest at the other is searched with cosines of both. Hulls are those of all photographs; drawn are the scenes of those
that ask, while what is stored, and so its bits, stays.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from smicnb.compare.verdicts import judge_interval
from smicnb.semantics.metrics.intervals import bootstrap_mean, draw_scenes
from smicnb.studies.beyond.kinds import OURS_NAME
from smicnb.studies.retrieval.kinds import AGAINST, BEST_NAME, FIXED_NAME, OURS_SEARCH
from smicnb.studies.retrieval.measures import RECALL, SIZE, Found, hull_of

BITS = (64.0, 128.0, 256.0)  # of an image, at which recall is compared
FAR = 384.0  # a bit for each dimension of lite0-minilm's latents
TIMES = 2.0  # what was hoped for there
DRAWS = 1000  # of scenes
SIZES = {"payload": np.inf, f"n = {SIZE:.0f}": SIZE}
AHEAD, BEHIND = "ours ahead", "ours behind"


class Curve:
    """The hull of a kind of coders in recall at ten: bits, and the recall of each photograph that asks.

    Args:
        found: points of all coders.
        names: names of the kind's coders.
        n: images that share what is sent once; may be infinite.
        measure: the recall that is read along the hull.
    """

    def __init__(self, found: Sequence[Found], names: Sequence[str], n: float, measure: str = RECALL):
        self.points = hull_of(found, names, n)
        self.bits = np.array([point.bits(n) for point in self.points])
        self.values = np.array([point.values[measure] for point in self.points])  # (settings, photographs)

    def at(self, bits: float) -> np.ndarray | None:
        """(q,) recall of each photograph at these bits of an image; None where the curve does not reach them."""
        if not len(self.bits) or not self.bits[0] <= bits <= self.bits[-1]:
            return None
        right = max(1, int(np.searchsorted(self.bits, bits)))
        if len(self.bits) == 1:
            return self.values[0]
        part = (bits - self.bits[right - 1]) / (self.bits[right] - self.bits[right - 1])
        return (1 - part) * self.values[right - 1] + part * self.values[right]

    def needed(self, recall: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(draws,) bits for the recall (draws,) wanted, where photographs have these weights (draws, q); NaN where the
        curve does not reach it. On drawn photographs a finer setting may have less recall than a coarser one: it then
        has that of the coarser one."""
        means = np.maximum.accumulate(weights @ self.values.T, axis=1)
        return np.array(
            [np.interp(wanted, own, self.bits, np.nan, np.nan) for wanted, own in zip(recall, means, strict=True)]
        )

    def nearest(self, bits: float) -> str:
        """The coder of the setting nearest to these bits."""
        return self.points[int(np.abs(self.bits - bits).argmin())].coder


def weights_of(scenes: np.ndarray, seed: int) -> np.ndarray:
    """(1 + DRAWS, q) by which a mean over photographs counts each: all alike, then as often as its scene is drawn."""
    names, index = np.unique(scenes, return_inverse=True)
    drawn = draw_scenes(len(names), seed, DRAWS)[:, index].astype(float)
    rows = np.vstack([np.ones(len(index)), drawn])
    return rows / rows.sum(axis=1, keepdims=True)


MOST_BEYOND = 0.05  # of draws on which ours does not reach the recall: with more there is no interval


def _ends(drawn: np.ndarray) -> tuple[float, float, float]:
    centre, *others = drawn
    if np.isnan(others).mean() > MOST_BEYOND:
        return float(centre), float("nan"), float("nan")
    return float(centre), *map(float, np.nanquantile(others, [0.025, 0.975]))


def matched(
    found: Sequence[Found],
    scenes: np.ndarray,
    seed: int,
    against: Mapping[str, Sequence[str]] | None = None,
    ours: Sequence[str] = OURS_SEARCH,
) -> pd.DataFrame:
    """Ours for search beside each kind of coders at `BITS` and `FAR`, the strongest first.

    Args:
        found: points of all coders.
        scenes: (q,) of the photographs that ask.
        seed: seed of the draws.
        against: kind -> its coders; None for `AGAINST`.
        ours: names of our coders.

    Returns:
        size ("payload", or with what is sent once at n = 1000), bits, against, strongest (of the kind, near these
        bits), recall (of it), ours (recall of ours), difference (ours less it) with the ends of its 95 % interval,
        verdict, our_bits (for its recall), times (its bits over ours) with its ends.
    """
    rows, weights = [], weights_of(scenes, seed)
    for size, n in SIZES.items():
        mine = Curve(found, ours, n)
        for bits in (*BITS, FAR):
            own, some = mine.at(bits), []
            for name, names in (AGAINST if against is None else against).items():
                curve = Curve(found, names, n)
                theirs = curve.at(bits)
                if theirs is None or own is None:
                    continue
                difference = bootstrap_mean(own - theirs, scenes, seed)
                verdict = judge_interval(*difference[1:], AHEAD, BEHIND)
                needed = mine.needed(weights @ theirs, weights)
                about = size, bits, name, curve.nearest(bits), theirs.mean(), own.mean()
                some.append((*about, *difference, verdict, needed[0], *_ends(bits / needed)))
            rows += sorted(some, key=lambda row: -row[4])
    columns = ["size", "bits", "against", "strongest", "recall", "ours", "difference", "low", "high", "verdict"]
    return pd.DataFrame(rows, columns=[*columns, "our_bits", "times", "times_low", "times_high"])


def checks(table: pd.DataFrame) -> pd.DataFrame:
    """What was asked, of `matched`'s table, at each size: half the bits of the best that is made for search at `FAR`;
    no lower recall than any rival's at `BITS`; and whether the tilt pays.

    Returns:
        asked, size, bits, against, strongest, value, low, high, level, verdict.
    """
    rows = []
    for size in SIZES:
        own = table[table["size"] == size].set_index(["against", "bits"])
        for name, bits in ((FIXED_NAME, FAR), *((BEST_NAME, b) for b in BITS), *((OURS_NAME, b) for b in BITS)):
            if (name, bits) not in own.index:
                continue
            row = own.loc[(name, bits)]
            if name == FIXED_NAME:
                asked, level = "its bits over ours at its recall", TIMES
                ends = row["times"], row["times_low"], row["times_high"]
                verdict = judge_interval(row["times_low"] - level, row["times_high"] - level, "reached", "not reached")
            else:
                asked = "recall no lower" if name == BEST_NAME else "recall higher for search than for the cosine"
                level, verdict = 0.0, row["verdict"]
                ends = row["difference"], row["low"], row["high"]
            rows.append((asked, size, bits, name, row["strongest"], *ends, level, verdict))
    columns = ["asked", "size", "bits", "against", "strongest", "value", "low", "high", "level", "verdict"]
    return pd.DataFrame(rows, columns=columns)
