"""Measure what lite0-minilm is worth, and write the tables of figures/lite0_minilm.

`python tools/measure_lite0_minilm.py [KODAK]`, where KODAK is the folder of the 24 Kodak images with their
captions. Without it the committed rows of Kodak stay as they are. Speeds are printed and kept nowhere.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from build_lite0_minilm import class_embeddings

from smicnb.base.errors import SmicnbError
from smicnb.repro import figures
from smicnb.repro.checkout import root, versions
from smicnb.semantics import spaces
from smicnb.semantics.encoders import lite0_minilm
from smicnb.semantics.encoders.encoders import SemanticEncoder, encode_collection, encoder
from smicnb.semantics.encoders.lite0_minilm import SentenceTower, fit_ridge, image_features, unit_rows
from smicnb.semantics.metrics.intervals import bootstrap_mean
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.photographs.data_sets import DATA_SETS
from smicnb.semantics.photographs.image_collections import Collection
from smicnb.semantics.photographs.views import WHOLE
from smicnb.semantics.photographs.words import embedded_scenes, words

FOLDS, SPLITS, RIDGES = 5, 5, (0.3, 1.0, 3.0, 10.0)
SEED, DRAWS = 0, 2000  # of the bootstrap
FOLDER = root() / "figures" / "lite0_minilm"
CHOSEN = "mean of both"
CLASSES, FAMILIES = "class rows, random", "class rows, consecutive"
KODAK, EMBEDDED, CODED = "kodak", "embedded", "embedded without gallery"

CAPTIONS = {
    "worth": "What lite0-minilm is worth: on classes that its map was not fitted on, Kodak's captions and words of the "
    "embedded scenes; low and high bound 95 % intervals by bootstrap over groups (classes, images, scenes).",
    "choice": "Why ridge = 1 and the mean of both sentences: classes held out at random, other weights and sentences. "
    "Percent; ahead: top-5 of the chosen line minus top-5 of this one, 95 % interval over classes.",
    "kodak_words": "The three words of smicnb-words-1 nearest to each Kodak image, mistakes included.",
}


def ranks(cosines: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Rank of column own[i] in row i of cosines (n, m), from 1; a tie counts against it."""
    return (cosines >= cosines[np.arange(len(own)), own][:, None]).sum(axis=1)


def drawn_folds() -> list[np.ndarray]:
    """Folds (0 to 4) of the classes, drawn anew for each of five cross-validations, lest one draw flatter."""
    return [np.random.default_rng(seed).permutation(consecutive_folds()) for seed in range(SPLITS)]


def consecutive_folds() -> np.ndarray:
    """Five blocks of ImageNet's own order, in which relatives stand together: they are held out together."""
    return np.arange(1000) // (1000 // FOLDS)


def held_out_ranks(
    prototypes: np.ndarray, queries: np.ndarray, targets: np.ndarray, ridge: float, folds: list[np.ndarray]
) -> np.ndarray:
    """Rank of each class's name among the 200 of its fold, by a map fitted on the other 800: (splits, 1000).

    Args:
        prototypes: the classifier's rows, (1000, 1280), in the place of images.
        queries: unit embeddings of "a photo of a …" with the class's first name, (1000, 384).
        targets: embeddings that the map is fitted to, (1000, 384).
        ridge: weight of the map's squared norm.
        folds: fold of each class, (1000,), once for each split.
    """
    found = np.zeros((len(folds), len(prototypes)), int)
    for split, number in np.ndindex(len(folds), FOLDS):
        out, kept = folds[split] == number, folds[split] != number
        matrix = fit_ridge(prototypes[kept], targets[kept] - targets[kept].mean(axis=0), ridge)
        images = unit_rows(unit_rows(prototypes[out] - prototypes[kept].mean(axis=0)) @ matrix)
        names = unit_rows(queries[out] - unit_rows(targets[kept]).mean(axis=0))
        found[split, out] = ranks(images @ names.T, np.arange(out.sum()))
    return found


def share(measure: str, data: str, hits: np.ndarray, groups: np.ndarray, chance: float) -> dict:
    """One row of the table: a share in percent with its interval."""
    numbers = 100 * np.array([*bootstrap_mean(hits, groups, SEED, DRAWS), chance])
    return _row(measure, data, len(hits), len(np.unique(groups)), "%", numbers)


def _row(measure: str, data: str, n: int, groups: int, unit: str, numbers: np.ndarray) -> dict:
    value, low, high, chance = np.round(numbers, 1)
    return {
        "measure": measure, "data set": data, "n": n, "groups": groups,
        "unit": unit, "value": value, "low": low, "high": high, "chance": chance,
    }  # fmt: skip


def class_rows(prototypes: np.ndarray, short: np.ndarray, long: np.ndarray) -> list[dict]:
    """Zero-shot on held-out classes, with the shipped ridge and targets."""
    rows = []
    for data, folds in ((CLASSES, drawn_folds()), (FAMILIES, [consecutive_folds()])):
        found = held_out_ranks(prototypes, short, (short + long) / 2, lite0_minilm.RIDGE, folds)
        classes, among = found.shape[1], found.shape[1] / FOLDS
        rows += [share(f"top-{k}", data, within(found, k), np.arange(classes), k / among) for k in (1, 5)]
    return rows


def within(found: np.ndarray, k: int) -> np.ndarray:
    """Share of the splits in which each class ranks among the first k, from ranks (splits, classes)."""
    return (found <= k).mean(axis=0)


def choice(prototypes: np.ndarray, short: np.ndarray, long: np.ndarray) -> pd.DataFrame:
    """Held-out classes over ridge weights and sentences to fit to."""
    targets = {"first name": short, "names and definition": long, CHOSEN: (short + long) / 2}
    found = {
        (name, ridge): held_out_ranks(prototypes, short, array, ridge, drawn_folds())
        for name, array in targets.items()
        for ridge in RIDGES
    }
    best = within(found[CHOSEN, lite0_minilm.RIDGE], 5)
    rows = []
    for (name, ridge), rank in found.items():
        ahead = bootstrap_mean(best - within(rank, 5), np.arange(len(best)), SEED, DRAWS)
        shares = [within(rank, 1).mean(), within(rank, 5).mean(), *ahead]
        rows.append([name, ridge, *np.round(100 * np.array(shares), 1)])
    return pd.DataFrame(rows, columns=["fitted to", "ridge", "top-1 %", "top-5 %", "ahead", "low", "high"])


def kodak_rows(model: SemanticEncoder, kodak: Collection) -> list[dict]:
    """Retrieval between the Kodak images and their captions, either way."""
    latents = encode_collection(model, kodak)
    images = unit_rows(latents)
    texts = unit_rows(model.encode_text([item.caption for item in kodak]))
    each = np.arange(len(kodak))
    rows = []
    for way, cosines in (("image to text", images @ texts.T), ("text to image", texts @ images.T)):
        found = ranks(cosines, each)
        rows += [share(f"{way} R@{k}", KODAK, found <= k, each, k / len(kodak)) for k in (1, 5)]
        drawn = np.random.default_rng(SEED).choice(found, (DRAWS, len(found)))
        low, high = np.quantile(np.median(drawn, axis=1), [0.025, 0.975])
        numbers = np.array([np.median(found), low, high, (len(kodak) + 1) / 2])
        rows.append(_row(f"{way} median rank", KODAK, len(kodak), len(kodak), "rank", numbers))
    norms = bootstrap_mean(np.linalg.norm(latents, axis=1), each, SEED, DRAWS)
    rows.append(_row("mean norm of a latent", KODAK, len(kodak), len(kodak), "norm", np.array([*norms, np.nan])))
    return rows


def named(model: SemanticEncoder, collection: Collection, count: int) -> list[list[str]]:
    """The `count` words of the word list nearest to each item."""
    space = spaces.space(model.name, "retrieval", image_collections.load("embedded").split("gallery"))
    return [[word for word, _ in best] for best in space.name_latents(space.encode(collection), words(), count)]


def kodak_words(model: SemanticEncoder, kodak: Collection) -> pd.DataFrame:
    """Three words for each Kodak image."""
    rows = [[item.id, *best] for item, best in zip(kodak, named(model, kodak, 3), strict=True)]
    return pd.DataFrame(sorted(rows), columns=["image", "first", "second", "third"])


def embedded_rows(model: SemanticEncoder, embedded: Collection) -> list[dict]:
    """Whether a whole photograph's scene is named among its first words, with and without the gallery.

    Chance is the share of other scenes whose words would have been hit: it knows that some words are
    named often and true often.
    """
    whole = tuple(item for item in embedded if item.view == WHOLE)
    own = {scene["scene"]: set(scene["words"]) for scene in embedded_scenes()["scenes"]}
    best = named(model, Collection(EMBEDDED, whole, embedded.licence, embedded.page, {}), 10)
    scenes = np.array([item.scene for item in whole])
    coded = np.array([item.split != "gallery" for item in whole])
    rows = []
    for data, chosen in ((EMBEDDED, np.ones_like(coded)), (CODED, coded)):
        for k in (1, 5, 10):
            hit = np.array([[bool(own[scene] & set(some[:k])) for scene in own] for some in best])
            ours = scenes[:, None] == np.array(list(own))
            chance = hit[chosen][~ours[chosen]].mean()
            rows.append(share(f"own word in top {k}", data, hit[ours][chosen], scenes[chosen], chance))
    return rows


def kept(table: Path, model: SemanticEncoder) -> list[dict]:
    """The committed rows of Kodak, where they were measured with this encoder."""
    sidecar = table.with_suffix(".json")
    stored = json.loads(sidecar.read_text(encoding="utf-8")) if sidecar.is_file() else None
    if stored is None or stored["made_from"]["encoder"] != model.weights_hash:
        raise SmicnbError(
            f"'{table.name}' is absent, or its rows of Kodak were measured with other weights",
            "the 24 Kodak images",
            "give their folder: tools/measure_lite0_minilm.py FOLDER",
        )
    data = pd.read_csv(table)
    return data[data["data set"] == KODAK].to_dict("records")


def load_kodak(folder: Path) -> Collection:
    """The 24 Kodak images with their captions, and nothing else."""
    kodak = image_collections.load(f"kodak:{folder}")
    if any("not the" in note for note in kodak.notes) or any(item.caption is None for item in kodak):
        raise SmicnbError(kodak.summary(), "the 24 Kodak images and kodak_captions.json", f"see '{kodak.page}'")
    return kodak


def speeds(model: SemanticEncoder, embedded: Collection) -> str:
    """Images and texts per second, of decoded photographs and of "a photo of …"."""
    import torch

    images = [item.image() for item in embedded.split("gallery")]
    texts = [f"a photo of {word}" for word in words().words]
    model.encode_images(images[:16]), model.encode_text(texts[:16])
    clock = [time.perf_counter()]
    for encode, inputs in ((model.encode_images, images), (model.encode_text, texts)):
        encode(inputs)
        clock.append(time.perf_counter())
    per_second = np.array([len(images), len(texts)]) / np.diff(clock)
    return f"{per_second[0]:.1f} images/s, {per_second[1]:.0f} texts/s with {torch.get_num_threads()} threads"


def write(name: str, data: pd.DataFrame, **made_from: str) -> None:
    """Write NAME.csv, .md and .json; `made_from` are hashes of weights and data."""
    origin = {"tool": Path(__file__).name, "seed": SEED, "made_from": made_from, "versions": versions()}
    figures.write_table(FOLDER / f"{name}.csv", data, CAPTIONS[name], origin)


def main() -> None:
    """Measure, print and write everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kodak", nargs="?", type=Path, help="folder of the 24 Kodak images")
    folder = parser.parse_args().kodak
    model, embedded = encoder(lite0_minilm.NAME), image_collections.load("embedded")
    kodak = load_kodak(folder) if folder else None
    on_kodak = kodak_rows(model, kodak) if kodak else kept(FOLDER / "worth.csv", model)
    _, prototypes = image_features()
    classes = prototypes, *class_embeddings(SentenceTower())
    worth = pd.DataFrame([*class_rows(*classes), *on_kodak, *embedded_rows(model, embedded)])
    print(worth.to_string(index=False), speeds(model, embedded), sep="\n")
    weights, promised = model.weights_hash, DATA_SETS["kodak"].sha256
    write("worth", worth, encoder=weights, embedded=embedded.fingerprint, kodak=promised)
    write("choice", choice(*classes), encoder=weights)
    if kodak:
        write("kodak_words", kodak_words(model, kodak), encoder=weights, words=words().sha256, kodak=promised)


if __name__ == "__main__":
    try:
        main()
    except SmicnbError as error:
        sys.exit(f"measure_lite0_minilm: {error}")
