"""The pictures of the notebook on linearity (Fig. 4 and 5), and its measurements."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smicnb.drawing.looks import BLUE, GREY, VERMILION
from smicnb.drawing.parts import draw_thumbnail
from smicnb.drawing.style import PAGE

Image = np.ndarray
# What is added keeps its colour in every panel; the image that the judge compares with has the line style.
WHATS = {
    "concept": (BLUE, "f(x₂)"), "third": (VERMILION, "f(x₃)"), "random": (GREY, "a random latent")
}  # fmt: skip
IMAGES = {"x1": ("--", "to x₁"), "x2": ("-", "to x₂")}
SIGNS = {"add": "+", "remove": "−"}
OPERATIONS = {"add": "adding f(x₁) + λ·", "remove": "removing f(x₁) − λ·"}


def series(
    operation: str,
    photographs: Sequence[Image],
    alone: Sequence[Image],
    generated: Sequence[Image],
    factors: Sequence[float],
    verb: str,
) -> Figure:
    """Fig. 4 or 5: on the left x1 and x2, and beside each what is generated from its own latent; on the right what is
    generated from f(x1) ± λ f(x2), two rows.

    Args:
        operation: "add" or "remove".
        photographs: x1 and x2.
        alone: images of f(x1), which is λ = 0, and of f(x2).
        generated: one image for each factor.
        factors: λ.
        verb: how the generator came by its pictures, "generated" or "retrieved".
    """
    columns = -(-len(factors) // 2)
    figure = plt.figure(figsize=(PAGE, PAGE / (columns + 2.4) * 2 * 1.25))
    left, right = figure.subfigures(1, 2, width_ratios=(2, columns))
    left.suptitle(f"{verb} from either alone", fontsize=8)
    right.suptitle(f"{verb} from f(x₁) {SIGNS[operation]} λ f(x₂)", fontsize=8)
    own = [image for pair in zip(photographs, alone, strict=True) for image in pair]
    for axes, image, title in zip(left.subplots(2, 2).flat, own, ("x₁", "f(x₁), λ = 0", "x₂", "f(x₂)"), strict=True):
        draw_thumbnail(axes, image, title)
    grid = right.subplots(2, columns, squeeze=False)
    for axes, image, factor in zip(grid.flat, generated, factors, strict=False):
        draw_thumbnail(axes, image, f"λ = {factor:g}")
    for axes in grid.flat[len(factors) :]:
        axes.axis("off")
    return figure


def failures(rows: Sequence[Sequence[Image]], titles: Sequence[str], gains: Sequence[float]) -> Figure:
    """Pairs on which the concept did worst against a third photograph, one row each.

    Args:
        rows: the images of a row.
        titles: headings of the columns.
        gains: each row's mean gain of the cosine to x2.
    """
    columns = len(titles)
    size = (PAGE, PAGE / columns * 1.1 * len(rows))
    figure, grid = plt.subplots(len(rows), columns, figsize=size, squeeze=False)
    for number, (images, gain) in enumerate(zip(rows, gains, strict=True)):
        for axes, image, title in zip(grid[number], images, titles, strict=True):
            draw_thumbnail(axes, image, title if number == 0 else "")
        grid[number, 0].set_ylabel(f"mean gain {gain:+.2f}".replace("-", "−"), fontsize=7)
    return figure


def linearity(curves: pd.DataFrame, wins: pd.DataFrame, judge: str) -> Figure:
    """What another model sees against λ (above), and how often the concept wins (below).

    Args:
        curves: rows of `smicnb.studies.linearity.measures.curves`.
        wins: rows of `smicnb.studies.linearity.measures.wins`.
        judge: the name of that model.
    """
    figure, grid = plt.subplots(2, 2, figsize=(PAGE, 4.6), sharey="row", sharex="col")
    for column, (operation, title) in enumerate(OPERATIONS.items()):
        above = grid[0, column]
        for what, (color, name) in WHATS.items():
            for to, (style, target) in IMAGES.items():
                here = (curves["operation"] == operation) & (curves["what"] == what) & (curves["to"] == to)
                line = curves[here].sort_values("factor")
                above.plot(
                    line["factor"],
                    line["mean"],
                    style,
                    color=color,
                    label=f"{target}, with {name}",
                )
                above.fill_between(line["factor"], line["low"], line["high"], color=color, alpha=0.15, lw=0)
        above.set_title(f"{title}(…)")
        win_shares(grid[1, column], wins[wins["operation"] == operation])
    grid[0, 0].set_ylabel(f"cosine by {judge}")
    grid[1, 0].set_ylabel("share of pairs ↑")
    _legend_below(figure, [grid[0, 0], grid[1, 0]])
    return figure


def _legend_below(figure: Figure, panels: Sequence[Axes]) -> None:
    entries = [entry for axes in panels for entry in zip(*axes.get_legend_handles_labels(), strict=True)]
    figure.legend(
        *zip(*entries, strict=True), loc="outside lower center", ncols=4 if len(panels) > 1 else 3, fontsize=6.5
    )


def win_shares(axes: Axes, wins: pd.DataFrame) -> None:
    """Shares of pairs of one operation against λ, with intervals, into `axes`."""
    for against, style in (("third", "-"), ("random", ":")):
        rows = wins[wins["against"] == against].sort_values("factor")
        color, name = WHATS[against]
        axes.plot(rows["factor"], rows["wins"], f"{style}o", ms=3, color=color, label=f"moves more than with {name}")
        axes.fill_between(rows["factor"], rows["wins_low"], rows["wins_high"], color=color, alpha=0.15, lw=0)
    fair = wins[wins["against"] == "third"].sort_values("factor")
    axes.plot(fair["factor"], fair["ties"], "-.", lw=1, color=WHATS["third"][0], label="the same image as with f(x₃)")
    axes.plot(fair["factor"], fair["nearer"], "--s", ms=3, color="0.35", label="nearer to x₂ than to x₁")
    axes.set(xlabel="λ", ylim=(-0.02, 1.02))


def linearity_claim(wins: pd.DataFrame, title: str) -> Figure:
    """How often the concept wins, adding and removing side by side; arguments as in `linearity`."""
    figure, panels = plt.subplots(1, 2, figsize=(PAGE, 2.5), sharey=True)
    for axes, (operation, name) in zip(panels, OPERATIONS.items(), strict=True):
        win_shares(axes, wins[wins["operation"] == operation])
        axes.set_title(f"{name}f(x₂)")
    panels[0].set_ylabel("share of pairs ↑")
    _legend_below(figure, panels[:1])
    figure.suptitle(title, fontsize=8)
    return figure
