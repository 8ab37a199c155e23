#!/usr/bin/env bash
# ground: collections
# guess: 6
# expects: safetensors.numpy writes a transposed or strided array by its values, or refuses it
# happens: it writes bytes as they lie under the array's shape: other values come back. Its documentation asks for
#   contiguous arrays; nothing checks
# packages: safetensors==0.8.0 numpy==2.4.6
# seen: a transposed view [[0, 2, 4], [1, 3, 5]] comes back as [[0, 1, 2], [3, 4, 5]]
# matters: a dictionary or matrix kept as a view is silently another; `np.ascontiguousarray` first, as smicnb's
#   conversions do
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys
from importlib.metadata import version

import numpy as np
from safetensors.numpy import load, save

matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
arrays = {
    "transposed view": np.arange(6, dtype=np.float32).reshape(3, 2).T,
    "Fortran order": np.asfortranarray(matrix),
    "every second column": np.arange(12, dtype=np.float32).reshape(2, 6)[:, ::2],
    "contiguous": matrix,
}
print("safetensors", version("safetensors"), "with numpy", np.__version__)
same = {}
for name, array in arrays.items():
    back = load(save({"a": array}))["a"]
    same[name] = np.array_equal(back, array)
    print(f"{name}: written {array.tolist()}, read {back.tolist()}")
contiguous = same.pop("contiguous")
sys.exit(None if contiguous and not any(same.values()) else "changed: views come back as they were, or are refused")
END
