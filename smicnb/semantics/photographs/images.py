"""Any image file to RGB uint8, or the reason why it cannot be used."""

import contextlib
import hashlib
import io
import os
import stat
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FuturesTimeout
from math import ceil
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from smicnb.base.errors import ImageError
from smicnb.semantics.photographs import formats, profiles, samples
from smicnb.semantics.photographs.formats import NOT_AN_IMAGE, Unusable
from smicnb.semantics.photographs.samples import NO_RANGE

Value = TypeVar("Value")

MIN_SIDE = 16  # pixels; nothing can be recognised in less
MAX_PIXELS = 100_000_000  # asked of the header, before memory is taken for the pixels
MAX_REDUCED = 300_000_000  # the same of a JPEG of which no more than `MAX_PIXELS` are decoded
REDUCED = 4  # least side of a JPEG that is decoded at a reduced scale, times the side that a network sees
LARGEST_INPUT = 448  # pixels of a network's side, which a listing of files reckons with
STALL = 60  # seconds until a file or folder that does not answer is given up, as on a network path
HELD = 1 << 26  # bytes of a file that is held in memory to be read once; larger ones are hashed and read again

ORIENTATION = 0x0112  # the EXIF tag
SIDEWAYS = (5, 6, 7, 8)  # its values that exchange width and height
FROM_RIGHT, FROM_BELOW = (2, 3, 6, 7), (3, 4, 7, 8)  # and by which the last column, or row, seen was stored first
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

DAMAGED = "truncated or damaged"
TOO_SMALL = f"smaller than {MIN_SIDE} pixels on a side"
TOO_LARGE = f"more than {MAX_PIXELS // 10**6} megapixels"
OTHER_SIZE = "of another size than its header says"
UNREADABLE = "not readable"
STALLED = f"not read within {STALL} seconds"
GONE = "no longer readable"  # since the folder was looked through
NO_MEMORY = "not enough memory"
NEEDED = {
    **formats.NEEDED,
    TOO_SMALL: f"{MIN_SIDE} pixels or more on each side",
    TOO_LARGE: f"at most {MAX_PIXELS // 10**6} megapixels",
    NO_RANGE: "whole numbers without a sign, whose bits the file states",
}
FIRST_FRAME = "first of several frames used"


class Reduced(np.ndarray):
    """RGB uint8 H×W×3 of a JPEG that was decoded at a reduced scale, which does not divide its sides.

    Attributes:
        box: (left, top, right, bottom) in pixels, of all that is the photograph: of the last row or column, which may
            be the first by now, it is a part. What is made of the array is a plain one's, and has None.
    """

    box: tuple[float, float, float, float] | None = None


class ImageMemoryError(ImageError, MemoryError):
    """An image for which this machine has not enough memory: no property of the file."""


def check_rgb(image: np.ndarray) -> None:
    """Raise ImageError where an array is not RGB uint8, H×W×3."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(f"found an array {image.shape} of {image.dtype}", "RGB uint8 of shape (H, W, 3)")


def box_of(image: np.ndarray) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of what is the photograph in an array H×W×3: all of it, but for `Reduced` ones."""
    return getattr(image, "box", None) or (0, 0, image.shape[1], image.shape[0])


def frame(pixels: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """An array H×W×3 of which this box (left, top, right, bottom) is the photograph; itself where that is all of it."""
    if box == (0, 0, pixels.shape[1], pixels.shape[0]):
        return pixels
    reduced = pixels.view(Reduced)
    reduced.box = box
    return reduced


def resize(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """An RGB uint8 image at another size, by Pillow's Lanczos filter."""
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def shrink(image: np.ndarray, scale: float) -> np.ndarray:
    """An RGB uint8 image with its sides times `scale`; as it is where `scale` is 1 or more."""
    return image if scale >= 1 else resize(image, *(max(1, round(scale * side)) for side in image.shape[1::-1]))


RULES = [
    5,
    MIN_SIDE,
    MAX_PIXELS,
    MAX_REDUCED,
]  # count the first up when a rule below changes: what was read is remembered


def read_image(path: Path | str, profiles: bool = True, side: int | None = None) -> np.ndarray:
    """Read an image file as RGB, in sRGB.

    EXIF orientation is applied. Samples of more or fewer than 8 bits are scaled by the range that the file states,
    colours are converted by the file's colour profile, transparency is laid over white, and of several frames the
    first is taken.

    Args:
        path: a file of any raster format that Pillow decodes; of JPEG XL and HEIC where their extras are installed.
        profiles: whether colour profiles hold; without them all values are taken as sRGB, as they were for what
            ships with the package.
        side: pixels of the square that a network will see of it. A JPEG file whose sides are `REDUCED` times as many
            at a half, a quarter or an eighth of its scale too is decoded at the least such scale, by libjpeg itself.

    Returns:
        H×W×3 uint8, contiguous, writable; `Reduced` where such a scale does not divide its sides.

    Raises:
        ImageError: the file cannot be used; says why, on one line.
        ImageMemoryError: this machine has not enough memory for it.
    """
    try:
        return _read(Path(path), profiles, side)[0]
    except Unusable as error:
        raise _refusal(path, error) from error


def size_of(path: Path | str) -> tuple[int, int]:
    """(width, height) in pixels of the image that `read_image` returns, by the header wherever it says so."""
    try:
        with _silence_warnings(), _open(Path(path), LARGEST_INPUT) as picture:
            return oriented_size(picture.image, picture.size)
    except Unusable as error:
        raise _refusal(path, error) from error


def probe(path: Path | str) -> str | None:
    """Say from the header alone why an image file cannot be used; None where nothing speaks against it."""
    try:
        with _silence_warnings(), _open(Path(path), LARGEST_INPUT):
            return None
    except Unusable as error:
        return str(error)


def check(path: Path | str) -> tuple[str | None, str | None]:
    """Read an image file as `read_image` does, to be sure: (reason why it cannot be used or None, note or None).

    A JPEG is decoded at its least scale, for which all of its bytes are read.
    """
    reason = probe(path)
    if reason is not None:
        return reason, None
    try:
        return None, _read(Path(path), side=MIN_SIDE)[1]
    except Unusable as error:
        return str(error), None


class Once(NamedTuple):
    """What one reading of a file shows.

    Args:
        reason: why it cannot be used, or None.
        sha256: of its bytes; None where the header alone speaks against it.
        note: what else a reader should know, or None.
        size: (width, height) in pixels, as of `size_of`.
        pixels: argument of `read_image`, where they were wanted.
    """

    reason: str | None
    sha256: str | None = None
    note: str | None = None
    size: tuple[int, int] | None = None
    pixels: np.ndarray | None = None


def read_once(path: Path | str, side: int, known: Callable[[str], bool]) -> Once:
    """What `check`, `size_of`, a hash and `read_image` for a network's `side` show of a file, which is opened once.

    Args:
        path, side: arguments of `read_image`.
        known: whether the file of a hash was read before, so that its pixels are not wanted.

    Raises:
        ImageMemoryError: this machine has not enough memory for it.
    """
    digest, path = None, Path(path)
    try:
        with _silence_warnings(), _open(path, side, held=True) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS and (reason := probe(path)):
                return Once(reason)  # what is too large for some networks is in no collection
            size, digest = oriented_size(picture.image, picture.size), _hash(picture.file)
            if known(digest):
                return Once(None, digest, _note(picture.image), size)
            pixels = _pixels(picture)
            return Once(None, digest, _note(picture.image), size, pixels)
    except Unusable as error:
        gone = digest is None and not os.path.lexists(path)
        return Once(GONE if gone else str(error), digest)


def _hash(file: BinaryIO) -> str:
    """The SHA-256 of an open file, which stays where it is."""
    place = file.tell()
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(place)
    return digest


def image_suffixes() -> frozenset[str]:
    """The suffixes, in lower case with their dot, by which a file claims to be an image, whether it is read or not."""
    return formats.suffixes()


def describe(counts: dict[str, int]) -> str:
    """Reasons with their counts as one phrase ("not an image: 2, truncated or damaged: 1")."""
    return ", ".join(f"{reason}: {count}" for reason, count in sorted(counts.items()))


def _refusal(path: Path | str, reason: Unusable) -> ImageError:
    text = str(reason) if os.path.lexists(path) else "no such file"
    needed = NEEDED.get(text, "a whole image file that Pillow reads")
    return ImageError(f"cannot use '{path}': {text}", needed)


class _Picture(NamedTuple):
    """An open file: Pillow's image, not loaded, what its header says of its samples, colours and size, and the file."""

    image: Image.Image
    samples: samples.Samples
    profile: bytes | None
    file: BinaryIO
    size: tuple[int, int]


@contextlib.contextmanager
def _open(path: Path, side: int | None = None, held: bool = False) -> Iterator[_Picture]:
    """Open a file by its header, `side` as in `read_image`, `held` in memory where it is no larger than `HELD`;
    whatever goes wrong, here or within the block, becomes `Unusable`.
    """
    try:
        file = in_time(lambda: _open_bytes(path, held)) if held else _open_bytes(path, held)
    except OSError as error:
        raise Unusable(UNREADABLE) from error
    if file is None:
        raise Unusable(NOT_AN_IMAGE)
    try:
        with file:
            image, head = formats.open_picture(file, path, MAX_PIXELS)
            size = image.size
            if side is not None:
                _reduce(image, REDUCED * side)
            _check_size(image.size)
            if image.format in _KNOWN_WHEN_LOADED:
                image.load()
                size = image.size
                _check_size(size)
            yield _Picture(image, samples.read_header(image, head), image.info.get("icc_profile"), file, size)
    except Unusable:
        raise
    except MemoryError as error:
        raise ImageMemoryError(
            f"cannot use '{path}': {NO_MEMORY}", do="use a smaller one, or a larger machine"
        ) from error
    except Image.DecompressionBombError as error:
        raise Unusable(TOO_LARGE) from error
    except Exception as error:  # decoders fail on damaged bytes with exceptions of every kind
        raise Unusable(DAMAGED) from error


def _open_bytes(path: Path, held: bool) -> BinaryIO | None:
    status = os.stat(path)
    file = path.open("rb") if stat.S_ISREG(status.st_mode) else None  # opening a pipe would wait for ever
    if file and held and status.st_size <= HELD:
        with file:
            return io.BytesIO(file.read())
    return file


def in_time(call: Callable[[], Value]) -> Value:
    """What a call returns or raises within `STALL` seconds; `Unusable` after them. What waits for a disk that does not
    answer cannot be stopped: its thread is left behind, and ends with the process.
    """
    done: Future = Future()

    def work() -> None:
        try:
            done.set_result(call())
        except BaseException as error:  # passed on
            done.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return done.result(STALL)
    except FuturesTimeout:
        if done.done():  # an error of the call's own
            raise
        raise Unusable(STALLED) from None


def _reduce(image: Image.Image, least: int) -> None:
    """Have a JPEG file decoded at the least of its scales at which both sides have `least` pixels."""
    if not isinstance(image, JpegImageFile):
        return
    width, height = image.size
    # Of a progressive file libjpeg keeps all coefficients, at any scale.
    if width * height > MAX_REDUCED or (image.info.get("progressive") and width * height > MAX_PIXELS):
        raise Unusable(TOO_LARGE)
    if min(width, height) >= 2 * least:
        image.draft(None, (least, least))


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise Unusable(TOO_LARGE)
    if min(width, height) < MIN_SIDE:
        raise Unusable(TOO_SMALL)


def _read(path: Path, profiles: bool = True, side: int | None = None) -> tuple[np.ndarray, str | None]:
    """The one way from a file to its pixels, and a note about them or None."""
    with _silence_warnings(), _open(path, side) as picture:
        return _pixels(picture if profiles else picture._replace(profile=None)), _note(picture.image)


def _pixels(picture: _Picture) -> np.ndarray:
    size, whole = (oriented_size(picture.image, each) for each in (picture.image.size, picture.size))
    scale = ceil(whole[0] / size[0])
    pixels = to_rgb(picture)
    if pixels.shape[1::-1] != size:
        raise Unusable(OTHER_SIZE)
    if (scale * size[0], scale * size[1]) == whole:
        return pixels
    turned, (width, height) = _orientation(picture.image), (side / scale for side in whole)
    left = size[0] - width if turned in FROM_RIGHT else 0
    top = size[1] - height if turned in FROM_BELOW else 0
    return frame(pixels, (left, top, left + width, top + height))


def _note(image: Image.Image) -> str | None:
    # Further frames may be damaged, or kept in a way that Pillow does not know; the first is read all the same.
    with contextlib.suppress(Exception):
        if image.format not in _NO_FRAMES and getattr(image, "is_animated", False):
            return FIRST_FRAME
    return None


# A telephone's JPEG or HEIC often carries a second picture, a PSD its layers: that is no animation.
_NO_FRAMES = {"MPO", "HEIF", "PSD"}
_KNOWN_WHEN_LOADED = {"ICNS", "ICO", "PCD"}  # Pillow tells another size or mode before


def oriented_size(image: Image.Image, size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of an open image of the `size` that Pillow tells, as `to_rgb` turns it."""
    # Pillow tells the size of a TIFF as it was stored or as it is to be seen, by its version.
    width, height = (image.tag_v2[256], image.tag_v2[257]) if image.format == "TIFF" else size
    return (height, width) if _orientation(image) in SIDEWAYS else (width, height)


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation; 1 where there is none that holds."""
    if image.format == "JXL" and not image.jpeg:
        return 1  # of JPEG XL its code stream's own holds, which the decoder applied
    # An orientation that cannot be read is none; the pixels are there all the same.
    with contextlib.suppress(Exception):
        return int(image.getexif().get(ORIENTATION, 1))
    return 1


def to_rgb(picture: _Picture) -> np.ndarray:
    """The pixels of an open picture, upright, RGB uint8 H×W×3."""
    opened, stored = picture.image, picture.samples
    turn = None if opened.format == "TIFF" else _TURNS.get(_orientation(opened))  # Pillow turns a TIFF by itself
    opened.load()
    clear = samples.transparent_pixels(opened, stored, _low_bytes(picture))
    image = samples.eight_bits(opened, stored)
    alpha = None
    if clear is None and image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("1", "L", "LA") else "RGBA")
        alpha = image.getchannel("A")
    image = profiles.srgb(image, picture.profile)
    if alpha is not None:
        image.putalpha(alpha)
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if clear is not None:
        image.paste((255, 255, 255), mask=Image.fromarray(clear))
    return np.array(image if turn is None else image.transpose(turn))


def _low_bytes(picture: _Picture) -> Image.Image | None:
    """The lower bytes of a PNG file's colours of 16 bits, where one of them is transparent; Pillow keeps the upper."""
    if picture.samples.depth <= 8 or not isinstance(picture.samples.transparent, tuple):
        return None
    picture.file.seek(0)
    low = Image.open(picture.file, formats=["PNG"])
    low.tile = [(*low.tile[0][:3], "RGB;16L")]  # as if the lower byte came last: that is the one which is kept
    low.load()
    return low


_quiet_lock = threading.Lock()
_quiet_users: list[warnings.catch_warnings] = []


@contextlib.contextmanager
def _silence_warnings() -> Iterator[None]:
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
