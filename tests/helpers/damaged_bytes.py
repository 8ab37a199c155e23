"""Files of quantised coders with one byte changed at a time, as they are and under a checksum that is true again."""

import contextlib
import zlib

import numpy as np
import pytest

from smicnb.base.errors import IntegrityError, SmicnbError


def count_decoded(coder, data: bytes) -> int:
    """With another bit, then with another byte, at each place in turn, a coder's file is an IntegrityError.

    Once its last four bytes are the CRC-32 of all before, as a malicious or a mistaken encoder has it, a file with
    another byte is an error of the package, or decoded: how many are.
    """
    rng, decoded = np.random.default_rng(0), 0
    for place in range(len(data)):
        for change in (1 << rng.integers(8), 1 + rng.integers(255)):
            wrong = bytearray(data)
            wrong[place] ^= change
            with pytest.raises(IntegrityError):
                coder.decode(bytes(wrong))
        wrong[-4:] = zlib.crc32(wrong[:-4]).to_bytes(4, "little")
        with contextlib.suppress(SmicnbError):  # damaged, or of another coder
            coder.decode(bytes(wrong))
            decoded += wrong != data  # a change of the checksum itself is undone
    return decoded
