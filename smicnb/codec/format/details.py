"""Names and sizes of the photographs of one block, as compact as they can be, and never a path to be afraid of."""

import re
import zlib
from collections.abc import Sequence

from smicnb.base import leb128
from smicnb.base.errors import IntegrityError

NAMES, SIZES, ONE_SIZE, DEFLATED = 1, 2, 4, 8  # bits of the first byte
LONGEST_NAME = 255  # bytes of UTF-8
MOST = 255 * (LONGEST_NAME + 1 + 2 * 5) + 1  # bytes of a block's details before they are deflated
LARGEST_SIDE = (1 << 31) - 1  # pixels
DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
Size = tuple[int, int]


def check_name(name: str) -> None:
    """Raise IntegrityError where a name is no relative POSIX path that every system can write."""
    wrong = None
    if not 1 <= len(name.encode("utf-8", "surrogatepass")) <= LONGEST_NAME:
        wrong = f"of {len(name)} letters"
    elif re.search(r'[\x00-\x1f\x7f<>:"|?*\\\ud800-\udfff]', name):
        wrong = "with a sign that no file name may hold"
    elif name.startswith("/") or any(part in ("", ".", "..") for part in name.split("/")):
        wrong = "that leads out of its folder"
    elif any(part[-1] in ". " or DEVICES.fullmatch(part) for part in name.split("/")):
        wrong = "that not every system can write"
    if wrong:
        shown = ascii(name if len(name) <= 60 else name[:57] + "...")
        raise IntegrityError(f"found a file name {wrong}: {shown}", "a relative path such as 'holiday/beach.jpg'")


def pack(names: Sequence[str] | None, sizes: Sequence[Size] | None) -> bytes:
    """The names of up to 255 images and their sizes (width, height) in pixels; empty where there are neither."""
    kind, body = 0, b""
    if sizes:
        same = len(set(sizes)) == 1
        kind |= SIZES | (ONE_SIZE if same else 0)
        body += b"".join(_pack_side(side) for size in (sizes[:1] if same else sizes) for side in size)
    if names:
        for name in names:
            check_name(name)
        kind |= NAMES
        body += b"\0".join(name.encode() for name in names)
    if not kind:
        return b""
    deflate = zlib.compressobj(9, wbits=-15)
    small = deflate.compress(body) + deflate.flush()
    return bytes([kind | DEFLATED]) + small if len(small) < len(body) else bytes([kind]) + body


def unpack(data: bytes, count: int) -> tuple[list[str] | None, list[Size] | None]:
    """The inverse of `pack` for `count` images; raises IntegrityError for what it never writes."""
    if not data:
        return None, None
    kind, body = data[0], data[1:]
    if not kind & (NAMES | SIZES) or kind >= 2 * DEFLATED:
        raise _details_error()
    if kind & DEFLATED:
        inflate = zlib.decompressobj(wbits=-15)
        try:
            body = inflate.decompress(body, MOST)
        except zlib.error as error:
            raise _details_error() from error
        if not inflate.eof or inflate.unused_data:
            raise _details_error()
    sizes = names = None
    if kind & SIZES:
        sides, body = _read_sides(body, 2 if kind & ONE_SIZE else 2 * count)
        sizes = list(zip(sides[::2], sides[1::2], strict=True)) * (count if kind & ONE_SIZE else 1)
    if kind & NAMES:
        try:
            names = body.decode("utf-8").split("\0")
        except UnicodeDecodeError as error:
            raise _details_error() from error
        if len(names) != count:
            raise _details_error()
        for name in names:
            check_name(name)
    elif body:
        raise _details_error()
    return names, sizes


def _details_error() -> IntegrityError:
    return IntegrityError("found a block whose names and sizes cannot be decoded", "those that an encoder wrote")


def _pack_side(value: int) -> bytes:
    """A side as LEB128."""
    if not 1 <= value <= LARGEST_SIDE:
        raise IntegrityError(f"found an image side of {value} pixels", f"1 to {LARGEST_SIDE}")
    return leb128.pack(value)


def _read_sides(data: bytes, count: int) -> tuple[list[int], bytes]:
    values, place = [], 0
    for _ in range(count):
        try:
            value, place = leb128.read(data, place)
        except IntegrityError as error:
            raise _details_error() from error
        if not 1 <= value <= LARGEST_SIDE:
            raise _details_error()
        values.append(value)
    return values, data[place:]
