"""TACO with text beside without, measured on tiny networks: the controls' rows for each picture, part and arm, and what
captions are worth, of real files.
"""

import contextlib
import io
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tiny_taco import TINY, random_taco

from smicnb.base.errors import SmicnbError
from smicnb.compare.images.ablations import ALL
from smicnb.compare.verdicts import TOO_FEW, UNDECIDED
from smicnb.learned.files import checkpoints
from smicnb.learned.files.taco_codec import TacoCodec
from smicnb.learned.training.control import OPPOSITE, PARTS, SENTENCES
from smicnb.learned.training.plans import TacoRun
from smicnb.semantics.metrics.captions import NearestWords
from smicnb.semantics.photographs import image_collections
from smicnb.studies.taco import arms, control
from smicnb.studies.taco.measures import select_tested
from smicnb.studies.taco.verdicts import LOWER

LAMBDA = 0.002


def save(folder, name, text, seed=0, scale="clip", **about):
    run = TacoRun(steps=1, crop=64, text=text, **about).model_dump(mode="json")
    loss = {"distortion": LAMBDA, "lpips": 3.5, "logit_scale": scale}
    facts = {"run": run, "loss": loss, "seed": seed, "start": None, "data": {}, "validation": {"contrast": 2.5}}
    path = folder / f"{name.replace('/', '-')}.safetensors"
    checkpoints.save(path, "taco", name, random_taco(replace(TINY, text=text), seed), facts)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("control")
    for control_of, task in (("control", "halves"), ("planes", "planes")):
        save(folder, f"{control_of}/low/0", "adapter", control=task)
        save(folder, f"{control_of}-without/low/0", "none", control=task)
    save(folder, "control/low/1", "adapter", 1, control="halves")  # its other arm is not trained yet
    return folder


@pytest.fixture(scope="module")
def captioned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captions")
    for seed in (0, 1):
        save(folder, f"full/low/{seed}", "adapter", seed)
        save(folder, f"without-adapter/low/{seed}", "none", seed)
    save(folder, "full-code-scale/low/0", "adapter", scale="code")  # whose other arm is not in the plan
    return folder


@pytest.fixture(scope="module")
def measured(trained, load_tool, tmp_path_factory):
    """The table that the tool writes, and what it prints."""
    printed, folder = io.StringIO(), tmp_path_factory.mktemp("out")
    rows, words = folder / "rows.csv", ["--data", "embedded", "--out", str(folder)]
    with contextlib.redirect_stdout(printed):
        load_tool("measure_text_control").main([str(trained), *words, "--rows", str(rows)])
    assert {path.stem for path in folder.glob("*.json")} == {"gains", "trainings", "contrast"}
    return pd.read_csv(rows, keep_default_na=False), printed.getvalue()


@pytest.fixture
def measure_small(load_tool, tmp_path, monkeypatch):
    """folder -> the tool's tables, measured on three small photographs by two metrics."""
    few = select_tested(image_collections.load("embedded"), 96)
    monkeypatch.setattr(arms, "METRICS", ("psnr", "lpips"))
    monkeypatch.setattr(control, "LONGER_SIDE", 96)
    monkeypatch.setattr(image_collections, "load", lambda name: replace(few, name="embedded", items=few.items[:3]))

    def run(folder):
        load_tool("measure_text_control").main([str(folder), "--data", "embedded", "--out", str(tmp_path / "out")])
        return tmp_path / "out"

    return run


def of_run(table, run):
    return table[table["model"] == f"{run}/low/0"]


@pytest.mark.parametrize(("run", "task"), [("control", "halves"), ("planes", "planes")])
def test_there_is_a_row_for_each_picture_part_and_arm(measured, run, task):
    table = of_run(measured[0], run)
    pictures = select_tested(image_collections.load("embedded"), 768)
    assert len(table) == len(pictures) * len(PARTS[task]) * 3
    assert not table.duplicated(["image", "part", "arm"]).any()
    assert set(table["image"]) == {item.id for item in pictures}
    told = table.groupby("arm")["sentence"].agg(set)
    assert told[control.RIGHT] == told[control.WRONG] == {SENTENCES[part] for part in PARTS[task]}
    assert told[control.WITHOUT] == {""}


def test_rates_are_lengths_of_files_and_errors_those_of_what_they_decode_to(measured, trained):
    table = of_run(measured[0], "control")
    codec = TacoCodec(trained / "control-low-0.safetensors")
    item = select_tested(image_collections.load("embedded"), 768).items[1]
    image = item.image()
    top, left = (size // 2 - 32 for size in image.shape[:2])
    picture = np.ascontiguousarray(image[top : top + 64, left : left + 64])
    data = codec.encode(picture, SENTENCES["upper"])
    errors = np.square(picture.astype(float) - codec.decode(data))
    row = table.set_index(["image", "part", "arm"]).loc[(item.id, "upper", control.RIGHT)]
    assert row["bytes"] == len(data)
    assert row["bpp"] == pytest.approx(8 * len(data) / 64**2)
    assert row["mse_named"] == pytest.approx(errors[:32].mean())
    assert row["psnr_other"] == pytest.approx(10 * np.log10(255**2 / errors[32:].mean()))
    assert row["cost"] == pytest.approx(row["bpp"] + LAMBDA * row["mse_named"])


def test_of_planes_the_brightness_is_that_of_grey_and_the_colours_are_the_rest(measured, trained):
    item = select_tested(image_collections.load("embedded"), 768).items[1]
    picture, codec = control.cut_middle(item.image(), 64), TacoCodec(trained / "planes-low-0.safetensors")
    decoded = codec.decode(codec.encode(picture, SENTENCES["colours"]))
    red, green, blue = np.moveaxis(picture.astype(float) - decoded, 2, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = (np.square((blue - luma) / 1.772).mean() + np.square((red - luma) / 1.402).mean()) / 2
    row = of_run(measured[0], "planes").set_index(["image", "part", "arm"]).loc[(item.id, "colours", control.RIGHT)]
    assert row[["mse_named", "mse_other"]].tolist() == pytest.approx([chroma, np.square(luma).mean()])


@pytest.mark.parametrize("run", ["control", "planes"])
def test_a_wrong_sentence_is_the_file_of_the_opposite_part(measured, run):
    by_arm = {arm: one.set_index(["image", "part"]) for arm, one in of_run(measured[0], run).groupby("arm")}
    right, wrong, without = (by_arm[name] for name in (control.RIGHT, control.WRONG, control.WITHOUT))
    for image, part in right.index:
        other = right.loc[(image, OPPOSITE[part])]
        assert wrong.loc[(image, part), "bytes"] == other["bytes"]
        assert wrong.loc[(image, part), "mse_named"] == pytest.approx(other["mse_other"])
        assert without.loc[(image, part), "bytes"] == without.loc[(image, OPPOSITE[part]), "bytes"]
    assert (right["bytes"] != wrong["bytes"]).any()  # the sentence reaches the file


def test_gains_are_means_over_pictures_with_intervals_over_scenes(measured):
    table, printed = of_run(measured[0], "control"), measured[1]
    judged = control.judge_control(table, 0).set_index(["part", "against", "value"])
    rows = table.pivot_table(index="image", columns="arm", values="cost")
    gain = (rows[control.RIGHT] - rows[control.WITHOUT]).mean()
    row = judged.loc[(ALL, control.WITHOUT, "cost")]
    assert row["mean"] == pytest.approx(gain)
    assert row["low"] < gain < row["high"]
    assert row["images"] == table["image"].nunique()
    assert f"{gain:+.4f}" in printed
    assert "guessing" in printed
    each = judged.xs((control.WITHOUT, "cost"), level=["against", "value"]).loc[list(PARTS["halves"]), "mean"]
    assert each.mean() == pytest.approx(gain)
    assert each.nunique() == len(each)


def test_arms_belong_together_by_what_they_were_trained_for(trained, captioned, tmp_path):
    def pairs(folder, controls):
        found = arms.pair_arms(folder.glob("*.safetensors"), controls)
        return [tuple(path and path.stem for path in pair) for pair in found]

    halves, planes = (tuple(f"{run}-low-0" for run in (name, f"{name}-without")) for name in ("control", "planes"))
    assert pairs(trained, True) == [halves, ("control-low-1", None), planes]
    assert pairs(trained, False) == pairs(captioned, True) == []
    full = [(f"full-low-{seed}", f"without-adapter-low-{seed}") for seed in (0, 1)]
    assert pairs(captioned, False) == [("full-code-scale-low-0", None), *full]
    for name in ("control-low-1", "control-without-low-0"):
        shutil.copy(trained / f"{name}.safetensors", tmp_path)
    assert pairs(tmp_path, True) == [("control-low-1", None)]


def test_a_folder_without_models_is_told_before_anything_is_measured(load_tool, tmp_path):
    with pytest.raises(SmicnbError, match="found no model of TACO"):
        load_tool("measure_text_control").main([str(tmp_path), "--data", "embedded", "--out", str(tmp_path / "out")])
    assert list(tmp_path.iterdir()) == []


def test_what_captions_are_worth_is_measured_in_files_seed_by_seed(captioned, measure_small, tmp_path):
    for seed in (1, 0):
        (tmp_path / str(seed)).mkdir()
        for path in captioned.glob(f"*-{seed}.safetensors"):
            shutil.copy(path, tmp_path / str(seed))
        out = measure_small(tmp_path / str(seed))
    assert {path.name for path in out.glob("*.png")} == {"captions.png"}
    points, judged = (pd.read_csv(out / f"{name}.csv", dtype={"seed": str}) for name in ("captions", "caption_gains"))
    arms_of = points.groupby("codec")["arm"].agg(set)
    assert arms_of["TACO full-code-scale (seed 0)"] == {arms.OWN, arms.ANOTHER}
    assert len(points) == 2 * 3 * 3 + 2 * 3  # seeds, arms, photographs, and those of the run alone
    assert list(judged["seed"].unique()) == ["0", "1", ALL]
    alone = judged[judged["run"] == "full-code-scale"]
    assert (set(alone["against"]), set(alone["verdict"].dropna())) == ({arms.ANOTHER}, {TOO_FEW})
    codecs = [TacoCodec(captioned / f"{run}-low-1.safetensors") for run in ("full", "without-adapter")]
    items = select_tested(image_collections.load("embedded"), 96).items
    told = NearestWords(codecs[0].encoder(), image_collections.words()).caption([item.image() for item in items])
    rows = points[points["codec"] == codecs[0].name].set_index(["arm", "image"])
    for arm, codec, caption in (
        (arms.OWN, codecs[0], items[0].caption or told[0]),
        (arms.ANOTHER, codecs[0], items[1].caption or told[1]),
        (arms.WITHOUT, codecs[1], ""),
    ):
        picture, row = items[0].image(), rows.loc[(arm, items[0].id)]
        data = codec.encode(picture, caption)
        error = np.square(picture.astype(float) - codec.decode(data)).mean()
        assert row["bpp"] == pytest.approx(8 * len(data) / picture[..., 0].size, rel=1e-5)
        assert row["cost"] == pytest.approx(row["bpp"] + LAMBDA * error + 3.5 * row["lpips"], rel=1e-4)


def test_an_interval_over_images_and_the_spread_over_seeds_decide_what_captions_are_worth():
    rng, rows = np.random.default_rng(0), []
    for image in range(20):
        base = 1 + rng.uniform()
        for seed in (0, 1):
            for arm, gain in ((arms.OWN, 0.2), (arms.ANOTHER, 0.2 - 0.19 * seed), (arms.WITHOUT, 0)):
                about = {"codec": f"TACO full (seed {seed})", "arm": arm, "dataset": "x", "scene": image}
                cost = base - gain + 0.01 * rng.standard_normal()
                rows.append(about | {"image": str(image), "cost": cost, "bpp": base})
    judged = arms.judge_captions(pd.DataFrame(rows), 0).set_index(["against", "value", "seed"])
    assert judged.loc[(arms.WITHOUT, "cost", ALL), "verdict"] == LOWER
    assert judged.loc[(arms.WITHOUT, "cost", "1"), "mean"] == pytest.approx(-0.2, abs=0.02)
    assert judged.loc[(arms.ANOTHER, "cost", ALL), "verdict"] == UNDECIDED  # the seeds are farther apart
    assert judged.loc[(arms.WITHOUT, "bpp", ALL), "verdict"] == UNDECIDED


def test_the_middle_of_a_picture():
    image = np.arange(5 * 8 * 3).reshape(5, 8, 3)
    np.testing.assert_array_equal(control.cut_middle(image, 2), image[1:3, 3:5])
    np.testing.assert_array_equal(control.cut_middle(image, 6), image[:, 1:7])
    assert control.cut_middle(image, 0) is image
