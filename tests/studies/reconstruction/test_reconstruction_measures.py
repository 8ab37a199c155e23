"""Reconstruction through atoms: real latents of the embedded collection, and crafted tables for the edges."""

import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import DimensionError, UnknownNameError
from smicnb.codec.coders.coefficients import spread_rows
from smicnb.codec.coders.dictionary import PCABaseline, SemanticDictionary
from smicnb.semantics import spaces
from smicnb.semantics.encoders import encoders
from smicnb.semantics.generators.generators import RetrievalGenerator
from smicnb.semantics.metrics.intervals import bootstrap_mean
from smicnb.semantics.metrics.pairs import image_cosine, latent_cosine
from smicnb.semantics.photographs.image_collections import Collection, Item
from smicnb.semantics.spaces import SemanticSpace
from smicnb.studies.reconstruction import measures

SIZES, PENALTY, DRAWS, SEED = [2, 4], 0.5, 3, 7
COLUMNS = ["split", "kind", "n_atoms", "scene", "item", "metric", "value"]


@pytest.fixture(scope="module")
def space(embedded):
    """The embedded space over six photographs of the gallery, so that few have to be encoded again."""
    gallery = embedded.split("gallery")
    encoder = encoders.encoder("lite0-minilm")
    few = replace(gallery, items=gallery.items[::18])
    return SemanticSpace(encoder, RetrievalGenerator(few, encoders.encode_collection(encoder, few)))


@pytest.fixture(scope="module")
def splits(embedded, space):
    """The latents of the coded collection, and every sixth of those held out, with their scenes."""
    coded, heldout = embedded.split("train"), embedded.split("heldout")
    return {
        "train": (space.encode(coded), [item.scene for item in coded]),
        "heldout": (space.encode(heldout)[::6], [item.scene for item in heldout][::6]),
    }


@pytest.fixture(scope="module")
def Z(splits):
    return splits["train"][0]


@pytest.fixture(scope="module")
def models(Z):
    return measures.fit_all(Z, SIZES, PENALTY, DRAWS, SEED)


@pytest.fixture(scope="module")
def table(space, splits, models):
    return measures.cosines(space, splits, models, 1000, SEED)


def values(table, **wanted):
    return table[(table[list(wanted)] == pd.Series(wanted)).all(axis=1)]["value"].to_numpy()


def frame(**kinds):
    """A table like `cosines`' of one split, size and metric: two items in each scene, values by kind."""
    scenes = np.repeat([f"scene{k}" for k in range(len(kinds["learned"]) // 2)], 2)
    parts = [
        pd.DataFrame({"scene": scenes, "item": range(len(scenes)), "kind": kind, "value": np.asarray(row, float)})
        for kind, row in kinds.items()
    ]
    return pd.concat(parts, ignore_index=True).assign(split="heldout", n_atoms=4, metric="latent_cosine")


def collection_of(scenes):
    items = tuple(Item(f"{n}", scene, "train", None, f"{n}", Path(f"{n}")) for n, scene in enumerate(scenes))
    return Collection("crafted", items, "none", "", {})


class CountingEncoder:
    """An encoder whose latent of an image is its mean and deviation; it keeps the numbers of images it was given."""

    def __init__(self):
        self.calls = []

    def encode_images(self, images):
        images = list(images)
        self.calls.append(len(images))
        return np.array([[image.mean(), image.std()] for image in images])


@pytest.fixture
def counting():
    class Space:
        encoder = CountingEncoder()

    return Space()


def test_every_kind_is_fitted_at_every_size(models, Z):
    assert set(models) == {(kind, size) for kind in ("learned", "debiased", "exemplars", "pca") for size in SIZES}
    assert {cell: len(fits) for cell, fits in models.items() if len(fits) > 1} == {
        ("exemplars", size): DRAWS for size in SIZES
    }
    for size in SIZES:
        (learned,), (pca,) = models["learned", size], models["pca", size]
        assert learned.atoms_.shape == (size, Z.shape[1])
        assert learned.penalty == PENALTY
        assert len(pca.pca_.components_) == size - 1  # the mean is the other vector


def test_draws_of_photographs_differ_and_follow_the_seed(models, Z):
    for size in SIZES:
        drawn = [model.atoms_ for model in models["exemplars", size]]
        for k, atoms in enumerate(drawn):
            alone = SemanticDictionary(size, PENALTY, "exemplars", random_state=SEED + k).fit(Z)
            np.testing.assert_array_equal(atoms, alone.atoms_)
        assert not any(np.array_equal(drawn[a], drawn[b]) for a in range(DRAWS) for b in range(a))
    other = measures.fit_all(Z, [4], PENALTY, 1, SEED + 100)
    assert not np.array_equal(other["exemplars", 4][0].atoms_, models["exemplars", 4][0].atoms_)


def test_an_estimator_of_each_kind():
    assert isinstance(measures.model_of("pca", 4, PENALTY, SEED), PCABaseline)
    learned = measures.model_of("learned", 4, PENALTY, SEED)
    assert learned.get_params() == SemanticDictionary(4, PENALTY, "learned", random_state=SEED).get_params()
    with pytest.raises(UnknownNameError, match=r"unknown kind of dictionary 'exemplar'.*did you mean 'exemplars'"):
        measures.model_of("exemplar", 4, PENALTY, SEED).fit(np.eye(8))


def test_dictionaries_larger_than_their_collection_are_refused():
    coded = collection_of("aabbcd")
    measures.check_sizes([1, 6], coded)
    with pytest.raises(DimensionError) as caught:
        measures.check_sizes([1, 2, 6, 7, 128], coded, least=2)
    assert str(caught.value) == (
        "n_atoms of 1, 7, 128 for the 6 images of 'crafted'; needed: 2 to 6; say --set 'n_atoms=[2,6]'"
    )
    for sizes, parameter, hint in (([2, 7], "a.n_atoms", "'a.n_atoms=[2]'"), (7, "a.atoms", "a.atoms=6")):
        with pytest.raises(DimensionError) as caught:
            measures.check_sizes(sizes, coded, parameter=parameter)
        assert str(caught.value) == (
            f"{parameter[2:]} of 7 for the 6 images of 'crafted'; needed: 1 to 6; say --set {hint}"
        )
    with pytest.raises(DimensionError, match="needed: 1 to 6; bring a larger collection"):
        measures.check_sizes([7], coded)


def test_what_is_rebuilt_keeps_the_norm_that_its_code_gives(models, Z):
    (learned,), (pca,) = models["learned", 4], models["pca", 4]
    rebuilt = measures.reconstruct(learned, Z)
    np.testing.assert_allclose(rebuilt, learned.transform(Z) @ learned.atoms_)
    assert np.linalg.norm(rebuilt, axis=1).mean() < 0.9 * np.linalg.norm(Z, axis=1).mean()
    mean, components = Z.mean(axis=0), pca.pca_.components_
    expected = mean + (Z - mean) @ components.T @ components
    np.testing.assert_allclose(measures.reconstruct(pca, Z), expected, atol=1e-4)


def test_cosines_hold_every_item_of_every_cell(table, splits, embedded):
    assert list(table.columns) == COLUMNS
    sizes = table.groupby(["split", "kind", "n_atoms", "metric"]).size()
    assert len(sizes) == 2 * ((1 + 3 * len(SIZES)) * 2 + len(SIZES))
    assert set(table.loc[table["kind"] == "debiased", "metric"]) == {"latent_cosine"}
    for split, (latents, scenes) in splits.items():
        assert set(sizes[split]) == {len(latents)}
        cell = table[(table["split"] == split) & (table["kind"] == "pca") & (table["n_atoms"] == 2)]
        for _, rows in cell.groupby("metric"):
            assert list(rows["scene"]) == scenes
            assert list(rows["item"]) == list(range(len(scenes)))
    assert set(table.loc[table["split"] == "train", "scene"]) == set(embedded.split("train").scenes)
    assert not table.isna().any(axis=None)


@pytest.mark.parametrize("kind", ["learned", "debiased", "pca"])
@pytest.mark.parametrize("split", ["train", "heldout"])
def test_latent_cosines_are_those_of_the_model(table, splits, models, kind, split):
    latents = splits[split][0]
    expected = latent_cosine(latents, models[kind, 4][0].inverse_transform(models[kind, 4][0].transform(latents)))
    np.testing.assert_allclose(values(table, split=split, kind=kind, n_atoms=4, metric="latent_cosine"), expected)
    assert expected.mean() < 0.95  # a cosine of one everywhere would hide a mixed-up model


def test_random_photographs_count_by_the_mean_over_their_draws(table, splits, models):
    latents = splits["heldout"][0]
    decoded = [measures.reconstruct(model, latents) for model in models["exemplars", 4]]
    each = [latent_cosine(latents, version) for version in decoded]
    found = values(table, split="heldout", kind="exemplars", n_atoms=4, metric="latent_cosine")
    np.testing.assert_allclose(found, np.mean(each, axis=0))
    assert np.abs(found - each[0]).max() > 0.01
    assert np.abs(found - latent_cosine(latents, np.mean(decoded, axis=0))).max() > 0.01


def test_image_cosines_are_of_generated_images_encoded_again(table, splits, models, space):
    latents, gallery = splits["heldout"][0], space.generator.gallery
    known = dict(zip((item.id for item in gallery), space.encode(gallery), strict=True))
    each = []
    for model in models["exemplars", 2]:
        shown = space.generator.nearest(measures.reconstruct(model, latents))
        each.append(latent_cosine(latents, np.stack([known[item.id] for item in shown])))
    found = values(table, split="heldout", kind="exemplars", n_atoms=2, metric="image_cosine")
    np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-5)
    assert np.abs(found - each[0]).max() > 0.01


def test_latents_that_were_not_coded_bound_what_the_generator_shows(table, splits, space, embedded):
    assert np.allclose(values(table, kind="none", metric="latent_cosine"), 1)
    items = embedded.split("heldout").items[::6]
    shown = space.generate(splits["heldout"][0], SEED)
    expected = image_cosine(space.encoder, [item.image() for item in items], shown)
    found = values(table, split="heldout", kind="none", n_atoms=0, metric="image_cosine")
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # Retrieval by cosine gives the best of the gallery's latents; what other atoms lead to is no nearer.
    coded = values(table, split="heldout", kind="learned", n_atoms=2, metric="image_cosine")
    assert (coded <= found + 1e-5).all()
    assert (coded < found - 1e-3).any()


def test_the_seed_reaches_the_generator_for_every_cell(counting):
    class Seeded(type(counting)):
        seeds = ()

        def generate(self, latents, seed):
            self.seeds += (seed,)
            return [np.full((4, 4, 3), 9, np.uint8)] * len(latents)

    space, latents = Seeded(), np.array([[1.0, 2.0], [3.0, 1.0], [2.0, 2.0]])
    models = {("pca", 2): [PCABaseline(2).fit(latents)]}
    table = measures.cosines(space, {"heldout": (latents, ["a", "a", "b"])}, models, 1000, 11)
    assert space.seeds == (11, 11)
    assert len(table) == 3 * 2 * 2


def test_images_are_made_of_some_and_the_latent_cosine_is_of_all(space, splits, models, table):
    few = measures.cosines(space, splits, {("pca", 2): models["pca", 2]}, 3, SEED)
    counts = few.groupby(["split", "kind", "metric"]).size()
    for split, (latents, _) in splits.items():
        assert counts[split, "pca", "latent_cosine"] == len(latents)
        assert counts[split, "pca", "image_cosine"] == 3
    keys = ["split", "kind", "n_atoms", "scene", "item", "metric"]
    both = few.merge(table, on=keys, suffixes=("", "_of_all"), validate="one_to_one")
    assert len(both) == len(few)
    assert np.allclose(both["value"], both["value_of_all"])


@given(st.integers(1, 500), st.integers(1, 500))
def test_rows_are_spread_from_end_to_end(count, most):
    rows = spread_rows(count, most)
    assert len(rows) == min(count, most) == len(set(rows.tolist()))
    assert rows[0] == 0
    assert rows[-1] == (count - 1 if most > 1 or count == 1 else 0)
    steps = np.diff(rows)
    assert not len(steps) or steps.max() - steps.min() <= 1


def test_an_image_object_is_encoded_once(counting):
    a, b, c = (np.full((4, 4, 3), level, np.uint8) for level in (10, 20, 30))
    encode = measures.ReEncoder(counting.encoder)
    assert encode([a, b, a]).tolist() == [[10, 0], [20, 0], [10, 0]]
    assert encode([c, b]).tolist() == [[30, 0], [20, 0]]
    assert encode([b, a, c]).tolist() == [[20, 0], [10, 0], [30, 0]]
    assert counting.encoder.calls == [2, 1]


def test_images_of_several_cells_are_encoded_together(counting, monkeypatch):
    monkeypatch.setattr(measures, "TOGETHER", 4)
    a, b, c, d, e, f = (np.full((4, 4, 3), level, np.uint8) for level in range(10, 70, 10))
    cells = [("first", [a, b, a]), ("second", [b, c]), ("third", [d, e]), ("none", []), ("fourth", [f, a])]
    found = {
        about: latents[:, 0].tolist() for about, latents in measures.ReEncoder(counting.encoder).encode_cells(cells)
    }
    assert found == {"first": [10, 20, 10], "second": [20, 30], "third": [40, 50], "none": [], "fourth": [60, 10]}
    assert list(found) == [about for about, _ in cells]
    assert counting.encoder.calls == [5, 1]
    assert list(measures.ReEncoder(counting.encoder).encode_cells([])) == []


def test_an_encoded_image_is_kept_so_that_no_other_gets_its_id(counting):
    def pictures():
        return (np.full((4, 4, 3), level, np.uint8) for level in range(50))

    assert len(set(map(id, pictures()))) < 50  # Python gives a freed array's id to a later one
    encode, kept = measures.ReEncoder(counting.encoder), []
    for level, image in enumerate(pictures()):
        assert encode([image])[0, 0] == level
        kept.append(weakref.ref(image))
    del image
    assert all(reference() is not None for reference in kept)


def test_real_photographs_that_come_back_are_encoded_as_if_alone(space, splits):
    images = space.generate(splits["heldout"][0], SEED)
    assert len({id(image) for image in images}) < len(images)
    found = measures.ReEncoder(space.encoder)(images)
    np.testing.assert_allclose(found, space.encoder.encode_images(images), atol=1e-6)


def test_summary_is_the_bootstrap_over_scenes_of_each_cell(table, splits):
    summary = measures.summarise(table, seed=3)
    assert list(summary.columns) == ["split", "kind", "n_atoms", "metric", "mean", "low", "high", "images", "scenes"]
    assert len(summary) == 2 * ((1 + 3 * len(SIZES)) * 2 + len(SIZES))
    for split, (latents, scenes) in splits.items():
        row = summary.query("split == @split and kind == 'pca' and n_atoms == 2 and metric == 'image_cosine'").iloc[0]
        cell = values(table, split=split, kind="pca", n_atoms=2, metric="image_cosine")
        assert (row["mean"], row["low"], row["high"]) == bootstrap_mean(cell, np.array(scenes), 3)
        assert (row["images"], row["scenes"]) == (len(latents), len(set(scenes)))
        assert row["low"] < row["mean"] < row["high"]


def test_debiased_codes_meet_pca_alone_and_keep_more_of_a_latent(table):
    result = measures.differences(table, seed=3).set_index("against")
    kept = values(table, kind="debiased", split="train", n_atoms=4)
    with_bias = values(table, kind="learned", split="train", n_atoms=4, metric="latent_cosine")
    assert (kept >= with_bias - 1e-9).all()
    row = result.loc["pca, debiased codes"].query("split == 'train' and n_atoms == 4").iloc[0]
    pca = values(table, kind="pca", split="train", n_atoms=4, metric="latent_cosine")
    assert row["mean"] == pytest.approx((kept - pca).mean())


def test_one_scene_has_a_mean_and_no_interval_and_no_verdict():
    alone = frame(learned=[0.9, 0.7], exemplars=[0.1, 0.1], pca=[0.2, 0.2])
    summary = measures.summarise(alone, seed=0).set_index("kind")
    assert summary.loc["learned", "mean"] == pytest.approx(0.8)
    assert summary[["low", "high"]].isna().all(axis=None)
    result = measures.differences(alone, seed=0)
    assert set(result["verdict"]) == {"undecided"}
    assert result["mean"].tolist() == pytest.approx([0.7, 0.6])


LEVELS = np.linspace(0.2, 0.8, 12)  # what makes an image hard is common to all kinds


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [(-0.1, "learned ahead"), (0.1, "learned behind"), (0.0, "undecided")],
)
def test_verdicts_both_ways(shift, verdict):
    noise = 0.01 * np.array([1, -1, 2, -2, 1, -1] * 2)
    crafted = frame(learned=LEVELS, exemplars=LEVELS + shift + noise, pca=LEVELS - 0.3)
    result = measures.differences(crafted, seed=0).set_index("against")
    assert result.loc["exemplars", "verdict"] == verdict
    assert result.loc["exemplars", "mean"] == pytest.approx(-shift)
    assert result.loc["pca", "verdict"] == "learned ahead"
    assert (result["images"] == 12).all()
    assert (result["scenes"] == 6).all()


def test_differences_are_paired_by_image_and_not_by_row():
    """The levels spread over 0.6: unpaired, an advantage of 0.05 could not be seen."""
    crafted = frame(learned=LEVELS + 0.05, exemplars=LEVELS, pca=LEVELS)
    mixed = crafted.sample(frac=1, random_state=0)
    result = measures.differences(mixed, seed=0)
    assert set(result["verdict"]) == {"learned ahead"}
    np.testing.assert_allclose(result[["mean", "low", "high"]], 0.05)
    unpaired = bootstrap_mean(LEVELS + 0.05 - LEVELS[::-1], frame(learned=LEVELS)["scene"].to_numpy(), 0)
    assert unpaired[1] < 0


def test_differences_of_real_cosines(table, splits):
    result = measures.differences(table, seed=3)
    columns = ["split", "n_atoms", "metric", "against", "mean", "low", "high", "images", "scenes", "verdict"]
    assert list(result.columns) == columns
    assert len(result) == 2 * len(SIZES) * (2 * 2 + 1)  # of debiased codes there are latents alone
    assert 0 not in set(result["n_atoms"])  # nothing was coded there, so that nothing is compared
    row = result.query("split == 'train' and n_atoms == 4 and metric == 'latent_cosine' and against == 'exemplars'")
    learned, drawn = (
        values(table, split="train", kind=kind, n_atoms=4, metric="latent_cosine") for kind in ("learned", "exemplars")
    )
    assert row.iloc[0][["mean", "low", "high"]].tolist() == pytest.approx(
        bootstrap_mean(learned - drawn, np.array(splits["train"][1]), 3)
    )
    assert row.iloc[0]["verdict"] == "learned ahead"


def test_a_latent_is_the_sum_of_its_parts(models, Z):
    (model,) = models["learned", 4]
    rows = np.flatnonzero((model.transform(Z) != 0).sum(axis=1) > 1)[:5]
    assert len(rows) == 5
    for latent in Z[rows]:
        given_to_name = []
        parts = measures.decomposition(
            model,
            latent,
            lambda atoms, seen=given_to_name: seen.append(atoms) or [f"word{k}" for k in range(len(atoms))],
        )
        assert list(parts.columns) == ["atom", "coefficient", "share", "words"]
        assert (np.diff(parts["coefficient"].abs()) <= 0).all()
        assert (parts["coefficient"] != 0).all()
        assert parts["share"].sum() == pytest.approx(1)
        np.testing.assert_allclose(
            parts["share"] / parts["share"][0], (parts["coefficient"] / parts["coefficient"][0]).abs()
        )
        atoms = model.atoms_[parts["atom"]]
        np.testing.assert_allclose(parts["coefficient"] @ atoms, measures.reconstruct(model, latent[None])[0])
        np.testing.assert_array_equal(given_to_name[0], atoms)
        assert list(parts["words"]) == [f"word{k}" for k in range(len(parts))]


def test_a_latent_that_no_atom_meets_has_no_parts(Z):
    model = SemanticDictionary(2, penalty=1e4, kind="exemplars", random_state=0).fit(Z)
    parts = measures.decomposition(model, Z[0], lambda atoms: pytest.fail("there is nothing to name"))
    assert list(parts.columns) == ["atom", "coefficient", "share", "words"]
    assert len(parts) == 0
    assert model.atoms_[parts["atom"]].shape == (0, Z.shape[1])


def test_examples_are_the_first_of_evenly_spread_scenes(embedded):
    coded = embedded.split("train")
    scenes = [item.scene for item in coded]
    order = list(dict.fromkeys(scenes))
    rows = measures.pick_scenes(coded, 6)
    assert [scenes.index(scenes[row]) for row in rows] == rows
    assert [order.index(scenes[row]) for row in rows] == [1, 4, 7, 10, 13, 16]  # middles of sixths of 18
    assert [scenes[row] for row in measures.pick_scenes(coded, len(order))] == order


def test_a_collection_of_few_scenes_repeats_no_example():
    rows = measures.pick_scenes(collection_of(["a", "a", "b", "c", "c"]), 16)
    assert rows == [0, 2, 3]


@settings(deadline=None, max_examples=50)
@given(scenes=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=30), count=st.integers(1, 12))
def test_examples_of_any_collection(scenes, count):
    rows = measures.pick_scenes(collection_of(scenes), count)
    assert len(rows) == min(count, len(set(scenes)))
    assert rows == sorted(set(rows))
    assert all(scenes[row] not in scenes[:row] for row in rows)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [([0, 1, 2], 2), ([0, 1, 2, 3], 1), ([3, 2, 1, 0], 1), ([3], 3), ([1, 2], 1)],
)
def test_the_median_is_the_upper_one_of_the_rows(rows, expected):
    assert measures.median_row(np.array([0.1, 0.9, 0.5, 0.95, 0.6]), rows) == expected


def test_nearest_items_go_by_angle(embedded, splits):
    coded, latents = embedded.split("train"), splits["train"][0]
    rows = [0, 40, 215]
    lengths = np.array([[0.01], [1], [500]])
    found = measures.nearest_items(coded, latents, lengths * latents[rows])
    assert [item.id for item in found] == [coded.items[row].id for row in rows]
    # A long latent close to the direction does not win over a short one on it.
    crafted = np.array([[100.0, 30.0], [0.1, 0.0], [0.0, 9.0]])
    few = collection_of("abc")
    nearest = measures.nearest_items(few, crafted, np.array([[7.0, 0.0], [0.0, 1e-3]]))
    assert [item.scene for item in nearest] == ["b", "c"]
    assert measures.nearest_items(few, crafted, np.zeros((0, 2))) == []


def test_a_space_by_name_has_the_real_gallery(embedded, splits, space):
    """The shortened gallery of these tests is a part of what `spaces.space` gives."""
    whole = spaces.space("lite0-minilm", "retrieval", embedded.split("gallery"))
    assert whole.fingerprint == space.fingerprint
    assert set(space.generator.gallery.items) < set(whole.generator.gallery.items)
