"""The architecture: parameter counts of the paper, what the text changes, and the context's causality."""

from dataclasses import replace

import pytest
import torch
from tiny_taco import TINY, random_taco

from smicnb.learned.networks import blocks
from smicnb.learned.networks.taco import FULL, MINI, Taco


def count(modules):
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def test_full_has_the_parameters_of_table_3():
    network = Taco(FULL)
    adapter = count(network.g_a.adapter())
    assert adapter == 1_646_848
    assert count([network]) - adapter == 36_932_427  # printed: 36.93 M


@pytest.mark.parametrize("text", ["adapter", "none", "tgic"])
def test_mini_stays_small(text):
    assert count([Taco(replace(MINI, text=text))]) <= 1_600_000


def batch(seed=0, tokens=5):
    torch.manual_seed(seed)
    mask = torch.ones(2, tokens, dtype=torch.bool)
    mask[0, 3:] = False
    return torch.rand(2, 3, 64, 128), torch.randn(2, tokens, 384), mask


@pytest.mark.parametrize("text", ["adapter", "tgic"])
def test_text_reaches_the_latent_and_padding_does_not(text):
    network = random_taco(replace(TINY, text=text)).eval()
    if text == "tgic":
        torch.nn.init.normal_(network.g_a.inject_fine.fuse[2].weight)
    pixels, tokens, mask = batch()
    other, padding = tokens.clone(), tokens.clone()
    other[:, 1] += 1
    padding[0, 3:] += 1
    with torch.no_grad():
        latent, changed, padded = (network.g_a(pixels, each, mask) for each in (tokens, other, padding))
    assert latent.shape == (2, TINY.latent, 4, 8)
    assert not torch.allclose(latent, changed)
    assert torch.allclose(latent, padded, atol=1e-5)


def test_a_new_adapter_changes_nothing_but_by_its_norm():
    torch.manual_seed(0)
    network = Taco(TINY).eval()
    pixels, tokens, mask = batch()
    with torch.no_grad():
        assert torch.allclose(network.g_a(pixels, tokens, mask), network.g_a(pixels, tokens + 1, mask))
        module = Taco(replace(TINY, text="tgic")).g_a.inject_fine
        features = torch.randn(2, TINY.width, 4, 4)
        assert torch.equal(module(features, torch.randn(2, 5, TINY.token_width), mask), features)


def test_attention_is_shared_out_among_the_tokens():
    network = random_taco(TINY).eval()
    pixels, tokens, mask = batch()
    with torch.no_grad():
        fine, coarse = network.g_a.attention(pixels, tokens, mask)
    assert fine.shape == (2, 5, 16, 32)
    assert coarse.shape == (2, 5, 8, 16)
    for looks in (fine, coarse):
        assert torch.allclose(looks.sum(dim=1), torch.ones(()), atol=1e-5)
        assert (looks[0, 3:] == 0).all()


def test_no_place_depends_on_what_is_coded_after_it():
    network = random_taco(TINY).eval()
    torch.manual_seed(1)
    hyper, latent = torch.randn(1, 2 * TINY.latent, 4, 4), torch.randn(1, TINY.latent, 4, 4)
    parts = list(latent.split(TINY.groups, dim=1))
    anchors = blocks.checkerboard(4, 4, hyper.device)
    with torch.no_grad():
        _, means, context = network.context.predict_anchors(1, hyper, parts[:1])
        _, later_means, _ = network.context.predict_anchors(1, hyper, [parts[0] + 1])
        assert not torch.equal(means, later_means)  # the group before it
        first = torch.where(anchors, parts[1], 0)
        _, others = network.context.predict_others(1, first, context)
        _, changed = network.context.predict_others(1, first + torch.where(anchors, 1, 0), context)
    assert not torch.equal(others[..., ~anchors], changed[..., ~anchors])


def test_straight_through_rounding_keeps_the_gradient():
    values = torch.tensor([0.4, 0.6, -1.7], requires_grad=True)
    made = blocks.round_straight(values)
    made.sum().backward()
    assert made.tolist() == [0, 1, -2]
    assert values.grad.tolist() == [1, 1, 1]


def test_a_step_of_training_reaches_every_weight():
    network = random_taco(TINY).train()
    with torch.inference_mode():  # what was coded before in this process leaves nothing behind
        network(*batch())
    made = network(*batch())
    (made.bits.mean() + made.pixels.square().mean()).backward()
    untouched = [name for name, each in network.named_parameters() if each.grad is None and "quantiles" not in name]
    assert untouched == []
    assert made.bits.shape == (2,)
    assert (made.bits > 0).all()
