"""A picture's colours as sRGB, by the ICC profile that its file carries.

What red a file means by (255, 0, 0) is said by its colour profile alone. LittleCMS 2, which Pillow brings with it,
computes what it is in sRGB. Profiles come from outside: one that does not hold is as good as none.
"""

import io
from collections.abc import Callable
from functools import cache, lru_cache, partial
from itertools import product

import numpy as np
from PIL import Image, ImageCms

MOST_BYTES = 1 << 22  # of a profile; those of printing presses, which are the largest, have one to three million

# Browsers render perceptually: of profiles with several tables it is the one for pictures, and the others have one
# way only. Black becomes black, which LittleCMS sees to for sRGB anyway.
_INTENT, _FLAGS = ImageCms.Intent.PERCEPTUAL, ImageCms.Flags.BLACKPOINTCOMPENSATION
_ROUNDING = 1  # of 255: that far profiles of sRGB are from sRGB, and from one another
_CHANNELS = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK", "LAB": "LAB"}  # of a profile, by mode; RGB for the others
_GREYS = np.arange(256, dtype=np.uint8)[:, None].repeat(3, 1)
_COLOURS = np.array([*_GREYS, *product(range(0, 256, 15), repeat=3)], np.uint8)  # all greys, and some of everything


def srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours of a picture as RGB, in sRGB; what is transparent in it is left out.

    LittleCMS computes from 8 bits to 8 bits in whole numbers, by tables that it makes in floating point: on processors
    that round otherwise a value may differ by 1.

    Args:
        image: an image of 8 bits a sample.
        profile: the file's profile. None, and one that is damaged, too large, or of other channels than the
            picture's, means sRGB, as in a browser; the numbers of CIELAB are colours without any.
    """
    channels = _CHANNELS.get(image.mode, "RGB")
    held = isinstance(profile, bytes) and len(profile) <= MOST_BYTES
    convert = conversion(profile, channels) if held else None
    if convert is None and channels == "LAB":
        convert = conversion(cielab(), channels)
    if convert is None:
        return image.convert("RGB")
    return convert(image if image.mode == channels else image.convert(channels))


@lru_cache(maxsize=8)  # the pictures of a folder have few profiles among them
def conversion(profile: bytes, channels: str) -> Callable[[Image.Image], Image.Image] | None:
    """Conversion from a profile's colours to sRGB; None where the profile does not hold, or is sRGB."""
    # LittleCMS makes a coarse table for greys, of which dark ones can be 10 of 255 off; all 256 are soon computed.
    flags = _FLAGS | ImageCms.Flags.NOOPTIMIZE if channels == "L" else _FLAGS
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(own, _target(), channels, "RGB", _INTENT, flags)
    except (OSError, ImageCms.PyCMSError):
        return None
    convert = partial(ImageCms.applyTransform, transform=transform)
    if channels == "L":
        shades = np.asarray(convert(Image.fromarray(_GREYS[None, :, 0])))[0]
        return None if _is_alike(shades, _GREYS) else partial(_colour_greys, shades)
    if channels == "RGB" and _is_alike(np.asarray(convert(Image.fromarray(_COLOURS[None])))[0], _COLOURS):
        return None
    return convert


def _is_alike(converted: np.ndarray, stored: np.ndarray) -> bool:
    return int(np.abs(converted.astype(int) - stored).max()) <= _ROUNDING


def _colour_greys(shades: np.ndarray, image: Image.Image) -> Image.Image:
    """A grey picture in the colours (256, 3) of its greys."""
    return Image.merge("RGB", [image.point(table.tolist()) for table in shades.T])


@cache
def _target() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@cache
def cielab() -> bytes:
    """The ICC profile of CIELAB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()  # its white is D50, as that of TIFF
