"""How alike two images look (DISTS), and how good one looks with no other beside it (CLIP-IQA)."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np

from smicnb.base import names
from smicnb.semantics.metrics.judges import Family, Judge
from smicnb.semantics.metrics.pairs import as_tensor, each_pair
from smicnb.semantics.metrics.remembered import Remembered
from smicnb.semantics.selection import Selection, parse

if TYPE_CHECKING:
    import torch

DISTS_PART = "vgg16-conv"
DISTS_SIDE = 32  # four poolings leave two pixels a side, of which there is a variance

CLIP_IQA = Family(
    name="clip-iqa",
    model="CLIPModel",
    processor="CLIPProcessor",
    candidates=("openai/clip-vit-base-patch16", "openai/clip-vit-large-patch14"),
    variable="SMICNB_CLIP_IQA",
    licence="MIT",
    purpose="how much nearer CLIP finds the image to a good photo than to a bad one",
)
PROMPTS = ["Good photo.", "Bad photo."]


def dists(images: Sequence[np.ndarray], images_hat: Sequence[np.ndarray]) -> np.ndarray:
    """Deep image structure and texture similarity, a distance that forgives resampled texture.

    Args:
        images, images_hat: n RGB uint8 images H×W×3, both sides at least 32; the sizes of a pair are equal, and
            unlike in its authors' script they are not reduced to 256 pixels first. The network is given the
            range [0, 1].

    Returns:
        (n,) float64, 0 for identical images to within 1e-4, seldom above 0.6.

    Raises:
        MissingWeightsError: VGG16's convolutions were not fetched. ImageError: not RGB uint8, or too small.
        DimensionError: not equally many, or different sizes.

    Source: Ding et al., Image quality assessment: unifying structure and texture similarity, 2020.
    """
    import torch

    network = _dists_network()

    def of_pair(image: np.ndarray, image_hat: np.ndarray) -> float:
        with torch.inference_mode():
            return max(network(as_tensor(image, 0, 1), as_tensor(image_hat, 0, 1)).item(), 0.0)

    return each_pair(of_pair, images, images_hat, DISTS_SIDE, "DISTS")


@lru_cache(maxsize=1)
def _dists_network() -> "torch.nn.Module":
    """torchmetrics' network with the convolutions of our registry; its own constructor downloads them."""
    import torch
    from safetensors.torch import load_file
    from torch.nn import Parameter
    from torchmetrics.functional.image.dists import _PATH_WEIGHT_DISTS, DISTSNetwork, L2pooling
    from torchvision.models.vgg import cfgs, make_layers

    from smicnb.semantics.weights.store import resolve

    class Network(DISTSNetwork):
        def __init__(self):
            torch.nn.Module.__init__(self)
            with torch.device("meta"):  # draws no random numbers
                layers = make_layers(cfgs["D"])
            layers.load_state_dict(load_file(resolve(DISTS_PART) / "model.safetensors"), assign=True)
            # Up to each of VGG's poolings, which the softer pooling of DISTS replaces.
            for number, (start, stop) in enumerate(pairwise((0, 4, 9, 16, 23, 30)), start=1):
                stage = layers[start:stop]
                if start:
                    stage[0] = L2pooling(channels=layers[start - 2].out_channels)
                self.add_module(f"stage{number}", stage)
            self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
            self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
            self.chns = [3, 64, 128, 256, 512, 512]
            factors = torch.load(_PATH_WEIGHT_DISTS, map_location="cpu", weights_only=True)
            self.alpha, self.beta = Parameter(factors["alpha"]), Parameter(factors["beta"])

    network = Network().requires_grad_(False).eval()
    network.forward_once = Remembered(network.forward_once)
    return network


class QualityModel(Protocol):
    """How good an image looks with no reference beside it: a reading of the paper's Ψ (Eq. 2)."""

    name: str
    what: str  # one clause for captions: what the number says
    fingerprint: dict[str, str]

    def quality(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """(n,) float64, higher is better, of RGB uint8 images H×W×3."""


class ClipIqa(Judge):
    """CLIP-IQA: the share of "Good photo." beside "Bad photo." in CLIP's softmax.

    Its authors take CLIP's ResNet-50 without position embeddings; this takes a CLIP with a ViT, as torchmetrics
    offers beside it, so that its numbers are not theirs (Wang et al., Exploring CLIP for assessing the look and feel of
    images, 2023).
    """

    def __init__(self, selection: Selection):
        super().__init__(CLIP_IQA, selection)

    def quality(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """(n,) float64 in [0, 1], higher is better, of RGB uint8 images H×W×3; the centre square is judged."""
        import torch

        shares = []
        for image in images:
            inputs = self.prepared(image, text=PROMPTS, padding=True)
            with torch.inference_mode():
                found = self.model(**inputs)
            cosines = found.image_embeds @ found.text_embeds.T  # both have unit norm
            shares.append((100 * cosines).softmax(dim=1)[0, 0].item())
        return np.array(shares, dtype=np.float64)


QUALITY_MODELS: dict[str, Callable[[Selection], QualityModel]] = {CLIP_IQA.name: ClipIqa}


def quality_model(name: str) -> QualityModel:
    """The no-reference quality of a name: "clip-iqa:SOURCE?device=…", SOURCE a folder, a repository or "auto"."""
    selection = parse(name)
    return names.lookup("quality model", selection.family, QUALITY_MODELS)(selection)
