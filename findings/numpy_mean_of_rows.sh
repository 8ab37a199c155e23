#!/usr/bin/env bash
# ground: collections
# guess: 9
# expects: the mean of two million rows of float32 (`axis=0`) is right to six digits, since numpy adds pairwise
# happens: pairwise is only along memory: over rows, numbers are added one after another in float32
# packages: numpy==2.4.6
# seen: relative error 4e-05, laid the other way 4e-08; standard deviation 5e-04
# matters: means of large collections depend on how they lie in memory, beyond what float32 explains; ask for
#   `dtype=np.float64`
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np

latents = np.random.default_rng(0).random((2_000_000, 4), dtype=np.float32) + 1
exact = latents.mean(axis=0, dtype=np.float64)
rows = abs(latents.mean(axis=0) / exact - 1).max()
columns = abs(np.ascontiguousarray(latents.T).mean(axis=1) / exact - 1).max()
exact_spread = latents.std(axis=0, dtype=np.float64)
spread = abs(latents.std(axis=0) / exact_spread - 1).max()
print(f"numpy {np.__version__}, two million rows of float32, relative errors:")
print(f"mean over rows {rows:.1e}, of the same numbers laid the other way {columns:.1e}")
print(f"standard deviation over rows {spread:.1e}")
sys.exit(None if rows > 1e-5 and columns < 1e-6 else "changed: both ways are as exact")
END
