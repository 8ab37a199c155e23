"""The pictures of the rate–fidelity notebook: hulls, what each parameter is worth, files against their prediction."""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smicnb.codec.format.payload import CODINGS
from smicnb.drawing import looks
from smicnb.drawing.parts import SPLITS, draw_beside_inputs, log_axis, pick_shades
from smicnb.drawing.style import PAGE
from smicnb.studies.frontier.sweep import PARAMETERS, bits_per_image, format_size
from smicnb.studies.rate_model.plots import TICKS

NAMES = {"penalty": "λ", "n_atoms": "$n_a$", "b_coef": "$b_{coef}$", "b_dict": "$b_{dict}$"}
CLAIMED = (10000, math.inf)  # n at which the claim is drawn: the one that Sec. V-C selects by, and no dictionary
LEAST_BITS = 1.0  # where the axis begins: the printed accounting has rates far below one bit
DIP = 0.02  # of fidelity, by which a point below cheaper ones is named with its setting
OUTLIER = 0.2  # of fidelity, by which a point below all others of its abscissa is named
INTERVAL = 1.96  # standard errors on either side of a mean: 95 %


def frontier(table: pd.DataFrame, hulls: pd.DataFrame, sizes: Sequence[float], joined: bool = True) -> Figure:
    """Fig. 13: a panel for each n of `sizes` with the entropy-coded points (`sweep.sweep`'s rows of one split) and the
    hulls of all accountings (`sweep.hulls`').

    Args:
        table, hulls: rows of one split.
        sizes: n.
        joined: whether they are hulls. Settings on the collection's hull, seen on other images, are none: their marks
            are not joined to a curve, and formulas, which have no files of these images, are left out.
    """
    columns = 3
    rows = -(-(len(sizes) + 1) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(PAGE, 2.25 * rows), sharey=True, squeeze=False)
    fidelity = table["latent_cosine"]
    for axes, n in zip(panels.flat, sizes, strict=False):
        bits = bits_per_image(table, n, "entropy")
        axes.scatter(bits, fidelity, s=1.5, color=looks.CLOUD, linewidths=0, rasterized=True)
        (_draw_hulls if joined else _draw_settings)(axes, hulls[hulls["n"] == n])
        axes.set_title(format_size(n), loc="left")
        axes.set_xlabel("bits per image (log) ↓")
    for axes in panels[:, 0]:
        axes.set_ylabel("mean latent cosine ↑")
    for axes in panels.flat[len(sizes) :]:
        axes.axis("off")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    title = "upper convex hull of the collection" if joined else "settings of the collection's hulls"
    panels.flat[len(sizes)].legend(handles, labels, loc="center left", title=title)
    return figure


def _draw_settings(axes: Axes, hulls: pd.DataFrame) -> None:
    """The settings of files on hulls, each by itself, with the 95 % interval of the mean over scenes."""
    for accounting in CODINGS:
        rows, look = hulls[hulls["accounting"] == accounting], looks.ACCOUNTINGS[accounting] | {"linestyle": "none"}
        half = INTERVAL * rows["cosine_error"]
        axes.errorbar(rows["bits"], rows["latent_cosine"], half, markersize=2.6, elinewidth=0.5, **look)
    axes.set_xscale("log")
    axes.set_xlim(left=LEAST_BITS)


def _draw_hulls(axes: Axes, hulls: pd.DataFrame) -> None:
    """The hull of every accounting, with the 95 % interval of the mean over scenes for the two of files."""
    for accounting, look in looks.ACCOUNTINGS.items():
        hull = hulls[hulls["accounting"] == accounting]
        axes.plot(hull["bits"], hull["latent_cosine"], markersize=2.6, **look)
        if accounting in CODINGS:
            half = INTERVAL * hull["cosine_error"]
            ends = hull["latent_cosine"] - half, hull["latent_cosine"] + half
            axes.fill_between(hull["bits"], *ends, color=look["color"], alpha=0.2, linewidth=0)
    axes.set_xscale("log")
    axes.set_xlim(left=LEAST_BITS)


def effects(table: pd.DataFrame) -> Figure:
    """Held-out fidelity against λ, a colour per n_a, and against b_coef, a colour per b_dict, with 95 % intervals:
    `sweep.effects`' rows of one split.
    """
    figure, panels = plt.subplots(1, 2, figsize=(PAGE, 2.7), sharey=True)
    slices = (("penalty", "penalty", "n_atoms"), ("bits", "b_coef", "b_dict"))
    for axes, (varied, along, by) in zip(panels, slices, strict=True):
        rows = table[table["varied"] == varied]
        values = sorted(rows[by].unique())
        for value, colour in zip(values, pick_shades(len(values)), strict=True):
            line = rows[rows[by] == value].sort_values(along)
            half = INTERVAL * line["cosine_error"]
            axes.plot(line[along], line["latent_cosine"], color=colour, marker="o", markersize=2.6, label=value)
            ends = line["latent_cosine"] - half, line["latent_cosine"] + half
            axes.fill_between(line[along], *ends, color=colour, alpha=0.15, linewidth=0)
        _name_outliers(axes, rows, along, by)
        ticks = TICKS if varied == "penalty" else sorted(rows[along].unique())
        log_axis(axes, ticks)
        axes.set_xlabel({"penalty": "penalty λ (log)", "b_coef": "$b_{coef}$, bits (log)"}[along])
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.22), "ncols": len(values)}
        axes.legend(title=NAMES[by], handlelength=1.2, columnspacing=1.0, **below)
    panels[0].set_ylabel("mean latent cosine ↑")
    return figure


def _name_outliers(axes: Axes, rows: pd.DataFrame, along: str, by: str) -> None:
    for at, here in rows.groupby(along):
        low = here.sort_values("latent_cosine")
        if len(low) > 2 and low["latent_cosine"].iloc[1] - low["latent_cosine"].iloc[0] > OUTLIER:
            said = f"  {NAMES[by]} = {low[by].iloc[0]:g}: {low['latent_cosine'].iloc[0]:.2f}"
            axes.text(at, low["latent_cosine"].iloc[0], said, fontsize=6.5, va="center")


def importance(ranking: pd.DataFrame) -> Figure:
    """What holding each parameter at its best value costs, against n, for entropy-coded files, by split."""
    sizes = sorted(ranking["n"].unique())
    figure, panels = plt.subplots(1, len(PARAMETERS), figsize=(PAGE, 2.3), sharey=True)
    for axes, parameter in zip(panels, PARAMETERS, strict=True):
        for split, look in looks.SPLITS.items():
            rows = ranking[(ranking["parameter"] == parameter) & (ranking["split"] == split)].sort_values("n")
            axes.plot(range(len(rows)), rows["loss"], label=SPLITS[split], **look)
        axes.set_xticks(
            range(len(sizes)), ["∞" if math.isinf(n) else f"$10^{{{round(math.log10(n))}}}$" for n in sizes]
        )
        axes.set_title(NAMES[parameter])
        axes.set_xlabel("images n")
    panels[0].set_ylabel("loss of mean latent cosine ↓")
    panels[0].set_ylim(bottom=-0.06 * ranking["loss"].max())  # what costs nothing is seen above the axis
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def files(table: pd.DataFrame) -> Figure:
    """Left: payload of each file against what the sweep said; right: how much more it is, index included."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.4))
    for coding in ("tuple", "entropy"):
        rows = table[table["accounting"] == coding]
        look = {key: looks.ACCOUNTINGS[coding][key] for key in ("color", "marker", "label")}
        left.scatter(rows["model_bits"], rows["payload_bits"], s=9, linewidths=0, **look)
        beyond = rows["payload_bits"] + rows["index_bits"] - rows["model_bits"]
        right.scatter(rows["model_bits"], beyond, s=9, linewidths=0, **look)
    ends = np.array([table["model_bits"].min(), table["model_bits"].max()])
    left.plot(ends, ends, color="0.4", linewidth=0.7)
    left.set(xscale="log", yscale="log", ylabel="payload in the file, bits per image")
    right.set(xscale="log", ylabel="file beyond that, bits ↓")
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.set_xlabel("as the sweep says, bits per image")
    left.legend(loc="upper left")
    return figure


def draw_images(
    inputs: Sequence[np.ndarray],
    generated: Sequence[Sequence[np.ndarray]],
    cosines: np.ndarray,
    names: Sequence[str],
    bits: Mapping[str, Sequence[float]],
    splits: Sequence[str],
) -> Figure:
    """Fig. 14: a row for each input, then what is generated from each point's file; below, the latent cosine (inputs,
    points), and the bits per image, index included, of the file of the input's split.
    """
    below = [
        [f"{cosine:.2f}, {size:.0f} bits" for cosine, size in zip(row, bits[split], strict=True)]
        for row, split in zip(cosines, splits, strict=True)
    ]
    return draw_beside_inputs(inputs, generated, below, names, splits, 1.12)


def claim(hulls: pd.DataFrame) -> Figure:
    """Hulls of one split under all accountings, a panel for each n of `CLAIMED`: what the frame cuts off on the left is
    said at its edge, and where files cost more and keep less, the setting that does it.
    """
    figure, panels = plt.subplots(1, len(CLAIMED), figsize=(PAGE, 2.5), sharey=True)
    for axes, n in zip(panels, CLAIMED, strict=True):
        own = hulls[hulls["n"] == n]
        _draw_hulls(axes, own)
        _say_cut(axes, own[own["accounting"] == "as printed"])
        _say_dip(axes, own[own["accounting"] == "entropy"])
        axes.set(xlabel="bits per image (log) ↓", title=f"{format_size(n)}, held-out images of BSDS500")
    panels[0].set(ylabel="mean latent cosine ↑", ylim=(None, 1.03))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(looks.ACCOUNTINGS))
    return figure


def _say_cut(axes: Axes, hull: pd.DataFrame) -> None:
    cut = hull[hull["bits"] < LEAST_BITS]
    if len(cut):
        start = cut.loc[cut["bits"].idxmin()]
        bits = np.format_float_positional(start["bits"], 2, fractional=False)
        said, colour = f"← from {bits} bits, {start['latent_cosine']:.2f}", looks.ACCOUNTINGS["as printed"]["color"]
        axes.text(0.02, 0.99, said, fontsize=6, va="top", color=colour, transform=axes.transAxes)


def _say_dip(axes: Axes, hull: pd.DataFrame) -> None:
    hull = hull.sort_values("bits")
    lost = hull["latent_cosine"].cummax() - hull["latent_cosine"]
    if len(hull) and lost.max() > DIP:
        row = hull.loc[lost.idxmax()]
        said = "not chosen on these images:\n" + ", ".join(
            f"{NAMES[name]} = {row[name]:g}" for name in ("n_atoms", "b_coef", "b_dict")
        )
        axes.annotate(
            said, (row["bits"], row["latent_cosine"]), (0.3, 0.06), textcoords="axes fraction", fontsize=6,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": looks.GREY},
        )  # fmt: skip
