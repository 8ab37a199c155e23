"""The positive control, measured on tiny networks: rows for each picture, half and arm, of real files."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tiny_taco import TINY, random_taco

from smicnb.base.errors import SmicnbError
from smicnb.learned.files import checkpoints
from smicnb.learned.files.taco_codec import TacoCodec
from smicnb.learned.training.control import HALVES, OPPOSITE, SENTENCES
from smicnb.learned.training.plans import TacoRun
from smicnb.semantics.photographs import image_collections
from smicnb.studies.taco import control
from smicnb.studies.taco.measures import select_tested

LAMBDA = 0.002


def save(folder, name, text, seed=0, **about):
    run = TacoRun(steps=1, crop=64, text=text, **about).model_dump(mode="json")
    loss = {"distortion": LAMBDA, "logit_scale": "clip"}
    facts = {"run": run, "loss": loss, "seed": seed, "start": None, "data": {}, "validation": {"contrast": 2.5}}
    path = folder / f"{name.replace('/', '-')}.safetensors"
    checkpoints.save(path, "taco", name, random_taco(replace(TINY, text=text)), facts)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("control")
    save(folder, "control/low/0", "adapter", control="halves")
    save(folder, "control-without/low/0", "none", control="halves")
    save(folder, "control/low/1", "adapter", 1, control="halves")  # its other arm is not trained yet
    save(folder, "full/low/0", "adapter")
    return folder


@pytest.fixture(scope="module")
def measured(trained, load_tool, tmp_path_factory):
    """The table that the tool writes, and what it prints."""
    import contextlib
    import io

    printed, folder = io.StringIO(), tmp_path_factory.mktemp("out")
    rows, words = folder / "rows.csv", ["--data", "embedded", "--out", str(folder)]
    with contextlib.redirect_stdout(printed):
        load_tool("measure_text_control").main([str(trained), *words, "--rows", str(rows)])
    assert {path.stem for path in folder.glob("*.json")} == {"gains", "trainings", "contrast"}
    return pd.read_csv(rows, keep_default_na=False), printed.getvalue()


def test_there_is_a_row_for_each_picture_half_and_arm(measured):
    table, _ = measured
    pictures = select_tested(image_collections.load("embedded"), 768)
    assert len(table) == len(pictures) * 4 * 3
    assert not table.duplicated(["image", "half", "arm"]).any()
    assert set(table["image"]) == {item.id for item in pictures}
    assert (table["model"] == "control/low/0").all()
    told = table.groupby("arm")["sentence"].agg(set)
    assert told[control.RIGHT] == told[control.WRONG] == set(SENTENCES.values())
    assert told[control.WITHOUT] == {""}


def test_rates_are_lengths_of_files_and_errors_those_of_what_they_decode_to(measured, trained):
    table, _ = measured
    codec = TacoCodec(trained / "control-low-0.safetensors")
    item = select_tested(image_collections.load("embedded"), 768).items[1]
    image = item.image()
    top, left = (size // 2 - 32 for size in image.shape[:2])
    picture = np.ascontiguousarray(image[top : top + 64, left : left + 64])
    data = codec.encode(picture, SENTENCES["upper"])
    errors = np.square(picture.astype(float) - codec.decode(data))
    row = table.set_index(["image", "half", "arm"]).loc[(item.id, "upper", control.RIGHT)]
    assert row["bytes"] == len(data)
    assert row["bpp"] == pytest.approx(8 * len(data) / 64**2)
    assert row["mse_named"] == pytest.approx(errors[:32].mean())
    assert row["psnr_other"] == pytest.approx(10 * np.log10(255**2 / errors[32:].mean()))
    assert row["cost"] == pytest.approx(row["bpp"] + LAMBDA * row["mse_named"])


def test_a_wrong_sentence_is_the_file_of_the_opposite_half(measured):
    arms = {arm: one.set_index(["image", "half"]) for arm, one in measured[0].groupby("arm")}
    right, wrong, without = (arms[name] for name in (control.RIGHT, control.WRONG, control.WITHOUT))
    for image, half in right.index:
        other = right.loc[(image, OPPOSITE[half])]
        assert wrong.loc[(image, half), "bytes"] == other["bytes"]
        assert wrong.loc[(image, half), "mse_named"] == pytest.approx(other["mse_other"])
        assert without.loc[(image, half), "bytes"] == without.loc[(image, "left"), "bytes"]
    assert (right["bytes"] != wrong["bytes"]).any()  # the sentence reaches the file


def test_gains_are_means_over_pictures_with_intervals_over_scenes(measured):
    table, printed = measured
    judged = control.judge_control(table, 0).set_index(["against", "value"])
    rows = table.pivot_table(index="image", columns="arm", values="cost")
    gain = (rows[control.RIGHT] - rows[control.WITHOUT]).mean()
    row = judged.loc[(control.WITHOUT, "cost")]
    assert row["mean"] == pytest.approx(gain)
    assert row["low"] < gain < row["high"]
    assert row["images"] == table["image"].nunique()
    assert f"{gain:+.4f}" in printed
    assert "guessing" in printed
    one = control.judge_control(table, 0, halves=HALVES[:1]).set_index(["against", "value"])
    assert one.loc[(control.WITHOUT, "cost"), "mean"] != pytest.approx(gain)


def test_arms_belong_together_by_what_they_were_trained_for(trained, tmp_path):
    assert control.pair_controls(trained.glob("*.safetensors")) == [
        (trained / "control-low-0.safetensors", trained / "control-without-low-0.safetensors")
    ]
    for name in ("control-low-1", "control-without-low-0"):
        shutil.copy(trained / f"{name}.safetensors", tmp_path)
    with pytest.raises(SmicnbError, match="1 controls with text and 1 without, and no two"):
        control.pair_controls(tmp_path.glob("*.safetensors"))


def test_the_middle_of_a_picture():
    image = np.arange(5 * 8 * 3).reshape(5, 8, 3)
    np.testing.assert_array_equal(control.cut_middle(image, 2), image[1:3, 3:5])
    np.testing.assert_array_equal(control.cut_middle(image, 6), image[:, 1:7])
    assert control.cut_middle(image, 0) is image
