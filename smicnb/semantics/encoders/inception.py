"""inception-fid: the features on which FID and KID are defined; of images only, and of no latent's maker.

The network is the Inception-v3 of December 2015 in TensorFlow's version. It differs from torchvision's in its
pooling: averages leave padding out, and the last block takes a maximum where the others average (Heusel et al.,
GANs trained by a two time-scale update rule, 2017, and their code). A test compares it with the archive it
comes from.
"""

from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from smicnb.semantics.encoders.towers import ImageTower
from smicnb.semantics.photographs.images import box_of, check_rgb
from smicnb.semantics.weights import store

if TYPE_CHECKING:
    import torch

NAME = PART = "inception-fid"
DIM = 2048
SIDE = 299
_SHADE = (128 / 255,) * 3  # (v - 128) / 128 for bytes v


def architecture() -> "torch.nn.Module":
    """The network from normalised (n, 3, 299, 299) to (n, 2048), its numbers not yet set."""
    import torch
    from torch.nn import AvgPool2d, MaxPool2d, ModuleList, Sequential
    from torchvision.models.inception import BasicConv2d

    class Branches(ModuleList):
        """Modules beside one another, their channels concatenated."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([branch(x) for branch in self], dim=1)

    def conv(inputs: int, outputs: int, kernel: int | tuple[int, int] = 1, stride: int = 1, pad: bool = True):
        height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        padding = (height // 2, width // 2) if pad else 0
        return BasicConv2d(inputs, outputs, kernel_size=(height, width), stride=stride, padding=padding)

    def shrinking(inputs: int, outputs: int, kernel: int = 3, stride: int = 2):
        return conv(inputs, outputs, kernel, stride, pad=False)

    def average():
        return AvgPool2d(3, 1, 1, count_include_pad=False)

    def block_35(inputs: int, pooled: int):
        return Branches([
            conv(inputs, 64),
            Sequential(conv(inputs, 48), conv(48, 64, 5)),
            Sequential(conv(inputs, 64), conv(64, 96, 3), conv(96, 96, 3)),
            Sequential(average(), conv(inputs, pooled)),
        ])  # fmt: skip

    def block_17(inner: int):
        across, down = (1, 7), (7, 1)
        return Branches([
            conv(768, 192),
            Sequential(conv(768, inner), conv(inner, inner, across), conv(inner, 192, down)),
            Sequential(
                conv(768, inner), conv(inner, inner, down), conv(inner, inner, across),
                conv(inner, inner, down), conv(inner, 192, across),
            ),
            Sequential(average(), conv(768, 192)),
        ])  # fmt: skip

    def block_8(inputs: int, pool: torch.nn.Module):
        def fork():
            return Branches([conv(384, 384, (1, 3)), conv(384, 384, (3, 1))])

        return Branches([
            conv(inputs, 320),
            Sequential(conv(inputs, 384), fork()),
            Sequential(conv(inputs, 448), conv(448, 384, 3), fork()),
            Sequential(pool, conv(inputs, 192)),
        ])  # fmt: skip

    to_17 = Branches([
        shrinking(288, 384),
        Sequential(conv(288, 64), conv(64, 96, 3), shrinking(96, 96)),
        MaxPool2d(3, 2),
    ])  # fmt: skip
    to_8 = Branches([
        Sequential(conv(768, 192), shrinking(192, 320)),
        Sequential(conv(768, 192), conv(192, 192, (1, 7)), conv(192, 192, (7, 1)), shrinking(192, 192)),
        MaxPool2d(3, 2),
    ])  # fmt: skip
    return Sequential(
        *(shrinking(3, 32), shrinking(32, 32, stride=1), conv(32, 64, 3), MaxPool2d(3, 2)),
        *(shrinking(64, 80, 1, 1), shrinking(80, 192, stride=1), MaxPool2d(3, 2)),
        *(block_35(192, 32), block_35(256, 64), block_35(288, 64), to_17),
        *(block_17(128), block_17(160), block_17(160), block_17(192), to_8),
        *(block_8(1280, average()), block_8(2048, MaxPool2d(3, 1, 1))),
        *(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()),
    )


def build_network(device: str) -> "torch.nn.Module":
    """The network with the registered part's numbers.

    The part holds flat arrays numbered from 0, four for each convolution in the order of `architecture`: its
    kernels, then offset, mean and variance of its normalisation, which has no factor.
    """
    import torch
    from safetensors.torch import load_file
    from torchvision.models.inception import BasicConv2d

    stored = load_file(store.resolve(PART) / "model.safetensors")
    with torch.device("meta"):  # draws no random numbers
        network = architecture()
    layers = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, BasicConv2d)]
    state = {}
    for number, (name, layer) in enumerate(layers):
        kernels, offset, mean, variance = (stored[str(4 * number + place)] for place in range(4))
        state |= {
            f"{name}.conv.weight": kernels.reshape(layer.conv.weight.shape),
            f"{name}.bn.weight": torch.ones_like(offset),
            f"{name}.bn.bias": offset,
            f"{name}.bn.running_mean": mean,
            f"{name}.bn.running_var": variance,
            f"{name}.bn.num_batches_tracked": torch.tensor(0),
        }
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)


def squash(image: np.ndarray | Callable[[], np.ndarray]) -> np.ndarray:
    """The whole image, RGB uint8 H×W×3 or a function that returns one, as 299×299×3.

    Pillow's antialiased bicubic filter, as in clean-fid (Parmar et al., On aliased resizing and surprising
    subtleties in GAN evaluation, 2022), but rounded to 8 bits.
    """
    from PIL import Image

    image = image() if callable(image) else image
    check_rgb(image)
    return np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box_of(image)))


@lru_cache(maxsize=2)
def shared_encoder(device: str) -> "InceptionFeatures":
    """The encoder on a device, one for all the work that a process is given."""
    return InceptionFeatures(device)


class InceptionFeatures:
    """Photographs to the 2048 features that FID and KID compare; has no text tower."""

    name, dim, side = NAME, DIM, SIDE
    mean = np.zeros(DIM, np.float32)

    def __init__(self, device: str = "cpu"):
        self._device = device

    def __reduce__(self) -> tuple:  # to another process goes the name: the network is loaded there, once
        return shared_encoder, (self._device,)

    @cached_property
    def weights_hash(self) -> str:
        """SHA-256 that stands for the network's numbers."""
        return store.weights_hash(PART)

    @cached_property
    def _images(self) -> ImageTower:
        return ImageTower(build_network(self._device), SIDE, _SHADE, _SHADE, self._device)

    def square(self, image: np.ndarray) -> np.ndarray:
        """The whole image as the network sees it: 299×299×3."""
        return squash(image)

    def encode_images(self, images: Iterable[np.ndarray], done: Callable[[int], None] | None = None) -> np.ndarray:
        """Features (n, 2048) float32, 0 or more, of RGB uint8 images H×W×3 (or functions returning one)."""
        return self._images((partial(squash, image) for image in images), done)
