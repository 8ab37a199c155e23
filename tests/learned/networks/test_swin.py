"""Our Swin blocks are torchvision's, bit for bit: parameters, their start, outputs, gradients."""

import pytest
import torch

from smicnb.learned.networks import swin
from smicnb.learned.networks.swin import Merging, Norm, SwinBlock


def pair(dim: int, heads: int, window: int, shift: int):
    from torchvision.models.swin_transformer import SwinTransformerBlock

    torch.manual_seed(0)
    ours = SwinBlock(dim, heads, window, shift)
    torch.manual_seed(0)
    theirs = SwinTransformerBlock(dim, heads, [window] * 2, [shift] * 2, norm_layer=Norm)
    return ours, theirs


SHAPES = [(8, 2, 4, 0, 8, 12), (8, 2, 4, 2, 12, 8), (16, 4, 4, 2, 4, 16), (16, 4, 4, 2, 16, 4), (8, 2, 2, 1, 2, 2)]


@pytest.mark.parametrize(("dim", "heads", "window", "shift", "height", "width"), SHAPES)
def test_a_block_is_torchvisions(dim, heads, window, shift, height, width):
    ours, theirs = pair(dim, heads, window, shift)
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value)
    tokens = torch.randn(2, height, width, dim)
    found = []
    for block in (ours, theirs):
        given = tokens.clone().requires_grad_()
        block(given).square().sum().backward()
        found.append((block(tokens), given.grad, block.attn.relative_position_bias_table.grad))
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("strip", [1, 100, 10**6])
def test_strip_by_strip_nothing_changes(strip, monkeypatch):
    ours, theirs = pair(8, 2, 4, 2)
    tokens = torch.randn(2, 16, 12, 8)
    monkeypatch.setattr(swin, "STRIP", strip)
    with torch.inference_mode():
        torch.testing.assert_close(ours(tokens), theirs(tokens), rtol=1e-6, atol=1e-6)


def test_a_mask_that_inference_made_serves_training():
    swin.shifted_mask.cache_clear()
    ours, _ = pair(8, 2, 4, 2)
    with torch.inference_mode():
        ours(torch.randn(1, 8, 8, 8))
    ours(torch.randn(1, 8, 8, 8)).sum().backward()
    assert ours.attn.qkv.weight.grad.abs().sum() > 0


def test_masks_of_images_that_are_gone_do_not_stay():
    ours, _ = pair(8, 2, 4, 2)
    with torch.inference_mode():
        for side in range(8, 60, 4):
            ours(torch.randn(1, side, 8, 8))
    assert swin.shifted_mask.cache_info().currsize <= 4


def test_merging_is_torchvisions_where_channels_double():
    from torchvision.models.swin_transformer import PatchMerging

    ours, theirs = Merging(8, 16), PatchMerging(8)
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    theirs.load_state_dict(ours.state_dict())
    tokens = torch.randn(2, 6, 4, 8)
    assert torch.equal(ours(tokens), theirs(tokens))


def test_merging_starts_where_it_always_did():
    """One was torchvision's with another linear map put in its place, so that a seed drew both."""
    from torchvision.models.swin_transformer import PatchMerging

    torch.manual_seed(0)
    PatchMerging(8)
    expected = torch.nn.Linear(32, 24, bias=False).weight
    torch.manual_seed(0)
    assert torch.equal(Merging(8, 24).reduction.weight, expected)


def test_opening_a_codec_imports_no_compiler():
    import subprocess
    import sys

    code = (
        "import sys, smicnb.learned.any_codec; print([n for n in ('torch._dynamo', 'torchvision') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
