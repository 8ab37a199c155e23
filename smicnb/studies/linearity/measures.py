"""Whether adding latents adds what the images show: f(x1) ± λ f(x2), generated, judged by another model.

The paper shows pictures (Eq. 4, Fig. 4 and 5). Here the same is measured so that it can fail: a model other
than the encoder looks at what was generated, and for comparison two other latents of equal norm are added: that of a
third photograph, which leads to a picture as good as x2's, and a random one, which lies where no photograph does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from smicnb.base.errors import DimensionError
from smicnb.base.progress import progress
from smicnb.compare.verdicts import judge_interval
from smicnb.semantics.encoders.encoders import ImageEncoder, encode_collection
from smicnb.semantics.metrics.intervals import bootstrap_cells, interval_of_pairs
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.photographs.image_collections import Collection
from smicnb.semantics.spaces import SemanticSpace
from smicnb.studies.reconstruction.measures import ReEncoder

# What stands in the place of f(x2), with its norm, the fairer control first; and how it is called.
CONTROLS = {"third": "a third photograph", "random": "a random latent"}
SIGNS = {"add": 1.0, "remove": -1.0}
SIDES = "concept ahead", "concept behind"  # verdicts
LEVEL = 0.95  # of all λ of an operation together


@dataclass(frozen=True)
class Pairs:
    """Pairs of images (x1, x2) of one collection, `first` and `second` (n,) rows in it, of which x2 is to be added or
    removed: `operation` is "add" or "remove".
    """

    operation: str
    first: np.ndarray
    second: np.ndarray

    def __len__(self) -> int:
        return len(self.first)


def pairs_to_add(scenes: Sequence[str], count: int, seed: int) -> Pairs:
    """Draw `count` different pairs (x1, x2) of different scenes: concepts that nobody matched.

    Raises:
        DimensionError: the collection has not that many pairs.
    """
    scenes = np.asarray(scenes)
    first, second = np.nonzero(scenes[:, None] != scenes[None, :])
    _check(count, len(first), "pairs of different scenes")
    chosen = np.random.default_rng(seed).choice(len(first), count, replace=False)
    return Pairs("add", first[chosen], second[chosen])


def pairs_to_remove(latents: np.ndarray, scenes: Sequence[str], count: int, seed: int) -> Pairs:
    """Draw `count` images x1, each with the image x2 of another scene that is nearest in angle.

    What is to be removed has to be there: the nearest image of another scene shares something with x1.

    Args:
        latents: (n, L) of the collection.
        scenes: the scene of each image.
    """
    scenes = np.asarray(scenes)
    _check(count, len(scenes), "images")
    if len(set(scenes)) < 2:
        raise DimensionError("found one scene", "at least two")
    directions = latents / np.linalg.norm(latents, axis=1, keepdims=True)
    first = np.random.default_rng(seed).choice(len(scenes), count, replace=False)
    cosines = np.where(scenes[first, None] == scenes[None, :], -np.inf, directions[first] @ directions.T)
    return Pairs("remove", first, np.argmax(cosines, axis=1))


def _check(count: int, found: int, what: str) -> None:
    if not 1 <= count <= found:
        raise DimensionError(f"{count} pairs were asked for, found {found} {what}", f"1 to {found}")


def random_like(latents: np.ndarray, seed: int) -> np.ndarray:
    """Latents (n, L) of the same norms in directions drawn uniformly."""
    return _scale(np.random.default_rng(seed).standard_normal(latents.shape), latents)


def draw_third(scenes: Sequence[str], pairs: Pairs, seed: int) -> np.ndarray:
    """(n,) rows of a third image x3 for each pair, drawn from the images of scenes that neither x1 nor x2 shows.

    Raises:
        DimensionError: the collection has fewer than three scenes.
    """
    scenes, rng = np.asarray(scenes), np.random.default_rng(seed)
    if len(set(scenes)) < 3:
        raise DimensionError(f"found {len(set(scenes))} scenes", "at least three")
    return np.array(
        [
            rng.choice(np.flatnonzero(~np.isin(scenes, scenes[[first, second]])))
            for first, second in zip(pairs.first, pairs.second, strict=True)
        ]
    )


def _scale(latents: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Latents (n, L) with the norms of others."""
    return latents * (np.linalg.norm(like, axis=1) / np.linalg.norm(latents, axis=1))[:, None]


def measure(
    space: SemanticSpace,
    judge: ImageEncoder,
    collection: Collection,
    pairs: Pairs,
    factors: Sequence[float],
    seed: int,
) -> pd.DataFrame:
    """What the judge sees in the image generated from f(x1) ± λ f(x2), and with a control in the place of f(x2).

    Args:
        space: encoder f and generator.
        judge: another model of images; its latents are centred on the mean of the collection.
        collection: what the pairs are rows of.
        factors: λ, positive; the sign is the operation's.
        seed: seed of the controls and of the generator.

    Returns:
        Columns pair, scene (of x1), second_scene (of x2), operation, factor (λ), what ("concept", "third" or
        "random"), to_second and to_first: cosines of the judge's latents of the image with those of x2 and of x1.
    """
    Z, seen = space.encode(collection), encode_collection(judge, collection)
    centre = seen.mean(axis=0)
    scenes = np.array([item.scene for item in collection])
    first, second = Z[pairs.first], Z[pairs.second]
    third = _scale(Z[draw_third(scenes, pairs, seed)], second)
    addends = {"concept": second, "third": third, "random": random_like(second, seed)}
    generated = (
        ((factor, what), space.generate(first + SIGNS[pairs.operation] * factor * addends[what], seed))
        for factor, what in progress(list(product(factors, addends)), f"generating to {pairs.operation}")
    )
    frames = []
    for (factor, what), latents in ReEncoder(judge).encode_cells(generated):
        cosines = {
            "to_second": latent_cosine(latents - centre, seen[pairs.second] - centre),
            "to_first": latent_cosine(latents - centre, seen[pairs.first] - centre),
        }
        cell = {"pair": range(len(pairs)), "scene": scenes[pairs.first], "second_scene": scenes[pairs.second]}
        cell |= {"operation": pairs.operation, "factor": factor, "what": what}
        frames.append(pd.DataFrame({**cell, **cosines}))
    return pd.concat(frames, ignore_index=True)


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """Gains, of rows of `measure`: by how much the concept moves the image more than each control does.

    Returns:
        Columns pair, scene, second_scene, operation, factor, against (a key of `CONTROLS`), gain (of the cosine to x2:
        concept minus control when adding, control minus concept when removing; positive is what the paper says),
        specific (the same where it has to be more than leaving x1: adding, of the lower of the cosines to x1 and x2, so
        that both have to be there; removing, how much more of x2 is lost than of x1), wins (gain > 0), ties (gain = 0,
        as where retrieval shows the same photograph twice), nearer (the image is nearer to x2 than to x1).
    """
    keys = ["pair", "scene", "second_scene", "operation", "factor"]
    what = {name: rows.sort_values(keys).reset_index(drop=True) for name, rows in table.groupby("what")}
    concept, found = what["concept"], []
    for against in CONTROLS:
        to_first, to_second = (concept[column] - what[against][column] for column in ("to_first", "to_second"))
        gain = concept["operation"].map(SIGNS) * to_second
        lower = [rows[["to_first", "to_second"]].min(axis=1) for rows in (concept, what[against])]
        specific = np.where(concept["operation"] == "add", lower[0] - lower[1], to_first - to_second)
        about = concept[keys].assign(against=against, gain=gain, specific=specific, wins=gain > 0, ties=gain == 0)
        found.append(about.assign(nearer=concept["to_second"] > concept["to_first"]))
    return pd.concat(found, ignore_index=True)


def wins(table: pd.DataFrame) -> pd.DataFrame:
    """How often, and from which λ on, the concept beats each control, of `gains`' rows.

    Intervals are over the scenes of x1 and of x2 (`interval_of_pairs`), and of 95 % for all λ of an operation together:
    each has 1 − 0.05 / (number of λ).

    Returns:
        Columns operation, against, factor, pairs, scenes, second_scenes, gain with low and high, verdict ("concept
        ahead" or "concept behind" where the interval excludes zero, else "undecided"), the same of specific, wins with
        wins_low and wins_high (share of pairs), ties (share of pairs), from_here_on (share of pairs that win at this
        and every larger λ), nearer (share of images nearer to x2 than to x1).
    """
    table = table.sort_values("factor", ascending=False)
    table = table.assign(kept=table.groupby(["operation", "against", "pair"])["wins"].cummin())
    level = 1 - (1 - LEVEL) / table.groupby("operation")["factor"].nunique()
    rows = []
    for operation, against in ((operation, against) for operation in SIGNS for against in CONTROLS):
        these = table[(table["operation"] == operation) & (table["against"] == against)]
        for factor, cell in these.groupby("factor"):
            sides = cell["scene"].to_numpy(), cell["second_scene"].to_numpy()
            interval = {
                name: interval_of_pairs(cell[name].to_numpy(float), *sides, level[operation])
                for name in ("gain", "specific", "wins")
            }
            row = {"operation": operation, "against": against, "factor": factor, "pairs": len(cell)}
            row |= {"scenes": cell["scene"].nunique(), "second_scenes": cell["second_scene"].nunique()}
            row |= dict(zip(("gain", "low", "high"), interval["gain"], strict=True))
            row["verdict"] = judge_interval(row["low"], row["high"], *SIDES)
            row |= dict(zip(("specific", "specific_low", "specific_high"), interval["specific"], strict=True))
            row["specific_verdict"] = judge_interval(row["specific_low"], row["specific_high"], *SIDES)
            row |= dict(zip(("wins", "wins_low", "wins_high"), interval["wins"], strict=True))
            row |= {"ties": cell["ties"].mean(), "from_here_on": cell["kept"].mean(), "nearer": cell["nearer"].mean()}
            rows.append(row)
    return pd.DataFrame(rows)


def curves(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Mean cosines of `measure` to both images against λ, with 95 % intervals over the scenes of x1.

    Returns:
        Columns operation, factor, what, to ("x1" or "x2"), mean, low, high.
    """
    keys = ["operation", "factor", "what", "to"]
    cosines = table.rename(columns={"to_first": "x1", "to_second": "x2"})
    long = cosines.melt(["scene", *keys[:-1]], ["x1", "x2"], "to").sort_values(keys, kind="stable")
    return bootstrap_cells(long, keys, "value", seed)[[*keys, "mean", "low", "high"]]


def ranking(table: pd.DataFrame) -> np.ndarray:
    """Pairs by their mean gain over all λ, the worst first, of `gains`' rows of one operation and one control."""
    return table.groupby("pair")["gain"].mean().sort_values(kind="stable").index.to_numpy()
