"""What is searched, and by whom: photographs that are coded, those that ask for their neighbours, and texts."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from smicnb.base.cache import ArrayCache
from smicnb.semantics.encoders.encoders import SemanticEncoder, encode_collection
from smicnb.semantics.metrics.captions import NearestWords
from smicnb.semantics.photographs.image_collections import Collection, Item
from smicnb.semantics.photographs.words import list_words


@dataclass(frozen=True)
class Texts:
    """What is searched for by words, and the words that name what a photograph shows.

    Args:
        queries: (t, L) latents of texts.
        fits: scenes that each text fits, or () where nobody has said.
        labels: (w, L) latents of the words of the list.
        what: the texts, in words.
    """

    queries: np.ndarray
    fits: tuple[frozenset[str], ...]
    labels: np.ndarray
    what: str


@dataclass(frozen=True)
class Search:
    """Coders are fitted to some photographs, others are coded and searched; some of these ask, with uncoded latents.

    Args:
        fitted: (n, L) latents that coders are fitted to.
        stored: (m, L) latents that are coded.
        scenes: scenes of the stored.
        asking: (q,) rows of the stored that ask; each is left out of what is found for itself.
        seed: seed of the order in which photographs of equal scores are found.
        fitted_scenes: scenes of the images that coders are fitted to, for `folds`.
    """

    fitted: np.ndarray
    stored: np.ndarray
    scenes: tuple[str, ...]
    asking: np.ndarray
    seed: int = 0
    fitted_scenes: tuple[str, ...] = ()

    @cached_property
    def queries(self) -> np.ndarray:
        """(q, L) float64 of unit norm."""
        return unit_rows(self.stored[self.asking])

    @cached_property
    def places(self) -> np.ndarray:
        """(m,) by which photographs of equal scores are ordered: at random, the same for all coders."""
        return np.random.default_rng(self.seed).permutation(len(self.stored))


def unit_rows(Z: np.ndarray) -> np.ndarray:
    """Latents (n, L) as float64 of norm 1; zeros stay zeros."""
    Z = np.asarray(Z, np.float64)
    norms = np.linalg.norm(Z, axis=1, keepdims=True)
    return Z / np.where(norms == 0, 1, norms)


def halves(Z: np.ndarray, items: Sequence[Item], seed: int, count: int = 1) -> list[Search]:
    """One half of a collection by scene, coded by what was fitted to the other, or also the other way round; all
    photographs of the coded half ask.

    Fitted to first is the split "train", so that what was chosen on it was chosen on other photographs than the first
    search has.

    Args:
        Z: (n, L) latents of the items.
        items: items of all splits.
        seed: seed of `Search`.
        count: 1 or 2 searches.
    """
    first = np.array([item.split == "train" for item in items])
    found = []
    for fitted in (first, ~first)[:count]:
        known, scenes = (
            tuple(item.scene for item, own in zip(items, part, strict=True) if own) for part in (fitted, ~fitted)
        )
        found.append(Search(Z[fitted], Z[~fitted], scenes, np.arange(len(scenes)), seed, known))
    return found


def folds(search: Search) -> list[Search]:
    """What coders are fitted to, halved by scene: each half coded by what was fitted to the other, all of it asking.

    What is chosen here has seen nothing of the photographs that the search itself stores.
    """
    scenes = np.array(search.fitted_scenes)
    first = np.isin(scenes, list(dict.fromkeys(search.fitted_scenes))[::2])
    return [
        Search(search.fitted[~part], search.fitted[part], tuple(scenes[part]), np.arange(part.sum()), search.seed)
        for part in (first, ~first)
    ]


def among_others(
    Z: np.ndarray, items: Sequence[Item], Z_others: np.ndarray, others: Sequence[Item], seed: int
) -> Search:
    """A collection too small for halves, stored among the second half of another one, whose first half coders are
    fitted to; the collection's photographs alone ask.

    Args:
        Z, items: of the collection.
        Z_others, others: of the other one.
    """
    first = np.array([item.split == "train" for item in others])
    known, scenes = (
        tuple(item.scene for item, own in zip(others, part, strict=True) if own) for part in (first, ~first)
    )
    stored = np.concatenate([Z, Z_others[~first]])
    own = tuple(item.scene for item in items)
    return Search(Z_others[first], stored, (*own, *scenes), np.arange(len(items)), seed, known)


def searches(
    photographs: Collection,
    coded: Collection,
    encoder: SemanticEncoder,
    executor: Executor | None,
    seed: int,
    count: int = 1,
) -> tuple[list[Search], str]:
    """The searches of a collection, and what they are, in words.

    Args:
        photographs: the collection.
        coded: the one whose latents coders are fitted to: the same, or another where it is too small.
        encoder, executor: arguments of `encode_collection`.
        seed, count: arguments of `halves`.
    """
    Z = encode_collection(encoder, photographs, executor)
    if coded.name == photographs.name:
        found = halves(Z, photographs.items, seed, count)
        sizes = f"{len(found[0].fitted)} of '{photographs.name}', searched in {len(found[0].stored)} of other scenes"
        return found, f"fitted to {sizes}{', and the other way round' if count > 1 else ''}"
    others = encode_collection(encoder, coded, executor)
    search = among_others(Z, photographs.items, others, coded.items, seed)
    told = f"{len(Z)} photographs of '{photographs.name}', each asking for the others, among them and "
    told += f"{len(search.stored) - len(Z)} of '{coded.name}' (fitted on the {len(search.fitted)} others of that)"
    return [search], told


def texts(photographs: Collection, encoder: SemanticEncoder, vocabulary: Sequence[str]) -> Texts:
    """Captions where the collection has them, else the words of the list, of those alone that its scenes are known to
    show where that is known."""
    namer = NearestWords(encoder, vocabulary)
    labels = ArrayCache("words").get_or_make(namer.fingerprint, lambda: namer.directions)
    if all(item.caption for item in photographs):
        said = [item.caption for item in photographs]
        key = {"encoder": encoder.name, "weights": encoder.weights_hash, "texts": said}
        queries = ArrayCache("words").get_or_make(key, lambda: encoder.encode_text(said))
        return Texts(queries, tuple(frozenset([item.scene]) for item in photographs), labels, "captions")
    known = list_words(photographs.scenes, vocabulary)
    if known is None:
        return Texts(labels, (), labels, "words")
    sure, shown = known
    scenes_of = {
        word: frozenset(scene for scene, some in zip(photographs.scenes, shown, strict=True) if word in some)
        for word in sure
    }
    used = [word for word in sure if scenes_of[word]]
    rows = [vocabulary.index(word) for word in used]
    return Texts(labels[rows], tuple(scenes_of[word] for word in used), labels, "words that scenes show")
