#!/usr/bin/env bash
# ground: quantisers
# guess: none
# expects: a RaBitQuantizer with nb_bits=4 reads its codes back closer to the vectors than one with nb_bits=1
# happens: codes grow with nb_bits, and decode to the same floats: the signs alone are read back; the other bits serve
#   distances only
# packages: faiss-cpu==1.15.1 numpy==2.4.6
# seen: 1, 2 and 4 bits: codes of 24, 52 and 84 bytes, and one cosine with the vectors, 0.7997, of the same floats
# matters: a rate–fidelity curve of RaBitQ read off decoded vectors is flat; smicnb decodes its codes by itself
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import faiss
import numpy as np

vectors = np.random.default_rng(0).normal(size=(500, 128)).astype(np.float32)
read_back, sizes = [], []
for bits in (1, 2, 4):
    quantiser = faiss.RaBitQuantizer(128, faiss.METRIC_L2, bits)
    quantiser.train(vectors)
    codes = quantiser.compute_codes(vectors)
    decoded = quantiser.decode(codes)
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(decoded, axis=1)
    cosine = ((vectors * decoded).sum(axis=1) / norms).mean()
    print(f"faiss {faiss.__version__}: {bits} bits: codes of {codes.shape[1]} bytes, cosine {cosine:.4f}")
    read_back.append(decoded)
    sizes.append(codes.shape[1])
held = sizes[0] < sizes[1] < sizes[2] and all(np.array_equal(read_back[0], other) for other in read_back[1:])
sys.exit(None if held else "changed: more bits are read back as other floats")
END
