"""What pictures of several studies are made of: thumbnails, intervals, logarithmic axes, names of splits."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from smicnb.semantics.encoders.towers import resize_and_crop

TILE = 192  # pixels of a square thumbnail
SPLITS = {"train": "the coded collection", "heldout": "held-out scenes"}


def bare(axes: Axes, title: str = "", below: str = "", pad: float = 2) -> None:
    """Axes without ticks, grid and frame, for a picture; a title above and a line below."""
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if title:
        axes.set_title(title, pad=pad)
    if below:
        axes.set_xlabel(below, labelpad=2, fontsize=7)


def show(axes: Axes, image: np.ndarray, title: str = "", below: str = "") -> None:
    """A square thumbnail of an RGB uint8 image, with a title above and a line below."""
    axes.imshow(resize_and_crop(image, TILE))
    bare(axes, title, below)


def interval(rows: pd.DataFrame, centre: str) -> list[pd.Series]:
    """How far the columns `low` and `high` lie below and above the column `centre`, as `errorbar` takes it."""
    return [rows[centre] - rows["low"], rows["high"] - rows[centre]]


def log_axis(axes: Axes, ticks: Sequence[float], base: float = 10) -> None:
    """A logarithmic axis from left to right with these ticks and no others."""
    axes.set_xscale("log", base=base)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
