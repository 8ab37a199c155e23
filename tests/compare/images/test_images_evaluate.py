"""The protocol with real codecs and photographs: what is counted, kept, left out, and what a failure becomes."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from smicnb.base.errors import MissingWeightsError, SmicnbError, StoppedError, UnknownNameError
from smicnb.compare.images import evaluate
from smicnb.compare.images.classical import Jpeg, WebP
from smicnb.semantics.metrics import pairs, perception
from smicnb.semantics.photographs import image_collections

JPEGS = [Jpeg(10), Jpeg(50), Jpeg(90)]


class Watched:
    """JPEG that counts its calls, and can be made to fail."""

    name, setting, fingerprint = "watched", "quality 30", {"version": 1}

    def __init__(self, fails_on=None):
        self.calls, self.fails_on, self.captions = 0, fails_on, []
        self._jpeg = Jpeg(30)

    def encode(self, image, caption=None):
        self.calls += 1
        self.captions.append(caption)
        if self.calls == self.fails_on:
            raise RuntimeError("no\nmore")
        return self._jpeg.encode(image)

    def decode(self, data):
        return self._jpeg.decode(data)


class Halved(Watched):
    """Returns every other row."""

    name = "halved"

    def decode(self, data):
        return self._jpeg.decode(data)[::2]


class Estimating(Watched):
    name = "estimating"

    def estimate(self, image, caption):
        return 8.0 * image.shape[0]


class Lossless:
    name, setting, fingerprint = "raw", "as it is", {}

    def encode(self, image, caption=None):
        height, width = image.shape[:2]
        image_bytes = image.tobytes()
        image[:] = 0  # nobody should see what a codec does to its input
        return bytes([height, width]) + image_bytes

    def decode(self, data):
        return np.frombuffer(data[2:], np.uint8).reshape(data[0], data[1], 3)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Two photographs of 171×161 and 96×64 pixels (width×height)."""
    folder = tmp_path_factory.mktemp("small")
    photographs = [item.image() for item in image_collections.load("embedded").items[:24:12]]
    for name, photograph, size in zip("ab", photographs, ((171, 161), (96, 64)), strict=True):
        Image.fromarray(photograph).resize(size).save(folder / f"{name}.png")
    return image_collections.load(f"folder:{folder}")


def values(table, **at):
    for column, value in at.items():
        table = table[table[column] == value]
    return table["value"].tolist()


@pytest.fixture(scope="module")
def table(small, tmp_path_factory):
    from real_photographs import own_cache

    with own_cache(tmp_path_factory.mktemp("cache")):
        return evaluate.evaluate([*JPEGS, WebP(50)], small, ["psnr", "ms_ssim"])


def test_rows_are_long_and_in_the_order_of_codecs_and_images(table, small):
    assert tuple(table.columns) == evaluate.COLUMNS
    assert list(table["setting"].unique()) == ["quality 10", "quality 50", "quality 90"]
    assert list(table["codec"].unique()) == ["JPEG", "WebP"]
    assert list(table["image"].unique()) == [item.id for item in small]
    assert set(table["rate_kind"]) == {"measured"}
    assert not table.duplicated(["codec", "setting", "image", "metric"]).any()
    assert set(zip(table["metric"], table["unit"], strict=True)) == {
        ("bytes", "byte"), ("bpp", "bit/pixel"), ("encode_seconds", "s"), ("decode_seconds", "s"), ("psnr", "dB"),
        ("ms_ssim", ""),
    }  # fmt: skip


def test_numbers_are_those_of_the_file_over_the_true_pixels(table, small):
    for item in small:
        image = item.image()
        for codec in JPEGS:
            data = codec.encode(image)
            at = {"codec": "JPEG", "setting": codec.setting, "image": item.id}
            assert values(table, **at, metric="bytes") == [len(data)]
            assert values(table, **at, metric="bpp") == [8 * len(data) / (image.shape[0] * image.shape[1])]
            assert values(table, **at, metric="psnr") == pairs.psnr([image], [codec.decode(data)]).tolist()
    assert (table["value"] > 0).all()


def test_a_metric_has_no_row_for_an_image_that_is_too_small_for_it(table, small):
    large = [item.id for item in small if min(item.image().shape[:2]) >= pairs.MS_SSIM_SIDE]
    assert len(large) == 1
    assert list(table[table["metric"] == "ms_ssim"]["image"].unique()) == large
    wide = evaluate.points(table)
    assert len(wide) == 4 * 2
    assert wide["ms_ssim"].isna().sum() == 4
    assert list(wide["codec"]) == ["JPEG"] * 6 + ["WebP"] * 2


def test_learned_metrics_and_the_encoder_are_those_of_the_semantics(fresh_cache, small):
    from smicnb.semantics.encoders.encoders import encoder

    lite0 = encoder("lite0-minilm")
    found = evaluate.evaluate(JPEGS[:1], small, ["lpips", "lpips_vgg", "dists"], lite0)
    images = [item.image() for item in small]
    decoded = [JPEGS[0].decode(JPEGS[0].encode(image)) for image in images]
    for name, expected in {
        "lpips": pairs.lpips(images, decoded),
        "lpips_vgg": pairs.lpips(images, decoded, "vgg"),
        "dists": perception.dists(images, decoded),
        "image_cosine": pairs.image_cosine(lite0, images, decoded),
    }.items():
        np.testing.assert_allclose(values(found, metric=name), expected, rtol=1e-4, atol=1e-5)
    assert set(found[found["metric"] == "image_cosine"]["note"]) == {"lite0-minilm"}


def test_a_second_run_only_reads_its_seconds_too(fresh_cache, small):
    codec = Watched()
    first = evaluate.evaluate([codec], small, ["psnr"])
    assert codec.calls == 2
    pd.testing.assert_frame_equal(evaluate.evaluate([codec], small, ["psnr"]), first)
    assert codec.calls == 2
    assert values(first, metric="encode_seconds") != [0, 0]


def test_whatever_a_number_depends_on_makes_it_anew(fresh_cache, small, monkeypatch):
    codec = Watched()
    evaluate.evaluate([codec], small, ["psnr"])
    evaluate.evaluate([codec], small, ["psnr", "ms_ssim"])
    assert codec.calls == 4
    codec.fingerprint = {"version": 2}
    evaluate.evaluate([codec], small, ["psnr"])
    assert codec.calls == 6
    told = replace(small, items=tuple(replace(item, caption="a boat") for item in small))
    evaluate.evaluate([codec], told, ["psnr"])
    assert codec.calls == 8
    assert codec.captions == [None] * 6 + ["a boat"] * 2
    monkeypatch.setattr(image_collections, "RULES", [0])  # of reading files
    evaluate.evaluate([codec], told, ["psnr"])
    assert codec.calls == 10
    monkeypatch.setattr(evaluate, "statements_hash", lambda source: "changed")  # of the code of metrics
    evaluate.evaluate([codec], told, ["psnr"])
    assert codec.calls == 12


def test_wording_is_no_new_version_of_a_metric_but_a_constant_is(tmp_path):
    texts = {
        "first": 'def f(x):\n    """One."""\n    return x + 1\n',
        "prose": '"""A module."""\n\n\ndef f(x):\n    """Another."""\n    return x + 1  # why\n',
        "other": 'def f(x):\n    """One."""\n    return x + 2\n',
    }
    hashes = {}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        hashes[name] = evaluate.statements_hash(tmp_path / name)
    assert hashes["first"] == hashes["prose"] != hashes["other"]


def test_a_failure_is_counted_and_the_others_go_on(fresh_cache, small):
    codec = Watched(fails_on=1)
    table = evaluate.evaluate([codec, Halved(), JPEGS[0]], small, ["psnr"])
    assert len(values(table, codec="JPEG", metric="psnr")) == 2
    assert len(values(table, codec="watched", metric="psnr")) == 1
    assert values(table, codec="watched", metric="failed") == [1]
    counted = evaluate.failures(table)
    assert list(counted["codec"]) == ["watched", "halved"]
    assert counted["failed"].tolist() == [1, 2]
    assert counted["images"].tolist() == [2, 2]
    assert counted["note"][0] == "RuntimeError: no more"
    assert re.search(r"decode returned uint8 of shape \(\d+, \d+, 3\); needed: uint8 of shape", counted["note"][1])
    assert set(evaluate.points(table)["codec"]) == {"watched", "JPEG"}
    again = evaluate.evaluate([codec], small, ["psnr"])  # what failed is tried again, and only that
    assert codec.calls == 3
    assert not len(evaluate.failures(again))


def test_what_was_done_before_an_interruption_is_not_done_again(fresh_cache, small, monkeypatch):
    codec, encode = Watched(), Watched.encode

    def stopped(self, image, caption=None):
        if self.calls == 1:
            raise StoppedError("stopped")
        return encode(self, image, caption)

    with monkeypatch.context() as patch:
        patch.setattr(Watched, "encode", stopped)
        with pytest.raises(StoppedError):
            evaluate.evaluate([codec], small, ["psnr"])
    evaluate.evaluate([codec], small, ["psnr"])
    assert codec.calls == 2


def test_what_no_bytes_are_is_a_failure(fresh_cache, small):
    class Texts(Watched):
        def encode(self, image, caption=None):
            return "text"

    table = evaluate.evaluate([Texts()], small, ["psnr"])
    assert evaluate.failures(table)["note"].tolist() == ["encode returned str; needed: bytes"]
    assert len(evaluate.points(table)) == 0


def test_estimates_stand_apart_from_what_was_measured(fresh_cache, small):
    table = evaluate.evaluate([Estimating()], small, ["psnr"])
    estimates = table[table["rate_kind"] == "estimated"]
    for item in small:
        height, width = item.image().shape[:2]
        assert values(estimates, image=item.id, metric="bits") == [8 * height]
        assert values(estimates, image=item.id, metric="bpp") == [8 / width]
    measured = [8 * bytes_ for bytes_ in values(table, metric="bytes")]
    pixels = [np.prod(item.image().shape[:2]) for item in small]
    assert evaluate.points(table)["bpp"].tolist() == [bits / n for bits, n in zip(measured, pixels, strict=True)]


def test_a_codec_cannot_spoil_the_image_that_it_is_compared_with(fresh_cache, small):
    table = evaluate.evaluate([Lossless()], small, ["psnr"])
    assert values(table, metric="psnr") == [np.inf, np.inf]


def test_an_executor_changes_nothing_but_seconds(fresh_cache, small, table):
    with ThreadPoolExecutor(2) as threads:
        spread = evaluate.evaluate([*JPEGS, WebP(50)], small, ["psnr", "ms_ssim"], executor=threads)
    timeless = [~one["metric"].str.endswith("seconds") for one in (table, spread)]
    pd.testing.assert_frame_equal(spread[timeless[1]], table[timeless[0]])


def test_mistakes_are_told_before_anything_is_coded(fresh_cache, small):
    codec = Watched()
    with pytest.raises(UnknownNameError, match="did you mean 'psnr'"):
        evaluate.evaluate([codec], small, ["pnsr"])
    with pytest.raises(SmicnbError, match="two codecs called 'watched, quality 30'"):
        evaluate.evaluate([codec, Watched()], small, ["psnr"])
    assert codec.calls == 0


def test_missing_weights_of_a_metric_are_no_failure_of_the_codec(tmp_path, monkeypatch, small):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    perception._dists_network.cache_clear()
    with pytest.raises(MissingWeightsError):
        evaluate.evaluate([Watched()], small, ["dists"])


def test_the_codec_of_the_documentation_works(fresh_cache, small, repository):
    text = (repository / "docs" / "protocol.md").read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    known = {"collection": small}
    exec(snippet, known)
    table = known["table"]
    assert len(evaluate.failures(table)) == 0
    assert len(values(table, metric="bpp")) == len(small)
