"""Readings of generated images: real words and sentences, each model asked once, nothing measured without one."""

import numpy as np
import pytest

from smicnb.semantics import spaces
from smicnb.semantics.encoders import encoders
from smicnb.semantics.metrics.captions import NearestWords, caption_similarity
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.photographs import image_collections
from smicnb.studies.readings import UNRELATED, Readings, readings


@pytest.fixture(scope="module")
def space(embedded):
    return spaces.space("lite0-minilm", "retrieval", embedded.split("gallery"))


@pytest.fixture(scope="module")
def items(embedded):
    """Two views of each of three scenes."""
    return [item for item in embedded if item.scene in ("cat", "coffee", "church")][::6]


class Counting:
    """A captioner that counts the images it is shown."""

    name, what, fingerprint = "counting", "", {"a": 1}

    def __init__(self, encoder):
        self.seen, self._words = [], NearestWords(encoder, image_collections.words())

    def caption(self, images):
        self.seen.append(len(images))
        return self._words.caption(images)


def measured(space, items, captioner, **more):
    images, scenes = [item.image for item in items], [item.scene for item in items]
    return Readings(space, {"train": images}, {"train": scenes}, captioner, **more)


def test_an_image_of_itself_is_perfect_and_another_is_not(space, items):
    measure = measured(space, items, Counting(space.encoder))
    images = [item.image() for item in items]
    latents = space.encoder.encode_images(images)
    rows = list(range(len(items)))
    found = measure("train", rows, images, latents)
    assert set(found) == {"caption_similarity", UNRELATED, "image_caption_similarity"}
    assert np.allclose(found["caption_similarity"], 1, atol=1e-5)
    assert (found[UNRELATED] < 0.95).all()
    turned = measure("train", rows, images[2:] + images[:2], np.roll(latents, -2, axis=0))
    assert found["caption_similarity"].mean() > turned["caption_similarity"].mean() + 0.2
    assert found["image_caption_similarity"].mean() > turned["image_caption_similarity"].mean() + 0.2


def test_values_are_those_of_the_metrics_themselves(space, items):
    words = NearestWords(space.encoder, image_collections.words())
    images = [item.image() for item in items]
    made = space.generate(space.encoder.encode_images(images[:2]), 1)
    latents = space.encoder.encode_images(made)
    found = measured(space, items, words)("train", [0, 1], made, latents)
    own = words.caption(images[:2])
    assert np.allclose(found["caption_similarity"], caption_similarity(own, words.caption(made)), atol=1e-5)
    expected = latent_cosine(space.encoder.encode_text(own), latents)
    assert np.allclose(found["image_caption_similarity"], expected, atol=1e-5)


def test_every_image_is_captioned_once(space, items):
    captioner = Counting(space.encoder)
    measure = measured(space, items, captioner)
    images = [item.image() for item in items[:2]]
    latents = space.encoder.encode_images(images)
    first = measure("train", [0, 1], images, latents)
    again = measure("train", [0, 1], images, latents)
    assert sum(captioner.seen) == 4  # two originals, two generated
    assert all(np.array_equal(first[metric], again[metric]) for metric in first)


def test_of_one_scene_alone_no_captions_are_unrelated(space, items):
    images = [item.image() for item in items[:2]]
    assert items[0].scene == items[1].scene
    measure = measured(space, items, NearestWords(space.encoder, image_collections.words()))
    assert UNRELATED not in measure("train", [0, 1], images, space.encoder.encode_images(images))


def test_captions_name_their_stand_in(space, items):
    said = measured(space, items, NearestWords(space.encoder, image_collections.words()), quality=Quality()).what
    assert said.startswith("captions by nearest-words of lite0-minilm (the 3 nearest of 434 words, a stand-in")
    assert said.endswith("quality by brightness ()")


class Segmenter:
    """Two classes: bright and dark, on a grid of one place."""

    name, what, fingerprint = "bright or dark", "", {}

    def probabilities(self, images):
        return [np.array([image.mean() / 255, 1 - image.mean() / 255]).reshape(2, 1, 1) for image in images]


class Quality:
    name, what, fingerprint = "brightness", "", {}

    def quality(self, images):
        return np.array([image.mean() / 255 for image in images])


def test_segments_and_quality_are_measured_where_there_are_models(space, items):
    white, black = (np.full((8, 8, 3), level, np.uint8) for level in (255, 0))
    measure = Readings(space, {"train": [black, white]}, {"train": ["a", "b"]}, None, Segmenter(), Quality())
    found = measure("train", [0, 1], [white, white], np.ones((2, 384)))
    assert found["segmentation_mse"].tolist() == [1, 0]
    assert found["quality"].tolist() == [1, 1]
    assert set(measure.fingerprint) == {"bright or dark", "brightness"}


def test_none_leaves_a_reading_out(space, embedded):
    images = {"train": embedded.split("train")}
    nothing = readings(space, images, "none", "none", "none")
    assert nothing("train", [0], [np.zeros((8, 8, 3), np.uint8)], np.ones((1, 384))) == {}
    assert nothing.fingerprint == {}
    some = readings(space, images, "nearest-words?count=2", "none", "none")
    assert list(some.fingerprint) == [f"nearest-words of {encoders.encoder('lite0-minilm').name}"]
