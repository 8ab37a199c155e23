"""Original files turned once into safetensors, which hold numbers and nothing that can run."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from smicnb.semantics.unpickle import read_arrays

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


# The name enters the weights' hash: a conversion that changes its result takes a new name.
CONVERSIONS: dict[str, Callable[[Path, Path], None]] = {
    "torch-checkpoint": _torch_checkpoint,
    "alexnet-kernels": partial(_convolutions, "AlexNet_0", (0, 3, 6, 8, 10)),
    "vgg16-kernels": partial(_convolutions, "VGG16_0", (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)),
}
