"""SIC and its twin on equal terms, measured on tiny networks, and judged on curves whose distance is known."""

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tiny_sic import TINY, random_sic

from smicnb.base.errors import SmicnbError
from smicnb.compare.images.ablations import ALL
from smicnb.compare.verdicts import TOO_FEW, UNDECIDED
from smicnb.learned.files import checkpoints
from smicnb.learned.training.plans import SicRun
from smicnb.learned.training.sic_losses import SicWeights
from smicnb.semantics.photographs import image_collections
from smicnb.studies.committed import Tables
from smicnb.studies.sic import equal
from smicnb.studies.sic.verdicts import FEWER, MORE, sic_equal_terms
from smicnb.studies.taco.measures import select_tested


def save(folder, name, seed=0, **about):
    facts = {
        "run": SicRun(steps=1000, crop=64, batch=2, milestones=[0.8, 0.95], **about).model_dump(),
        "loss": SicWeights().model_dump(),
    }
    path = folder / f"{name.replace('/', '-')}.safetensors"
    checkpoints.save(path, "sic", name, random_sic(TINY, seed), facts)
    losses = {"step": [50, 400, 800, 900, 1000], "part": ["fitted", *["validated"] * 4], "loss": [9.0, 4, 2, 1.9, 1.5]}
    pd.DataFrame(losses).to_parquet(path.with_suffix(".parquet"))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("equal")
    save(folder, "pilot-sic-slow/all/0")
    for seed in (0, 1):
        for number, rate in enumerate(("high", "low")):
            save(folder, f"twin/{rate}/{seed}", 10 * number + seed, objective="rate-distortion")
        save(folder, f"sic/all/{seed}", seed)
    return folder


@pytest.fixture
def measure_on(load_tool, tmp_path, monkeypatch):
    small = select_tested(image_collections.load("embedded"), 96)
    monkeypatch.setattr(equal, "METRICS", ("psnr",))

    def run(folder, images=slice(2)):
        monkeypatch.setattr(image_collections, "load", lambda name: replace(small, items=small.items[images]))
        load_tool("measure_equal_terms").main([str(folder), "--data", "embedded", "--out", str(tmp_path)])

    return run


def test_the_tool_writes_curves_bits_for_equal_quality_and_jpeg_beside_them(trained, measure_on, tmp_path, capsys):
    measure_on(trained)
    assert {path.name for path in tmp_path.iterdir()} > {"rates.png", "bd_rates.md", "beside_jpeg.csv"}
    made_from = json.loads((tmp_path / "rates.json").read_text())["made_from"]
    twins = [f"twin/{rate}/{seed}" for rate in ("high", "low") for seed in (0, 1)]
    assert list(made_from) == ["collection", *(f"model {name}" for name in ("sic/all/0", "sic/all/1", *twins))]
    points, rates, beside = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("rates", "bd_rates", "beside_jpeg"))
    assert set(points["codec"]) == {"JPEG", *(f"SIC {run} (seed {seed})" for run in ("sic", "twin") for seed in (0, 1))}
    assert list(rates["seed"]) == ["0", "1", "all"]
    assert len(beside) == 2 * (TINY.levels + 2)
    trainings = pd.read_csv(tmp_path / "losses.csv").set_index("model")
    assert trainings.loc["sic/all/0", ["steps", "loss_before", "loss", "fall"]].tolist() == [1000, 2.0, 1.5, 0.25]
    verdict = rates["verdict"].iloc[-1]
    assert isinstance(verdict, str)
    assert verdict in capsys.readouterr().out


def test_seeds_that_are_measured_one_after_the_other_make_the_same_tables(trained, measure_on, tmp_path):
    for seed in (1, 0):
        folder = tmp_path / f"seed{seed}"
        folder.mkdir()
        for path in trained.glob(f"*-{seed}.*"):
            (folder / path.name).write_bytes(path.read_bytes())
        measure_on(folder)
    apart = {path.name: path.read_bytes() for path in tmp_path.glob("*.csv")}
    hashes = json.loads((tmp_path / "rates.json").read_text())["made_from"]
    with pytest.raises(SmicnbError, match="was made from another collection"):
        measure_on(trained, slice(1))
    for path in tmp_path.glob("*.*"):
        path.unlink()
    measure_on(trained)
    for name, data in apart.items():
        pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(data)), pd.read_csv(tmp_path / name), rtol=1e-4)
    assert hashes == json.loads((tmp_path / "rates.json").read_text())["made_from"]


def curves(bits, noise=0.0):
    """Points of SIC and its twin: of each seed SIC takes so many times the twin's bits."""
    rng, rows = np.random.default_rng(0), []
    for image in range(12):
        for seed, times in enumerate(bits):
            for run, factor in (("twin", 1.0), ("sic", times)):
                for step in range(4):
                    rate = 0.1 * 2**step * factor * np.exp(noise * rng.standard_normal())
                    about = {"codec": f"SIC {run} (seed {seed})", "setting": str(step), "dataset": "x"}
                    rows.append(about | {"scene": image, "image": str(image), "bpp": rate, "psnr": 20.0 + step})
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("bits", "verdict"),
    [
        ((1.2, 1.3, 1.25), MORE),
        ((0.8, 0.7), FEWER),
        ((1.4, 1.05), UNDECIDED),  # on one side, but the seeds are farther apart
        ((1.2, 0.9), UNDECIDED),
        ((1.2,), TOO_FEW),
    ],
)
def test_an_interval_decides_where_the_mean_is_beyond_the_spread_over_seeds(bits, verdict):
    rows = equal.bd_rates(curves(bits), 0, ["psnr"]).set_index("seed")
    assert [rows.loc[str(seed), "mean"] for seed in range(len(bits))] == pytest.approx([100 * (b - 1) for b in bits])
    whole = rows.loc[ALL]
    assert whole["mean"] == pytest.approx(100 * (np.mean(bits) - 1))
    assert whole["spread"] == pytest.approx(100 * np.ptp(bits), abs=1e-6)
    assert (whole["verdict"], whole["images"]) == (verdict, 12)


def test_a_seed_counts_once_its_twin_has_a_model_for_every_rate():
    points = curves((1.2, 1.3))
    early = points[(points["codec"] != "SIC twin (seed 1)") | (points["setting"] < "2")]
    assert list(equal.bd_rates(early, 0, ["psnr"])["seed"]) == ["0", ALL]
    assert list(equal.bd_rates(points, 0, ["psnr"])["seed"]) == ["0", "1", ALL]


@pytest.mark.parametrize(("bits", "outcome"), [((1.2, 1.3), "measured"), ((1.2, 0.9), "undecided")])
def test_the_map_says_what_the_tables_say(tmp_path, bits, outcome):
    folder = tmp_path / "sic_equal_terms"
    folder.mkdir()
    equal.bd_rates(curves(bits), 0, ["psnr"]).to_csv(folder / "bd_rates.csv", index=False)
    names = [f"SIC {run} (seed 0)" for run in ("sic", "twin")]
    beside = pd.DataFrame({"codec": [*names, names[0]], "difference": [-3.04, 0.5, -1.26]})
    beside.to_csv(folder / "beside_jpeg.csv", index=False)
    found = sic_equal_terms(Tables(tmp_path))
    assert found.outcome == outcome
    mean, seeds = 100 * (np.mean(bits) - 1), ", ".join(f"{100 * (one - 1):+.0f}" for one in bits)
    assert f"sic against twin, equal in steps: {mean:+.0f} % [" in found.sentence
    assert f"(each seed: {seeds}; {MORE if outcome == 'measured' else UNDECIDED})" in found.sentence
    assert "sic less JPEG at equal rate -3.0 to -1.3 dB in PSNR; twin less JPEG at equal rate +0.5" in found.sentence


def test_an_interval_that_holds_zero_decides_nothing():
    rows = equal.bd_rates(curves((1.01, 1.02), noise=0.5), 0, ["psnr"]).set_index("seed")
    assert rows.loc[ALL, "verdict"] == UNDECIDED


def test_without_models_it_is_said_which_were_looked_for(tmp_path):
    save(tmp_path, "pilot-sic-slow/all/0")
    with pytest.raises(SmicnbError, match="no model of sic, sic-lpips, twin"):
        equal.find_compared(tmp_path)
