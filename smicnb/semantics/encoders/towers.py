"""One way from photographs to a tower's input, in batches of one fixed size and type.

A network's output moves in its last digits with the batch size and the number type, so both are fixed:
the last batch is filled up, and an image's latent does not depend on how many others came with it.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from smicnb.base.errors import ImageError, reason
from smicnb.semantics.photographs.images import box_of, check_rgb

if TYPE_CHECKING:
    import torch

BATCH = 16
LONGEST = 64  # squares, of a resized photograph that is made as a whole
LOADERS = 2  # threads that load and resize the next batch while the tower works on this one


def resize_and_crop(image: np.ndarray, side: int, squash: bool = False, kernel: str = "bicubic") -> np.ndarray:
    """The centre square of an image after its shorter side became `side` pixels.

    Args:
        image: RGB uint8, H×W×3, any size; of a `Reduced` one its box alone is the image.
        side: pixels of the result's side.
        squash: make both sides `side` pixels instead, so that nothing is cropped and the proportions are lost.
        kernel: "bicubic" or "bilinear", Pillow's antialiased filter.

    Returns:
        RGB uint8, side×side×3.

    Of a picture longer than `LONGEST` squares only the square is made: resized as a whole, 20×1 500 000 pixels would
    take gigabytes. Pillow keeps the corners of such a part in single precision and goes through rows and columns in
    another order, which moves values by a step or two, so that all others stay as they are.
    """
    from PIL import Image

    check_rgb(image)
    whole = box_of(image)
    long, high = whole[2] - whole[0], whole[3] - whole[1]
    (height, width), (top, left) = _geometry(high, long, side, squash)
    picture, kernel = Image.fromarray(image), Image.Resampling[kernel.upper()]
    if max(height, width) > LONGEST * side:
        across, down = long / width, high / height
        corners = left * across, top * down, (left + side) * across, (top + side) * down
        box = tuple(corner + start for corner, start in zip(corners, 2 * whole[:2], strict=True))
        return np.asarray(picture.resize((side, side), kernel, box))
    resized = picture.resize((width, height), kernel, whole)
    return np.asarray(resized.crop((left, top, left + side, top + side)))


def _geometry(height: float, width: float, side: int, squash: bool) -> tuple[tuple[int, int], tuple[int, int]]:
    """The size after resizing and the crop's corner, rounded as torchvision does it, hence CLIP."""
    if squash:
        return (side, side), (0, 0)
    short = min(height, width)
    size = int(side * height // short), int(side * width // short)
    return size, (round((size[0] - side) / 2), round((size[1] - side) / 2))


@contextlib.contextmanager
def _translate_memory_errors() -> Iterator[None]:
    """Want of memory, which torch tells as a RuntimeError, as what it is."""
    try:
        yield
    except RuntimeError as error:
        if any(sign in str(error) for sign in ("allocate memory", "out of memory")):
            raise MemoryError(reason(error)) from error
        raise


def _batches(items: Iterable, size: int) -> Iterator[list]:
    items = iter(items)
    while batch := list(islice(items, size)):
        yield batch


class ImageTower:
    """A network from normalised square images to latents, with its own preprocessing.

    Args:
        network: maps float32 (n, 3, side, side) to float32 (n, L); it is put in evaluation mode.
        side: input side in pixels.
        mean: per-channel mean that is subtracted from [0, 1] values.
        std: per-channel deviation that they are divided by.
        device: a torch device name.
        squash, kernel: how images become squares, as in `resize_and_crop`.
    """

    def __init__(
        self,
        network: "torch.nn.Module | Callable",
        side: int,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        device: str = "cpu",
        squash: bool = False,
        kernel: str = "bicubic",
    ):
        import torch

        self.network, self.side, self.device = network, side, torch.device(device)
        self._squash, self._kernel = squash, kernel
        self._mean = torch.tensor(mean, device=self.device).view(1, 3, 1, 1)
        self._std = torch.tensor(std, device=self.device).view(1, 3, 1, 1)

    def encode_pixels(self, pixels: "torch.Tensor", side: int | None = None) -> "torch.Tensor":
        """Latents (n, L) of pixels, float (n, 3, H, W) in [0, 1], with gradients to the pixels; the network sees
        squares of `side`, or of its own side. Only convolutions take another.

        Resizing is torch's antialiased one, first across and then down as Pillow does it, and what is then beyond black
        and white is cut off, as there: all that differs is Pillow's rounding to 8 bits.
        """
        from torch.nn import functional

        side = side or self.side
        height, width = pixels.shape[-2:]
        if (height, width) != (side, side):
            size, (top, left) = _geometry(height, width, side, self._squash)
            for step in ((height, size[1]), size):
                pixels = functional.interpolate(pixels, size=step, mode=self._kernel, antialias=True).clamp(0, 1)
            pixels = pixels[..., top : top + side, left : left + side]
        return self.network((pixels - self._mean) / self._std)

    def __call__(self, images: Iterable[np.ndarray], done: Callable[[int], None] | None = None) -> np.ndarray:
        """Latents (n, L) float32 of RGB uint8 images; `done` is told how many each batch held.

        `images` may also hold functions that return the image: loading then overlaps with the network.
        """
        import torch

        latents = []
        with ThreadPoolExecutor(LOADERS) as loaders, torch.inference_mode():
            waiting = None
            for batch in _batches(images, BATCH):
                loading = [loaders.submit(self._prepare, image) for image in batch]
                if waiting is not None:
                    latents.append(self._forward(waiting, done))
                waiting = loading
            if waiting is not None:
                latents.append(self._forward(waiting, done))
        if not latents:
            raise ImageError("found no image to encode", "at least one")
        return np.concatenate(latents)

    def _prepare(self, image: np.ndarray | Callable[[], np.ndarray]) -> np.ndarray:
        return resize_and_crop(image() if callable(image) else image, self.side, self._squash, self._kernel)

    def _forward(self, loading: list, done: Callable[[int], None] | None) -> np.ndarray:
        import torch

        filled = np.zeros((BATCH, self.side, self.side, 3), np.uint8)
        for row, future in enumerate(loading):
            filled[row] = future.result()
        pixels = torch.from_numpy(filled).to(self.device).permute(0, 3, 1, 2).float() / 255
        with _translate_memory_errors():
            latents = self.encode_pixels(pixels)[: len(loading)].float().cpu().numpy()
        if done is not None:
            done(len(loading))
        return latents


def encode_texts(texts: Iterable[str], encode: Callable[[list[str]], "torch.Tensor"], dim: int) -> np.ndarray:
    """Latents (n, dim) float32 of texts, encoded `BATCH` at a time, the last batch filled up with ""."""
    import torch

    latents = []
    with torch.inference_mode():
        for batch in _batches(texts, BATCH):
            filled = batch + [""] * (BATCH - len(batch))
            latents.append(encode(filled)[: len(batch)].float().cpu().numpy())
    return np.concatenate(latents) if latents else np.zeros((0, dim), np.float32)
