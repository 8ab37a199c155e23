"""Training SIC: levels take turns, samples and constraints have their terms, the adversary leaves all but g_s alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file
from test_loop import numbers
from tiny_sic import TINY, random_sic

from smicnb.learned.files import shipped
from smicnb.learned.networks.sic import FULL, MINI
from smicnb.learned.training import loop, plans, sic_task
from smicnb.learned.training.photographs import VALIDATED, Batch, Photographs, photographs
from smicnb.learned.training.plans import SicRun, Training
from smicnb.learned.training.sic_losses import (
    Discriminator,
    SicWeights,
    discriminator_loss,
    generator_loss,
    spread_of_rates,
    twin_weights_at,
)

LEVELS = TINY.levels


@pytest.fixture(scope="module")
def parts():
    """Without captions."""
    part = photographs(["embedded"], VALIDATED, 64, None)
    return [part, part]


def one(name="base/all/0", start=None, steps=4, lpips=None, **about):
    run = SicRun(start=start, steps=steps, crop=64, batch=2, learning_rate=1e-3, **about)
    config, weights = replace(TINY, detail=run.detail), SicWeights(lpips=lpips)
    return Training("sic", name, config, run, weights, 0, start, start is not None)


def task(parts, **about):
    return loop.TASKS["sic"](one(**about), dict(zip(("fitted", "validated"), parts, strict=True)), "cpu")


def batch(seed=0):
    torch.manual_seed(seed)
    return Batch("fitted", torch.rand(2, 3, 64, 64), np.arange(2))


def test_table_1_in_both_readings():
    weights = SicWeights().weights_at(8, 16)
    assert weights == {"mse": 1024, "lpips": 2**4, "bpp": 2**3}
    assert SicWeights(table="paper").weights_at(8, 16) == {"bpp": 1024, "mse": 2**4, "lpips": 2**3}
    assert SicWeights().weights_at(4, 8) == weights  # fewer levels take the same way through the table
    assert SicWeights(scale=3).weights_at(8, 16)["mse"] == 3 * 1024


def test_levels_take_turns_from_the_last_to_the_first(parts, monkeypatch):
    seen = []
    one = task(parts)
    network = random_sic(TINY).train()
    draw = network.draw_members
    monkeypatch.setattr(
        network, "draw_members", lambda coded, level, *how: seen.append(level) or draw(coded, level, *how)
    )
    for step in range(2 * LEVELS):
        one.terms(network, batch(), step)
    assert seen == 2 * list(range(LEVELS, 0, -1))


def test_the_last_level_alone_is_what_both_halves_say(parts):
    network = random_sic(TINY).train()
    terms = task(parts, constraints=False).terms(network, batch(), 0)
    weights = SicWeights().weights_at(LEVELS, LEVELS)
    expected = (
        weights["mse"] * terms["mse"] / 255**2 + weights["lpips"] * terms["lpips"] + weights["bpp"] * terms["bpp"]
    )
    assert terms["loss"].item() == pytest.approx(expected.item(), rel=1e-4)


def test_more_samples_are_a_mean_over_the_synset(parts):
    network = random_sic(TINY).train()
    given = batch()
    with torch.no_grad():
        few = [task(parts, samples=1).terms(network, given, 3)["mse"].item() for _ in range(12)]
        many = [task(parts, samples=6).terms(network, given, 3)["mse"].item() for _ in range(12)]
    assert 0 < np.std(many) < np.std(few)
    assert np.mean(many) == pytest.approx(np.mean(few), abs=3 * np.std(few))


def test_constraints_and_warm_up_add_their_terms(parts):
    network = random_sic(TINY).train()
    plain, bound, warm, after = (
        {name: value.item() for name, value in task(parts, **about).terms(network, batch(), 1).items()}
        for about in ({"constraints": False}, {}, *({"constraints": False, "warm_up": until} for until in (2, 1)))
    )
    assert bound["loss"] - bound["synset"] - bound["detail"] == pytest.approx(plain["loss"], rel=1e-4)
    assert bound["synset"] > 0
    assert bound["detail"] > 0
    assert warm["loss"] != pytest.approx(plain["loss"], rel=5e-5)
    assert after["loss"] == pytest.approx(plain["loss"], rel=1e-6)


def test_eq_47_by_hand():
    group_bpp = torch.tensor([0.1, 0.3, 0.2])
    assert spread_of_rates(group_bpp, 2, SicWeights()).item() == pytest.approx(64 * 0.1 - 4 * 0.3)


def test_the_twin_has_rate_and_squared_error_alone(parts):
    terms = task(parts, objective="rate-distortion").terms(random_sic(TINY).train(), batch(), 0)
    assert terms.keys() == {"bpp", "mse", "loss"}
    assert terms["loss"].item() == pytest.approx((terms["bpp"] + terms["mse"]).item(), rel=1e-5)


def test_without_its_weight_lpips_is_not_even_loaded(parts, monkeypatch):
    monkeypatch.setattr(sic_task, "lpips_network", lambda *_: pytest.fail("loaded"))
    network, given = random_sic(TINY).train(), batch()
    terms = task(parts, constraints=False, lpips=0).terms(network, given, 0)
    weights = SicWeights().weights_at(LEVELS, LEVELS)
    expected = weights["mse"] * terms["mse"] / 255**2 + weights["bpp"] * terms["bpp"]
    assert terms.keys() == {"bpp", "mse", "loss"}
    assert terms["loss"].item() == pytest.approx(expected.item(), rel=1e-4)
    assert task(parts, objective="rate-distortion").terms(network, given, 0).keys() == {"bpp", "mse", "loss"}


def test_a_twin_may_have_lpips_too_and_sic_more_or_less_of_it(parts):
    network, given = random_sic(TINY).train(), batch()
    terms = task(parts, objective="rate-distortion", lpips=2.5).terms(network, given, 0)
    assert terms["lpips"] > 0
    assert terms["loss"].item() == pytest.approx((terms["bpp"] + terms["mse"] + 2.5 * terms["lpips"]).item(), rel=1e-5)
    as_it_is, twice = (task(parts, constraints=False, lpips=factor) for factor in (None, 2))
    losses = []
    for each in (as_it_is, twice):
        torch.manual_seed(0)
        losses.append(each.terms(network, given, 0))
    more = SicWeights().weights_at(LEVELS, LEVELS)["lpips"] * losses[0]["lpips"]
    assert (losses[1]["loss"] - losses[0]["loss"]).item() == pytest.approx(more.item(), rel=1e-3)


def test_the_discriminator_learns_and_is_deceived():
    torch.manual_seed(0)
    judge = Discriminator(TINY, 8)
    pixels, coded = torch.rand(2, 3, 64, 64), torch.randn(2, TINY.bounds[2], 4, 4)
    assert judge(pixels, coded, 2).shape == (2, 1, 4, 4)
    optimiser = torch.optim.Adam(judge.parameters(), 1e-2)
    losses = []
    for _ in range(20):
        optimiser.zero_grad()
        loss = discriminator_loss(judge(pixels, coded, 2), judge(torch.zeros_like(pixels), coded, 2))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    assert generator_loss(judge(pixels, coded, 2)) < generator_loss(judge(torch.zeros_like(pixels), coded, 2))


def test_each_half_of_eq_12_has_its_own_adversarial_loss(parts):
    """Eq. 14 and 16: the samples' by the weight of their level, that of the whole by the last level's."""
    network, step = random_sic(TINY).train(), 1
    against = task(parts, constraints=False, samples=2, adversarial=True, adversary_width=8)
    judged = []
    against.adversary.register_forward_hook(lambda _, given, logits: judged.append((given[2], logits.detach())))
    found = []
    for one_task in (task(parts, constraints=False, samples=2), against):
        torch.manual_seed(0)
        found.append(one_task.terms(network, batch(), step))
    plain, terms = found
    level = LEVELS - step
    assert [(number, len(logits)) for number, logits in judged] == [
        *((level, 2), (level, 4), (level, 4)),
        *((LEVELS, 2), (LEVELS, 2), (LEVELS, 2)),
    ]
    weights, losses = SicWeights(), [generator_loss(judged[2][1]), generator_loss(judged[5][1])]
    halves = zip((weights.alpha, 1 - weights.alpha), (level, LEVELS), losses, strict=True)
    more = sum(half * weights.weights_at(number, LEVELS)["lpips"] * loss for half, number, loss in halves)
    assert (terms["loss"] - plain["loss"]).item() == pytest.approx(more.item(), rel=1e-3)
    told = [discriminator_loss(judged[place][1], judged[place + 1][1]) for place in (0, 3)]
    assert terms["adversary"].item() == pytest.approx(torch.stack(told).mean().item(), rel=1e-4)


def test_against_an_adversary_only_g_s_moves(parts, tmp_path):
    loop.train([one()], *parts, tmp_path)
    base = numbers(tmp_path / "base-all-0.safetensors")
    loop.train([one("gan/all/0", "base/all/0", adversarial=True, adversary_width=8)], *parts, tmp_path)
    path = tmp_path / "gan-all-0.safetensors"
    tuned = numbers(path)
    assert {name.split(".")[0] for name in load_file(path)} == {"g_s"}  # the rest is base's
    moved = {name.split(".")[0] for name, value in base.items() if not torch.equal(value, tuned[name])}
    assert moved == {"g_s"}
    log = pd.read_parquet(tmp_path / "gan-all-0.parquet")
    assert np.isfinite(log[["adversary", "deceived", "loss"]].to_numpy()).all()


def test_an_interrupted_training_against_an_adversary_goes_on_the_same(parts, tmp_path, interrupt):
    training = one("gan/all/0", adversarial=True, adversary_width=8, steps=6)
    loop.train([training], *parts, tmp_path / "whole")
    interrupt(training, parts, tmp_path / "again", 5)
    loop.train([training], *parts, tmp_path / "again")
    whole, again = (tmp_path / folder / "gan-all-0.safetensors" for folder in ("whole", "again"))
    assert whole.read_bytes() == again.read_bytes()


def test_the_learning_rate_rises_first(parts):
    rates = [task(parts, rise=4, steps=100, milestones=(0.5,)).learning_rate(step) for step in (0, 1, 3, 10, 60)]
    np.testing.assert_allclose(rates, [2.5e-4, 5e-4, 1e-3, 1e-3, 1e-4])


def test_a_shipped_model_is_still_the_one_that_its_plan_names(repository, tmp_path):
    """Its identity, a hash over all that decides a training, is what the plan comes to today."""
    facts = shipped.read_facts(shipped.model_path("base/all/0"))["facts"]
    seen = [Photographs([], (), {}, facts["data"][part], {}) for part in ("fitted", "validated")]
    plan = plans.read_plan(repository / "recipes" / "train" / "sic-mini.yaml")
    (training,) = plans.trainings(plan, ["base"])
    assert loop.Trainer(training, *seen, tmp_path).identity == facts["identity"]


def test_growing_groups_add_up():
    for config in (FULL, MINI):
        groups = plans.growing_groups(config)
        assert sum(groups) == config.latent
        assert list(groups) == sorted(groups)
        assert len(groups) == config.levels


def test_the_plan_of_equal_terms_trains_equals(repository):
    plan = plans.read_plan(repository / "recipes" / "train" / "sic-equal.yaml")
    found = {each.name: each for each in plans.trainings(plan)}
    rates = ("low", "medium", "high")
    compared = [f"sic/all/{seed}" for seed in range(3)]
    compared += [f"twin/{rate}/{seed}" for rate in rates for seed in range(3)]
    compared += ["sic-lpips/all/0", *(f"twin-lpips/{rate}/0" for rate in rates)]
    assert [name for name, each in found.items() if each.run.ship] == compared
    assert len(found) == len(compared) + 6  # pilots
    first = found["sic/all/0"].run
    for name in compared:
        run = found[name].run
        for key in ("start", "steps", "crop", "batch", "milestones", "rise", "samples"):
            assert getattr(run, key) == getattr(first, key), (name, key)
        twin = name.startswith("twin")
        assert run.learning_rate == found["twin/low/0" if twin else "sic/all/0"].run.learning_rate  # tuned by pilots
        assert found[name].config == found["sic/all/0"].config
        assert run.objective == ("rate-distortion" if twin else "synonymous")
        assert found[name].weights.weight_of_lpips(run.objective) == pytest.approx(
            0 if "lpips" not in name else twin_weights_at(3 + rates.index(name.split("/")[1]), 8)[1] if twin else 1,
            rel=1e-3,
        )
    for number, rate in enumerate(rates):
        assert found[f"twin/{rate}/0"].weights.scale == pytest.approx(twin_weights_at(3 + number, 8)[0], rel=1e-3)


def test_a_twin_minimises_what_a_level_does():
    weights = SicWeights().weights_at(3, 8)
    scale, lpips = twin_weights_at(3, 8)
    assert scale * 255**2 * weights["bpp"] == pytest.approx(weights["mse"])
    assert lpips * weights["bpp"] == pytest.approx(weights["lpips"])
