"""What pictures of several studies are made of: thumbnails, intervals, logarithmic axes, names of splits."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smicnb.drawing.style import PAGE
from smicnb.semantics.encoders.towers import resize_and_crop

TILE = 192  # pixels of a square thumbnail
SPLITS = {"train": "the coded collection", "heldout": "held-out scenes"}


def strip_axes(axes: Axes, title: str = "", below: str = "", pad: float = 2) -> None:
    """Axes without ticks, grid and frame, for a picture; a title above and a line below."""
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if title:
        axes.set_title(title, pad=pad)
    if below:
        axes.set_xlabel(below, labelpad=2, fontsize=7)


def draw_thumbnail(axes: Axes, image: np.ndarray, title: str = "", below: str = "") -> None:
    """A square thumbnail of an RGB uint8 image, with a title above and a line below."""
    axes.imshow(resize_and_crop(image, TILE))
    strip_axes(axes, title, below)


def draw_beside_inputs(
    inputs: Sequence[np.ndarray],
    generated: Sequence[Sequence[np.ndarray]],
    below: Sequence[Sequence[str]],
    titles: Sequence[str],
    splits: Sequence[str],
    height: float,
) -> Figure:
    """Inputs on the left, one a row, and beside each what was generated for it, with a line below.

    Args:
        inputs: n RGB uint8 images.
        generated: one image under each title for each input.
        below: one line under each of these images.
        titles: headings of the columns.
        splits: "train" or "heldout" for each input, named on its left.
        height: a row's height, in widths of a column.
    """
    columns = len(titles) + 1
    size = (PAGE, PAGE / columns * height * len(inputs))
    figure, grid = plt.subplots(len(inputs), columns, figsize=size, squeeze=False)
    for row, (image, split) in enumerate(zip(inputs, splits, strict=True)):
        draw_thumbnail(grid[row, 0], image, "input" if row == 0 else "")
        grid[row, 0].set_ylabel(SPLITS[split], fontsize=7)
        for column, title in enumerate(titles):
            line = below[row][column]
            draw_thumbnail(grid[row, column + 1], generated[row][column], title if row == 0 else "", line)
    return figure


def pick_shades(count: int) -> np.ndarray:
    """(count, 4) colours from dark to light; without viridis' lightest end a step is one with any colour vision."""
    return colormaps["viridis"](np.linspace(0.0, 0.88, count))


def error_bars(rows: pd.DataFrame, centre: str) -> list[pd.Series]:
    """How far the columns `low` and `high` lie below and above the column `centre`, as `errorbar` takes it."""
    return [rows[centre] - rows["low"], rows["high"] - rows[centre]]


def log_axis(axes: Axes, ticks: Sequence[float], base: float = 10) -> None:
    """A logarithmic axis from left to right with these ticks and no others."""
    axes.set_xscale("log", base=base)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
