"""Random tensors under the authors' names and back, and the authors' network, written plainly, beside ours."""

from collections import OrderedDict
from dataclasses import replace

import pytest
import torch
from authors_names import assert_is, older
from tiny_sic import TINY, random_sic
from torch.nn import functional

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.learned.authors.sic import from_authors, from_authors_file
from smicnb.learned.networks.sic import FULL, Sic

SMALL = replace(TINY, depths=FULL.depths)  # so that the layers below are those of both sizes
# The layers as they follow one another here, by their place in the authors' stages.
ENCODER = [
    *["0.blocks.0", "1.downsample", "1.blocks.0", "1.blocks.1", "2.downsample", "2.blocks.0", "2.blocks.1"],
    *["3.downsample", "3.blocks.0", "3.blocks.1", "3.blocks.2"],
]
DECODER = [
    *["0.blocks.0", "0.blocks.1", "0.blocks.2", "0.upsample", "1.blocks.0", "1.blocks.1", "1.upsample"],
    *["2.blocks.0", "2.blocks.1", "2.upsample", "3.blocks.0", "3.upsample"],
]
BLOCK = {"mlp.fc1": "mlp.0", "mlp.fc2": "mlp.3"} | {
    name: name for name in ("norm1", "norm2", "attn.qkv", "attn.proj", "attn.relative_position_bias_table")
}
INSIDE = {
    "blocks": BLOCK,
    "downsample": {"norm": "norm", "reduction": "reduction"},
    "upsample": {"norm": "norm", "increment": "increase"},
}


def pairs():
    """(authors', ours) of modules or single parameters, without the entropy parameters."""
    yield from {"ga.patch_embed.proj": "g_a.embed", "ga.patch_embed.norm": "g_a.norm_embed"}.items()
    yield from {"ga.norm": "g_a.norm", "gs.outconv": "g_s.pixels"}.items()
    for theirs, ours, layers in (("ga", "g_a", ENCODER), ("gs", "g_s", DECODER)):
        for number, layer in enumerate(layers):
            for inside, name in INSIDE[layer.split(".")[1]].items():
                yield f"{theirs}.layers.{layer}.{inside}", f"{ours}.stages.{number}.{name}"
    for layer in (0, 2, 4):
        yield f"ha.{layer}", f"h_a.{layer}"
        yield f"hs.{layer}", f"context.h_s.{layer}"
    yield "context_model.layer", "context.masked"
    yield "entropy_bottleneck", "prior"


def position_index(window):
    """Which row of the table of biases belongs to each pair of places of a window."""
    places = [(row, column) for row in range(window) for column in range(window)]
    wide = 2 * window - 1
    return torch.tensor([[(a - c + window - 1) * wide + b - d + window - 1 for c, d in places] for a, b in places])


def convolution_mask(groups, size):
    mask = torch.ones(groups, 2 * size, groups, size, 5, 5)
    for to in range(groups):
        mask[to, :, to + 1 :] = 0
        mask[to, :, to, :, 2, 2:] = 0
        mask[to, :, to, :, 3:] = 0
    return mask.reshape(2 * groups * size, groups * size, 5, 5)


def as_published(model):
    """The model's tensors under the authors' names, and what else their checkpoints hold."""
    parameters, config = dict(model.named_parameters()), model.config
    state, used = {}, set()
    for theirs, ours in pairs():
        mine = [name for name in parameters if name == ours or name.startswith(f"{ours}.")]
        assert mine, ours
        state |= {theirs + name.removeprefix(ours): parameters[name].detach() for name in mine}
        used.update(mine)
    for layer in (0, 2, 4):
        for kind in ("weight", "bias"):
            mine = [f"context.parameters_of.{group}.{layer}.{kind}" for group in range(config.levels)]
            state[f"entropy_parameters.layer.{layer}.{kind}"] = torch.cat([parameters[name].detach() for name in mine])
            used.update(mine)
    assert used == set(parameters)
    for layer in [f"ga.layers.{layer}" for layer in ENCODER] + [f"gs.layers.{layer}" for layer in DECODER]:
        if "blocks" in layer:
            state[f"{layer}.attn.relative_position_index"] = position_index(config.window)
            state[f"{layer}.attn_mask"] = torch.ones(16, 4, 4)
    state["context_model.layer.mask"] = convolution_mask(config.levels, config.groups[0])
    for part in ("entropy_bottleneck", "gaussian_conditional"):
        tables = {"_offset": 0, "_quantized_cdf": 0, "_cdf_length": 0, "likelihood_lower_bound.bound": 1}
        state |= {f"{part}.{name}": torch.ones(shape) for name, shape in tables.items()}
    state["entropy_bottleneck.target"] = torch.ones(3)
    state |= {f"gaussian_conditional.{name}": torch.ones(0) for name in ("scale_table", "scale_bound")}
    losses = ("lpips.scaling_layer.shift", "lpips.lin0.model.1.weight", "dists.alpha", "distortion.dist.window")
    return state | {name: torch.ones(1, 3, 1, 1) for name in (*losses, "msssim.total")}


def random(config):
    model = Sic(config).requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.normal_(generator=generator)
    return model


@pytest.fixture(scope="module")
def small():
    return random(SMALL)


@pytest.fixture
def published(small):
    return as_published(small)


def test_every_parameter_of_the_full_size_comes_back():
    model = random(FULL)
    assert_is(from_authors({f"module.{name}": tensor for name, tensor in older(as_published(model)).items()}), model)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("naming", [dict, older])
def test_prefixes_and_namings(small, published, prefix, naming):
    given = {prefix + name: tensor for name, tensor in naming(published).items()}
    assert_is(from_authors(given, SMALL), small)


def test_buffers_and_losses_need_not_be_there(small, published):
    spare = ("gaussian_conditional.", "entropy_bottleneck._", "entropy_bottleneck.target", "lpips.", "dists.")
    ends = ("_index", ".attn_mask", ".mask", ".total")
    given = {name: some for name, some in published.items() if not name.startswith(spare) and not name.endswith(ends)}
    assert_is(from_authors(given, SMALL), small)


def test_what_is_not_the_published_model_is_told(published):
    merging = "ga.layers.1.downsample.norm.bias"
    without = {name: tensor for name, tensor in published.items() if name != merging}
    with pytest.raises(SmicnbError, match=rf"found no '{merging}'; needed: the tensors of the published SIC"):
        from_authors(without, SMALL)
    with pytest.raises(SmicnbError, match=r"found 'ga.layers.0.downsample.norm.bias', which SIC does not have"):
        from_authors(published | {"ga.layers.0.downsample.norm.bias": torch.ones(1)}, SMALL)
    with pytest.raises(SmicnbError, match=r"found 'module.hs.0.bias', which SIC does not have"):
        from_authors(published | {"module.hs.0.bias": torch.ones(6)}, SMALL)
    with pytest.raises(SmicnbError, match=r"found 'entropy_bottleneck._bias0' under the newer name too"):
        from_authors(published | {"entropy_bottleneck._bias0": torch.ones(4, 3, 1)}, SMALL)
    shaped = r"'entropy_parameters.layer.0.weight', the first of shape \(36, 48, 1, 1\); needed: \(36, 12, 1, 1\)"
    with pytest.raises(DimensionError, match=shaped):
        from_authors(published | {"entropy_parameters.layer.0.weight": torch.ones(36, 48, 1, 1)}, SMALL)


@pytest.mark.parametrize("name", ["context_model.layer.mask", "gs.layers.1.blocks.0.attn.relative_position_index"])
def test_another_order_is_told(published, name):
    with pytest.raises(SmicnbError, match=f"found '{name}' with another content than ours"):
        from_authors(published | {name: published[name].flip(1)}, SMALL)
    with pytest.raises(SmicnbError, match=f"found '{name}' with another content than ours"):
        from_authors(published | {name: published[name][1:]}, SMALL)


def test_a_checkpoint_file_is_a_state_dictionary(small, published, tmp_path):
    path = tmp_path / "EP100.model"
    state = OrderedDict((f"module.{name}", tensor) for name, tensor in published.items())
    state._metadata = {"": {"version": 1}}  # as Module.state_dict leaves it
    torch.save(state, path)
    assert_is(from_authors_file(path, SMALL), small)
    torch.save({"state_dict": state}, path)
    assert_is(from_authors_file(path, SMALL), small)
    torch.save({"epoch": 1, "net": state}, path)
    with pytest.raises(IntegrityError, match="holds no state dictionary"):
        from_authors_file(path, SMALL)


class Authors:
    """The order of the authors' operations upon their tensors, for one picture."""

    def __init__(self, state, config):
        self.state, self.config = state, config

    def linear(self, name, x):
        return functional.linear(x, self.state[f"{name}.weight"], self.state.get(f"{name}.bias"))

    def norm(self, name, x):
        return functional.layer_norm(x, x.shape[-1:], self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def conv(self, name, x, **how):
        return functional.conv2d(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"], **how)

    def attention(self, name, x, shift):
        """Every token (h·w of them) looks at those of its window that were there before the picture was rolled."""
        height, width, dim = x.shape
        window, heads = self.config.window, self.config.heads
        rows, columns = (axis.flatten() for axis in torch.meshgrid(
            (torch.arange(height) - shift) % height, (torch.arange(width) - shift) % width, indexing="ij"
        ))  # fmt: skip
        key = [rows // window, columns // window]
        if shift:
            key += [rows >= height - shift, columns >= width - shift]
        together = torch.stack([part[:, None] == part for part in key]).all(dim=0)
        down, right = (axis[:, None] % window - axis % window + window - 1 for axis in (rows, columns))
        bias = self.state[f"{name}.relative_position_bias_table"][(down * (2 * window - 1) + right) * together]
        each = dim // heads
        query, key, value = self.linear(f"{name}.qkv", x.reshape(-1, dim)).split(dim, dim=1)
        out = []
        for head in range(heads):
            mine = slice(head * each, (head + 1) * each)
            alike = query[:, mine] @ key[:, mine].T / each**0.5 + bias[:, :, head]
            out.append(alike.masked_fill(~together, float("-inf")).softmax(dim=1) @ value[:, mine])
        return self.linear(f"{name}.proj", torch.cat(out, dim=1)).reshape(height, width, dim)

    def layer(self, name, x):
        kind, *number = name.split(".")[3:]
        if kind == "downsample":
            four = [x[row::2, column::2] for row, column in ((0, 0), (1, 0), (0, 1), (1, 1))]
            return self.linear(f"{name}.reduction", self.norm(f"{name}.norm", torch.cat(four, dim=2)))
        if kind == "upsample":
            height, width, dim = x.shape
            finer = x.new_zeros(2 * height, 2 * width, dim // 4)
            for row in (0, 1):
                for column in (0, 1):
                    finer[row::2, column::2] = x[:, :, 2 * row + column :: 4]
            return self.linear(f"{name}.increment", self.norm(f"{name}.norm", finer))
        shift = self.config.window // 2 if int(number[0]) % 2 else 0
        x = x + self.attention(f"{name}.attn", self.norm(f"{name}.norm1", x), shift)
        hidden = functional.gelu(self.linear(f"{name}.mlp.fc1", self.norm(f"{name}.norm2", x)))
        return x + self.linear(f"{name}.mlp.fc2", hidden)

    def analysis(self, pixels):
        x = self.norm("ga.patch_embed.norm", self.conv("ga.patch_embed.proj", pixels, stride=2)[0].permute(1, 2, 0))
        for layer in ENCODER:
            x = self.layer(f"ga.layers.{layer}", x)
        return self.norm("ga.norm", x).permute(2, 0, 1)[None]

    def synthesis(self, latent):
        x = latent[0].permute(1, 2, 0)
        for layer in DECODER:
            x = self.layer(f"gs.layers.{layer}", x)
        return self.conv("gs.outconv", x.permute(2, 0, 1)[None], padding=1).clamp(0, 1)

    def hyper_latent(self, y):
        for layer, stride, padding in ((0, 1, 1), (2, 2, 2), (4, 2, 2)):
            y = self.conv(f"ha.{layer}", functional.leaky_relu(y) if layer else y, stride=stride, padding=padding)
        return y

    def hyper(self, z):
        for layer, stride, padding, more in ((0, 2, 2, 1), (2, 2, 2, 1), (4, 1, 1, 0)):
            weight, bias = (self.state[f"hs.{layer}.{kind}"] for kind in ("weight", "bias"))
            z = z if layer == 0 else z.relu()
            z = functional.conv_transpose2d(z, weight, bias, stride=stride, padding=padding, output_padding=more)
        return z

    def expected(self, y_hat, hyper):
        """Scales and means; a group's input is h_s's scales and means for it, then both parts that ŷ tells."""
        groups, channels = self.config.levels, y_hat.shape[1]
        weight = self.state["context_model.layer.weight"] * self.state["context_model.layer.mask"]
        near = functional.conv2d(y_hat, weight, self.state["context_model.layer.bias"], padding=2)
        parts = [*hyper.split(channels // groups, dim=1), *near.split(channels // groups, dim=1)]
        scales, means, near = parts[:groups], parts[groups : 2 * groups], parts[2 * groups :]
        x = torch.cat([
            torch.cat([scales[group], means[group], near[2 * group], near[2 * group + 1]], dim=1)
            for group in range(groups)
        ], dim=1)  # fmt: skip
        for layer in (0, 2, 4):
            x = self.conv(f"entropy_parameters.layer.{layer}", functional.leaky_relu(x) if layer else x, groups=groups)
        parts = x.split(channels // groups, dim=1)
        return torch.cat(parts[::2], dim=1), torch.cat(parts[1::2], dim=1)


@pytest.fixture(scope="module")
def both():
    """The authors' network and ours with its weights converted, at double precision so that ŷ rounds alike."""
    state = {
        name: tensor.double() if tensor.is_floating_point() else tensor
        for name, tensor in as_published(random_sic(SMALL, seed=3)).items()
    }
    generator = torch.Generator().manual_seed(4)
    for name, tensor in state.items():
        if "norm" in name or "bias" in name:  # they start at 0 or 1, or all but
            tensor.add_(torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype) / 4)
    ours = Sic(SMALL).double().eval().requires_grad_(False)
    ours.load_state_dict(from_authors(state, SMALL), strict=True)
    return Authors(state, SMALL), ours


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_the_transforms_compute_what_the_authors_do(both):
    theirs, ours = both
    pixels = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(5)).double()
    y = ours.analyse(pixels)
    assert y.shape == (1, 12, 4, 6)
    close(y, theirs.analysis(pixels))
    made = ours.synthesise(y.round(), 64, 96)
    close(made, theirs.synthesis(y.round()))
    assert 0 < made.mean() < 1


def test_scales_and_means_are_those_of_the_authors(both):
    theirs, ours = both
    y = 3 * torch.randn(1, 12, 4, 8, generator=torch.Generator().manual_seed(6)).double()
    z = ours.h_a(y)
    close(z, theirs.hyper_latent(y))
    hyper = ours.context.hyper(z.round(), 4, 8)
    close(hyper, theirs.hyper(z.round()))
    for found, expected in zip(ours.context(y.round(), hyper), theirs.expected(y.round(), hyper), strict=True):
        close(found, expected)
