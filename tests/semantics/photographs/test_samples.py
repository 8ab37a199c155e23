"""White is what a file says it is: of 12, 16 and 32 bits, where white is zero, where one colour is transparent."""

import numpy as np
import pytest
from picture_files import assert_refused, packed12, png, tiff
from PIL import Image

from smicnb.semantics.photographs import samples
from smicnb.semantics.photographs.images import check, probe, read_image

SIDE = 20


def ramp(white, dtype):
    """A picture whose columns go from 0 to `white`, and the 8 bits that they are."""
    columns = np.linspace(0, white, SIDE).round()
    return np.tile(columns.astype(dtype), (SIDE, 1)), np.round(columns * 255 / white).astype(np.uint8)


def assert_columns(path, expected):
    assert probe(path) is None
    assert check(path) == (None, None)
    pixels = read_image(path)
    np.testing.assert_array_equal(pixels, np.broadcast_to(expected[None, :, None], (SIDE, SIDE, 3)))


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize(("white", "dtype", "bits"), [(255, "<u1", 8), (65535, "<u2", 16)])
def test_white_may_be_zero(tmp_path, white, dtype, bits, photometric):
    stored, expected = ramp(white, dtype)
    tiff(tmp_path / "a.tif", stored.tobytes(), SIDE, SIDE, bits, photometric=photometric)
    assert_columns(tmp_path / "a.tif", expected if photometric else 255 - expected)


@pytest.mark.parametrize(
    ("bits", "dtype", "pack", "order"),
    [(12, np.uint16, packed12, "<"), (32, "<u4", np.ndarray.tobytes, "<"), (16, ">u2", np.ndarray.tobytes, ">")],
)
def test_white_of_any_number_of_bits_in_either_byte_order(tmp_path, bits, dtype, pack, order):
    stored, expected = ramp(2**bits - 1, dtype)
    assert_columns(tiff(tmp_path / "a.tif", pack(stored), SIDE, SIDE, bits, order, photometric=1), expected)


@pytest.mark.parametrize(
    ("dtype", "bits", "sample_format"), [("<i1", 8, 2), ("<i2", 16, 2), ("<i4", 32, 2), ("<f4", 32, 3)]
)
def test_signed_and_floating_samples_have_no_white(tmp_path, dtype, bits, sample_format):
    stored, _ = ramp(100, dtype)
    about = {"photometric": 1, "sample_format": sample_format}
    assert_refused(tiff(tmp_path / "a.tif", stored.tobytes(), SIDE, SIDE, bits, **about), samples.NO_RANGE)


def test_planes_of_sixteen_bits_are_not_taken_for_eight(tmp_path):
    planes = [ramp(65535, "<u2")[0].tobytes()] * 3
    path = tiff(tmp_path / "a.tif", planes, SIDE, SIDE, (16,) * 3, photometric=2, planar=2)
    assert_refused(path, samples.NO_PLANES)
    planes = [ramp(255, "u1")[0].tobytes()] * 3
    assert_columns(tiff(tmp_path / "b.tif", planes, SIDE, SIDE, (8,) * 3, photometric=2, planar=2), ramp(255, "u1")[1])


def test_premultiplied_grey_is_whole(tmp_path):
    stored = np.zeros((SIDE, SIDE, 2), np.uint8)  # black, and clear on the left
    stored[:, SIDE // 2 :, 1] = 255
    path = tiff(tmp_path / "a.tif", stored.tobytes(), SIDE, SIDE, (8, 8), photometric=1, extra=1)
    assert_columns(path, np.repeat([255, 0], SIDE // 2).astype(np.uint8))


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_transparent_grey_is_laid_over_white(tmp_path, depth):
    clear, black = 1, 0
    row = np.repeat([clear, black], 16)  # a whole number of bytes at every depth
    bits = "".join(f"{value:0{depth}b}" for value in row)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    path = png(tmp_path / "a.png", [data] * 16, 32, 16, depth, 0, clear.to_bytes(2, "big"))
    pixels = read_image(path)
    assert (pixels[:, :16] == 255).all()
    assert (pixels[:, 16:] == 0).all()


@pytest.mark.parametrize("depth", [8, 16])
def test_a_transparent_colour_is_exactly_that_one(tmp_path, depth):
    clear = b"".join(value.to_bytes(2, "big") for value in (0x12, 0x34, 0x56))
    near = b"".join(value.to_bytes(2, "big") for value in (0x12, 0x34, 0x57))
    step = 1 if depth == 16 else 2
    first = slice(None) if depth == 16 else slice(1, None, step)
    path = png(tmp_path / "a.png", [clear[first] * 16 + near[first] * 16] * 16, 32, 16, depth, 2, clear)
    pixels = read_image(path)
    assert (pixels[:, :16] == 255).all()
    assert (pixels[:, 16:] == ([0x12, 0x34, 0x57] if depth == 8 else 0)).all()


def jpeg_2000(path, pixels, bits):
    """A lossless JPEG 2000 file of 8 bits whose header promises others."""
    Image.fromarray(pixels).save(path, irreversible=False, no_jp2=True)
    data = bytearray(path.read_bytes())
    bands = 1 if pixels.ndim == 2 else pixels.shape[2]
    size = data.index(b"\xff\x51") + 2
    for band in range(bands):
        data[size + 38 + 3 * band] = bits - 1
    path.write_bytes(data)
    return path


def test_jpeg_2000_of_four_bits_is_white_where_it_says(tmp_path):
    levels = np.arange(16).repeat(4)  # stored about the middle of the range, which is 128 or 8
    path = jpeg_2000(tmp_path / "a.j2k", np.tile(levels.astype(np.uint8) + 120, (64, 1)), 4)
    np.testing.assert_array_equal(read_image(path)[5, :, 0], levels * 17)


def test_white_of_deep_jpeg_2000(tmp_path):
    stored, expected = ramp(65535, np.uint16)
    Image.fromarray(stored).save(tmp_path / "grey.jp2", irreversible=False)
    assert_columns(tmp_path / "grey.jp2", expected)
    path = jpeg_2000(tmp_path / "colours.j2k", np.zeros((32, 32, 3), np.uint8), 16)
    assert_refused(path, samples.DEEP_COLOURS)


def test_formats_without_a_stated_white_are_refused(tmp_path):
    # FITS of 16 bits: whole numbers with a sign, on a scale of the author's own.
    cards = ["SIMPLE  =                    T", "BITPIX  =                   16", "NAXIS   =                    2"]
    cards += [f"NAXIS{axis}  = {SIDE:20d}" for axis in (1, 2)] + ["END"]
    (tmp_path / "a.fits").write_bytes("".join(card.ljust(80) for card in cards).ljust(2880).encode() + bytes(2880))
    assert_refused(tmp_path / "a.fits", samples.NO_RANGE)


def test_memory_for_grey_is_bounded(tmp_path):
    import tracemalloc

    stored = np.zeros((2000, 2000), np.uint16)
    Image.fromarray(stored).save(tmp_path / "a.png")
    tracemalloc.start()
    read_image(tmp_path / "a.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * stored.size  # it was 24 bytes a pixel: whole numbers of 64 bits
