"""Figures of notebook 10: rate against fidelity, what sharing is worth, bits against size, break-even sizes, words."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from smicnb.compare.latents import smic
from smicnb.drawing.looks import BLACK, BLUE, GREEN, LATENT_CODERS, SENT, VERMILION
from smicnb.drawing.parts import error_bars
from smicnb.drawing.style import COLUMN, PAGE
from smicnb.semantics.metrics.intervals import upper_hull
from smicnb.studies.beyond.kinds import CURVES, OURS, OURS_NAME, PAPERS_NAME, REFERENCE_NAME, RIVALS, UNTRAINED_NAME
from smicnb.studies.beyond.measures import SINGLE_BITS
from smicnb.studies.beyond.sharing import NOTHING

HEIGHT = 2.9  # inches
BITS_SHOWN = (3, 1500)
TIMES_SHOWN = (0.65, 8.0)  # of our bits
TICKS = (0.7, 1, 1.5, 2, 3, 5, 8)
LINE = {"markersize": 3.2, "linewidth": 1.0}
# Of all kinds, those whose bits are drawn as they are; beside ours, all kinds are.
DRAWN = (OURS_NAME, "best of KLT, PQ, RQ", PAPERS_NAME, smic.PAPER, REFERENCE_NAME)
# Whose totals are drawn: the least of each.
TOTALS = {OURS_NAME: OURS, **{name: (name,) for name in (*RIVALS, smic.PAPER)}}
STARS = tuple(digit * 10**power for power in range(6) for digit in (1, 2, 5))  # ticks of n*
SHARING_SHOWN = (0.5, 1.6)
COSINES = 25  # at which two curves are compared


def rates(points: pd.DataFrame) -> Figure:
    """Payload against latent cosine: upper convex hulls of some kinds of coders, with 95 % intervals over scenes; and
    how many times our bits every kind needs at the same cosine.

    Args:
        points: rows of `points.table`.
    """
    figure, (whole, beside) = plt.subplots(1, 2, figsize=(PAGE, HEIGHT + 0.9), width_ratios=(1, 1))
    hulls = {name: _hull(points[points["coder"].isin(coders)]) for name, coders in CURVES.items()}
    # What learns nothing needs four to ten times our bits, and would only squeeze the others; the table has it.
    hulls = {name: hull for name, hull in hulls.items() if len(hull) and name != UNTRAINED_NAME}
    for name in [name for name in DRAWN if name in hulls]:
        hull = hulls[name]
        error = error_bars(hull, "latent_cosine")
        whole.errorbar(
            hull["payload_bits"], hull["latent_cosine"], error, elinewidth=0.4, **LINE, **LATENT_CODERS[name]
        )
    whole.set_xscale("log")
    whole.set_xlim(*BITS_SHOWN)
    seen = [hull["latent_cosine"][hull["payload_bits"] >= BITS_SHOWN[0]].min() for hull in hulls.values()]
    whole.set_ylim(max(0, min(seen) - 0.1), 1)
    whole.set_xlabel("bits per image, payload (log scale; fewer is better)")
    whole.set_ylabel("latent cosine, held-out (higher is better)")
    ours = hulls[OURS_NAME]
    for name, hull in hulls.items():
        low = max(ours["latent_cosine"].min(), hull["latent_cosine"].min())
        at = np.linspace(low, min(ours["latent_cosine"].max(), hull["latent_cosine"].max()), COSINES)
        times = _bits_at(hull, at) / _bits_at(ours, at)
        style = {**LATENT_CODERS[name], **({"marker": ""} if name == OURS_NAME else {})}
        beside.plot(at, times, markevery=4, **LINE, **style)
    beside.set_yscale("log")
    beside.set_ylim(*TIMES_SHOWN)
    beside.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    beside.yaxis.set_minor_locator(NullLocator())
    beside.set_xlim(whole.get_ylim())
    beside.set_xlabel("latent cosine, held-out")
    beside.set_ylabel("times our bits at this cosine\n(log scale; above 1 ours is cheaper)")
    for axes in (whole, beside):
        axes.grid(alpha=0.25, linewidth=0.4)
    lines = [Line2D([], [], **LINE, **LATENT_CODERS[name], label=name) for name in hulls]
    figure.legend(handles=lines, loc="outside lower center", ncols=3, fontsize=6.5)
    return figure


def _hull(own: pd.DataFrame) -> pd.DataFrame:
    return own.iloc[upper_hull(own["payload_bits"].to_numpy(), own["latent_cosine"].to_numpy())]


def _bits_at(hull: pd.DataFrame, cosines: np.ndarray) -> np.ndarray:
    return np.interp(cosines, hull["latent_cosine"], hull["payload_bits"])


def sharing(table: pd.DataFrame) -> Figure:
    """How many times the bits of nothing sent an image needs where something is sent, against the size of the
    collection, with 95 % intervals: a panel for each fidelity; what lies above the frame costs more.

    Args:
        table: rows of `sharing.worth`.
    """
    fidelities = table.groupby("latent_cosine", sort=True)
    figure, panels = plt.subplots(1, len(fidelities), figsize=(PAGE, HEIGHT), sharey=True, squeeze=False)
    for axes, (cosine, own) in zip(panels[0], fidelities, strict=True):
        axes.axhline(1, color=BLACK, linewidth=0.7)
        for place, (way, rows) in enumerate(own.groupby("sent", sort=False)):
            if way != NOTHING:
                error = error_bars(rows.rename(columns={"times_low": "low", "times_high": "high"}), "times")
                at = rows["n"] * (1 + 0.1 * (place - 2))  # side by side, so that intervals are seen
                axes.errorbar(at, rows["times"], error, elinewidth=0.6, capsize=1.5, **LINE, **SENT[way], label=way)
        axes.set_xscale("log")
        axes.set_ylim(*SHARING_SHOWN)
        axes.set_title(f"cosine {cosine:.3f}", fontsize=8)
        axes.set_xlabel("images of the collection")
        axes.grid(alpha=0.25, linewidth=0.4)
    panels[0][0].set_ylabel("times the bits of nothing sent\n(below 1 sharing pays)")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=6.5)
    return figure


def totals(tables: "Sequence[tuple[str, pd.DataFrame]]") -> Figure:
    """All bits of an image against the number of images: a panel for each fidelity, of `TOTALS` alone. What is drawn is
    a formula of n, so that only its ends have markers; on the right stand the names, the dearest at its end first.

    Args:
        tables: title and `measures.totals` of each panel.
    """
    figure, panels = plt.subplots(1, len(tables), figsize=(PAGE, HEIGHT), sharey=True, squeeze=False)
    for axes, (title, table) in zip(panels[0], tables, strict=True):
        for name, kinds in TOTALS.items():
            own = table[table["coder"].isin(kinds)].groupby("n")["bits"].min()
            if len(own):
                axes.plot(own.index, own, **LINE, **LATENT_CODERS[name], markevery=[0, -1], label=name)
        axes.axhline(SINGLE_BITS, color=BLACK, linewidth=0.7, linestyle=":")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(title, fontsize=8)
        axes.set_xlabel("images of the collection (log)")
        axes.grid(alpha=0.25, linewidth=0.4)
    panels[0][0].set_ylabel("bits per image, all included\n(log scale; fewer is better)")
    panels[0][0].text(9e4, SINGLE_BITS * 1.08, f"{SINGLE_BITS} bits", fontsize=6, ha="right", va="bottom")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=6.5)
    return figure


def break_even(table: pd.DataFrame) -> Figure:
    """n* over the fidelity against the best single-item coder; open, at the top: never. Against 708 bits in words.

    Args:
        table: rows of `measures.break_even`.
    """
    figure, axes = plt.subplots(figsize=(COLUMN, HEIGHT))
    shown = {
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
    finite = table[list(shown)].to_numpy()
    finite = finite[np.isfinite(finite)]
    if len(finite):
        axes.set_ylim(finite.min() / 1.4, finite.max() * 1.4)
        axes.set_yticks([star for star in STARS if finite.min() / 1.4 <= star <= finite.max() * 1.4])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    least, most = (f"{end:.0f}" if np.isfinite(end) else "never" for end in table["n_star_708"].agg(["min", "max"]))
    said = f"against {SINGLE_BITS} bits: n* = {least if least == most else f'{least} to {most}'}"
    axes.set_xlabel("latent cosine, held-out")
    axes.set_ylabel("n*, images (log scale; fewer is better)")
    axes.grid(alpha=0.25, linewidth=0.4)
    axes.plot([], [], linestyle="none", label=said)
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
