"""Separation: rooms where it holds by construction and where it cannot, and the real embedded collection."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smicnb.base.errors import DimensionError, UnknownNameError
from smicnb.codec.coders.dictionary import SemanticDictionary
from smicnb.semantics.encoders import encoders
from smicnb.semantics.generators.generators import RetrievalGenerator
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.photographs.image_collections import WordList
from smicnb.semantics.photographs.words import embedded_scenes
from smicnb.semantics.spaces import SemanticSpace
from smicnb.studies.separation import measures

FOREIGN = ["animals", "food"]


@pytest.fixture(scope="module")
def space(embedded):
    gallery = embedded.split("gallery")
    few = replace(gallery, items=gallery.items[:1])
    encoder = encoders.encoder("lite0-minilm")
    return SemanticSpace(encoder, RetrievalGenerator(few, encoders.encode_collection(encoder, few)))


@pytest.fixture(scope="module")
def division(space, embedded):
    return measures.divide(space, image_collections.words(), embedded, FOREIGN, 1000)


def test_the_coded_images_show_nothing_foreign_and_no_image_is_on_both_sides(division, embedded):
    listed = {scene["scene"]: set(scene["words"]) for scene in embedded_scenes()["scenes"]}
    foreign = {word for category in FOREIGN for word in image_collections.words().categories[category]}
    assert {item.split for item in division.coded} == {"train"}
    assert not any(listed[item.scene] & foreign for item in division.coded)
    both = {item.id for item in division.coded} | {item.id for item in division.tested}
    assert len(both) == len(division.coded) + len(division.tested)
    assert both == {item.id for item in embedded if item.split != "gallery"}
    assert division.source == "words listed by looking at each scene"


def test_words_are_inside_outside_or_neither(division):
    assert not (division.inside & division.outside).any()
    column = {word: number for number, word in enumerate(division.vocabulary)}
    assert division.outside[column["cat"]]
    assert not division.inside[column["cat"]]
    cats = [row for row, item in enumerate(division.tested) if item.scene == "cat"]
    assert len(cats) == 12
    assert division.own[cats, column["cat"]].all()
    assert division.foreign[cats].all()
    assert not division.foreign.all()


def test_at_most_so_many_are_tested(space, embedded, division):
    few = measures.divide(space, image_collections.words(), embedded, FOREIGN, 10)
    assert len(few.tested) == 10
    assert few.own.shape == (10, len(few.vocabulary))
    assert few.tested.items[0] == division.tested.items[0]
    assert few.tested.items[-1] == division.tested.items[-1]


def test_elsewhere_an_image_shows_its_nearest_words(space, embedded):
    renamed = [replace(item, scene=f"other {item.scene}") for item in embedded.items[::4]]
    other = replace(embedded, items=tuple(renamed))
    words = image_collections.words()
    found = measures.divide(space, words, other, ["plants"], 1000)
    assert found.source == "the 3 words nearest to each image's own latent"
    assert (found.own.sum(axis=1) == 3).all()
    first = space.name_latents(space.encode(found.tested)[:1], words, 3)[0]
    assert {words.words[k] for k in np.flatnonzero(found.own[0])} == {word for word, _ in first}


def test_categories_that_leave_nothing_are_refused(space, embedded):
    words = image_collections.words()
    with pytest.raises(DimensionError, match="0 of 300 images of 'embedded' show nothing of"):
        measures.divide(space, words, embedded, list(words.categories), 1000)
    with pytest.raises(UnknownNameError, match="did you mean 'animals'"):
        measures.divide(space, words, embedded, ["animal"], 1000)


def test_the_parts_sum_to_the_latent(space, division):
    Z = space.encode(division.coded)
    dictionary = SemanticDictionary(4, 0.5, random_state=1).fit(Z)
    parts = measures.split(dictionary, Z[:5], 1)
    assert np.allclose(parts["projection"] + parts["residual"], Z[:5], atol=1e-5)
    by_chance = [parts[f"{name} on a random subspace"] for name in ("projection", "residual")]
    assert np.allclose(sum(by_chance), Z[:5], atol=1e-5)
    assert np.linalg.matrix_rank(parts["projection"]) <= 4
    everything = measures.split(dictionary, Z, 1)
    kept = [np.square(everything[name]).sum() for name in ("projection on a random subspace", "latent")]
    atoms_keep = 1 - np.square(everything["residual"]).sum() / kept[1]
    assert kept[0] / kept[1] == pytest.approx(atoms_keep, abs=0.1)
    assert np.allclose(np.einsum("ij,ij->i", *by_chance), 0, atol=1e-3)


@given(st.lists(st.tuples(st.floats(-1, 1), st.booleans()), min_size=2, max_size=20))
def test_the_rank_is_the_chance_of_an_own_word_to_be_nearer(pairs):
    line, own = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    rank = measures.ranks(line[None], own[None])[0]
    if own.all() or not own.any():
        assert np.isnan(rank)
        return
    wins = [(a > b) + (a == b) / 2 for a in line[own] for b in line[~own]]
    assert rank == pytest.approx(np.mean(wins))
    assert measures.ranks(-line[None], own[None])[0] == pytest.approx(1 - rank)


class Words:
    """A space of words: each is an axis, and images are sums of them."""

    vocabulary = ("hill", "lake", "cat", "cake")

    def word_directions(self, words):
        assert tuple(words) == self.vocabulary
        return np.eye(4)


def made(own, embedded):
    """A division of six images, two scenes, with the words of `own`; hill and lake are inside."""
    items = tuple(replace(item, scene=scene) for item, scene in zip(embedded.items, "aabbcc", strict=False))
    part = replace(embedded, items=items)
    inside = np.array([True, True, False, False])
    return measures.Division(part, part, Words.vocabulary, inside, ~inside, np.asarray(own, bool), "by construction")


def test_where_separation_is_perfect_both_statements_hold(embedded):
    own = np.array([[1, 0, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 1, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]])
    division = made(own, embedded)
    inside, outside = own * division.inside, own * division.outside
    parts = {"latent": own.astype(float), "projection": inside - outside, "residual": outside - inside}
    scores = measures.score(Words(), division, parts, 4, 1)
    summary = measures.summarise(scores, 1).set_index(["part", "words"])
    assert summary.loc[("projection", "inside"), "rank"] == 1
    assert summary.loc[("residual", "inside"), "rank"] == 0
    assert summary.loc[("residual", "outside"), "rank"] == 1
    assert summary.loc[("projection", "inside"), "shuffled"] < 1
    assert summary.loc[("projection", "inside"), "images"] == 6
    verdicts = measures.verdicts(scores, 1)
    assert verdicts["verdict"].tolist() == ["holds", "holds"]
    assert verdicts["difference"].tolist() == [1, 1]
    turned = {"latent": parts["latent"], "projection": parts["residual"], "residual": parts["projection"]}
    reversed_ = measures.verdicts(measures.score(Words(), division, turned, 4, 1), 1)
    assert reversed_["verdict"].tolist() == ["reversed", "reversed"]


def test_parts_that_say_the_same_decide_nothing(embedded):
    own = np.array([[1, 0, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 1, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]])
    parts = dict.fromkeys(("latent", "projection", "residual"), own.astype(float))
    verdicts = measures.verdicts(measures.score(Words(), made(own, embedded), parts, 4, 1), 1)
    assert verdicts["verdict"].tolist() == ["undecided", "undecided"]


def test_images_without_words_of_a_kind_are_left_out(embedded):
    own = np.array([[1, 0, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 1, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]])
    scores = measures.score(Words(), made(own, embedded), {"latent": own.astype(float)}, 4, 1)
    assert scores.groupby("words")["item"].nunique().to_dict() == {"inside": 6, "outside": 5}
    assert scores["rank"].notna().all()


def test_one_scene_cannot_be_shuffled(embedded):
    division = made(np.ones((6, 4)), embedded)
    one = replace(division.tested, items=tuple(replace(item, scene="a") for item in division.tested))
    with pytest.raises(DimensionError, match="of one scene"):
        measures.score(Words(), replace(division, tested=one), {"latent": np.ones((6, 4))}, 1, 1)


def test_word_lists_of_ones_own_are_taken(space, embedded):
    words = WordList("mine", {"animals": ("cat",), "plants": ("tulip", "tree")})
    division = measures.divide(space, words, embedded, ["animals"], 1000)
    assert set(division.vocabulary) <= {"cat", "tulip", "tree"}
