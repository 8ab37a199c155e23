"""What pictures of several studies are made of: square thumbnails, and names of a collection's parts."""

from typing import TYPE_CHECKING

import numpy as np

from smicnb.semantics.encoders.towers import resize_and_crop

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TILE = 192  # pixels of a square thumbnail
SPLITS = {"train": "the coded collection", "heldout": "held-out scenes"}


def show(axes: "Axes", image: np.ndarray, title: str = "", below: str = "") -> None:
    """A square thumbnail of an RGB uint8 image, with a title above and a line below."""
    axes.imshow(resize_and_crop(image, TILE))
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if title:
        axes.set_title(title, pad=2)
    if below:
        axes.set_xlabel(below, labelpad=2, fontsize=7)
