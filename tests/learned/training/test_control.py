"""TACO's positive control: what is named is what counts, with text and without."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from test_loop import one
from tiny_taco import TINY

from smicnb.base.errors import SmicnbError
from smicnb.learned.networks.taco import Reconstruction, Taco
from smicnb.learned.training import control, loop, plans
from smicnb.learned.training.losses import LossWeights, TacoLoss
from smicnb.learned.training.photographs import Photographs
from smicnb.learned.training.plans import SicRun, TacoRun
from smicnb.learned.training.sic_losses import SicWeights
from smicnb.semantics.encoders.encoders import encoder
from smicnb.semantics.encoders.lite0_minilm import Lite0MiniLM

# Of a crop of 64 pixels, written out.
SLICES = {"left": np.s_[:, :32], "right": np.s_[:, 32:], "upper": np.s_[:32], "lower": np.s_[32:]}


@pytest.fixture
def two_sided():
    """Photographs that are dark on the left, of the size of a crop: it is mirrored where the right is dark."""
    image = np.full((64, 64, 3), 255, np.uint8)
    image[:, :32] = 0
    part = Photographs([image], ("a wall",), {}, "", {})
    return [part, part]


def darkened(seen):
    """A network that errs in the dark alone, by 0.1, and keeps what it was given of text."""

    def network(pixels, tokens, mask):
        seen.append((tokens, mask))
        return Reconstruction(torch.where(pixels < 0.5, pixels + 0.1, pixels), torch.zeros(len(pixels)))

    return network


def make_task(parts, text="none", task="halves"):
    training = one(text=text, control=task)
    trainer = loop.Trainer(training, *parts, Path("nowhere"))
    trainer.task = loop.TASKS["taco"](training, trainer.parts, "cpu")
    return trainer


def test_the_half_that_counts_is_that_of_the_crop_as_it_was_mirrored(two_sided):
    trainer, found = make_task(two_sided), set()
    for step in range(24):
        batch = trainer.draw_batch("fitted", (0, step))
        terms = trainer.task.terms(darkened([]), batch, step)
        names = [control.HALVES[half] for half in control.draw_parts(2, batch.seed, "halves")]
        errors = [np.where(crop.permute(1, 2, 0).numpy() < 0.5, 25.5**2, 0) for crop in batch.pixels]
        inside = np.mean([error[SLICES[name]].mean() for name, error in zip(names, errors, strict=True)])
        outside = np.mean(
            [error[SLICES[control.OPPOSITE[name]]].mean() for name, error in zip(names, errors, strict=True)]
        )
        assert terms["mse"].item() == pytest.approx(inside, rel=1e-4)
        assert terms["mse_other"].item() == pytest.approx(outside, rel=1e-4)
        assert terms["loss"].item() == pytest.approx(0.01 * inside, rel=1e-4)
        found |= {(name, bool(error[0, 0, 0] > 0)) for name, error in zip(names, errors, strict=True)}
    assert len(found) == 8  # each half of crops that were mirrored and of others


def test_two_opposite_halves_are_the_whole_also_of_odd_sides():
    marks = dict(zip(control.HALVES, control.mark_halves(range(4), 5, 7), strict=True))
    for half in control.HALVES:
        assert (marks[half] ^ marks[control.OPPOSITE[half]]).all(), half
    assert [int(marks[half].sum()) for half in ("left", "right", "upper", "lower")] == [15, 20, 14, 21]
    assert marks["left"][0, 2, 0]
    assert marks["upper"][0, 0, 3]


def test_an_error_everywhere_weighs_as_much_as_in_a_whole_picture():
    pixels, bits = torch.zeros(2, 3, 64, 64), torch.zeros(2)
    loss = TacoLoss(LossWeights(distortion=0.01, lpips=0, joint=0))
    made = Reconstruction(pixels + 0.1, bits)
    halves = loss(made, pixels, None, partial(control.split_error, task="halves", parts=[0, 3]))
    assert halves["loss"].item() == pytest.approx(loss(made, pixels, None)["loss"].item(), rel=1e-5)


@pytest.mark.parametrize("parts", [[0, 0], [0, 1], [1, 0], [1, 1]])
def test_brightness_and_colours_are_the_planes_that_jpeg_codes(parts):
    """As Pillow converts, but for its rounding."""
    made, pixels = np.random.default_rng(0).uniform(0, 255, (2, 2, 16, 16, 3)).astype(np.uint8)
    planes = [[np.array(Image.fromarray(one).convert("YCbCr"), float) for one in some] for some in (made, pixels)]
    squares = np.square(np.subtract(*planes))
    errors = [{0: each[..., 0].mean(), 1: each[..., 1:].mean()} for each in squares]
    made, pixels = (torch.from_numpy(some).permute(0, 3, 1, 2) / 255 for some in (made, pixels))
    found = control.split_error(made, pixels, "planes", parts)
    named, other = np.mean([(of[part], of[1 - part]) for of, part in zip(errors, parts, strict=True)], axis=0)
    assert [each.item() for each in found] == pytest.approx([named, other], rel=2e-3)


def test_without_text_the_loss_is_the_same_and_no_token_is_read(two_sided, monkeypatch):
    seen = []
    with_text = make_task(two_sided, "adapter")
    monkeypatch.setattr(Lite0MiniLM, "text_tokens", lambda *_: pytest.fail("read"))
    without = make_task(two_sided)
    for step in range(4):
        batch = with_text.draw_batch("fitted", (3, step))
        terms = [trainer.task.terms(darkened(seen), batch, step) for trainer in (with_text, without)]
        assert terms[0] == terms[1]
        assert seen[-2][0] is not None
        assert seen[-1] == (None, None)


@pytest.mark.parametrize("task", ["halves", "planes"])
def test_the_sentence_that_is_read_is_that_of_the_part(two_sided, task):
    trainer, seen, model = make_task(two_sided, "adapter", task), [], encoder("lite0-minilm")
    for step in range(6):
        batch = trainer.draw_batch("fitted", (1, step))
        trainer.task.terms(darkened(seen), batch, step)
        tokens, mask = seen[-1]
        for row, part in enumerate(control.draw_parts(2, batch.seed, task)):
            sentence = control.SENTENCES[control.PARTS[task][part]]
            assert torch.equal(tokens[row][mask[row]], model.text_tokens([sentence])[0][0].float())


@pytest.mark.parametrize(("task", "count"), [("halves", 4), ("planes", 2)])
def test_parts_are_decided_by_the_seed_and_all_are_drawn(task, count):
    drawn = np.array([control.draw_parts(8, (0, step), task) for step in range(50)])
    np.testing.assert_array_equal(drawn[7], control.draw_parts(8, (0, 7), task))
    assert (np.bincount(drawn.ravel(), minlength=count) > 240 / count).all()
    assert (control.draw_parts(50, (1, 7), task) != control.draw_parts(50, (0, 7), task)).any()


def test_a_task_of_place_alone_names_the_left_half_throughout(two_sided):
    assert not control.draw_parts(50, (0, 7), "left").any()
    trainer = make_task(two_sided, task="left")
    for step in range(6):
        batch = trainer.draw_batch("fitted", (0, step))
        dark = batch.pixels[:, 0, 0, 0] < 0.5  # on the left
        terms = trainer.task.terms(darkened([]), batch, step)
        assert terms["mse"].item() == pytest.approx(25.5**2 * dark.float().mean().item(), rel=1e-4)


def test_of_a_seed_the_weights_are_the_same_with_text_as_without(parts):
    first, second = (dict(make_task(parts, text).begin_network().named_parameters()) for text in ("none", "adapter"))
    assert set(first) < set(second)
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    plain = dict(Taco(replace(TINY, text="none")).named_parameters())
    assert not torch.equal(plain["g_s.0.conv_b.3.weight"], first["g_s.0.conv_b.3.weight"])


@pytest.mark.parametrize("task", ["halves", "planes"])
def test_validation_tells_of_what_counts_and_of_the_rest(parts, tmp_path, task):
    (path,) = loop.train([one(text="adapter", control=task, steps=2)], *parts, tmp_path)
    log = pd.read_parquet(tmp_path / "base-low-0.parquet")
    assert np.isfinite(log[log["part"] == "validated"][["bpp", "mse", "mse_other", "loss"]].to_numpy()).all()
    assert loop.checkpoints.load(path).facts["run"]["control"] == task


@pytest.mark.parametrize("text", ["adapter", "none"])
def test_an_interrupted_control_goes_on_the_same(parts, tmp_path, interrupt, text):
    training = one(text=text, control="halves", steps=5)
    loop.train([training], *parts, tmp_path / "whole")
    interrupt(training, parts, tmp_path / "again", 3)
    assert (tmp_path / "again" / "base-low-0.state.safetensors").exists()
    loop.train([training], *parts, tmp_path / "again")
    for name in ("base-low-0.safetensors", "base-low-0.parquet"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_control_has_squared_error_alone():
    with pytest.raises(ValueError, match="no weight for lpips"):
        TacoRun(steps=1, control="halves", loss={"lpips": 1})
    assert TacoRun(steps=1, control="halves", loss={"joint": 0}).control == "halves"


def test_options_that_came_later_are_not_said_where_they_are_not_used():
    """Else the identity of every training before them, and what its checkpoint says, would be another one."""
    assert "control" not in TacoRun(steps=1).model_dump()
    assert "lpips" not in SicWeights().model_dump(mode="json")
    assert TacoRun(steps=1, control="halves").model_dump()["control"] == "halves"
    assert SicWeights(lpips=0).model_dump()["lpips"] == 0
    assert "control" not in SicRun(steps=1).model_dump()


def test_the_plan_of_the_control_trains_equals(repository):
    plan = plans.read_plan(repository / "recipes" / "train" / "taco-control.yaml")
    found = {each.name: each for each in plans.trainings(plan)}
    assert list(found) == [
        *("control/low/0", "control/low/1", "control-without/low/0", "control-without/low/1"),
        *("base/low/0", "control-branch/low/0", "control-branch-without/low/0"),
        *("full/low/0", "full/low/1", "without-adapter/low/0", "without-adapter/low/1", "full-code-scale/low/0"),
        *("position/low/0", "planes/low/0", "planes-without/low/0"),
    ]
    pairs = (
        ("control", "control-without"),
        ("control-branch", "control-branch-without"),
        ("full", "without-adapter"),
        ("planes", "planes-without"),
    )
    for text, none in pairs:
        one, other = found[f"{text}/low/0"], found[f"{none}/low/0"]
        assert one.run.model_copy(update={"text": "none"}) == other.run
        assert (one.weights, one.start, one.seed) == (other.weights, other.start, other.seed)
        assert replace(one.config, text="none") == other.config
    assert (found["control/low/0"].weights.lpips, found["control/low/0"].weights.joint) == (0, 0)
    code, clip = found["full-code-scale/low/0"], found["full/low/0"]
    assert code.weights == clip.weights.model_copy(update={"logit_scale": "code"})
    assert code.run.steps == clip.run.steps


def test_a_plan_says_what_is_wrong_with_a_control(tmp_path, repository):
    path = tmp_path / "plan.yaml"
    text = (repository / "recipes" / "train" / "taco-control.yaml").read_text()
    path.write_text(text.replace("    control: halves\n", "    control: halves\n    loss: {joint: 1}\n", 1))
    with pytest.raises(SmicnbError, match=r"runs\.control: .*no weight for joint"):
        plans.read_plan(path)
