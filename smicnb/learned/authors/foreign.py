"""Weights that others published: a file read as tensors alone, and names and shapes that must be those of a network.

Right names and shapes do not prove that two networks compute the same: that converted weights reach a paper's numbers
is for a measurement to show.
"""

import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError

NAMED = 3  # tensors that an error names
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


def read(path: Path) -> dict[str, Tensor]:
    """The state dictionary of a file of `torch.save`; nothing but tensors and plain values is read from it.

    Args:
        path: a file that holds the state dictionary itself or {"state_dict": …}.

    Raises:
        IntegrityError: no checkpoint, or one that holds other things.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except _MALFORMED as error:
        raise IntegrityError(
            f"{path.name} cannot be read as tensors and plain values alone",
            "a whole checkpoint of torch.save with nothing else in it",
            "do not use this file",
        ) from error
    state = checkpoint.get("state_dict", checkpoint) if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict) or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()):
        raise IntegrityError(f"{path.name} holds no state dictionary", "tensors by name, alone or as 'state_dict'")
    return state


def authors_name(ours: str, places: Mapping[str, str], parts: Mapping[str, str]) -> str:
    """The name that the authors give a tensor of ours: the first of `places`, beginnings of our names and of theirs,
    that fits, and behind it other words (`parts`) for some of ours.
    """
    place, theirs = next(pair for pair in places.items() if f"{ours}.".startswith(f"{pair[0]}."))
    rest = ours.removeprefix(place).split(".")[1:]
    return ".".join([theirs, *(parts.get(part, part) for part in rest)])


def list_names(names: list[str]) -> str:
    """The first few names, for an error."""
    more = len(names) - NAMED
    return ", ".join(f"'{name}'" for name in names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def check_state(
    state: Mapping[str, Tensor],
    shapes: Mapping[str, tuple[int, ...]],
    spare: Callable[[str], bool],
    codec: str,
    needed: str,
) -> dict[str, Tensor]:
    """The tensors of a state dictionary by the authors' names, all that a network needs among them.

    Args:
        state: a state dictionary, its names all with or all without the prefix "module."; an entropy bottleneck's may
            be those of either generation of CompressAI.
        shapes: shapes of the tensors that must be there, by the newer names without prefix.
        spare: whether a tensor of another name may be there.
        codec: the codec's name, for errors.
        needed: what the tensors ought to be, for errors.

    Raises:
        SmicnbError: unknown, doubled or missing tensors. DimensionError: tensors of other shapes.
    """
    prefix = "module." if all(name.startswith("module.") for name in state) else ""
    names = {name: _newer_name(name.removeprefix(prefix)) for name in state}
    given = {names[name]: tensor for name, tensor in state.items()}
    if missing := [name for name in shapes if name not in given]:
        raise SmicnbError(f"found no {list_names(missing)}", needed)
    if unknown := [name for name, newer in names.items() if newer not in shapes and not spare(newer)]:
        raise SmicnbError(f"found {list_names(unknown)}, which {codec} does not have", needed)
    if len(given) < len(state):
        doubled = [name for name, newer in names.items() if prefix + newer in state and prefix + newer != name]
        raise SmicnbError(f"found {list_names(doubled)} under the newer name too", "each tensor once")
    if wrong := [name for name, shape in shapes.items() if given[name].shape != shape]:
        theirs, right = (tuple(shape) for shape in (given[wrong[0]].shape, shapes[wrong[0]]))
        raise DimensionError(f"found {list_names(wrong)}, the first of shape {theirs}", f"{right}")
    return given


def _newer_name(name: str) -> str:
    return _OLDER.sub(lambda older: f"{older[1]}.{_LISTS[older[2]]}.{older[3]}", name)
