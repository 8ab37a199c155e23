"""The pictures of SIC's notebook: rates by level, images at rising levels, members of a synset and their spread."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smicnb.compare.images.ablations import seed_of
from smicnb.drawing import looks
from smicnb.drawing.parts import strip_axes
from smicnb.drawing.style import PAGE
from smicnb.studies.learned_plots import SMALL, VARIANTS, find_look, show

Image = np.ndarray
LOOKS = VARIANTS["SIC"]


def select_codecs(points: pd.DataFrame, variants: Sequence[str], rivals: bool = True) -> pd.DataFrame:
    """The points of some variants of SIC, and of all other codecs if `rivals`."""
    mine = points["codec"].str.startswith("SIC ")
    wanted = points["codec"].map(lambda codec: codec.startswith("SIC ") and seed_of(codec)[0] in variants)
    return points[wanted | ~mine if rivals else wanted]


def level_rates(table: pd.DataFrame) -> Figure:
    """What each level takes, of `measures.level_rates`' table: bits per pixel of its own, of files and as estimated,
    and how far the two are apart.
    """
    figure, (own, apart) = plt.subplots(1, 2, figsize=(PAGE, 3.4))
    for codec, curve in table.groupby("codec", sort=False):
        look, seed = find_look(codec)
        look |= {"alpha": 0.45, "label": None} if seed else {}
        own.plot(curve["level"], curve["own_bpp"], **look, markersize=SMALL, linewidth=1)
        dashed = {**look, "linestyle": (0, (1, 1.5)), "marker": "", "label": None}
        own.plot(curve["level"], curve["own_estimated_bpp"], **dashed, linewidth=0.8)
        apart.plot(curve["level"], curve["largest_excess"], **look, markersize=SMALL, linewidth=1)
    own.set(xlabel="level", ylabel="bits per pixel of this level alone")
    own.set_ylim(0, 1.05 * table[["own_bpp", "own_estimated_bpp"]].to_numpy().max())
    apart.set(xlabel="level", ylabel="file − estimate (bytes, largest)")
    apart.axhline(0, color=looks.BLACK, linewidth=0.6)
    for axes in (own, apart):
        axes.set_xticks(sorted(table["level"].unique()))
    figure.legend(*own.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=6.5)
    return figure


def draw_levels(pictures: Sequence[Sequence[Image]], table: pd.DataFrame) -> Figure:
    """An image, and how some models decode it at rising levels (`measures.decode_levels`'s pictures and table): a row
    for each model, at the images' own pixels.
    """
    columns = len(pictures[0])
    height, width = pictures[0][0].shape[:2]
    size = (PAGE, PAGE / columns * (height / width + 0.22) * len(pictures) + 0.15)
    figure, grid = plt.subplots(len(pictures), columns, figsize=size, squeeze=False)
    rows = dict(iter(table.groupby("model", sort=False)))
    for line, (model, images) in enumerate(zip(rows, pictures, strict=True)):
        said = [f"{row.bpp:.3f} bpp, {row.psnr:.1f} dB\nDISTS {row.dists:.3f}" for row in rows[model].itertuples()]
        titles = [f"level {level}" for level in rows[model]["level"]]
        name = LOOKS.get(model.split("/")[0], {"label": model})["label"]
        _show_original(grid[line, 0], images[0], line, name.replace(", ", ",\n"))
        for axes, image, title, text in zip(grid[line, 1:], images[1:], titles, said, strict=True):
            show(axes, image)
            axes.set_title("" if line else title, fontsize=7)
            axes.set_xlabel(text, fontsize=6)
    return figure


def _show_original(axes: Axes, image: Image, line: int, name: str) -> None:
    """The original in the first row alone, and the name of a row on its left."""
    if line == 0:
        show(axes, image)
        axes.set_title("original", fontsize=7)
    else:
        strip_axes(axes)
    axes.set_ylabel(name, fontsize=6.5)


def synset(
    image: Image, found: Sequence[tuple[Sequence[Image], np.ndarray]], table: pd.DataFrame, shown: int = 3
) -> Figure:
    """Images from the same bytes, `shown` of them, and how far all lie apart at each pixel: a row for each level of
    `measures.synset`'s pictures and table.
    """
    columns = shown + 2
    height, width = image.shape[:2]
    size = (PAGE, PAGE / columns * (height / width + 0.13) * len(found) + 0.2)
    figure, grid = plt.subplots(len(found), columns, figsize=size, squeeze=False)
    most = max(float(spread.max()) for _, spread in found) or 1.0
    for line, ((drawn, spread), row) in enumerate(zip(found, table.itertuples(), strict=True)):
        _show_original(grid[line, 0], image, line, f"level {row.level}\n{row.bpp:.3f} bpp")
        for number, (axes, one) in enumerate(zip(grid[line, 1:], drawn[:shown], strict=False)):
            show(axes, one)
            axes.set_title("" if line else f"seed {number}", fontsize=7)
        said = f"all {len(drawn)}: {row.psnr:.1f} dB on average; the mean of their pixels: {row.psnr_of_mean:.1f} dB"
        grid[line, 1 + shown // 2].set_xlabel(said, fontsize=6)
        last = grid[line, -1]
        shade = show(last, spread, cmap="cividis", vmin=0, vmax=most)
        last.set_title("" if line else f"spread of {len(drawn)}", fontsize=7)
        last.set_xlabel(f"{row.spread:.1f} on average", fontsize=6)
    bar = figure.colorbar(shade, ax=grid[:, -1], shrink=0.9)
    bar.set_label("deviation (steps of 8 bits)", fontsize=6)
    bar.ax.tick_params(labelsize=6)
    return figure
