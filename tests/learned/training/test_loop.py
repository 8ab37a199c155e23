"""Training: the same again, the same after a kill, and stopped with the last good state where the loss breaks."""

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from tiny_taco import TINY

from smicnb.base.errors import ImageError, SmicnbError
from smicnb.learned.files import checkpoints
from smicnb.learned.networks import sic
from smicnb.learned.training import curves, loop, plans
from smicnb.learned.training.loop import Trainer
from smicnb.learned.training.losses import LossWeights
from smicnb.learned.training.photographs import FITTED, VALIDATED, photographs
from smicnb.learned.training.plans import TacoRun, Training
from smicnb.semantics.encoders.encoders import encoder

PLAIN = {"lpips": 0, "joint": 0}


def one(name="base/low/0", text="none", start=None, steps=6, seed=0, train="all", control=None, **loss):
    run = TacoRun(start=start, steps=steps, crop=64, batch=2, learning_rate=1e-3, text=text, train=train, joint_side=64,
                  control=control)  # fmt: skip
    weights = LossWeights(distortion=0.01, **(PLAIN | loss))
    return Training("taco", name, replace(TINY, text=text), run, weights, seed, start)


def numbers(path):
    return {name: value.clone() for name, value in checkpoints.load(path).network.named_parameters()}


def equal(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_it_learns(parts, tmp_path):
    facts = Trainer(one(steps=100), *parts, tmp_path).run().facts
    log = pd.read_parquet(tmp_path / "base-low-0.parquet")
    fitted = log[log["part"] == "fitted"]
    assert fitted["mse"].iloc[-1] < fitted["mse"].iloc[0] / 2
    assert facts["data"]["fitted"] == parts[0].sha256
    assert facts["validation"]["bpp"] > 0
    assert not (tmp_path / "base-low-0.state.safetensors").exists()
    assert curves.draw(tmp_path).stat().st_size > 10_000


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
import torch
torch.set_num_threads(1)
from test_loop import one, photographs, encoder, loop, VALIDATED
parts = [photographs(["embedded"], VALIDATED, 64, encoder("lite0-minilm"))] * 2
loop.KEEP_EVERY = 2
loop.train([one(steps=STEPS, lpips=1.0)], *parts, Path(sys.argv[1]))
"""


def test_killed_and_resumed_equals_undisturbed(parts, tmp_path, repository, monkeypatch):
    """Killed in another process, resumed in this one: nothing but the state's file passes from one to the other."""
    steps = 14
    source = KILLED.replace("STEPS", str(steps))
    paths = [repository / "tests" / "learned" / "training", repository / "tests" / "helpers"]
    killed = subprocess.Popen([sys.executable, "-c", source, tmp_path / "killed", *paths])
    state = tmp_path / "killed" / "base-low-0.state.safetensors"
    while not state.exists():
        assert killed.poll() is None
        time.sleep(0.02)
    time.sleep(0.2)
    killed.kill()
    killed.wait()
    assert state.exists(), "it was done before it could be killed"
    assert not (tmp_path / "killed" / "base-low-0.safetensors").exists()
    monkeypatch.setattr(loop, "KEEP_EVERY", 2)
    for folder in ("killed", "whole"):
        loop.train([one(steps=steps, lpips=1.0)], *parts, tmp_path / folder)
    for name in ("base-low-0.safetensors", "base-low-0.parquet"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_is_done_is_not_done_again_unless_it_is_another(parts, tmp_path, monkeypatch):
    branch = ("branch/low/0", "adapter", "base/low/0", 2)
    loop.train([one(), one(*branch)], *parts, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(Trainer, "take_step", lambda *arguments: pytest.fail("trained again"))
    loop.train([one(), one(*branch)], *parts, tmp_path)
    for trainings, unlike in (
        ([one(seed=1)], "other seed"),
        ([one("new/low/0"), one(steps=7, distance="batch")], "other run.steps, loss.distance"),
        ([one(text="tgic")], "other config, run.text"),
    ):
        with pytest.raises(SmicnbError, match=rf"'.*base-low-0\.safetensors' is of another training \({unlike}\)"):
            loop.train(trainings, *parts, tmp_path)
    with pytest.raises(SmicnbError, match=r"of another training \(other photographs\)"):
        loop.train([one()], parts[0], replace(parts[1], sha256="0"), tmp_path)
    (tmp_path / "base-low-0.safetensors").rename(tmp_path / "aside")
    with pytest.raises(SmicnbError, match=r"'.*branch-low-0\.safetensors' is of another training \(other seed\)"):
        loop.train([one(), one(*branch, seed=1)], *parts, tmp_path)
    (tmp_path / "aside").rename(tmp_path / "base-low-0.safetensors")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_unfinished_training_is_not_begun_anew_by_another(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "KEEP_EVERY", 2)
    monkeypatch.setattr(Trainer, "write_log", lambda *_: (_ for _ in ()).throw(RuntimeError("stopped")))
    with pytest.raises(RuntimeError, match="stopped"):
        loop.train([one()], *parts, tmp_path)
    state = tmp_path / "base-low-0.state.safetensors"
    before = state.read_bytes()
    with pytest.raises(SmicnbError, match=r"'.*base-low-0\.state\.safetensors' is the state of another training"):
        loop.train([one(seed=1)], *parts, tmp_path)
    assert state.read_bytes() == before


def test_a_branch_starts_from_its_base_and_stays_near_it(parts, tmp_path):
    loop.train([one(steps=60)], *parts, tmp_path)
    base = numbers(tmp_path / "base-low-0.safetensors")
    branch = Trainer(one("full/low/0", "adapter", "base/low/0"), *parts, tmp_path)
    branch.task = loop.TASKS["taco"](branch.training, branch.parts, "cpu")
    network = branch.begin_network()
    assert equal({name: value for name, value in base.items() if "g_s" in name}, dict(network.named_parameters()))
    batch = branch.draw_batch("validated", (0,))
    pixels, (tokens, mask, _) = batch.pixels, branch.task.select_texts(batch)
    with torch.no_grad():
        features = network.g_a.fine(pixels)
        injector = network.g_a.inject_fine
        tokens = network.g_a.tokens(tokens)
        apart = (injector(features, tokens, mask) - features).square().mean()
        torch.nn.init.ones_(injector.norm_image.weight)
        torch.nn.init.zeros_(injector.norm_image.bias)
        unprepared = (injector(features, tokens, mask) - features).square().mean()
    assert apart < min(unprepared, features.square().mean()) / 2


def test_a_frozen_base_is_left_as_it_is(parts, tmp_path):
    loop.train([one(), one("frozen/low/0", "adapter", "base/low/0", train="adapter")], *parts, tmp_path)
    base, frozen = (numbers(tmp_path / f"{name}-low-0.safetensors") for name in ("base", "frozen"))
    assert equal(base, frozen)
    assert frozen["g_a.inject_coarse.gamma"].abs().max() > 0


@pytest.mark.parametrize("text", ["adapter", "tgic"])
def test_all_terms_together(parts, tmp_path, text):
    loop.train([one(text=text, lpips=3.5, joint=0.0025, steps=2)], *parts, tmp_path)
    log = pd.read_parquet(tmp_path / "base-low-0.parquet")
    assert np.isfinite(log[["bpp", "mse", "lpips", "contrast", "distance", "loss"]].to_numpy()).all()


def test_a_loss_that_breaks_stops_and_keeps_the_last_good_state(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "KEEP_EVERY", 2)
    step = Trainer.take_step

    def breaking(self, network, optimisers, number):
        if number == 5:
            with torch.no_grad():
                network.g_s[0].conv_b[3].weight.fill_(float("nan"))
        return step(self, network, optimisers, number)

    monkeypatch.setattr(Trainer, "take_step", breaking)
    with pytest.raises(SmicnbError, match=r"not finite at step 6; .*base-low-0\.state"):
        loop.train([one(steps=9)], *parts, tmp_path)
    assert not (tmp_path / "base-low-0.safetensors").exists()
    monkeypatch.setattr(Trainer, "take_step", step)
    loop.train([one(steps=9)], *parts, tmp_path)
    loop.train([one(steps=9)], *parts, tmp_path / "undisturbed")
    name = "base-low-0.safetensors"
    assert (tmp_path / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()


def test_broken_photographs_are_skipped_and_counted(tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(9):
        noise = np.random.default_rng(number).integers(0, 255, (80, 90, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:500])
    (folder / "words.jpg").write_text("no picture")
    Image.new("RGB", (40, 40)).save(folder / "small.png")
    found = [photographs([f"folder:{folder}"], splits, 64, encoder("lite0-minilm")) for splits in (FITTED, VALIDATED)]
    assert sum(len(part.images) for part in found) == 9
    assert sum(part.skipped.get("smaller than 64 pixels", 0) for part in found) == 1
    for part in found:
        assert part.skipped["not an image"] == 1
        assert part.skipped["truncated or damaged"] == 1
        assert "nearest-words of lite0-minilm" in part.summary
    with pytest.raises(ImageError, match="no photograph"):
        photographs([f"folder:{folder}"], FITTED, 512, encoder("lite0-minilm"))


def test_captions_of_the_data_set_are_taken_first(tmp_path):
    import json

    for number in range(6):
        Image.new("RGB", (80, 80), (40 * number, 0, 0)).save(tmp_path / f"kodim0{number}.png")
    (tmp_path / "kodak_captions.json").write_text(json.dumps({f"kodim0{k}.png": f"red {k}" for k in range(6)}))
    part = photographs([f"kodak:{tmp_path}"], FITTED, 64, encoder("lite0-minilm"))
    assert set(part.captions) <= {f"red {k}" for k in range(6)}
    assert part.sources == {"the data set": len(part.captions)}


def test_each_seed_and_step_has_noise_of_its_own():
    def noise(seed, step):
        torch.manual_seed(loop.mix_seed(seed, step))
        return tuple(torch.rand(4).tolist())

    steps = (0, 1, 249, 250, 19_999, 999_999)
    drawn = {noise(seed, step) for seed in (0, 1, 2, 3, 100, 2**31 - 1) for step in steps}
    assert len(drawn) == 6 * len(steps)
    torch.manual_seed(249)
    assert noise(0, 249) == tuple(torch.rand(4, generator=torch.Generator().manual_seed(249)).tolist())


def test_crops_are_decided_by_their_seed(parts):
    crops, chosen = parts[0].crops(8, 64, (1, 2))
    again, _ = parts[0].crops(8, 64, (1, 2))
    other, _ = parts[0].crops(8, 64, (1, 3))
    np.testing.assert_array_equal(crops, again)
    assert (crops != other).any()
    assert crops.shape == (8, 64, 64, 3)
    assert chosen.max() < len(parts[0].images)


def test_a_damaged_state_is_told(parts, tmp_path):
    (tmp_path / "base-low-0.state.safetensors").write_bytes(b"nothing")
    with pytest.raises(SmicnbError, match="delete it to start anew"):
        loop.train([one()], *parts, tmp_path)


def test_the_plan_of_the_small_models_names_them_as_shipped(repository):
    plan = plans.read_plan(repository / "recipes" / "train" / "taco-mini.yaml")
    shipped = [each for each in plans.trainings(plan) if each.run.ship]
    assert len(shipped) == 14
    assert {each.run.steps for each in shipped} == {plan.runs["full"].steps}


def test_the_plan_of_the_full_size_is_the_papers(repository):
    plan = plans.read_plan(repository / "recipes" / "train" / "taco-paper.yaml")
    for each in plans.trainings(plan, ["full"]):
        assert each.run.steps == -(-82783 * 50 // 4)  # COCO's training images, epochs, batch
        assert each.weights.distortion == float(each.name.split("/")[1])
        assert (each.run.crop, each.run.batch, each.run.learning_rate) == (256, 4, 1e-4)
        rates = [plans.learning_rate_at(each.run, -(-each.run.steps * epoch // 50)) for epoch in (44, 45, 48)]
        assert rates == pytest.approx([1e-4, 1e-5, 1e-6])


def test_the_plan_of_sics_full_size_is_the_papers(repository):
    plan = plans.read_plan(repository / "recipes" / "train" / "sic-paper.yaml")
    found = {each.name.split("/")[0]: each for each in plans.trainings(plan)}
    assert list(found) == ["one-sample", "five-samples", "one-sample-adversarial", "five-samples-adversarial"]
    for name, each in found.items():
        adversarial = name.endswith("adversarial")
        assert each.config == sic.FULL
        assert each.run.steps == (200_000 if adversarial else 1_000_000)
        assert (each.run.crop, each.run.batch) == (256, 16)
        assert {plans.learning_rate_at(each.run, step) for step in (0, each.run.steps - 1)} == {
            2e-4 if adversarial else 1e-4
        }
        assert each.run.warm_up == (0 if adversarial else 12_500)
