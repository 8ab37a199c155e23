#!/usr/bin/env bash
# ground: collections
# guess: 1
# expects: `.values` of a slice of a column of fixed-size lists holds the slice
# happens: it holds the whole column from its beginning; `.flatten()` keeps to the slice
# packages: pyarrow==26.0.1 numpy==2.4.6
# seen: 10 rows instead of 2, the first of them row 0 instead of row 6
# matters: latents of a batch, read so, are those of the first images, in the right shape where the slice's length is
#   then cut
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np
import pyarrow as pa

latents = np.arange(10 * 4, dtype=np.float32).reshape(10, 4)
table = pa.table({"latent": pa.FixedSizeListArray.from_arrays(pa.array(latents.ravel()), 4)})
piece = table.slice(6, 2)["latent"].chunk(0)
values, flat = (np.asarray(array).reshape(-1, 4) for array in (piece.values, piece.flatten()))
print(f"pyarrow {pa.__version__}: rows 6 and 7 of 10")
print(f".values: {len(values)} rows, the first of them {values[0]}")
print(f".flatten(): {len(flat)} rows, the first of them {flat[0]}")
right = np.array_equal(flat, latents[6:8])
sys.exit(None if right and np.array_equal(values, latents) else "changed: .values keeps to the slice")
END
