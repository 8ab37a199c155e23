"""Transformer blocks whose attention stays within windows, every second time shifted by half a window.

Parameters are named as in torchvision, since the names are in every checkpoint and in its hash. torchvision's own
block imports torch's compiler, which takes longer than decoding an image; its outputs are these, bit for bit.

Source: Liu et al., Swin Transformer, 2021.
"""

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIP = 2048  # tokens that are worked on at a time
ACROSS = -100.0  # added to what places attend to that the shift alone has brought into one window


class Norm(nn.LayerNorm):
    """Layer norm in its weights' precision, where all else is mixed too: more exact, and faster backwards."""

    def forward(self, tokens: Tensor) -> Tensor:
        """As the class says."""
        return super().forward(tokens.to(self.weight.dtype))


class WindowAttention(nn.Module):
    """Attention of several heads among the tokens of each window, `window` tokens wide and high, by content and by
    relative position; `dim` channels, a multiple of `heads`.
    """

    def __init__(self, dim: int, heads: int, window: int):
        super().__init__()
        self.heads, self.window = heads, window
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.register_buffer("relative_position_index", _relative_positions(window))

    def bias(self) -> Tensor:
        """What relative positions add to the likeness of two places, (1, heads, window², window²)."""
        places = self.window**2
        bias = self.relative_position_bias_table[self.relative_position_index]
        return bias.view(places, places, -1).permute(2, 0, 1).contiguous()[None]

    def forward(self, tokens: Tensor, bias: Tensor, apart: Tensor | None) -> Tensor:
        """Tokens (n, h, w, d), both sides multiples of the window, after attention. `bias` is what `bias` returns,
        `apart` what `shifted_mask` returns for these windows, None where all that a window holds belongs together.
        """
        count, height, width, dim = tokens.shape
        rows, columns, places = height // self.window, width // self.window, self.window**2
        split = tokens.view(count, rows, self.window, columns, self.window, dim).transpose(2, 3)
        windows = split.reshape(-1, places, dim)
        parts = self.qkv(windows).reshape(-1, places, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        queries, keys, values = parts[0], parts[1], parts[2]
        alike = (queries * (dim // self.heads) ** -0.5).matmul(keys.transpose(-2, -1)) + bias
        if apart is not None:
            alike = (alike.unflatten(0, (count, rows * columns)) + apart.to(alike)[:, None]).flatten(0, 1)
        found = alike.softmax(dim=-1).matmul(values).transpose(1, 2).reshape(-1, places, dim)
        back = self.proj(found).view(count, rows, columns, self.window, self.window, dim).transpose(2, 3)
        return back.reshape(count, height, width, dim)


class SwinBlock(nn.Module):
    """Attention within windows, then two layers place by place, each normed before and added to what came in.

    All of it stays within windows, so that where nothing is learned it is done strip by strip: a strip's hidden
    layers stay in a processor's cache, and an image of any size takes their memory once.

    Args:
        dim, heads, window: the same as for `WindowAttention`.
        shift: tokens by which the windows are moved down and to the right.
    """

    def __init__(self, dim: int, heads: int, window: int, shift: int):
        super().__init__()
        self.shift, self.window = shift, window
        self.norm1, self.attn = Norm(dim), WindowAttention(dim, heads, window)
        # What stands between the layers' names and numbers in torchvision is a dropout that drops nothing.
        first, last = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.norm2, self.mlp = Norm(dim), nn.Sequential(first, nn.GELU(), nn.Identity(), last)
        for layer in (first, last):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.normal_(layer.bias, std=1e-6)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (n, h, w, d), both sides multiples of the window, as tokens of the same shape."""
        count, height, width, _ = tokens.shape
        # Where a window is the whole side, there is nothing to shift.
        shifts = tuple(self.shift if side > self.window else 0 for side in (height, width))
        bias, apart = self.attn.bias(), None
        if any(shifts):
            tokens = torch.roll(tokens, tuple(-shift for shift in shifts), (1, 2))
            apart = shifted_mask(height, width, self.window, *shifts)
        rows, columns = height // self.window, width // self.window
        step = rows if torch.is_grad_enabled() else max(1, STRIP // (count * width * self.window))
        strips = []
        for row in range(0, rows, step):
            strip = tokens[:, row * self.window : (row + step) * self.window]
            near = apart if apart is None else apart[row * columns : (row + step) * columns]
            strip = strip + self.attn(self.norm1(strip), bias, near)
            strips.append(strip + self.mlp(self.norm2(strip)))
        tokens = torch.cat(strips, dim=1) if len(strips) > 1 else strips[0]
        return torch.roll(tokens, shifts, (1, 2)) if any(shifts) else tokens


class Merging(nn.Module):
    """Four neighbours to one token, (n, h, w, dim) to (n, h/2, w/2, out)."""

    def __init__(self, dim: int, out: int):
        super().__init__()
        nn.Linear(4 * dim, 2 * dim, bias=False)  # torchvision's own, drawn first: a seed's start stays what it was
        self.reduction, self.norm = nn.Linear(4 * dim, out, bias=False), Norm(4 * dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """As the class says; both sides are even."""
        columns = [tokens[..., row::2, column::2, :] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(columns, dim=-1)))


class Division(nn.Module):
    """One token to four neighbours, (n, h, w, dim) to (n, 2h, 2w, out), dim a multiple of 4: pixel shuffle, norm,
    linear map.
    """

    def __init__(self, dim: int, out: int):
        super().__init__()
        self.norm, self.increase = Norm(dim // 4), nn.Linear(dim // 4, out, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """As the class says."""
        shuffled = functional.pixel_shuffle(tokens.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
        return self.increase(self.norm(shuffled))


def _relative_positions(window: int) -> Tensor:
    """For each pair of places in a window, the row of the table that their distance has, (window⁴,) int64."""
    rows, columns = torch.arange(window).repeat_interleave(window), torch.arange(window).repeat(window)
    down, across = (side[:, None] - side[None, :] + window - 1 for side in (rows, columns))
    return (down * (2 * window - 1) + across).flatten()


@lru_cache(maxsize=4)  # the stages of one image: of a large one they take a hundred megabytes
def shifted_mask(height: int, width: int, window: int, down: int, across: int) -> Tensor:
    """What is added to the likeness of places of each window, (windows, window², window²): 0, or `ACROSS`."""
    with torch.inference_mode(False):  # it is kept, and may be needed for training next time
        regions = 3 * _regions(height, window, down)[:, None] + _regions(width, window, across)
        split = regions.view(height // window, window, width // window, window).transpose(1, 2).reshape(-1, window**2)
        return torch.where(split[:, None, :] == split[:, :, None], 0.0, ACROSS)


def _regions(side: int, window: int, shift: int) -> Tensor:
    """Of every place of a side, 1 where it is in the last window, 2 where it came round from the other end, else 0."""
    places = torch.arange(side)
    return (places >= side - window).int() + (places >= side - shift).int()
