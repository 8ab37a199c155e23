"""Any file is read, refused with a reason, or skipped and counted; never a traceback, never a warning."""

import io
import json
import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picture_files import psd
from PIL import Image

from smicnb.base.cache import cache_root
from smicnb.base.errors import ImageError
from smicnb.semantics.encoders.towers import resize_and_crop
from smicnb.semantics.photographs import folders, images
from smicnb.semantics.photographs.folders import list_images
from smicnb.semantics.photographs.images import check, describe, probe, read_image, size_of

pytestmark = pytest.mark.usefixtures("own_cache")


def photograph(height=24, width=40, seed=0):
    """A smooth picture with a distinct colour in every corner."""
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return np.stack([rows * 255, columns * 255, (1 - rows) * (seed % 200 + 50)], 2).astype(np.uint8)


def save(path, seed=0, **options):
    Image.fromarray(photograph(seed=seed)).save(path, **options)
    return path


def png_header(path, width, height):
    """A PNG that promises this size and holds no pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    return path


def test_plain_rgb_is_exact_and_writable(tmp_path):
    pixels = read_image(save(tmp_path / "a.png"))
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable
    np.testing.assert_array_equal(pixels, photograph())


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path, suffix):
    values = np.tile(np.array([0, 128, 257, 1000, 32768, 65407, 65535], np.uint16), (20, 4))
    path = tmp_path / f"grey{suffix}"
    Image.fromarray(values).save(path)
    expected = np.round(values / 257).astype(np.uint8)
    np.testing.assert_array_equal(read_image(path), np.repeat(expected[..., None], 3, 2))


def test_cmyk_is_converted(tmp_path):
    inks = np.zeros((20, 20, 4), np.uint8)
    inks[..., 0] = 255  # full cyan
    Image.fromarray(inks, "CMYK").save(tmp_path / "inks.tif")
    assert (read_image(tmp_path / "inks.tif") == (0, 255, 255)).all()
    Image.fromarray(photograph()).convert("CMYK").save(tmp_path / "inks.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "inks.jpg").astype(int) - photograph()).mean() < 5


def test_transparency_is_laid_over_white(tmp_path):
    clear = np.zeros((20, 20, 4), np.uint8)
    clear[:, 10:] = (200, 100, 0, 255)
    clear[:, 5:10] = (0, 0, 0, 51)
    Image.fromarray(clear).save(tmp_path / "rgba.png")
    pixels = read_image(tmp_path / "rgba.png")
    assert (pixels[:, :5] == 255).all()
    assert (pixels[:, 5:10] == 204).all()  # a fifth of black over white
    assert (pixels[:, 10:] == (200, 100, 0)).all()

    Image.fromarray(clear[..., 2:], "LA").save(tmp_path / "grey.png")
    pixels = read_image(tmp_path / "grey.png")
    assert (pixels[:, :5] == 255).all()
    assert (pixels[:, 10:] == 0).all()


@pytest.mark.parametrize("transparency", [1, b"\xff\x00\xff"])
def test_palette_with_transparency(tmp_path, transparency):
    palette = Image.fromarray(np.tile(np.array([0, 1, 2], np.uint8), (20, 10)), "P")
    palette.putpalette([10, 20, 30, 0, 0, 0, 40, 50, 60])
    palette.save(tmp_path / "p.png", transparency=transparency)
    pixels = read_image(tmp_path / "p.png")
    np.testing.assert_array_equal(pixels[0, :3], [[10, 20, 30], [255, 255, 255], [40, 50, 60]])


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png"])
def test_exif_orientation_is_applied(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate clockwise to see it upright
    path = save(tmp_path / f"turned{suffix}", exif=exif)
    upright = np.rot90(photograph(), -1)
    pixels = read_image(path)
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).mean() < 5


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".webp", ".jp2", ".gif", ".ppm", ".icns", ".avif"])
@pytest.mark.parametrize("orientation", range(10))
def test_the_header_tells_the_size_that_is_read(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / f"turned{suffix}", exif=exif)
    height, width, _ = read_image(path).shape
    assert size_of(path) == (width, height)
    if suffix in (".jpg", ".tif", ".png", ".webp"):
        assert (width > height) == (orientation not in images.SIDEWAYS)
    (tmp_path / "none.jpg").write_bytes(b"no photograph")
    with pytest.raises(ImageError, match="cannot use"):
        size_of(tmp_path / "none.jpg")


def test_damaged_exif_does_not_stop_a_photograph(tmp_path):
    path = save(tmp_path / "a.jpg", exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x09\x00\x12\x01\x03\x00")
    assert read_image(path).shape == (24, 40, 3)
    assert size_of(path) == (40, 24)
    assert check(path) == (None, None)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_the_first_of_several_frames_is_used_and_noted(tmp_path, suffix):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    path = tmp_path / f"moving{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    assert (read_image(path) == (255, 0, 0)).all()
    listing = list_images(tmp_path)
    assert [file.name for file in listing.files] == [f"moving{suffix}"]
    assert listing.notes == {images.FIRST_FRAME: 1}
    assert listing.skipped == {}


def test_a_photograph_with_a_second_one_behind_it_is_no_animation(tmp_path):
    pair = [Image.fromarray(photograph(seed=seed)) for seed in (0, 1)]
    pair[0].save(tmp_path / "telephone.jpg", format="MPO", save_all=True, append_images=pair[1:])
    assert check(tmp_path / "telephone.jpg") == (None, None)


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_a_photoshop_document_is_read_as_it_is_checked(tmp_path, layers):
    path = psd(tmp_path / "a.psd", photograph(), layers)
    np.testing.assert_array_equal(read_image(path), photograph())
    assert probe(path) is None
    assert check(path) == (None, None)
    assert [file.name for file in list_images(tmp_path).files] == ["a.psd"]


def test_a_damaged_second_frame_does_not_take_the_first(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (3, 24, 40, 3), np.uint8)
    pages = [Image.fromarray(page) for page in noise]
    pages[0].save(tmp_path / "a.gif", save_all=True, append_images=pages[1:])
    first = read_image(tmp_path / "a.gif")
    whole = (tmp_path / "a.gif").read_bytes()
    (tmp_path / "a.gif").write_bytes(whole[: len(whole) * 2 // 5])  # the first frame is about a third
    np.testing.assert_array_equal(read_image(tmp_path / "a.gif"), first)
    assert check(tmp_path / "a.gif")[0] is None


@pytest.mark.parametrize(
    ("size", "seen"),
    [((255, 300), (255, 300)), ((256, 300), (128, 150)), ((300, 511), (150, 256)), ((1025, 1101), (129, 138))],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_large_jpeg_is_decoded_at_the_least_scale_that_leaves_a_network_enough(tmp_path, size, seen, turned):
    height, width = size
    smooth = np.linspace(0, 255, height)[:, None, None] + np.linspace(0, 255, width)[None, :, None]
    picture = Image.fromarray((smooth / 2 + np.zeros(3)).astype(np.uint8))
    exif = Image.Exif()
    exif[images.ORIENTATION] = 6 if turned else 1
    picture.save(tmp_path / "a.jpg", quality=95, exif=exif)
    picture.save(tmp_path / "a.png")
    whole, small = read_image(tmp_path / "a.jpg"), read_image(tmp_path / "a.jpg", side=32)
    assert small.shape[:2] == (seen[::-1] if turned else seen)
    assert images.size_of(tmp_path / "a.jpg") == whole.shape[1::-1]
    expected = Image.fromarray(whole).resize(small.shape[1::-1], Image.Resampling.BOX)
    assert np.abs(small.astype(int) - np.asarray(expected)).max() <= 6  # the ramp's steps at the eighth scale
    assert read_image(tmp_path / "a.png", side=32).shape[:2] == size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_network_sees_the_same_of_a_reduced_jpeg_whose_sides_no_scale_divides(tmp_path, orientation):
    """Of the last column 1 of 8 pixels is the photograph's, and of the last row: stretched to a whole one, all lies
    where it should not.
    """
    noise = np.random.default_rng(0).integers(0, 256, (27, 30, 3), np.uint8)
    picture, exif = Image.fromarray(noise).resize((1113, 1025), Image.Resampling.BICUBIC), Image.Exif()
    exif[images.ORIENTATION] = orientation
    picture.save(tmp_path / "a.jpg", quality=95, exif=exif)
    whole, small = read_image(tmp_path / "a.jpg"), read_image(tmp_path / "a.jpg", side=32)
    assert sorted(small.shape[:2]) == [129, 140]
    wanted = resize_and_crop(whole, 32).astype(int)
    found, stretched = (np.abs(resize_and_crop(each, 32) - wanted) for each in (small, np.array(small)))
    assert 2 * found.mean() < stretched.mean()
    assert found.max() <= 8


def test_a_large_jpeg_that_ends_early_is_damaged_at_every_scale(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (600, 700, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) * 9 // 10])
    assert check(tmp_path / "a.jpg") == (images.DAMAGED, None)
    for side in (None, 16, 32, 64, 150):
        with pytest.raises(ImageError, match=images.DAMAGED):
            read_image(tmp_path / "a.jpg", side=side)


def test_what_is_checked_is_what_is_read(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png")
    monkeypatch.setattr(images, "oriented_size", lambda image, size: (41, 24))
    assert check(path) == (images.OTHER_SIZE, None)
    with pytest.raises(ImageError, match=images.OTHER_SIZE):
        read_image(path)


def test_want_of_memory_names_the_image_and_the_others_go_on(tmp_path, monkeypatch):
    for seed, name in enumerate(("a.png", "b.png", "c.png")):
        save(tmp_path / name, seed=seed)
    original = images.to_rgb

    def short(picture):
        if picture.file.name.endswith("b.png"):
            raise MemoryError
        return original(picture)

    monkeypatch.setattr(images, "to_rgb", short)
    with pytest.raises(ImageError) as caught:
        read_image(tmp_path / "b.png")
    assert str(caught.value) == (
        f"cannot use '{tmp_path / 'b.png'}': not enough memory; use a smaller one, or a larger machine"
    )
    listing = list_images(tmp_path)
    assert [file.name for file in listing.files] == ["a.png", "c.png"]
    assert listing.skipped == {"not enough memory for 'b.png'": 1}
    monkeypatch.undo()
    assert len(list_images(tmp_path).files) == 3  # it is no property of the file, and not remembered


def unusable(folder):
    """Files of every unusable kind with the reason expected."""
    whole = save(folder / "whole.jpg").read_bytes()
    (folder / "whole.jpg").unlink()
    (folder / "text.jpg").write_text("a text, whatever its name says")
    (folder / "empty.png").write_bytes(b"")
    (folder / "short.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    Image.new("RGB", (1, 1)).save(folder / "point.png")
    Image.new("RGB", (2000, 15)).save(folder / "line.png")
    png_header(folder / "bomb.png", 20_000, 20_000)
    png_header(folder / "large.png", 10_100, 10_000)
    png_header(folder / "hollow.png", 100, 100)
    Image.fromarray(np.full((20, 20), 0.5, np.float32)).save(folder / "float.tif")
    Image.fromarray(np.full((20, 20), 100_000, np.int32)).save(folder / "long.tif")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "gone.jpg").symlink_to("nowhere.jpg")
    return {
        "text.jpg": images.NOT_AN_IMAGE,
        "empty.png": images.NOT_AN_IMAGE,
        "short.jpg": images.DAMAGED,
        "point.png": images.TOO_SMALL,
        "line.png": images.TOO_SMALL,
        "bomb.png": images.TOO_LARGE,
        "large.png": images.TOO_LARGE,
        "hollow.png": images.DAMAGED,
        "float.tif": images.NO_RANGE,
        "long.tif": images.NO_RANGE,
        "pipe.jpg": images.NOT_AN_IMAGE,
        "loop.jpg": images.UNREADABLE,
        "gone.jpg": images.UNREADABLE,
    }


def test_each_unusable_file_is_refused_with_its_reason(tmp_path):
    for name, reason in unusable(tmp_path).items():
        with pytest.raises(ImageError) as caught:
            read_image(tmp_path / name)
        needed = images.NEEDED.get(reason, "a whole image file that Pillow reads")
        assert str(caught.value) == f"cannot use '{tmp_path / name}': {reason}; needed: {needed}"
        assert check(tmp_path / name) == (reason, None)


def test_unusable_files_are_skipped_and_counted(tmp_path):
    reasons = unusable(tmp_path)
    save(tmp_path / "good.png")
    (tmp_path / "notes.txt").write_text("no image, and claims to be none")
    (tmp_path / "film.mpg").write_bytes(b"\x00\x00\x01\xb3")
    listing = list_images(tmp_path)
    assert [file.name for file in listing.files] == ["good.png"]
    assert listing.skipped == {reason: list(reasons.values()).count(reason) for reason in sorted(set(reasons.values()))}


def test_the_header_alone_decides_on_size(tmp_path):
    assert probe(png_header(tmp_path / "b.png", 20_000, 20_000)) == "more than 100 megapixels"
    # Pillow itself would warn of this one, which is within our bound.
    assert probe(png_header(tmp_path / "c.png", 9_600, 10_000)) is None
    assert probe(png_header(tmp_path / "d.png", 15, 400)) == "smaller than 16 pixels on a side"
    assert probe(png_header(tmp_path / "e.png", 16, 400)) is None


def test_a_folder_without_images_says_what_was_met(tmp_path):
    with pytest.raises(ImageError) as caught:
        list_images(tmp_path)
    assert str(caught.value) == (f"no usable image in '{tmp_path}'; needed: at least one image file that Pillow reads")
    (tmp_path / "a.jpg").write_text("text")
    (tmp_path / "b.jpg").write_text("other text")
    Image.new("RGB", (1, 1)).save(tmp_path / "c.png")
    with pytest.raises(ImageError, match=r"\(not an image: 2, smaller than 16 pixels on a side: 1\)"):
        list_images(tmp_path)


def test_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(ImageError) as caught:
        list_images(tmp_path / "none")
    why = "cannot be read as a folder (No such file or directory); needed: a folder of images"
    assert str(caught.value) == f"'{tmp_path}/none' {why}"
    with pytest.raises(ImageError, match="Not a directory"):
        list_images(save(tmp_path / "a.png"))


@pytest.fixture
def closed(monkeypatch):
    """Make some paths refuse to be opened, as permission bits do for all but root."""
    shut = set()
    scandir, opener = os.scandir, type(cache_root()).open

    def guard(original):
        def call(path, *arguments, **options):
            if str(path) in shut:
                raise PermissionError(13, "Permission denied", str(path))
            return original(path, *arguments, **options)

        return call

    monkeypatch.setattr(os, "scandir", guard(scandir))
    monkeypatch.setattr(type(cache_root()), "open", guard(opener))
    return shut


def test_a_folder_without_permission_is_one_clear_line(tmp_path, closed):
    save(tmp_path / "a.png")
    closed.add(str(tmp_path))
    with pytest.raises(ImageError) as caught:
        list_images(tmp_path)
    assert str(caught.value) == (
        f"'{tmp_path}' cannot be read as a folder (Permission denied); needed: a folder of images"
    )


def test_a_subfolder_or_file_without_permission_is_counted(tmp_path, closed):
    (tmp_path / "sub").mkdir()
    for name in ("a.png", "b.png", "sub/c.png"):
        save(tmp_path / name)
    closed |= {str(tmp_path / "sub"), str(tmp_path / "b.png")}
    listing = list_images(tmp_path)
    assert [file.name for file in listing.files] == ["a.png"]
    assert listing.skipped == {"folder not readable": 1, "not readable": 1}


def test_links_are_followed_once_and_hidden_files_passed_over(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".thumbnails").mkdir()
    for seed, name in enumerate(("b.PNG", "a.jpeg", "deep/z.webp", "deep/er/y.bmp", "._a.png", ".thumbnails/t.png")):
        save(tmp_path / name, seed=seed)
    (tmp_path / "deep" / "up").symlink_to("..")
    (tmp_path / "deep" / "self").symlink_to("self")
    listing = list_images(tmp_path)
    assert [file.name for file in listing.files] == ["a.jpeg", "b.PNG", "deep/er/y.bmp", "deep/z.webp"]
    assert listing.skipped == {}


def test_of_equal_files_one_is_kept(tmp_path):
    for name in ("b.png", "a.png", "c.png"):
        save(tmp_path / name)
    listing = list_images(tmp_path)
    assert [file.name for file in listing.files] == ["a.png"]
    assert listing.skipped == {"same bytes as another file": 2}


def test_verdicts_are_remembered_by_content(tmp_path, monkeypatch):
    save(tmp_path / "a.png", seed=1)
    save(tmp_path / "b.png", seed=2)
    (tmp_path / "short.png").write_bytes((tmp_path / "a.png").read_bytes()[:-40])
    first = list_images(tmp_path)
    assert first.skipped == {images.DAMAGED: 1}
    decoded = []
    monkeypatch.setattr(folders, "check", lambda path: decoded.append(path.name) or check(path))
    assert list_images(tmp_path) == first
    assert decoded == []
    save(tmp_path / "b.png", seed=3)
    assert list_images(tmp_path).files[1].sha256 != first.files[1].sha256
    assert decoded == ["b.png"]


@pytest.mark.parametrize(
    "damage", [lambda text: text[:20], lambda text: "[]", lambda text: text.replace('"rules"', '"r"')]
)
def test_a_damaged_memory_is_only_forgotten(tmp_path, damage):
    save(tmp_path / "a.png")
    first = list_images(tmp_path)
    (remembered,) = (cache_root() / "image-verdicts").iterdir()
    assert json.loads(remembered.read_text())["verdicts"] == {first.files[0].sha256: [None, None]}
    remembered.write_text(damage(remembered.read_text()))
    assert list_images(tmp_path) == first


def test_listing_works_without_a_cache(tmp_path, monkeypatch):
    save(tmp_path / "a.png")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(list_images(tmp_path).files) == 1


def test_warning_filters_are_left_as_they_were(tmp_path):
    for seed in range(12):
        save(tmp_path / f"{seed}.jpg", seed=seed, exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x09\x00\x12\x01")
    before = list(warnings.filters)
    assert len(list_images(tmp_path).files) == 12
    assert warnings.filters == before


def test_counts_read_as_one_phrase():
    assert describe({"b": 2, "a": 1}) == "a: 1, b: 2"


def encoded(suffix):
    file = io.BytesIO()
    Image.fromarray(photograph()).save(file, format=suffix)
    return file.getvalue()


@pytest.mark.parametrize("suffix", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"])
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_give_pixels_or_a_reason(tmp_path, suffix, data):
    whole = bytearray(encoded(suffix))
    for _ in range(data.draw(st.integers(0, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.bin"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    reason, _ = check(path)
    if reason is None:
        pixels = read_image(path)
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3
        assert pixels.shape[2] == 3
    else:
        with pytest.raises(ImageError, match=f": {reason}; needed: "):
            read_image(path)
