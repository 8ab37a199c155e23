#!/usr/bin/env bash
# ground: numbers
# guess: 18
# expects: numcodecs' Delta, a filter before compression without loss, gives float32 back, to the last digit or nearly
# happens: differences are rounded and added up again in float32, so that errors grow along the array: nearly every
#   value is another one, and the longer the array the farther
# packages: numcodecs==0.16.6 numpy==2.4.6
# seen: of 10 000 values around 0.05 98.8 % differ, by up to 3.8e-07, a hundred units in the last place; of 3 840 000
#   99.9 %, by up to 4.0e-06; integers come back
# matters: a chunk of latents that passed this filter no longer has the hash, nor a file the bytes, that it had before
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys
from importlib.metadata import version

import numcodecs
import numpy as np

SIZES = (10_000, 384_000, 3_840_000)
numbers = (0.05 * np.random.default_rng(0).standard_normal(SIZES[-1])).astype("f4")


def back_and_forth(values):
    codec = numcodecs.Delta(dtype=values.dtype)
    return codec.decode(codec.encode(values))


print(f"numcodecs {version('numcodecs')}, Delta:")
errors = []
for size in SIZES:
    values = numbers[:size]
    found = back_and_forth(values)
    errors.append(np.abs(found - values).max())
    print(f"  {size} float32: {100 * np.mean(found != values):.1f} % differ, by up to {errors[-1]:.1e}")
indices = np.round(numbers * 64).astype("i4")
whole = np.array_equal(back_and_forth(indices), indices)
print(f"  {indices.size} int32: {'all come back' if whole else 'some differ'}")
as_seen = whole and errors[0] > np.spacing(np.float32(0.05)) and errors[-1] > 3 * errors[0]
sys.exit(None if as_seen else "changed: Delta gives floats back")
END
