#!/usr/bin/env bash
# ground: entropy coding
# guess: 3
# expects: cumsum of the same float32 probabilities is the same in numpy and torch, both adding from left to right
# happens: torch adds in float64 and rounds each sum, numpy adds in float32
# packages: torch==2.13.0 numpy==2.4.6
# seen: 75 % of sums differ; of 1000 tables of 16 bits made from them 661 differ
# matters: cumulative tables written in one library and rebuilt in the other do not decode; build them once, in
#   integers
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np
import torch

random = np.random.default_rng(0)
probabilities = random.dirichlet(np.ones(256), 1000).astype(np.float32)
numpys = probabilities.cumsum(axis=1)
torchs = torch.from_numpy(probabilities).cumsum(1).numpy()
doubles = probabilities.cumsum(axis=1, dtype=np.float64).astype(np.float32)
tables = [np.rint(sums * (1 << 16)).astype(int) for sums in (numpys, torchs)]
other = (numpys != torchs).mean()
print(f"torch {torch.__version__}, numpy {np.__version__}: 1000 distributions of 256 symbols, float32")
print(f"sums that differ: {other:.0%}")
print(f"torch's sums that are not those of float64, rounded: {(torchs != doubles).mean():.0%}")
print("distributions whose 16-bit tables differ:", (tables[0] != tables[1]).any(axis=1).sum())
sys.exit(None if other > 0.2 and np.array_equal(torchs, doubles) else "changed: both add alike")
END
