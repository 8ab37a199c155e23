"""Damaged and forged .smic files give a clear error or sound content: no other exception, no hang, bounded memory.

SMICNB_FUZZ sets the number of files; `make fuzz` takes 20 000.
"""

import os
import time
import tracemalloc

import numpy as np
import pytest
import smic_mutants

from smicnb.base.errors import SmicnbError

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
        start = time.perf_counter()
        try:
            smic_mutants.read_all(data)
            reached += 1
        except SmicnbError as error:
            refused += 1
            reached += CHECKSUM not in str(error)
        spent = time.perf_counter() - start
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert spent < MOST_SECONDS
        assert peak < MOST_MEMORY
    assert refused > FILES / 20  # else the mutants would be harmless
    if mended:
        assert reached > FILES / 4  # else checksums would keep the parser from being tested
