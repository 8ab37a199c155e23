"""Files of quantised coders with one byte changed at a time, as they are and under a checksum that is true again."""

import zlib
from collections.abc import Iterator

import numpy as np


def damaged(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """For each place: the bytes with another value there, and these with their last four the CRC-32 of all before."""
    rng = np.random.default_rng(0)
    for place in range(len(data)):
        wrong = bytearray(data)
        wrong[place] ^= 1 + rng.integers(255)
        yield bytes(wrong), bytes(wrong[:-4]) + zlib.crc32(wrong[:-4]).to_bytes(4, "little")
