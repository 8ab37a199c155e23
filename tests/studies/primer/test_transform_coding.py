"""Eq. 1.1 and 1.2 against JPEG files, which say of themselves what is right."""

import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from smicnb.base.errors import DimensionError
from smicnb.semantics.photographs import image_collections
from smicnb.studies.primer import transform_coding as tc

IMAGES = arrays(np.uint8, st.sampled_from([(8, 8, 3), (16, 8, 3), (8, 24, 3)]))
QUANTISED = arrays(np.int64, st.sampled_from([(1, 1, 1, 8, 8), (2, 3, 3, 8, 8)]), elements=st.integers(-40, 40))


@pytest.fixture(scope="module")
def photograph():
    items = {item.id: item for item in image_collections.load("embedded")}
    return tc.centre_crop(items["coffee/coffee.png#full"].image(), 256)


@given(IMAGES)
@settings(deadline=None, max_examples=25)
def test_the_transform_is_orthonormal(image):
    planes = tc.to_ycbcr(image)
    coefficients = tc.transform(planes)
    np.testing.assert_allclose(tc.inverse_transform(coefficients), planes, atol=1e-9)
    np.testing.assert_allclose(np.sum(coefficients**2), np.sum((planes - 128) ** 2), rtol=1e-9, atol=1e-6)


@given(IMAGES)
@settings(deadline=None, max_examples=25)
def test_colours_come_back_and_stay_in_their_range(image):
    planes = tc.to_ycbcr(image)
    assert planes.min() >= -1e-9
    assert planes.max() <= 255.5 + 1e-9
    np.testing.assert_array_equal(tc.to_rgb(planes), image)


def test_colours_are_those_of_jfif(photograph):
    theirs = np.asarray(Image.fromarray(photograph).convert("YCbCr"), float)
    assert np.abs(tc.to_ycbcr(photograph) - theirs).max() < 1.01  # Pillow's integers are cut off, not rounded


def test_a_block_of_one_cosine_has_one_coefficient():
    x = np.arange(8)
    wave = 100 * np.cos((2 * x + 1) * 3 * math.pi / 16)
    plane = np.tile(wave, (8, 1))[..., None] + 128
    coefficients = tc.transform(plane)[0, 0, 0]
    expected = np.zeros((8, 8))
    expected[0, 3] = 100 * 4 * math.sqrt(2)  # 100 times the norm of this wave over 64 pixels
    np.testing.assert_allclose(coefficients, expected, atol=1e-9)


@pytest.mark.parametrize("quality", range(1, 101, 3))
def test_steps_are_those_that_pillow_writes(quality):
    data = tc.jpeg_bytes(np.zeros((8, 8, 3), np.uint8), quality)
    written = Image.open(io.BytesIO(data)).quantization
    ours = tc.steps(quality)
    np.testing.assert_array_equal(ours[0].ravel(), written[0])
    np.testing.assert_array_equal(ours[1].ravel(), written[1])
    np.testing.assert_array_equal(ours[2], ours[1])


@pytest.mark.parametrize("quality", [0, 101])
def test_no_such_quality(quality):
    with pytest.raises(ValueError, match=f"quality={quality}; needed: 1 to 100"):
        tc.steps(quality)


def test_a_part_of_a_block_is_refused():
    with pytest.raises(DimensionError, match="an image of 8×12 pixels; needed: sides that are multiples of 8"):
        tc.encode(np.zeros((8, 12, 3), np.uint8), 50)


@pytest.fixture(scope="module")
def grey(photograph):
    """Without colours there is no colour transform whose rounding a comparison would have to allow for."""
    return np.asarray(Image.fromarray(photograph).convert("L"))


def unclipped(pixels):
    """The blocks without black or white, whose decoded pixels give the file's coefficients back."""
    rows, columns = (side // 8 for side in pixels.shape)
    return ((pixels > 0) & (pixels < 255)).reshape(rows, 8, columns, 8).all(axis=(1, 3))


@pytest.mark.parametrize("quality", [10, 30, 50])
def test_luma_coefficients_and_pixels_are_those_of_pillows_file(grey, quality):
    """Up to ties: libjpeg's integer DCT may round a value the other way that lies between two steps."""
    steps = tc.steps(quality)[:1]
    coefficients = tc.transform(grey[..., None])
    ours = np.rint(coefficients / steps)
    pixels = tc.jpeg_pixels(tc.jpeg_bytes(grey, quality))
    theirs = np.rint(tc.transform(pixels[..., None]) / steps)
    compared = unclipped(pixels)
    assert compared.mean() > 0.85
    assert np.mean(ours[compared] == theirs[compared]) > 0.999
    assert np.all((np.abs(coefficients - theirs * steps) <= steps / 2 + 0.25)[compared])
    decoded = np.clip(np.rint(tc.inverse_transform(ours * steps)[..., 0]), 0, 255)
    equal = compared & (ours == theirs).all(axis=(-3, -2, -1))
    assert equal.mean() > 0.85
    assert np.abs(decoded - pixels)[np.kron(equal, np.ones((8, 8), bool))].max() <= 1


@pytest.mark.parametrize("quality", [10, 50, 80])
def test_decoded_colours_are_those_that_pillow_decodes(photograph, quality):
    """Up to ties, and to libjpeg's Y, Cb and Cr, which it rounds to integers on both ways."""
    ours = tc.decode(tc.encode(photograph, quality), quality).astype(int)
    difference = np.abs(ours - tc.jpeg_pixels(tc.jpeg_bytes(photograph, quality)))
    assert np.median(difference) <= 1
    assert np.mean(difference <= 2) > 0.9


@given(arrays(np.int64, st.integers(1, 60), elements=st.integers(-3, 3)), st.integers(-1000, 1000), st.randoms())
@settings(deadline=None)
def test_entropy_knows_shares_only(values, shift, random):
    bits = tc.entropy(values)
    assert 0 <= bits <= math.log2(len(np.unique(values))) + 1e-12
    mixed = list(values)
    random.shuffle(mixed)
    assert tc.entropy(np.array(mixed) + shift) == pytest.approx(bits)
    assert tc.entropy(np.concatenate([values, values])) == pytest.approx(bits)


def test_entropy_of_known_shares():
    assert tc.entropy(np.array([7, 7, 7])) == 0
    assert tc.entropy(np.array([0, 0, 1, 2])) == 1.5


@given(QUANTISED)
@settings(deadline=None, max_examples=25)
def test_symbols_are_differences_along_rows_and_come_back(quantised):
    symbols = tc.to_symbols(quantised)
    np.testing.assert_array_equal(tc.from_symbols(symbols), quantised)
    np.testing.assert_array_equal(symbols[:, 0], quantised[:, 0])
    np.testing.assert_array_equal(symbols[:, 1:, :, 0, 0], np.diff(quantised[..., 0, 0], axis=1))


def test_the_estimate_sums_entropies_per_frequency():
    quantised = np.zeros((2, 2, 3, 8, 8), np.int64)
    assert tc.estimated_rate(quantised) == 0
    quantised[0, :, 1, 2, 5] = 4  # half of the blocks: one bit for each
    quantised[0, :, 0, 0, 0] = 6, 6  # differences 6, 0 and 0, 0
    bits = tc.entropies(quantised)
    assert bits.shape == (3, 8, 8)
    assert bits[1, 2, 5] == 1
    assert bits[0, 0, 0] == pytest.approx(0.25 * 2 + 0.75 * math.log2(4 / 3))
    assert tc.estimated_rate(quantised) == pytest.approx((bits[1, 2, 5] + bits[0, 0, 0]) / 64)


def test_rate_and_distortion_of_each_codec(photograph):
    rows = tc.rate_distortion(photograph, [20, 80])
    by_codec = {}
    for row in rows:
        by_codec.setdefault(row["codec"], []).append(row)
    assert [row["rate"] for row in rows if row["quality"] == 20] == ["estimate", "file", "file", "file"]
    for coarse, fine in by_codec.values():
        assert coarse["bits_per_pixel"] < fine["bits_per_pixel"]
        assert coarse["psnr"] < fine["psnr"]
    ours, standard, fitted, halved = (pair[1] for pair in by_codec.values())
    assert standard["psnr"] == fitted["psnr"] == pytest.approx(ours["psnr"], abs=0.2)
    assert halved["bits_per_pixel"] < fitted["bits_per_pixel"] < standard["bits_per_pixel"]
    length = len(tc.jpeg_bytes(photograph, 80, fitted=False))
    assert standard["bits_per_pixel"] == 8 * length / 256**2


def test_the_busy_block_is_the_first_of_its_kind():
    quantised = np.zeros((1, 5, 3, 8, 8), np.int64)
    for column, count in enumerate([3, 0, 1, 2, 3]):
        quantised[0, column, 0].flat[:count] = 1
    assert [tc.busy_block(quantised, share) for share in (0, 0.5, 1)] == [(0, 1), (0, 3), (0, 0)]


def test_the_crop_is_the_middle_in_whole_blocks():
    image = np.arange(20 * 33 * 3).reshape(20, 33, 3)
    cut = tc.centre_crop(image, 24)
    assert cut.shape == (16, 24, 3)
    np.testing.assert_array_equal(cut, image[2:18, 4:28])
