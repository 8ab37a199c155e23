"""The table of all coders, and bits at equal fidelity."""

import numpy as np
import pandas as pd
import pytest

from smicnb.codec.transforms import KLT, Truncation
from smicnb.compare import latent_sweep
from smicnb.compare.latent import QuantisedCoder
from smicnb.compare.latent_scalar import FixedScalar, SteppedScalar
from smicnb.semantics.metrics import latent_cosine
from smicnb.semantics.statistics import bootstrap_mean


def latents(images, seed):
    return np.random.default_rng(seed).standard_normal((images, 32)) * np.geomspace(4, 0.2, 32) + 1


def coders():
    return [
        QuantisedCoder(FixedScalar("intra", Truncation(), 2), entropy=False),
        *(QuantisedCoder(SteppedScalar("KLT", KLT(), step)) for step in (6.0, 3.0)),
    ]


def test_every_row_is_a_file():
    Z_train, Z_test = latents(100, 0), latents(40, 1)
    scenes = {"train": [str(i // 2) for i in range(100)], "heldout": [str(i // 4) for i in range(40)]}
    table = latent_sweep.sweep(coders(), Z_train, Z_test, scenes, seed=3)
    assert list(table.columns) == list(latent_sweep.COLUMNS)
    assert len(table) == 3 * 2
    row = table[(table["setting"].str.startswith("step 3")) & (table["part"] == "heldout")].iloc[0]
    coder = coders()[2].fit(Z_train)
    data = coder.encode(Z_test)
    assert row["payload_bits"] * 40 + row["side_bits"] == 8 * len(data)
    means = bootstrap_mean(latent_cosine(Z_test, coder.decode(data)), np.array(scenes["heldout"]), 3)
    assert (row["latent_cosine"], row["cosine_low"], row["cosine_high"]) == means
    pd.testing.assert_frame_equal(table, latent_sweep.sweep(coders(), Z_train, Z_test, scenes, seed=3))


def test_the_reference_has_the_same_columns_and_needs_fewer_bits():
    Z_train, Z_test = latents(400, 0), latents(100, 1)
    steps = np.geomspace(8, 1, 8)
    table = latent_sweep.sweep([QuantisedCoder(SteppedScalar("KLT", KLT(), step)) for step in steps], Z_train, Z_test)
    reference = latent_sweep.reference(Z_train, Z_test, np.geomspace(8, 0.1, 12))
    both = pd.concat([table, reference])
    found = latent_sweep.bits_at(both[both["part"] == "heldout"], [0.87, 0.9, 0.95])
    bits = found.pivot(index="coder", columns="latent_cosine", values="bits")
    ratio = bits.loc["KLT"] / bits.loc[latent_sweep.REFERENCE]
    assert ((ratio > 1) & (ratio < 1.6)).all()


def test_bits_are_on_the_hull_and_nan_outside_it():
    points = pd.DataFrame(
        {
            "coder": ["a"] * 4 + ["b"],
            "payload_bits": [10.0, 20, 30, 40, 5],
            "side_bits": [0.0, 0, 0, 8000, 0],
            "latent_cosine": [0.5, 0.55, 0.8, 0.9, 0.6],
        }
    )
    found = latent_sweep.bits_at(points, [0.4, 0.5, 0.65, 0.85, 0.95, 0.6])
    # (20, 0.55) lies below the line from (10, 0.5) to (30, 0.8).
    np.testing.assert_allclose(found[found["coder"] == "a"]["bits"], [np.nan, 10, 20, 35, np.nan, 10 + 20 / 3])
    np.testing.assert_allclose(found[found["coder"] == "b"]["bits"], [np.nan] * 5 + [5])
    found = latent_sweep.bits_at(points, [0.85], n=1000)
    assert found["bits"].iloc[0] == pytest.approx((30 + 48) / 2)
    np.testing.assert_allclose(latent_sweep.total_bits(points, 1000), [10, 20, 30, 48, 5])


def test_the_standard_coders_are_told_apart_and_work():
    pytest.importorskip("faiss")
    chosen = latent_sweep.standard_coders(dim=32, images=60, seed=1)
    names = [(coder.name, coder.setting) for coder in chosen]
    assert len(set(names)) == len(names)
    Z_train, Z_test = latents(60, 0), latents(10, 1)
    one_of_each = {coder.name: coder for coder in chosen if "64 components" not in coder.setting}
    assert len(one_of_each) == len({name for name, _ in names})
    table = latent_sweep.sweep(one_of_each.values(), Z_train, Z_test)
    assert np.isfinite(table["latent_cosine"]).all()
    assert set(table["coder"]) == {name for name, _ in names}
