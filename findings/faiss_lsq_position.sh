#!/usr/bin/env bash
# ground: quantisers
# guess: 1
# expects: a trained LocalSearchQuantizer gives a vector one code, wherever it stands in a batch
# happens: its search draws random numbers along the batch, so that a vector's code depends on its place; the same
#   batch gives the same codes
# packages: faiss-cpu==1.15.1 numpy==2.4.6
# seen: 21 of 200 vectors have other codes alone than in their batch
# matters: an image appended to a collection later is coded otherwise than among the others, and sizes of batches
#   change files
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import faiss
import numpy as np

latents = np.random.default_rng(0).normal(size=(2000, 64)).astype(np.float32)
quantiser = faiss.LocalSearchQuantizer(64, 4, 8)
quantiser.train_iters = 5
quantiser.train(latents)
asked = latents[:200]
batch = quantiser.compute_codes(asked)
again = quantiser.compute_codes(asked)
alone = np.vstack([quantiser.compute_codes(asked[i : i + 1]) for i in range(len(asked))])
differ = (batch != alone).any(axis=1).sum()
print(f"faiss {faiss.__version__}: of {len(asked)} vectors {differ} have other codes alone than in their batch")
print("the same batch again gives the same codes:", np.array_equal(batch, again))
held = differ > 0 and np.array_equal(batch, again)
sys.exit(None if held else "changed: codes no longer depend on the place in a batch")
END
