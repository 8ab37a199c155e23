"""Any image file to RGB uint8, or the reason why it cannot be used."""

import contextlib
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from smicnb.base.errors import ImageError

MIN_SIDE = 16  # pixels; nothing can be recognised in less
MAX_PIXELS = 100_000_000  # asked of the header, before memory is taken for the pixels

ORIENTATION = 0x0112  # the EXIF tag
SIDEWAYS = (5, 6, 7, 8)  # its values that exchange width and height

NOT_AN_IMAGE = "not an image"
DAMAGED = "truncated or damaged"
TOO_SMALL = f"smaller than {MIN_SIDE} pixels on a side"
TOO_LARGE = f"more than {MAX_PIXELS // 10**6} megapixels"
NO_RANGE = "pixel values without a known range"
UNREADABLE = "not readable"
NEEDED = {
    TOO_SMALL: f"{MIN_SIDE} pixels or more on each side",
    TOO_LARGE: f"at most {MAX_PIXELS // 10**6} megapixels",
    NO_RANGE: "whole numbers of 8 or 16 bits",
}
FIRST_FRAME = "first of several frames used"


def check_rgb(image: np.ndarray) -> None:
    """Raise ImageError where an array is not RGB uint8, H×W×3."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(f"found an array {image.shape} of {image.dtype}", "RGB uint8 of shape (H, W, 3)")


# Formats that start another programme or hold no pixels that Pillow itself could decode.
_NO_RASTER = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
_SIXTEEN_BIT = {"I;16", "I;16L", "I;16B", "I;16N"}
RULES = [1, MIN_SIDE, MAX_PIXELS]  # count the first up when a rule below changes: verdicts are remembered


def read_image(path: Path | str) -> np.ndarray:
    """Read an image file as RGB.

    EXIF orientation is applied. Grey and CMYK are converted, 16-bit grey is scaled to 8 bits,
    transparency is laid over white, and of several frames the first is taken. Colour profiles are
    ignored: values are taken as sRGB.

    Args:
        path: a file of any raster format that Pillow decodes.

    Returns:
        H×W×3 uint8, contiguous, writable.

    Raises:
        ImageError: the file cannot be used; says why, on one line.
    """
    try:
        with _quiet(), _opened(Path(path)) as image:
            return _to_rgb(image)
    except _Unusable as error:
        raise _refusal(path, error) from error


def size_of(path: Path | str) -> tuple[int, int]:
    """(width, height) in pixels of the image that `read_image` returns, from the header alone."""
    try:
        with _quiet(), _opened(Path(path)) as image:
            width, height = image.size
            with contextlib.suppress(Exception):
                if image.getexif().get(ORIENTATION, 1) in SIDEWAYS:
                    return height, width
            return width, height
    except _Unusable as error:
        raise _refusal(path, error) from error


def probe(path: Path | str) -> str | None:
    """Say from the header alone why an image file cannot be used; None where nothing speaks against it."""
    try:
        with _quiet(), _opened(Path(path)):
            return None
    except _Unusable as error:
        return str(error)


def check(path: Path | str) -> tuple[str | None, str | None]:
    """Decode an image file to be sure: (reason why it cannot be used or None, note or None)."""
    note = None
    try:
        with _quiet(), _opened(Path(path)) as image:
            # A telephone's JPEG often carries a second picture: that is no animation.
            if getattr(image, "is_animated", False) and image.format != "MPO":
                note = FIRST_FRAME
            image.seek(0)
            _to_rgb(image)
    except _Unusable as error:
        return str(error), None
    return None, note


def image_suffixes() -> frozenset[str]:
    """The suffixes, in lower case with their dot, by which a file claims to be an image."""
    return _formats()[1]


def describe(counts: dict[str, int]) -> str:
    """Reasons with their counts as one phrase ("not an image: 2, truncated or damaged: 1")."""
    return ", ".join(f"{reason}: {count}" for reason, count in sorted(counts.items()))


def _refusal(path: Path | str, reason: "_Unusable") -> ImageError:
    text = str(reason) if os.path.lexists(path) else "no such file"
    needed = NEEDED.get(text, "a whole image file that Pillow reads")
    return ImageError(f"cannot use '{path}': {text}", needed)


class _Unusable(Exception):
    """Why a file cannot be used: one of the reasons above."""


@cache
def _formats() -> tuple[tuple[str, ...], frozenset[str]]:
    """The formats that are read, and the suffixes by which their files are known."""
    Image.init()
    formats = tuple(sorted(set(Image.OPEN) - _NO_RASTER))
    suffixes = frozenset(
        # MPO opens as JPEG: a photograph with a second one behind it.
        suffix
        for suffix, name in Image.registered_extensions().items()
        if name in formats or name == "MPO"
    )
    return formats, suffixes


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open a file by its header; whatever goes wrong, here or within the block, becomes `_Unusable`."""
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
        file = path.open("rb") if regular else None  # opening a pipe would wait for ever
    except OSError as error:
        raise _Unusable(UNREADABLE) from error
    if file is None:
        raise _Unusable(NOT_AN_IMAGE)
    try:
        with file:
            image = Image.open(file, formats=_formats()[0])
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise _Unusable(TOO_LARGE)
            if min(width, height) < MIN_SIDE:
                raise _Unusable(TOO_SMALL)
            if image.mode == "F":
                raise _Unusable(NO_RANGE)
            yield image
    except (_Unusable, MemoryError):  # want of memory is no property of the file
        raise
    except UnidentifiedImageError as error:
        raise _Unusable(NOT_AN_IMAGE) from error
    except Image.DecompressionBombError as error:
        raise _Unusable(TOO_LARGE) from error
    except Exception as error:  # decoders fail on damaged bytes with exceptions of every kind
        raise _Unusable(DAMAGED) from error


def _to_rgb(image: Image.Image) -> np.ndarray:
    image.load()
    # An orientation that cannot be read is none; the pixels are there all the same.
    with contextlib.suppress(Exception):
        image = ImageOps.exif_transpose(image)
    if image.mode in _SIXTEEN_BIT or image.mode == "I":
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise _Unusable(NO_RANGE)
        grey = ((values * 255 + 32767) // 65535).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode == "LAB":
        raise _Unusable(NO_RANGE)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


_quiet_lock = threading.Lock()
_quiet_users: list[warnings.catch_warnings] = []


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence Pillow's warnings: what they warn of is judged here.

    `warnings.catch_warnings` belongs to the process, not to a thread. So the first user sets the filter
    and the last one restores what was there, however their blocks overlap.
    """
    with _quiet_lock:
        if not _quiet_users:
            catcher = warnings.catch_warnings()
            catcher.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
        else:
            catcher = _quiet_users[0]
        _quiet_users.append(catcher)
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_users.pop()
            if not _quiet_users:
                catcher.__exit__(None, None, None)
