#!/usr/bin/env bash
# ground: quantisers
# guess: 10
# expects: `eigenvalues` of a faiss.PCAMatrix are the variances along its axes, as scikit-learn's
#   `explained_variance_`
# happens: they are sums of squares: n − 1 times the variances
# packages: faiss-cpu==1.15.1 numpy==2.4.6
# seen: 999.0 times at 1000 vectors, 3999.0 times at 4000
# matters: bits allocated by them against a fixed distortion grow with the number of images that were fitted
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import faiss
import numpy as np

random = np.random.default_rng(0)
ratios = {}
for count in (1000, 4000):
    latents = (random.normal(size=(count, 8)) * np.arange(8, 0, -1)).astype(np.float32)
    transform = faiss.PCAMatrix(8, 8)
    transform.train(latents)
    variances = np.sort(np.linalg.eigvalsh(np.cov(latents.T)))[::-1]
    ratios[count] = faiss.vector_to_array(transform.eigenvalues) / variances
    print(f"{count} vectors: eigenvalues / variances = {ratios[count].min():.1f} … {ratios[count].max():.1f}")
print(f"faiss {faiss.__version__}")
scaled = all(abs(ratio / (count - 1) - 1).max() < 0.01 for count, ratio in ratios.items())
sys.exit(None if scaled else "changed: eigenvalues no longer grow with the number of vectors")
END
