"""Codecs on reduced images: any size comes back, from bytes alone, at rates that the codec itself does not reach."""

import pickle
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import ImageError, IntegrityError, SmicnbError
from smicnb.compare.images import classical, evaluate
from smicnb.compare.images.classical import Jpeg, WebP
from smicnb.compare.images.downscaled import COARSE, FACTORS, STRIDE, Downscaled, family, reduce_families
from smicnb.semantics.metrics.pairs import psnr
from smicnb.semantics.photographs import image_collections


@lru_cache(maxsize=1)
def photograph():
    return next(item for item in image_collections.load("embedded").items if item.scene == "yellow-tulips").image()


def crop(height, width):
    return np.ascontiguousarray(photograph()[164 : 164 + height, 282 : 282 + width])


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from((*FACTORS, *COARSE)))
def test_any_size_comes_back_from_the_bytes_alone(height, width, factor):
    image = crop(height, width)
    data = Downscaled(WebP(50), factor).encode(image)
    assert Downscaled(WebP(50), 2).decode(data).shape == image.shape  # the factor is in the bytes


@pytest.mark.parametrize("factor", FACTORS)
def test_the_file_is_one_byte_and_that_of_the_reduced_image(factor):
    image = crop(64, 96)
    data = Downscaled(Jpeg(40), factor).encode(image)
    small = Jpeg(40).decode(data[1:])
    assert small.shape == (64 // factor, 96 // factor, 3)
    assert data[0] == {2: 64, 4: 128, 8: 192}[factor]
    assert data[1:] == Jpeg(40).encode(small_of(image, factor))


def small_of(image, factor):
    from PIL import Image

    size = image.shape[1] // factor, image.shape[0] // factor
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def test_sides_that_the_factor_does_not_divide_are_said():
    data = Downscaled(Jpeg(40), 8).encode(crop(57, 63))  # 8·8 − 57 = 7 rows and 8·8 − 63 = 1 column too many
    assert data[0] == 3 * 64 + 7 * 8 + 1


def test_thumbnails_say_their_sizes_in_two_bytes():
    data = Downscaled(Jpeg(40), 32).encode(crop(57, 63))  # 2·32 − 57 = 7 rows and 2·32 − 63 = 1 column too many
    assert int.from_bytes(data[:2]) == 1 << 10 | 7 << 5 | 1
    assert Jpeg(40).decode(data[2:]).shape == (2, 2, 3)
    data = Downscaled(Jpeg(40), 16).encode(crop(64, 96))
    assert data[:2] == b"\0\0"
    assert data[2:] == Jpeg(40).encode(small_of(crop(64, 96), 16))


def test_it_goes_below_the_codec_and_follows_the_picture():
    image = photograph()[:256, :384]
    whole, less = WebP(0), Downscaled(WebP(0), 8)
    small, large = less.encode(image), whole.encode(image)
    assert len(small) < len(large) / 4
    flat = np.broadcast_to(image.mean(axis=(0, 1)).astype(np.uint8), image.shape)
    assert psnr([image], [less.decode(small)])[0] > psnr([image], [flat])[0] + 2


def test_fine_points_keep_more_the_smaller_the_factor():
    image = photograph()[:128, :192]
    values = [
        psnr([image], [codec.decode(codec.encode(image))])[0] for codec in (Downscaled(WebP(95), f) for f in FACTORS)
    ]
    assert values == sorted(values, reverse=True)


def test_names_settings_and_fingerprints_tell_the_factors_apart():
    codecs = reduce_families(["jpeg", "webp"])
    assert len(codecs) == 2 * len(FACTORS) * len(classical.ladder("jpeg")[::STRIDE])
    assert len({(codec.name, codec.setting) for codec in codecs}) == len(codecs)
    assert len({str(codec.fingerprint) for codec in codecs}) == len(codecs)
    assert {family(codec.name) for codec in codecs} == {(name, f) for name in ("JPEG", "WebP") for f in FACTORS}
    assert family("AV1 (libaom)") == ("AV1 (libaom)", 1)
    lowest = classical.ladder("jpeg")[0].setting
    assert [codec.setting for codec in codecs].count(lowest) == len(FACTORS)


def test_it_goes_to_other_processes():
    codec, image = Downscaled(Jpeg(40), 4), crop(33, 47)
    assert pickle.loads(pickle.dumps(codec)).encode(image) == codec.encode(image)


@pytest.mark.parametrize("data", [b"", b"\0", b"\0rest", b"\x08\0rest", b"\x40", bytes([64 + 2 * 8]), bytes([128 + 4])])
def test_a_byte_that_no_encoder_writes_is_told(data):
    with pytest.raises((IntegrityError, OSError)):
        Downscaled(Jpeg(40), 2).decode(data)


@pytest.mark.parametrize("factor", [0, 1, 3, 64])
def test_other_factors_are_told(factor):
    with pytest.raises(SmicnbError, match=f"found a factor of {factor}; needed: one of 2, 4, 8, 16, 32"):
        Downscaled(Jpeg(40), factor)


def test_wrong_images_are_told():
    with pytest.raises(ImageError):
        Downscaled(Jpeg(40), 2).encode(crop(32, 32).astype(np.float32))


class FailsOnSmall:
    """An encoder that takes no side below 16 pixels, as some do."""

    name, setting, fingerprint = "fails on small", "quality 40", {"version": 1}

    def encode(self, image, caption=None):
        if min(image.shape[:2]) < 16:
            raise RuntimeError("side too small")
        return Jpeg(40).encode(image)

    def decode(self, data):
        return Jpeg(40).decode(data)


def test_where_the_reduced_image_is_too_small_it_is_counted_and_the_others_go_on(fresh_cache, tmp_path):
    from PIL import Image

    folder = tmp_path / "photographs"
    folder.mkdir()
    for name, side in (("small", 64), ("large", 160)):
        Image.fromarray(crop(side, side)).save(folder / f"{name}.png")
    codecs = [FailsOnSmall(), *(Downscaled(FailsOnSmall(), factor) for factor in FACTORS), Downscaled(Jpeg(40), 8)]
    table = evaluate.evaluate(codecs, image_collections.load(f"folder:{folder}"), ["psnr"])
    failed = evaluate.failures(table)
    assert list(failed["codec"]) == ["fails on small, 1/8"]
    assert failed[["images", "failed", "note"]].to_numpy().tolist() == [[2, 1, "RuntimeError: side too small"]]
    assert len(evaluate.points(table)) == 2 * len(codecs) - 1


@pytest.mark.parametrize("name", classical.LADDERS)
def test_every_family_takes_the_smallest_reduced_image_at_every_factor(name):
    image = photograph()[:130, :193]
    for codec in reduce_families([name], [8]):
        assert codec.decode(codec.encode(image)).shape == image.shape
