"""TACO (Lee et al., ICML 2024): ELIC's codec whose encoder looks at a sentence about the image.

The text acts in the analysis transform alone: a decoder needs no sentence. A size is a `TacoConfig`; FULL has the
parameter counts of the paper's Table 3, MINI is what was trained here. CompressAI's ELIC classes differ from it in the
attention blocks' place and in the parameter networks' widths.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

import torch
from torch import Tensor, nn

from smicnb.learned.networks.blocks import (
    Extractor,
    Injector,
    TextImageAttention,
    bottlenecks,
    checkerboard,
    hyper_analysis,
    hyper_synthesis,
    round_straight,
    synthesis,
)
from smicnb.learned.networks.entropy_models import EntropyBottleneck, GaussianConditional
from smicnb.learned.networks.layers import AttentionBlock, conv

MULTIPLE = 64  # of both sides of what goes in: 16 to the latent, 4 more to the hyper-latent


@dataclass(frozen=True)
class TacoConfig:
    """A size and a variant of TACO.

    Args:
        width: channels N of the transforms.
        latent: channels M of y, the sum of `groups`.
        hyper: channels of the hyper-latent z.
        hyper_widths: channels of the two hidden layers of h_s.
        groups: channels of the groups in which y is coded, each under the context of those before it.
        context_widths: channels of the two hidden layers of each channel context.
        parameter_widths: channels of the two hidden layers of each parameter network, in sixths of 2c for a group
            of c channels.
        encoder: the name of the encoder whose text tokens the adapter takes.
        text_width: width of those tokens.
        token_width: width that a learned linear map brings them to first; 0: they come as they are.
        max_tokens: tokens of a sentence that are looked at.
        text: how text gets in: "adapter" (the paper's), "tgic" (the module of its Fig. 9), "none".
    """

    width: int = 192
    latent: int = 320
    hyper: int = 192
    hyper_widths: tuple[int, int] = (320, 480)
    groups: tuple[int, ...] = (16, 16, 32, 64, 192)
    context_widths: tuple[int, int] = (224, 128)
    parameter_widths: tuple[int, int] = (10, 8)
    encoder: str = "open_clip:ViT-B-32/openai"
    text_width: int = 512
    token_width: int = 0
    max_tokens: int = 38
    text: Literal["adapter", "none", "tgic"] = "adapter"


FULL = TacoConfig()
MINI = TacoConfig(
    width=48,
    latent=80,
    hyper=32,
    hyper_widths=(40, 48),
    groups=(8, 8, 16, 16, 32),
    context_widths=(16, 12),
    parameter_widths=(5, 4),
    encoder="lite0-minilm",
    text_width=384,
    token_width=96,
)
SIZES = {"full": FULL, "mini": MINI}


class Analysis(nn.Module):
    """g_a of ELIC with TACO's text adapter: pixels and text tokens to y."""

    def __init__(self, config: TacoConfig):
        super().__init__()
        width, text = config.width, config.token_width or config.text_width
        self.fine = nn.Sequential(conv(3, width), *bottlenecks(width), conv(width, width), *bottlenecks(width))
        self.middle = nn.Sequential(AttentionBlock(width), conv(width, width), *bottlenecks(width))
        self.coarse = nn.Sequential(conv(width, config.latent), AttentionBlock(config.latent))
        self.tokens = nn.Linear(config.text_width, text) if config.token_width and config.text != "none" else None
        kind = {"adapter": Injector, "tgic": TextImageAttention}.get(config.text)
        self.inject_fine = kind(width, text) if kind else None
        self.extract = Extractor(width, text) if config.text == "adapter" else None
        self.inject_coarse = kind(width, text) if kind else None

    def adapter(self) -> list[nn.Module]:
        """The modules through which text gets in."""
        return [part for part in (self.tokens, self.inject_fine, self.extract, self.inject_coarse) if part is not None]

    def forward(self, pixels: Tensor, tokens: Tensor | None, mask: Tensor | None) -> Tensor:
        """y (n, M, H/16, W/16) of pixels (n, 3, H, W) and text tokens (n, T, text width), real where the mask says."""
        features = self.fine(pixels)
        if self.inject_fine is None:
            return self.coarse(self.middle(features))
        if self.tokens is not None:
            tokens = self.tokens(tokens)
        features = self.middle(self.inject_fine(features, tokens, mask))
        if self.extract is not None:
            tokens = self.extract(features, tokens)
        return self.coarse(self.inject_coarse(features, tokens, mask))

    def attention(self, pixels: Tensor, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """How much each position looks at each token, (n, T, H/4, W/4) and (n, T, H/8, W/8)."""
        if self.tokens is not None:
            tokens = self.tokens(tokens)
        features, fine = self.inject_fine.attend(self.fine(pixels), tokens, mask)
        features = self.middle(features)
        if self.extract is not None:
            tokens = self.extract(features, tokens)
        return fine, self.inject_coarse.attend(features, tokens, mask)[1]


class Context(nn.Module):
    """h_s and ELIC's context: what the decoder expects of each group of y, anchors first, then the others."""

    def __init__(self, config: TacoConfig):
        super().__init__()
        self.h_s = hyper_synthesis(config.hyper, config.hyper_widths, config.latent)
        self.groups = config.groups
        before = [0, *accumulate(config.groups)]
        hyper = 2 * config.latent
        self.local = nn.ModuleList(nn.Conv2d(c, 2 * c, 5, padding=2) for c in config.groups)
        self.channel = nn.ModuleList(
            _channel_context(known, config.context_widths, 2 * c) if known else nn.Identity()
            for known, c in zip(before, config.groups, strict=False)
        )
        known = [2 * c if index else 0 for index, c in enumerate(config.groups)]
        self.anchors, self.others = (
            nn.ModuleList(
                _parameters(hyper + channel + local * 2 * c, config.parameter_widths, 2 * c)
                for channel, c in zip(known, config.groups, strict=True)
            )
            for local in (0, 1)
        )

    def hyper(self, z_hat: Tensor) -> Tensor:
        """What the hyper-latent says of all groups, (n, 2M, h, w)."""
        return self.h_s(z_hat)

    def predict_anchors(self, group: int, hyper: Tensor, known: list[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Scales and means (n, c, h, w) of a group's anchors, from what `hyper` returns and ŷ of the groups before it,
        and what `predict_others` needs again.
        """
        context = [self.channel[group](torch.cat(known, dim=1)), hyper] if group else [hyper]
        scales, means = self.anchors[group](torch.cat(context, dim=1)).chunk(2, 1)
        return scales, means, context

    def predict_others(self, group: int, anchors: Tensor, context: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Scales and means (n, c, h, w) of what is no anchor, from ŷ of the anchors, zero elsewhere."""
        local = self.local[group](anchors)
        scales, means = self.others[group](torch.cat([local, *context], dim=1)).chunk(2, 1)
        return scales, means


def _channel_context(known: int, widths: tuple[int, int], out: int) -> nn.Module:
    return nn.Sequential(
        conv(known, widths[0], stride=1), nn.ReLU(), conv(widths[0], widths[1], stride=1), nn.ReLU(),
        conv(widths[1], out, stride=1),
    )  # fmt: skip


def _parameters(known: int, sixths: tuple[int, int], out: int) -> nn.Module:
    first, second = (out * number // 6 for number in sixths)
    return nn.Sequential(
        nn.Conv2d(known, first, 1), nn.ReLU(), nn.Conv2d(first, second, 1), nn.ReLU(), nn.Conv2d(second, out, 1)
    )


@dataclass(frozen=True)
class Reconstruction:
    """What a training step sees of a batch: x̂ as `pixels` (n, 3, H, W), about [0, 1], and the estimated bits of each
    image, (n,).
    """

    pixels: Tensor
    bits: Tensor


class Taco(nn.Module):
    """The networks of one size and variant."""

    def __init__(self, config: TacoConfig):
        super().__init__()
        self.config = config
        self.g_a, self.g_s = Analysis(config), synthesis(config.width, config.latent)
        self.h_a = hyper_analysis(config.latent, config.hyper, nn.ReLU)
        self.context = Context(config)
        self.prior = EntropyBottleneck(config.hyper)
        self.gaussian = GaussianConditional()

    def forward(self, pixels: Tensor, tokens: Tensor | None, mask: Tensor | None) -> Reconstruction:
        """Reconstruction and rate of pixels (n, 3, H, W) in [0, 1], both sides multiples of 64.

        Rounding is straight-through, as in the authors' training; in training mode likelihoods are those of noise.
        The rate's networks run in float32 whatever the surrounding precision.
        """
        y = self.g_a(pixels, tokens, mask)
        with torch.autocast(pixels.device.type, enabled=False):
            y = y.float()
            y_hat, bits = self.rate(y, self.h_a(y))
        return Reconstruction(self.g_s(y_hat), bits)

    def rate(self, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """ŷ and the estimated bits of each image, from y and z."""
        _, likelihoods = self.prior(z)
        bits = _bits(likelihoods)
        medians = self.prior.medians
        hyper = self.context.hyper(round_straight(z - medians) + medians)
        anchors = checkerboard(*y.shape[-2:], y.device)
        known: list[Tensor] = []
        for group, part in enumerate(y.split(self.config.groups, dim=1)):
            scales, means, context = self.context.predict_anchors(group, hyper, known)
            first = torch.where(anchors, round_straight(part - means) + means, 0)
            other_scales, other_means = self.context.predict_others(group, first, context)
            scales, means = torch.where(anchors, scales, other_scales), torch.where(anchors, means, other_means)
            bits = bits + _bits(self.gaussian(part, scales, means)[1])
            known.append(torch.where(anchors, first, round_straight(part - means) + means))
        return torch.cat(known, dim=1), bits


def _bits(likelihoods: Tensor) -> Tensor:
    return -torch.log2(likelihoods).flatten(1).sum(dim=1)
