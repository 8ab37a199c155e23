"""The pictures of the learned codecs' notebooks: rate curves, what each part is worth, where the text acts."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FixedLocator, NullFormatter, StrMethodFormatter

from smicnb.compare.images import curves
from smicnb.compare.images.ablations import seed_of
from smicnb.drawing import looks
from smicnb.drawing.parts import error_bars
from smicnb.drawing.style import COLUMN, PAGE

Image = np.ndarray
# metric -> label with unit and direction
LABELS = {
    "psnr": "PSNR (dB) ↑",
    "ms_ssim": "MS-SSIM ↑",
    "lpips": "LPIPS, AlexNet ↓",
    "lpips_vgg": "LPIPS, VGG ↓",
    "dists": "DISTS ↓",
    "image_cosine": "image cosine ↑",
}
# codec's name in `compare.classical` -> its look
RIVALS = {
    "JPEG": "jpeg",
    "JPEG XL": "jpeg-xl",
    "AVIF": "avif",
    "VVenC intra": "vvc",
    "x265 intra": "hevc",
    "AV1 (SVT-AV1)": "av1",
}
# family -> variant -> its look
VARIANTS = {
    "TACO": {
        "full": looks.CODECS["taco"] | {"linestyle": "-"},
        "without-adapter": {"color": looks.BLUE, "marker": "o", "linestyle": "-", "label": "without text adapter"},
        "without-joint-loss": {
            "color": looks.VERMILION, "marker": "s", "linestyle": "-", "label": "without joint loss"
        },
        "frozen-base": {"color": looks.GREEN, "marker": "^", "linestyle": "-", "label": "frozen base model"},
        "tgic": {"color": looks.ORANGE, "marker": "*", "linestyle": "-", "label": "TGIC's module (our reading)"},
    },
    "SIC": {
        "one-sample": looks.CODECS["sic"] | {"linestyle": "-", "label": "SIC, M = 1"},
        "five-samples": {"color": looks.BLUE, "marker": "o", "linestyle": "-", "label": "SIC, M = 5"},
        "one-sample-adversarial": {
            "color": looks.VERMILION, "marker": "s", "linestyle": "--", "label": "M = 1, adversarial"
        },
        "five-samples-adversarial": {
            "color": looks.ORANGE, "marker": "^", "linestyle": "--", "label": "M = 5, adversarial"
        },
        "without-constraints": {"color": looks.GREEN, "marker": "D", "linestyle": "-", "label": "without idempotence"},
        "without-warm-up": {"color": looks.PURPLE, "marker": "P", "linestyle": "-", "label": "without warm-up"},
        "scale-detail": {"color": looks.OLIVE, "marker": "<", "linestyle": "-", "label": "Gaussian, learned scale"},
        "zero-detail": {"color": looks.GREY, "marker": "X", "linestyle": "-", "label": "details not drawn"},
        "growing": {"color": looks.INDIGO, "marker": "h", "linestyle": "-.", "label": "growing groups"},
        "twin": {"color": looks.BLACK, "marker": "d", "linestyle": ":", "label": "twin: rate and MSE, a model a rate"},
    },
}  # fmt: skip
FAR = 4  # times as large as the next one: a gap that would hide the others
SMALL = 3.2  # of markers where many curves share a panel


def find_look(codec: str) -> tuple[dict, int]:
    """How a codec is drawn, and the seed that it was trained with; a variant of one's own is drawn by its name."""
    if codec in RIVALS:
        return looks.CODECS[RIVALS[codec]], 0
    variant, seed = seed_of(codec)
    own = {"color": looks.SKY, "marker": "v", "linestyle": "-.", "label": variant}
    return VARIANTS[codec.split(" ")[0]].get(variant, own), seed


def rate_curves_of(
    points: pd.DataFrame, metrics: Sequence[str], most_bpp: float, seed: int, least_bpp: float = 0
) -> Figure:
    """A panel per metric of `evaluate.points`' table: means over images at each operating point, with 95 % intervals
    over scenes, between two rates in bits per pixel. Further seeds of a variant are drawn thinner.
    """
    columns = 3
    rows = -(-len(metrics) // columns)
    spare = rows * columns > len(metrics)
    figure, panels = plt.subplots(rows, columns, figsize=(PAGE, 2.2 * rows + (0 if spare else 0.5)), squeeze=False)
    for axes, metric in zip(panels.flat, metrics, strict=False):
        _curves(axes, points, metric, (least_bpp, most_bpp), seed)
    for axes in panels.flat[len(metrics) :]:
        axes.axis("off")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    if spare:
        panels.flat[len(metrics)].legend(handles, labels, loc="center left", fontsize=6.5)
    else:
        figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=6.5)
    return figure


def _curves(axes: Axes, points: pd.DataFrame, metric: str, ends: tuple[float, float], seed: int) -> None:
    cells = ["codec", "setting"]
    rates = curves.means(points, "bpp", cells, seed).set_index(cells)["mean"]
    values = curves.means(points, metric, cells, seed).set_index(cells)
    shown = []
    for codec in points["codec"].unique():
        look, repeat = find_look(codec)
        curve = values.loc[codec].assign(bpp=rates.loc[codec]).sort_values("bpp")
        curve = curve[curve["bpp"].between(*ends)]
        shown += [*curve["low"], *curve["high"]]
        error = error_bars(curve, "mean")
        thin = {"alpha": 0.45, "label": None} if repeat else {}
        axes.errorbar(
            curve["bpp"], curve["mean"], error, markersize=SMALL, linewidth=1, elinewidth=0.6, **{**look, **thin}
        )
    axes.set(xlabel="bits per pixel (log) ↓", ylabel=LABELS[metric], xscale="log")
    rate_ticks(axes)
    finite = np.array(shown)[np.isfinite(shown)]
    if len(finite):
        margin = 0.04 * np.ptp(finite)
        axes.set_ylim(finite.min() - margin, finite.max() + margin)


def rate_ticks(axes: Axes) -> None:
    """Plain numbers on a logarithmic axis of bits per pixel."""
    axes.xaxis.set_major_locator(FixedLocator([0.05, 0.1, 0.2, 0.4, 0.8, 1.6]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def ablations(judged: pd.DataFrame, metrics: Sequence[str], family: str = "TACO") -> Figure:
    """What each part of a family of `VARIANTS` is worth, a panel per metric: `ablations.judge`'s gaps with 95 %
    intervals over images, on the spread over seeds, where there are several.
    """
    variants = VARIANTS[family]
    plain = next(iter(variants))
    pairs = list(judged[["better", "worse"]].drop_duplicates().itertuples(index=False, name=None))
    figure, panels = plt.subplots(1, len(metrics), figsize=(PAGE, 0.7 + 0.34 * len(pairs)), sharey=True, squeeze=False)
    for axes, metric in zip(panels.flat, metrics, strict=True):
        rows = judged[judged["metric"] == metric].set_index(["better", "worse"])
        spread = rows["spread"].iloc[0]
        if np.isfinite(spread):
            axes.axvspan(-spread, spread, color=looks.GREY, alpha=0.2, linewidth=0)
        axes.axvline(0, color=looks.BLACK, linewidth=0.6)
        for height, pair in enumerate(reversed(pairs)):
            if pair in rows.index:
                row = rows.loc[pair]
                error = [[row["gap"] - row["low"]], [row["high"] - row["gap"]]]
                look = variants[pair[1] if pair[0] == plain else pair[0]]
                axes.errorbar(row["gap"], height, xerr=error, color=look["color"], marker=look["marker"], linewidth=1)
        _cut_gaps(axes, rows, {pair: height for height, pair in enumerate(reversed(pairs))})
        axes.locator_params(axis="x", nbins=3)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlabel(f"gain in {LABELS[metric].rsplit(' ', 1)[0]}", fontsize=7)
    labels = [f"over {variants[worse]['label']}" for _, worse in reversed(pairs)]
    if len({better for better, _ in pairs}) > 1:
        first = [variants[better]["label"] for better, _ in reversed(pairs)]
        labels = [f"{one}\n{label}" for one, label in zip(first, labels, strict=True)]
    panels[0, 0].set_yticks(range(len(pairs)), labels)
    panels[0, 0].set_ylim(-0.6, len(pairs) - 0.4)
    return figure


def _cut_gaps(axes: Axes, rows: pd.DataFrame, heights: dict[tuple[str, str], int]) -> None:
    """Leave gaps many times larger than all others outside the axis, as a number at its end, so that those are seen."""
    sizes = rows[["low", "high"]].abs().max(axis=1).sort_values()
    jumps = (sizes / sizes.shift()) > FAR
    far = sizes.index[jumps.to_numpy().argmax() :] if jumps.any() else []
    if len(far) == 0:
        return
    most = 1.15 * max(sizes[sizes.index.difference(far)].max(), rows["spread"].max())
    axes.set_xlim(-most, most)
    for pair in far:
        gap = rows.loc[pair, "gap"]
        end = (
            {"x": 0.98, "ha": "right", "s": f"{gap:+.3f} →"}
            if gap > 0
            else {"x": 0.02, "ha": "left", "s": f"← {gap:+.3f}"}
        )
        axes.text(y=heights[pair], va="center", fontsize=6.5, transform=axes.get_yaxis_transform(), **end)


def caption_sources(summary: pd.DataFrame) -> Figure:
    """What other sentences cost one codec: differences from the first source with 95 % intervals, a panel per metric,
    of `taco.captions.summary_by_caption`'s table.
    """
    settings = list(summary["setting"].unique())
    sources = list(summary["source"].unique())
    figure, panels = plt.subplots(1, 2, figsize=(PAGE, 0.8 + 0.3 * len(sources)), sharey=True)
    for axes, metric in zip(panels, ("lpips", "psnr"), strict=True):
        axes.axvline(0, color=looks.BLACK, linewidth=0.6)
        for number, setting in enumerate(settings):
            rows = summary[summary["setting"] == setting].set_index("source").loc[sources[1:]]
            middle = rows[f"{metric}_difference"]
            heights = len(sources) - 2 - np.arange(len(rows)) + 0.24 * (len(settings) - 1 - 2 * number) / 2
            error = [middle - rows[f"{metric}_low"], rows[f"{metric}_high"] - middle]
            look = {"color": (looks.PURPLE, looks.BLUE)[number % 2], "marker": "Ds"[number % 2], "linestyle": ""}
            axes.errorbar(middle, heights, xerr=error, **look, markersize=SMALL, linewidth=1, label=f"{setting} rate")
        axes.set_xlabel(f"difference in {LABELS[metric]} from {sources[0]}", fontsize=7)
        axes.locator_params(axis="x", nbins=5)
    panels[0].set_yticks(range(len(sources) - 1), sources[:0:-1])
    panels[0].set_ylim(-0.6, len(sources) - 1.4)
    panels[0].legend(fontsize=6.5)
    return figure


def captions_kept(similarity: pd.DataFrame) -> Figure:
    """CIDEr-D of captions of decoded images against the rate, with 95 % intervals over scenes, of
    `taco.captions.caption_similarity`'s table.
    """
    figure, axes = plt.subplots(figsize=(COLUMN, 2.6))
    for codec, rows in similarity.groupby("codec", sort=False):
        rows = rows.sort_values("bpp")
        error = error_bars(rows, "cider_d")
        axes.errorbar(rows["bpp"], rows["cider_d"], error, markersize=SMALL, linewidth=1, **find_look(codec)[0])
    axes.set(xlabel="bits per pixel (log) ↓", ylabel="CIDEr-D of captions ↑", xscale="log")
    rate_ticks(axes)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=6.5)
    return figure


def reconstructions(pictures: Sequence[Sequence[Image]], table: pd.DataFrame) -> Figure:
    """Images beside what some codecs made of them, of equal size, a row each, at their own pixels; a row of
    `taco.measures.decode_nearest`'s table for each decoded one.
    """
    columns = len(pictures[0])
    heights = [images[0].shape[0] / images[0].shape[1] + 0.22 for images in pictures]
    size = (PAGE, PAGE / columns * sum(heights))
    figure, grid = plt.subplots(len(pictures), columns, figsize=size, height_ratios=heights, squeeze=False)
    titles = ["original", *(find_look(codec)[0]["label"] for codec in table["codec"][: columns - 1])]
    said = [f"{row.bpp:.3f} bpp, {row.psnr:.1f} dB, LPIPS {row.lpips:.3f}" for row in table.itertuples()]
    for row, images in enumerate(pictures):
        lines = ["", *said[row * (columns - 1) : (row + 1) * (columns - 1)]]
        for axes, image, line, title in zip(grid[row], images, lines, titles, strict=True):
            show(axes, image)
            axes.set_title("" if row else title)
            axes.set_xlabel(line, fontsize=6.5)
    return figure


def show(axes: Axes, image: Image, **colours) -> AxesImage:
    """A picture, or a map (H, W) in `colours`, at its own pixels and without an axis."""
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    return axes.imshow(image, interpolation="nearest", **colours)


def attention(image: Image, tokens: Sequence[str], maps: Sequence[np.ndarray], names: Sequence[str]) -> Figure:
    """Where the text acts: for each injector, a row with its map (T, h, w), how much each place looks at each token,
    over the image.
    """
    height, width = image.shape[:2]
    columns = len(tokens) + 1
    size = (PAGE, PAGE / columns * (height / width + 0.35) * len(maps))
    figure, grid = plt.subplots(len(maps), columns, figsize=size, squeeze=False)
    for row, (looks_at, name) in enumerate(zip(maps, names, strict=True)):
        show(grid[row, 0], image)
        grid[row, 0].set_ylabel(name.replace(" ", "\n"), fontsize=5.5)
        for axes, token, one in zip(grid[row, 1:], tokens, looks_at, strict=True):
            show(axes, one, cmap="cividis", vmin=0, vmax=float(looks_at.max()))
            axes.set_title("" if row else token, fontsize=7)
            axes.set_xlabel(f"{one.mean():.2f}", fontsize=5.5)
    return figure
