"""How close two latents, an image and a text, or two images are; one value for each pair."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from smicnb.base.errors import DimensionError, ImageError
from smicnb.base.names import lookup
from smicnb.semantics.metrics.remembered import Remembered

if TYPE_CHECKING:
    import torch

    from smicnb.semantics.encoders.encoders import ImageEncoder, SemanticEncoder

MS_SSIM_SIDE = 161  # five scales, and the 11-pixel window must fit into the coarsest
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, from the finest; the paper's
# LPIPS network -> the registered part that holds its convolutions, and the side its pooling needs
LPIPS_NETS = {"alex": ("alexnet-conv", 31), "vgg": ("vgg16-conv", 16)}


def latent_cosine(Z: np.ndarray, Z_hat: np.ndarray) -> np.ndarray:
    """Cosine between each latent and its decoded counterpart, before any image is generated.

    Args:
        Z, Z_hat: (n, L), any scale.

    Returns:
        (n,) float64 in [-1, 1]; 0 where either latent is zero, which has no direction.

    Raises:
        DimensionError: the shapes differ or are not (n, L).
    """
    Z, Z_hat = np.asarray(Z, dtype=np.float64), np.asarray(Z_hat, dtype=np.float64)
    if Z.ndim != 2 or Z.shape != Z_hat.shape:
        raise DimensionError(f"latents of shape {Z.shape} and {Z_hat.shape}", "two equal shapes (n, L)")
    norms = np.linalg.norm(Z, axis=1) * np.linalg.norm(Z_hat, axis=1)
    products = np.einsum("ij,ij->i", Z, Z_hat)
    return np.clip(products / np.where(norms == 0, 1, norms), -1, 1)


def image_cosine(encoder: "ImageEncoder", images: Sequence[np.ndarray], images_hat: Sequence[np.ndarray]) -> np.ndarray:
    """Cosine between the latents of each image and of its generated counterpart.

    This is our reading of the paper's CC; with an encoder other than CLIP it is not that number.

    Args:
        encoder: images to latents.
        images, images_hat: n RGB uint8 images H×W×3; the sizes of a pair may differ.

    Returns:
        (n,) float64 in [-1, 1].

    Raises:
        DimensionError: not equally many.
    """
    _check_count("images", images, "decoded images", images_hat)
    if not len(images):
        return np.zeros(0)
    return latent_cosine(encoder.encode_images(images), encoder.encode_images(images_hat))


def text_image_similarity(encoder: "SemanticEncoder", texts: Sequence[str], images: Sequence[np.ndarray]) -> np.ndarray:
    """Cosine between the latents of each text and of the image at the same place.

    Args:
        encoder: images and texts to one latent space.
        texts: n texts.
        images: n RGB uint8 images H×W×3.

    Returns:
        (n,) float64 in [-1, 1].

    Raises:
        DimensionError: not equally many.
    """
    _check_count("texts", texts, "images", images)
    if not len(texts):
        return np.zeros(0)
    return latent_cosine(encoder.encode_text(texts), encoder.encode_images(images))


def psnr(images: Sequence[np.ndarray], images_hat: Sequence[np.ndarray]) -> np.ndarray:
    """Peak signal-to-noise ratio over all pixels and the three channels, with the peak at 255.

    Args:
        images, images_hat: n RGB uint8 images H×W×3; the sizes of a pair are equal.

    Returns:
        (n,) float64 in dB, 0 or more; inf where the images are identical.

    Raises:
        ImageError: not RGB uint8. DimensionError: not equally many, or of different sizes.
    """

    def of_pair(image: np.ndarray, image_hat: np.ndarray) -> float:
        error = np.mean(np.square(image.astype(np.float64) - image_hat))
        return 10 * np.log10(255**2 / error) if error else np.inf

    return each_pair(of_pair, images, images_hat)


def ms_ssim(images: Sequence[np.ndarray], images_hat: Sequence[np.ndarray]) -> np.ndarray:
    """Multi-scale structural similarity: five scales, window of 11 pixels, mean of the RGB channels.

    A side that is odd at some scale gets its last line twice before it is halved, as in the authors' programme, whose
    filter mirrors there. `pytorch_msssim.ms_ssim` pads it at both ends, so that pairs of lines begin one early and lie
    across the edges of JPEG's blocks: at quality 5 that is up to 0.03 too high. So its `ssim` is taken scale by scale.

    Args:
        images, images_hat: n RGB uint8 images H×W×3 with both sides at least 161; the sizes of a pair
            are equal. They are compared in the range [0, 1].

    Returns:
        (n,) float64 in [0, 1], 1 for identical images; negative structure counts as 0.

    Raises:
        ImageError: not RGB uint8, or too small. DimensionError: not equally many, or different sizes.

    Source: Wang, Simoncelli and Bovik, Multi-scale structural similarity, 2003.
    """
    import torch
    from pytorch_msssim import ssim
    from torch.nn.functional import avg_pool2d

    def of_channel(x: torch.Tensor, y: torch.Tensor) -> float:
        product = 1.0
        for scale, weight in enumerate(MS_SSIM_WEIGHTS, start=1):
            # Luminance counts at the coarsest scale alone: beside so large a constant it is 1 everywhere.
            luminance = 0.01 if scale == len(MS_SSIM_WEIGHTS) else 1e6
            product *= ssim(x, y, data_range=1, K=(luminance, 0.03), nonnegative_ssim=True).item() ** weight
            x, y = (avg_pool2d(each, 2, ceil_mode=True) for each in (x, y))  # at an odd end the mean of one line
        return product

    def of_pair(image: np.ndarray, image_hat: np.ndarray) -> float:
        with torch.inference_mode():
            channels = zip(*(as_tensor(each, 0, 1).split(1, dim=1) for each in (image, image_hat)), strict=True)
            return float(np.mean([of_channel(*pair) for pair in channels]))

    return each_pair(of_pair, images, images_hat, MS_SSIM_SIDE, "MS-SSIM")


def lpips(images: Sequence[np.ndarray], images_hat: Sequence[np.ndarray], net: str = "alex") -> np.ndarray:
    """Learned perceptual distance, version 0.1 of its linear heads.

    Args:
        images, images_hat: n RGB uint8 images H×W×3, both sides at least 31 (alex) or 16 (vgg); the
            sizes of a pair are equal. The network is given the range [-1, 1].
        net: "alex" or "vgg".

    Returns:
        (n,) float64, 0 for identical images, seldom above 1.

    Raises:
        UnknownNameError: no such network. MissingWeightsError: its convolutions were not fetched.
        ImageError: not RGB uint8, or too small. DimensionError: not equally many, or different sizes.

    Source: Zhang et al., The unreasonable effectiveness of deep features as a perceptual metric, 2018.
    """
    import torch

    _, side = lookup("LPIPS network", net, LPIPS_NETS)
    network = lpips_network(net)

    def of_pair(image: np.ndarray, image_hat: np.ndarray) -> float:
        with torch.inference_mode():
            return network(as_tensor(image, -1, 1), as_tensor(image_hat, -1, 1)).item()

    return each_pair(of_pair, images, images_hat, side, f"LPIPS with '{net}'")


def as_tensor(image: np.ndarray, low: float, high: float) -> "torch.Tensor":
    """An RGB uint8 image H×W×3 as (1, 3, H, W) float32, 0 at `low` and 255 at `high`."""
    import torch

    unit = torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]
    return low + (high - low) * unit


@lru_cache(maxsize=len(LPIPS_NETS))
def lpips_network(net: str) -> "torch.nn.Module":
    """LPIPS with the package's own linear heads and the convolutions of our registry."""
    import warnings

    import torch
    from lpips import LPIPS
    from safetensors.torch import load_file

    from smicnb.semantics.weights.store import resolve

    convolutions = load_file(resolve(LPIPS_NETS[net][0]) / "model.safetensors")
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        # lpips names torchvision's weights by a deprecated argument; and it draws random
        # convolutions, which ours replace and which must not move the caller's random numbers.
        warnings.filterwarnings("ignore", module="torchvision")
        network = LPIPS(net=net, pnet_rand=True, verbose=False)
    # Its slices keep torchvision's layer numbers: slice2.3.weight is features.3.weight.
    trunk = {name: name.split(".", 1)[1] for name in network.net.state_dict()}
    network.net.load_state_dict({name: convolutions[layer] for name, layer in trunk.items()})
    network.net.forward = Remembered(network.net.forward)
    return network.requires_grad_(False).eval()


def each_pair(
    measure: Callable[[np.ndarray, np.ndarray], float],
    images: Sequence[np.ndarray],
    images_hat: Sequence[np.ndarray],
    side: int = 1,
    metric: str = "PSNR",
) -> np.ndarray:
    """The measure of every pair, after a check that it can be measured."""
    _check_count("images", images, "decoded images", images_hat)
    pairs = list(zip(images, images_hat, strict=True))
    for number, (image, image_hat) in enumerate(pairs):
        for one in (image, image_hat):
            if one.dtype != np.uint8 or one.ndim != 3 or one.shape[2] != 3:
                raise ImageError(f"image {number} is {one.dtype} of shape {one.shape}", "RGB uint8 H×W×3")
        if image.shape != image_hat.shape:
            raise DimensionError(
                f"image {number} is {_size(image)}, its decoded counterpart {_size(image_hat)}",
                "equal sizes (width×height)",
            )
        if min(image.shape[:2]) < side:
            raise ImageError(f"image {number} is {_size(image)}", f"both sides at least {side} for {metric}")
    return np.array([measure(*pair) for pair in pairs], dtype=np.float64)


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]}×{image.shape[0]}"


def _check_count(name: str, values: Sequence, other_name: str, others: Sequence) -> None:
    if len(values) != len(others):
        raise DimensionError(f"{len(values)} {name} and {len(others)} {other_name}", "equally many")
