"""Whether adding latents adds what the images show: f(x1) ± λ f(x2), generated, judged by another model.

The paper shows pictures (Eq. 4, Fig. 4 and 5). Here the same is measured so that it can fail: a model other
than the encoder looks at what was generated, and a random latent of equal norm is added for comparison.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from smicnb.base.errors import DimensionError
from smicnb.base.progress import progress_bar
from smicnb.compare.verdicts import judge_interval
from smicnb.semantics.encoders.encoders import ImageEncoder, encode_collection
from smicnb.semantics.metrics.intervals import bootstrap_cells, bootstrap_mean
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.photographs.image_collections import Collection
from smicnb.semantics.spaces import SemanticSpace
from smicnb.studies.reconstruction.measures import ReEncoder

CONTROL = "random"  # a random latent with the norm of f(x2), in its place
SIGNS = {"add": 1.0, "remove": -1.0}
SIDES = "concept ahead", "concept behind"  # verdicts


@dataclass(frozen=True)
class Pairs:
    """Pairs of images (x1, x2) of one collection.

    Args:
        operation: "add" or "remove".
        first, second: (n,) rows of x1 and x2 in the collection.
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
    drawn = np.random.default_rng(seed).standard_normal(latents.shape)
    return drawn * (np.linalg.norm(latents, axis=1) / np.linalg.norm(drawn, axis=1))[:, None]


def measure(
    space: SemanticSpace,
    judge: ImageEncoder,
    collection: Collection,
    pairs: Pairs,
    factors: Sequence[float],
    seed: int,
) -> pd.DataFrame:
    """What the judge sees in the image generated from f(x1) ± λ f(x2), and from f(x1) ± λ r.

    Args:
        space: encoder f and generator.
        judge: another model of images; its latents are centred on the mean of the collection.
        collection: what the pairs are rows of.
        factors: λ, positive; the sign is the operation's.
        seed: seed of the random latents and of the generator.

    Returns:
        Columns pair, scene (of x1), operation, factor (λ), what ("concept" or "random"), to_second and
        to_first: cosines of the judge's latents of the image with those of x2 and of x1.
    """
    Z, seen = space.encode(collection), encode_collection(judge, collection)
    centre = seen.mean(axis=0)
    scenes = np.array([item.scene for item in collection])
    first, second = Z[pairs.first], Z[pairs.second]
    addends = {"concept": second, CONTROL: random_like(second, seed)}
    encode, frames = ReEncoder(judge), []
    with progress_bar(f"generating to {pairs.operation}", len(factors) * len(addends) * len(pairs)) as advance:
        for factor in factors:
            for what, addend in addends.items():
                images = space.generate(first + SIGNS[pairs.operation] * factor * addend, seed)
                latents = encode(images) - centre
                cosines = {
                    "to_second": latent_cosine(latents, seen[pairs.second] - centre),
                    "to_first": latent_cosine(latents, seen[pairs.first] - centre),
                }
                cell = {"pair": range(len(pairs)), "scene": scenes[pairs.first], "operation": pairs.operation}
                frames.append(pd.DataFrame({**cell, "factor": factor, "what": what, **cosines}))
                advance(len(pairs))
    return pd.concat(frames, ignore_index=True)


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """Gains, of rows of `measure`: by how much the concept moves the image more than the random latent does.

    Returns:
        Columns pair, scene, operation, factor, gain (of the cosine to x2: concept minus random when adding,
        random minus concept when removing; positive is what the paper says), specific (the same where it has to be
        more than leaving x1: adding, of the lower of the cosines to x1 and x2, so that both have to be there;
        removing, how much more of x2 is lost than of x1), wins (gain > 0), ties (gain = 0,
        as where retrieval shows the same photograph twice), nearer (the image is nearer to x2 than to x1).
    """
    keys = ["pair", "scene", "operation", "factor"]
    concept, control = (
        table[table["what"] == what].sort_values(keys).reset_index(drop=True) for what in ("concept", CONTROL)
    )
    to_first, to_second = (concept[column] - control[column] for column in ("to_first", "to_second"))
    gain = concept["operation"].map(SIGNS) * to_second
    lower = [rows[["to_first", "to_second"]].min(axis=1) for rows in (concept, control)]
    specific = np.where(concept["operation"] == "add", lower[0] - lower[1], to_first - to_second)
    nearer = concept["to_second"] > concept["to_first"]
    return concept[keys].assign(gain=gain, specific=specific, wins=gain > 0, ties=gain == 0, nearer=nearer)


def wins(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """How often, and from which λ on, the concept beats the random latent; 95 % intervals over the scenes of x1.

    Args:
        table: rows of `gains`.

    Returns:
        Columns operation, factor, pairs, scenes, gain with low and high, verdict ("concept ahead" or "concept
        behind" where the interval excludes zero, else "undecided"), the same of specific, wins with wins_low and
        wins_high (share of pairs), ties (share of pairs), from_here_on (share of pairs that win at this and every
        larger λ), nearer (share of images nearer to x2 than to x1).
    """
    table = table.sort_values("factor", ascending=False)
    table = table.assign(kept=table.groupby(["operation", "pair"])["wins"].cummin())
    rows = []
    for (operation, factor), cell in table.groupby(["operation", "factor"]):
        gain, low, high = bootstrap_mean(cell["gain"].to_numpy(), cell["scene"].to_numpy(), seed)
        share, share_low, share_high = bootstrap_mean(cell["wins"].to_numpy(float), cell["scene"].to_numpy(), seed)
        counts = {"pairs": len(cell), "scenes": cell["scene"].nunique()}
        result = {"gain": gain, "low": low, "high": high, "verdict": judge_interval(low, high, *SIDES)}
        specific, low, high = bootstrap_mean(cell["specific"].to_numpy(), cell["scene"].to_numpy(), seed)
        result |= {"specific": specific, "specific_low": low, "specific_high": high}
        result["specific_verdict"] = judge_interval(low, high, *SIDES)
        result |= {"wins": share, "wins_low": share_low, "wins_high": share_high, "ties": cell["ties"].mean()}
        result |= {"from_here_on": cell["kept"].mean(), "nearer": cell["nearer"].mean()}
        rows.append({"operation": operation, "factor": factor, **counts, **result})
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
    """Pairs of one operation by their mean gain over all λ, the worst failure first; rows of `gains`."""
    return table.groupby("pair")["gain"].mean().sort_values(kind="stable").index.to_numpy()
