"""A picture is read in the colours that a viewer shows, and profiles that do not hold are as good as none."""

import io
import warnings
from concurrent.futures import ThreadPoolExecutor

import colour_profiles
import numpy as np
import pytest
from colour_profiles import ADOBE, D65, P3, PROPHOTO, PROPHOTO_WHITE, SRGB, SWAPPED, converted, encoded
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from smicnb.semantics.photographs import profiles
from smicnb.semantics.photographs.images import check, probe, read_image, size_of

SPACES = {
    "display-p3": (P3, D65, None),
    "adobe-rgb": (ADOBE, D65, 563 / 256),
    "prophoto": (PROPHOTO, PROPHOTO_WHITE, 1.8),
    "swapped": (SWAPPED, D65, None),
}
RED_FOR_GREEN = colour_profiles.rgb(SWAPPED)
OWN_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# A JPEG XL code stream of 16×16 pixels of (0, 200, 100) in Display P3, as libjxl wrote it: Pillow's plugin writes sRGB.
P3_JPEG_XL = bytes.fromhex("ff0a434040263702080001003c004b188b15805df6ff00432bee2f9b90")


def picture(height=24, width=40):
    """Every corner another colour, and all between."""
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return np.stack([rows * 255, columns * 255, 255 - rows * 255], 2).astype(np.uint8)


def save(path, pixels, profile, mode=None, **options):
    image = Image.fromarray(pixels)
    if mode:
        image = Image.frombytes(mode, image.size, pixels.tobytes())
    image.save(path, icc_profile=profile, **options)
    return path


def shown(path, profile):
    """What a file's pixels, read without their profile, are in sRGB by LittleCMS alone."""
    image = Image.fromarray(read_image(path, profiles=False))
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return np.asarray(ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB"))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".avif"])
def test_what_every_viewer_shows_red_is_red(tmp_path, suffix):
    green = np.full((20, 30, 3), (0, 255, 0), np.uint8)
    path = save(tmp_path / f"red{suffix}", green, RED_FOR_GREEN)
    assert np.abs(read_image(path).astype(int) - (255, 0, 0)).max() <= 4
    assert np.abs(read_image(path, profiles=False).astype(int) - (0, 255, 0)).max() <= 4
    assert check(path) == (None, None)


@pytest.mark.parametrize("space", SPACES)
def test_colours_are_those_of_the_formulas(tmp_path, space):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    path = save(tmp_path / "a.png", pixels, colour_profiles.rgb(*SPACES[space]))
    assert np.abs(read_image(path) - converted(pixels, *SPACES[space])).max() < 1.5
    np.testing.assert_array_equal(read_image(path, profiles=False), pixels)


@pytest.mark.parametrize("profile", [OWN_SRGB, colour_profiles.rgb(SRGB), None])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_what_is_in_srgb_stays_bit_for_bit(tmp_path, suffix, profile):
    pixels = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    np.testing.assert_array_equal(read_image(save(tmp_path / f"a{suffix}", pixels, profile)), pixels)


def test_jpeg_xl_says_what_its_decoded_pixels_are(tmp_path, jpeg_xl_is_written):
    pytest.importorskip("pillow_jxl")
    (tmp_path / "a.jxl").write_bytes(P3_JPEG_XL)
    assert (read_image(tmp_path / "a.jxl", profiles=False) == (0, 200, 100)).all()
    assert np.abs(read_image(tmp_path / "a.jxl") - converted([0, 200, 100], P3)).max() <= 1
    save(tmp_path / "b.jpg", picture(), RED_FOR_GREEN)
    with Image.open(tmp_path / "b.jpg") as photograph, warnings.catch_warnings(action="ignore"):
        photograph.save(tmp_path / "b.jxl")  # the JPEG file as it is, with its profile
    np.testing.assert_array_equal(read_image(tmp_path / "b.jxl"), read_image(tmp_path / "b.jpg"))


@pytest.mark.parametrize("gamma", [1.0, 2.2])
def test_greys_are_converted_by_profiles_of_grey(tmp_path, gamma):
    profile = colour_profiles.grey(gamma)
    greys = np.tile(np.arange(256, dtype=np.uint8), (20, 1))
    wanted = 255 * encoded((greys / 255) ** (round(256 * gamma) / 256))
    for name, pixels in {
        "plain.png": greys,
        "plain.jpg": greys,
        "deep.png": greys.astype(np.uint16) * 257,
        "clear.png": np.dstack([greys, np.full_like(greys, 255)]),
    }.items():
        found = read_image(save(tmp_path / name, pixels, profile, **({"quality": 100} if "jpg" in name else {})))
        assert np.abs(found - wanted[..., None]).max() <= 1, name
    two = Image.fromarray(greys).convert("1")
    two.save(tmp_path / "two.png", icc_profile=profile)
    np.testing.assert_array_equal(read_image(tmp_path / "two.png")[..., 0], np.asarray(two) * 255)


def test_greys_of_srgb_stay_bit_for_bit(tmp_path):
    greys = np.tile(np.arange(256, dtype=np.uint8), (20, 1))
    path = save(tmp_path / "a.png", greys, colour_profiles.grey())
    np.testing.assert_array_equal(read_image(path), np.repeat(greys[..., None], 3, 2))


@pytest.mark.parametrize("suffix", [".tif", ".jpg"])
def test_inks_are_converted_by_their_own_profile(tmp_path, suffix):
    """Here cyan is a middle grey, and black is all inks together."""
    lightness = [255 - 126 * (corner >> 3) - 43 * (corner & 7).bit_count() for corner in range(16)]
    cyan = np.zeros((20, 20, 4), np.uint8)
    cyan[..., 0] = 255
    path = save(tmp_path / f"a{suffix}", cyan, colour_profiles.inks(lightness), "CMYK")
    found = read_image(path)[0, 0].astype(int)
    assert np.abs(found - 120).max() <= 2  # of L* 50.6
    assert read_image(path, profiles=False)[0, 0].tolist() == [0, 255, 255]
    np.testing.assert_array_equal(read_image(save(tmp_path / "none.tif", cyan, None, "CMYK"))[0, 0], [0, 255, 255])


@pytest.mark.parametrize("profile", [None, b"none", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()])
def test_cielab_is_colour_by_itself(tmp_path, profile):
    pixels = np.zeros((20, 30, 3), np.uint8)  # a and b have signs
    pixels[:, :10] = (255, 0, 0)
    pixels[:, 10:20] = (137, 0, 0)
    pixels[:, 20:] = (138, 81, 70)  # L* 54, a* 81 and b* 70 to whole numbers: near sRGB's red
    path = save(tmp_path / "a.tif", pixels, profile, "LAB")
    assert probe(path) is None
    found = read_image(path)[0].astype(int)
    assert np.abs(found[[0, 10, 25]] - [(255, 255, 255), (128, 128, 128), (255, 0, 0)]).max() <= 6


def test_transparency_is_laid_over_white_after_the_colours(tmp_path):
    clear = np.zeros((20, 30, 4), np.uint8)
    clear[:, :10] = (0, 255, 0, 255)
    clear[:, 10:20] = (0, 255, 0, 51)
    pixels = read_image(save(tmp_path / "rgba.png", clear, RED_FOR_GREEN))
    np.testing.assert_array_equal(pixels[0, [0, 10, 20]], [(255, 0, 0), (255, 204, 204), (255, 255, 255)])

    shaded = np.array([[(128, 255), (128, 51), (128, 0)]], np.uint8).repeat(20, 0).repeat(10, 1)
    pixels = read_image(save(tmp_path / "la.png", shaded, colour_profiles.grey(1.0)))
    np.testing.assert_array_equal(pixels[0, [0, 10, 20], 0], [188, 242, 255])  # a fifth of 188 over white

    palette = Image.fromarray(np.tile(np.array([0, 1, 2], np.uint8), (20, 10)), "P")
    palette.putpalette([0, 255, 0, 0, 255, 0, 255, 0, 0])
    palette.save(tmp_path / "p.png", transparency=1, icc_profile=RED_FOR_GREEN)
    pixels = read_image(tmp_path / "p.png")
    np.testing.assert_array_equal(pixels[0, :3], [(255, 0, 0), (255, 255, 255), (0, 255, 0)])

    opaque = np.tile(np.array([(0, 255, 0), (255, 0, 0)], np.uint8), (20, 10, 1))
    pixels = read_image(save(tmp_path / "key.png", opaque, RED_FOR_GREEN, transparency=(0, 255, 0)))
    np.testing.assert_array_equal(pixels[0, :2], [(255, 255, 255), (0, 255, 0)])


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png"])
def test_orientation_and_profile_both_hold(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / f"a{suffix}", picture(), RED_FOR_GREEN, exif=exif)
    pixels = read_image(path)
    assert size_of(path) == (24, 40) == pixels.shape[1::-1]
    assert np.abs(pixels.astype(int) - shown(path, RED_FOR_GREEN)).max() <= 1
    assert np.abs(pixels.astype(int) - np.rot90(picture(), -1)[..., [1, 0, 2]]).mean() < 5


@pytest.mark.parametrize(
    "profile",
    [
        b"",
        b"no profile at all",
        RED_FOR_GREEN[:100],
        RED_FOR_GREEN[:300],
        RED_FOR_GREEN[:128],
        RED_FOR_GREEN[:36] + b"psca" + RED_FOR_GREEN[40:],
        colour_profiles.grey(2.2),
        colour_profiles.inks(range(0, 256, 16)),
        colour_profiles.profile(b"RGB ", b"XYZ "),
        RED_FOR_GREEN + bytes(profiles.MOST_BYTES),
    ],
    ids=["empty", "words", "head", "cut", "no tags", "not signed", "grey", "inks", "no curves", "too large"],
)
def test_a_profile_that_does_not_hold_is_as_good_as_none(tmp_path, profile):
    path = save(tmp_path / "a.tif", picture(), profile)
    with warnings.catch_warnings(action="error"):
        np.testing.assert_array_equal(read_image(path), picture())
        assert check(path) == (None, None)


def test_greys_with_a_profile_of_colours_are_greys(tmp_path):
    greys = np.tile(np.arange(256, dtype=np.uint8), (20, 1))
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.png", greys, RED_FOR_GREEN))[..., 0], greys)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_no_bytes_of_a_profile_stop_a_picture(data):
    channels, profile = data.draw(
        st.sampled_from(
            [
                ("RGB", RED_FOR_GREEN),
                ("RGB", OWN_SRGB),
                ("L", colour_profiles.grey(2.2)),
                ("CMYK", colour_profiles.inks(range(0, 256, 16))),
                ("LAB", profiles.cielab()),
            ]
        )
    )
    damaged = bytearray(profile)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, min(len(damaged), 400) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(damaged[: data.draw(st.integers(0, len(damaged)))] if data.draw(st.booleans()) else damaged)
    found = profiles.srgb(Image.new(channels, (5, 4)), damaged)
    assert (found.mode, found.size) == ("RGB", (5, 4))


def test_what_a_tag_holds_in_place_of_bytes_is_no_profile():
    assert profiles.srgb(Image.new("RGB", (5, 4)), (1, 2)).tobytes() == bytes(60)


def test_pictures_of_one_profile_share_its_conversion_in_any_thread(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    paths = [save(tmp_path / f"{space}.png", pixels, colour_profiles.rgb(*SPACES[space])) for space in SPACES]
    alone = [read_image(path) for path in paths]
    profiles.conversion.cache_clear()
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(read_image, paths * 10))
    for number, found in enumerate(together):
        np.testing.assert_array_equal(found, alone[number % len(paths)])
    found = profiles.conversion.cache_info()
    assert found.hits >= 40 - 4 * len(SPACES)  # threads may make one at the same time
    assert found.currsize == len(SPACES)
