"""Figures of notebook 10: rate against fidelity, bits against size, break-even sizes, named words."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smicnb.drawing.looks import BLACK, BLUE, GREEN, LATENT_CODERS, VERMILION
from smicnb.drawing.parts import error_bars
from smicnb.drawing.style import COLUMN, PAGE
from smicnb.semantics.metrics.intervals import upper_hull
from smicnb.studies.beyond.measures import CURVES, SINGLE_BITS

HEIGHT = 2.9  # inches
BITS_SHOWN = (7, 1500)


def rates(points: pd.DataFrame) -> Figure:
    """Payload against latent cosine: upper convex hulls of `measures.CURVES`, with 95 % intervals over scenes.

    Args:
        points: of `points.table`.
    """
    figure, axes = plt.subplots(figsize=(PAGE, HEIGHT + 0.4))
    lowest = 1.0
    for name, coders in CURVES.items():
        own = points[points["coder"].isin(coders)]
        if not len(own):
            continue
        hull = own.iloc[upper_hull(own["payload_bits"].to_numpy(), own["latent_cosine"].to_numpy())]
        lowest = min(lowest, hull["latent_cosine"][hull["payload_bits"] >= BITS_SHOWN[0]].min())
        error = error_bars(hull, "latent_cosine")
        thin = {"markersize": 3.2, "linewidth": 1.0, "elinewidth": 0.4}
        axes.errorbar(hull["payload_bits"], hull["latent_cosine"], error, **thin, **LATENT_CODERS[name], label=name)
    axes.set_xscale("log")
    axes.set_xlim(*BITS_SHOWN)
    axes.set_ylim(max(0, lowest - 0.1), 1)
    axes.set_xlabel("bits per image, payload with its framing (log scale; fewer is better)")
    axes.set_ylabel("latent cosine, held-out (higher is better)")
    axes.grid(alpha=0.25, linewidth=0.4)
    axes.legend(loc="lower right", fontsize=6.5)
    return figure


def totals(tables: "Sequence[tuple[str, pd.DataFrame]]") -> Figure:
    """All bits of an image against the number of images: a panel for each fidelity.

    Args:
        tables: title and `measures.totals` of each panel.
    """
    figure, panels = plt.subplots(1, len(tables), figsize=(PAGE, HEIGHT), sharey=True, squeeze=False)
    for axes, (title, table) in zip(panels[0], tables, strict=True):
        for name, own in table.groupby("coder", sort=False):
            axes.plot(own["n"], own["bits"], markersize=3, linewidth=1.0, **LATENT_CODERS[name], label=name)
        axes.axhline(SINGLE_BITS, color=BLACK, linewidth=0.7, linestyle=":")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(title, fontsize=8)
        axes.set_xlabel("images of the collection")
        axes.grid(alpha=0.25, linewidth=0.4)
    panels[0][0].set_ylabel("bits per image, all included\n(log scale; fewer is better)")
    panels[0][0].text(9e4, SINGLE_BITS * 1.08, f"{SINGLE_BITS} bits", fontsize=6, ha="right", va="bottom")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=6.5)
    return figure


def break_even(table: pd.DataFrame) -> Figure:
    """n* over the fidelity, against 708 bits and against the best single-item coder; open, at the top: never.

    Args:
        table: of `measures.break_even`.
    """
    figure, axes = plt.subplots(figsize=(COLUMN, HEIGHT))
    shown = {
        "n_star_708": (VERMILION, "s", f"against {SINGLE_BITS} bits"),
        "n_star_single": (BLUE, "o", "against one image on the prior's axes"),
        "n_star_file": (GREEN, "^", "the same, header and index counted"),
    }
    for place, (column, (colour, marker, label)) in enumerate(shown.items()):
        style, stars = {"color": colour, "marker": marker, "markersize": 3.2}, table[column]
        axes.plot(table["latent_cosine"], stars.where(np.isfinite(stars)), **style, label=label)
        never, height = table["latent_cosine"][np.isinf(stars)], 1 - 0.06 * place
        across = {"transform": axes.get_xaxis_transform(), "clip_on": False}
        axes.plot(never, np.full(len(never), height), linestyle="none", fillstyle="none", **style, **across)
        for cosine in never[:1]:
            axes.text(cosine, height, " never", fontsize=6, color=colour, va="center", **across)
    axes.set_yscale("log")
    axes.set_xlabel("latent cosine, held-out")
    axes.set_ylabel("n*, images (log scale; fewer is better)")
    axes.grid(alpha=0.25, linewidth=0.4)
    axes.legend(fontsize=6.5, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def decompositions(pictures: Sequence[np.ndarray], table: pd.DataFrame) -> Figure:
    """Photographs, and beside each the words that its file is made of, by the size of their coefficients.

    Args:
        pictures: RGB uint8 photographs.
        table: columns image (number of the picture), word, coefficient.
    """
    figure, rows = plt.subplots(2, len(pictures), figsize=(PAGE, HEIGHT + 0.6), squeeze=False)
    for place, picture in enumerate(pictures):
        rows[0][place].imshow(picture)
        rows[0][place].axis("off")
        _bars(rows[1][place], table[table["image"] == place].iloc[::-1])
    figure.supxlabel("coefficient in the latent's unit (norm 20)", fontsize=plt.rcParams["axes.labelsize"])
    return figure


def _bars(axes: Axes, own: pd.DataFrame) -> None:
    colours = [BLUE if value > 0 else VERMILION for value in own["coefficient"]]
    axes.barh(range(len(own)), own["coefficient"], color=colours, height=0.7)
    axes.set_yticks(range(len(own)), own["word"], fontsize=6)
    axes.axvline(0, color=BLACK, linewidth=0.6)
    axes.tick_params(axis="x", labelsize=6)
