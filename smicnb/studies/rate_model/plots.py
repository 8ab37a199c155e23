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

HEIGHT = 2.6  # inches
TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 4)
PRINTED = {"linestyle": (0, (4, 1.5)), "linewidth": 1.0}
SWAPPED = {"linestyle": (0, (1, 1.5)), "linewidth": 0.9}
MEASURED = {"marker": "o", "markersize": 2.6}


def null_data(measured: pd.DataFrame, law: NullLaw, split: str) -> pd.DataFrame:
    """What `null_proportion` draws: P(null) of one split as measured, printed and fitted, and the residual."""
    cells = measured[measured["split"] == split].drop(columns=["p_empty"])
    printed = p_null_printed(cells["n_atoms"], cells["penalty"])
    fitted = law.predict(cells["penalty"].to_numpy(), cells["n_atoms"].to_numpy())
    table = cells.assign(eq13=printed, eq14=1 - printed, fitted=fitted, residual=cells["p_null"] - fitted)
    return table.reset_index(drop=True)


def null_proportion(data: pd.DataFrame, law: NullLaw) -> Figure:
    """Three panels of `null_data`'s table against λ, a colour per n_a: as published, measured with the fitted law, and
    what it leaves.
    """
    sizes = sorted(data["n_atoms"].unique(), reverse=True)  # the order in which the measured curves lie
    colours = dict(zip(reversed(sizes), pick_shades(len(sizes)), strict=True))
    figure, (published, measured, residual) = plt.subplots(1, 3, figsize=(PAGE, HEIGHT))
    grid = np.geomspace(data["penalty"].min(), data["penalty"].max(), 200)
    for size in sizes:
        cells, colour = data[data["n_atoms"] == size].sort_values("penalty"), colours[size]
        published.plot(grid, p_null_printed(size, grid), color=colour, **PRINTED)
        published.plot(grid, 1 - p_null_printed(size, grid), color=colour, **SWAPPED)
        measured.plot(grid, law.predict(grid, size), color=colour, linewidth=0.8)
        measured.plot(cells["penalty"], cells["p_null"], color=colour, linestyle="none", **MEASURED, label=size)
        residual.plot(cells["penalty"], cells["residual"], color=colour, linewidth=0.8, **MEASURED)
    residual.axhline(0, color="#404040", linewidth=0.6)
    _dress(published, "(a) Eq. 13 dashed, Eq. 14 dotted", "P(null)")
    _dress(measured, "(b) measured dots, fitted lines", "P(null)")
    _dress(residual, "(c) measured minus fitted", "difference in P(null)")
    for axes in (published, measured):
        axes.set_ylim(-0.02, 1.02)
    figure.legend(*measured.get_legend_handles_labels(), title="$n_a$", loc="outside right center")
    return figure


def _dress(axes: Axes, title: str, quantity: str) -> None:
    axes.set_title(title, loc="left")
    log_axis(axes, TICKS)
    axes.set_xlabel("penalty λ")
    axes.set_ylabel(quantity)
