"""The pictures of the learned codecs' notebooks: rate curves, what each part is worth, where the text acts."""

from collections.abc import Sequence
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FixedLocator, NullFormatter, StrMethodFormatter

from smicnb.compare.images import ablations as ablations_of
from smicnb.compare.images import curves
from smicnb.compare.images.ablations import seed_of
from smicnb.compare.verdicts import TOO_FEW
from smicnb.drawing import looks
from smicnb.drawing.parts import error_bars, strip_axes
from smicnb.drawing.style import COLUMN, PAGE

Image = np.ndarray
# metric -> label with unit and direction
LABELS = {
    "psnr": "PSNR (dB) ↑",
    "ms_ssim": "MS-SSIM ↑",
    "lpips": "LPIPS, AlexNet ↓",
    "lpips_vgg": "LPIPS, VGG ↓",
    "dists": "DISTS ↓",
    "image_cosine": "image cosine ↑",
}
CAPTION_LABELS = {"cost": "what was trained for ↓", "bpp": "bits per pixel ↓"}
# codec's name in `compare.classical` -> its look
RIVALS = {
    "JPEG": "jpeg",
    "JPEG XL": "jpeg-xl",
    "AVIF": "avif",
    "VVenC intra": "vvc",
    "x265 intra": "hevc",
    "AV1 (SVT-AV1)": "av1",
}
# family -> variant -> its look
VARIANTS = {
    "TACO": {
        "full": looks.CODECS["taco"] | {"linestyle": "-"},
        "without-adapter": {"color": looks.BLUE, "marker": "o", "linestyle": "-", "label": "without text adapter"},
        "without-joint-loss": {
            "color": looks.VERMILION, "marker": "s", "linestyle": "-", "label": "without joint loss"
        },
        "frozen-base": {"color": looks.GREEN, "marker": "^", "linestyle": "-", "label": "frozen base model"},
        "tgic": {"color": looks.ORANGE, "marker": "*", "linestyle": "-", "label": "TGIC's module (our reading)"},
    },
    "SIC": {
        "one-sample": looks.CODECS["sic"] | {"linestyle": "-", "label": "SIC, M = 1"},
        "five-samples": {"color": looks.BLUE, "marker": "o", "linestyle": "-", "label": "SIC, M = 5"},
        "one-sample-adversarial": {
            "color": looks.VERMILION, "marker": "s", "linestyle": "--", "label": "M = 1, adversarial"
        },
        "five-samples-adversarial": {
            "color": looks.ORANGE, "marker": "^", "linestyle": "--", "label": "M = 5, adversarial"
        },
        "without-constraints": {"color": looks.GREEN, "marker": "D", "linestyle": "-", "label": "without idempotence"},
        "without-warm-up": {"color": looks.PURPLE, "marker": "P", "linestyle": "-", "label": "without warm-up"},
        "scale-detail": {"color": looks.OLIVE, "marker": "<", "linestyle": "-", "label": "Gaussian, learned scale"},
        "zero-detail": {"color": looks.GREY, "marker": "X", "linestyle": "-", "label": "details not drawn"},
        "growing": {"color": looks.PLUM, "marker": "h", "linestyle": "-.", "label": "growing groups"},
        "twin": {"color": looks.FOREST, "marker": "d", "linestyle": ":", "label": "twin: rate and MSE, a model a rate"},
    },
}  # fmt: skip
# Variants that are compared with their twins on equal terms, and with no others.
EQUAL_TERMS = {
    "sic": looks.CODECS["sic"] | {"linestyle": "-"},
    "sic-lpips": {"color": looks.BLUE, "marker": "o", "linestyle": "-", "label": "SIC, LPIPS too"},
    "twin-lpips": {"color": looks.OLIVE, "marker": "<", "linestyle": ":", "label": "twin, LPIPS too"},
}
FAR = 4  # times as large as the next one: a gap that would hide the others
LONGEST_LINE = 46  # letters of a statement beside its gap
SMALL = 3.2  # of markers where many curves share a panel
HEIGHTS = (1.4, 0.75)  # inches of a panel of curves, and of the one below it
SPARSE = 4  # every how many of the rates at which variants are compared are drawn
TICKS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # bits per pixel
FINE = (0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 0.8, 1.2)
WIDE = 7  # times the lowest rate: from there on the ticks of `FINE` would touch
RATE = "bits per pixel (log) ↓"


def find_look(codec: str) -> tuple[dict, int]:
    """How a codec is drawn, and the seed that it was trained with; a variant of one's own is drawn by its name."""
    if codec in RIVALS:
        return looks.CODECS[RIVALS[codec]], 0
    variant, seed = seed_of(codec)
    own = {"color": looks.SKY, "marker": "v", "linestyle": "-.", "label": variant}
    return (VARIANTS[codec.split(" ")[0]] | EQUAL_TERMS).get(variant, own), seed


def rate_curves_of(
    points: pd.DataFrame, metrics: Sequence[str], most_bpp: float, seed: int, least_bpp: float = 0
) -> Figure:
    """A panel per metric of `evaluate.points`' table: means over images at each operating point, with 95 % intervals
    over scenes, between two rates in bits per pixel. The first variant is drawn broad, so that what lies on it is seen;
    further seeds are thin and open. Below, what other variants gain over the first one at equal rate, image by image,
    with their intervals: the metric itself differs by more between images, and equally for all of them.
    """
    learned = [codec for codec in points["codec"].unique() if codec not in RIVALS]
    first, others = (learned[0], learned[1:]) if learned else ("", [])
    columns = 2 if len(metrics) in (2, 4) else min(3, len(metrics))
    rows = -(-len(metrics) // columns)
    heights = HEIGHTS if others else HEIGHTS[:1]
    size = (PAGE, rows * sum(heights) + 0.5)
    figure, grid = plt.subplots(rows * len(heights), columns, figsize=size, height_ratios=heights * rows, squeeze=False)
    panels = grid.reshape(rows, len(heights), columns).swapaxes(1, 2).reshape(-1, len(heights))
    for (axes, *below), metric in zip(panels, metrics, strict=False):
        _curves(axes, points, metric, (least_bpp, most_bpp), seed, first)
        for under in below:
            axes.set_xlabel("")
            _gains(under, points, metric, others, first, seed)
    for axes in panels[len(metrics) :].flat:
        axes.axis("off")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=6.5)
    return figure


def _curves(axes: Axes, points: pd.DataFrame, metric: str, ends: tuple[float, float], seed: int, first: str) -> None:
    cells = ["codec", "setting"]
    rates = curves.means(points, "bpp", cells, seed).set_index(cells)["mean"]
    values = curves.means(points, metric, cells, seed).set_index(cells)
    shown, reached = [], []
    for codec in points["codec"].unique():
        curve = values.loc[codec].assign(bpp=rates.loc[codec]).sort_values("bpp")
        inside = curve["bpp"].between(*ends).to_numpy()
        shown += [*curve["low"][inside], *curve["high"][inside]]
        reached += [*curve["bpp"][inside]]
        # Lines go on to the next point beyond the frame.
        curve = curve[np.convolve(inside, (1, 1, 1))[1:-1] > 0]
        error = error_bars(curve, "mean") if codec == first or codec in RIVALS else None
        axes.errorbar(curve["bpp"], curve["mean"], error, **_style(codec, first))
    axes.set(xlabel=RATE, ylabel=LABELS[metric], xscale="log")
    rate_ticks(axes)
    if reached:
        axes.set_xlim(min(reached) / 1.1, max(reached) * 1.1)
    finite = np.array(shown)[np.isfinite(shown)]
    if len(finite):
        margin = 0.04 * np.ptp(finite)
        axes.set_ylim(finite.min() - margin, finite.max() + margin)


def _style(codec: str, first: str) -> dict:
    """How a codec's curve is drawn: the first variant broad and below all others, further seeds thin and open."""
    look, repeat = find_look(codec)
    style = {"markersize": 2.6, "linewidth": 0.9, "elinewidth": 0.6, **look}
    if codec == first:
        style |= {"markersize": 4.5, "linewidth": 2.6, "alpha": 0.45, "zorder": 1.8}
    return style | ({"linewidth": 0.5, "fillstyle": "none", "label": None} if repeat else {})


def _gains(axes: Axes, points: pd.DataFrame, metric: str, others: Sequence[str], first: str, seed: int) -> None:
    """What variants gain over the first, along the rates that both reach, with 95 % intervals over scenes."""
    axes.axhline(0, color=looks.BLACK, linewidth=0.6)
    along = {}
    for codec in others:
        gained = ablations_of.gaps_along(points, codec, first, metric).dropna()
        gained = gained[gained["step"] % SPARSE == 0]
        rate = gained.groupby("step")["bpp"].mean()
        along[codec] = curves.means(gained, "value", ["step"], seed).set_index("step").assign(bpp=rate)
    along = {codec: curve for codec, curve in along.items() if len(curve)}
    sizes = pd.Series(
        {codec: curve[["low", "high"]].abs().to_numpy().max() for codec, curve in along.items()}, dtype=float
    )
    far = _far(sizes)
    for codec, curve in along.items():
        if codec not in far:
            axes.errorbar(curve["bpp"], curve["mean"], error_bars(curve, "mean"), **_style(codec, first))
    said = [f"{_name(codec)}: {_range(along[codec]['mean'])}" for codec in far]
    axes.set_title("; ".join(said), fontsize=6, loc="right", pad=2)
    unit = " (dB)" if metric == "psnr" else ""
    axes.set_ylabel(f"gain over\n{_name(first)}{unit}", fontsize=7)
    axes.set(xlabel=RATE, xscale="log")
    rates = [curve["bpp"].agg(["min", "max"]) for codec, curve in along.items() if codec not in far]
    wide = rates and max(each["max"] for each in rates) > WIDE * min(each["min"] for each in rates)
    rate_ticks(axes, TICKS if wide else FINE)


def _name(codec: str) -> str:
    """A codec's label without what explains it."""
    return find_look(codec)[0]["label"].partition(":")[0]


def _range(values: pd.Series) -> str:
    return f"{values.min():+.2g} to {values.max():+.2g}".replace("-", "−")


def rate_ticks(axes: Axes, ticks: Sequence[float] = TICKS) -> None:
    """Plain numbers on a logarithmic axis of bits per pixel."""
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def ablations(judged: pd.DataFrame, metrics: Sequence[str], family: str = "TACO") -> Figure:
    """What each part of a family of `VARIANTS` is worth: `ablations.judge`'s gaps with 95 % intervals over images, on
    the spread over seeds, where there are several.

    Where one variant is compared with the others, a panel per metric has a row for each other one. Statements of
    several pairs stand in words, a panel per metric one below the other; what nothing is decided of is open.
    """
    variants = VARIANTS[family]
    if judged["better"].nunique() > 1:
        return _statements(judged, metrics, variants)
    pairs = list(judged[["better", "worse"]].drop_duplicates().itertuples(index=False, name=None))
    figure, panels = plt.subplots(1, len(metrics), figsize=(PAGE, 0.7 + 0.34 * len(pairs)), sharey=True, squeeze=False)
    for axes, metric in zip(panels.flat, metrics, strict=True):
        rows = judged[judged["metric"] == metric].set_index(["better", "worse"])
        _gap_axis(axes, rows, metric, 3)
        heights = {pair: height for height, pair in enumerate(reversed(pairs)) if pair in rows.index}
        for pair, height in heights.items():
            _gap(axes, rows.loc[pair], height, variants[pair[1]])
        _cut_gaps(axes, rows, heights)
    panels[0, 0].set_yticks(range(len(pairs)), [f"over {variants[worse]['label']}" for _, worse in reversed(pairs)])
    panels[0, 0].set_ylim(-0.6, len(pairs) - 0.4)
    return figure


def _statements(judged: pd.DataFrame, metrics: Sequence[str], variants: dict[str, dict]) -> Figure:
    parts = [judged[judged["metric"] == metric] for metric in metrics]
    heights = [0.26 * len(rows) + 0.45 for rows in parts]
    figure, panels = plt.subplots(
        len(parts), 1, figsize=(PAGE, sum(heights) + 0.2), height_ratios=heights, squeeze=False
    )
    for axes, metric, rows in zip(panels[:, 0], metrics, parts, strict=True):
        _gap_axis(axes, rows, metric, 6)
        for height, (_, row) in enumerate(rows.iterrows()):
            look = variants[max(row["better"], row["worse"], key=list(variants).index)]
            _gap(axes, row, height, look | {"fillstyle": "none" if row["verdict"] == TOO_FEW else "full"})
        axes.set_yticks(range(len(rows)), _in_lines(rows["claim"]), fontsize=6.5)
        axes.set_ylim(len(rows) - 0.4, -0.6)
    if (judged["verdict"] == TOO_FEW).any():
        figure.supxlabel(f"open: {TOO_FEW}", fontsize=6.5, x=0.99, ha="right")
    return figure


def _in_lines(claims: pd.Series) -> list[str]:
    return [fill(claim.replace(" = ", "\u00a0=\u00a0"), LONGEST_LINE) for claim in claims]


def _gap_axis(axes: Axes, rows: pd.DataFrame, metric: str, ticks: int) -> None:
    """Zero, the spread over seeds, and few ticks."""
    spread = rows["spread"].iloc[0]
    if np.isfinite(spread):
        axes.axvspan(-spread, spread, color=looks.GREY, alpha=0.2, linewidth=0)
    axes.axvline(0, color=looks.BLACK, linewidth=0.6)
    axes.locator_params(axis="x", nbins=ticks)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(f"gain in {LABELS[metric].rsplit(' ', 1)[0]}", fontsize=7)


def _gap(axes: Axes, row: pd.Series, height: float, look: dict) -> None:
    error = [[row["gap"] - row["low"]], [row["high"] - row["gap"]]]
    style = {key: look[key] for key in ("color", "marker", "fillstyle") if key in look}
    axes.errorbar(row["gap"], height, xerr=error, linewidth=1, **style)


def _cut_gaps(axes: Axes, rows: pd.DataFrame, heights: dict[tuple[str, str], int]) -> None:
    """Leave gaps many times larger than all others outside the axis, as a number at its end, so that those are seen."""
    sizes = rows[["low", "high"]].abs().max(axis=1)
    far = _far(sizes)
    if len(far) == 0:
        return
    most = 1.15 * max(sizes[sizes.index.difference(far)].max(), rows["spread"].max())
    axes.set_xlim(-most, most)
    for pair in far:
        gap = rows.loc[pair, "gap"]
        end = (
            {"x": 0.98, "ha": "right", "s": f"{gap:+.3f} →"}
            if gap > 0
            else {"x": 0.02, "ha": "left", "s": f"← {gap:+.3f}"}
        )
        axes.text(y=heights[pair], va="center", fontsize=6.5, transform=axes.get_yaxis_transform(), **end)


def _far(sizes: pd.Series) -> pd.Index:
    """The labels of sizes from the first one on that is many times the next smaller one."""
    sizes = sizes.sort_values()
    jumps = (sizes / sizes.shift()) > FAR
    return sizes.index[jumps.to_numpy().argmax() :] if jumps.any() else sizes.index[:0]


def caption_sources(summary: pd.DataFrame) -> Figure:
    """What other sentences cost one codec: differences from the first source with 95 % intervals, a panel per metric,
    of `taco.captions.summary_by_caption`'s table.
    """
    settings = list(summary["setting"].unique())
    sources = list(summary["source"].unique())
    figure, panels = plt.subplots(1, 2, figsize=(PAGE, 0.8 + 0.3 * len(sources)), sharey=True)
    for axes, metric in zip(panels, ("lpips", "psnr"), strict=True):
        axes.axvline(0, color=looks.BLACK, linewidth=0.6)
        for number, setting in enumerate(settings):
            rows = summary[summary["setting"] == setting].set_index("source").loc[sources[1:]]
            middle = rows[f"{metric}_difference"]
            heights = len(sources) - 2 - np.arange(len(rows)) + 0.24 * (len(settings) - 1 - 2 * number) / 2
            error = [middle - rows[f"{metric}_low"], rows[f"{metric}_high"] - middle]
            look = {"color": (looks.PURPLE, looks.BLUE)[number % 2], "marker": "Ds"[number % 2], "linestyle": ""}
            axes.errorbar(middle, heights, xerr=error, **look, markersize=SMALL, linewidth=1, label=f"{setting} rate")
        axes.set_xlabel(f"difference in {LABELS[metric]} from {sources[0]}", fontsize=7)
        axes.locator_params(axis="x", nbins=5)
    panels[0].set_yticks(range(len(sources) - 1), sources[:0:-1])
    panels[0].set_ylim(-0.6, len(sources) - 1.4)
    panels[0].legend(fontsize=6.5)
    return figure


def caption_gains(judged: pd.DataFrame) -> Figure:
    """What a picture's own caption changes against other arms, with 95 % intervals: a panel a value, of
    `taco.arms.judge_captions`' table. Seeds are thin and open, all of them together full; zero is no difference.
    """
    whole = judged["seed"] == ablations_of.ALL
    several = judged["seed"].mask(whole).groupby(judged["run"]).transform("nunique") > 1  # else all seeds are that one
    judged = judged[~whole | several]
    values, datasets = list(judged["value"].unique()), list(judged["dataset"].unique())
    whose = ["run", "against", "seed"]
    rows = list(judged[whose].drop_duplicates().itertuples(index=False, name=None))
    first = rows[0][0]  # the run whose name is not said
    columns = 3
    lines = -(-len(values) // columns)
    figure, panels = plt.subplots(
        lines, columns, figsize=(PAGE, lines * (0.7 + 0.17 * len(rows))), sharey=True, squeeze=False
    )
    for axes, value in zip(panels.flat, values, strict=False):
        axes.axvline(0, color=looks.BLACK, linewidth=0.6)
        for number, dataset in enumerate(datasets):
            cell = judged[(judged["value"] == value) & (judged["dataset"] == dataset)]
            cell = cell.set_index(whose).reindex(rows)
            look = {"color": (looks.PURPLE, looks.BLUE)[number % 2], "marker": "Ds"[number % 2], "linestyle": ""}
            for height, (row, about) in enumerate(zip(rows, cell.itertuples(), strict=True)):
                error = [[about.mean - about.low], [about.high - about.mean]]
                whole = row[-1] == ablations_of.ALL
                style = look | {"markersize": SMALL, "linewidth": 1.2 if whole else 0.6}
                style |= {"fillstyle": "full" if whole else "none"}
                label = dataset if height == len(rows) - 1 else None
                axes.errorbar(about.mean, height + 0.24 * (number - 0.5), xerr=error, label=label, **style)
        axes.set_xlabel(f"difference in {CAPTION_LABELS.get(value) or LABELS[value]}", fontsize=7)
        axes.locator_params(axis="x", nbins=4)
        told = {row: f"{row[1]}, {_seed_text(row[2])}" for row in rows}
        names = [text if row[0] == first else f"{row[0]}:\n{text}" for row, text in told.items()]
        axes.set_yticks(range(len(rows)), names, fontsize=6.5)
        axes.set_ylim(len(rows) - 0.4, -0.6)
    for axes in panels.flat[len(values) :]:
        axes.axis("off")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=6.5)
    return figure


def _seed_text(seed: str) -> str:
    return "all seeds" if seed == ablations_of.ALL else f"seed {seed}"


def captions_kept(similarity: pd.DataFrame) -> Figure:
    """CIDEr-D of captions of decoded images against the rate, with 95 % intervals over scenes, of
    `taco.captions.caption_similarity`'s table.
    """
    figure, axes = plt.subplots(figsize=(COLUMN, 2.6))
    for codec, rows in similarity.groupby("codec", sort=False):
        rows = rows.sort_values("bpp")
        error = error_bars(rows, "cider_d")
        axes.errorbar(rows["bpp"], rows["cider_d"], error, markersize=SMALL, linewidth=1, **find_look(codec)[0])
    axes.set(xlabel="bits per pixel (log) ↓", ylabel="CIDEr-D of captions ↑", xscale="log")
    rate_ticks(axes)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=6.5)
    return figure


def reconstructions(pictures: Sequence[Sequence[Image]], table: pd.DataFrame) -> Figure:
    """Images beside what some codecs made of them, of equal size, a row each, at their own pixels; a row of
    `taco.measures.decode_nearest`'s table for each decoded one.
    """
    columns = len(pictures[0])
    heights = [images[0].shape[0] / images[0].shape[1] + 0.22 for images in pictures]
    size = (PAGE, PAGE / columns * sum(heights))
    figure, grid = plt.subplots(len(pictures), columns, figsize=size, height_ratios=heights, squeeze=False)
    titles = ["original", *(find_look(codec)[0]["label"] for codec in table["codec"][: columns - 1])]
    said = [f"{row.bpp:.3f} bpp, {row.psnr:.1f} dB, LPIPS {row.lpips:.3f}" for row in table.itertuples()]
    for row, images in enumerate(pictures):
        lines = ["", *said[row * (columns - 1) : (row + 1) * (columns - 1)]]
        for axes, image, line, title in zip(grid[row], images, lines, titles, strict=True):
            show(axes, image)
            axes.set_title("" if row else title)
            axes.set_xlabel(line, fontsize=6.5)
    return figure


def show(axes: Axes, image: Image, **colours) -> AxesImage:
    """A picture, or a map (H, W) in `colours`, at its own pixels and without an axis."""
    strip_axes(axes)
    return axes.imshow(image, interpolation="nearest", **colours)


def attention(image: Image, tokens: Sequence[str], maps: Sequence[np.ndarray], names: Sequence[str]) -> Figure:
    """Where the text acts: for each injector, a row with its map (T, h, w), how much each place looks at each token,
    over the image; one scale for all.
    """
    height, width = image.shape[:2]
    columns = len(tokens) + 1
    size = (PAGE, PAGE / columns * (height / width + 0.35) * len(maps))
    figure, grid = plt.subplots(len(maps), columns, figsize=size, squeeze=False)
    most = max(float(looks_at.max()) for looks_at in maps)
    for row, (looks_at, name) in enumerate(zip(maps, names, strict=True)):
        show(grid[row, 0], image)
        grid[row, 0].set_ylabel(name.replace(" ", "\n"), fontsize=6)
        for axes, token, one in zip(grid[row, 1:], tokens, looks_at, strict=True):
            shade = show(axes, one, cmap="cividis", vmin=0, vmax=most)
            axes.set_title("" if row else token, fontsize=7)
            axes.set_xlabel(f"{one.mean():.2f}", fontsize=6)
    bar = figure.colorbar(shade, ax=grid[:, -1], shrink=0.9)
    bar.set_label("attention", fontsize=6)
    bar.ax.tick_params(labelsize=6)
    return figure
