"""Which files are photographs, which decoder reads them, and by name why none does.

A file is taken for an image by its suffix and known by its first bytes. Pillow reads most formats. Two decoders
are extras, and are imported when the first such file is met. What is left is named, lest somebody believe that a
telephone's or a camera's photographs are in a file when they are not.
"""

import importlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from smicnb.semantics.photographs.jpeg_xl import size_in_header

HEAD = 64  # bytes that tell a format, the samples of a PNG, and the brands of an ISO file

NOT_AN_IMAGE = "not an image"
RAW = "a camera's raw file, which is not read"
NO_HEIC = "HEIC, which needs the package pi-heif"
NO_JPEG_XL = "JPEG XL, which needs the package pillow-jxl-plugin"
DEEP_GREY = "JPEG XL in grey of 16 bits with transparency, which is not read"
NEEDED = {
    RAW: "a JPEG, PNG or TIFF file developed from it",
    NO_HEIC: "pip install pi-heif, the extra 'heic'",
    NO_JPEG_XL: "pip install pillow-jxl-plugin, of the extra 'codecs'",
}

# Formats that start another programme or hold no pixels that Pillow itself could decode; and the two that others
# may have registered with Pillow, which are opened here under our bounds alone.
_NOT_BY_PILLOW = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF", "HEIF", "JXL"}
_RAW = frozenset(
    f".{maker}"
    for maker in (
        *("3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "gpr", "iiq", "kdc", "mef", "mos"),
        *("mrw", "nef", "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f"),
    )
)
_HEIC = (".heic", ".heics", ".heif", ".heifs", ".hif")
_JPEG_XL = (".jxl",)
_OTHERS = {
    ".bpg": "BPG",
    ".exr": "OpenEXR",
    ".flif": "FLIF",
    ".hdp": "JPEG XR",
    ".hdr": "Radiance HDR",
    ".jxr": "JPEG XR",
    ".psb": "a large Photoshop document",
    ".wdp": "JPEG XR",
    ".xcf": "a GIMP document",
}
_FIRST_BYTES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",
    b"MM\x00+": "TIFF",
    b"8BPS": "PSD",
    b"GIF8": "GIF",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"\xff\x0a": "JPEG XL",
    b"\x00\x00\x00\x0cJXL \r\n\x87\n": "JPEG XL",
}
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"), "HEIC"
)
_DNG_VERSION = 50706  # a TIFF tag


class Unusable(Exception):
    """Why a file cannot be used, in a few words."""


@cache
def suffixes() -> frozenset[str]:
    """The suffixes, in lower case with their dot, by which a file claims to be an image, read or not."""
    ours = _pillow_formats()
    registered = (
        # MPO opens as JPEG: a photograph with a second one behind it.
        suffix
        for suffix, name in Image.registered_extensions().items()
        if name in ours or name == "MPO"
    )
    return frozenset([*registered, ".avif", *_RAW, *_HEIC, *_JPEG_XL, *_OTHERS])


def open_picture(file: BinaryIO, path: Path, most: int) -> tuple[Image.Image, bytes]:
    """Open a file of any format that is read.

    Args:
        file: the file, at its start.
        path: the file's path, of which the suffix counts.
        most: pixels; a format that cannot be opened without decoding is refused by its header above them.

    Returns:
        The picture, of which only the header was read wherever the format allows that; and the file's first bytes.

    Raises:
        Unusable: the format is not read, or this is no image.
        Exception: of any kind, where the header is damaged.
    """
    head = file.read(HEAD)
    file.seek(0)
    kind = _kind(head)
    if path.suffix.lower() in _RAW:
        raise Unusable(RAW)
    if kind == "JPEG XL":
        return _jpeg_xl(file, most), head
    try:
        image = Image.open(file, formats=_pillow_formats())
    except Image.DecompressionBombError:
        if kind != "JPEG":
            raise
        file.seek(0)
        image = JpegImageFile(file)  # whose size is judged by whoever reads it, at the scale that it is read at
    except UnidentifiedImageError as error:
        if kind == "HEIC":
            return _heic(file), head
        raise Unusable(_refusal(kind, head, path)) from error
    if _DNG_VERSION in getattr(image, "tag_v2", ()):
        raise Unusable(RAW)
    return image, head


@cache
def _pillow_formats() -> tuple[str, ...]:
    Image.init()
    return tuple(sorted(set(Image.OPEN) - _NOT_BY_PILLOW))


def _kind(head: bytes) -> str | None:
    """The format that a file's first bytes tell."""
    if head[4:8] == b"ftyp":
        end = min(int.from_bytes(head[:4], "big"), len(head))
        brands = [head[8:12], *(head[start : start + 4] for start in range(16, end, 4))]
        kinds = {_BRANDS[brand] for brand in brands if brand in _BRANDS}
        return "AVIF" if "AVIF" in kinds else "HEIC" if kinds else None
    return next((kind for start, kind in _FIRST_BYTES.items() if head.startswith(start)), None)


def _refusal(kind: str | None, head: bytes, path: Path) -> str:
    if kind == "PSD" and (bits := int.from_bytes(head[22:24], "big")) in (16, 32):
        return f"PSD of {bits} bits, which is not read"
    if kind is not None:
        return f"{kind}, but damaged or of a kind that is not read"
    other = _OTHERS.get(path.suffix.lower())
    return f"{other}, which is not read" if other else NOT_AN_IMAGE


def _jpeg_xl(file: BinaryIO, most: int) -> Image.Image:
    if importlib.util.find_spec("pillow_jxl") is None:
        raise Unusable(NO_JPEG_XL)
    width, height = size_in_header(file)  # the plugin decodes as it opens
    if width * height > most:
        raise Image.DecompressionBombError
    file.seek(0)
    image = importlib.import_module("pillow_jxl.JpegXLImagePlugin").JXLImageFile(file)
    stored = image.width * image.height * len(image.getbands()) * (2 if image.mode == "I;16" else 1)
    if image.mode != "F" and len(image._data) != stored:
        raise Unusable(DEEP_GREY)  # the plugin takes bytes of 16 bits for samples of 8
    return image


def _heic(file: BinaryIO) -> Image.Image:
    if importlib.util.find_spec("pi_heif") is None:
        raise Unusable(NO_HEIC)
    file.seek(0)
    return importlib.import_module("pi_heif").HeifImageFile(file)
