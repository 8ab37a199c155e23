"""Figures of notebook 11: recall against bits, and what else a search keeps."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smicnb.compare.latents import smic
from smicnb.drawing.looks import BLACK, GREY, RETRIEVAL
from smicnb.drawing.parts import error_bars
from smicnb.drawing.style import PAGE
from smicnb.semantics.metrics.intervals import upper_hull
from smicnb.studies.beyond.kinds import OURS_NAME
from smicnb.studies.retrieval.kinds import CURVES, FIXED_NAME, SEARCH_NAME
from smicnb.studies.retrieval.measures import FIRST, FITS, INDEX, LABELS, RANDOM, RECALL, TEXT, VIEWS

HEIGHT = 2.9  # inches
BITS_SHOWN = (8, 600)
TICKS = (8, 16, 32, 64, 128, 256, 512)
LINE = {"markersize": 3.0, "linewidth": 1.0}
APART = 0.05  # of the axis, between names
RECALLS = (0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
LEAST_MISSED = 0.004
BITS_LABEL = "bits per image (log scale)"
OTHERS = (FIRST, VIEWS, TEXT, FITS, LABELS)
COMPARED = (SEARCH_NAME, OURS_NAME, FIXED_NAME, smic.PAPER)  # in the panels of what else is kept


def recall(table: pd.DataFrame) -> Figure:
    """Recall at 10 against bits of an image: payload, and with what is sent once; hulls of each kind with intervals,
    named at their ends on the right, and the floors. What is missed is drawn on a logarithmic scale.

    Args:
        table: rows of `measures.table`.
    """
    figure, panels = plt.subplots(1, 2, figsize=(PAGE, HEIGHT + 0.6), sharey=True)
    titles = {"payload_bits": "payload", "bits_at_1000": "with what is sent once, n = 1000"}
    own, ends = table[table["measure"] == RECALL], {}
    for axes, (column, title) in zip(panels, titles.items(), strict=True):
        for name, coders in CURVES.items():
            rows = hull(own[own["coder"].isin(coders)], column)
            rows = rows[rows[column].between(*BITS_SHOWN)]
            if len(rows):
                missed = 1 - rows[["mean", "low", "high"]]
                error = [missed["mean"] - missed["high"], missed["low"] - missed["mean"]]
                axes.errorbar(rows[column], missed["mean"], error, elinewidth=0.4, **LINE, **RETRIEVAL[name])
                ends[name] = float(rows[column].iloc[-1]), float(missed["mean"].iloc[-1])
        floors = _floors(axes, 1 - own.set_index("coder")["mean"])
        _bits_axis(axes)
        ends |= {name: (axes.get_xlim()[1], value) for name, value in floors.items()}
        axes.set_xlabel(BITS_LABEL)
        axes.set_title(title, fontsize=8)
    panels[0].set_yscale("log")
    panels[0].set_yticks([1 - value for value in RECALLS], [f"{value:g}" for value in RECALLS])
    panels[0].minorticks_off()
    panels[0].set_ylim(1, LEAST_MISSED)
    panels[0].set_ylabel("recall@10 of exact neighbours\n(log scale of what is missed; higher is better)")
    _name_ends(panels[-1], ends)
    return figure


def others(table: pd.DataFrame) -> Figure:
    """What else a search keeps, against payload: a panel for each measure, of some kinds, at their hulls in recall.

    Args:
        table: rows of `measures.table`.
    """
    data = others_data(table)
    shown = [name for name in OTHERS if (data["measure"] == name).any()]
    figure, panels = plt.subplots(1, len(shown), figsize=(PAGE, HEIGHT - 0.4), squeeze=False)
    for axes, measure in zip(panels[0], shown, strict=True):
        own = table[table["measure"] == measure]
        for name in COMPARED:
            rows = data[(data["kind"] == name) & (data["measure"] == measure)]
            axes.errorbar(
                rows["payload_bits"],
                rows["mean"],
                error_bars(rows, "mean"),
                elinewidth=0.4,
                **LINE,
                **RETRIEVAL[name],
                label=name,
            )
        _floors(axes, own.set_index("coder")["mean"])
        _bits_axis(axes)
        axes.set_xticks(TICKS[1::2], [f"{tick:g}" for tick in TICKS[1::2]])
        axes.set_title(measure, fontsize=8)
    panels[0][len(shown) // 2].set_xlabel(BITS_LABEL)
    handles, names = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=6.5)
    return figure


def others_data(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `measures.table` that `others` draws, each with its kind."""
    recalls, parts = table[table["measure"] == RECALL], []
    for name in COMPARED:
        on_hull = hull(recalls[recalls["coder"].isin(CURVES[name])], "payload_bits")[["coder", "setting"]]
        rows = on_hull.merge(table[table["measure"].isin(OTHERS)], on=["coder", "setting"])
        parts.append(rows[rows["payload_bits"].between(*BITS_SHOWN)].assign(kind=name))
    columns = ["kind", "coder", "setting", "payload_bits", "measure", "mean", "low", "high"]
    return pd.concat(parts, ignore_index=True)[columns]


def hull(own: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows of `measures.table`, all of one measure, on the upper hull of its mean and a column of bits."""
    own = own.dropna(subset=column)
    return own.iloc[upper_hull(own[column].to_numpy(), own["mean"].to_numpy())] if len(own) else own


FLOORS = {INDEX: (GREY, "--"), RANDOM: (BLACK, ":")}


def _floors(axes: Axes, values: pd.Series) -> dict[str, float]:
    """Lines for the floors, of values by coder; those that are there, returned with their values."""
    found = {name: float(values[name]) for name in FLOORS if name in values}
    for name, value in found.items():
        colour, style = FLOORS[name]
        axes.axhline(value, color=colour, linewidth=0.7, linestyle=style, label=name)
    return found


def _bits_axis(axes: Axes) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xlim(0.94 * BITS_SHOWN[0], 1.07 * BITS_SHOWN[1])  # room for markers at the ends
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.grid(alpha=0.25, linewidth=0.4)


def _name_ends(axes: Axes, ends: dict[str, tuple[float, float]]) -> None:
    """Names of curves to the right of the frame, the best first, each with a thin line from its curve's end and as near
    to its height as the names above let it; scales and limits stand by now.
    """
    to_axes, place = axes.transData + axes.transAxes.inverted(), 1.0
    for name, end in sorted(ends.items(), key=lambda entry: entry[1][1]):
        place = min(to_axes.transform(end)[1], place - APART)
        axes.annotate(
            name, end, (1.03, place), textcoords="axes fraction", fontsize=5.5, va="center",
            color=BLACK if name in FLOORS else RETRIEVAL[name]["color"], annotation_clip=False,
            arrowprops={"arrowstyle": "-", "linewidth": 0.3, "color": GREY, "relpos": (0, 0.5), "shrinkA": 0},
        )  # fmt: skip
