"""Files made by hand, for what Pillow reads and does not write, and how a file is refused."""

import struct
import zlib

import numpy as np
import pytest

from smicnb.base.errors import ImageError
from smicnb.semantics.photographs.images import check, probe, read_image


def assert_refused(path, reason):
    """By its header, by its whole, and where it is read."""
    assert probe(path) == reason
    assert check(path) == (reason, None)
    with pytest.raises(ImageError) as caught:
        read_image(path)
    assert f": {reason}; needed: " in str(caught.value)


def tiff(path, data, width, height, bits, order="<", **tags):
    """A TIFF file of one uncompressed strip, or of as many planes as `data` is a list of.

    Args:
        path: written.
        data: bytes of the samples, or of each plane.
        width, height: in pixels.
        bits: of a sample, or a tuple of those of several.
        order: "<" or ">".
        tags: photometric, planar, sample_format, orientation, extra (samples) or dng, where they stand in the file.
    """
    planes = data if isinstance(data, list) else [data]
    bits = bits if isinstance(bits, tuple) else (bits,)
    offsets = np.cumsum([0, *(len(plane) for plane in planes)])
    end = 8 + int(offsets[-1])
    entries = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", bits),
        259: ("H", [1]),
        273: ("I", [8 + int(offset) for offset in offsets[:-1]]),
        277: ("H", [len(bits)]),
        278: ("I", [height]),
        279: ("I", [len(plane) for plane in planes]),
    }
    numbers = {"photometric": 262, "orientation": 274, "planar": 284, "extra": 338, "sample_format": 339, "dng": 50706}
    for name, value in tags.items():
        entries[numbers[name]] = ("H", value if isinstance(value, tuple) else (value,))
    directory, behind = struct.pack(order + "H", len(entries)), b""
    place = end + 2 + 12 * len(entries) + 4
    for number, (kind, values) in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(values)}{kind}", *values)
        if len(packed) > 4:
            packed, behind = struct.pack(order + "I", place + len(behind)), behind + packed + b"\0" * (len(packed) % 2)
        directory += struct.pack(order + "HHI", number, {"H": 3, "I": 4}[kind], len(values)) + packed.ljust(4, b"\0")
    start = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, end)
    path.write_bytes(start + b"".join(planes) + directory + b"\0" * 4 + behind)
    return path


def packed12(values):
    """Samples of 12 bits, two in three bytes."""
    first, second = np.asarray(values, np.uint16).reshape(-1, 2).T
    return np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], 1).astype(np.uint8).tobytes()


def png(path, rows, width, height, depth, colour, transparent=b""):
    """A PNG file of unfiltered rows (bytes), with a tRNS chunk where there is one."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    clear = chunk(b"tRNS", transparent) if transparent else b""
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + clear + body + chunk(b"IEND", b""))
    return path


def psd(path, pixels, layers=0, bits=8):
    """A PSD file of RGB pixels H×W×3 uint8, merged and uncompressed, with empty layers of five channels."""
    height, width, _ = pixels.shape
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, bits, 3)
    layer = struct.pack(">4iH", 0, 0, 0, 0, 3) + b"".join(struct.pack(">HI", channel, 2) for channel in range(3))
    layer += b"8BIMnorm" + bytes(4) + struct.pack(">I", 12) + bytes(12)
    info = struct.pack(">H", layers) + layer * layers + struct.pack(">H", 0) * 3 * layers
    section = struct.pack(">I", len(info)) + info if layers else b""
    path.write_bytes(
        header + bytes(8) + struct.pack(">I", len(section)) + section + b"\0\0" + np.moveaxis(pixels, 2, 0).tobytes()
    )
    return path
