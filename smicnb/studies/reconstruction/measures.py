"""How much of its latents a collection keeps when they pass through n_a atoms (Table I, Fig. 8, Fig. 9)."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
from sklearn.base import TransformerMixin

from smicnb.base.errors import DimensionError
from smicnb.base.progress import progress
from smicnb.codec.coders.coefficients import spread_rows
from smicnb.codec.coders.dictionary import DebiasedDictionary, PCABaseline, SemanticDictionary
from smicnb.compare.verdicts import judge_interval
from smicnb.semantics.encoders.encoders import ImageEncoder
from smicnb.semantics.encoders.towers import BATCH
from smicnb.semantics.metrics.intervals import bootstrap_cells
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.photographs.image_collections import Collection, Item
from smicnb.semantics.spaces import SemanticSpace, normalise
from smicnb.studies.readings import Readings
from smicnb.studies.reconstruction.reading import PCA_DEBIASED

# The learned atoms, and what they have to beat at the same number of transmitted vectors.
RIVALS = ("exemplars", "pca")
# The same atoms without the penalty's bias, which PCA's codes do not have either: it is looked at in latents alone.
DEBIASED = "debiased"


def model_of(kind: str, n_atoms: int, penalty: float, seed: int) -> TransformerMixin:
    """The unfitted estimator of a kind: "learned", "exemplars" or "pca"."""
    if kind == "pca":
        return PCABaseline(n_atoms)
    return SemanticDictionary(n_atoms, penalty, kind, random_state=seed)


def fit_all(
    latents: np.ndarray, n_atoms: Sequence[int], penalty: float, draws: int, seed: int
) -> dict[tuple[str, int], list[TransformerMixin]]:
    """Fit every kind at every number of atoms to the latents (n, L) of the coded collection.

    Random photographs are drawn `draws` times, so that no lucky choice decides; the others are fitted once. The kind
    "debiased" has the learned atoms.
    """
    cells = [(kind, count) for kind in ("learned", *RIVALS) for count in n_atoms]
    models = {
        (kind, count): [
            model_of(kind, count, penalty, seed + draw).fit(latents)
            for draw in range(draws if kind == "exemplars" else 1)
        ]
        for kind, count in progress(cells, "learning dictionaries")
    }
    return models | {(DEBIASED, count): [DebiasedDictionary(models["learned", count][0])] for count in n_atoms}


def check_sizes(n_atoms: int | Sequence[int], coded: Collection, least: int = 1, parameter: str = "n_atoms") -> None:
    """Refuse numbers of atoms that the coded images cannot support: a dictionary larger than its data.

    Args:
        n_atoms: a number of atoms, or several.
        coded: what dictionaries are learned from.
        least: the least that can be asked for.
        parameter: how `--set` names the numbers, "NOTEBOOK.n_atoms" where more than one notebook may run.

    Raises:
        DimensionError: names the sizes that fit.
    """
    several = [n_atoms] if isinstance(n_atoms, int) else n_atoms
    wrong = [count for count in several if not least <= count <= len(coded)]
    if wrong:
        fitting = [count for count in several if count not in wrong]
        if isinstance(n_atoms, int) and len(coded) >= least:
            fitting = max(least, min(n_atoms, len(coded)))
        setting = shlex.quote(f"{parameter}={fitting}".replace(" ", ""))
        raise DimensionError(
            f"{parameter.rpartition('.')[2]} of {', '.join(map(str, wrong))} for the {len(coded)} images of "
            f"'{coded.name}'",
            f"{least} to {len(coded)}",
            f"say --set {setting}" if fitting else "bring a larger collection",
        )


def reconstruct(model: TransformerMixin, latents: np.ndarray) -> np.ndarray:
    """ẑ (n, L): latents (n, L) through the model's codes and back, not renormalised."""
    return model.inverse_transform(model.transform(latents))


About = TypeVar("About")
TOGETHER = 4 * BATCH  # new images that `ReEncoder.encode_cells` collects


class ReEncoder:
    """f(x̂) of generated images; an image object that comes back, as with retrieval, is encoded once.

    The last `most` images are kept alive for that: pictures of a real generator are large, and never come back.
    A network is given `BATCH` images however few are new, so that `encode_cells` collects some batches of them.
    """

    def __init__(self, encoder: ImageEncoder, most: int = 256):
        self._encoder, self._most = encoder, most
        self._known: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # id -> (image kept alive, its latent)

    def __call__(self, images: list[np.ndarray]) -> np.ndarray:
        """Latents (n, L) of RGB uint8 images."""
        new = {id(image): image for image in images if id(image) not in self._known}
        if new:
            latents = self._encoder.encode_images(new.values())
            self._known |= {key: (new[key], latent) for key, latent in zip(new, latents, strict=True)}
        found = np.stack([self._known[id(image)][1] for image in images])
        self._known = dict(list(self._known.items())[-self._most :])
        return found

    def encode_cells(self, cells: Iterable[tuple[About, list[np.ndarray]]]) -> Iterator[tuple[About, np.ndarray]]:
        """What cells are about, each with the latents (n, L) of its images, in their order; several cells are
        encoded together.
        """
        waiting: list[tuple[About, list[np.ndarray]]] = []
        for cell in cells:
            waiting.append(cell)
            new = {id(image) for _, images in waiting for image in images} - self._known.keys()
            if len(new) >= TOGETHER:
                yield from self._flush(waiting)
                waiting = []
        yield from self._flush(waiting)

    def _flush(self, cells: list[tuple[About, list[np.ndarray]]]) -> Iterator[tuple[About, np.ndarray]]:
        if cells:
            latents = self([image for _, images in cells for image in images])
            ends = np.cumsum([len(images) for _, images in cells])[:-1]
            yield from zip((about for about, _ in cells), np.split(latents, ends), strict=True)


def cosines(
    space: SemanticSpace,
    splits: dict[str, tuple[np.ndarray, Sequence[str]]],
    models: dict[tuple[str, int], list[TransformerMixin]],
    generated: int,
    seed: int,
    readings: Readings | None = None,
) -> pd.DataFrame:
    """Both cosines of the latents of every split through every model, in long form.

    Args:
        space: encoder and generator.
        splits: split name -> (latents (n, L), scene of each).
        models: (kind, n_atoms) -> fitted models; an image's value is its mean over them.
        generated: number of latents of a split that images are made of at most, evenly spread over it: they are
            what takes time. The latent cosine is of all.
        seed: the generator's seed.
        readings: further measures of images of learned atoms and of latents that were not coded.

    Returns:
        Columns split, kind, n_atoms, scene, item, metric ("latent_cosine", "image_cosine", or one of
        `readings`), value.
        The kind "none" with n_atoms 0 stands for latents that were not coded at all; of "debiased" there is the latent
        cosine alone.
    """
    frames, encode = [], ReEncoder(space.encoder)
    for split, (latents, scenes) in splits.items():
        rows = spread_rows(len(latents), generated)
        decoded = {("none", 0): [latents]}
        decoded |= {cell: [reconstruct(model, latents) for model in fits] for cell, fits in models.items()}
        for (kind, count), versions in progress(list(decoded.items()), f"generating from {split}"):
            cell = {"split": split, "kind": kind, "n_atoms": count}
            kept = np.mean([latent_cosine(latents, version) for version in versions], axis=0)
            everyone = {"scene": scenes, "item": range(len(latents)), "metric": "latent_cosine", "value": kept}
            frames.append(pd.DataFrame({**cell, **everyone}))
            if kind == DEBIASED:
                continue
            images = [space.generate(version[rows], seed) for version in versions]
            seen = [encode(some) for some in images]
            values = {"image_cosine": np.mean([latent_cosine(latents[rows], some) for some in seen], axis=0)}
            if readings is not None and kind in ("none", "learned"):
                values |= readings(split, rows.tolist(), images[0], seen[0])
            some = {**cell, "scene": np.asarray(scenes)[rows], "item": rows}
            frames += [pd.DataFrame({**some, "metric": metric, "value": value}) for metric, value in values.items()]
    return pd.concat(frames, ignore_index=True)


def summarise(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Mean and 95 % interval, bootstrapped over scenes, of every cell of `cosines`.

    Returns:
        Columns split, kind, n_atoms, metric, mean, low, high, images, scenes.
    """
    return bootstrap_cells(table, ["split", "kind", "n_atoms", "metric"], "value", seed)


def differences(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Learned atoms minus each baseline, paired by image, with intervals over scenes and a verdict.

    Returns:
        Columns split, n_atoms, metric, against, mean, low, high, images, scenes, verdict: "learned ahead" or
        "learned behind" where the 95 % interval excludes zero, else "undecided". Against "pca, debiased codes" the
        learned atoms have debiased codes.
    """
    keys = ["split", "n_atoms", "metric"]
    wide = table.pivot(index=[*keys, "scene", "item"], columns="kind", values="value").reset_index()  # sorted
    paired = [wide.assign(against=against, value=wide["learned"] - wide[against]) for against in RIVALS]
    if DEBIASED in wide:
        paired.append(wide.assign(against=PCA_DEBIASED, value=wide[DEBIASED] - wide["pca"]))
    result = bootstrap_cells(pd.concat(paired).dropna(subset="value"), [*keys, "against"], "value", seed)
    ends = zip(result["low"], result["high"], strict=True)
    return result.assign(verdict=[judge_interval(*pair, "learned ahead", "learned behind") for pair in ends])


def decomposition(
    model: SemanticDictionary, latent: np.ndarray, name: Callable[[np.ndarray], list[str]]
) -> pd.DataFrame:
    """One latent (L,) as its non-null atoms, largest coefficient first (Fig. 9).

    Returns:
        Columns atom (number in the dictionary), coefficient, share (of Σ|c|), words (from `name`).
    """
    code = model.transform(latent[None])[0]
    used = np.flatnonzero(code)
    used = used[np.argsort(-np.abs(code[used]), kind="stable")]
    share = np.abs(code[used]) / np.abs(code).sum() if len(used) else np.zeros(0)
    words = name(model.atoms_[used]) if len(used) else []
    return pd.DataFrame({"atom": used, "coefficient": code[used], "share": share, "words": words})


def pick_scenes(collection: Collection, count: int) -> list[int]:
    """Rows of up to `count` items, each the first of its scene, evenly spread: examples nobody picked."""
    scenes = [item.scene for item in collection]
    first = [row for row, scene in enumerate(scenes) if scene not in scenes[:row]]
    count = min(count, len(first))
    return [first[(2 * k + 1) * len(first) // (2 * count)] for k in range(count)]


def median_row(values: np.ndarray, rows: Sequence[int]) -> int:
    """The row of `rows` whose value is their (upper) median: a typical example, not a chosen one."""
    return sorted(rows, key=lambda row: values[row])[len(rows) // 2]


def nearest_items(collection: Collection, latents: np.ndarray, directions: np.ndarray) -> list[Item]:
    """The item of the collection nearest in angle to each direction (k, L); latents (n, L) are its own."""
    rows = np.argmax(normalise(directions, 1.0) @ normalise(latents, 1.0).T, axis=1)
    return [collection.items[row] for row in rows]
