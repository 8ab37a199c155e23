"""Damaged and forged .smic files, half of them with all checksums made anew so that the parser itself is reached."""

import struct
import tempfile
import zlib
from functools import cache
from pathlib import Path

import numpy as np

from smicnb.codec.coders.axes import AxesCodec
from smicnb.codec.coders.smic import SMICCodec
from smicnb.codec.format import container, priors
from smicnb.codec.format.container import ENTRY, FIELDS, HEAD, PREAMBLE, TRAILER
from smicnb.codec.format.reader import SmicReader

EXTREMES = (0, 1, 127, 128, 255)


@cache
def originals() -> tuple[bytes, ...]:
    """Files of every coding, with and without names, of one and of two segments."""
    rng = np.random.default_rng(0)
    narrow = rng.standard_normal((70, 3)) @ rng.standard_normal((3, 6))
    (prior,) = priors.list_priors()
    files, wide = [], rng.standard_normal((70, prior.dim))
    codecs = [SMICCodec(5, 0.5, 3, 4, coding, random_state=0) for coding in ("tuple", "entropy")]
    codecs += [AxesCodec(most_axes=4), AxesCodec("prior", 110, prior=prior)]
    codecs.append(SMICCodec(penalty=4.0, b_coef=4, coding="words", weights_hash=prior.weights_hash))
    for codec, latents in zip(codecs, (narrow, narrow, narrow, wide, wide), strict=True):
        codec.fit(latents)
        plain = codec.encode(latents)
        named = codec.encode(latents[:6], [f"sub/{i}.png" for i in range(6)], [(30 + i, 200) for i in range(6)])
        files += [plain, named, longer(named, codec.blocks(latents[:3], ["x", "y", "z"], [(9, 9)] * 3))]
    return tuple(files)


def longer(data: bytes, blocks: list[container.Block]) -> bytes:
    """A file with a further segment."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "longer.smic")
        path.write_bytes(data)
        container.append(path, blocks)
        return path.read_bytes()


def mutant(rng: np.random.Generator, mended: bool) -> bytes:
    """A file with one to four changes; `mended` makes its checksums anew."""
    data = bytearray(originals()[rng.integers(len(originals()))])
    for _ in range(rng.integers(1, 5)):
        place = int(rng.integers(len(data) or 1))
        kind = rng.integers(6 if not mended else 3)
        if kind == 0 and data:
            data[place] ^= 1 << int(rng.integers(8))
        elif kind == 1 and data:
            data[place] = EXTREMES[rng.integers(len(EXTREMES))]
        elif kind == 2:
            width = int(rng.choice([2, 4, 8]))
            value = int(rng.choice([0, 1, 1 << (8 * width - 1), (1 << 8 * width) - 1]).item()) & ((1 << 8 * width) - 1)
            data[place : place + width] = value.to_bytes(width, "little")[: len(data) - place]
        elif kind == 3:
            del data[place:]
        elif kind == 4:
            data[place:place] = data[: int(rng.integers(40))]
        else:
            other = originals()[rng.integers(len(originals()))]
            data[place:] = other[int(rng.integers(len(other))) :]
    return mend(data) if mended else bytes(data)


def mend(data: bytearray) -> bytes:
    """The file with every checksum that can be located set to what it would have to be."""
    if len(data) < PREAMBLE.size + FIELDS.size + 5:
        return bytes(data)
    data[: PREAMBLE.size - 2] = container.MAGIC + struct.pack("<H", container.VERSION)
    (length,) = struct.unpack_from("<H", data, PREAMBLE.size - 2)
    start = PREAMBLE.size + length
    sizes = FIELDS.unpack_from(data, PREAMBLE.size)
    place = start + 4
    for number, size in ((-3, sizes[-4]), (-1, sizes[-2])):
        at = PREAMBLE.size + FIELDS.size + 4 * number
        struct.pack_into("<I", data, at, zlib.crc32(data[place : place + size]))
        place += size
    if start + 4 > len(data):
        return bytes(data)
    struct.pack_into("<I", data, start, zlib.crc32(data[:start]))
    while place + HEAD.size <= len(data):
        data[place : place + 4] = container.SEGMENT
        struct.pack_into("<I", data, place + 16, zlib.crc32(data[place : place + 16]))
        _, length, blocks, _ = HEAD.unpack_from(data, place)
        index = place + length - TRAILER.size - blocks * ENTRY.itemsize
        if not place + HEAD.size <= index or place + length > len(data):
            break
        entries = np.frombuffer(bytes(data[index : index + blocks * ENTRY.itemsize]), ENTRY).copy()
        offset = place + HEAD.size
        for entry in entries:
            size = int(entry["payload"]) + int(entry["details"])
            entry["crc"] = zlib.crc32(data[offset : offset + size])
            offset += size
        data[index : index + entries.nbytes] = entries.tobytes()
        end = place + length - 4
        struct.pack_into("<I", data, end, zlib.crc32(struct.pack("<Q", place) + data[index:end]))
        place += length
    return bytes(data)


def read_all(data: bytes) -> None:
    """Everything that a reader asks of a file."""
    with SmicReader(data) as opened:
        for block in opened:
            assert np.isfinite(block.latents).all()
        assert len(opened.names) == len(opened)
        if len(opened):
            opened.latent(len(opened) - 1)
