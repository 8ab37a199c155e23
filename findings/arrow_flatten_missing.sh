#!/usr/bin/env bash
# ground: collections
# guess: 2
# expects: `.flatten()` of a column of fixed-size lists keeps a missing row's place, as nulls
# happens: the row is dropped, and every later one moves up
# packages: pyarrow==26.0.1 numpy==2.4.6
# seen: 2 rows of 3, the second of them the third
# matters: one image without a latent shifts the latents of all images after it against their names
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np
import pyarrow as pa

column = pa.array([[1, 2], None, [5, 6]], pa.list_(pa.float32(), 2))
flat = np.asarray(column.flatten()).reshape(-1, 2)
print(f"pyarrow {pa.__version__}: {len(column)} rows, the second missing")
print(f".flatten() reshaped: {len(flat)} rows, the second {flat[1]}")
sys.exit(None if len(flat) == 2 and flat[1].tolist() == [5, 6] else "changed: a missing row keeps its place")
END
