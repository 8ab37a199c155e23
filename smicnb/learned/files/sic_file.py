"""The progressive file of SIC: a header with the hyper-latent, then one part for each level.

The header is: magic "SIC_" (4 bytes), version (1), the model's hash (6), width and height (LEB128 each), the number
of levels of the model (1), the length of the hyper-latent's rANS stream (LEB128), CRC-32 of all this and of that
stream (4), the stream. A level's part is: the length of its stream (LEB128), CRC-16 of its number and of all else of
it (2), CRC-16 of its decoded latent (2), the stream. All numbers are little-endian.

A file cut after any level is a file. One that ends within a level, or is damaged there, is read up to the level
before, and its `note` says so: later levels depend on that one.
"""

import zlib
from binascii import crc_hqx
from dataclasses import dataclass

from torch import Tensor

from smicnb.base import leb128
from smicnb.base.errors import IntegrityError
from smicnb.learned.files import coding

MAGIC = b"SIC_"


@dataclass(frozen=True)
class Part:
    """One level: the words of rANS (`stream`), and the checksum of the group of ŷ that they decode to."""

    stream: bytes
    latent_crc: int

    def pack(self, number: int) -> bytes:
        """Its bytes as level `number`, from 1."""
        length, checked = leb128.pack(len(self.stream)), self.latent_crc.to_bytes(2, "little") + self.stream
        return length + _crc(number, length, checked) + checked


@dataclass(frozen=True)
class SicFile:
    """What a file says.

    Args:
        model: the first bytes of the model's hash.
        width, height: the image's size, in pixels.
        levels: number of the model's levels, which may be more than there are parts.
        hyper: the stream of the hyper-latent.
        parts: the levels that are whole, from the first on.
        ends: bytes of the header, and up to the end of each of those levels.
        note: what stands in place of the next level, or "" where the file ends with a level.
    """

    model: bytes
    width: int
    height: int
    levels: int
    hyper: bytes
    parts: tuple[Part, ...]
    ends: tuple[int, ...] = ()
    note: str = ""

    def pack(self) -> bytes:
        """The file's bytes."""
        sizes = leb128.pack(self.width) + leb128.pack(self.height) + bytes([self.levels]) + leb128.pack(len(self.hyper))
        head = MAGIC + bytes([coding.VERSION]) + self.model + sizes
        crc = zlib.crc32(head + self.hyper).to_bytes(4, "little")
        return head + crc + self.hyper + b"".join(part.pack(number) for number, part in enumerate(self.parts, 1))

    @classmethod
    def unpack(cls, data: bytes) -> "SicFile":
        """Read and check a file's bytes.

        Raises:
            IntegrityError: not such a file, damaged or cut before its first level, or longer than its levels.
        """
        model, width, height, position = coding.read_head(data, MAGIC)
        levels, position = int.from_bytes(data[position : position + 1], "little"), position + 1
        length, position = leb128.read(data, position)
        crc, end = data[position : position + 4], position + 4 + length
        hyper = data[position + 4 : end]
        if len(data) < end or zlib.crc32(data[:position] + hyper).to_bytes(4, "little") != crc:
            raise IntegrityError("found a SIC file whose header is damaged or cut short", "a file whose checksum holds")
        coding.check_size(width, height)
        parts, ends, note = _parts(data, end, levels)
        return cls(model, width, height, levels, hyper, parts, ends, note)

    def check(self, model: bytes, levels: int) -> None:
        """Raise IntegrityError where it is of another model than the one whose hash begins so and that has so many
        levels.
        """
        if self.levels != levels:
            found = f"found a SIC file of a model with {self.levels} levels"
            raise IntegrityError(found, f"{levels} levels", coding.OTHER_MODEL)
        coding.check_model(self.model, model, "SIC")


def group_crc(group: Tensor) -> int:
    """CRC-16 of a group of ŷ, whole numbers, as int32 in little-endian order."""
    return crc_hqx(group.cpu().numpy().astype("<i4").tobytes(), 0xFFFF)


def check_group(group: Tensor, part: Part, number: int) -> None:
    """Raise IntegrityError where level `number` decodes to another group of ŷ than was encoded."""
    if group_crc(group) != part.latent_crc:
        raise IntegrityError(
            f"level {number} decodes to another latent than was encoded",
            "the same arithmetic on both sides",
            coding.SAME,
        )


def _parts(data: bytes, position: int, levels: int) -> tuple[tuple[Part, ...], tuple[int, ...], str]:
    parts, ends, note = [], [position], ""
    while position < len(data) and not note:
        number = len(parts) + 1
        if number > levels:
            raise IntegrityError(f"found {len(data) - position} bytes behind the last level", "a file of SIC alone")
        try:
            length, start = leb128.read(data, position)
        except IntegrityError:
            note = f"the file is cut short or damaged in level {number}"
            break
        checked = data[start + 2 : start + 4 + length]
        if len(data) < start + 4 + length:
            note = f"the file is cut short in level {number}"
        elif data[start : start + 2] != _crc(number, data[position:start], checked):
            note = f"the file is damaged in level {number}"
        else:
            parts.append(Part(checked[2:], int.from_bytes(checked[:2], "little")))
            position = start + 4 + length
            ends.append(position)
    return tuple(parts), tuple(ends), note


def _crc(number: int, length: bytes, checked: bytes) -> bytes:
    return crc_hqx(bytes([number]) + length + checked, 0xFFFF).to_bytes(2, "little")
