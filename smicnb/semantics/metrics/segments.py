"""What lies where: a segmenter's class probabilities, and how far those of two images are apart."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from smicnb.base import names
from smicnb.base.errors import DimensionError
from smicnb.semantics.metrics.judges import Family, Judge
from smicnb.semantics.selection import Selection, parse

SEGFORMER = Family(
    name="segformer",
    model="SegformerForSemanticSegmentation",
    processor="SegformerImageProcessor",
    candidates=("nvidia/segformer-b0-finetuned-ade-512-512",),
    variable="SMICNB_SEGFORMER",
    licence="NVIDIA source code licence, non-commercial",
    purpose="SegFormer's class probabilities, place by place",
)


class Segmenter(Protocol):
    """Images to the probability of each class at each place."""

    name: str
    what: str  # one clause for captions
    fingerprint: dict[str, str]

    def probabilities(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """(C, H, W) float32 for each RGB uint8 image; sums to 1 over the C classes; one grid H×W for all."""


class SegFormer(Judge):
    """SegFormer (Xie et al., 2021) through transformers, on its own grid: a quarter of its input's side."""

    def __init__(self, selection: Selection):
        super().__init__(SEGFORMER, selection)

    def probabilities(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """(C, H, W) float32 for each RGB uint8 image, which is resized whole to the model's square input."""
        import torch

        found = []
        for image in images:
            inputs = self.prepared(image)
            with torch.inference_mode():
                logits = self.model(**inputs).logits
            found.append(logits.softmax(dim=1)[0].float().cpu().numpy())
        return found


SEGMENTERS: dict[str, Callable[[Selection], Segmenter]] = {SEGFORMER.name: SegFormer}


def segmenter(name: str) -> Segmenter:
    """The segmenter of a name: "segformer:SOURCE?device=…", SOURCE a folder, a repository or "auto"."""
    selection = parse(name)
    return names.lookup("segmenter", selection.family, SEGMENTERS)(selection)


def segmentation_mse(
    segmenter: Segmenter, images: Sequence[np.ndarray], images_hat: Sequence[np.ndarray]
) -> np.ndarray:
    """Mean over places of ½ Σ_c (p_c - p̂_c)²: our reading of the paper's MSE-SS.

    The paper cites MSE-SS without a formula. With the half, an image whose every place is surely of another class
    has distance 1.

    Args:
        segmenter: images to class probabilities.
        images, images_hat: n RGB uint8 images H×W×3. The sizes of a pair may differ: both are brought to the
            segmenter's one input size, so that a generated image is compared on the grid of x.

    Returns:
        (n,) float64 in [0, 1], lower is better.

    Raises:
        DimensionError: not equally many, or the segmenter gave two grids.
    """
    if len(images) != len(images_hat):
        raise DimensionError(f"{len(images)} images and {len(images_hat)} decoded images", "equally many")
    distances = []
    for image, image_hat in zip(images, images_hat, strict=True):  # probabilities of all at once would fill memory
        p, p_hat = segmenter.probabilities([image, image_hat])
        if p.shape != p_hat.shape:
            raise DimensionError(f"{segmenter.name} gave probabilities {p.shape} and {p_hat.shape}", "one grid")
        distances.append(0.5 * np.square(p - p_hat, dtype=np.float64).sum(axis=0).mean())
    return np.array(distances, dtype=np.float64)
