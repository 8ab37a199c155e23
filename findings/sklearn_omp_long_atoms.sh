#!/usr/bin/env bash
# ground: quantisers
# guess: 6
# expects: `sparse_encode(algorithm="omp")` chooses the atom at the smallest angle, whatever its length
# happens: it takes products with the atoms as they are, so that longer atoms win; its documentation says "normalized"
#   of some algorithms, not of which
# packages: scikit-learn==1.9.1 numpy==2.4.6
# seen: eight atoms made ten times as long are 100 % of the choices instead of 12 %; squared error 0.779 instead of
#   0.460
# matters: centroids or photographs as atoms have lengths: a baseline of them looks worse than it is
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np
import sklearn
from sklearn.decomposition import sparse_encode

random = np.random.default_rng(0)
atoms = random.normal(size=(64, 32))
atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
longer = atoms * np.where(np.arange(64) < 8, 10, 1)[:, None]  # the same directions, eight of them ten times as long
latents = random.normal(size=(200, 32))


def coded(atoms):
    codes = sparse_encode(latents, atoms, algorithm="omp", n_nonzero_coefs=4)
    return codes != 0, ((latents - codes @ atoms) ** 2).mean()


(chosen, error), (chosen_longer, error_longer) = coded(atoms), coded(longer)
share = chosen_longer[:, :8].sum() / chosen_longer.sum()
print(f"scikit-learn {sklearn.__version__}: squared error {error:.3f}, with eight longer atoms {error_longer:.3f}")
print(f"the eight are {chosen[:, :8].sum() / chosen.sum():.0%} of the choices, once longer {share:.0%}")
sys.exit(None if share > 0.9 and error_longer > 1.3 * error else "changed: an atom's length no longer decides")
END
