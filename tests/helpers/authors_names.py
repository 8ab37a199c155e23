"""Names that tensors had elsewhere, and a model whose tensors came back from them."""

import torch

OLDER = {"matrices.": "_matrix", "biases.": "_bias", "factors.": "_factor"}


def older(state):
    """The names that CompressAI had before its parameter lists."""
    names = {}
    for name in state:
        for now, then in OLDER.items():
            name = name.replace(f"entropy_bottleneck.{now}", f"entropy_bottleneck.{then}")
        names[name] = len(names)
    assert "entropy_bottleneck._matrix4" in names
    return dict(zip(names, state.values(), strict=True))


def assert_is(converted, model):
    """A state dictionary is the model's: its parameters, and buffers as a new model has them."""
    fresh = type(model)(model.config)
    for name, buffer in fresh.named_buffers():
        assert torch.equal(converted.get(name, buffer), buffer), name
    fresh.load_state_dict(converted, strict=True)
    for (name, parameter), back in zip(model.named_parameters(), fresh.parameters(), strict=True):
        assert torch.equal(parameter, back), name
