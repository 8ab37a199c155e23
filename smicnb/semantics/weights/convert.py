"""Original files turned once into safetensors, which hold numbers and nothing that can run."""

import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from smicnb.semantics.weights.unpickle import read_arrays

WEIGHTS = "model.safetensors"


def _torch_checkpoint(originals: Path, target: Path) -> None:
    """The one .pth state dictionary of `originals`, names untouched."""
    import torch
    from safetensors.numpy import save_file

    (checkpoint,) = originals.glob("*.pth")
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    save_file({name: tensor.contiguous().numpy() for name, tensor in state.items()}, target / WEIGHTS)


def _convolutions(network: str, positions: Sequence[int], originals: Path, target: Path) -> None:
    """Kernels (H, W, in, out) of a pickle as (out, in, H, W), numbered as in torchvision's `features`."""
    from safetensors.numpy import save_file

    (pickled,) = originals.glob("*.ckpt")
    layers = read_arrays(pickled)[network]
    tensors = {}
    for number, position in enumerate(positions):
        layer = layers[f"Conv_{number}"]
        tensors[f"{position}.weight"] = np.ascontiguousarray(layer["kernel"].transpose(3, 2, 0, 1))
        tensors[f"{position}.bias"] = np.ascontiguousarray(layer["bias"])
    save_file(tensors, target / WEIGHTS)


def _vgg19_adain(originals: Path, target: Path) -> None:
    """VGG19 up to relu4_1 and its decoder, as "encoder.N.weight" and "decoder.N.weight", N as in their .pth files."""
    import torch
    from safetensors.numpy import save_file

    tensors = {}
    for half, name, last in (("encoder", "vgg_normalized.pth", 29), ("decoder", "decoder.pth", 28)):
        state = torch.load(originals / name, map_location="cpu", weights_only=True)
        kept = {key: tensor for key, tensor in state.items() if int(key.split(".")[0]) <= last}
        tensors |= {f"{half}.{key}": tensor.contiguous().numpy() for key, tensor in kept.items()}
    save_file(tensors, target / WEIGHTS)


def _storages(originals: Path, target: Path) -> None:
    """The float32 storages of a TorchScript archive, flat, by their numbers in it.

    The archive's code and the pickle that names its tensors stay unread: who knows the network's layers
    knows which number belongs where.
    """
    from safetensors.numpy import save_file

    (archive,) = originals.glob("*.pt")
    with zipfile.ZipFile(archive) as opened:
        members = [PurePosixPath(name) for name in opened.namelist()]
        storages = [member for member in members if member.parent.name == "data"]
        tensors = {member.name: np.frombuffer(opened.read(str(member)), "<f4") for member in storages}
    save_file(tensors, target / WEIGHTS)


# The name enters the weights' hash: a conversion that changes its result takes a new name.
CONVERSIONS: dict[str, Callable[[Path, Path], None]] = {
    "torch-checkpoint": _torch_checkpoint,
    "alexnet-kernels": partial(_convolutions, "AlexNet_0", (0, 3, 6, 8, 10)),
    "torchscript-storages": _storages,
    "vgg16-kernels": partial(_convolutions, "VGG16_0", (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)),
    "vgg19-adain": _vgg19_adain,
}
