import numpy as np
import pytest
from PIL import Image

from smicnb.base.errors import ImageError
from smicnb.semantics.encoders.towers import BATCH, LONGEST, ImageTower, resize_and_crop
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.photographs.images import read_image, size_of


@pytest.mark.parametrize("shape", [(100, 300), (300, 100), (37, 41), (224, 224), (1, 900)])
def test_crop_is_square_and_central(shape):
    image = np.zeros((*shape, 3), np.uint8)
    image[:, :, 0] = np.linspace(0, 255, shape[1]).astype(np.uint8)
    square = resize_and_crop(image, 64)
    assert square.shape == (64, 64, 3)
    if min(shape) > 30:
        assert abs(int(square[:, 31:33, 0].mean()) - 127) <= 4


def as_a_whole(image, side):
    """The square as it was always made: by resizing all of the picture."""
    height, width, _ = image.shape
    short = min(height, width)
    height, width = side * height // short, side * width // short
    top, left = round((height - side) / 2), round((width - side) / 2)
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized.crop((left, top, left + side, top + side)))


def test_committed_photographs_give_the_squares_that_they_always_gave():
    # Whether a picture is resized as a whole depends on its size alone: of each size one, which takes half the time.
    paths = {size_of(item.path): item.path for item in image_collections.load("embedded")}
    assert len(paths) > 25
    for path in paths.values():
        image = read_image(path)
        np.testing.assert_array_equal(resize_and_crop(image, 224), as_a_whole(image, 224), path.name)


@pytest.mark.parametrize("shape", [(20, 20 * (LONGEST + 9)), (20 * (LONGEST + 9), 20), (21, 3001)])
def test_of_a_thin_picture_the_same_square_is_made(shape):
    noise = np.random.default_rng(0).integers(90, 166, (*shape, 3), np.uint8)  # far from where values are cut off
    difference = np.abs(resize_and_crop(noise, 48).astype(int) - as_a_whole(noise, 48))
    assert difference.max() <= 2  # of 255: single precision, and another order of rows and columns


@pytest.mark.parametrize("shape", [(20, 1_500_000), (1_500_000, 20)])
def test_a_thin_picture_takes_little_memory(shape, monkeypatch):
    made = []

    def resize(image, size, *arguments):
        made.append(size[0] * size[1])
        assert made[-1] <= LONGEST * 224**2  # as a whole it would be 3.8 thousand megapixels
        return original(image, size, *arguments)

    original = Image.Image.resize
    monkeypatch.setattr(Image.Image, "resize", resize)
    image = np.full((*shape, 3), 7, np.uint8)
    assert (resize_and_crop(image, 224) == 7).all()
    assert len(made) == 1


def test_squashing_keeps_every_side_and_a_kernel_is_pillow_s():
    image = np.zeros((40, 120, 3), np.uint8)
    image[:, 60:] = 255
    for kernel, filtered in (("bicubic", Image.Resampling.BICUBIC), ("bilinear", Image.Resampling.BILINEAR)):
        expected = np.asarray(Image.fromarray(image).resize((32, 32), filtered))
        np.testing.assert_array_equal(resize_and_crop(image, 32, squash=True, kernel=kernel), expected)


@pytest.mark.parametrize(("squash", "kernel"), [(False, "bicubic"), (True, "bicubic"), (False, "bilinear")])
@pytest.mark.parametrize("side", [40, 150])
def test_the_path_with_gradients_differs_by_rounding_alone(squash, kernel, side):
    """At edges between black and white too, where a bicubic filter goes beyond both."""
    import torch

    rng = np.random.default_rng(0)
    noise = rng.integers(0, 2, (70, 90, 1), np.uint8).repeat(3, 2) * 255
    noise[:, 45:] = 255 * (np.arange(45)[None, :, None] // 15 % 2)
    tower = ImageTower(lambda pixels: pixels, side, (0.0,) * 3, (1.0,) * 3, squash=squash, kernel=kernel)
    pixels = torch.from_numpy(noise).permute(2, 0, 1)[None].float() / 255
    gone = 255 * (tower.encode_pixels(pixels)[0].numpy() - tower([noise])[0])
    assert np.abs(gone).max() < 1.3  # half a level for the result, and half of one that the first side's rounding makes


def test_wrong_arrays_are_refused():
    with pytest.raises(ImageError, match="RGB uint8"):
        resize_and_crop(np.zeros((8, 8, 3), np.float32), 4)


def _means(pixels):
    return pixels.mean(dim=(2, 3))


def test_order_range_and_filling_up():
    tower = ImageTower(_means, 8, (0.5,) * 3, (0.25,) * 3)
    shades = np.arange(BATCH + 3)
    counts = []
    latents = tower((np.full((9, 9, 3), 10 * shade, np.uint8) for shade in shades), counts.append)
    assert latents[:, 0] == pytest.approx((10 * shades / 255 - 0.5) / 0.25, abs=1e-5)
    assert counts == [BATCH, 3]


@pytest.mark.parametrize(("told", "kind"), [("can't allocate memory: 9 bytes", MemoryError), ("shapes", RuntimeError)])
def test_want_of_memory_in_the_network_is_told_as_such(told, kind):
    def network(pixels):
        raise RuntimeError(told)

    with pytest.raises(kind, match=told):
        ImageTower(network, 8, (0.0,) * 3, (1.0,) * 3)([np.zeros((9, 9, 3), np.uint8)])


def test_functions_are_called_for_their_image_and_errors_come_through():
    tower = ImageTower(_means, 8, (0.0,) * 3, (1.0,) * 3)
    assert tower([lambda: np.full((9, 9, 3), 255, np.uint8)])[0] == pytest.approx(1)

    def broken():
        raise ImageError("this one is broken")

    with pytest.raises(ImageError, match="this one is broken"):
        tower([broken])
    with pytest.raises(ImageError, match="no image"):
        tower([])
