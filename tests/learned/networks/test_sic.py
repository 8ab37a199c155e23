"""The architecture: sizes, causality of the context place by place, detail, rate, and what training reaches."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from tiny_sic import TINY, random_sic

from smicnb.learned.networks.sic import FULL, MINI, Analysis, Sic, SicConfig, causal_mask
from smicnb.learned.networks.swin import SwinBlock

GROWING = replace(TINY, groups=(1, 2, 4, 5))


def synset(network, pixels, level, samples=1, generator=None):
    coded = network.latent(pixels)
    made, latents = network.draw_members(coded, level, samples, pixels.shape[-2:], generator)
    return SimpleNamespace(pixels=made, latents=latents, coded=coded)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def shapes(layers, kind):
    return [tuple(layer.weight.shape) for layer in layers.modules() if isinstance(layer, kind)]


def test_mini_stays_small_and_has_eight_levels():
    assert count(Sic(MINI)) <= 1_600_000
    assert MINI.levels == 8


def test_full_is_that_of_appendix_c1():
    with torch.device("meta"):
        network = Sic(FULL)
    assert (FULL.levels, FULL.latent, set(FULL.groups)) == (16, 512, {32})
    assert shapes(network.h_a, torch.nn.Conv2d) == [(384, 512, 3, 3), (384, 384, 5, 5), (384, 384, 5, 5)]
    assert shapes(network.context.h_s, torch.nn.ConvTranspose2d) == [
        (384, 512, 5, 5), (512, 768, 5, 5), (768, 1024, 3, 3)
    ]  # fmt: skip
    assert network.context.masked.weight.shape == (1024, 512, 5, 5)
    one = [(96, 128, 1, 1), (96, 96, 1, 1), (64, 96, 1, 1)]  # a sixteenth of 2048, 1536, 1536, 1024
    assert shapes(network.context.parameters_of, torch.nn.Conv2d) == 16 * one
    attention = [layer for layer in network.modules() if hasattr(layer, "relative_position_bias_table")]
    assert [layer.proj.in_features for layer in attention] == (
        [256] + [384] * 2 + [512] * 5 + [512] * 5 + [384] * 2 + [256]
    )
    shifts = [block.shift for block in network.modules() if isinstance(block, SwinBlock)]
    assert shifts == [0, 0, 4, 0, 4, 0, 4, 0, 0, 4, 0, 0, 4, 0, 4, 0]
    assert {(layer.heads, layer.window) for layer in attention} == {(16, 8)}


@pytest.mark.parametrize("config", [TINY, GROWING])
def test_a_place_is_expected_from_what_is_coded_before_it_and_from_nothing_else(config):
    """A change of one number of ŷ must reach exactly the places that the mask says."""
    side = 6
    context = random_sic(config).context.double().eval()
    torch.manual_seed(1)
    hyper, latent = torch.randn(1, 24, side, side).double(), torch.randn(1, 12, side, side).double()
    owner = torch.repeat_interleave(torch.arange(config.levels), torch.tensor(config.groups))
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    with torch.no_grad():
        before = torch.stack(context(latent, hyper))
        for channel in range(12):
            for row in range(side):
                for column in range(side):
                    changed = latent.clone()
                    changed[0, channel, row, column] += 1
                    moved = (torch.stack(context(changed, hyper)) != before).any(dim=0)[0]
                    near = ((rows - row).abs() <= 2) & ((columns - column).abs() <= 2)
                    after = near & ((rows > row) | ((rows == row) & (columns > column)))
                    for group in range(config.levels):
                        mine = owner[channel]
                        reached = moved[owner == group].any(dim=0)
                        expected = after if group == mine else near if group > mine else torch.zeros_like(near)
                        assert torch.equal(reached, expected), (channel, row, column, group)


def test_the_mask_of_figure_10():
    mask = causal_mask((1, 2))
    assert mask.shape == (6, 3, 5, 5)
    assert mask[:2, 1:].sum() == 0
    assert (mask[2:, 0] == 1).all()
    own = [[1] * 5, [1] * 5, [1, 1, 0, 0, 0], [0] * 5, [0] * 5]
    for out, given in [(0, 0), (1, 0), (2, 1), (5, 2)]:
        assert mask[out, given].tolist() == own


@pytest.mark.parametrize(("height", "width"), [(1, 1), (16, 32), (33, 70)])
def test_any_size_goes_in_and_no_padding_is_counted(height, width):
    network = random_sic(TINY).eval()
    pixels = torch.rand(2, 3, height, width)
    with torch.no_grad():
        made = synset(network, pixels, 2, samples=3)
    rows, columns = -(-height // 16), -(-width // 16)
    assert made.pixels.shape == (3, 2, 3, height, width)
    assert made.coded.y.shape == (2, 12, rows, columns)
    assert made.coded.group_bits.shape == (2, 4)
    assert made.pixels.min() >= 0
    assert made.pixels.max() <= 1


def test_the_bits_of_a_level_are_those_of_its_groups():
    network = random_sic(GROWING).eval()
    with torch.no_grad():
        coded = network.latent(torch.rand(2, 3, 32, 32))
        scales, means = network.context(coded.y_hat, coded.hyper)
        normal = torch.distributions.Normal(means, scales.clamp(min=0.11))
        likely = normal.cdf(coded.y_hat + 0.5) - normal.cdf(coded.y_hat - 0.5)
    bits = -torch.log2(likely.clamp(min=1e-9)).sum(dim=(2, 3))
    assert torch.equal(coded.y_hat, coded.y.round())
    for level, channels in enumerate((1, 3, 7, 12), 1):
        torch.testing.assert_close(
            coded.bits(level), coded.hyper_bits + bits[:, :channels].sum(dim=1), rtol=1e-3, atol=0.1
        )


def test_the_uniform_detail_is_that_of_equation_46():
    network = random_sic(TINY).eval()
    made = synset(network, torch.rand(1, 3, 32, 32), 1, samples=400, generator=torch.Generator().manual_seed(0))
    means = made.coded.hyper[:, 12:][:, 3:]
    drawn = made.latents[:, :, 3:]
    assert torch.equal(made.latents[:, :, :3], made.coded.y_hat[:, :3].expand(400, 1, 3, 2, 2))
    assert torch.equal(drawn, drawn.round())
    assert ((drawn - means).abs() <= 2.5).all()
    error = drawn.mean(dim=0) - means
    assert error.abs().max() < 5 * (16 / 12 + 1 / 12) ** 0.5 / 20
    assert drawn.var(dim=0).mean().item() == pytest.approx(16 / 12 + 1 / 12, rel=0.1)


def test_the_other_details():
    pixels = torch.rand(1, 3, 32, 32)
    made = synset(random_sic(replace(TINY, detail="zero")).eval(), pixels, 1, samples=2)
    assert torch.equal(made.latents[0], made.latents[1])
    assert torch.equal(made.latents[0, :, 3:], made.coded.hyper[:, 15:].round())
    network = random_sic(replace(TINY, detail="scale")).eval()
    with torch.no_grad():
        network.context.h_s[-1].bias[:12] = 5
        network.context.h_s[-1].bias[3] = -100  # a scale below 0.11, the least
    made = synset(network, pixels, 1, samples=400, generator=torch.Generator().manual_seed(0))
    spread = made.latents[:, :, 3:].std(dim=0)
    torch.testing.assert_close(spread[:, 1:], made.coded.hyper[:, 4:12], rtol=0.3, atol=0.3)
    assert (spread[:, 0] < 0.6).all()


def test_seeds_of_the_detail_and_none_at_the_highest_level():
    network, pixels = random_sic(TINY).eval(), torch.rand(1, 3, 32, 32)
    first, again, other = (
        synset(network, pixels, 2, 1, torch.Generator().manual_seed(seed)).latents for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    top = synset(network, pixels, 4, samples=2)
    assert torch.equal(top.pixels[0], top.pixels[1])
    assert torch.equal(top.latents[0], top.coded.y_hat)


@pytest.mark.parametrize("config", [TINY, replace(GROWING, detail="scale")])
def test_a_step_of_training_reaches_every_weight(config):
    network = random_sic(config).train()
    made = synset(network, torch.rand(2, 3, 64, 64), 1)
    (made.coded.bits(4).mean() + made.pixels.square().mean()).backward()
    untouched = [
        name
        for name, each in network.named_parameters()
        if "quantiles" not in name and (each.grad is None or not each.grad.any())
    ]
    assert untouched == []
    masked = network.context.masked.weight
    assert not masked[network.context.mask == 0].any()
    assert not masked.grad[network.context.mask == 0].any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"groups": (3, 3, 3)}, "do not add up"),
        ({"groups": (13, -1)}, "do not add up"),
        ({"dims": (8, 8, 15, 12)}, "shared out"),
        ({"detail": "some"}, "none of uniform"),
        ({"dims": (8, 8, 16, 256), "groups": (1,) * 256}, "255"),
    ],
)
def test_a_wrong_config_is_told(wrong, message):
    with pytest.raises(ValueError, match=message):
        SicConfig(**{"heads": 2, "dims": TINY.dims, "groups": TINY.groups} | wrong)


def test_a_new_embedding_tells_brightness():
    """Else the norm behind it gives all grey patches nearly the same token."""
    torch.manual_seed(0)
    analysis = Analysis(MINI)
    grey = torch.tensor([0.1, 0.9])[:, None, None, None].expand(2, 3, 2, 2)
    with torch.no_grad():
        dark, bright = analysis.norm_embed(analysis.embed(grey).permute(0, 2, 3, 1)).flatten(1)
    assert torch.cosine_similarity(dark, bright, dim=0) < 0.5
