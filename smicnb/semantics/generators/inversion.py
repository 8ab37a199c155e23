"""inversion: a new picture for a latent, from photographs that its atoms point at, repainted under the encoder.

A stand-in for an image generator that needs no model hub, in three steps. The latent is written as a sum of a few
gallery latents with positive coefficients. Their photographs are laid out in one picture, each on its share of the
area, and the layout is moved by the gradient of the cosine between the encoder's latent of the picture and the
wanted one. Then the picture itself follows that gradient, as a correction in the Fourier domain, where it cannot
turn into single pixels (Olah, Mordvintsev and Schubert, Feature visualization, 2017), seen through random crops;
between two rounds it goes once through VGG19 to relu4_1 and back through a decoder (Huang and Belongie, Arbitrary
style transfer in real-time, 2017), which keeps what VGG19 sees and drops what only the encoder would.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from smicnb.base.errors import DimensionError, ImageError, SmicnbError
from smicnb.semantics import devices
from smicnb.semantics.encoders.encoders import SemanticEncoder
from smicnb.semantics.encoders.towers import resize_and_crop
from smicnb.semantics.metrics.pairs import as_tensor
from smicnb.semantics.photographs.image_collections import Collection
from smicnb.semantics.selection import Selection
from smicnb.semantics.weights import store

if TYPE_CHECKING:
    import torch

NAME, PART = "inversion", "vgg19-adain"
SIDE = 224  # pixels, a multiple of 8 as the decoder needs
PHOTOGRAPHS, STEPS = 3, 12  # chosen on training scenes: docs/encoders.md
DEFAULTS = {"photographs": PHOTOGRAPHS, "steps": STEPS, "device": "cpu"}  # of a name's options
LAYOUT_STEPS, LAYOUT_RATE, LAYOUT_CELLS = 6, 0.7, 7
PAINT_RATE = 0.05
FIRST_ROUND = 2 / 3  # share of the steps before VGG19 has seen the picture
SMALLEST_CROP = 0.82  # of the side, of the random crops that the encoder sees while painting
SHARPNESS = 30.0  # of the borders between photographs, in logits for a squared distance of one side

# Layers of VGG19 (normalised, reflection padding) to relu4_1, and of its decoder, by their numbers in the part.
_ENCODER = (2, 5, "pool", 9, 12, "pool", 16, 19, 22, 25, "pool", 29)
_DECODER = (1, "double", 5, 8, 11, 14, "double", 18, 21, "double", 25)
_LAST = 28
# Directions in which colours of photographs vary most, as columns, the longest of length 1: brightness first.
_COLOURS = ((0.562, 0.195, 0.043), (0.584, 0.0, -0.108), (0.584, -0.195, 0.065))


class FeaturePainter:
    """VGG19's relu4_1 features and back: what of a picture its features keep."""

    def __init__(self, device: str = "cpu"):
        from safetensors.torch import load_file

        stored = load_file(store.resolve(PART) / "model.safetensors", device=device)
        self._tensors = {name: tensor.requires_grad_(False) for name, tensor in stored.items()}

    def features(self, pixels: "torch.Tensor") -> "torch.Tensor":
        """Features (n, 512, H/8, W/8), 0 or more, of float pixels (n, 3, H, W) in [0, 1], H and W multiples of 8."""
        from torch.nn import functional

        # The first layer, of 1×1, holds the normalisation that the other weights expect.
        x = functional.conv2d(pixels, self._tensors["encoder.0.weight"], self._tensors["encoder.0.bias"])
        for layer in _ENCODER:
            x = functional.max_pool2d(x, 2) if layer == "pool" else self._convolve(x, f"encoder.{layer}").relu()
        return x

    def decode(self, features: "torch.Tensor") -> "torch.Tensor":
        """Pixels (n, 3, 8·h, 8·w) in [0, 1] of features (n, 512, h, w)."""
        from torch.nn import functional

        x = features
        for layer in _DECODER:
            if layer == "double":
                x = functional.interpolate(x, scale_factor=2, mode="nearest")
            else:
                x = self._convolve(x, f"decoder.{layer}").relu()
        return self._convolve(x, f"decoder.{_LAST}").clamp(0, 1)

    def _convolve(self, x: "torch.Tensor", layer: str) -> "torch.Tensor":
        from torch.nn import functional

        padded = functional.pad(x, (1, 1, 1, 1), mode="reflect")
        return functional.conv2d(padded, self._tensors[f"{layer}.weight"], self._tensors[f"{layer}.bias"])


def sparse_code(latent: np.ndarray, latents: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """A latent as a sum of a few others with positive coefficients, by orthogonal matching pursuit.

    Args:
        latent: (L,).
        latents: what may be added, (n, L), none of them zero.
        count: how many at most, 1 or more.

    Returns:
        Rows of `latents` (k,) in the order of their choice, 1 ≤ k ≤ count, and coefficients (k,) that sum to 1. Where
        nothing points the latent's way, it is the row of largest cosine alone.

    Source: Bruckstein, Elad and Zibulevsky, On the uniqueness of nonnegative sparse solutions, 2008.
    """
    from scipy.optimize import nnls

    latent, latents = latent.astype(np.float64), latents.astype(np.float64)
    norms = np.linalg.norm(latents, axis=1)
    rows: list[int] = []
    coefficients, rest = np.zeros(0), latent
    while len(rows) < min(count, len(latents)):
        cosines = latents @ rest / norms
        cosines[rows] = -np.inf
        row = int(np.argmax(cosines))
        if rows and cosines[row] <= 0:
            break
        rows.append(row)
        coefficients, _ = nnls(latents[rows].T, latent)
        rest = latent - coefficients @ latents[rows]
    used = coefficients > 1e-6 * coefficients.max()
    if not used.any():
        return np.array(rows[:1]), np.ones(1)
    return np.array(rows)[used], coefficients[used] / coefficients[used].sum()


def layout(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Logits (k, 7, 7) whose softmax over k gives each photograph about its share, of sum 1, of the picture's area;
    `rng` turns their centres about the picture's.
    """
    count, ticks = len(shares), (np.arange(LAYOUT_CELLS) + 0.5) / LAYOUT_CELLS
    angles = 2 * np.pi * (rng.random() + np.arange(count) / count)
    rows, columns = 0.5 + np.sin(angles) / 3, 0.5 + np.cos(angles) / 3
    distances = (ticks[None, :, None] - rows[:, None, None]) ** 2 + (ticks[None, None] - columns[:, None, None]) ** 2
    logits = -SHARPNESS * distances
    for _ in range(40):  # a photograph with too little area is preferred more, until the areas fit
        parts = np.exp(logits - logits.max(axis=0))
        areas = (parts / parts.sum(axis=0)).mean(axis=(1, 2))
        logits += np.log(shares / np.maximum(areas, 1e-6))[:, None, None]
    return logits.astype(np.float32)


class InversionGenerator:
    """A stand-in that makes new pictures: photographs composed and repainted until the encoder sees the latent.

    The encoder that a picture was optimised under finds it closer to the latent than another model would: judge it
    by another. A picture depends on its latent and seed alone, since pictures are made one by one.

    Args:
        encoder: encoder of the latents that are inverted; its `image_latents` gives the gradients.
        gallery: photographs to start from.
        latents: their latents, (len(gallery), dim).
        photographs: how many a picture is composed of at most, 1 or more.
        steps: number of painting steps; 0 leaves the composed photographs as they are.
        device: the encoder's torch device.
    """

    name = NAME
    verb = "generated"

    def __init__(
        self,
        encoder: SemanticEncoder,
        gallery: Collection,
        latents: np.ndarray,
        photographs: int = PHOTOGRAPHS,
        steps: int = STEPS,
        device: str = "cpu",
    ):
        if len(gallery) == 0:
            raise ImageError("the gallery of the inversion generator is empty", "at least one photograph")
        if latents.shape != (len(gallery), encoder.dim):
            raise DimensionError(
                f"found latents of shape {latents.shape} for {len(gallery)} gallery photographs",
                f"({len(gallery)}, {encoder.dim})",
            )
        if photographs < 1 or steps < 0:
            raise SmicnbError(f"found photographs={photographs}, steps={steps}", "photographs ≥ 1 and steps ≥ 0")
        self.gallery, self.dim = gallery, encoder.dim
        self._encoder, self._device = encoder, device
        self._latents, self._photographs, self._steps = latents, photographs, steps
        what = "gallery photographs composed" if photographs > 1 else "the nearest gallery photograph"
        if steps:
            self.what = f"a new picture by a stand-in: {what}{' and' if photographs > 1 else ''} repainted with "
            self.what += "VGG19's features until the encoder finds the latent in it"
        else:
            self.what = f"a picture by a stand-in: {what}, seen once through VGG19's features"
        self._pixels = lru_cache(maxsize=64)(self._load_pixels)

    @cached_property
    def fingerprint(self) -> dict[str, str | int | float]:
        """The hash of VGG19's and the decoder's numbers, and the settings; the gallery is the collection's."""
        settings = {"photographs": self._photographs, "steps": self._steps, "side": SIDE}
        return {"source": PART, "weights": store.weights_hash(PART), **settings}

    def generate(self, latents: np.ndarray, seeds: Sequence[int]) -> list[np.ndarray]:
        """New pictures, RGB uint8 224×224×3, of latents (n, dim) of any norm, one seed for each."""
        if latents.ndim != 2 or latents.shape[1] != self.dim or len(seeds) != len(latents):
            raise DimensionError(
                f"found latents of shape {latents.shape} and {len(seeds)} seeds", f"(n, {self.dim}) and n seeds"
            )
        return [self._picture(latent, seed) for latent, seed in zip(latents, seeds, strict=True)]

    @cached_property
    def _painter(self) -> FeaturePainter:
        return FeaturePainter(self._device)

    def _load_pixels(self, row: int) -> "torch.Tensor":
        return as_tensor(resize_and_crop(self.gallery.items[row].image(), SIDE), 0, 1).to(self._device)

    def _picture(self, latent: np.ndarray, seed: int) -> np.ndarray:
        import torch
        from torch.nn import functional

        rng = np.random.default_rng(seed)
        wanted = torch.from_numpy(latent.astype(np.float32)).to(self._device)[None]
        rows, shares = sparse_code(latent, self._latents, self._photographs)
        photographs = torch.cat([self._pixels(int(row)) for row in rows])

        def unlikeness(pixels: torch.Tensor) -> torch.Tensor:
            return -functional.cosine_similarity(self._encoder.image_latents(pixels), wanted).mean()

        pixels = _compose(photographs, layout(shares, rng), unlikeness)
        first = round(self._steps * FIRST_ROUND)
        pixels = _paint(pixels, first, rng, unlikeness)
        with torch.no_grad():
            pixels = self._painter.decode(self._painter.features(pixels))
        pixels = _paint(pixels, self._steps - first, rng, unlikeness)
        return (pixels[0] * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def inversion(selection: Selection, encoder: SemanticEncoder, gallery: Collection) -> InversionGenerator:
    """The inversion generator over `gallery`; options photographs, steps, and device (the encoder's)."""
    from smicnb.semantics.encoders.encoders import encode_collection

    selection.refuse_source()
    settings = selection.settings(**DEFAULTS)
    devices.check_device(settings["device"])
    return InversionGenerator(encoder, gallery, encode_collection(encoder, gallery), **settings)


def _compose(photographs: "torch.Tensor", logits: np.ndarray, unlikeness: Callable) -> "torch.Tensor":
    """One picture (1, 3, S, S) of photographs (k, 3, S, S), its layout moved to where it is least unlike."""
    import torch
    from torch.nn import functional

    cells = torch.from_numpy(logits).to(photographs.device)[None].requires_grad_()

    def picture() -> torch.Tensor:
        masks = functional.interpolate(cells, size=(SIDE, SIDE), mode="bilinear")[0].softmax(0)
        return (masks[:, None] * photographs).sum(0, keepdim=True)

    optimiser = torch.optim.Adam([cells], lr=LAYOUT_RATE)
    for _ in range(LAYOUT_STEPS if len(photographs) > 1 else 0):
        optimiser.zero_grad()
        unlikeness(picture()).backward()
        optimiser.step()
    return picture().detach()


def _paint(pixels: "torch.Tensor", steps: int, rng: np.random.Generator, unlikeness: Callable) -> "torch.Tensor":
    """The picture (1, 3, S, S) in [0, 1] after some steps of Adam on a correction of its logits."""
    import torch

    if steps == 0:
        return pixels
    across, down = np.fft.rfftfreq(SIDE)[None], np.fft.fftfreq(SIDE)[:, None]
    amplitudes = 1 / np.maximum(np.hypot(across, down), 1 / SIDE)  # as photographs have them: less the finer
    scale = torch.from_numpy((SIDE * amplitudes / np.linalg.norm(amplitudes)).astype(np.float32)).to(pixels.device)
    colours = torch.tensor(_COLOURS, device=pixels.device)
    base = torch.logit(pixels.clamp(0.01, 0.99))
    spectrum = torch.zeros(1, 3, *scale.shape, 2, device=pixels.device, requires_grad=True)

    def picture() -> torch.Tensor:
        correction = torch.fft.irfft2(torch.view_as_complex(spectrum) * scale, s=(SIDE, SIDE), norm="ortho")
        return torch.sigmoid(base + torch.einsum("ck,bkhw->bchw", colours, correction))

    optimiser = torch.optim.Adam([spectrum], lr=PAINT_RATE)
    for _ in range(steps):
        optimiser.zero_grad()
        unlikeness(_crop_randomly(picture(), rng)).backward()
        optimiser.step()
    return picture().detach()


def _crop_randomly(pixels: "torch.Tensor", rng: np.random.Generator) -> "torch.Tensor":
    """A random crop, enlarged to the whole, mirrored or not: a noise that fits one pixel grid gains nothing by it."""
    from torch.nn import functional

    side = round(SIDE * rng.uniform(SMALLEST_CROP, 1))
    top, left = rng.integers(0, SIDE - side + 1, size=2)
    crop = functional.interpolate(pixels[..., top : top + side, left : left + side], size=(SIDE, SIDE), mode="bilinear")
    return crop.flip(-1) if rng.random() < 0.5 else crop
