"""The classical codecs on real photographs: files that decode by themselves, at odd sizes, to equal bytes each time."""

import subprocess
import sys
import time
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import ImageError, SmicnbError, UnknownNameError
from smicnb.compare.images import classical, still_video
from smicnb.compare.images.classical import LADDERS, Avif, Jpeg, Jpeg2000, Jpegli, JpegXL, WebP, ladder
from smicnb.compare.images.still_video import StillVideo
from smicnb.semantics.metrics.pairs import psnr
from smicnb.semantics.photographs import image_collections

ODD = (97, 75)  # height and width
CHEAP = [Jpeg(40), Jpeg(40, "4:4:4"), Jpegli(60), Jpeg2000(3), WebP(50), JpegXL(50)]


@lru_cache(maxsize=1)
def photograph():
    """Tulips: detail everywhere, and strong colours."""
    return next(item for item in image_collections.load("embedded").items if item.scene == "yellow-tulips").image()


def crop(height, width):
    return np.ascontiguousarray(photograph()[164 : 164 + height, 282 : 282 + width])


@pytest.mark.parametrize("family", LADDERS)
def test_a_ladder_climbs_in_rate_and_fidelity_at_an_odd_size(family):
    image, sizes, fidelities = crop(*ODD), [], []
    for codec in ladder(family):
        data = codec.encode(image, "a caption")
        decoded = codec.decode(data)
        assert type(data) is bytes
        assert decoded.dtype == np.uint8
        assert decoded.shape == image.shape
        sizes.append(len(data))
        fidelities.append(psnr([image], [decoded])[0])
    assert sizes == sorted(sizes)
    assert sizes[-1] > 2 * sizes[0]
    assert fidelities[-1] > fidelities[0] + (4 if family == "jpegli" else 5)  # whose ladder is the upper part of JPEG's
    assert fidelities[-1] > 26


@pytest.mark.parametrize("family", LADDERS)
def test_equal_images_make_equal_bytes_and_a_second_object_decodes_them(family):
    image = crop(*ODD)
    one, other = (ladder(family)[3] for _ in range(2))
    data = one.encode(image)
    assert other.encode(image) == data
    np.testing.assert_array_equal(other.decode(data), one.decode(data))
    assert other.fingerprint == one.fingerprint


@pytest.mark.parametrize("codec", CHEAP, ids=lambda codec: f"{codec.name}, {codec.setting}")
@settings(max_examples=8, deadline=None)
@given(st.integers(16, 70), st.integers(16, 70))
def test_any_size_comes_back(codec, height, width):
    image = crop(height, width)
    decoded = codec.decode(codec.encode(image))
    assert decoded.shape == image.shape
    assert psnr([image], [decoded])[0] > 18


@pytest.mark.parametrize("codec", [StillVideo("vvc", 40), StillVideo("hevc", 40), StillVideo("av1-svt", 40)])
@pytest.mark.parametrize("size", [(33, 48), (48, 33), (33, 33), (48, 48)])
def test_sides_of_either_parity_come_back_from_a_video_codec(codec, size):
    image = crop(*size)
    decoded = codec.decode(codec.encode(image))
    assert decoded.shape == image.shape
    assert psnr([image], [decoded])[0] > 20


def test_what_is_padded_costs_one_byte_and_nothing_else_is_added():
    image = crop(32, 32)
    data = StillVideo("vvc", 40).encode(image)
    assert data[0] == 0
    assert data[1:5] in (b"\0\0\0\1", b"\0\0\1\0")  # the start code of the bare stream
    assert StillVideo("vvc", 40).encode(image[:31, :31])[0] == 3
    assert StillVideo("av1-aom", 40).encode(image)[:2] == b"\x12\0"  # a temporal delimiter, no container


def units_of(data):
    """The NAL units of a bare stream of VVC or HEVC; bytes of a unit cannot look like its start code."""
    return [unit.rstrip(b"\0") for unit in data.split(b"\0\0\1")[1:]]


def test_a_bare_stream_is_parameter_sets_and_a_picture():
    """No delimiter, no message of the encoder about itself, and in the set of the sequence no timing (10 bytes).

    Reference lists, which a picture by itself has no use for, would make VVenC's set of the sequence 160 bytes.
    """
    for image in (crop(*ODD), np.full((64, 64, 3), 128, np.uint8)):
        data = StillVideo("vvc", 63).encode(image)
        vvc, hevc = (units_of(stream[1:]) for stream in (data, StillVideo("hevc", 51).encode(image)))
        assert [unit[1] >> 3 for unit in vvc] == [15, 16, 8]  # 8: an IDR picture that no other leads up to
        assert [unit[0] >> 1 for unit in hevc] == [32, 33, 34, 20]
        assert len(vvc[0]) < 50
        assert len(hevc[1]) < 40
        assert len(data) < 130
        assert StillVideo("vvc", 63).decode(data).shape == image.shape


def test_files_start_as_their_formats_do():
    image = crop(*ODD)
    assert JpegXL(50).encode(image)[:2] == b"\xff\x0a"  # a bare code stream; boxes start with a length
    assert Jpeg2000(1).encode(image)[:4] == b"\xff\x4f\xff\x51"
    assert Avif(50).encode(image)[4:12] == b"ftypavif"  # a container, which is counted


def test_colours_go_there_and_back_without_a_shift():
    codecs = StillVideo("vvc", 22), StillVideo("hevc", 10), StillVideo("av1-aom", 10), Jpeg(90), Jpegli(90), Avif(80)
    for colour in ((200, 30, 30), (30, 200, 30), (30, 30, 200), (250, 250, 250), (3, 3, 3)):
        flat = np.full((64, 64, 3), colour, np.uint8)
        for codec in codecs:
            decoded = codec.decode(codec.encode(flat)).astype(int)
            assert np.abs(decoded - flat).max() <= 4, (codec.name, colour)


def test_full_chroma_keeps_what_halved_chroma_loses():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = (220, 20, 20)
    stripes[:, 1::2] = (20, 20, 220)
    for halved, full in (
        (Jpeg(90), Jpeg(90, "4:4:4")),
        (StillVideo("hevc", 20), StillVideo("hevc", 20, "4:4:4")),
        (StillVideo("av1-aom", 20), StillVideo("av1-aom", 20, "4:4:4")),
    ):
        better, worse = (psnr([stripes], [codec.decode(codec.encode(stripes))])[0] for codec in (full, halved))
        assert better > worse + 10
        assert full.setting == f"{halved.setting}, 4:4:4"


def test_jpeg_2000_comes_to_the_rate_that_is_asked_for():
    image = photograph()[:256, :256]
    for bpp in (0.1, 0.5):
        assert 8 * len(Jpeg2000(bpp).encode(image)) / 256**2 == pytest.approx(bpp, rel=0.05)


def test_versions_and_options_are_in_the_fingerprint():
    for family in LADDERS:
        low, high = ladder(family)[0], ladder(family)[-1]
        assert low.fingerprint != high.fingerprint
        assert any(str(value)[:1].isdigit() or str(value).startswith("n") for value in low.fingerprint.values())
    assert len(StillVideo("vvc", 40).fingerprint["sha256"]) == 64


def test_all_families_at_once_are_their_ladders():
    settings_of = [(codec.name, codec.setting) for codec in classical.classical(["jpeg", "vvc"])]
    assert settings_of[0] == ("JPEG", "quality 1")
    assert settings_of[8] == ("VVenC intra", "QP 63")
    assert len(settings_of) == len(set(settings_of)) == 16


@pytest.mark.parametrize(
    ("make", "least", "most"),
    [
        (Jpeg, 1, 100),
        (WebP, 0, 100),
        (Avif, 0, 100),
        (JpegXL, 0, 100),
        *((partial(StillVideo, key), 0, 51 if key == "hevc" else 63) for key in still_video.CODERS),
    ],
)
def test_each_end_of_a_range_is_itself_and_what_is_beyond_is_refused(make, least, most):
    image = crop(160, 128)  # of less, VVenC at QP 0 makes more bytes than it has room for, and says so
    ends = [make(point).encode(image) for point in (least, most)]
    assert max(map(len, ends)) > 5 * min(map(len, ends))
    for point, data in zip((least, most), ends, strict=True):
        assert make(point).decode(data).shape == image.shape
    for wrong in (least - 1, most + 1, float(most), True, str(most)):
        with pytest.raises(SmicnbError, match=f"needed: a whole number from {least} to {most}"):
            make(wrong)


def test_jpeg_2000_refuses_rates_that_are_none():
    for bpp in (0, -1, 24.1, float("nan"), float("inf")):
        with pytest.raises(SmicnbError, match="more than 0, at most 24"):
            Jpeg2000(bpp)


def test_jpeg_xl_is_lossless_at_100():
    image = crop(*ODD)
    np.testing.assert_array_equal(JpegXL(100).decode(JpegXL(100).encode(image)), image)


def test_jpegli_starts_where_libjpeg_turbo_falls_behind_it_and_not_before():
    """PSNR at jpegli's rate, libjpeg-turbo's on a line between its qualities."""
    image = photograph()
    turbo = [Jpeg(quality).encode(image) for quality in range(5, 96, 5)]
    sizes, fidelities = [len(data) for data in turbo], [psnr([image], [Jpeg(50).decode(data)])[0] for data in turbo]
    ahead = {}
    for quality in (20, LADDERS["jpegli"][1][-1]):
        data = Jpegli(quality).encode(image)
        ahead[quality] = psnr([image], [Jpegli(quality).decode(data)])[0] - np.interp(len(data), sizes, fidelities)
    assert ahead[20] < 0 < ahead[LADDERS["jpegli"][1][-1]], ahead


def test_a_coder_of_ones_own_is_taken_as_one_of_ours():
    coder, image = still_video.CODERS["av1-svt"], crop(48, 64)
    own = StillVideo(replace(coder, name="SVT, quick", arguments=coder.arguments.replace("preset 2", "preset 10")), 40)
    assert own.name == "SVT, quick"
    assert "preset 10" in own.fingerprint["arguments"]
    assert own.decode(own.encode(image)).shape == image.shape
    assert own.encode(image) != StillVideo("av1-svt", 40).encode(image)


def test_crf_0_of_svt_is_its_best_and_not_its_default():
    image = crop(48, 64)
    sizes = [len(StillVideo("av1-svt", crf).encode(image)) for crf in (0, 1, 35)]
    assert sizes == sorted(sizes, reverse=True)
    assert "crf=0" in StillVideo("av1-svt", 0).fingerprint["arguments"]


def test_given_to_the_encoder_itself_a_crf_makes_the_same_bytes_as_through_ffmpeg(monkeypatch):
    """So that 0, which only goes the first way, is a point of the same curve."""
    coder, image = still_video.CODERS["av1-svt"], crop(48, 64)
    expected = {crf: StillVideo("av1-svt", crf).encode(image) for crf in (1, 15, 63)}
    direct = replace(coder, arguments=coder.at_zero.replace("crf=0", "crf={}"))
    monkeypatch.setitem(still_video.CODERS, "av1-svt", direct)
    assert {crf: StillVideo("av1-svt", crf).encode(image) for crf in expected} == expected


def test_unknown_names_and_wrong_images_are_told():
    with pytest.raises(UnknownNameError, match="did you mean 'jpeg-xl'"):
        ladder("jpegxl")
    with pytest.raises(UnknownNameError, match=r"4:2:0"):
        StillVideo("vvc", 40, "4:4:4")
    for codec in (Jpeg(40), JpegXL(50), StillVideo("vvc", 40)):
        with pytest.raises(ImageError):
            codec.encode(crop(32, 32).astype(np.float32))


@pytest.fixture
def no_memory():
    """Forgets what was found of the programme and the plugin, before and after."""
    caches = still_video.programme, classical.load_pillow_jxl
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.parametrize(
    ("module", "package", "make"),
    [
        ("imageio_ffmpeg", "imageio-ffmpeg", lambda: StillVideo("vvc", 40)),
        ("pillow_jxl", "pillow-jxl-plugin", lambda: JpegXL(50)),
        ("pyjpegli", "pyjpegli", lambda: Jpegli(50)),
    ],
)
def test_what_is_not_installed_is_named_with_its_extra(no_memory, monkeypatch, module, package, make):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SmicnbError) as told:
        make()
    assert package in str(told.value)
    assert "pip install 'smicnb[codecs]'" in str(told.value)


def test_a_programme_that_is_not_there_is_told(no_memory, monkeypatch, tmp_path):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "nowhere"))
    with pytest.raises(SmicnbError, match="no ffmpeg programme that runs"):
        StillVideo("vvc", 40)


def test_bytes_that_are_no_file_are_told_on_one_line():
    with pytest.raises(SmicnbError, match="VVenC intra decodes 41 bytes") as told:
        StillVideo("vvc", 40).decode(b"\0" + b"nothing " * 5)
    assert "\n" not in str(told.value)
    assert "0x" not in str(told.value)  # an address would be another at each call
    assert str(told.value).count("vvc") > 1  # more lines than the first


def test_a_programme_that_hangs_is_ended():
    endless = ["-re", "-f", "lavfi", "-i", "color=c=red:s=32x32:r=1", "-f", "null", "-"]
    start = time.monotonic()
    with pytest.raises(SmicnbError, match=r"waiting: no end after 0\.5 s"):
        still_video.run_ffmpeg(endless, b"", "waiting", timeout=0.5)
    assert time.monotonic() - start < 20


def test_the_plugin_of_jpeg_xl_does_not_change_which_files_pillow_reads():
    code = """
from PIL import Image
from smicnb.compare.images.classical import JpegXL

Image.init()
known = [list(names) for names in (Image.ID, Image.OPEN, Image.SAVE, Image.MIME, Image.EXTENSION)]
JpegXL(50)
assert known == [list(names) for names in (Image.ID, Image.OPEN, Image.SAVE, Image.MIME, Image.EXTENSION)]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
