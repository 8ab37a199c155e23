"""Whether a dictionary separates what its collection shows from what it does not (Fig. 10).

A latent z is split into its projection ẑ on the atoms and the residual z − ẑ. Words tell what each part means:
words of things that the coded collection shows, and words of things that it does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from smicnb.base.errors import DimensionError
from smicnb.base.names import lookup
from smicnb.codec.coders.coefficients import spread_rows
from smicnb.codec.coders.dictionary import SemanticDictionary
from smicnb.compare.verdicts import HOLDS, REVERSED, judge_interval
from smicnb.semantics.metrics.intervals import bootstrap_mean
from smicnb.semantics.photographs.image_collections import Collection, WordList
from smicnb.semantics.photographs.words import list_words
from smicnb.semantics.spaces import SemanticSpace, normalise

SEEN = 3  # words that an image is taken to show where nobody has listed any
RANDOM = " on a random subspace"


@dataclass(frozen=True)
class Division:
    """A collection cleared of foreign concepts, and images to test it on, with the words of each.

    Args:
        coded: the images of the split "train" that show nothing foreign.
        tested: the other images outside the gallery: foreign images, and held-out ones that are not.
        vocabulary: V words.
        inside: (V,) words that the coded images show.
        outside: (V,) words of the foreign categories.
        own: (len(tested), V) which words a tested image shows.
        source: one clause: who says what an image shows.
    """

    coded: Collection
    tested: Collection
    vocabulary: tuple[str, ...]
    inside: np.ndarray
    outside: np.ndarray
    own: np.ndarray
    source: str

    @property
    def foreign(self) -> np.ndarray:
        """(len(tested),): whether an image shows something foreign."""
        return (self.own & self.outside).any(axis=1)

    def foreign_word(self, row: int) -> str:
        """The first foreign word of a tested image that shows something foreign."""
        return self.vocabulary[np.flatnonzero(self.own[row] & self.outside)[0]]


def divide(
    space: SemanticSpace, words: WordList, photographs: Collection, foreign: Sequence[str], most: int
) -> Division:
    """Clear a collection of what is foreign to it: the paper's landscapes have no people in them.

    What an image shows is listed by hand for the embedded collection's scenes. In any other collection an
    image shows the `SEEN` words nearest to its own latent, which is the encoder's opinion and no more.

    Args:
        foreign: categories of `words` that the coded images must not show.
        most: how many images are tested at most, evenly spread over all that could be.

    Raises:
        UnknownNameError: no such category.
        DimensionError: nothing is left to code, or nothing foreign to test.
    """
    for category in foreign:
        lookup("category of words", category, words.categories)
    items = [item for item in photographs if item.split != "gallery"]
    everything = replace(photographs, items=tuple(items))
    vocabulary, own, source = _find_shown(space, words, everything)
    foreign_words = {word for category in foreign for word in words.categories[category]}
    outside = np.array([word in foreign_words for word in vocabulary])
    is_coded = np.array([item.split == "train" for item in items]) & ~(own & outside).any(axis=1)
    if not is_coded.any() or not (own[~is_coded] & outside).any():
        raise DimensionError(
            f"{is_coded.sum()} of {len(items)} images of '{photographs.name}' show nothing of {', '.join(foreign)}",
            "images that do and images that do not",
            "choose other categories with --set foreign=[…]",
        )
    coded, tested = np.flatnonzero(is_coded), np.flatnonzero(~is_coded)
    tested = tested[spread_rows(len(tested), most)]
    parts = [
        replace(everything, name=f"{photographs.name}/{name}", items=tuple(items[row] for row in rows))
        for name, rows in (("coded", coded), ("tested", tested))
    ]
    return Division(*parts, vocabulary, own[coded].any(axis=0), outside, own[tested], source)


def _find_shown(
    space: SemanticSpace, words: WordList, photographs: Collection
) -> tuple[tuple[str, ...], np.ndarray, str]:
    """The vocabulary, which words each image shows (n, V), and who says so."""
    known = list_words((item.scene for item in photographs), words.words)
    if known is not None:
        vocabulary, lists = known
        source = "words listed by looking at each scene"
    else:
        vocabulary = words.words
        named = space.name_latents(space.encode(photographs), words, SEEN)
        lists = [[word for word, _ in best] for best in named]
        source = f"the {SEEN} words nearest to each image's own latent"
    column = {word: number for number, word in enumerate(vocabulary)}
    own = np.zeros((len(lists), len(vocabulary)), bool)
    for row, shown in enumerate(lists):
        own[row, [column[word] for word in shown]] = True
    return vocabulary, own, source


def split(dictionary: SemanticDictionary, latents: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Latents (n, L) and their two parts, by the dictionary's atoms and by a random subspace.

    The subspace has as many dimensions as it takes to keep as much of the squared norm as the atoms keep: what a
    projection does that knows nothing of the collection.

    Returns:
        "latent", "projection", "residual", and the last two "on a random subspace", each (n, L).
    """
    latents = np.asarray(latents, np.float64)
    projection = dictionary.inverse_transform(dictionary.transform(latents))
    residual = latents - projection
    kept = 1 - np.square(residual).sum() / np.square(latents).sum()
    dimensions = int(np.clip(round(kept * latents.shape[1]), 1, latents.shape[1] - 1))
    drawn = np.random.default_rng(seed).standard_normal((latents.shape[1], dimensions))
    basis, _ = np.linalg.qr(drawn)
    by_chance = latents @ basis @ basis.T
    return {
        "latent": latents,
        "projection": projection,
        "residual": residual,
        f"projection{RANDOM}": by_chance,
        f"residual{RANDOM}": latents - by_chance,
    }


def ranks(cosines: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Where each row's own words stand among the others: P(an own word is nearer than another one).

    Args:
        cosines: (n, V) of a latent with every word of a set.
        own: (n, V) which of them are its own.

    Returns:
        (n,) in [0, 1], ties count half; 0.5 is chance; nan where a row owns no word or every word.
    """
    values = np.full(len(cosines), np.nan)
    for row, (line, mine) in enumerate(zip(cosines, own, strict=True)):
        if mine.any() and not mine.all():
            difference = line[mine][:, None] - line[~mine][None, :]
            values[row] = np.mean((difference > 0) + (difference == 0) / 2)
    return values


def score(
    space: SemanticSpace, division: Division, parts: dict[str, np.ndarray], draws: int, seed: int
) -> pd.DataFrame:
    """How high an image's own words stand in each part of its latent, and those of other images do.

    Args:
        parts: name -> (n, L), rows as in `division.tested`.
        draws: shuffles to average over: each gives an image the words of one of another scene.

    Returns:
        Columns item, scene, part, words ("inside": own words that the coded images show, ranked among
        all such; "outside": own foreign words among all foreign ones), rank, shuffled (0 to 1, chance 0.5).
    """
    scenes = [item.scene for item in division.tested]
    directions = space.word_directions(division.vocabulary)
    others = [_other_rows(scenes, seed + draw) for draw in range(draws)]
    frames = []
    for name, latents in parts.items():
        cosines = normalise(np.asarray(latents, float), 1.0) @ directions.T
        for words, columns in (("inside", division.inside), ("outside", division.outside)):
            here, own = cosines[:, columns], division.own[:, columns]
            shuffled = np.array([ranks(here, own[rows]) for rows in others])
            with np.errstate(invalid="ignore"):
                counts = np.isfinite(shuffled).sum(axis=0)
                control = np.nansum(shuffled, axis=0) / np.where(counts == 0, np.nan, counts)
            cell = {"item": range(len(here)), "scene": scenes, "part": name, "words": words}
            frames.append(pd.DataFrame({**cell, "rank": ranks(here, own), "shuffled": control}))
    return pd.concat(frames, ignore_index=True).dropna(subset=["rank"]).reset_index(drop=True)


def _other_rows(scenes: Sequence[str], seed: int) -> np.ndarray:
    """For each row a row of another scene."""
    scenes, rng = np.asarray(scenes), np.random.default_rng(seed)
    if len(set(scenes)) < 2:
        raise DimensionError("the tested images are of one scene", "at least two, to shuffle their words")
    return np.array([rng.choice(np.flatnonzero(scenes != scene)) for scene in scenes])


def summarise(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Mean ranks of `score` with 95 % intervals over scenes.

    Returns:
        Columns part, words, rank, low, high, shuffled, above_shuffled with above_low and above_high (paired
        by image), images, scenes.
    """
    rows = []
    for (part, words), cell in table.groupby(["part", "words"], sort=False):
        scenes = cell["scene"].to_numpy()
        rank, low, high = bootstrap_mean(cell["rank"].to_numpy(), scenes, seed)
        paired = cell.dropna(subset=["shuffled"])
        above = bootstrap_mean((paired["rank"] - paired["shuffled"]).to_numpy(), paired["scene"].to_numpy(), seed)
        result = {"rank": rank, "low": low, "high": high, "shuffled": paired["shuffled"].mean()}
        result |= dict(zip(("above_shuffled", "above_low", "above_high"), above, strict=True))
        rows.append({"part": part, "words": words, **result, "images": len(cell), "scenes": len(set(scenes))})
    return pd.DataFrame(rows)


def verdicts(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The paper's two statements as paired differences of ranks, with 95 % intervals over scenes.

    The projection holds what the collection shows (projection − residual, inside words), and the residual holds
    what it does not (residual − projection, outside words); each by the learned atoms and in a random subspace.

    Returns:
        Columns statement, by ("learned atoms" or "random subspace"), difference, low, high, images, scenes,
        verdict ("holds", "reversed" or "undecided").
    """
    rows = []
    wide = table.pivot(index=["item", "scene", "words"], columns="part", values="rank").reset_index()
    claims = {
        "projection holds what is inside": ("inside", "projection", "residual"),
        "residual holds what is outside": ("outside", "residual", "projection"),
    }
    for statement, (words, more, less) in claims.items():
        for by, suffix in (("learned atoms", ""), ("random subspace", RANDOM)):
            if f"{more}{suffix}" not in wide:
                continue
            cell = wide[wide["words"] == words]
            if cell.empty:
                continue
            values = (cell[f"{more}{suffix}"] - cell[f"{less}{suffix}"]).to_numpy()
            difference, low, high = bootstrap_mean(values, cell["scene"].to_numpy(), seed)
            verdict = judge_interval(low, high, HOLDS, REVERSED)
            counts = {"images": len(cell), "scenes": cell["scene"].nunique()}
            result = {"difference": difference, "low": low, "high": high, **counts, "verdict": verdict}
            rows.append({"statement": statement, "by": by, **result})
    return pd.DataFrame(rows)
