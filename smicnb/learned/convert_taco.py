"""The published TACO weights under our names; only names and shapes of the tensors are known of their file.

Right names and shapes do not prove that two networks compute the same: that the converted weights reach the paper's
numbers is for a measurement to show.
"""

import pickle
import re
from pathlib import Path

import torch
from torch import Tensor

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.learned.taco import FULL, Taco

NAMED = 3  # tensors that an error names

# The layers of g_a in the order in which the authors number them.
_ANALYSIS = (
    *(f"fine.{position}" for position in range(8)),
    "inject_fine",
    *(f"middle.{position}" for position in range(5)),
    "extract",
    "inject_coarse",
    *(f"coarse.{position}" for position in range(2)),
)
_FUSIONS = {
    "channel": "channel_context.{}.fushion",
    "anchors": "entropy_parameters_anchor.{}.fusion",
    "others": "entropy_parameters_nonanchor.{}.fusion",
}
_PLACES = {
    # The one layer whose name depends on where it is stands before its surroundings.
    "g_a.extract.project": f"g_a.analysis_transform.{_ANALYSIS.index('extract')}.image_feature_dim_proj",
    **{f"g_a.{part}": f"g_a.analysis_transform.{number}" for number, part in enumerate(_ANALYSIS)},
    "g_s": "g_s.synthesis_transform",
    "h_a": "h_a.reduction",
    "context.h_s": "h_s.increase",
    "context.local": "local_context",
    **{
        f"context.{ours}.{group}": theirs.format(group)
        for ours, theirs in _FUSIONS.items()
        for group in range(len(FULL.groups))
    },
    "prior": "entropy_bottleneck",
    "gaussian": "gaussian_conditional",
}
_PARTS = {
    "conv1": "branch.0",
    "conv2": "branch.2",
    "conv3": "branch.4",
    "project": "text_feature_dim_proj",
    "norm_image": "image_norm",
    "norm_text": "text_norm",
    "attention": "cross_attn",
}
# CompressAI's names before its parameter lists, and after.
_OLDER = re.compile(r"(entropy_bottleneck)\._(matrix|bias|factor)(\d)")
_LISTS = {"matrix": "matrices", "bias": "biases", "factor": "factors"}
# What a stream that is no checkpoint can make torch raise.
_MALFORMED = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


def _authors_name(ours: str) -> str:
    place, theirs = next(pair for pair in _PLACES.items() if ours.startswith(f"{pair[0]}."))
    rest = ours.removeprefix(f"{place}.").split(".")
    return ".".join([theirs, *(_PARTS.get(part, part) for part in rest)])


def _newer(name: str) -> str:
    return _OLDER.sub(lambda older: f"{older[1]}.{_LISTS[older[2]]}.{older[3]}", name)


def _some(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(f"'{name}'" for name in names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def from_authors(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dictionary of the authors' TACO (effl-lab/TACO) as one of `Taco(FULL)`.

    Args:
        state: their parameters and buffers, all with or all without the prefix "module."; the entropy bottleneck's
            names may be those of either generation of CompressAI. Tables of the entropy coder are left out, since
            ours are recomputed.

    Returns:
        What `Taco(FULL).load_state_dict` takes; the parameters share their memory with `state`.

    Raises:
        SmicnbError: unknown, doubled or missing tensors. DimensionError: tensors of other shapes.
    """
    prefix = "module." if all(name.startswith("module.") for name in state) else ""
    names = {name: _newer(name.removeprefix(prefix)) for name in state}
    given = {names[name]: tensor for name, tensor in state.items()}
    needed = "the tensors of the published TACO with its text adapter"

    model = Taco(FULL)
    converted = model.state_dict()
    parameters = {_authors_name(name): name for name, _ in model.named_parameters()}
    buffers = {_authors_name(name) for name, _ in model.named_buffers()}
    if missing := [name for name in parameters if name not in given]:
        raise SmicnbError(f"found no {_some(missing)}", needed)
    if unknown := [name for name, newer in names.items() if newer not in parameters and newer not in buffers]:
        raise SmicnbError(f"found {_some(unknown)}, which TACO does not have", needed)
    if len(given) < len(state):
        doubled = [name for name, newer in names.items() if prefix + newer in state and prefix + newer != name]
        raise SmicnbError(f"found {_some(doubled)} under the newer name too", "each tensor once")
    if wrong := [name for name, ours in parameters.items() if given[name].shape != converted[ours].shape]:
        theirs, right = given[wrong[0]].shape, converted[parameters[wrong[0]]].shape
        raise DimensionError(f"found {_some(wrong)}, the first of shape {tuple(theirs)}", f"{tuple(right)}")
    return converted | {ours: given[name] for name, ours in parameters.items()}


def from_authors_file(path: Path) -> dict[str, Tensor]:
    """The same, from a checkpoint of theirs; nothing but tensors and plain values is read from it.

    Args:
        path: a file of `torch.save` with {"state_dict": …}.

    Raises:
        IntegrityError: no checkpoint, or one that holds other things. SmicnbError, DimensionError: as `from_authors`.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except _MALFORMED as error:
        raise IntegrityError(
            f"{path.name} cannot be read as tensors and plain values alone",
            "a whole checkpoint of torch.save with nothing else in it",
            "do not use this file",
        ) from error
    state = checkpoint.get("state_dict") if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict) or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()):
        raise IntegrityError(f"{path.name} holds no state dictionary", "a checkpoint with 'state_dict'")
    return from_authors(state)
