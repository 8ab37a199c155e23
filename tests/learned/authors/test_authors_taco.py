"""Random tensors under the authors' names, written down here once more, and back."""

import pathlib

import pytest
import torch
from authors_names import assert_is, older

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.learned.authors.taco import from_authors, from_authors_file
from smicnb.learned.networks.taco import FULL, Taco

# Layers as they follow one another: what the authors' number counts, and our module at that place.
G_A = [
    *[("conv", "fine.0"), ("bottleneck", "fine.1"), ("bottleneck", "fine.2"), ("bottleneck", "fine.3")],
    *[("conv", "fine.4"), ("bottleneck", "fine.5"), ("bottleneck", "fine.6"), ("bottleneck", "fine.7")],
    *[("injector", "inject_fine"), ("same", "middle.0")],
    *[("conv", "middle.1"), ("bottleneck", "middle.2"), ("bottleneck", "middle.3"), ("bottleneck", "middle.4")],
    *[("extractor", "extract"), ("injector", "inject_coarse"), ("conv", "coarse.0"), ("same", "coarse.1")],
]
G_S = [
    *["same", "conv", "bottleneck", "bottleneck", "bottleneck", "conv", "same"],
    *["bottleneck", "bottleneck", "bottleneck", "conv", "bottleneck", "bottleneck", "bottleneck", "conv"],
]
BOTH = {"text_norm": "norm_text", "image_norm": "norm_image", "cross_attn": "attention"}
INSIDE = {
    "bottleneck": {"branch.0": "conv1", "branch.2": "conv2", "branch.4": "conv3"},
    "injector": {"text_feature_dim_proj": "project", "gamma": "gamma", **BOTH},
    "extractor": {"image_feature_dim_proj": "project", **BOTH},
}


def pairs():
    """(authors', ours) of modules or single parameters."""
    layers = [(f"g_a.analysis_transform.{number}", f"g_a.{ours}", kind) for number, (kind, ours) in enumerate(G_A)]
    layers += [(f"g_s.synthesis_transform.{number}", f"g_s.{number}", kind) for number, kind in enumerate(G_S)]
    for theirs, ours, kind in layers:
        if kind in INSIDE:
            yield from ((f"{theirs}.{inside}", f"{ours}.{name}") for inside, name in INSIDE[kind].items())
        else:
            yield theirs, ours
    for layer in (0, 2, 4):
        yield f"h_a.reduction.{layer}", f"h_a.{layer}"
        yield f"h_s.increase.{layer}", f"context.h_s.{layer}"
        for group in range(5):
            if group:
                yield f"channel_context.{group}.fushion.{layer}", f"context.channel.{group}.{layer}"
            yield f"entropy_parameters_anchor.{group}.fusion.{layer}", f"context.anchors.{group}.{layer}"
            yield f"entropy_parameters_nonanchor.{group}.fusion.{layer}", f"context.others.{group}.{layer}"
    yield from ((f"local_context.{group}", f"context.local.{group}") for group in range(5))
    yield "entropy_bottleneck", "prior"


@pytest.fixture(scope="module")
def model():
    model = Taco(FULL).requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return model


@pytest.fixture(scope="module")
def published(model):
    """The model's tensors under the authors' names, and the tables that their checkpoints hold."""
    parameters = dict(model.named_parameters())
    state = {}
    for theirs, ours in pairs():
        mine = [name for name in parameters if name == ours or name.startswith(f"{ours}.")]
        assert mine, ours
        state |= {theirs + name.removeprefix(ours): parameters[name] for name in mine}
    assert len(state) == len(parameters)
    for part in ("entropy_bottleneck", "gaussian_conditional"):
        tables = {"_offset": 64, "_quantized_cdf": (64, 99), "_cdf_length": 64, "likelihood_lower_bound.bound": 1}
        state |= {f"{part}.{name}": torch.ones(shape) for name, shape in tables.items()}
    state["entropy_bottleneck.target"] = torch.ones(3)
    return state | {f"gaussian_conditional.{name}": torch.ones(64) for name in ("scale_table", "scale_bound")}


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("naming", [dict, older])
def test_every_parameter_comes_back_and_no_table(model, published, prefix, naming):
    assert_is(from_authors({prefix + name: tensor for name, tensor in naming(published).items()}), model)


def test_tables_need_not_be_there(model, published):
    tables = ("gaussian_conditional.", "entropy_bottleneck._", "entropy_bottleneck.target")
    assert_is(from_authors({name: some for name, some in published.items() if not name.startswith(tables)}), model)


def test_what_is_not_the_published_model_is_told(published):
    gamma = "g_a.analysis_transform.8.gamma"
    without = {name: tensor for name, tensor in published.items() if name != gamma}
    with pytest.raises(SmicnbError, match=rf"found no '{gamma}'; needed"):
        from_authors(without)
    with pytest.raises(SmicnbError, match=r"found no '.*', '.*', '.*' and \d+ more"):
        from_authors({})
    with pytest.raises(SmicnbError, match=r"found 'channel_context.0.fushion.0.bias', which TACO does not have"):
        from_authors(published | {"channel_context.0.fushion.0.bias": torch.ones(1)})
    with pytest.raises(SmicnbError, match=r"found 'module.g_s.*', which TACO does not have"):
        from_authors(published | {"module.g_s.synthesis_transform.1.bias": torch.ones(192)})
    with pytest.raises(SmicnbError, match=r"found 'entropy_bottleneck._bias0' under the newer name too"):
        from_authors(published | {"entropy_bottleneck._bias0": torch.ones(192, 3, 1)})
    twice = {f"module.{name}": tensor for name, tensor in published.items()}
    with pytest.raises(SmicnbError, match=r"found 'module.entropy_bottleneck._bias0' under the newer name too"):
        from_authors(twice | {"module.entropy_bottleneck._bias0": torch.ones(192, 3, 1)})
    with pytest.raises(DimensionError, match=rf"'{gamma}', the first of shape \(1, 192\); needed: \(192,\)"):
        from_authors(published | {gamma: torch.ones(1, 192)})


def test_a_checkpoint_file_is_read_as_tensors_alone(model, published, tmp_path):
    path = tmp_path / "checkpoint.pth.tar"
    torch.save({"epoch": 7, "state_dict": published}, path)
    assert_is(from_authors_file(path), model)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(IntegrityError, match="cannot be read"):
        from_authors_file(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 and no archive"])
def test_a_file_that_is_no_checkpoint_is_told(tmp_path, content):
    path = tmp_path / "other.pth"
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"other\.pth cannot be read"):
        from_authors_file(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"state_dict": {}, "path": pathlib.PurePosixPath("x")}, "cannot be read"),
        ({"model": {}}, "holds no state dictionary"),
        ({"state_dict": {1: torch.ones(2)}}, "holds no state dictionary"),
        ({"state_dict": {"a": 1}}, "holds no state dictionary"),
        (torch.ones(2), "holds no state dictionary"),
    ],
)
def test_a_checkpoint_of_another_kind_is_told(tmp_path, content, told):
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(IntegrityError, match=told):
        from_authors_file(path)
