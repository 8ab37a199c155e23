"""Floors and the ceiling of image cosine: their bits, their order on real photographs, and what is told of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smicnb.base.errors import IntegrityError
from smicnb.compare.images import floors
from smicnb.compare.images.floors import CAPTIONS, CEILING, FLOORS, GREY, INDEX, RANDOM
from smicnb.semantics.encoders import encoders
from smicnb.semantics.encoders.encoders import encode_collection
from smicnb.semantics.generators.generators import RetrievalGenerator
from smicnb.semantics.photographs.words import WordList
from smicnb.semantics.spaces import SemanticSpace

WORDS = ("tree", "church", "moon", "road", "sign", "snow", "sea", "cat", "river", "castle", "flower", "street")
SEED = 1


@given(st.lists(st.integers(0, 11), max_size=9))
def test_digits_come_back_and_damaged_ones_are_told(digits):
    data = floors.pack_digits(digits, 12)
    assert floors.unpack_digits(data, len(digits), 12) == digits
    with pytest.raises(IntegrityError):
        floors.unpack_digits(data + b"\0", len(digits), 12)


@pytest.mark.parametrize(("count", "base", "size"), [(1, 144, 1), (1, 256, 1), (1, 257, 2), (3, 434, 4), (1, 1, 0)])
def test_a_number_takes_the_fewest_whole_bytes(count, base, size):
    assert len(floors.pack_digits([base - 1] * count, base)) == size


def test_a_number_beyond_the_gallery_is_told():
    index = floors.GalleryIndex(np.eye(5))
    assert index.pack(np.array([[0.0, 0, 0, 2, 1]])) == b"\3"
    np.testing.assert_array_equal(index.unpack(b"\4"), np.eye(5)[4:])
    with pytest.raises(IntegrityError, match="below 5 in 1 bytes"):
        index.unpack(b"\5")


class MeanColours:
    """A judge that sees a picture's mean colour alone."""

    name, dim, side, weights_hash, mean = "mean colours", 3, 224, "none", np.zeros(3, np.float32)

    def encode_images(self, images, done=None):
        pictures = (image() if callable(image) else image for image in images)
        return np.array([picture.mean(axis=(0, 1)) for picture in pictures], np.float32)


@pytest.fixture(scope="module")
def few(embedded):
    """Eight photographs of a gallery, of four scenes, and six of three others."""
    gallery, heldout = embedded.split("gallery"), embedded.split("heldout")
    chosen = [replace(part, items=part.items[:every]) for part, every in ((gallery, 48), (heldout, 36))]
    return [replace(part, items=part.items[::6]) for part in chosen]


@pytest.fixture(scope="module")
def table(few):
    """Floors beside latents as they are, turned about, and of the scene that is farthest."""
    gallery, images = few
    encoder = encoders.encoder("lite0-minilm")
    space = SemanticSpace(encoder, RetrievalGenerator(gallery, encode_collection(encoder, gallery)))
    Z = space.encode(images)
    decoded = {"kept": (100.0, Z), "turned": (200.0, -Z)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(floors, "words", lambda: WordList("few", {"": WORDS}))
        return floors.measure(space, gallery, images, decoded, MeanColours(), SEED)


def test_rows_stand_from_floors_to_ceiling_with_their_bits(table):
    assert list(table["shown"]) == [*FLOORS, "kept", "turned", CEILING]
    bits = table.set_index("shown")["bits"]
    assert bits[[RANDOM, GREY, INDEX]].tolist() == [0, 0, 8]
    assert bits[list(CAPTIONS.values())].tolist() == [8, 16, 32]  # 12, 12³ and 12⁸ captions
    assert bits[["kept", "turned"]].tolist() == [100, 200]
    assert np.isnan(bits[CEILING])
    assert set(table["images"]) == {6}


def test_the_number_of_a_photograph_is_the_ceiling_of_a_generator_that_retrieves(table):
    rows = table.set_index("shown")
    for cosine in floors.COSINES:
        assert rows.loc[INDEX, cosine] == rows.loc[CEILING, cosine] == rows.loc["kept", cosine]
    own = rows["image_cosine"]
    assert own[INDEX] > max(own[RANDOM], own["turned"], *own[list(CAPTIONS.values())])
    assert (rows["image_cosine_low"] <= own).all()
    assert (own <= rows["image_cosine_high"]).all()
    assert INDEX in rows.loc["turned", "image_cosine_behind"]
    assert RANDOM in rows.loc["kept", "image_cosine_ahead_of"]
    assert INDEX not in rows.loc["kept", "image_cosine_ahead_of"] + rows.loc["kept", "image_cosine_behind"]


def test_a_random_photograph_is_another_for_each_image_and_draw_and_the_same_again(few, monkeypatch):
    gallery, images = few
    encoder = encoders.encoder("lite0-minilm")
    space = SemanticSpace(encoder, RetrievalGenerator(gallery, encode_collection(encoder, gallery)))
    monkeypatch.setattr(floors, "words", lambda: WordList("few", {"": WORDS}))
    made = floors.Floors(space, gallery, SEED)
    Z = space.encode(images)
    (_, first), (_, again) = made.show(Z)[RANDOM], made.show(Z)[RANDOM]
    assert first == again
    assert len({item.id for draw in first for item in draw}) > len(gallery) / 2
    assert len({tuple(item.id for item in draw) for draw in first}) == floors.DRAWS


def test_a_picture_is_encoded_once_and_a_photograph_of_the_gallery_never_again(few):
    gallery, images = few
    judge = floors.Judge(MeanColours(), images, gallery, centred=True)
    dark, light = (np.full((4, 4, 3), level, np.uint8) for level in (10, 250))
    found = judge.encode([light, gallery.items[2], dark, light])
    known = encode_collection(MeanColours(), gallery)
    wanted = np.array([[250.0] * 3, known[2], [10] * 3, [250] * 3]) - known.mean(axis=0)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    np.testing.assert_allclose(judge.encode(list(gallery.items)).mean(axis=0), 0, atol=1e-4)


def made(**values):
    """A table of pictures of three scenes with two images each: shown -> six cosines of either judge."""
    scenes = ["a", "a", "b", "b", "c", "c"]
    frames = [
        pd.DataFrame({"shown": name, "scene": scenes, "image": range(6), "bits": 8.0}
                     | {cosine: np.array(some, float) for cosine in floors.COSINES})
        for name, some in {**dict.fromkeys(FLOORS, np.zeros(6)), **values}.items()
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def test_rows_are_told_apart_by_differences_image_by_image():
    hard = np.array([0.1, 0.2, 0.5, 0.5, 0.8, 0.9])
    values = {INDEX: hard, "above": hard + 0.01, "below": hard - 0.01, "either": hard + np.array([1, 1, -1, -1, 0, 0])}
    table = floors.summarise(made(**values, **{CEILING: hard}), SEED)
    rows = table.set_index("shown")
    assert INDEX in rows.loc["above", "image_cosine_ahead_of"]
    assert rows.loc["above", "image_cosine_behind"] == "none"
    assert rows.loc["below", "judge_cosine_behind"] == INDEX
    assert floors.told_apart(table, "image_cosine", INDEX) == (["above"], ["below"])
    assert floors.told_apart(table, "image_cosine", RANDOM) == (["above", "below"], [])
    assert floors.judge_floor(table) == "partly"
    (own, other) = floors.tell(table, "Kodak")
    assert own.startswith(
        "Judged by the encoder that was coded on Kodak, 1 of 3 rows are ahead of the gallery index of 8"
    )
    assert "(cosine 0.50) and 1 behind, so that of these alone is it shown that more bits are worth more; " in own
    assert "are ahead of both a random photograph (0.00) and a grey frame (0.00), which cost nothing." in own
    assert other.startswith("Judged by inception-fid on Kodak, ")
    assert "ahead of that index 1, behind it 1 of 3 rows" in floors.tell_briefly(table, ["above"])


def test_where_no_row_is_above_the_index_the_objection_holds():
    values = {INDEX: np.ones(6), "coder": np.full(6, 0.9), CEILING: np.ones(6)}
    table = floors.summarise(made(**values), SEED)
    assert floors.judge_floor(table) == "agrees"
    for said in floors.tell(table, "Kodak"):
        assert "so that of none is it shown that more bits are worth more" in said
        assert "; 1 are ahead of both a random" in said
    assert floors.judge_floor(floors.summarise(made(**{**values, "coder": np.full(6, 1.1)}), SEED)) == "differs"


def test_a_grey_frame_that_is_ahead_of_a_random_photograph_is_what_nothing_costs():
    values = {GREY: np.full(6, 0.2), "coder": np.full(6, 0.1), CEILING: np.ones(6)}
    table = floors.summarise(made(**values), SEED)
    assert floors.told_apart(table, "image_cosine", RANDOM) == (["coder"], [])
    assert floors.told_apart(table, "image_cosine", RANDOM, GREY) == ([], ["coder"])
    assert all("; 0 are ahead of both a random" in said for said in floors.tell(table, "Kodak"))


def test_an_image_that_a_codec_failed_on_is_left_out_of_its_row_alone():
    table = made(coder=np.full(6, 0.5), **{CEILING: np.ones(6)})
    missing = table[~((table["shown"] == "coder") & (table["image"] == 5))]
    rows = floors.summarise(missing, SEED).set_index("shown")
    assert rows.loc["coder", "images"] == 5
    assert rows.loc[CEILING, "images"] == 6
    assert RANDOM in rows.loc["coder", "image_cosine_ahead_of"]


def test_one_scene_tells_nothing_apart():
    table = floors.summarise(made(coder=np.full(6, 0.5)).assign(scene="a"), SEED)
    assert set(table["image_cosine_ahead_of"]) == {"none"}
