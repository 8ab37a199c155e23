"""Trained networks as files: 16-bit safetensors with config, training data and metrics inside."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from smicnb.base.errors import IntegrityError, MissingWeightsError, SmicnbError, reason
from smicnb.base.files import write_bytes
from smicnb.base.names import unknown
from smicnb.learned.files.rans import LARGEST
from smicnb.learned.files.shipped import META
from smicnb.learned.networks.entropy_models import EntropyBottleneck
from smicnb.learned.networks.sic import Sic, SicConfig
from smicnb.learned.networks.taco import Taco, TacoConfig

FORMAT = "smicnb learned codec 1"
MAX_BYTES = 2**30
CODECS = {"taco": (Taco, TacoConfig), "sic": (Sic, SicConfig)}
PRIOR_BUFFERS = ("_offset", "_quantized_cdf", "_cdf_length")


@dataclass(frozen=True)
class Checkpoint:
    """A trained network and what is known of it.

    Args:
        codec: "taco" or "sic".
        name: the name in tables, such as "full/low/0".
        config: the size and variant.
        network: the network in evaluation mode, its prior's tables filled.
        facts: data hash, steps, seeds, losses, metrics on the validation photographs: whatever training noted.
        sha256: hash of codec, config, weights and tables.
    """

    codec: str
    name: str
    config: TacoConfig | SicConfig
    network: nn.Module
    facts: dict[str, Any] = field(repr=False)
    sha256: str = ""

    def codec_name(self, family: str) -> tuple[str, str]:
        """Name and operating point of a codec of this model, RUN/RATE/SEED: "FAMILY RUN (seed SEED)" and RATE."""
        run, _, rest = self.name.partition("/")
        rate, _, seed = rest.partition("/")
        return f"{family} {run}" + (f" (seed {seed})" if seed else ""), rate


def save(path: Path, codec: str, name: str, network: nn.Module, facts: dict[str, Any], rest: str = "") -> None:
    """Write a network's weights at 16 bits, with its prior's tables as they follow from those.

    Args:
        path: the file to write; written atomically.
        codec: "taco" or "sic".
        name: the name in tables.
        network: a network on any device; it is left as it is.
        facts: facts about the training, as JSON can hold them.
        rest: name of a checkpoint in the same folder, which has all weights without gradient; they are not stored
            again. It has to be named as this one but for the model's name.
    """
    from safetensors.numpy import save as to_bytes

    # The tables are made from the weights as stored, which the decoder will have.
    # Contiguous: a network may lie in memory with its channels last, and bytes are taken as they lie.
    halves = {key: value.detach().cpu().half().contiguous() for key, value in network.named_parameters()}
    again = type(network)(network.config)
    again.load_state_dict({key: value.float() for key, value in halves.items()}, strict=False)
    again.prior.update()
    tensors = {key: value.numpy() for key, value in halves.items()}
    for key in PRIOR_BUFFERS:
        tensors[f"prior.{key}"] = getattr(again.prior, key).numpy()
    said = {"format": FORMAT, "codec": codec, "name": name, "config": asdict(network.config), "facts": facts}
    if rest:
        said["rest"] = {"name": rest, "sha256": load(_find_start(path, name, rest)).sha256}
        tensors = {key: tensors[key] for key, value in network.named_parameters() if value.requires_grad}
    # In one entry: safetensors writes several in an order of its own, and the file would differ each time.
    write_bytes(path, to_bytes(tensors, {META: json.dumps(said, sort_keys=True)}))


def load(path: Path, device: str = "cpu") -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: a file of `save`.
        device: a torch device name.

    Raises:
        MissingWeightsError: no such file. IntegrityError: truncated, or not a checkpoint of ours.
        SmicnbError: weights that do not fit its config, or are not finite.
    """
    path = Path(path)
    said, tensors = _read(path)
    codec, name, config, facts = (said[key] for key in ("codec", "name", "config", "facts"))
    if "rest" in said:
        tensors = _read_rest(path, said) | tensors
    return assemble(codec, name, config, tensors, facts, device)


def _read(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """What a file says of itself, and its arrays."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise MissingWeightsError(f"found no file '{path}'", "a checkpoint of a learned codec")
    if path.stat().st_size > MAX_BYTES:
        raise IntegrityError(f"'{path.name}' has {path.stat().st_size} bytes", f"a checkpoint of {MAX_BYTES} at most")
    try:
        with safe_open(path, "np") as file:
            meta = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError, ValueError) as error:
        raise IntegrityError(
            f"'{path.name}' is damaged or cut short ({reason(error)})", "a whole safetensors file"
        ) from error
    try:
        said = json.loads(meta[META])
        told = [said[key] for key in ("codec", "name", "config", "facts")]
        if said["format"] != FORMAT or [type(each) for each in told] != [str, str, dict, dict]:
            raise ValueError
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"'{path.name}' is no checkpoint of a learned codec", f"a safetensors file that says '{FORMAT}'"
        ) from error
    return said, tensors


def _read_rest(path: Path, said: dict) -> dict[str, np.ndarray]:
    """The arrays of the checkpoint that has what this one has not stored."""
    try:
        rest, sha256 = said["rest"]["name"], said["rest"]["sha256"]
        if not re.fullmatch(r"[\w./-]{1,99}", rest):
            raise ValueError
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"'{path.name}' does not say where its other weights are", "a model's name") from error
    beside = _find_start(path, said["name"], rest)
    if not beside.is_file():
        needed = f"the checkpoint {rest} that '{path.name}' began from, which has its other weights"
        raise MissingWeightsError(f"found no file '{beside}'", needed, "copy it there")
    other, tensors = _read(beside)
    if "rest" in other or load(beside).sha256 != sha256:
        raise IntegrityError(
            f"'{path.name}' needs weights that '{beside.stem}' does not have", f"the checkpoint {rest} it began from"
        )
    return tensors


def _find_start(path: Path, name: str, other: str) -> Path:
    """The file of another model in the same folder, named as this model's file is."""
    stem, wanted = (each.replace("/", "-") for each in (name, other))
    return path.with_name(path.name.replace(stem, wanted) if stem and stem in path.name else f"{wanted}.safetensors")


def assemble(
    codec: str, name: str, config: dict, tensors: dict[str, np.ndarray], facts: dict, device: str = "cpu"
) -> Checkpoint:
    """A checkpoint of a config and arrays; the same checks as `load`."""
    if codec not in CODECS:
        raise unknown("learned codec", codec, CODECS)
    kind, configured = CODECS[codec]
    try:
        lists = {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}
        chosen = configured(**lists)
        network = kind(chosen)
    except (TypeError, ValueError, RuntimeError) as error:
        raise SmicnbError(
            f"'{name}' has a config that does not fit {codec} ({reason(error)})", "its own fields"
        ) from error
    arrays = {key: torch.from_numpy(value.astype(np.float32 if value.dtype.kind == "f" else value.dtype))
              for key, value in tensors.items()}  # fmt: skip
    _check(name, network, arrays)
    for key in PRIOR_BUFFERS:
        setattr(network.prior, key, arrays.pop(f"prior.{key}").int())
    network.load_state_dict(arrays, strict=False)
    digest = hashlib.sha256(json.dumps([codec, asdict(chosen)], sort_keys=True).encode())
    for key in sorted(tensors):
        digest.update(key.encode() + np.ascontiguousarray(tensors[key]).tobytes())
    network = network.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
    return Checkpoint(codec, name, chosen, network, facts, digest.hexdigest())


def _check(name: str, network: nn.Module, arrays: dict[str, torch.Tensor]) -> None:
    wanted = {key: tuple(value.shape) for key, value in network.named_parameters()}
    found = {key: tuple(value.shape) for key, value in arrays.items()}
    buffers = {f"prior.{key}" for key in PRIOR_BUFFERS}
    for key in sorted(set(wanted) | set(found) - buffers):
        if wanted.get(key) != found.get(key):
            raise SmicnbError(
                f"'{name}' holds {key} of shape {found.get(key)}", f"shape {wanted.get(key)}, as its config says"
            )
    if missing := buffers - set(found):
        raise SmicnbError(f"'{name}' lacks {min(missing)}", "the tables of its prior")
    for key, value in arrays.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise SmicnbError(f"'{name}' holds {key} with a number that is not finite", "finite weights")
    _check_tables(name, network.prior, *(arrays[f"prior.{key}"] for key in PRIOR_BUFFERS))


def _check_tables(name: str, prior: EntropyBottleneck, offset: torch.Tensor, cdf: torch.Tensor, sizes: torch.Tensor):
    """What the coder, which checks nothing, is going to index and divide by."""
    channels = prior.channels
    if not all(table.dtype is torch.int32 for table in (offset, cdf, sizes)):
        raise SmicnbError(f"the tables of '{name}' are no whole numbers of 32 bits", "int32, as they are saved")
    fits = cdf.ndim == 2 and offset.shape == sizes.shape == (channels,) and len(cdf) == channels
    if not fits or not ((sizes >= 3) & (sizes <= cdf.shape[1])).all():
        raise SmicnbError(f"the tables of '{name}' have shapes that do not fit", f"{channels} rows")
    if (furthest := int(offset.long().abs().max())) + cdf.shape[1] > LARGEST:
        raise SmicnbError(f"a table of '{name}' begins {furthest} away from 0", f"symbols of {LARGEST} at most")
    for row, size in zip(cdf.long(), sizes.tolist(), strict=True):
        if row[0] != 0 or row[size - 1] != 1 << 16 or not (row[1:size] > row[: size - 1]).all():
            raise SmicnbError(f"a table of '{name}' is no cumulative frequency", "rising numbers from 0 to 65536")
