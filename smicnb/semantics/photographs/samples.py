"""A picture's samples as 8 bits, by the range that its file states; where the file states none, it is refused.

Pillow turns most files into 8 bits a sample. Others it hands over as they are stored: 12, 16 and 32 bits, in which
white may be zero. What is white then stands in the header, and is never guessed from the values that occur.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

from smicnb.semantics.photographs.formats import Unusable

NO_RANGE = "pixel values without a known range"
DEEP_COLOURS = "JPEG 2000 in colours of more than 8 bits, which is not read"
NO_PLANES = "TIFF of 16 bits in uncompressed planes, which is not read"

_DEEP = {"I", "I;16", "I;16L", "I;16B", "I;16N"}
_WHOLE_RANGE = {"PPM", "JPEG2000", "JXL", "ICNS", "ICO"}  # Pillow or the format spreads these over 16 bits
_BITS, _PHOTOMETRIC, _PLANAR, _SAMPLE_FORMAT = 258, 262, 284, 339  # TIFF tags
_WHITE_IS_ZERO, _SEPARATE, _UNSIGNED = 0, 2, 1  # their values
_PIXELS = 1 << 22  # that are converted at a time


class Samples(NamedTuple):
    """How a file's samples become 8 bits.

    Args:
        bits: bits of a sample of one grey channel that Pillow hands over as stored; None where it makes 8 itself.
        inverted: whether zero is white in them.
        transparent: the grey, or the (R, G, B), that is transparent, in the file's own numbers.
        depth: bits of a sample in a PNG file, which are those of `transparent`.
        shallow: bits of each channel of a JPEG 2000 file, where any has fewer than 8.
    """

    bits: int | None = None
    inverted: bool = False
    transparent: int | tuple[int, int, int] | None = None
    depth: int = 8
    shallow: tuple[int, ...] | None = None


def read_header(image: Image.Image, head: bytes) -> Samples:
    """What a header says of the samples.

    Args:
        image: opened, not loaded.
        head: the file's first bytes.

    Raises:
        Unusable: it does not say what black and white are.
    """
    if image.mode == "F":
        raise Unusable(NO_RANGE)
    if image.format == "TIFF":
        return _read_tiff(image)
    if image.format == "PNG":
        depth, transparent = head[head.index(b"IHDR") + 12], image.info.get("transparency")
        bits = 16 if image.mode in _DEEP else None
        return Samples(bits, transparent=transparent if image.mode in {"L", "RGB", *_DEEP} else None, depth=depth)
    if image.mode in _DEEP and image.format not in _WHOLE_RANGE and not (image.format == "IM" and image.mode != "I"):
        raise Unusable(NO_RANGE)
    if image.format == "JPEG2000":
        return Samples(16 if image.mode in _DEEP else None, shallow=_shallow_bits(image))
    return Samples(16 if image.mode in _DEEP else None)


def _read_tiff(image: Image.Image) -> Samples:
    tags = image.tag_v2
    if set(tags.get(_SAMPLE_FORMAT, (_UNSIGNED,))) != {_UNSIGNED}:
        raise Unusable(NO_RANGE)  # of signed and floating samples no value is white
    bits = tags.get(_BITS, (1,))[0]
    if bits > 8 and tags.get(_PLANAR) == _SEPARATE and image.tile and image.tile[0][0] == "raw":
        raise Unusable(NO_PLANES)  # Pillow takes these bytes for samples of 8 bits
    if image.mode not in _DEEP:
        return Samples()
    return Samples(bits, inverted=tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO)


def _shallow_bits(image: Image.Image) -> tuple[int, ...] | None:
    """Bits of each channel of a JPEG 2000 file (its SIZ segment), where any has fewer than 8."""
    file = image.fp
    place = file.tell()
    file.seek(0)
    start = file.read(1 << 16)
    file.seek(place)
    _, found, segment = start.partition(b"\xff\x4f\xff\x51")
    if not found or len(segment) < 38:
        return None
    count = int.from_bytes(segment[36:38], "big")
    bits = tuple((precision & 0x7F) + 1 for precision in segment[38 : 38 + 3 * count : 3])
    if max(bits, default=8) > 8 and image.mode not in _DEEP:
        raise Unusable(DEEP_COLOURS)  # Pillow rounds these beyond white, to black
    if min(bits, default=8) >= 8:
        return None
    if len(bits) != len(image.getbands()) or image.mode == "P":
        raise Unusable(NO_RANGE)
    return bits


def transparent_pixels(image: Image.Image, samples: Samples, low_bytes: Image.Image | None) -> np.ndarray | None:
    """Where a PNG file's one transparent colour is, as booleans H×W; None where it has none.

    Args:
        image: loaded; of colours of 16 bits it has the upper bytes.
        samples: what its header says.
        low_bytes: the lower bytes of colours of 16 bits.
    """
    if samples.transparent is None:
        return None
    most = (1 << samples.depth) - 1
    if isinstance(samples.transparent, tuple):
        colour = np.array(samples.transparent) & most
        if low_bytes is None:
            return (np.asarray(image) == colour.astype(np.uint8)).all(axis=2)
        upper, lower = (colour >> 8).astype(np.uint8), (colour & 255).astype(np.uint8)
        return (np.asarray(image) == upper).all(axis=2) & (np.asarray(low_bytes) == lower).all(axis=2)
    grey = samples.transparent & most
    return np.asarray(image) == (grey if samples.depth > 8 else grey * 255 // most)


def eight_bits(image: Image.Image, samples: Samples) -> Image.Image:
    """A loaded picture with 8 bits a sample: rounded, black 0 and white 255."""
    if samples.shallow is not None:
        return image.point([level for bits in samples.shallow for level in _spread(bits)])
    if samples.bits is None:
        if image.mode == "La":  # Pillow turns this into LA alone
            return image.convert("LA")
        # Of an ICNS file the palette is there, but comes to light in a copy only.
        return image.copy() if image.mode == "P" and image.palette is None else image
    bits = min(samples.bits, 16)  # of 32 bits the upper half says all that 8 can hold
    white = (1 << bits) - 1
    levels = _levels(white)
    if samples.inverted:
        levels = 255 - levels
    stored = np.asarray(image)
    grey = np.empty(stored.shape, np.uint8)
    rows = max(1, _PIXELS // stored.shape[1])
    for start in range(0, len(stored), rows):
        part = stored[start : start + rows]
        if samples.bits > 16:
            part = part.view(np.uint32) >> (samples.bits - 16)
        grey[start : start + rows] = levels[np.minimum(part, white)]
    return Image.fromarray(grey)


def _levels(white: int) -> np.ndarray:
    """The 8 bits of every value from black, 0, to `white`."""
    return ((np.arange(white + 1) * 255 + white // 2) // white).astype(np.uint8)


def _spread(bits: int) -> list[int]:
    """A table of 256: Pillow puts fewer bits than 8 into the upper ones, so that white is short of 255."""
    shift = max(0, 8 - bits)
    levels = _levels((1 << min(bits, 8)) - 1)
    return [int(levels[value >> shift]) for value in range(256)]
