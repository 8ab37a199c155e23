"""The pictures of the transform coding primer: the pipeline, rate against distortion, samples of JPEG's model."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from smicnb.drawing.looks import BLUE, GREEN, PURPLE, VERMILION
from smicnb.drawing.parts import strip_axes
from smicnb.drawing.style import COLUMN, PAGE
from smicnb.studies.primer import transform_coding as tc

FRAME = "#00E5FF"  # around the enlarged block
TITLE = 0.18  # inches above a picture
MARGIN = 8  # pixels between the frame and the block, which alone would be a dot
GREYS = {"cmap": "gray", "vmin": 0, "vmax": 255}
TICKS = (0.125, 0.25, 0.5, 1, 2, 4, 8)  # bits per pixel
CURVES = (
    {"color": BLUE, "marker": "o", "linestyle": (0, (3, 1.5)), "markerfacecolor": "white", "zorder": 3},
    {"color": VERMILION, "marker": "s"},
    {"color": GREEN, "marker": "^"},
    {"color": PURPLE, "marker": "D"},
)


def block_data(image: np.ndarray, quality: int, block: tuple[int, int]) -> pd.DataFrame:
    """The luma of one block (its row and column, counted in blocks) of an RGB uint8 image on its way through the code
    of quality 1 to 100: 64 rows, by row and column of pixel or frequency.
    """
    planes = tc.to_ycbcr(image)
    coefficients = tc.transform(planes)
    luma_steps = tc.steps(quality)[0]
    quantised = tc.encode(image, quality)
    decoded = tc.inverse_transform(quantised * tc.steps(quality))
    row, column = block
    window = np.s_[row * tc.BLOCK : (row + 1) * tc.BLOCK, column * tc.BLOCK : (column + 1) * tc.BLOCK, 0]
    rows, columns = np.mgrid[: tc.BLOCK, : tc.BLOCK]
    parts = {
        "row": rows,
        "column": columns,
        "luma": planes[window],
        "coefficient": coefficients[row, column, 0],
        "step": luma_steps,
        "quantised": quantised[row, column, 0],
        "decoded_luma": decoded[window],
    }
    return pd.DataFrame({name: values.ravel() for name, values in parts.items()})


def pipeline(image: np.ndarray, quality: int, block: tuple[int, int], data: pd.DataFrame) -> Figure:
    """Fig. 1.2 for one photograph: its planes and its decoded image above, the block of `block_data`'s table step by
    step below, framed in the photograph; other arguments as there.
    """
    heights = 0.2 * PAGE * image.shape[0] / image.shape[1] + TITLE, 0.25 * PAGE + TITLE
    figure = plt.figure(figsize=(PAGE, sum(heights)))
    whole, single = figure.subfigures(2, 1, height_ratios=heights)
    for axes, (title, picture) in zip(whole.subplots(1, 5), _planes(image, quality).items(), strict=True):
        axes.imshow(picture, **GREYS)
        strip_axes(axes, title, pad=3)
        if picture.ndim == 2 or "x" in title:  # not the chroma
            _frame(axes, block)
    grids = single.subplots(1, 4)
    square = {name: data[name].to_numpy().reshape(tc.BLOCK, tc.BLOCK) for name in data}
    _numbers(grids[0], square["luma"], "a block of $x$: luma", **GREYS)
    largest = np.abs(square["coefficient"][1:, 1:]).max()  # DC and the edge would drown the others
    signed = {"cmap": "RdBu", "vmin": -largest, "vmax": largest}
    _numbers(grids[1], square["coefficient"], "DCT coefficients $A\\,C\\,x$", **signed)
    most = np.abs(square["quantised"]).max()
    _numbers(grids[2], square["quantised"], "divided by steps, rounded: $\\hat{z}$", cmap="RdBu", vmin=-most, vmax=most)
    _numbers(grids[3], square["decoded_luma"], "the block of $\\hat{x}$: luma", **GREYS)
    return figure


def _planes(image: np.ndarray, quality: int) -> dict[str, np.ndarray]:
    """The photograph, its three components (chroma at middle luma, so that its colours show), and the decoded image."""
    planes = tc.to_ycbcr(image)
    shown = {"photograph $x$": image, "luma Y": planes[..., 0]}
    for number, title in ((1, "chroma Cb"), (2, "chroma Cr")):
        alone = np.full_like(planes, tc.SHIFT)
        alone[..., number] = planes[..., number]
        shown[title] = tc.to_rgb(alone)
    return {**shown, f"decoded $\\hat{{x}}$, quality {quality}": tc.decode(tc.encode(image, quality), quality)}


def _frame(axes: Axes, block: tuple[int, int]) -> None:
    corner = block[1] * tc.BLOCK - 0.5 - MARGIN, block[0] * tc.BLOCK - 0.5 - MARGIN
    side = tc.BLOCK + 2 * MARGIN
    axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=FRAME, linewidth=1))


def _numbers(axes: Axes, values: np.ndarray, title: str, **colours) -> None:
    """An 8×8 grid of rounded numbers on their colours; zeros are pale."""
    drawn = axes.imshow(values, **colours)
    red, green, blue, _ = np.moveaxis(drawn.to_rgba(values), -1, 0)
    dark = tc.RED * red + tc.GREEN * green + tc.BLUE * blue < 0.5
    rounded = np.rint(values).astype(int)
    for (row, column), number in np.ndenumerate(rounded):
        ink = "white" if dark[row, column] else "0.75" if number == 0 else "black"
        axes.text(column, row, f"{number}".replace("-", "−"), ha="center", va="center", fontsize=5, color=ink)
    strip_axes(axes, title, pad=3)


def rate_distortion(rows: pd.DataFrame) -> Figure:
    """PSNR against bits per pixel: an entropy estimate dashed, which comes first in
    `transform_coding.rate_distortion`'s rows, written files solid.
    """
    figure, axes = plt.subplots(figsize=(COLUMN, 3.5))
    for look, (codec, curve) in zip(CURVES, rows.groupby("codec", sort=False), strict=True):
        kind = {"estimate": "entropy estimate", "file": "bytes of the file"}[curve["rate"].iloc[0]]
        axes.plot(curve["bits_per_pixel"], curve["psnr"], label=f"{codec}: {kind}", **look)
    for point in rows[rows["rate"] == "estimate"].itertuples():
        axes.annotate(
            f"{point.quality}", (point.bits_per_pixel, point.psnr), (-4, 3), textcoords="offset points",
            ha="right", fontsize=6, color=CURVES[0]["color"],
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    low, high = rows["bits_per_pixel"].min(), rows["bits_per_pixel"].max()
    ticks = [tick for tick in TICKS if low / 1.5 <= tick <= high * 1.5]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[2, 4, 5]))
    axes.set(xlabel="rate in bits per pixel", ylabel="PSNR in dB over RGB ↑")
    figure.legend(loc="outside lower center")
    return figure


def samples(pictures: Mapping[str, np.ndarray]) -> Figure:
    """Fig. 1.1: a photograph and samples of models fitted to it, an even number of RGB uint8 images of one size, two
    side by side.
    """
    height, width = next(iter(pictures.values())).shape[:2]
    rows = len(pictures) // 2
    figure, grid = plt.subplots(rows, 2, figsize=(PAGE, rows * (PAGE / 2 * height / width + TITLE)), squeeze=False)
    for axes, (title, picture) in zip(grid.flat, pictures.items(), strict=True):
        axes.imshow(picture, interpolation="nearest")
        strip_axes(axes, title, pad=3)
    return figure
