"""The size of a JPEG XL picture from its header (ISO/IEC 18181-1, SizeHeader; 18181-2, boxes).

The decoder that we use decodes a file as it opens it. What is too large must be known before.
"""

from typing import BinaryIO

_ENOUGH = 16  # bytes of a code stream: its signature and at most 71 bits of size
_DISTANCES = (9, 13, 18, 30)  # bits of a length, by its two-bit class
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # width to height


def size_in_header(file: BinaryIO) -> tuple[int, int]:
    """(width, height) in pixels, as coded, before any orientation, of a code stream or a file of boxes at its start.

    Raises:
        ValueError: there is no such header.
    """
    stream = _code_stream(file)
    if len(stream) < 3 or stream[:2] != b"\xff\x0a":
        raise ValueError("no JPEG XL code stream")
    bits = _Bits(stream[2:])
    by_eights = bits.take(1)
    height = _length(bits, by_eights)
    ratio = bits.take(3)
    if ratio:
        numerator, denominator = _RATIOS[ratio - 1]
        return height * numerator // denominator, height
    return _length(bits, by_eights), height


def _length(bits: "_Bits", by_eights: int) -> int:
    if by_eights:
        return 8 * (bits.take(5) + 1)
    return bits.take(_DISTANCES[bits.take(2)]) + 1


class _Bits:
    """Bits of bytes, the lowest of each first."""

    def __init__(self, data: bytes):
        self._value, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("the JPEG XL header ends early")
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return value


def _code_stream(file: BinaryIO) -> bytes:
    """The first bytes of the code stream, which boxes may hold in one piece (jxlc) or several (jxlp)."""
    start = file.read(12)
    if start[4:8] != b"JXL ":
        return start + file.read(_ENOUGH - len(start))
    stream = b""
    while len(stream) < _ENOUGH and len(header := file.read(8)) == 8:
        length, kind = int.from_bytes(header[:4], "big"), header[4:]
        skipped = 8
        if length == 1:
            length, skipped = int.from_bytes(file.read(8), "big"), 16
        if length and length < skipped:
            break
        left = length - skipped if length else _ENOUGH + 4  # a length of 0: to the end of the file
        if kind == b"jxlp":
            left -= len(file.read(4))  # its number
        if kind in (b"jxlc", b"jxlp"):
            part = file.read(min(max(left, 0), _ENOUGH))
            stream += part
            left -= len(part)
        if length == 0:
            break
        file.seek(max(left, 0), 1)
    return stream
