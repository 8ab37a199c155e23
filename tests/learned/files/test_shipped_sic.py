"""The models of SIC that ship: every level of what they write, on photographs that none of them was trained on."""

import json
import os
import subprocess
import sys
import zlib
from dataclasses import replace

import pandas as pd
import pytest
from safetensors.numpy import load_file

from smicnb.compare.images import curves
from smicnb.compare.images.evaluate import evaluate
from smicnb.learned import any_codec
from smicnb.learned.any_codec import open_codec
from smicnb.learned.files import checkpoints, shipped
from smicnb.learned.files.sic_levels import is_twin, levels_of
from smicnb.learned.training import plans
from smicnb.semantics.photographs import image_collections
from smicnb.studies.sic import measures as sic_study
from smicnb.studies.taco import measures as taco_study

SIC = {name: path for name, path in shipped.models().items() if shipped.read_facts(path).get("codec") == "sic"}


@pytest.fixture(scope="module")
def small():
    return taco_study.select_tested(image_collections.load("embedded"), 160)


def test_what_ships_is_what_the_plan_trains(repository):
    plan = plans.read_plan(repository / "recipes" / "train" / "sic-mini.yaml")
    planned = {
        training.name: {"run": training.run.model_dump(mode="json"), "loss": training.weights.model_dump(mode="json")}
        for training in plans.trainings(plan)
        if training.run.ship
    }
    facts = {name: checkpoints.load(path).facts for name, path in SIC.items()}
    assert {name: {key: said[key] for key in ("run", "loss")} for name, said in facts.items()} == planned


@pytest.mark.parametrize("name", SIC)
def test_each_has_been_trained_and_codes_what_it_has_not_seen(name, small):
    codec = open_codec(SIC[name])
    assert codec.checkpoint.facts["run"]["steps"] >= 1000
    image = small.items[len(name) % len(small)].image()
    data = codec.encode(image)
    assert codec.encode(image) == data
    assert any_codec.model_of_file(data) == SIC[name]
    for level in range(1, codec.levels + 1):
        assert codec.decode(codec.prefix(data, level)).shape == image.shape


def test_every_level_is_as_long_as_estimated(small):
    levels = [level for path in SIC.values() if not is_twin(path) for level in levels_of(path)]
    some = replace(small, items=small.items[::2])
    table = sic_study.level_rates(sic_study.points(evaluate(levels, some, ["psnr"])))
    assert (table["within"] == table["images"]).all(), table[table["within"] < table["images"]]


def test_levels_of_whole_photographs_are_as_long_as_estimated():
    """Of some size: what is allowed of 32 bytes a part is little there."""
    photographs = taco_study.select_tested(image_collections.load("embedded"), 512)
    some = replace(photographs, items=photographs.items[::3])
    table = sic_study.level_rates(sic_study.points(evaluate(levels_of(SIC["one-sample/all/0"]), some, ["psnr"])))
    assert table["images"].min() == len(some) > 1
    for name in ("within", "own_within"):
        assert (table[name] == table["images"]).all(), table


def test_together_they_stay_small_and_adversarial_ones_are_a_g_s():
    assert sum(path.stat().st_size for path in SIC.values()) <= 40_000_000
    for name, path in SIC.items():
        if "adversarial" in name:
            assert {key.split(".")[0] for key in load_file(path)} == {"g_s"}


def kodak(shared_data):
    """Some of its images: all of them, by `make fuzz`, take minutes."""
    whole = image_collections.load(f"kodak:{shared_data / 'kodak'}")
    return replace(whole, items=whole.items[:: 1 if "SMICNB_FUZZ" in os.environ else 4])


ELSEWHERE = """
import json, sys, zlib
from pathlib import Path
from smicnb.learned.files import checkpoints, shipped
from smicnb.learned.training import plans
from smicnb.learned import any_codec
from smicnb.learned.any_codec import open_codec
codec = None
for name in sys.argv[1:]:
    data = Path(name).read_bytes()
    codec = codec or open_codec(any_codec.model_of_file(data))
    coded = codec.read(data)
    latent = codec.latent(coded, coded.level, 7)
    print(json.dumps([coded.level, zlib.crc32(latent.numpy().tobytes())]))
    if name.endswith("shown"):
        print(zlib.crc32(codec.decode(data, seed=7).tobytes()))
"""


def test_every_prefix_of_kodak_files_decodes_elsewhere_to_what_the_encoder_predicted(shared_data, tmp_path):
    codec = open_codec(SIC["one-sample/all/0"])
    names, expected = [], []
    for number, item in enumerate(kodak(shared_data)):
        image = item.image()
        data, said = codec.encode(image), codec.predict(image)
        for level in range(1, codec.levels + 1):
            shown = level == 1 + number % codec.levels  # the images, too, of one level of each
            names.append(tmp_path / f"{number}-{level}{'-shown' if shown else ''}")
            names[-1].write_bytes(codec.prefix(data, level))
            expected.append([level, zlib.crc32(codec.latent(said, level, 7).numpy().tobytes())])
            if shown:
                expected.append(zlib.crc32(codec.sample(said, level, seed=7).tobytes()))
    done = subprocess.run([sys.executable, "-c", ELSEWHERE, *names], capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected


def test_the_twin_is_above_jpeg_in_psnr_at_equal_rates(repository):
    """By the committed table, of which test_goldens measures an image again."""
    table = pd.read_csv(repository / "figures/kodak/09_sic_ablations/sic_rates.csv")
    found = curves.compare_at_rate(table, [sic_study.TWIN], ["JPEG"], ["psnr"], 0)
    found = found.set_index("setting")
    assert len(found) == 3
    assert (found.loc[["medium", "high"], "left_out"] == 0).all()  # JPEG hardly reaches the rate of the lowest model
    assert (found["difference"].dropna() > 0).all(), found
    assert found.loc["medium", "low"] > 0
