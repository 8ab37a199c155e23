"""Synonyms on small sources: entropies by size of the synsets, two divergences, rate against distortion."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smicnb.drawing.looks import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION
from smicnb.drawing.parts import log_axis
from smicnb.drawing.style import PAGE
from smicnb.studies.synonyms import sources
from smicnb.studies.synonyms.rate_distortion import rate_distortion, semantic_distortion
from smicnb.studies.synonyms.sources import Codec

HEIGHT = 3.1  # inches
TILTS = np.linspace(-1, 2, 61)
SLOPES = np.geomspace(0.12, 8, 30)  # bits per squared cell
BLOCK = (2, 2)  # whose rate–distortion function up to synonyms is drawn
FARTHEST = 7.0  # squared cells; beyond it rates are nearly 0
TILTED = "$t$ of $q_t(u) \\propto p(u)\\,/\\,p(u\\,|\\,\\mathrm{synset})^t$"
DASHED, DOTTED = (0, (4, 1.5)), (0, (1, 1.5))

LOOKS = {
    "entropies": {
        "H": {"color": BLACK, "linestyle": DASHED, "label": "$H(X)$"},
        "H_s": {"color": BLUE, "marker": "o", "label": "$H_s(X)$: rate of the synset"},
        "H - H_s": {"color": ORANGE, "marker": "^", "label": "$H - H_s$: details, not coded"},
        "I_s": {"color": VERMILION, "marker": "s", "label": "$I_s$ of the ideal codec (Eq. 42)"},
    },
    "divergences": {
        "KL": {"color": BLACK, "linestyle": DASHED, "label": "$D_{KL}[q\\,\\|\\,p]$"},
        "KL of synsets": {"color": BLUE, "label": "$D_{KL}$ of the synsets alone"},
        "partial semantic KL": {"color": VERMILION, "linestyle": "-.", "label": "$D_{KL,s}[q\\,\\|\\,p_s]$ (Eq. 6)"},
    },
    "rates": {
        "R(D)": {"color": BLACK, "linestyle": DASHED, "label": "$R(D)$"},
        "R(D, 0)": {"color": PURPLE, "linestyle": DOTTED, "linewidth": 1.6, "label": "$R(D, P)$ at $P = 0$"},
        "semantic R(D)": {"color": BLUE, "label": "$R(D)$ up to synonyms, 2×2 cells"},
        "drawn": {"color": VERMILION, "marker": "s", "linestyle": "none", "label": "synset sent, a member drawn"},
        "best": {"color": GREEN, "marker": "^", "linestyle": "none", "label": "synset sent, its best member"},
    },
}


def synonyms_data() -> pd.DataFrame:
    """What `synonyms_figure` draws: panel, curve, x, bits.

    x is the number of symbols in a synset (panel entropies), the tilt t (divergences), or the expected distortion in
    squared cells (rates).
    """
    panels = {"entropies": _entropies(), "divergences": _divergences(), "rates": _rates()}
    rows = [(panel, curve, float(x), float(bits)) for panel, found in panels.items() for curve, x, bits in found]
    return pd.DataFrame(rows, columns=["panel", "curve", "x", "bits"])


def _entropies() -> list[tuple[str, float, float]]:
    rows = []
    for block in sources.BLOCKS:
        source = sources.grid(block)
        down = sources.down_semantic_information(Codec.ideal(source).joint, source.members, source.members)
        values = source.entropy, source.semantic_entropy, source.entropy - source.semantic_entropy, down
        rows += [(curve, np.prod(block), value) for curve, value in zip(LOOKS["entropies"], values, strict=True)]
    return rows


def _divergences() -> list[tuple[str, float, float]]:
    source, rows = sources.EIGHT, []
    for t in TILTS:
        q = sources.tilt(source, t)
        values = (
            sources.relative_entropy(q, source.probabilities),
            sources.relative_entropy(q @ source.members, source.synset_probabilities),
            sources.partial_semantic_kl(q, source),
        )
        rows += [(curve, t, value) for curve, value in zip(LOOKS["divergences"], values, strict=True)]
    return rows


def _rates() -> list[tuple[str, float, float]]:
    source, distance = sources.grid(BLOCK), sources.squared_distance()
    p, up_to_synonyms = source.probabilities, semantic_distortion(distance, source)
    plain, real, semantic, drawn, best = LOOKS["rates"]
    curves = {
        plain: (rate_distortion(p, distance, SLOPES), source.entropy),
        real: (rate_distortion(p, distance, SLOPES, realism=True), source.entropy),
        semantic: (rate_distortion(p, up_to_synonyms, SLOPES), source.semantic_entropy),
    }
    rows = []
    for curve, (points, at_zero) in curves.items():
        rows += [(curve, point.distortion, point.rate) for point in points.itertuples()] + [(curve, 0.0, at_zero)]
    for level in map(sources.grid, sources.BLOCKS):
        errors = level.conditionals @ distance  # of each x̂, for each synset
        for curve, error in ((drawn, (level.conditionals * errors).sum(axis=1)), (best, errors.min(axis=1))):
            rows.append((curve, level.synset_probabilities @ error, level.semantic_entropy))
    return rows


def synonyms_figure(data: pd.DataFrame) -> Figure:
    """Three panels of `synonyms_data`'s table: entropies by size of synsets, KL against partial semantic KL, rates
    against distortion.
    """
    figure, panels = plt.subplots(1, 3, figsize=(PAGE, HEIGHT))
    for axes, (panel, looks) in zip(panels, LOOKS.items(), strict=True):
        for curve, look in looks.items():
            points = data[(data["panel"] == panel) & (data["curve"] == curve)].sort_values("x")
            axes.plot(points["x"], points["bits"], **look)
        axes.axhline(0, color="#404040", linewidth=0.6, zorder=1)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), handlelength=2.2)
    entropies, divergences, rates = panels
    sizes = sorted(data.loc[data["panel"] == "entropies", "x"].unique())
    log_axis(entropies, sizes, 2)
    _dress(entropies, "(a) 64 symbols in growing synsets", "symbols in a synset", "bits per symbol")
    for curve in ("KL", "partial semantic KL"):
        _mark_least(divergences, data[(data["panel"] == "divergences") & (data["curve"] == curve)])
    _dress(divergences, "(b) 8 symbols in 4 synsets", TILTED, "bits, ↓ closer")
    rates.set_xlim(-0.02 * FARTHEST, FARTHEST)
    _dress(rates, "(c) 64 symbols on a grid", "squared distance (cells²), ← better", "bits per symbol, ↓ better")
    return figure


def _mark_least(axes: Axes, curve: pd.DataFrame) -> None:
    least = curve.loc[curve["bits"].idxmin()]
    axes.plot(least["x"], least["bits"], marker="o", color=BLACK, markerfacecolor="white", markersize=5, zorder=4)
    axes.annotate(
        f"least: {least['bits']:.2f}".replace("-", "−"), (least["x"], least["bits"]), (0, 6),
        textcoords="offset points", ha="center", fontsize=7,
    )  # fmt: skip


def _dress(axes: Axes, title: str, quantity: str, measure: str) -> None:
    axes.set_title(title, loc="left")
    axes.set_xlabel(quantity)
    axes.set_ylabel(measure)
