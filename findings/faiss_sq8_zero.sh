#!/usr/bin/env bash
# ground: quantisers
# guess: 9
# expects: eight-bit scalar quantisation keeps the ends of the trained range: zeros of features after a ReLU stay zero
# happens: every level is decoded to the middle of its cell: zeros come back half a step up, the largest value half a
#   step beyond itself
# packages: faiss-cpu==1.15.1 numpy==2.4.6
# seen: all zeros come back as 0.500 steps
# matters: null coefficients, which a sparse code counts, are gone after quantising; keep zeros apart
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import faiss
import numpy as np

latents = np.random.default_rng(0).normal(size=(2000, 16)).astype(np.float32)
latents[latents < 0] = 0  # features after a ReLU
quantiser = faiss.ScalarQuantizer(16, faiss.ScalarQuantizer.QT_8bit)
quantiser.train(latents)
decoded = quantiser.decode(quantiser.compute_codes(latents))
step = latents.max(axis=0) / 255
zeros = (decoded / step)[latents == 0]
top = ((decoded.max(axis=0) - latents.max(axis=0)) / step).mean()
print(f"faiss {faiss.__version__}")
print(f"zeros come back as {zeros.min():.3f} … {zeros.max():.3f} steps; {(decoded == 0).sum()} stay zero")
print(f"the largest value comes back {top:.3f} steps above itself")
sys.exit(None if zeros.min() > 0.49 and top > 0.49 else "changed: the ends of the range come back as they were")
END
