"""TACO's positive controls: a sentence names a part of the picture, and distortion counts there alone.

Only the text can tell the encoder which part it is. A pipeline that gains nothing by its sentences here does not see
text, whatever it does with captions. Of "halves" it must join what the sentence says to where it is, and whether it can
tell where, "left" asks, which needs no text; of "planes", brightness or colours, the answer is the same everywhere.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

Task = Literal["halves", "left", "planes"]
# Part -> sentence. Those of a task differ in one word, so that nothing but that word can tell.
SENTENCES = {
    "left": "the left half of the picture",
    "right": "the right half of the picture",
    "upper": "the upper half of the picture",
    "lower": "the lower half of the picture",
    "brightness": "the brightness of the picture",
    "colours": "the colours of the picture",
}
HALVES, PLANES = ("left", "right", "upper", "lower"), ("brightness", "colours")
OPPOSITE = {"left": "right", "upper": "lower", "brightness": "colours"}
OPPOSITE |= {other: part for part, other in OPPOSITE.items()}
PARTS: dict[Task, tuple[str, ...]] = dict(zip(get_args(Task), (HALVES, HALVES[:1], PLANES), strict=True))
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue, by ITU-R BT.601, whose planes JPEG codes too
CHROMA = {2: 1.772, 0: 1.402}  # what blue less luma, and red less luma, are divided by to be Cb and Cr
STREAM = 4  # behind the seed of a batch; no zero, which numpy's generator could not tell from none


def draw_parts(count: int, seed: Sequence[int], task: Task) -> np.ndarray:
    """Which part counts of each crop of a batch, (count,) int of `PARTS[task]`, each as likely.

    Args:
        count: number of crops.
        seed: integers of the batch's seed, which alone decide, whatever the networks and whether they read text.
        task: what is divided; of "left" there is one part, so that no text is needed to know it.
    """
    return np.random.default_rng([*seed, STREAM]).integers(len(PARTS[task]), size=count)


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


def split_error(made: Tensor, pixels: Tensor, task: Task, parts: Sequence[int] | np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean squared error in the parts that count and outside them, scalars, of values scaled to [0, 255].

    Each is a mean over its own part, so that λ means about what it means elsewhere: of halves one is as large as the
    error of a whole picture would be; brightness is one plane, luma, and colours are two, Cb and Cr (BT.601).

    Args:
        made, pixels: (n, 3, H, W), about [0, 1].
        task: what is divided.
        parts: n numbers of `PARTS[task]`.
    """
    errors = 255 * (made - pixels)
    if task == "planes":
        luma = sum(weight * errors[:, channel] for channel, weight in enumerate(LUMA))
        chroma = torch.stack([(errors[:, channel] - luma) / scale for channel, scale in CHROMA.items()])
        squares = torch.stack([luma.square(), chroma.square().mean(dim=0)]).mean(dim=(2, 3))
        rows, numbers = torch.arange(len(errors)), torch.as_tensor(parts)
        return squares[numbers, rows].mean(), squares[1 - numbers, rows].mean()
    squares = errors.square().mean(dim=1, keepdim=True)
    marks = mark_halves(parts, *pixels.shape[-2:]).to(pixels.device)
    return squares[marks].mean(), squares[~marks].mean()
