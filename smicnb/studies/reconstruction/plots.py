"""The pictures of the notebooks on dictionaries: atoms, reconstructions, decompositions, cosines."""

from collections.abc import Sequence
from itertools import zip_longest

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smicnb.drawing.looks import KINDS
from smicnb.drawing.parts import SPLITS, draw_beside_inputs, draw_thumbnail, error_bars, log_axis
from smicnb.drawing.style import COLUMN, PAGE
from smicnb.studies.reconstruction.reading import PCA_DEBIASED

MOST_NAMES = 40  # of scenes or atoms that fit along a side of a figure
# What learned atoms are measured against -> whose look it has, and its label.
AGAINST = {
    "exemplars": ("exemplars", "minus random photographs"),
    "pca": ("pca", "minus PCA"),
    PCA_DEBIASED: ("debiased", "debiased, minus PCA"),
}
LONGEST_LINE = 24  # letters of two words below a picture


def learning(
    photographs: Sequence[np.ndarray], codes: np.ndarray, scenes: Sequence[str], words: Sequence[str]
) -> Figure:
    """Fig. 6 on real data: 16 photographs of the collection at most, and codes (n, n_atoms) of all its images over the
    learned atoms, images of a scene together. Too many scenes to be named go by strongest atom; too many words, one an
    atom, are left out.
    """
    figure = plt.figure(figsize=(PAGE, 3.4))
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.5))
    side = 4
    for axes, image in zip_longest(left.subplots(side, side).flat, photographs[: side**2]):
        if image is None:
            axes.remove()
        else:
            draw_thumbnail(axes, image)
    left.suptitle("photographs of the collection", fontsize=8)
    axes = right.subplots()
    if len(set(scenes)) <= MOST_NAMES:
        _mark_scenes(axes, scenes, codes.shape[1])
    else:
        codes = codes[np.argsort(np.abs(codes).argmax(axis=1), kind="stable")]
        axes.set_yticks([])
        axes.set_ylabel("images, ordered by their strongest atom")
    limit = np.abs(codes).max()
    drawn = axes.imshow(codes, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    axes.grid(False)
    axes.tick_params(length=0)
    names = words if len(words) <= MOST_NAMES else []
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=5.5)
    xlabel = "atoms, the most used first" + (", by nearest word" if names else "")
    axes.set(xlabel=xlabel, title="codes C of all images (Eq. 7)")
    right.colorbar(drawn, ax=axes, label="coefficient", shrink=0.8)
    return figure


def _mark_scenes(axes: Axes, scenes: Sequence[str], width: int) -> None:
    borders = np.flatnonzero(np.asarray(scenes[1:]) != np.asarray(scenes[:-1])) + 1
    axes.hlines(borders - 0.5, -0.5, width - 0.5, color="0.6", linewidth=0.4)
    starts = np.concatenate([[0], borders])
    ends = np.concatenate([borders, [len(scenes)]])
    axes.set_yticks((starts + ends - 1) / 2, [scenes[start] for start in starts], fontsize=5.5)


def atoms(
    nearest: Sequence[np.ndarray],
    generated: Sequence[np.ndarray],
    words: Sequence[Sequence[str]],
    shares: Sequence[float],
    verb: str,
) -> Figure:
    """Fig. 7: the first atoms, each by its nearest photograph of the collection and its generated picture, its nearest
    words, best first, and its share (0 to 1) of all coefficients; `verb` says how the generator came by its pictures,
    "generated" or "retrieved".
    """
    columns = 5
    bands = -(-len(nearest) // columns)
    figure = plt.figure(figsize=(PAGE, 3.2 * bands))
    parts = figure.subfigures(bands, 1, squeeze=False)
    for band, part in enumerate(parts[:, 0]):
        grid = part.subplots(2, columns)
        for column in range(columns):
            number = band * columns + column
            if number >= len(nearest):
                grid[0, column].remove()
                grid[1, column].remove()
                continue
            best = words[number][:2]
            line = (", " if sum(map(len, best)) <= LONGEST_LINE else ",\n").join(best)
            below = f"{line}\n{100 * shares[number]:.1f} % of Σ|c|"
            draw_thumbnail(grid[0, column], nearest[number], f"atom {number + 1}")
            draw_thumbnail(grid[1, column], generated[number], below=below)
        _label_rows(grid, verb)
    return figure


def _label_rows(grid: np.ndarray, verb: str) -> None:
    for axes, label in zip(grid[:, 0], ("nearest in collection", verb), strict=True):
        axes.set_ylabel(label, fontsize=7)


def reconstructions(
    inputs: Sequence[np.ndarray],
    generated: Sequence[Sequence[np.ndarray]],
    cosines: np.ndarray,
    n_atoms: Sequence[int],
    splits: Sequence[str],
) -> Figure:
    """Fig. 8: inputs on the left, then what is generated from n_a atoms; latent cosines (inputs, n_atoms) below each,
    and of which split a row is.
    """
    below = [[f"{cosine:.2f}" for cosine in row] for row in cosines]
    return draw_beside_inputs(inputs, generated, below, [f"$n_a$ = {count}" for count in n_atoms], splits, 1.17)


def decomposition(
    image: np.ndarray, nearest: Sequence[np.ndarray], generated: Sequence[np.ndarray], table: pd.DataFrame, verb: str
) -> Figure:
    """Fig. 9: an image as its largest non-null atoms, of `measures.decomposition`'s rows; coefficient above each, its
    nearest word below; arguments as in `atoms`.
    """
    figure, grid = plt.subplots(2, len(nearest) + 1, figsize=(PAGE, 2.3), squeeze=False)
    draw_thumbnail(grid[0, 0], image, "input  =")
    grid[1, 0].remove()
    for column, row in enumerate(table.itertuples()):
        draw_thumbnail(grid[0, column + 1], nearest[column], f"{row.coefficient:+.2f} ×".replace("-", "−"))
        draw_thumbnail(grid[1, column + 1], generated[column], below=row.words)
    if len(nearest):
        _label_rows(grid[:, 1:], verb)
    return figure


def cosines(summary: pd.DataFrame, metric: str, ylabel: str) -> Figure:
    """ "latent_cosine" or "image_cosine" against n_a for every kind of atoms, of `measures.summarise`'s rows: the coded
    collection left, held-out scenes right.
    """
    rows = summary[summary["metric"] == metric]
    splits = list(rows["split"].unique())
    figure, panels = plt.subplots(1, len(splits), figsize=(PAGE, 2.6), sharey=True, squeeze=False)
    for axes, split in zip(panels[0], splits, strict=True):
        here = rows[rows["split"] == split]
        for kind, look in KINDS.items():
            line = here[here["kind"] == kind].sort_values("n_atoms")
            if line.empty:
                continue
            axes.plot(line["n_atoms"], line["mean"], **look)
            axes.fill_between(line["n_atoms"], line["low"], line["high"], color=look["color"], alpha=0.15, lw=0)
        uncoded = here[here["kind"] == "none"]
        if metric == "image_cosine":
            axes.axhline(
                uncoded["mean"].item(), color="0.4", ls="--", lw=0.8, label="the generator's limit: latent not coded"
            )
        counts = f"{here['images'].iloc[0]} images of {here['scenes'].iloc[0]} scenes"
        ticks = sorted(set(here["n_atoms"]) - {0})
        log_axis(axes, ticks, 2)
        axes.set(xlabel="number of atoms $n_a$", title=f"{SPLITS.get(split, split)}: {counts}")
    panels[0, 0].set_ylabel(ylabel)
    panels[0, -1].legend(loc="lower right")
    return figure


def paired_differences(table: pd.DataFrame, title: str) -> Figure:
    """Learned atoms minus each baseline against n_a, with 95 % intervals, of `measures.differences`' rows for one split
    and metric; zero is a tie.
    """
    figure, axes = plt.subplots(figsize=(COLUMN, 2.9))
    axes.axhline(0, color="0.3", lw=0.8)
    for offset, (against, rows) in zip((0.9, 1, 1.1), table.groupby("against"), strict=False):
        look = KINDS[AGAINST[against][0]]
        error = error_bars(rows, "mean")
        axes.errorbar(
            rows["n_atoms"] * offset, rows["mean"], error, fmt=look["marker"], color=look["color"],
            label=AGAINST[against][1], capsize=2, lw=1,
        )  # fmt: skip
    ticks = sorted(set(table["n_atoms"]))
    log_axis(axes, ticks, 2)
    axes.set(xlabel="number of atoms $n_a$", ylabel="Δ latent cosine (> 0: learned ahead)", title=title)
    figure.legend(loc="outside lower center", ncols=2)
    return figure
