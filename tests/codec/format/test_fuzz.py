"""Damaged and forged .smic files give a clear error or sound content: no other exception, no hang, bounded memory.

SMICNB_FUZZ sets the number of files; `make fuzz` takes 20 000.
"""

import os
import time
import tracemalloc
import zlib

import numpy as np
import pytest
import smic_mutants

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.codec.format import container
from smicnb.codec.format.container import Block
from smicnb.codec.format.reader import SmicReader

FILES = int(os.environ.get("SMICNB_FUZZ", "400"))
CHECKSUM = "checksum"
MOST_MEMORY, MOST_SECONDS = 256 << 20, 1.0


@pytest.mark.parametrize("mended", [False, True], ids=["damaged", "forged"])
def test_mutants_give_clear_errors(mended):
    rng, reached, refused = np.random.default_rng(FILES), 0, 0
    for data in smic_mutants.originals():
        smic_mutants.read_all(data)
        assert smic_mutants.mend(bytearray(data)) == data
    for _ in range(FILES // 2):
        data = smic_mutants.mutant(rng, mended)
        tracemalloc.start()
        start = time.process_time()  # of this process: other work on the machine is no fault of a file
        try:
            smic_mutants.read_all(data)
            reached += 1
        except SmicnbError as error:
            refused += 1
            reached += CHECKSUM not in str(error)
        spent = time.process_time() - start
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert spent < MOST_SECONDS
        assert peak < MOST_MEMORY
    assert refused > FILES / 20  # else the mutants would be harmless
    if mended:
        assert reached > FILES / 4  # else checksums would keep the parser from being tested


def test_few_bytes_that_stand_for_many_latents_are_read_block_by_block():
    """A sound file of 18 kB whose latents would take 66 GB."""
    header = container.Header("any", "0" * 64, 65535, 20.0, 0, 1.0, 1, 8, "trellis")
    deflate = zlib.compressobj(9, wbits=-15)
    tables = bytes(6) + deflate.flush()  # no mean, no scales
    data = container.dump(header, b"", tables, [Block(255, bytes(2), b"")] * 1000)
    assert len(data) < 18_000
    tracemalloc.start()
    with SmicReader(data) as opened:
        with pytest.raises(DimensionError, match=r"255000 latents of 65535 dimensions.*read it block by block"):
            opened.latents()
        assert opened.names == [None] * 255_000
        assert opened.latent(254_999).shape == (65535,)
    assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    tracemalloc.stop()


def test_few_bytes_that_stand_for_many_levels_are_refused_at_once():
    """4096 axes of one dimension, 1000 blocks of 255 images whose records are no bytes: a billion symbols."""
    header = container.Header("any", "0" * 64, 1, 20.0, 4096, 1.0, 1, 8, "trellis")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(container, "MOST_LEVELS", 1 << 30)  # an encoder that does not know the bound
        data = container.dump(header, bytes(512), bytes(5), [Block(255, bytes(2), b"")] * 1000)
    with pytest.raises(IntegrityError, match="the index of the segment at byte"):
        SmicReader(data)
