"""What TACO is trained for: rate, pixels, perception, and the sentence (TACO, Eq. 6 and 7)."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from smicnb.base.bounds import MOST_WEIGHT
from smicnb.learned.networks.taco import Reconstruction
from smicnb.semantics.encoders.encoders import SemanticEncoder

CLIP_LOGIT_SCALE = 100.0  # what CLIP's training ended at
CODE_LOGIT_SCALE = 14.28  # exp(2.6592), at which it began; the authors' code keeps it there


def leave_out_unsaid(described: dict[str, Any], later: Sequence[str]) -> dict[str, Any]:
    """What a model of a plan says of itself, without later options that are None.

    A training's identity is a hash over its description, which checkpoints keep: an option that came after some were
    trained must not change what is said, and hashed, of a training that does not use it.

    Args:
        described: a dump.
        later: names of options that came later, whose default is None.
    """
    return {key: value for key, value in described.items() if key not in later or value is not None}


def contrast_of_guessing(batch: int) -> float:
    """What the contrastive term comes to, in nats, where all captions of a batch fit each image equally: ln(batch).

    A term above it is worse than no opinion: cosines that differ by chance, sharpened by the logit scale.
    """
    return math.log(batch)


class LossWeights(BaseModel):
    """Weights of Eq. 6 and 7, and where the authors' code does something else than the paper says.

    Args:
        distortion: λ, of the mean squared error of pixels in [0, 255].
        lpips: k_p.
        joint: k_j, of the joint image-text loss.
        beta: β, of the distance between the latents of x and x̂ within it.
        lpips_range: what LPIPS is given: the range its authors trained it for, or the code's.
        logit_scale: what cosines are multiplied with before the softmax: CLIP's own, or the code's.
        distance: distance of latents: the mean of the images' distances, or the code's norm over the whole batch, which
            grows with the square root of its size.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    distortion: float = Field(gt=0, le=MOST_WEIGHT)
    lpips: float = Field(3.5, ge=0, le=MOST_WEIGHT)
    joint: float = Field(0.0025, ge=0, le=MOST_WEIGHT)
    beta: float = Field(40, ge=0, le=MOST_WEIGHT)
    lpips_range: Literal["[-1, 1]", "[0, 1]"] = "[-1, 1]"
    logit_scale: Literal["clip", "code"] = "clip"
    distance: Literal["mean", "batch"] = "mean"


class TacoLoss:
    """Eq. 6 on a batch.

    Args:
        weights: weights of the terms.
        perceptual: LPIPS on AlexNet, needed where its weight is not 0.
        encoder: encoder whose latents the joint loss compares, needed where its weight is not 0.
        side: pixels of the square that the encoder sees; None: its own size.
    """

    def __init__(
        self,
        weights: LossWeights,
        perceptual: nn.Module | None = None,
        encoder: SemanticEncoder | None = None,
        side: int | None = None,
    ):
        self.weights, self._perceptual, self._encoder, self._side = weights, perceptual, encoder, side

    def __call__(
        self,
        made: Reconstruction,
        pixels: Tensor,
        text_latents: Tensor | None,
        split: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None,
    ) -> dict[str, Tensor]:
        """The terms and their weighted sum.

        Args:
            made: x̂ and bits.
            pixels: x, (n, 3, H, W) in [0, 1].
            text_latents: latents of the captions, (n, L), any norm; None where the joint loss has no weight.
            split: of x̂ and x the squared error where it counts and elsewhere, as `control.split_error`; None: it counts
                everywhere.

        Returns:
            Scalars: bpp, mse (of pixels in [0, 255], where it counts), mse_other (elsewhere, where there is a split),
            lpips, contrast and distance where they have a weight, loss.
        """
        weights, made_pixels = self.weights, made.pixels.float()
        terms = {"bpp": made.bits.mean() / pixels[0, 0].numel()}
        if split is None:
            terms["mse"] = 255**2 * functional.mse_loss(made_pixels, pixels)
        else:
            terms["mse"], terms["mse_other"] = split(made_pixels, pixels)
        loss = terms["bpp"] + weights.distortion * terms["mse"]
        if weights.lpips:
            terms["lpips"] = self._lpips(made_pixels, pixels)
            loss = loss + weights.lpips * terms["lpips"]
        if weights.joint:
            terms["contrast"], terms["distance"] = self._joint(made_pixels, pixels, text_latents)
            loss = loss + weights.joint * (terms["contrast"] + weights.beta * terms["distance"])
        return terms | {"loss": loss}

    def _lpips(self, made: Tensor, pixels: Tensor) -> Tensor:
        if self.weights.lpips_range == "[-1, 1]":
            made, pixels = 2 * made - 1, 2 * pixels - 1
        return self._perceptual(made, pixels).float().mean()

    def _joint(self, made: Tensor, pixels: Tensor, text_latents: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(pixels.device.type, enabled=False):
            with torch.no_grad():
                aimed = self._unit(pixels)
            reached = self._unit(made)
        scale = CLIP_LOGIT_SCALE if self.weights.logit_scale == "clip" else CODE_LOGIT_SCALE
        cosines = scale * functional.normalize(text_latents, dim=1) @ reached.T
        own = torch.arange(len(cosines), device=cosines.device)
        contrast = (functional.cross_entropy(cosines, own) + functional.cross_entropy(cosines.T, own)) / 2
        apart = reached - aimed
        return contrast, apart.norm() if self.weights.distance == "batch" else apart.norm(dim=1).mean()

    def _unit(self, pixels: Tensor) -> Tensor:
        return functional.normalize(self._encoder.image_latents(pixels, self._side), dim=1)
