"""Fit lite0-minilm's ridge map and centring means, and write them beside the encoder.

Inputs: the classifier's rows of EfficientNet-Lite0, the names and definitions of ImageNet's classes as
timm carries them, MiniLM, and the gallery scenes of the embedded collection (for the centring mean only;
gallery scenes are never coded). `python tools/build_lite0_minilm.py`, and a test compares with the file.
"""

from functools import partial

import numpy as np
from safetensors.numpy import save

from smicnb.base.files import write_bytes
from smicnb.semantics.encoders import lite0_minilm
from smicnb.semantics.encoders.lite0_minilm import DIM, NORM, SIDE, SentenceTower, fit_ridge, image_features, unit_rows
from smicnb.semantics.encoders.towers import ImageTower, encode_texts
from smicnb.semantics.photographs import image_collections


def class_texts() -> list[tuple[str, str]]:
    """Per ImageNet class: the sentence with its first name, and the one with all names and definition."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo("imagenet-1k")
    pairs = []
    for index in range(1000):
        first = info.index_to_description(index).split(",")[0]
        pairs.append((f"a photo of a {first}", f"a photo of a {info.index_to_description(index, detailed=True)}"))
    return pairs


def class_embeddings(sentences: SentenceTower) -> tuple[np.ndarray, np.ndarray]:
    """Unit embeddings of either sentence of every class, twice (1000, 384)."""
    short, long = zip(*class_texts(), strict=True)
    return encode_texts(short, sentences, DIM), encode_texts(long, sentences, DIM)


def build(short: np.ndarray, long: np.ndarray) -> dict[str, np.ndarray]:
    """The three arrays of the projection file, from what `class_embeddings` returns."""
    texts = (short + long) / 2  # tools/measure_lite0_minilm.py says why the mean
    text_mean = texts.mean(axis=0)
    network, prototypes = image_features()
    matrix = fit_ridge(prototypes, texts - text_mean)
    tower = ImageTower(network, SIDE, (127 / 255,) * 3, (128 / 255,) * 3)
    gallery = image_collections.load("embedded").split("gallery")
    # The centre ships as it was measured, and every latent since has it: colour profiles were then not looked at.
    features = tower(partial(item.image, profiles=False) for item in gallery).astype(np.float64)
    # Every scene counts once, however many of its views there are.
    scenes = np.array([item.scene for item in gallery])
    image_mean = np.mean([features[scenes == scene].mean(axis=0) for scene in gallery.scenes], axis=0)
    norms = np.linalg.norm((features - image_mean) @ matrix, axis=1)
    return {
        "image_mean": image_mean.astype(np.float32),
        "map": (matrix * NORM / norms.mean()).astype(np.float16),
        "text_mean": unit_rows(texts).mean(axis=0).astype(np.float32),
    }


if __name__ == "__main__":
    write_bytes(lite0_minilm.projection_path(), save(build(*class_embeddings(SentenceTower()))))
