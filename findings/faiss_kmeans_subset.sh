#!/usr/bin/env bash
# ground: quantisers
# guess: 2
# expects: faiss.Kmeans trains on all vectors that it is given
# happens: it trains on 256 for each centroid and says nothing; `obj` is the subset's sum too
# packages: faiss-cpu==1.15.1 numpy==2.4.6
# seen: the objective reported is 20 % of that of all 20 000 vectors; with `max_points_per_centroid` set it is 100 %
# matters: dictionaries of few atoms learn from a small part of a collection, and `obj` of other k are not comparable
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import faiss
import numpy as np

latents = np.random.default_rng(0).normal(size=(20_000, 32)).astype(np.float32)


def trained(**options):
    kmeans = faiss.Kmeans(32, 16, niter=10, seed=1, **options)
    kmeans.train(latents)  # warnings would be seen here
    distances, _ = kmeans.index.search(latents, 1)
    return kmeans.obj[-1], float(distances.sum())


print(f"faiss {faiss.__version__}: 20 000 vectors, 16 centroids")
shares = {}
for name, options in {"default": {}, "max_points_per_centroid=20000": {"max_points_per_centroid": 20_000}}.items():
    reported, whole = trained(**options)
    shares[name] = reported / whole
    print(f"{name}: objective as reported {reported:.0f}, of all vectors {whole:.0f}, that is {shares[name]:.0%}")
print(f"256 vectors for each of 16 centroids are {256 * 16 / 20_000:.0%} of 20 000")
default, everything = shares.values()
sys.exit(None if default < 0.3 and everything > 0.9 else "changed: training takes all vectors")
END
