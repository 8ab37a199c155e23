"""Fig. 12 of SMIC: the measured proportion of null coefficients, the printed law and the fitted one."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smicnb.codec.rate import p_null_printed
from smicnb.drawing.parts import log_axis, pick_shades
from smicnb.drawing.style import PAGE
from smicnb.studies.rate_model.null_proportion import NullLaw

HEIGHT = 2.7  # inches
TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 4)
PRINTED = {"linestyle": (0, (4, 1.5)), "linewidth": 1.0}
SWAPPED = {"linestyle": (0, (1, 1.5)), "linewidth": 0.9}
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]


def null_data(measured: pd.DataFrame, law: NullLaw, split: str) -> pd.DataFrame:
    """What `null_proportion` draws: P(null) of one split as measured, printed and fitted, and the residual."""
    cells = measured[measured["split"] == split].drop(columns=["p_empty"])
    printed = p_null_printed(cells["n_atoms"], cells["penalty"])
    fitted = law.predict(cells["penalty"].to_numpy(), cells["n_atoms"].to_numpy())
    table = cells.assign(eq13=printed, eq14=1 - printed, fitted=fitted, residual=cells["p_null"] - fitted)
    return table.reset_index(drop=True)


def null_proportion(data: pd.DataFrame, law: NullLaw) -> Figure:
    """Three panels of `null_data`'s table against λ, a colour per n_a: as published, for the least, a middle and the
    largest n_a; measured with the fitted law; and what it leaves.
    """
    sizes = sorted(data["n_atoms"].unique())
    colours = dict(zip(sizes, pick_shades(len(sizes)), strict=True))
    markers = dict(zip(sizes, MARKERS * len(sizes), strict=False))
    figure, (published, measured, residual) = plt.subplots(1, 3, figsize=(PAGE, HEIGHT))
    grid = np.geomspace(data["penalty"].min(), data["penalty"].max(), 200)
    for size in {sizes[0], sizes[len(sizes) // 2], sizes[-1]}:
        printed = p_null_printed(size, grid)
        published.plot(grid, printed, color=colours[size], **PRINTED)
        published.plot(grid, 1 - printed, color=colours[size], **SWAPPED)
        _name_curve(published, grid, printed, f"{size}", colours[size])
    for size in sizes:
        cells, colour = data[data["n_atoms"] == size].sort_values("penalty"), colours[size]
        style = {"color": colour, "marker": markers[size], "markersize": 2.8}
        measured.plot(grid, law.predict(grid, size), color=colour, linewidth=0.8)
        measured.plot(cells["penalty"], cells["p_null"], linestyle="none", **style, label=size)
        residual.plot(cells["penalty"], cells["residual"], linewidth=0.8, **style)
    residual.axhline(0, color="#404040", linewidth=0.6)
    _dress(published, "(a) Eq. 13 dashed, Eq. 14 dotted", "P(null) by each equation")
    _dress(measured, "(b) measured dots, fitted lines", "P(null)")
    _dress(residual, "(c) measured minus fitted", "difference in P(null)")
    for axes in (published, measured):
        axes.set_ylim(-0.02, 1.02)
    keys, names = measured.get_legend_handles_labels()
    figure.legend(
        keys, [f"$n_a$ = {name}" for name in names], loc="outside lower center", ncols=len(sizes), fontsize=6.5
    )
    return figure


def _name_curve(axes: Axes, penalties: np.ndarray, values: np.ndarray, name: str, colour: np.ndarray) -> None:
    """The name of a falling curve where it is halfway down, or at its end."""
    at = min(int(np.searchsorted(-values, -0.5)), len(values) - 1)
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    axes.text(penalties[at], values[at], name, color=colour, fontsize=6, ha="center", va="center", bbox=paper)


def _dress(axes: Axes, title: str, quantity: str) -> None:
    axes.set_title(title, loc="left")
    log_axis(axes, TICKS)
    axes.set_xlabel("penalty λ")
    axes.set_ylabel(quantity)
