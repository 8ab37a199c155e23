"""What notebook 09 measures, on models of random weights and on numbers made for it."""

import numpy as np
import pandas as pd
import pytest
from tiny_sic import TINY, random_sic

from smicnb.base.errors import SmicnbError
from smicnb.compare.images.evaluate import METRICS, evaluate, points
from smicnb.compare.verdicts import HOLDS, TOO_FEW
from smicnb.learned.files import checkpoints
from smicnb.learned.files.sic_codec import SicCodec
from smicnb.learned.files.sic_levels import levels_of
from smicnb.learned.networks.sic import SIZES
from smicnb.learned.training.curves import training_table
from smicnb.semantics.photographs import image_collections
from smicnb.studies.sic import measures as sic_study
from smicnb.studies.taco import measures as taco_study

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "sic-one-sample-all-0.safetensors"
    checkpoints.save(path, "sic", "one-sample/all/0", random_sic(TINY), {})
    return path


@pytest.fixture(scope="module")
def item():
    return taco_study.select_tested(image_collections.load("embedded"), 64).items[0]


def made(variants, levels=8, images=6, twin=False):
    """`evaluate.points` of variants whose quality is log2(bpp) plus a number, the same at each image but for noise."""
    rng, rows = np.random.default_rng(0), []
    for variant, better in variants.items():
        for level in range(1, levels + 1):
            for image in range(images):
                bpp = 0.05 * level * (1 + 0.01 * image)
                quality = np.log2(bpp) + better + 0.001 * rng.random()
                values = {name: quality if metric.higher else -quality for name, metric in METRICS.items()}
                setting = ("low", "medium", "high")[level - 1] if variant == "twin" else f"level {level}"
                rows.append(
                    (f"SIC {variant} (seed 0)", setting, "made", f"s{image}", f"i{image}", bpp, *values.values())
                )
            if variant == "twin" and level == 3:
                break
    return pd.DataFrame(rows, columns=["codec", "setting", "dataset", "scene", "image", "bpp", *METRICS])


def test_rates_of_levels_are_those_of_files(path, item):
    codec = SicCodec(path)
    some = taco_study.select_tested(image_collections.load("embedded"), 64)
    some = type(some)(some.name, some.items[:2], some.licence, some.page, {})
    table = sic_study.level_rates(sic_study.points(evaluate(levels_of(path), some, ["psnr"])))
    assert table["level"].tolist() == [1, 2, 3, 4]
    sizes = np.array([codec.sizes(codec.encode(each.image())) for each in some])
    pixels = np.array([each.image().shape[0] * each.image().shape[1] for each in some])
    own = 8 * np.column_stack([sizes[:, 0] + sizes[:, 1], sizes[:, 2:]]) / pixels[:, None]
    np.testing.assert_allclose(table["own_bpp"], own.mean(axis=0))
    np.testing.assert_allclose(table["bpp"], own.mean(axis=0).cumsum())
    np.testing.assert_allclose(table["estimated_bpp"], table["own_estimated_bpp"].cumsum())
    assert (table["within"] == table["images"]).all()
    assert (table["largest_excess"].abs() < 32 * 5 + 50).all()


def rates_of(*levels):
    """`measures.level_rates` of an image of 1000 pixels, from the bytes and the estimated bits up to each level."""
    rows = []
    for level, (size, bits) in enumerate(levels, 1):
        cell = ("SIC one-sample (seed 0)", f"level {level}", "made", "s", "i")
        rows.append((*cell, size, 8 * size / 1000, bits))
    columns = ["codec", "setting", "dataset", "scene", "image", "bytes", "bpp", "estimated_bits"]
    return sic_study.level_rates(pd.DataFrame(rows, columns=columns))


def test_a_wrong_estimate_is_counted():
    table = rates_of((500, 4000), (1500, 8000))
    assert table["within"].tolist() == table["own_within"].tolist() == [1, 0]
    assert table["largest_excess"].tolist() == [0, 500]
    assert table["own_estimated_bpp"].tolist() == [4, 4]


def test_a_level_that_makes_up_for_the_one_before_is_counted_by_itself():
    table = rates_of((565, 4000), (1035, 8000))
    assert table["within"].tolist() == [1, 1]  # 65 and 35 bytes, of at most 69 and 106
    assert table["own_within"].tolist() == [1, 1]  # 65 and −30, of at most 69 and 37
    table = rates_of((565, 4000), (1020, 8000))
    assert table["within"].tolist() == [1, 1]
    assert table["own_within"].tolist() == [1, 0]  # −45 of at most 37


def test_what_cannot_be_compared_is_said_before_anything_is_measured(path, tmp_path):
    with pytest.raises(SmicnbError, match="found the level 5 to be shown; needed: 1 to 4"):
        sic_study.operating_points([path], [1, 5], 0)
    checkpoint = checkpoints.load(path)
    facts = {"run": {"objective": "rate-distortion"}}
    checkpoints.save(tmp_path / "twin", "sic", "twin/any/0", checkpoint.network, facts)
    with pytest.raises(SmicnbError, match="no model with levels; needed: one beside the twins"):
        sic_study.operating_points([tmp_path / "twin"], [1], 0)
    both = sic_study.operating_points([tmp_path / "twin", path], [1, 4], 0)
    assert [level.level for level in both] == [4, 1, 2, 3, 4]
    assert [codec.checkpoint.name for codec in sic_study.list_progressive(both)] == [checkpoint.name]


def test_without_the_anchor_there_are_no_bd_rates():
    table = sic_study.bd_rates(made({"one-sample": 0}), ["psnr"], sic_study.TWIN, 0)
    assert table.empty
    assert list(table) == list(sic_study.bd_rates(made({"one-sample": 0, "twin": 0}), ["psnr"], sic_study.TWIN, 0))


def test_ranks_say_whether_levels_improve():
    points = made({"one-sample": 0})
    table = sic_study.ranks(points, ["psnr", "dists"], 0).set_index("metric")
    assert table["rho"].tolist() == [1, 1]
    assert (table[["low", "high"]] == 1).all(axis=None)
    worse = sic_study.ranks(points.assign(psnr=-points["psnr"]), ["psnr"], 0)
    assert worse["rho"].item() == -1
    with_twin = pd.concat([points, made({"twin": 0}), points.assign(codec="JPEG", setting="quality 5")])
    assert len(sic_study.ranks(with_twin, ["psnr"], 0)) == 1  # others have no levels


def test_ranks_are_spearmans():
    from scipy.stats import spearmanr

    points = made({"one-sample": 0}, images=1)
    values = np.random.default_rng(1).random(8).round(1)
    found = sic_study.ranks(points.assign(psnr=values), ["psnr"], 0)
    assert found["rho"].item() == pytest.approx(spearmanr(range(8), values).statistic)


def test_verdicts_are_by_the_rule_of_ablations():
    judged = sic_study.judge_claims(made({"one-sample": 0, "five-samples": 0.1, "one-sample-adversarial": -0.1}), 0)
    by_claim = judged.dropna(subset="gap").set_index(["better", "worse", "metric"])["verdict"].sort_index()
    # one seed, so that no spread over seeds is known
    assert by_claim["five-samples", "one-sample", "dists"] == TOO_FEW
    assert by_claim["one-sample", "one-sample-adversarial", "psnr"] == TOO_FEW
    assert (judged["verdict"] == "not trained").sum() == len(
        sic_study.CLAIMS
    ) - 2 + 1  # and of the low rates that on slicing
    two = made({"one-sample": 0, "five-samples": 0.1})
    seeds = pd.concat([two, two.assign(codec=two["codec"].str.replace("seed 0", "seed 1"))])
    verdicts = sic_study.judge_claims(seeds, 0).dropna(subset="gap")["verdict"]
    assert set(verdicts) == {HOLDS}


def test_low_and_medium_rates_are_the_lower_half():
    kept = sic_study.select_low_levels(pd.concat([made({"one-sample": 0, "twin": 0})]))
    assert sorted(kept["setting"].unique()) == [f"level {level}" for level in (1, 2, 3, 4)]
    odd = sic_study.select_low_levels(made({"one-sample": 0}, levels=3))
    assert sorted(odd["setting"].unique()) == ["level 1", "level 2"]


def test_bd_rate_against_the_twin():
    table = sic_study.bd_rates(made({"one-sample": -1, "twin": 0}), ["psnr"], sic_study.TWIN, 0)
    row = table.set_index("codec").loc["SIC one-sample (seed 0)"]
    assert row["mean"] == pytest.approx(100, abs=1)  # one bit of quality is twice the rate
    assert row["low"] <= row["mean"] <= row["high"]
    assert row["images"] + row["left_out"] == 6


def test_every_claim_is_about_a_variant_that_is_drawn_and_a_metric_that_is_measured():
    from smicnb.studies.learned_plots import VARIANTS

    for claim in (*sic_study.CLAIMS, *sic_study.LOW_CLAIMS):
        assert claim.metric in METRICS
        assert {claim.better, claim.worse} <= set(VARIANTS["SIC"])


def test_the_plan_trains_every_variant(repository):
    from smicnb.learned.training import plans

    plan = plans.read_plan(repository / "recipes" / "train" / "sic-mini.yaml")
    for claim in (*sic_study.CLAIMS, *sic_study.LOW_CLAIMS):
        assert {claim.better, claim.worse} <= set(plan.seeds)


def test_table_1_makes_higher_levels_finer_in_one_reading_alone():
    table = sic_study.loss_weights(16).set_index(["reading", "level"])["lambda"]
    assert table["code"].is_monotonic_increasing
    assert table["paper"].is_monotonic_decreasing
    assert table["code", 16] == pytest.approx(2048 / 255**2)


def test_parameters_are_counted():
    table = sic_study.parameters(SIZES).set_index("size")
    assert table.loc["mini", "total"] == 1_520_179
    assert table.loc["full", "levels"] == 16
    assert round(table.loc["full", "total"] / 1e6, 1) == 87.2


def test_an_image_at_rising_levels(path, item):
    codec = SicCodec(path)
    pictures, table = sic_study.decode_levels(item, [codec], [1, 3], seed=5)
    image = item.image()
    np.testing.assert_array_equal(pictures[0][0], image)
    np.testing.assert_array_equal(pictures[0][1], codec.decode(codec.encode(image), 1, seed=5))
    assert table["bpp"].tolist() == [
        8 * len(codec.prefix(codec.encode(image), level)) / image[..., 0].size for level in (1, 3)
    ]


def test_a_synset_narrows_with_the_level(path, item):
    codec = SicCodec(path)
    found, table = sic_study.synset(item, codec, [1, 3, 4], samples=4)
    assert table["spread"].iloc[0] > table["spread"].iloc[1] > table["spread"].iloc[2] == 0  # the last draws nothing
    drawn, spread = found[0]
    assert len(drawn) == 4
    assert spread.shape == item.image().shape[:2]
    by_hand = np.stack(drawn).astype(float).std(axis=0)
    np.testing.assert_allclose(spread, np.sqrt((by_hand**2).mean(axis=-1)))
    # A mean image has no more squared error than its samples do on average, but for its rounding.
    assert (table["psnr_of_mean"] >= table["psnr"] - 0.1).all()


def test_how_models_were_trained(tmp_path):
    facts = {"start": None, "run": {"steps": 7, "samples": 5, "objective": "synonymous"}, "loss": {"scale": 1.0},
             "validation": {"loss": 3.0, "bpp": 0.4}}  # fmt: skip
    checkpoints.save(tmp_path / "c", "sic", "five-samples/all/0", random_sic(TINY), facts)
    table = training_table([checkpoints.load(tmp_path / "c")], sic_study.TRAINED_WITH)
    assert table.to_dict("records") == [
        {"model": "five-samples/all/0", "start": "random weights", "steps": 7, "samples": 5,
         "objective": "synonymous", "lambda": 1.0, "bpp": 0.4}
    ]  # fmt: skip


def test_points_of_levels_come_in_their_order(path):
    some = taco_study.select_tested(image_collections.load("embedded"), 64)
    some = type(some)(some.name, some.items[:1], some.licence, some.page, {})
    found = points(evaluate(levels_of(path), some, ["psnr"]))
    assert sic_study.level_of(found["setting"]).tolist() == [1, 2, 3, 4]
