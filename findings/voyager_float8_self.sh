#!/usr/bin/env bash
# ground: search
# guess: none
# expects: the cosine distance of a stored vector to itself is 0 to three digits in each of voyager's storages
# happens: levels of Float8 are cut off instead of rounded, in query and vector alike, so that every cosine comes out
#   some 5 % too small and a copy lies at 0.05; in E4M3 a copy can lie below 0
# packages: voyager==2.2.3 numpy==2.4.6
# seen: 64 dimensions, a vector to itself, mean of 50: Float32 0.000, E4M3 0.001 (-0.027 to 0.032), Float8 0.049
# matters: a threshold for near duplicates that was chosen on float32 finds none of them in Float8
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np
from voyager import Index, Space, StorageDataType

vectors = np.random.default_rng(0).standard_normal((500, 64)).astype(np.float32)
found = {}
for name in ("Float32", "E4M3", "Float8"):
    index = Index(Space.Cosine, num_dimensions=64, storage_data_type=getattr(StorageDataType, name))
    index.add_items(vectors)
    distances = []
    for row in range(50):
        neighbours, away = index.query(vectors[row], 1)
        distances.append(float(away[0]) if neighbours[0] == row else np.nan)
    found[name] = float(np.mean(distances))
    print(f"{name}: a vector to itself, mean of 50: {found[name]:.3f}, {min(distances):.3f} to {max(distances):.3f}")
same = abs(found["Float32"]) < 1e-5 and abs(found["E4M3"]) < 0.01 and 0.03 < found["Float8"] < 0.08
sys.exit(None if same else "changed: Float8 has copies at another distance")
END
