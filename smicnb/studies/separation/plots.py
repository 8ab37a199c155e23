"""The pictures of the notebook on separation (Fig. 10), and its measurements."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerErrorbar

from smicnb.drawing.looks import BLUE, VERMILION
from smicnb.drawing.parts import draw_thumbnail, error_bars
from smicnb.drawing.style import PAGE

Image = np.ndarray
PART_NAMES = {"latent": "z", "projection": "ẑ", "residual": "z − ẑ"}
WORDS = {"inside": (BLUE, "o"), "outside": (VERMILION, "s")}


def separation(
    images: Sequence[Image],
    projections: Sequence[Image],
    residuals: Sequence[Image],
    words: Sequence[Sequence[str]],
    labels: Sequence[str],
    verb: str,
) -> Figure:
    """Fig. 10: images, what is generated from their projections, and from their residuals, n each; the nearest words of
    z, ẑ and z − ẑ below. Labels say what each image is to the collection ("foreign", "held out"), `verb` how the
    generator came by its pictures.
    """
    figure, grid = plt.subplots(3, len(images), figsize=(PAGE, PAGE / len(images) * 3 * 1.18), squeeze=False)
    for column, (three, label) in enumerate(zip(zip(images, projections, residuals, strict=True), labels, strict=True)):
        for row, image in enumerate(three):
            draw_thumbnail(grid[row, column], image, label if row == 0 else "", words[column][row])
    for axes, name in zip(grid[:, 0], ("input", f"{verb} from ẑ", f"{verb} from z − ẑ"), strict=True):
        axes.set_ylabel(name, fontsize=7)
    return figure


def separation_scores(summary: pd.DataFrame, title: str) -> Figure:
    """Mean ranks of the images' own words in each part of the latent, of `measures.summarise`'s rows, beside the
    shuffled control; parts first, below a line those of a random subspace.
    """
    parts = sorted(dict.fromkeys(summary["part"]), key=is_control)  # else as they come
    figure, axes = plt.subplots(figsize=(PAGE, 0.36 * len(parts) + 1.3))
    axes.axvline(0.5, color="0.6", lw=0.8, ls=":")
    for offset, (words, (color, marker)) in zip((-0.13, 0.13), WORDS.items(), strict=True):
        rows = summary[summary["words"] == words].set_index("part").reindex(parts)
        place = np.arange(len(parts)) + offset
        error = error_bars(rows, "rank")
        label = f"own words {words} the coded collection"
        axes.errorbar(rows["rank"], place, xerr=error, fmt=marker, ms=4, color=color, capsize=2, lw=1, label=label)
        other = f"words of another image, {words}"
        axes.plot(rows["shuffled"], place, marker, ms=4, mfc="none", color=color, label=other)
    if any(map(is_control, parts)):
        axes.axhline(sum(not is_control(part) for part in parts) - 0.5, color="0.6", lw=0.8)
    axes.set_yticks(range(len(parts)), [part_name(part) for part in parts])
    axes.invert_yaxis()
    axes.set(xlabel="rank of the words among all of their kind (chance 0.5) ↑", title=title)
    _legend_of_intervals(figure)
    return figure


def is_control(part: str) -> bool:
    """Whether a part of the latent is one of a random subspace, with which the others are compared."""
    return "random" in part


def part_name(part: str) -> str:
    """A part of the latent in signs: "projection on random atoms" is "ẑ on random atoms"."""
    first, _, rest = part.partition(" ")
    return f"{PART_NAMES.get(first, first)} {rest}".strip()


def separation_claim(verdicts: pd.DataFrame, title: str) -> Figure:
    """The paper's statements as paired differences of ranks, of `measures.verdicts`' rows, learned atoms beside a
    random subspace.
    """
    statements = list(dict.fromkeys(verdicts["statement"]))
    figure, axes = plt.subplots(figsize=(PAGE, 1.9))
    axes.axvline(0, color="0.3", lw=0.8)
    looks = {"learned atoms": (BLUE, "o", -0.12), "random subspace": (VERMILION, "s", 0.12)}
    for by, (color, marker, offset) in looks.items():
        rows = verdicts[verdicts["by"] == by].set_index("statement").reindex(statements)
        error = error_bars(rows, "difference")
        place = np.arange(len(statements)) + offset
        axes.errorbar(rows["difference"], place, xerr=error, fmt=marker, ms=4, color=color, capsize=2, lw=1, label=by)
    axes.set_yticks(range(len(statements)), statements)
    axes.set_ylim(len(statements) - 0.5, -0.5)
    axes.set(xlabel="Δ rank of own words (> 0: the statement holds)", title=title)
    _legend_of_intervals(figure)
    return figure


def _legend_of_intervals(figure: Figure) -> None:
    """A legend whose bars are long enough for the markers on them to be told apart."""
    long_bars = {ErrorbarContainer: HandlerErrorbar(xerr_size=1.1)}
    figure.legend(loc="outside lower center", ncols=2, fontsize=6.5, handler_map=long_bars)
