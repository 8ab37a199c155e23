"""What stands beside SMIC: published rates with their sources, break-even sizes, equal rates, shares of quality."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from smicnb.base.errors import UnknownNameError
from smicnb.codec import published, rate
from smicnb.compare.images import classical, curves, evaluate, floors, generated
from smicnb.compare.images.classical import Jpeg, WebP
from smicnb.compare.images.downscaled import Downscaled, reduce_families
from smicnb.semantics.encoders import encoders
from smicnb.semantics.generators.generators import RetrievalGenerator
from smicnb.semantics.metrics.pairs import image_cosine
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.photographs.words import WordList
from smicnb.semantics.spaces import SemanticSpace
from smicnb.studies.state_of_the_art import measures
from smicnb.studies.state_of_the_art.measures import OURS, lowest_points, match_rates
from smicnb.studies.taco.measures import select_tested

PIXELS = 100_000
ONCE = {"low": 3_000, "medium": 200_000, "high": 800_000}


def ours():
    return [SimpleNamespace(name=OURS, setting=model, once_bits=bits) for model, bits in ONCE.items()]


def row(codec, setting, image, size, psnr=20.0, cosine=0.5):
    numbers = {"bytes": float(size), "bpp": 8 * size / PIXELS, "psnr": psnr, "lpips": 0.5, "image_cosine": cosine}
    return {"codec": codec, "setting": setting, "dataset": "made", "scene": image, "image": image, **numbers}


@pytest.fixture
def points():
    rows = []
    for number, image in enumerate("abc"):
        for model, size in {"low": 10, "medium": 50, "high": 200}.items():
            rows.append(row(OURS, model, image, size + number, 9.0, 0.4))
        for setting, size in {"quality 1": 800, "quality 50": 9000}.items():
            rows.append(row("JPEG", setting, image, size, 22.0 + size / 1000, 0.6 + 0.1 * number))
        rows += [row("JPEG, 1/8", "quality 1", image, 60, 18.0, 0.2), row("JPEG, 1/2", "quality 1", image, 400, 20.0)]
    return pd.DataFrame(rows)


def test_every_published_rate_has_its_source_and_those_of_the_paper_are_the_papers():
    table = measures.published_rates()
    assert table["source"].str.len().min() > 15
    assert (table["bpp"] > 0).all()
    assert (table["bpp_to"].dropna() > table.loc[table["bpp_to"].notna(), "bpp"]).all()
    assert set(table["reading"]) == {"mean", "range", "one image", "as low as", "less than"}
    assert set(table["codec"]) >= {"PICS", "PerCo (SD)", "StableCodec", "GLC", "CLIP-intra", "PQ-VAE on CLIP"}
    for codec, key in {"SMIC": "SMIC", "VVC": "VVC [32]", "PICS": "PICS [31]", "CLIP-intra": "Clip intra [21]"}.items():
        assert published.TABLE_4_RATES[key].value in set(table.loc[table["codec"] == codec, "bpp"])
    pics = table[(table["codec"] == "PICS") & table["source"].str.contains("Fig. 1")]
    assert published.PICS_OWN_BPP in set(pics["bpp"])


def test_codebooks_are_of_the_tested_collection_or_the_embedded_one(embedded, tmp_path):
    from PIL import Image

    assert measures.coded_collection(embedded) is embedded
    rng = np.random.default_rng(0)
    for number in range(4):
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), np.uint8)).save(tmp_path / f"{number}.png")
    for count in (4, 1):
        few = image_collections.load(f"folder:{tmp_path}")
        assert len(few) == count
        assert measures.coded_collection(few).name == "embedded"
        for number in (1, 2, 3):
            (tmp_path / f"{number}.png").unlink(missing_ok=True)


def test_made_by_says_versions_and_no_hash_of_a_programme():
    table = measures.list_makers([*classical.classical(["jpeg", "vvc"]), *reduce_families(["jpeg"], [8])])
    assert list(table["codec"]) == ["JPEG", "VVenC intra", "JPEG, 1/8"]
    assert list(table["points"]) == [8, 8, 4]
    assert table["settings"][0] == "quality 1 … quality 75"
    vvc = classical.ladder("vvc")[0].fingerprint
    assert f"ffmpeg {vvc['ffmpeg']}" in table["made by"][1]
    assert vvc["sha256"] not in table["made by"][1]
    assert "reduced by 8" in table["made by"][2]


def test_the_lowest_rate_of_a_codec_whole_and_reduced(points):
    table = lowest_points(points).set_index("codec")
    assert list(table.index) == [OURS, "JPEG", "JPEG, 1/8"]
    assert table.loc["JPEG", "setting"] == "quality 1"
    assert table.loc["JPEG", "bits"] == 6400
    assert table.loc["JPEG", "image_cosine"] == pytest.approx(0.7)
    assert table.loc[OURS, "bits"] == 8 * 11


def test_table_4_as_printed_by_eq_15_and_on_files(points):
    others = [SimpleNamespace(name=name, setting="quality 1", encode=lambda image, own=name: bytes(len(own)))
              for name in ("JPEG", "JPEG, 1/8")]  # fmt: skip
    grey = np.full((8, 8, 3), 128, np.uint8)
    table = measures.break_evens(points, ours(), others, grey).set_index("competitor")
    assert table.loc["JPEG, 1/8", "bits of a grey image"] == 8 * len("JPEG, 1/8")
    assert list(table["rate"]) == ["as published"] * 3 + ["measured"] * 2
    assert table.loc["Clip intra [21]", "n* as printed"] == 150
    assert table.loc["Clip intra [21]", "n* by Eq. 15"] == 562
    assert table.loc["PICS [31]", "n* by Eq. 15"] == 26
    assert math.isnan(table.loc["JPEG", "n* as printed"])
    for model, bits in {"low": 88, "medium": 408, "high": 1608}.items():
        for competitor, other in (("JPEG", 6400), ("JPEG, 1/8", 480), ("PICS [31]", 0.026 * rate.PIXELS)):
            wanted = rate.break_even(ONCE[model], bits, other)
            assert table.loc[competitor, f"n* of records, {model}"] == (math.inf if wanted is None else wanted)
    assert table.loc["JPEG, 1/8", "n* of records, high"] == math.inf  # its images alone take more
    n = int(table.loc["JPEG", "n* of records, medium"])
    assert ONCE["medium"] + n * 408 < n * 6400
    assert ONCE["medium"] + (n - 1) * 408 >= (n - 1) * 6400


def test_bd_rates_say_how_much_quality_they_are_over(points):
    table = measures.bd_table(points, ["psnr"], "JPEG", 0).set_index("codec")
    assert set(table["metric"]) == {"psnr"}
    assert math.isnan(table.loc[OURS, "mean"])
    assert table.loc[OURS, ["images", "left_out", "shared"]].tolist() == [0, 3, 0]
    curve = pd.DataFrame([row("half", str(size), "a", size / 2, 22.0 + size / 1000) for size in (4900, 9000)])
    both = pd.concat([points[points["image"] == "a"], curve])
    (found,) = curves.bd_rates(both, "psnr", "JPEG").query("codec == 'half'").to_dict("records")
    assert found["shared"] == pytest.approx((9000 - 4900) / (9000 - 800))
    with pytest.raises(UnknownNameError):
        measures.bd_table(points, ["psnr"], "JPEGG", 0)


def test_every_codec_is_taken_nearest_in_rate_or_at_its_lowest(points):
    table = match_rates(points, (OURS, "medium"))
    assert list(table["image"]) == [image for image in "abc" for _ in range(2)]
    assert list(table["family"]) == [OURS, "JPEG"] * 3
    assert list(table["codec"]) == [OURS, "JPEG, 1/8"] * 3
    assert table["times"][1] == pytest.approx(60 / 50)
    whole = match_rates(points[~points["codec"].str.contains("/")], (OURS, "medium"))
    assert list(whole["setting"]) == ["medium", "quality 1"] * 3
    assert whole["times"][1] == pytest.approx(16)


def test_what_failed_on_an_image_is_left_out_there_alone(points):
    failed = points[~((points["image"] == "b") & points["codec"].str.startswith("JPEG"))]
    table = match_rates(failed, (OURS, "medium"))
    assert list(table["family"]) == [OURS, "JPEG", OURS, OURS, "JPEG"]
    verdicts = measures.matched_verdicts(table, ["psnr"], 0)
    assert verdicts["images"].tolist() == [2]


def test_verdicts_are_by_the_interval_of_differences(points):
    table = measures.matched_verdicts(match_rates(points, (OURS, "medium")), ["psnr", "image_cosine", "lpips"], 0)
    by = table.set_index("metric")
    assert by.loc["psnr", ["difference", "verdict"]].tolist() == [-9, "SMIC behind"]
    assert by.loc["image_cosine", "verdict"] == "SMIC ahead"
    assert by.loc["lpips", ["difference", "verdict"]].tolist() == [0, "undecided"]
    assert by["times"].iloc[0] == pytest.approx(np.exp(np.mean(np.log([60 / 50, 60 / 51, 60 / 52]))))
    worse = points.assign(lpips=np.where(points["codec"] == OURS, 0.9, 0.5))
    (found,) = measures.matched_verdicts(match_rates(worse, (OURS, "medium")), ["lpips"], 0).to_dict("records")
    assert found["verdict"] == "SMIC behind"
    assert found["difference"] == pytest.approx(-0.4)
    assert found["low"] <= found["high"]


def test_decoded_pictures_are_those_of_the_rows():
    item = next(item for item in image_collections.load("embedded").items if item.scene == "yellow-tulips")
    image = item.image()[:64, :96]
    item = SimpleNamespace(id="tulips", image=lambda: image, caption=None)
    codecs = [Jpeg(20), WebP(5), Downscaled(WebP(5), 4)]
    table = pd.DataFrame([row(codec.name, codec.setting, "tulips", 1) for codec in codecs])
    ((original, *pictures),) = measures.decode_matched(table, codecs, [item])
    np.testing.assert_array_equal(original, item.image())
    for codec, picture in zip(codecs, pictures, strict=True):
        np.testing.assert_array_equal(picture, codec.decode(codec.encode(original)))


def test_seconds_are_multiples_of_the_anchors():
    rows = [(codec, metric, value) for codec, factor in (("anchor", 1), ("slow", 4)) for value, metric in
            ((0.1 * factor, "encode_seconds"), (0.4 * factor, "encode_seconds"), (0.01, "decode_seconds"))]  # fmt: skip
    table = measures.relative_seconds(pd.DataFrame(rows, columns=["codec", "metric", "value"]), "anchor")
    assert table.set_index("codec").loc["slow"].tolist() == pytest.approx([4, 1])


def test_the_summary_has_every_point_and_metric(points):
    table = measures.summary(points, ["psnr", "lpips"], 0)
    assert len(table) == 2 * points.groupby(["codec", "setting"]).ngroups
    cell = table[(table["codec"] == "JPEG") & (table["setting"] == "quality 50") & (table["metric"] == "psnr")].iloc[0]
    assert cell[["bpp", "mean", "images", "left_out"]].tolist() == pytest.approx([0.72, 31, 3, 0])


def test_the_codecs_nearest_in_rate_are_the_aim_and_those_after_it(points):
    table = match_rates(points, (OURS, "medium"))
    twice = table[table["family"] == "JPEG"].assign(family="twice", times=2.0)
    less = twice.assign(family="less", times=0.9)
    found = measures.nearest_in_rate(pd.concat([twice, table, less]), 3)
    assert found == [OURS, "less", "JPEG"]  # JPEG takes some 1.2 times the bits


class MeanColours:
    """An encoder that sees a picture's mean colour alone, and of a text its last letter."""

    name, dim, side, weights_hash, mean = "mean colours", 3, 224, "none", np.zeros(3, np.float32)

    def encode_images(self, images, done=None):
        pictures = (image() if callable(image) else image for image in images)
        return np.array([picture.mean(axis=(0, 1)) for picture in pictures], np.float32)

    def encode_text(self, texts):
        return np.array([[ord(text[-1]) % 7, ord(text[-1]) % 5, 1] for text in texts], np.float32)


def test_decoded_pictures_stand_among_floors_in_files_of_their_size(embedded, monkeypatch, fresh_cache):
    tested = select_tested(embedded, 96)
    tested = replace(tested, items=tested.items[:2])
    gallery = embedded.split("gallery")
    gallery = replace(gallery, items=gallery.items[::36])
    encoder = MeanColours()
    space = SemanticSpace(encoder, RetrievalGenerator(gallery, encoders.encode_collection(encoder, gallery)))
    monkeypatch.setattr(floors, "words", lambda: WordList("few", {"": ("tree", "church", "moon", *"abcdefgh")}))
    codecs = [Jpeg(1), WebP(0)]
    matched = match_rates(evaluate.points(evaluate.evaluate(codecs, tested, ())), ("JPEG", "quality 1"))
    thumbnails, small = measures.match_thumbnails(matched, ["webp"], tested)
    assert set(thumbnails["family"]) == {f"WebP{measures.THUMBNAILS}"}
    assert {codec.rpartition(" ")[0] for codec in thumbnails["codec"]} == {"WebP,"}
    assert (thumbnails["bytes"] < matched.loc[matched["family"] == "WebP", "bytes"].min()).all()
    table = pd.concat([matched, thumbnails], ignore_index=True)
    judged = measures.judge_pictures(table, [*codecs, *small], tested, space, gallery, MeanColours(), 1)
    names = [*floors.FLOORS, "JPEG", "WebP", f"WebP{measures.THUMBNAILS}", floors.CEILING]
    assert list(judged["shown"]) == names * 2
    first = judged[judged["image"] == tested.items[0].id].set_index("shown")
    image = tested.items[0].image()
    size = 8 * len(generated.pack_size(*image.shape[1::-1]))
    assert first.loc[[floors.GREY, floors.INDEX], "bits"].tolist() == [size, size + 8]
    assert first.loc["JPEG", "bits"] == 8 * len(Jpeg(1).encode(image))
    decoded = Jpeg(1).decode(Jpeg(1).encode(image))
    assert first.loc["JPEG", "image_cosine"] == pytest.approx(image_cosine(encoder, [image], [decoded])[0], abs=1e-5)
    (nearest,) = space.generate(space.encode(tested)[:1], 1)
    fitted = generated.fit_to_size(nearest, *image.shape[1::-1])
    wanted = image_cosine(encoder, [image], [fitted])[0]
    assert first.loc[[floors.INDEX, floors.CEILING], "image_cosine"].tolist() == pytest.approx([wanted] * 2, abs=1e-5)
