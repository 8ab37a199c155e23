"""The paper's models and the hull's points as files of real latents, and what entropy coding saves of them."""

import numpy as np
import pandas as pd
import pytest

from smicnb.codec import rate
from smicnb.codec.coders.smic import SMICCodec
from smicnb.codec.format.reader import SmicReader
from smicnb.semantics import spaces
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.spaces import normalise
from smicnb.studies.frontier import point_files, sweep
from smicnb.studies.readings import Readings
from smicnb.studies.reconstruction.tables import NAMES, table2


@pytest.fixture(scope="module")
def space():
    return spaces.space("lite0-minilm", "retrieval", image_collections.load("embedded").split("gallery"))


@pytest.fixture(scope="module")
def real(space):
    """split -> (latents of norm 20, scenes)."""
    photographs = image_collections.load("embedded")
    return {
        split: (normalise(space.encode(some)), [item.scene for item in some])
        for split, some in ((name, photographs.split(name)) for name in ("train", "heldout"))
    }


@pytest.fixture(scope="module")
def files(real):
    return point_files.file_rates(real["train"][0], {"heldout": real["heldout"][0]}, seed=1)


def test_every_model_is_a_file_of_either_coding_on_both_splits(files, real):
    rates, decoded = files
    assert len(rates) == len(rate.POINTS) * 2 * 2
    assert set(decoded) == {(model, split) for model in rate.POINTS for split in real}
    low = rates[(rates["model"] == "low") & (rates["coding"] == "tuple")]
    assert low["overhead_bits"].nunique() == 1
    codec = SMICCodec(2, 1.6, 2, 2, "tuple", random_state=1, refit=True).fit(real["train"][0])
    with SmicReader(codec.encode(real["heldout"][0])) as opened:
        np.testing.assert_array_equal(opened.latents(), decoded["low", "heldout"])
        spent = opened.file.spent
    row = low[low["split"] == "heldout"].iloc[0]
    whole = row["overhead_bits"] + row["images"] * (row["payload_bits"] + row["index_bits"])
    assert whole == pytest.approx(8 * sum(spent.values()))


@pytest.mark.parametrize("penalty", [rate.MEDIUM.penalty, 2.0])
def test_entropy_coding_takes_at_most_six_tenths_of_the_tuples_for_the_same_latents(real, penalty):
    latents, held = real["train"][0], real["heldout"][0]
    bits, back = {}, {}
    for coding in ("tuple", "entropy"):
        codec = SMICCodec(128, penalty, 4, 4, coding, random_state=1).fit(latents)
        measured, back[coding] = point_files.code_file(codec, held)
        bits[coding] = measured.payload_bits
    np.testing.assert_array_equal(back["tuple"], back["entropy"])
    assert 0 < bits["entropy"] <= 0.6 * bits["tuple"]


def test_files_of_hull_points_are_as_long_as_the_sweep_said(real, space, fresh_cache):
    latents = real["train"][0]
    grid = sweep.Grid((2, 8), (2, 8), (2, 8), (0.5, 2.0), 0.5, space.norm, 1, space.encoder.name)
    held = {"heldout": real["heldout"][0]}
    hulls = sweep.hulls(sweep.sweep(latents, held, grid), [100])
    both = point_files.hull_files(hulls, latents, held, grid, space.encoder)
    assert set(both["accounting"]) == {"tuple", "entropy"}
    written, other = (both[both["split"] == split].reset_index(drop=True) for split in ("train", "heldout"))
    pd.testing.assert_frame_equal(written[[*sweep.PARAMETERS]], other[[*sweep.PARAMETERS]])
    assert (other["payload_bits"] >= other["model_bits"]).all()
    share = (written["overhead_bits"] + 8 * 45) / 1000  # 45 bytes: a segment with one block
    np.testing.assert_allclose(point_files.file_bits(written, 1000), point_files.file_bits(written, np.inf) + share)
    beyond = written["payload_bits"] - written["model_bits"]
    assert (beyond >= 0).all()
    assert (beyond < 64 / len(latents) * np.ceil(len(latents) / 64)).all()  # under a word for each block
    hull = hulls[(hulls["accounting"] == "tuple") & (hulls["split"] == "train")].sort_values("bits")
    mine = written[written["accounting"] == "tuple"].sort_values("model_bits")
    np.testing.assert_allclose(sorted(mine["latent_cosine"]), sorted(hull["latent_cosine"]), atol=1e-6)


def test_every_metric_stands_beside_uncoded_latents(files, real, space):
    rates, decoded = files
    images = {split: [None] * len(latents) for split, (latents, _) in real.items()}
    nothing = Readings(space, images, {split: scenes for split, (_, scenes) in real.items()})
    table = point_files.fidelity(space, real, decoded, 6, 1, nothing)
    assert set(table["model"]) == {"no codec", *rate.POINTS}
    assert len(table[table["metric"] == "image_cosine"]) == 4 * 2 * 6
    held = table[(table["split"] == "heldout") & (table["model"] == "high") & (table["metric"] == "latent_cosine")]
    np.testing.assert_allclose(held["value"], latent_cosine(real["heldout"][0], decoded["high", "heldout"]))
    summary = point_files.summarise(table, 1)
    again = table2(summary, rates).set_index("model").rename({NAMES["no codec"]: "no codec"})
    assert list(again["CC as published"]) == ["0.78", "0.85", "0.89", "0.90"]
    assert again.loc["no codec", "latent cosine, held-out"].startswith("1.000")
    assert np.isnan(again.loc["no codec", "bits per image, held-out"])
    row = rates[(rates["model"] == "low") & (rates["coding"] == "entropy") & (rates["split"] == "train")].iloc[0]
    assert again.loc["low", "bits per image, collection"] == row["payload_bits"] + row["index_bits"]
    assert point_files.entropy_bits(rates)[0] == row["payload_bits"] + row["index_bits"]
    means = pd.to_numeric(again["latent cosine, held-out"].str.split().str[0])
    assert means["low"] < means["medium"] < means["high"] < 1.0001
