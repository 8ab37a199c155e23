"""What was tried for search: quantisers of known errors and bits, folds, and a table that tells better from not."""

import numpy as np
import pandas as pd
import pytest
from prior_latents import PRIOR, images

from smicnb.studies.retrieval import reading, searches, tried
from smicnb.studies.retrieval.measures import FIRST, RECALL, Found
from smicnb.studies.retrieval.searches import Search

RNG = np.random.default_rng(5)
SIGMA = np.array([4.0, 1.0, 0.05])
C = RNG.standard_normal((4000, 3)) * SIGMA
STEPS = np.full(3, 0.5)


def error(decoded, axis):
    return np.square(decoded[:, axis] - C[:, axis]).mean()


def test_scalars_have_the_errors_and_bits_of_theory():
    middles, bits = tried.scalars(C, SIGMA, STEPS, "midpoints")
    # The entropy of a fine quantiser: that of the Gaussian, less the logarithm of the step, on both coded axes.
    known = sum(0.5 * np.log2(2 * np.pi * np.e * s**2) - np.log2(0.5) for s in SIGMA[:2])
    assert bits == pytest.approx(known, rel=0.02)
    assert [error(middles, axis) for axis in (0, 1)] == pytest.approx([0.25 / 12] * 2, rel=0.1)
    assert not middles[:, 2].any()  # its variance is below its errors': it is not coded


def test_centroids_err_less_than_midpoints_and_dithers_are_what_they_are_said_to_be():
    coarse = np.array([4.0, 2.0, 4.0])
    found = {name: tried.scalars(C, SIGMA, coarse, name, 1) for name in ("centroids", "midpoints")}
    assert error(found["centroids"][0], 1) < 0.95 * error(found["midpoints"][0], 1)
    assert found["centroids"][1] == found["midpoints"][1]
    dithered, _ = tried.scalars(C, SIGMA, coarse, "dithered", 1)
    errors = dithered[:, 1] - C[:, 1]
    # Uniform in a step and independent of what is coded, which no quantiser without a dither has.
    assert np.abs(errors).max() <= 1 + 1e-9
    assert np.square(errors).mean() == pytest.approx(4 / 12, rel=0.08)
    assert abs(np.corrcoef(errors, C[:, 1])[0, 1]) < 0.05
    assert error(tried.scalars(C, SIGMA, coarse, "dithered, shrunk", 1)[0], 1) < error(dithered, 1)


def test_a_flatter_spectrum_has_larger_errors_on_large_axes():
    errors = {}
    for power in (0.5, 1.5):
        allocation = tried.ALLOCATIONS[f"scalars, variances to the power {power}"]
        decoded, _ = allocation(C[:, :2], SIGMA[:2], 0.3, 0)
        errors[power] = error(decoded, 0) / error(decoded, 1)
    assert errors[0.5] > 2 > 0.5 > errors[1.5]


def test_folds_part_scenes_and_lose_nobody():
    Z = RNG.standard_normal((10, 4))
    search = Search(Z, Z[:3], ("x",) * 3, np.arange(3), 2, tuple("aabbbcdddd"))
    first, second = searches.folds(search)
    assert (first.scenes, second.scenes) == (tuple("aac"), tuple("bbbdddd"))
    assert np.array_equal(first.stored, second.fitted)
    assert np.array_equal(first.fitted, second.stored)
    assert sorted(map(tuple, np.vstack([first.stored, second.stored]))) == sorted(map(tuple, Z))


def search_of(Z, seed):
    scenes = tuple(f"{seed}.{row}" for row in range(len(Z)))
    return Search(Z[:40], Z[40:], scenes[40:], np.arange(len(Z) - 40), seed, scenes[:40])


def test_every_way_is_beside_its_like_and_what_is_better_is_also_held_out(monkeypatch):
    monkeypatch.setattr(tried, "BITS", (64.0,))
    monkeypatch.setattr(tried, "FIDELITIES", tried.FIDELITIES[::6])
    search = search_of(images(80), 1)
    table = tried.tried(searches.folds(search), [search], PRIOR, 0)
    first, held_out = (table[table["on"] == name] for name in (tried.ON_FOLDS, tried.HELD_OUT))
    assert set(first["way"]) <= {*tried.FILES, *tried.READINGS, *tried.ALLOCATIONS} - {tried.TILTED, tried.SCALARS}
    assert set(tried.READINGS) <= set(first["way"])
    assert set(held_out["way"]) == set(first[first["verdict"] == tried.BETTER]["way"])
    assert set(first[first["way"].isin(tried.ALLOCATIONS)]["beside"]) == {tried.SCALARS}
    assert (table["low"] <= table["difference"]).all()
    assert (table["difference"] <= table["high"]).all()
    assert reading.tell_tried(table, "Kodak").startswith("Of ")


def test_a_way_that_finds_more_is_better_and_one_that_finds_as_much_is_not(monkeypatch):
    def found(search, prior, seed, ways):
        for name, more in ((tried.TILTED, 0.0), ("queries coded too", 0.1), ("half unshrunk", 0.0)):
            for bits in (50.0, 300.0):
                value = np.full(4, bits / 400 + more)
                yield Found(name, f"{bits}", bits, 0.0, {RECALL: value, FIRST: value})

    monkeypatch.setattr(tried, "_found", found)
    table = tried.tried([search_of(np.zeros((44, 2)), 1)], [search_of(np.zeros((44, 2)), 2)], None, 0)
    own = table.set_index(["on", "way", "bits"])
    assert own.loc[(tried.ON_FOLDS, "queries coded too", 64.0), "difference"] == pytest.approx(0.1)
    assert own.loc[(tried.ON_FOLDS, "queries coded too", 64.0), "recall at 1"] == pytest.approx(0.16)
    assert set(own.loc[tried.ON_FOLDS].loc["half unshrunk", "verdict"]) == {"undecided"}
    assert isinstance(own.loc[tried.HELD_OUT].loc["queries coded too"], pd.DataFrame)
    said = reading.tell_tried(table, "Kodak")
    assert said.startswith(
        "Of 2 other ways, 1 find more of recall@10 on folds of Kodak at some rate; of these held out"
    )
    assert said.endswith("behind: none, ahead: queries coded too at 3 of 3 rates.")
    none = table[table["way"] == "half unshrunk"]
    assert reading.tell_tried(none, "Kodak") == (
        "Of 1 other ways, none finds more of recall@10 on folds of Kodak at any rate."
    )
