"""What the learned codecs are built of: residual stacks, text attention, straight-through rounding."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from smicnb.learned.networks.layers import AttentionBlock, ResidualBottleneckBlock, conv, deconv

HEADS = 8


def bottlenecks(width: int) -> list[nn.Module]:
    """Three residual bottleneck blocks, as between the strided convolutions of ELIC (He et al., 2022)."""
    return [ResidualBottleneckBlock(width, width) for _ in range(3)]


def synthesis(width: int, latent: int) -> nn.Sequential:
    """g_s of ELIC: ŷ (n, latent, h, w) to pixels (n, 3, 16h, 16w) about [0, 1]; no text in it."""
    return nn.Sequential(
        AttentionBlock(latent),
        deconv(latent, width),
        *bottlenecks(width),
        deconv(width, width),
        AttentionBlock(width),
        *bottlenecks(width),
        deconv(width, width),
        *bottlenecks(width),
        deconv(width, 3),
    )


def hyper_analysis(latent: int, hyper: int, activation: type[nn.Module]) -> nn.Sequential:
    """h_a: y (n, latent, h, w) to the hyper-latent z (n, hyper, h/4, w/4) (Minnen et al., 2018)."""
    return nn.Sequential(
        conv(latent, hyper, kernel_size=3, stride=1),
        activation(),
        conv(hyper, hyper),
        activation(),
        conv(hyper, hyper),
    )


def hyper_synthesis(hyper: int, widths: tuple[int, int], latent: int) -> nn.Sequential:
    """h_s: ẑ (n, hyper, h, w) to scales and means of the latent, (n, 2 latent, 4h, 4w)."""
    first, second = widths
    return nn.Sequential(
        deconv(hyper, first),
        nn.ReLU(),
        deconv(first, second),
        nn.ReLU(),
        deconv(second, 2 * latent, kernel_size=3, stride=1),
    )


def round_straight(values: Tensor) -> Tensor:
    """The nearest integers, with the gradient of the values themselves (straight-through)."""
    return values + (torch.round(values) - values).detach()


def pad(pixels: Tensor, multiple: int) -> Tensor:
    """Pixels (n, c, H, W) repeated at the right and lower edge up to the next multiple."""
    height, width = pixels.shape[-2:]
    return functional.pad(pixels, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def _flatten(features: Tensor) -> Tensor:
    return features.flatten(2).transpose(1, 2)


def _image(tokens: Tensor, like: Tensor) -> Tensor:
    """(n, h·w, c) as (n, c, h, w), with h and w of `like`."""
    return tokens.transpose(1, 2).unflatten(2, like.shape[-2:])


class _CrossAttention(nn.Module):
    """What both of TACO's attentions are made of: one side is projected to the width of the other, both are normed."""

    def __init__(self, width: int, projected: int):
        super().__init__()
        self.project = nn.Linear(projected, width)
        self.norm_text, self.norm_image = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, HEADS, batch_first=True)


class Injector(_CrossAttention):
    """Text tokens into image features of so many channels: LN(image) + γ · attention(image → text) (TACO, Eq. 5)."""

    def __init__(self, width: int, text: int):
        super().__init__(width, text)
        self.gamma = nn.Parameter(torch.zeros(width))

    def forward(self, features: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """Features (n, width, h, w) after looking at tokens (n, T, text), of which the mask (n, T) tells the real."""
        # The fused attention that leaves the weights out is slow backwards for a few tokens and narrow heads.
        image, found, _ = self._attend(features, tokens, mask, weights=self.training)
        return _image(image + self.gamma * found, features)

    def attend(self, features: Tensor, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`forward`, and how much each position looks at each token, (n, T, h, w)."""
        image, found, looks = self._attend(features, tokens, mask, weights=True)
        return _image(image + self.gamma * found, features), _image(looks, features)

    def _attend(self, features: Tensor, tokens: Tensor, mask: Tensor, weights: bool) -> tuple[Tensor, Tensor, Tensor]:
        image, text = self.norm_image(_flatten(features)), self.norm_text(self.project(tokens))
        return image, *self.attention(image, text, text, key_padding_mask=~mask, need_weights=weights)


class Extractor(_CrossAttention):
    """Image features into text tokens of so many channels: LN(text) + attention(text → image), the second attention of
    TACO's adapter.
    """

    def __init__(self, width: int, text: int):
        super().__init__(text, width)

    def forward(self, features: Tensor, tokens: Tensor) -> Tensor:
        """Tokens (n, T, text) after looking at features (n, width, h, w)."""
        text, image = self.norm_text(tokens), self.norm_image(self.project(_flatten(features)))
        return text + self.attention(text, image, image, need_weights=self.training)[0]


class TextImageAttention(nn.Module):
    """The image-text attention module that TACO's Fig. 9 compares with, as we read its description.

    TGIC (Jiang et al., 2023) has no public code. Each position gathers the words that it is most alike (the word
    attention of AttnGAN), and two convolutions over both give what is added to the features.
    """

    def __init__(self, width: int, text: int):
        super().__init__()
        self.project = nn.Linear(text, width)
        self.fuse = nn.Sequential(
            nn.Conv2d(2 * width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )
        nn.init.zeros_(self.fuse[2].weight)
        nn.init.zeros_(self.fuse[2].bias)

    def forward(self, features: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """Features (n, width, h, w) after looking at tokens (n, T, text), of which the mask (n, T) tells the real."""
        return self.attend(features, tokens, mask)[0]

    def attend(self, features: Tensor, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`forward`, and how much each position looks at each token, (n, T, h, w)."""
        words = self.project(tokens)
        alike = (_flatten(features) @ words.transpose(1, 2)).masked_fill(~mask[:, None], float("-inf"))
        looks = alike.softmax(dim=-1)
        gathered = _image(looks @ words, features)
        return features + self.fuse(torch.cat([features, gathered], dim=1)), _image(looks, features)


def checkerboard(height: int, width: int, device: torch.device) -> Tensor:
    """The anchors of a checkerboard, (height, width) of bool: true where row + column is odd."""
    rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)
    return (rows[:, None] + columns) % 2 == 1
