"""TACO's positive control: a sentence names a half of the picture, and distortion counts there alone.

Only the text can tell the encoder which half it is. A pipeline that gains nothing by its sentences here does not see
text, whatever it does with captions, or it cannot tell where in the picture it is: which of the two, a task without
text says, whose half is always the left.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

# Half -> sentence. They differ in one word, so that nothing but that word can tell.
SENTENCES = {
    "left": "the left half of the picture",
    "right": "the right half of the picture",
    "upper": "the upper half of the picture",
    "lower": "the lower half of the picture",
}
HALVES = tuple(SENTENCES)
OPPOSITE = {"left": "right", "right": "left", "upper": "lower", "lower": "upper"}
STREAM = 4  # behind the seed of a batch; no zero, which numpy's generator could not tell from none


def draw_halves(count: int, seed: Sequence[int], task: str = "halves") -> np.ndarray:
    """Which half counts of each crop of a batch, (count,) int of `HALVES`.

    Args:
        count: number of crops.
        seed: integers of the batch's seed, which alone decide, whatever the networks and whether they read text.
        task: "halves": each as likely; "left": always the left one, so that no text is needed to know it, but where in
            the crop one is.
    """
    if task == "left":
        return np.zeros(count, int)
    return np.random.default_rng([*seed, STREAM]).integers(len(HALVES), size=count)


def mark_halves(halves: Sequence[int] | np.ndarray, height: int, width: int) -> Tensor:
    """Where pixels count, (n, 1, height, width) bool, of n numbers of `HALVES`.

    Rows and columns are those of the crop as the networks see it, mirrored or not. Of an odd side the middle belongs to
    the right or lower half: two opposite halves are the whole.
    """
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None, :]
    marks = {
        "left": (columns < width // 2).expand(height, width),
        "right": (columns >= width // 2).expand(height, width),
        "upper": (rows < height // 2).expand(height, width),
        "lower": (rows >= height // 2).expand(height, width),
    }
    return torch.stack([marks[HALVES[number]] for number in halves])[:, None]


def split_error(made: Tensor, pixels: Tensor, marks: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared error inside the marked halves and outside them, scalars, of pixels scaled to [0, 255].

    Each is a mean over its own half, so that one is as large as the error of a whole picture would be, and λ means what
    it means elsewhere.

    Args:
        made, pixels: (n, 3, H, W), about [0, 1].
        marks: (n, 1, H, W) bool, of `mark_halves`.
    """
    squares = 255**2 * (made - pixels).square().mean(dim=1, keepdim=True)
    return squares[marks].mean(), squares[~marks].mean()
