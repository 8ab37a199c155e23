"""Captions from several sources, and captions of what was decoded."""

import pandas as pd
import pytest

from smicnb.compare.images.classical import Jpeg
from smicnb.semantics.encoders.encoders import encoder
from smicnb.semantics.metrics import captions
from smicnb.semantics.metrics.caption_scores import cider_d
from smicnb.semantics.photographs import image_collections
from smicnb.studies.taco import captions as taco_captions
from smicnb.studies.taco import measures


@pytest.fixture(scope="module")
def some():
    whole = image_collections.load("embedded")
    tested = measures.select_tested(whole, 64)
    return type(tested)(tested.name, tested.items[:3], tested.licence, tested.page, {})


def test_caption_sources(some):
    speaker = captions.captioner("nearest-words", encoder("lite0-minilm"))
    sources = taco_captions.caption_sources(some, speaker, 0)
    assert list(sources) == [speaker.name, "another image's", "shuffled words", "none"]
    own = sources[speaker.name]
    assert sources["another image's"] == [*own[1:], own[0]]
    assert [sorted(caption.split()) for caption in sources["shuffled words"]] == [sorted(one.split()) for one in own]
    assert sources["none"] == [""] * 3
    published = taco_captions.replace_captions(some, ["one", "two", "three"])
    assert [item.caption for item in published] == ["one", "two", "three"]
    assert list(taco_captions.caption_sources(published, speaker, 0))[:2] == ["published", speaker.name]


def test_a_codec_without_text_does_not_care_for_captions(some):
    table = taco_captions.evaluate_captions([Jpeg(50)], some, {"a": ["x"] * 3, "b": ["y"] * 3})
    summary = taco_captions.summary_by_caption(table, 0)
    assert summary["source"].tolist() == ["a", "b"]
    assert (summary[["psnr_difference", "lpips_low", "lpips_high"]].to_numpy() == 0).all()
    assert summary["bpp"].nunique() == 1


def test_captions_of_better_pictures_are_more_alike(some):
    speaker = captions.captioner("nearest-words", encoder("lite0-minilm"))
    table = taco_captions.caption_decoded([Jpeg(95), Jpeg(1)], some, speaker)
    assert table["before"].tolist() == speaker.caption([item.image() for item in some]) * 2
    first = table[table["setting"] == "quality 95"]
    assert first["cider_d"].to_numpy() == pytest.approx(cider_d(first["after"].tolist(), first["before"].tolist()))
    summary = taco_captions.caption_similarity(table, 0)
    assert summary["setting"].tolist() == ["quality 95", "quality 1"]
    assert summary["bpp"].is_monotonic_decreasing
    assert summary["cider_d"].iloc[0] >= summary["cider_d"].iloc[1]
    assert (summary["low"] <= summary["cider_d"]).all()
    assert (summary["cider_d"] <= summary["high"]).all()
    assert summary["bleu4"].between(0, 1).all()


def test_equal_captions_score_highest():
    about = {"codec": "a", "setting": "b", "dataset": "c", "bpp": 1.0}
    said = ["a red house by the sea", "two dogs run on grass", "an old boat in a harbour"]
    table = pd.DataFrame({"scene": range(3), "image": range(3), "before": said, "after": said}).assign(**about)
    table["cider_d"] = cider_d(said, said)
    (row,) = taco_captions.caption_similarity(table, 0).to_dict("records")
    assert row["bleu4"] == pytest.approx(1)
    assert [row[name] for name in ("low", "cider_d", "high")] == pytest.approx([10, 10, 10])
