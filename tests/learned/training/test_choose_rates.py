"""The choice of the twin's λ: rates of levels and twins on validation crops, and λ between those that were trained."""

import numpy as np
import pandas as pd
import pytest
from tiny_sic import TINY, random_sic

from smicnb.learned.files import checkpoints
from smicnb.learned.training.plans import SicRun
from smicnb.learned.training.sic_losses import SicWeights, twin_weights_at


def save(folder, name, seed=0, scale=1.0, **about):
    facts = {
        "run": SicRun(steps=1, crop=64, batch=2, **about).model_dump(),
        "loss": SicWeights(scale=scale).model_dump(),
    }
    checkpoints.save(folder / f"{name.replace('/', '-')}.safetensors", "sic", name, random_sic(TINY, seed), facts)


def test_levels_and_twins_stand_in_one_table_of_validation_crops(tmp_path, load_tool, capsys):
    save(tmp_path, "sic/all/0")
    save(tmp_path, "twin/low/0", scale=0.5, objective="rate-distortion")
    tool = load_tool("choose_rates")
    tool.main([str(tmp_path), "--data", "embedded", "--crops", "4"])
    head, *lines = capsys.readouterr().out.splitlines()[-TINY.levels - 2 :]
    assert head.split() == ["model", "level", "lambda", "bpp", "mse", "psnr", "twin_lambda", "within"]
    rows = [line.split() for line in lines]
    assert [row[:2] for row in rows] == [
        *(["sic/all/0", str(level)] for level in range(1, TINY.levels + 1)),
        ["twin/low/0", str(TINY.levels)],
    ]
    rates = [float(row[3]) for row in rows]
    assert rates[:-1] == sorted(rates[:-1])
    assert rates[-1] == rates[-2]  # the same weights: a twin is all levels
    assert [float(row[2]) for row in rows] == pytest.approx(
        [*(twin_weights_at(level, TINY.levels)[0] for level in range(1, TINY.levels + 1)), 0.5], rel=1e-3
    )
    assert rows[-1][-1] == "yes"


def test_a_twin_s_lambda_is_read_between_those_that_were_trained(load_tool):
    rows = [
        ("sic", "synonymous", 1, 1.0, 0.1, 10.0),
        ("sic", "synonymous", 2, 1.0, 0.2, 10.0),
        ("twin", "rate-distortion", 2, 0.001, 0.15, 10.0),
        ("twin", "rate-distortion", 2, 0.004, 0.6, 10.0),
    ]
    table = pd.DataFrame(rows, columns=["model", "objective", "level", "lambda", "bpp", "mse"])
    found = load_tool("choose_rates").propose(table)
    assert np.isnan(found["twin_lambda"][0])
    assert found["twin_lambda"][1] == pytest.approx(0.001 * 0.2 / 0.15)  # a line of slope 1 on logarithmic axes
    assert list(found["within"]) == ["", "", "yes", "no"]
    assert found["psnr"][0] == pytest.approx(10 * np.log10(65025 / 10))
