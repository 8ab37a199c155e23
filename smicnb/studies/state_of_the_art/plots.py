"""The pictures of the comparison with other codecs: who reaches which rate, rate curves, and decoded photographs."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from smicnb.compare.images import floors
from smicnb.compare.images.downscaled import MARK, family
from smicnb.compare.images.evaluate import METRICS
from smicnb.compare.images.generated import BEYOND, CLIP_INTRA, CODINGS, SIZE, SMIC
from smicnb.drawing import looks
from smicnb.drawing.parts import error_bars, pick_shades, strip_axes
from smicnb.drawing.style import PAGE
from smicnb.semantics.metrics.intervals import upper_hull
from smicnb.studies.learned_plots import LABELS, RIVALS, SMALL

Image = np.ndarray
BPP, PIXEL_BPP = (7e-5, 3.0), (8e-4, 3.0)  # ends of the axis of rates, of all codecs and of those of pixels
TICKS = (1e-4, 1e-3, 1e-2, 1e-1, 1)
COLUMNS = 3  # small panels in a row
FACTOR_MARKERS = ("o", "s", "^", "D", "v", "P")  # of images whole, and reduced by rising factors
MEANING = "image_cosine"  # the metric of those that code latents
# codec's name -> its look; SMIC at a size n has that of its files without.
CODECS = {
    f"{SMIC}, {CODINGS['entropy']}": "smic",
    f"{SMIC}, {CODINGS['tuple']}": "smic-tuple",
    BEYOND: "smic-beyond",
    CLIP_INTRA: "clip-intra",
    "jpegli": "jpegli",
    "JPEG 2000": "jpeg2000",
    "WebP": "webp",
    "AV1 (libaom)": "av1-aom",
    **RIVALS,
}
SEMANTIC = (f"{SMIC}, {CODINGS['entropy']}", f"{SMIC}, {CODINGS['tuple']}", BEYOND, CLIP_INTRA)


def look(codec: str) -> dict[str, str]:
    """How a codec is drawn, by its name without factor and size."""
    return looks.CODECS[CODECS[family(codec)[0].partition(SIZE)[0]]]


def rates(summary: pd.DataFrame, published: pd.DataFrame) -> Figure:
    """Who reaches which rate: a row for each codec of `measures.summary`'s table, below them those of
    `measures.published_rates`'s.
    """
    means = summary.drop_duplicates(["codec", "setting"])
    own = means["codec"].map(lambda name: family(name)[0])
    # What is shared among n images stands below the same codec without.
    measured = sorted(own.unique(), key=lambda name: list(own).index(name.partition(SIZE)[0]))
    printed = list(published["codec"].unique())
    figure, axes = plt.subplots(figsize=(PAGE, 0.6 + 0.17 * (len(measured) + len(printed))))
    for height, name in enumerate(measured):
        cell, style = means[own == name], look(name)
        whole = cell["codec"] == name
        some = {"color": style["color"], "markersize": SMALL + 1, "fillstyle": "none" if SIZE in name else "full"}
        axes.plot(cell["bpp"], [height] * len(cell), linestyle=":", linewidth=0.6, color=style["color"])
        axes.plot(cell.loc[whole, "bpp"], [height] * whole.sum(), marker=style["marker"], linewidth=0.8, **some)
        axes.plot(cell.loc[~whole, "bpp"], [height] * (~whole).sum(), marker="|", linestyle="none", **some)
    for height, name in enumerate(printed, len(measured)):
        for row in published[published["codec"] == name].itertuples():
            ends = [row.bpp, row.bpp if np.isnan(row.bpp_to) else row.bpp_to]
            marker = {"less than": "<", "as low as": ">"}.get(row.reading, "D")
            axes.plot(ends, [height] * 2, color="0.35", linewidth=0.8, marker=marker, fillstyle="none")
    axes.axhline(len(measured) - 0.5, color="0.6", linewidth=0.6)
    labels = [*measured, *(f"{name} (as published)" for name in printed)]
    axes.set_yticks(range(len(labels)), labels)
    axes.set(ylim=(len(labels) - 0.4, -0.6), xlabel="bits per pixel (log) ↓")
    _rate_axis(axes)
    return figure


def curves(summary: pd.DataFrame, metrics: Sequence[str]) -> Figure:
    """A panel per metric of `measures.summary`'s table: means at each operating point with 95 % intervals over scenes.

    Reduced images are thin, the hull over all factors and without intervals; collections of n images open. Pictures
    made from a latent are drawn where meaning is measured, at the bottom; of the other metrics, in which no two of them
    differ by much, their range is said.
    """
    judged = [metric for metric in metrics if metric == MEANING]
    above = [metric for metric in metrics if metric != MEANING]
    figure = plt.figure(figsize=(PAGE, (2.2 if above else 0) + 3.0))
    rows = figure.subfigures(2, 1, height_ratios=(2.2, 3.0)) if above else [figure, figure]
    panels = list(rows[0].subplots(1, len(above), squeeze=False)[0]) if above else []
    panels += [rows[1].subplots()] if judged else []
    for axes, metric in zip(panels, [*above, *judged], strict=True):
        own = summary[summary["metric"] == metric]
        ours = own["codec"].map(lambda name: family(name)[0].partition(SIZE)[0] in SEMANTIC)
        for codec, curve in own[ours].groupby("codec", sort=False):
            if metric == MEANING:
                _curve(axes, codec, curve.sort_values("bpp"))
        if metric != MEANING and ours.any():
            _say_range(axes, own[ours], METRICS[metric].higher, " dB" if metric == "psnr" else "")
        _pixel_curves(axes, metric, own[~ours])
        axes.margins(y=0.1)
        axes.set(ylabel=LABELS[metric], xlabel="bits per pixel (log) ↓")
        _rate_axis(axes, ends=BPP if metric == MEANING or ours.all() else PIXEL_BPP)
    keys = {name: key for axes in reversed(panels) for key, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    where = "outside right center" if judged else "outside lower center"
    rows[1].legend(keys.values(), keys.keys(), loc=where, ncols=1 if judged else 5)
    return figure


def _pixel_curves(axes: Axes, metric: str, own: pd.DataFrame) -> None:
    """Codecs of pixels: images whole, and the hull over reduced ones."""
    factors = own["codec"].map(lambda name: family(name)[1])
    for codec, curve in own[factors == 1].groupby("codec", sort=False):
        _curve(axes, codec, curve.sort_values("bpp"))
    for _, curve in own[factors > 1].groupby(own["codec"].map(lambda name: family(name)[0]), sort=False):
        _draw_reduced(axes, metric, curve)


def _say_range(axes: Axes, own: pd.DataFrame, rising: bool, unit: str) -> None:
    """Between which values codecs lie that are not drawn, in the corner that rising or falling curves leave free."""
    values, bits = ([table.min(), table.max()] for table in (own["mean"], own["bpp"]))
    said = "SMIC and CLIP-intra:\n{:.2g} to {:.2g}{}, at\n{:.1g} to {:.1g} bpp".format(*values, unit, *bits)
    height, side = (0.04, "bottom") if rising else (0.97, "top")
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    place = {"ha": "right", "va": side, "transform": axes.transAxes, "zorder": 1}  # below curves, above the grid
    axes.text(0.98, height, said, fontsize=6, bbox=paper, **place)


def _curve(axes: Axes, codec: str, curve: pd.DataFrame) -> None:
    kind = {"label": None, "fillstyle": "none", "linestyle": ":"} if SIZE in codec else {}
    error = error_bars(curve, "mean")
    thin = {"markersize": SMALL, "linewidth": 1, "elinewidth": 0.6}
    axes.errorbar(curve["bpp"], curve["mean"], error, **thin, **{**look(codec), **kind})


def _draw_reduced(axes: Axes, metric: str, curve: pd.DataFrame) -> None:
    """The upper hull of a codec's points on reduced images, over all factors."""
    sign = 1 if METRICS[metric].higher else -1
    curve = curve.dropna(subset="mean")
    if len(curve):
        hull = curve.iloc[upper_hull(curve["bpp"].to_numpy(), sign * curve["mean"].to_numpy())]
        plain = {"color": look(curve["codec"].iloc[0])["color"], "alpha": 0.7, "linewidth": 0.6}
        axes.plot(hull["bpp"], hull["mean"], marker=".", markersize=2.5, **plain)


def compare_reduced(summary: pd.DataFrame, metric: str) -> Figure:
    """A panel per codec of `measures.summary`'s table: its images whole, and reduced by each factor before and enlarged
    after, beside SMIC's.
    """
    table = summary[summary["metric"] == metric]
    about = table["codec"].map(family)
    table = table.assign(own=[name for name, _ in about], factor=[factor for _, factor in about])
    names, steps = list(table.loc[table["factor"] > 1, "own"].unique()), sorted(table["factor"].unique())
    colours = dict(zip(steps, pick_shades(len(steps)), strict=True))
    rows = -(-len(names) // COLUMNS)
    size = (PAGE, 1.45 * rows + 0.6)
    figure, panels = plt.subplots(rows, COLUMNS, figsize=size, sharex=True, sharey=True, squeeze=False)
    names_of_ours = [name for name in (f"{SMIC}, {CODINGS['entropy']}", BEYOND) if name in set(table["codec"])]
    for axes, name in zip(panels.flat, names, strict=False):
        for own in names_of_ours:  # the same in every panel, so that they recede
            curve, style = table[table["codec"] == own], {key: look(own)[key] for key in ("color", "marker", "label")}
            axes.plot(curve["bpp"], curve["mean"], linestyle="none", markersize=SMALL, fillstyle="none", **style)
        for factor, marker in zip(steps, FACTOR_MARKERS, strict=False):
            curve = table[(table["own"] == name) & (table["factor"] == factor)]
            label = "whole image" if factor == 1 else f"sides divided by {factor}"
            axes.plot(curve["bpp"], curve["mean"], color=colours[factor], marker=marker, markersize=2.6, label=label)
        axes.set_title(name, pad=2)
        _rate_axis(axes, powers=True)
    for axes in panels.flat[len(names) :]:
        axes.axis("off")
    for axes in panels.flat[max(0, len(names) - COLUMNS) : len(names)]:  # the lowest of each column
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("bits per pixel (log) ↓")
    figure.supylabel(LABELS[metric], fontsize=8)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=6.5)
    return figure


def _rate_axis(axes: Axes, powers: bool = False, ends: tuple[float, float] = BPP) -> None:
    """A logarithmic axis of rates, ticks as numbers or, where it is narrow, as `powers` of ten."""
    axes.set_xscale("log")
    ticks = [tick for tick in TICKS if tick >= ends[0]]
    names = [f"$10^{{{np.log10(tick):.0f}}}$" if powers and tick < 1 else f"{tick:g}" for tick in ticks]
    axes.set_xticks(ticks, names)
    axes.set_xlim(*ends)
    axes.xaxis.set_minor_formatter(NullFormatter())


def judges(table: pd.DataFrame) -> Figure:
    """Floors, codecs at one rate and the ceiling, of `floors.summarise`'s table, a line for each with its bits: means
    by both judges with 95 % intervals over scenes. Thumbnails are open; lines go down from three floors.
    """
    places = {name: place for place, name in enumerate(table["shown"])}
    figure, panels = plt.subplots(1, 2, figsize=(PAGE, 0.7 + 0.165 * len(table)), sharey=True)
    titles = ("by the encoder that was coded", f"by {floors.JUDGE}")
    for axes, cosine, title in zip(panels, floors.COSINES, titles, strict=True):
        for floor, style in ((floors.RANDOM, ":"), (floors.GREY, "-."), (floors.INDEX, "--")):
            level = float(table.loc[table["shown"] == floor, cosine].iloc[0])
            axes.plot([level] * 2, [places[floor], len(table) - 0.5], color="0.6", linestyle=style, linewidth=0.8)
        for row in table.to_dict("records"):
            name, _, small = row["shown"].partition(MARK)
            style = look(name) if name in CODECS else {"color": looks.BLACK, "marker": "|"}
            ends = [[row[cosine] - row[f"{cosine}_low"]], [row[f"{cosine}_high"] - row[cosine]]]
            some = {"color": style["color"], "marker": style["marker"], "fillstyle": "none" if small else "full"}
            axes.errorbar(
                [row[cosine]], [places[row["shown"]]], xerr=ends, markersize=SMALL + 1, elinewidth=0.7, **some
            )
        axes.set(title=title, xlabel="image cosine ↑", ylim=(len(table) - 0.4, -0.6))
    bits = ("" if np.isnan(value) else f", {value:.0f} bits" for value in table["bits"])
    panels[0].set_yticks(range(len(table)), [name + said for name, said in zip(table["shown"], bits, strict=True)])
    return figure


def side_by_side(pictures: Sequence[Sequence[Image]], table: pd.DataFrame) -> Figure:
    """A photograph in each row, and beside it what codecs made of it at about one rate, bits first.

    Args:
        pictures: of each photograph the original and what each codec made of it, all of one size.
        table: rows of `measures.judge_pictures` a row for each decoded one, in this order.
    """
    rows, across = iter(table.itertuples()), len(pictures[0])
    heights = [PAGE / across * images[0].shape[0] / images[0].shape[1] + 0.48 for images in pictures]
    size = (PAGE, sum(heights))
    figure, grid = plt.subplots(len(pictures), across, figsize=size, height_ratios=heights, squeeze=False)
    for panels, images in zip(grid, pictures, strict=True):
        for place, (axes, image) in enumerate(zip(panels, images, strict=True)):
            axes.imshow(image, interpolation="nearest")
            strip_axes(axes)
            if place == 0:
                axes.set_title("original", fontsize=7, pad=3)
                continue
            row = next(rows)
            axes.set_title(f"{row.bits:.0f} bits", fontsize=8.5, fontweight="bold", pad=11)
            axes.text(0.5, 1.02, row.shown, fontsize=6.5, ha="center", va="bottom", transform=axes.transAxes)
            below = f"cosine {row.image_cosine:.2f}, by Inception {row.judge_cosine:.2f}"
            axes.set_xlabel(below, fontsize=6.5, labelpad=2)
    return figure
