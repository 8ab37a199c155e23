"""The pictures of the rate–fidelity notebook draw the numbers that are saved behind them."""

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from smicnb.drawing import looks, style
from smicnb.studies.frontier import importance, plots, sweep

SIZES = (100, math.inf)


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    rows = [
        {"split": split, "n_atoms": n, "b_dict": d, "b_coef": c, "penalty": p, "images": 9, "cosine_error": 0.01}
        | {"latent_cosine": 1 - p / (n * c + d) - 0.01 * rng.random()}
        | dict.fromkeys(("dictionary_bits", "tuple_side_bits", "entropy_side_bits"), 100.0 * n * d)
        | {
            f"{name}_bits": n * c / p * factor
            for name, factor in {"printed": 0.01, "corrected": 0.9, "tuple": 1.0, "entropy": 0.5}.items()
        }
        for split in ("train", "heldout")
        for n in (2, 8)
        for d in (1, 4)
        for c in (2, 8)
        for p in (0.5, 2.0)
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def hulls(points):
    return sweep.hulls(points, SIZES)


pytestmark = pytest.mark.usefixtures("house_style")


def test_every_panel_has_the_cloud_the_hulls_and_their_intervals(points, hulls):
    mine, ours = points[points["split"] == "train"], hulls[hulls["split"] == "train"]
    figure = plots.frontier(mine, ours, SIZES)
    assert figure.get_figwidth() == style.PAGE
    for axes, n in zip(figure.axes, SIZES, strict=False):
        assert axes.get_title(loc="left") == sweep.format_size(n)
        cloud, *bands = axes.collections
        np.testing.assert_allclose(cloud.get_offsets()[:, 0], sweep.bits_per_image(mine, n, "entropy"))
        assert len(bands) == 2
        lines = {line.get_label(): line for line in axes.lines}
        for accounting, look in looks.ACCOUNTINGS.items():
            hull = ours[(ours["accounting"] == accounting) & (ours["n"] == n)]
            np.testing.assert_allclose(lines[look["label"]].get_xydata(), hull[["bits", "latent_cosine"]])
        top = bands[-1].get_paths()[0].vertices[:, 1].max()
        entropy = ours[(ours["accounting"] == "entropy") & (ours["n"] == n)]
        assert top == pytest.approx(entropy["latent_cosine"].max() + 1.96 * 0.01)


def test_settings_seen_on_other_images_are_not_joined(points, hulls):
    theirs = hulls[hulls["split"] == "heldout"]
    figure = plots.frontier(points[points["split"] == "heldout"], theirs, SIZES, joined=False)
    for axes, n in zip(figure.axes, SIZES, strict=False):
        intervals = axes.collections[1:]
        assert [line.get_linestyle() for line in axes.lines] == ["None", "None"]
        for accounting, bars in zip(("tuple", "entropy"), intervals, strict=True):
            rows = theirs[(theirs["accounting"] == accounting) & (theirs["n"] == n)]
            tops = [segment[:, 1].max() for segment in bars.get_segments()]
            np.testing.assert_allclose(tops, rows["latent_cosine"] + 1.96 * rows["cosine_error"])
    assert figure.axes[len(SIZES)].get_legend().get_title().get_text() == "settings of the collection's hulls"


def test_names_of_sizes():
    assert [sweep.format_size(n) for n in (100, 10000, math.inf)] == ["n = 100", "n = 10 000", "n = ∞"]


def test_what_parameters_do_is_drawn_line_by_line(points):
    effects = sweep.effects(points, 0.6)
    assert set(effects[effects["varied"] == "bits"]["penalty"]) == {0.5}
    assert set(effects[effects["varied"] == "bits"]["n_atoms"]) == {8}
    assert set(effects[effects["varied"] == "penalty"]["b_coef"]) == {8}
    figure = plots.effects(effects[effects["split"] == "heldout"])
    left, right = figure.axes
    assert [line.get_label() for line in left.lines] == ["2", "8"]
    assert [line.get_label() for line in right.lines] == ["1", "4"]
    assert not right.texts
    rows = effects[(effects["split"] == "heldout") & (effects["varied"] == "bits") & (effects["b_dict"] == 4)]
    np.testing.assert_allclose(right.lines[1].get_xydata(), rows.sort_values("b_coef")[["b_coef", "latent_cosine"]])


def test_what_falls_far_below_its_neighbours_is_named():
    rows = [("bits", 8, 0.5, coef, bits, 0.9) for coef in (1, 2) for bits in (1, 2, 4)]
    names = ["varied", "n_atoms", "penalty", "b_coef", "b_dict", "latent_cosine"]
    effects = pd.DataFrame([*rows, ("penalty", 8, 0.5, 2, 4, 0.9)], columns=names).assign(cosine_error=0.01)
    effects.loc[1, "latent_cosine"] = 0.01
    left, right = plots.effects(effects).axes
    assert [text.get_text().strip() for text in [*left.texts, *right.texts]] == ["$b_{dict}$ = 2: 0.01"]


def test_the_loss_of_every_parameter_has_its_panel(points, hulls):
    ranking = importance.ranking(points, hulls, SIZES)
    figure = plots.importance(ranking[ranking["accounting"] == "entropy"])
    assert len(figure.axes) == len(sweep.PARAMETERS)
    for axes, parameter in zip(figure.axes, sweep.PARAMETERS, strict=True):
        assert axes.get_title() == plots.NAMES[parameter]
        rows = ranking[(ranking["accounting"] == "entropy") & (ranking["parameter"] == parameter)]
        drawn = np.concatenate([line.get_ydata() for line in axes.lines])
        np.testing.assert_allclose(
            drawn, [*rows[rows["split"] == "train"]["loss"], *rows[rows["split"] == "heldout"]["loss"]]
        )


def test_files_are_drawn_against_what_was_said_of_them():
    table = pd.DataFrame(
        {"accounting": ["tuple", "entropy"], "model_bits": [9.0, 5.0], "payload_bits": [9.5, 5.4], "index_bits": [2, 3]}
    )
    left, right = plots.files(table).axes
    assert [tuple(dots.get_offsets()[0]) for dots in left.collections] == [(9, 9.5), (5, 5.4)]
    np.testing.assert_allclose([dots.get_offsets()[0][1] for dots in right.collections], [2.5, 3.4])


def test_models_stand_in_rows_with_their_bits():
    image = np.zeros((4, 4, 3), np.uint8)
    figure = plots.draw_images(
        [image] * 2,
        [[image] * 3] * 2,
        np.array([[0.5, 0.6, 0.7], [0.2, 0.3, 0.4]]),
        ["low", "medium", "high"],
        {"train": [1, 2, 3], "heldout": [4, 5, 6]},
        ["train", "heldout"],
    )
    assert [axes.get_title() for axes in figure.axes[:4]] == ["input", "low", "medium", "high"]
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == [
        "the coded collection",
        "held-out scenes",
    ]
    below = [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()]
    assert below == ["0.50, 1 bits", "0.60, 2 bits", "0.70, 3 bits", "0.20, 4 bits", "0.30, 5 bits", "0.40, 6 bits"]


def test_the_claim_has_a_panel_for_each_n_it_names(hulls):
    both = hulls.assign(n=hulls["n"].replace({100.0: 10000.0}))
    both = both[both["split"] == "heldout"]
    figure = plots.claim(both)
    printed = both[both["accounting"] == "as printed"]["bits"].min()
    assert printed < plots.LEAST_BITS
    assert any("← from" in text.get_text() for axes in figure.axes for text in axes.texts)
    assert [axes.get_title().split(",")[0] for axes in figure.axes] == ["n = 10 000", "n = ∞"]
    assert all(len(axes.lines) == len(looks.ACCOUNTINGS) for axes in figure.axes)


def test_a_point_below_cheaper_ones_is_named_within_the_frame(hulls):
    last = hulls[(hulls["n"] == np.inf) & (hulls["split"] == "heldout")]
    dear = last.loc[[last[last["accounting"] == "entropy"]["bits"].idxmax()]]
    figure = plots.claim(pd.concat([last, dear.assign(latent_cosine=0.05, bits=dear["bits"] * 2)], ignore_index=True))
    figure.canvas.draw()
    axes = figure.axes[-1]
    (named,) = [text for text in axes.texts if "not chosen on these images" in text.get_text()]
    frame, box = axes.get_window_extent(), Text.get_window_extent(named)
    assert frame.contains(box.x0, box.y0)
    assert frame.contains(box.x1, box.y1)
