"""The sweep against single operating points, its cache, and the upper convex hull."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smicnb.codec import rate
from smicnb.codec.coders.smic import SMICCodec, fit_codebook
from smicnb.codec.format.reader import SmicReader
from smicnb.semantics.metrics.intervals import upper_hull
from smicnb.studies.frontier import importance, sweep
from smicnb.studies.frontier.sweep import Grid

GRID = Grid((2, 6), (2, 8), (2, 6), penalties=(0.3, 3.0), learning_penalty=0.5, norm=20.0, seed=0, encoder="tests")


def latents_of(count, seed):
    rng = np.random.default_rng(seed)
    some = rng.laplace(size=(count, 6)) @ np.random.default_rng(5).standard_normal((6, 16))
    some += 0.3 * rng.standard_normal((count, 16))
    return 20 * some / np.linalg.norm(some, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return sweep.sweep(latents_of(150, 0), {"heldout": latents_of(70, 1)}, GRID)


def test_every_point_is_there_once_for_every_set(table):
    assert len(table) == 2 * len(GRID) == 2 * 16
    assert not table.duplicated(["split", *sweep.PARAMETERS]).any()
    assert set(table["images"]) == {150, 70}
    assert table["latent_cosine"].between(0, 1).all()
    assert np.isfinite(table.select_dtypes("number").to_numpy()).all()


def test_a_point_is_what_its_file_takes(table):
    collection = latents_of(150, 0)
    row = table[(table["split"] == "train") & (table["n_atoms"] == 6) & (table["b_dict"] == 8)].iloc[0]
    for coding in ("tuple", "entropy"):
        codec = SMICCodec(6, GRID.learning_penalty, int(row["b_dict"]), int(row["b_coef"]), coding, random_state=0)
        codec.fit(collection)
        header = codec.codebook_.header
        book = fit_codebook(
            replace(header, penalty=float(row["penalty"]), encoder=GRID.encoder),
            codec.codebook_.levels,
            collection,
            refit=True,
        )
        with SmicReader(SMICCodec.from_codebook(book, refit=True).encode(collection)) as opened:
            spent, decoded = opened.file.spent, opened.latents()
        assert 8 * (spent["header"] + spent["dictionary"] + spent["tables"]) == row[f"{coding}_side_bits"]
        assert 0 <= 8 * spent["payload"] / 150 - row[f"{coding}_bits"] < 64 * 3 / 150
        whole = 150 * sweep.bits_per_image(table.loc[[row.name]], 150, coding)[0]
        assert 0 <= 8 * sum(spent.values()) - whole < 64 * 3
        assert (collection * decoded).sum(axis=1).mean() / 400 == pytest.approx(row["latent_cosine"], abs=1e-5)


def test_formulas_are_those_of_the_rate_model(table):
    for row in table.to_dict("records"):
        point = rate.OperatingPoint(row["n_atoms"], row["b_coef"], row["b_dict"], row["penalty"])
        assert row["dictionary_bits"] == rate.dictionary_bits(point, 16)
        assert row["printed_bits"] == rate.image_bits_printed(point)
        assert row["corrected_bits"] == pytest.approx(rate.image_bits_corrected(point, row["p_nonzero"]))


def test_a_second_sweep_only_reads_and_an_executor_changes_nothing(fresh_cache, monkeypatch, table):
    sets = latents_of(150, 0), {"heldout": latents_of(70, 1)}
    with ThreadPoolExecutor(2) as threads:
        pd.testing.assert_frame_equal(sweep.sweep(*sets, GRID, executor=threads), table)
    monkeypatch.setattr(sweep, "shard", lambda *arguments: pytest.fail("measured again"))
    pd.testing.assert_frame_equal(sweep.sweep(*sets, GRID), table)


def test_views_of_one_scene_make_the_mean_less_certain(fresh_cache, table):
    scenes = {"train": [str(row // 10) for row in range(150)], "heldout": ["one"] * 70}
    other = sweep.sweep(latents_of(150, 0), {"heldout": latents_of(70, 1)}, GRID, scenes)
    pd.testing.assert_frame_equal(other.drop(columns="cosine_error"), table.drop(columns="cosine_error"))
    train = other["split"] == "train"
    assert (other[train]["cosine_error"] != table[train]["cosine_error"]).all()
    assert other[~train]["cosine_error"].isna().all()
    assert table["cosine_error"].between(0, 0.1, inclusive="neither").all()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_the_hull_is_above_every_point_and_concave(points):
    bits, fidelity = (np.array(column, float) for column in zip(*points, strict=True))
    hull = upper_hull(bits, fidelity)
    x, y = bits[hull], fidelity[hull]
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) > 0).all()
    assert (np.diff(np.diff(y) / np.diff(x)) < 0).all()
    assert y[-1] == fidelity.max()
    assert x[0] == bits.min()
    inside = bits <= x[-1]
    assert (fidelity[inside] <= np.interp(bits[inside], x, y) + 1e-12).all()


def test_a_larger_collection_is_never_dearer(table):
    hulls = sweep.hulls(table)
    assert set(hulls["accounting"]) == set(sweep.ACCOUNTINGS)
    for accounting in sweep.ACCOUNTINGS:
        small, large = (sweep.bits_per_image(table, n, accounting) for n in (100, math.inf))
        assert (small > large).all()


def test_a_parameter_that_does_nothing_matters_least():
    rows = [
        {"n_atoms": n, "penalty": p, "b_coef": b, "b_dict": d, "latent_cosine": 1 - 1 / (1 + n * p)}
        | {column: 10.0 * n * p for pair in sweep.ACCOUNTINGS.values() for column in pair}
        for n in (1, 2, 4, 8, 16)
        for p in (1, 2)
        for b in (1, 2)
        for d in (1,)
    ]
    table = pd.DataFrame(rows).assign(split="train")
    ranking = importance.ranking(table, sweep.hulls(table, [100]), [100])
    lost = ranking[ranking["accounting"] == "tuple"].set_index("parameter")["loss"]
    assert lost["b_coef"] == lost["b_dict"] == 0
    assert lost["n_atoms"] > lost["penalty"] > 0
    (claimed,) = set(importance.claim(ranking)["as_claimed"])
    assert claimed is False
