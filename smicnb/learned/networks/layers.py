"""The convolutional layers of learned codecs: strided convolutions, the bottleneck block, the attention block.

Parameters are named as in CompressAI, since the names are in every checkpoint and in its hash.

Source: Cheng, Sun, Takeuchi and Katto, Learned image compression with discretized Gaussian mixture likelihoods and
attention modules, 2020 (the attention block); He, Zhang, Ren and Sun, Deep residual learning, 2016 (the bottleneck);
He, Yang, Peng, Ma, Qin and Wang, ELIC, 2022 (how codecs use them).
"""

from torch import Tensor, nn


def conv(inputs: int, outputs: int, kernel_size: int = 5, stride: int = 2) -> nn.Conv2d:
    """A convolution to ⌈h / stride⌉ × ⌈w / stride⌉ places, from `inputs` channels to `outputs`."""
    return nn.Conv2d(inputs, outputs, kernel_size, stride, padding=kernel_size // 2)


def deconv(inputs: int, outputs: int, kernel_size: int = 5, stride: int = 2) -> nn.ConvTranspose2d:
    """A transposed convolution to stride · h × stride · w places, from `inputs` channels to `outputs`."""
    padding = kernel_size // 2
    return nn.ConvTranspose2d(inputs, outputs, kernel_size, stride, padding=padding, output_padding=stride - 1)


def _bottleneck(inputs: int, middle: int, outputs: int) -> tuple[nn.Conv2d, nn.Conv2d, nn.Conv2d]:
    """Down to `middle` channels, over 3×3 places, and up again."""
    return nn.Conv2d(inputs, middle, 1), nn.Conv2d(middle, middle, 3, padding=1), nn.Conv2d(middle, outputs, 1)


class ResidualBottleneckBlock(nn.Module):
    """Three convolutions of half the channels between them, added to the input, which a 1×1 convolution brings to as
    many channels.
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = _bottleneck(inputs, min(inputs, outputs) // 2, outputs)
        self.relu = nn.ReLU(inplace=True)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Features (n, inputs, h, w) as (n, outputs, h, w)."""
        branch = self.conv3(self.relu(self.conv2(self.relu(self.conv1(features)))))
        return branch + self.skip(features)


class _ResidualUnit(nn.Module):
    """A bottleneck whose sum is rectified."""

    def __init__(self, channels: int):
        super().__init__()
        first, middle, last = _bottleneck(channels, channels // 2, channels)
        self.conv = nn.Sequential(first, nn.ReLU(inplace=True), middle, nn.ReLU(inplace=True), last)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        return self.relu(self.conv(features) + features)


class AttentionBlock(nn.Module):
    """A branch of three residual units, weighted place by place by the sigmoid of another, added to the input."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv_a = nn.Sequential(*(_ResidualUnit(channels) for _ in range(3)))
        self.conv_b = nn.Sequential(*(_ResidualUnit(channels) for _ in range(3)), nn.Conv2d(channels, channels, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Features (n, channels, h, w) as features of the same shape."""
        return self.conv_a(features) * self.conv_b(features).sigmoid() + features
