"""The pictures of the notebooks on linearity and separation (Fig. 4, 5 and 10), and their measurements."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from smicnb.repro.figures import PAGE
from smicnb.repro.looks import BLUE, VERMILION
from smicnb.repro.plots import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Image = np.ndarray
# What is added keeps its colour in every panel; the image that the judge compares with has the line style.
WHATS = {"concept": (BLUE, "f(x₂)"), "random": (VERMILION, "a random latent")}
IMAGES = {"x1": ("--", "to x₁"), "x2": ("-", "to x₂")}
OPERATIONS = {"add": "adding f(x₁) + λ·", "remove": "removing f(x₁) − λ·"}
PART_NAMES = {"latent": "z", "projection": "ẑ", "residual": "z − ẑ"}
WORDS = {"inside": (BLUE, "o"), "outside": (VERMILION, "s")}


def addition(first: Image, second: Image, generated: Sequence[Image], factors: Sequence[float], verb: str) -> "Figure":
    """Fig. 4: x1 and x2 on the left, on the right what is generated from f(x1) + λ f(x2), two rows.

    Args:
        first, second: x1 and x2.
        generated: one image for each factor.
        factors: λ.
        verb: how the generator came by its pictures, "generated" or "retrieved".
    """
    import matplotlib.pyplot as plt

    columns = -(-len(factors) // 2)
    figure = plt.figure(figsize=(PAGE, PAGE / (columns + 1.2) * 2 * 1.2))
    left, right = figure.subfigures(1, 2, width_ratios=(1, columns))
    for axes, image, title in zip(left.subplots(2, 1), (first, second), ("x₁", "x₂"), strict=True):
        show(axes, image, title)
    right.suptitle(f"{verb} from f(x₁) + λ f(x₂)", fontsize=8)
    grid = right.subplots(2, columns, squeeze=False)
    _series(grid.flat[: len(factors)], generated, factors)
    for axes in grid.flat[len(factors) :]:
        axes.axis("off")
    return figure


def removal(first: Image, second: Image, generated: Sequence[Image], factors: Sequence[float], verb: str) -> "Figure":
    """Fig. 5: x1, x2, and what is generated from f(x1) − λ f(x2), one row; arguments as in `addition`."""
    import matplotlib.pyplot as plt

    columns = len(factors) + 2
    figure, grid = plt.subplots(1, columns, figsize=(PAGE, PAGE / columns * 1.55), squeeze=False)
    figure.suptitle(f"{verb} from f(x₁) − λ f(x₂)", fontsize=8)
    show(grid[0, 0], first, "x₁")
    show(grid[0, 1], second, "x₂")
    _series(grid[0, 2:], generated, factors)
    return figure


def _series(axes: Sequence["Axes"], images: Sequence[Image], factors: Sequence[float]) -> None:
    for place, image, factor in zip(axes, images, factors, strict=True):
        show(place, image, f"λ = {factor:g}")


def failures(rows: Sequence[Sequence[Image]], titles: Sequence[str], gains: Sequence[float]) -> "Figure":
    """Pairs on which the concept did worst against the random latent, one row each.

    Args:
        rows: the images of a row.
        titles: above the columns.
        gains: of each row, its mean gain of the cosine to x2.
    """
    import matplotlib.pyplot as plt

    columns = len(titles)
    size = (PAGE, PAGE / columns * 1.1 * len(rows))
    figure, grid = plt.subplots(len(rows), columns, figsize=size, squeeze=False)
    for number, (images, gain) in enumerate(zip(rows, gains, strict=True)):
        for axes, image, title in zip(grid[number], images, titles, strict=True):
            show(axes, image, title if number == 0 else "")
        grid[number, 0].set_ylabel(f"mean gain {gain:+.2f}".replace("-", "−"), fontsize=7)
    return figure


def linearity(curves: pd.DataFrame, wins: pd.DataFrame, judge: str) -> "Figure":
    """What another model sees against λ (above), and how often the concept wins (below).

    Args:
        curves: rows of `smicnb.compare.linearity.curves`.
        wins: rows of `smicnb.compare.linearity.wins`.
        judge: the name of that model.
    """
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(2, 2, figsize=(PAGE, 4.6), sharey="row", sharex="col")
    for column, (operation, title) in enumerate(OPERATIONS.items()):
        above = grid[0, column]
        for what, (color, name) in WHATS.items():
            for to, (style, target) in IMAGES.items():
                here = (curves["operation"] == operation) & (curves["what"] == what) & (curves["to"] == to)
                line = curves[here].sort_values("factor")
                above.plot(line["factor"], line["mean"], style, color=color, label=f"{target}, with {name}")
                above.fill_between(line["factor"], line["low"], line["high"], color=color, alpha=0.15, lw=0)
        above.set_title(f"{title}(…)")
        win_shares(grid[1, column], wins[wins["operation"] == operation])
    grid[0, 0].set_ylabel(f"cosine by {judge}")
    grid[1, 0].set_ylabel("share of pairs ↑")
    _legend_below(figure, [grid[0, 0], grid[1, 0]])
    return figure


def _legend_below(figure: "Figure", panels: Sequence["Axes"]) -> None:
    entries = [entry for axes in panels for entry in zip(*axes.get_legend_handles_labels(), strict=True)]
    figure.legend(
        *zip(*entries, strict=True), loc="outside lower center", ncols=4 if len(panels) > 1 else 3, fontsize=6.5
    )


def win_shares(axes: "Axes", wins: pd.DataFrame) -> None:
    """Shares of pairs of one operation against λ, with 95 % intervals, into `axes`."""
    wins = wins.sort_values("factor")
    color, other = WHATS["concept"][0], WHATS["random"][0]
    axes.plot(wins["factor"], wins["wins"], "-o", ms=3, color=color, label="moves more than a random latent")
    axes.fill_between(wins["factor"], wins["wins_low"], wins["wins_high"], color=color, alpha=0.15, lw=0)
    axes.plot(wins["factor"], wins["ties"], "-.", lw=1, color=other, label="moves as much (the same image)")
    axes.plot(wins["factor"], wins["from_here_on"], ":", color=color, label="… at every larger λ too")
    axes.plot(wins["factor"], wins["nearer"], "--s", ms=3, color="0.35", label="nearer to x₂ than to x₁")
    axes.set(xlabel="λ", ylim=(-0.02, 1.02))


def linearity_claim(wins: pd.DataFrame, title: str) -> "Figure":
    """How often the concept wins, adding and removing side by side; arguments as in `linearity`."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(PAGE, 2.5), sharey=True)
    for axes, (operation, name) in zip(panels, OPERATIONS.items(), strict=True):
        win_shares(axes, wins[wins["operation"] == operation])
        axes.set_title(f"{name}f(x₂)")
    panels[0].set_ylabel("share of pairs ↑")
    _legend_below(figure, panels[:1])
    figure.suptitle(title, fontsize=8)
    return figure


def separation(
    images: Sequence[Image],
    projections: Sequence[Image],
    residuals: Sequence[Image],
    words: Sequence[Sequence[str]],
    labels: Sequence[str],
    verb: str,
) -> "Figure":
    """Fig. 10: images, what is generated from their projections, and from their residuals; words below each.

    Args:
        images, projections, residuals: n images each.
        words: for each image the nearest words of z, ẑ and z − ẑ.
        labels: what each image is to the collection ("foreign", "held out").
        verb: how the generator came by its pictures.
    """
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(3, len(images), figsize=(PAGE, PAGE / len(images) * 3 * 1.18), squeeze=False)
    for column, (three, label) in enumerate(zip(zip(images, projections, residuals, strict=True), labels, strict=True)):
        for row, image in enumerate(three):
            show(grid[row, column], image, label if row == 0 else "", words[column][row])
    for axes, name in zip(grid[:, 0], ("input", f"{verb} from ẑ", f"{verb} from z − ẑ"), strict=True):
        axes.set_ylabel(name, fontsize=7)
    return figure


def separation_scores(summary: pd.DataFrame, title: str) -> "Figure":
    """Mean ranks of the images' own words in each part of the latent, beside the shuffled control.

    Args:
        summary: rows of `smicnb.compare.separation.summarise`.
        title: what was measured on what.
    """
    import matplotlib.pyplot as plt

    parts = list(dict.fromkeys(summary["part"]))
    figure, axes = plt.subplots(figsize=(PAGE, 0.36 * len(parts) + 1.3))
    axes.axvline(0.5, color="0.6", lw=0.8, ls=":")
    for offset, (words, (color, marker)) in zip((-0.13, 0.13), WORDS.items(), strict=True):
        rows = summary[summary["words"] == words].set_index("part").reindex(parts)
        place = np.arange(len(parts)) + offset
        error = [rows["rank"] - rows["low"], rows["high"] - rows["rank"]]
        label = f"own words {words} the coded collection"
        axes.errorbar(rows["rank"], place, xerr=error, fmt=marker, ms=4, color=color, capsize=2, lw=1, label=label)
        axes.plot(rows["shuffled"], place, marker, ms=4, mfc="none", color=color, label="words of another image")
    axes.set_yticks(range(len(parts)), [part_name(part) for part in parts])
    axes.invert_yaxis()
    axes.set(xlabel="rank of the words among all of their kind (chance 0.5) ↑", title=title)
    _legend_of_intervals(figure)
    return figure


def part_name(part: str) -> str:
    """A part of the latent in signs: "projection on random atoms" is "ẑ on random atoms"."""
    first, _, rest = part.partition(" ")
    return f"{PART_NAMES.get(first, first)} {rest}".strip()


def separation_claim(verdicts: pd.DataFrame, title: str) -> "Figure":
    """The paper's statements as paired differences of ranks, learned atoms beside a random subspace.

    Args:
        verdicts: rows of `smicnb.compare.separation.verdicts`.
        title: what was measured on what.
    """
    import matplotlib.pyplot as plt

    statements = list(dict.fromkeys(verdicts["statement"]))
    figure, axes = plt.subplots(figsize=(PAGE, 1.9))
    axes.axvline(0, color="0.3", lw=0.8)
    looks = {"learned atoms": (BLUE, "o", -0.12), "random subspace": (VERMILION, "s", 0.12)}
    for by, (color, marker, offset) in looks.items():
        rows = verdicts[verdicts["by"] == by].set_index("statement").reindex(statements)
        error = [rows["difference"] - rows["low"], rows["high"] - rows["difference"]]
        place = np.arange(len(statements)) + offset
        axes.errorbar(rows["difference"], place, xerr=error, fmt=marker, ms=4, color=color, capsize=2, lw=1, label=by)
    axes.set_yticks(range(len(statements)), statements)
    axes.set_ylim(len(statements) - 0.5, -0.5)
    axes.set(xlabel="Δ rank of own words (> 0: the statement holds)", title=title)
    _legend_of_intervals(figure)
    return figure


def _legend_of_intervals(figure: "Figure") -> None:
    """A legend whose bars are long enough for the markers on them to be told apart."""
    from matplotlib.container import ErrorbarContainer
    from matplotlib.legend_handler import HandlerErrorbar

    long_bars = {ErrorbarContainer: HandlerErrorbar(xerr_size=1.1)}
    figure.legend(loc="outside lower center", ncols=2, fontsize=6.5, handler_map=long_bars)
