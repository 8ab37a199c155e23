#!/usr/bin/env bash
# ground: search
# guess: 12
# expects: usearch gives as many neighbours as there are, where more are asked for
# happens: for one query it does; for several each row is filled up with the key 0, which is a key like any other, at a
#   distance of NaN; how many are real stands in `counts` alone
# packages: usearch==2.26.6 numpy==2.4.6
# seen: three vectors, ten asked for: one query gives 3 keys; a batch gives rows of ten, seven of them 0 at NaN
# matters: the first photograph of a collection is taken for a neighbour of every query, and recall counts it
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np
from usearch.index import Index

vectors = np.random.default_rng(0).standard_normal((3, 64)).astype(np.float32)
index = Index(ndim=64, metric="cos")
index.add(np.arange(3), vectors)
one, several = index.search(vectors[1], 10), index.search(vectors[1:], 10)
print("one query:", one.keys.tolist())
print("several:", several.keys.tolist(), "counts", several.counts.tolist())
print("distances of the first:", several.distances[0].tolist())
filled = several.keys[:, 3:]
same = len(one) == 3 and several.keys.shape == (2, 10) and not filled.any() and several.counts.tolist() == [3, 3]
same = same and np.isnan(several.distances[:, 3:]).all()
sys.exit(None if same else "changed: rows are no longer filled up with the key 0")
END
