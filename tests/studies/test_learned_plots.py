"""The pictures of the learned codecs: every curve is there, readable, and says what its table says."""

import numpy as np
import pandas as pd
import pytest

from smicnb.compare.images import ablations
from smicnb.compare.images.ablations import Claim
from smicnb.compare.images.classical import Jpeg
from smicnb.compare.images.evaluate import METRICS
from smicnb.compare.verdicts import HOLDS, TOO_FEW
from smicnb.drawing import looks
from smicnb.semantics.photographs import image_collections
from smicnb.studies import learned_plots
from smicnb.studies.taco import measures


@pytest.fixture(scope="module")
def points():
    """Two variants of TACO at two seeds and two rates, and JPEG at four, on six made-up images."""
    rng = np.random.default_rng(0)
    codecs = {f"TACO {variant} (seed {seed})": 2 for variant in ("full", "tgic") for seed in (0, 1)} | {"JPEG": 4}
    rows = []
    for codec, count in codecs.items():
        for number, rate in enumerate(np.geomspace(0.1, 0.4, count)):
            for image in range(6):
                bpp = rate * (1 + 0.05 * rng.random())
                values = {metric: 0.2 - 0.05 * np.log(bpp) + 0.01 * rng.random() for metric in METRICS}
                rows.append((codec, str(number), "made", f"s{image}", f"i{image}", bpp, *values.values()))
    return pd.DataFrame(rows, columns=["codec", "setting", "dataset", "scene", "image", "bpp", *METRICS])


def test_every_codec_has_its_look_and_second_seeds_are_no_entry_of_the_legend(points):
    figure = learned_plots.rate_curves_of(points, ["psnr", "lpips"], 1.0, 0)
    above, below = figure.axes[:2], figure.axes[2:]
    assert [axes.get_ylabel() for axes in above] == [learned_plots.LABELS[name] for name in ("psnr", "lpips")]
    assert [axes.get_ylabel() for axes in below] == ["gain over\nTACO (dB)", "gain over\nTACO"]
    for panels, drawn in ((above, 5), (below, 3)):  # below there is neither JPEG nor what is compared with
        assert [len(axes.containers) for axes in panels] == [drawn] * 2
        assert {axes.get_xscale() for axes in panels} == {"log"}
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert sorted(names) == ["JPEG", "TACO", "TGIC's module (our reading)"]


def test_curves_are_the_means(points):
    figure = learned_plots.rate_curves_of(points, ["psnr"], 1.0, 0)
    jpeg = points[points["codec"] == "JPEG"].groupby("setting")[["bpp", "psnr"]].mean()
    line = figure.axes[0].containers[list(points["codec"].unique()).index("JPEG")].lines[0]
    np.testing.assert_allclose(np.sort(line.get_xdata().astype(float)), np.sort(jpeg["bpp"]))
    np.testing.assert_allclose(np.sort(line.get_ydata().astype(float)), np.sort(jpeg["psnr"]))


def test_points_beyond_the_axis_are_left_out(points):
    figure = learned_plots.rate_curves_of(points, ["psnr"], 0.2, 0)
    inside = points.groupby(["codec", "setting"])["bpp"].mean()[lambda rates: rates <= 0.2].max()
    assert inside < max(figure.axes[0].get_xlim()) < 0.2
    # The line of JPEG goes on to its next point beyond the frame, and no further.
    jpeg = figure.axes[0].containers[list(points["codec"].unique()).index("JPEG")].lines[0].get_xdata()
    assert np.sum(np.asarray(jpeg) > 0.2) == 1


def test_what_lies_on_the_first_variant_is_seen_by_what_it_gains(points):
    figure = learned_plots.rate_curves_of(points, ["lpips"], 1.0, 0)
    above, below = figure.axes
    broad = above.containers[0].lines[0]
    assert all(broad.get_linewidth() > 2 * each.lines[0].get_linewidth() for each in above.containers[1:])
    gained = ablations.gaps_along(points, "TACO tgic (seed 0)", "TACO full (seed 0)", "lpips")
    ends = gained.groupby("step")["value"].mean().iloc[[0, -1]]
    drawn = below.containers[1].lines[0].get_ydata()
    np.testing.assert_allclose([drawn[0], drawn[-1]], ends)


def test_a_variant_far_from_all_others_is_a_number_above_the_gains(points):
    far = points["codec"].str.contains("tgic")
    moved = points.assign(lpips=points["lpips"] + far * (points["codec"].str.contains("seed 1") * 1.0))
    _, below = learned_plots.rate_curves_of(moved, ["lpips"], 1.0, 0).axes
    assert max(np.abs(below.get_ylim())) < 0.5
    assert below.get_title(loc="right").startswith("TGIC's module (our reading): −")


def test_gaps_stand_where_the_table_says(points):
    claims = [Claim("better", "full", "tgic", metric) for metric in ("lpips", "psnr")]
    judged = ablations.judge(points, claims, "TACO", 0)
    figure = learned_plots.ablations(judged, ["lpips", "psnr"])
    for axes, gap in zip(figure.axes, judged["gap"], strict=True):
        assert axes.containers[0].lines[0].get_xdata()[0] == pytest.approx(gap)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["over TGIC's module (our reading)"]


def test_reconstructions_and_their_numbers():
    item = measures.select_tested(image_collections.load("embedded"), 128).items[0]
    items, image = [item], item.image()
    first, *ladder = Jpeg(30), Jpeg(10), Jpeg(28), Jpeg(90)
    pictures, table = measures.decode_nearest(items, [first], ladder)
    figure = learned_plots.reconstructions(pictures, table)
    assert table["setting"].tolist() == [first.setting, Jpeg(28).setting]  # the nearest in rate
    assert len(figure.axes) == 3
    np.testing.assert_array_equal(figure.axes[1].get_images()[0].get_array(), first.decode(first.encode(image)))
    assert f"{table['bpp'].iloc[0]:.3f} bpp" in figure.axes[1].get_xlabel()


def test_attention_is_one_panel_per_token_without_a_frame():
    maps = [np.random.default_rng(0).random((3, 8, 12)), np.random.default_rng(1).random((3, 4, 6))]
    figure = learned_plots.attention(np.zeros((32, 48, 3), np.uint8), ["a", "cat", "."], maps, ["fine", "coarse"])
    assert len(figure.axes) == 9
    assert [axes.get_title() for axes in figure.axes[1:4]] == ["a", "cat", "."]
    limits = {axes.get_images()[0].get_clim() for axes in [*figure.axes[1:4], *figure.axes[5:8]]}
    assert limits == {(0, max(one.max() for one in maps))}
    assert figure.axes[-1].get_ylabel() == "attention"
    assert not any(spine.get_visible() for axes in figure.axes[:-1] for spine in axes.spines.values())


def test_statements_of_several_pairs_stand_in_words_and_are_open_where_nothing_is_decided():
    rows = [
        ("M = 1 is cheaper", "dists", "one-sample-adversarial", "one-sample", 0.1, TOO_FEW),
        ("M = 1 is dearer", "psnr", "one-sample", "one-sample-adversarial", -0.2, HOLDS),
        ("more samples help", "psnr", "five-samples", "one-sample", 0.3, TOO_FEW),
    ]
    judged = pd.DataFrame(rows, columns=["claim", "metric", "better", "worse", "gap", "verdict"])
    judged = judged.assign(low=judged["gap"] - 0.01, high=judged["gap"] + 0.01, spread=np.nan)
    figure = learned_plots.ablations(judged, ["dists", "psnr"], "SIC")
    said = [[label.get_text().replace("\u00a0", " ") for label in axes.get_yticklabels()] for axes in figure.axes]
    assert said == [["M = 1 is cheaper"], ["M = 1 is dearer", "more samples help"]]  # no row without a gap
    marks = [each.lines[0] for axes in figure.axes for each in axes.containers]
    assert [mark.get_xdata()[0] for mark in marks] == [0.1, -0.2, 0.3]
    assert [mark.get_fillstyle() for mark in marks] == ["none", "full", "none"]
    # One pair has one look, whichever of the two the statement names first.
    assert marks[0].get_color() == marks[1].get_color() != marks[2].get_color()


EQUAL_TERMS = {**learned_plots.EQUAL_TERMS, "twin": learned_plots.VARIANTS["SIC"]["twin"]}


@pytest.mark.parametrize("family", [*learned_plots.VARIANTS.values(), EQUAL_TERMS], ids=["TACO", "SIC", "equal terms"])
def test_variants_can_be_told_apart(family):
    shapes = [(look["marker"], look["color"]) for look in family.values()]
    assert len({marker for marker, _ in shapes}) == len({colour for _, colour in shapes}) == len(shapes)
    rivals = [looks.CODECS[name] for name in learned_plots.RIVALS.values()]
    assert len({*(colour for _, colour in shapes), *(look["color"] for look in rivals)}) == len(shapes) + len(rivals)


def test_caption_sources_are_differences_from_the_first():
    rows = [
        {"setting": setting, "source": source}
        | {f"{metric}_{part}": shift + add for metric in ("lpips", "psnr") for part, add in PARTS.items()}
        for setting in ("low", "high")
        for source, shift in {"published": 0.0, "none": 0.5, "shuffled words": -0.25}.items()
    ]
    figure = learned_plots.caption_sources(pd.DataFrame(rows))
    for axes in figure.axes:
        low, high = axes.containers
        assert list(low.lines[0].get_xdata()) == list(high.lines[0].get_xdata()) == [0.5, -0.25]
        assert "from published" in axes.get_xlabel()
    heights = dict(zip(figure.axes[0].get_yticks(), figure.axes[0].get_yticklabels(), strict=True))
    assert [heights[height].get_text() for height in (0, 1)] == ["shuffled words", "none"]
    assert figure.axes[0].containers[0].lines[0].get_ydata() == pytest.approx([1, 0], abs=0.2)


PARTS = {"difference": 0.0, "low": -0.1, "high": 0.1}


def test_gains_of_captions_have_a_row_for_a_run_alone_once_and_a_gap_where_a_data_set_lacks_it():
    about = {"value": "cost", "against": "another image's caption", "low": -0.2, "high": 0.1}
    whose = [("full", seed, dataset) for seed in ("0", "1", ablations.ALL) for dataset in ("a", "b")]
    whose += [("full-code-scale", seed, "b") for seed in ("0", ablations.ALL)]
    judged = pd.DataFrame(
        [{"run": run, "seed": seed, "dataset": dataset, "mean": -0.01, **about} for run, seed, dataset in whose]
    )
    figure = learned_plots.caption_gains(judged)
    axes = figure.axes[0]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    own = "another image's caption"
    assert rows == [
        *(f"{own}, {seed}" for seed in ("seed 0", "seed 1", "all seeds")),
        f"full-code-scale:\n{own}, seed 0",
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]
    drawn = [line.get_xdata()[0] for line in axes.lines if line.get_marker() in "Ds"]
    assert len(drawn) == 2 * len(rows)
    assert np.isnan(drawn).sum() == 1


def test_captions_kept_are_one_curve_per_codec():
    table = pd.DataFrame({"codec": ["JPEG", "JPEG", "TACO full (seed 0)"], "bpp": [0.4, 0.2, 0.3]})
    table = table.assign(cider_d=[5.0, 3.0, 6.0], low=[4.0, 2.0, 5.0], high=[6.0, 4.0, 7.0])
    figure = learned_plots.captions_kept(table)
    jpeg, taco = figure.axes[0].containers
    assert list(jpeg.lines[0].get_xdata()) == [0.2, 0.4]
    assert list(taco.lines[0].get_ydata()) == [6.0]


def test_a_gap_far_from_the_others_is_a_number_at_the_end():
    gaps = {"tgic": 0.01, "without-adapter": -0.02, "frozen-base": 0.5}
    rows = [{"better": "full", "worse": worse, "metric": "lpips", "gap": gap} for worse, gap in gaps.items()]
    judged = pd.DataFrame(rows).assign(low=lambda table: table["gap"] - 0.01, high=lambda table: table["gap"] + 0.01)
    (axes,) = learned_plots.ablations(judged.assign(spread=0.005), ["lpips"]).axes
    assert max(axes.get_xlim()) < 0.1
    assert [text.get_text() for text in axes.texts] == ["+0.500 →"]
    near = judged[judged["worse"] != "frozen-base"].assign(spread=0.005)
    assert len(learned_plots.ablations(near, ["lpips"]).axes[0].texts) == 0


def test_a_variant_of_ones_own_is_drawn_by_its_name():
    look, seed = learned_plots.find_look("SIC mine (seed 1)")
    assert (look["label"], seed) == ("mine", 1)
    assert look not in learned_plots.VARIANTS["SIC"].values()
