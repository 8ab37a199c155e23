"""What notebook 08 counts and compares."""

import numpy as np
import pytest

from smicnb.compare import taco_study
from smicnb.compare.classical import Jpeg
from smicnb.compare.evaluate import METRICS
from smicnb.learned.taco import SIZES
from smicnb.semantics import captions, collections
from smicnb.semantics.encoders import encoder


@pytest.fixture(scope="module")
def some():
    whole = collections.load("embedded")
    tested = taco_study.tested(whole, 64)
    return type(tested)(tested.name, tested.items[:3], tested.licence, tested.page, {})


def test_parameters_are_those_of_table_3():
    table = taco_study.parameters(SIZES).set_index("size").loc["full"]
    assert round(table["backbone"] / 1e6, 2) == 36.93
    assert round(table["adapter"] / 1e6, 2) == 1.65
    assert round(table["text_tower"] / 1e6, 2) == 63.17
    assert round(table["total"] / 1e6, 2) == 101.75


def test_operations_of_the_adapter_do_not_depend_on_the_machine():
    table = taco_study.cost(SIZES).set_index(["size", "pixels"])
    assert (table["adapter"].between(1, 20)).all()
    # a caption costs the same whatever the image's size
    small, large = (table.loc["full"].loc[f"{h}×{w}"] for h, w in taco_study.PIXELS.values())
    assert small["text_tower"] * small["without_text"] == pytest.approx(large["text_tower"] * large["without_text"])


def test_only_photographs_that_no_model_has_seen_are_tested():
    embedded = collections.load("embedded")
    tested = taco_study.tested(embedded, 100)
    assert {item.split for item in tested} == {"heldout"}
    assert len({item.path for item in tested}) == len(tested) == 7
    for item in tested:
        assert max(item.image().shape) == 100
    assert len({item.content_hash for item in tested} & {item.content_hash for item in embedded}) == 0


def test_another_collection_is_tested_whole(tmp_path):
    from PIL import Image

    for number in range(5):
        Image.new("RGB", (80, 40), (50 * number, 0, 0)).save(tmp_path / f"{number}.png")
    tested = taco_study.tested(collections.load(f"folder:{tmp_path}"), 1000)
    assert len(tested) == 5
    assert tested.items[0].image().shape == (40, 80, 3)


def test_caption_sources(some):
    speaker = captions.captioner("nearest-words", encoder("lite0-minilm"))
    sources = taco_study.caption_sources(some, speaker, 0)
    assert list(sources) == [speaker.name, "another image's", "shuffled words", "none"]
    own = sources[speaker.name]
    assert sources["another image's"] == [*own[1:], own[0]]
    assert [sorted(caption.split()) for caption in sources["shuffled words"]] == [sorted(one.split()) for one in own]
    assert sources["none"] == [""] * 3
    published = taco_study.captioned(some, ["one", "two", "three"])
    assert [item.caption for item in published] == ["one", "two", "three"]
    assert list(taco_study.caption_sources(published, speaker, 0))[:2] == ["published", speaker.name]


def test_a_codec_without_text_does_not_care_for_captions(some):
    table = taco_study.by_caption([Jpeg(50)], some, {"a": ["x"] * 3, "b": ["y"] * 3})
    summary = taco_study.summary_by_caption(table, 0)
    assert summary["source"].tolist() == ["a", "b"]
    assert (summary[["psnr_difference", "lpips_low", "lpips_high"]].to_numpy() == 0).all()
    assert summary["bpp"].nunique() == 1


def test_captions_of_better_pictures_are_more_alike(some):
    speaker = captions.captioner("nearest-words", encoder("lite0-minilm"))
    table = taco_study.caption_similarity([Jpeg(95), Jpeg(1)], some, speaker)
    assert table["bpp"].is_monotonic_decreasing
    assert table["cider_d"].iloc[0] >= table["cider_d"].iloc[1]
    assert np.isfinite(table[["bleu4", "cider_d"]].to_numpy()).all()


def test_every_claim_is_about_a_metric_that_is_measured():
    for claim in taco_study.CLAIMS:
        assert claim.metric in METRICS
    assert {claim.worse for claim in taco_study.CLAIMS} == {
        "without-adapter", "without-joint-loss", "tgic", "frozen-base"
    }  # fmt: skip
