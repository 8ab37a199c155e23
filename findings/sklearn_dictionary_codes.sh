#!/usr/bin/env bash
# ground: libraries
# guess: 10
# expects: scikit-learn's `DictionaryLearning(transform_algorithm="omp", transform_n_nonzero_coefs=3)` gives by
#   `fit_transform(X)` what it gives by `fit(X).transform(X)`: codes of three atoms
# happens: `fit_transform` gives the codes that learning ended with, those of the lasso, and nothing of what was asked
#   for `transform` counts; the two methods of MiniBatchDictionaryLearning agree
# packages: scikit-learn==1.9.1 numpy==2.4.6
# seen: by fit_transform 8.1 atoms a vector, 15 at most, and 2.1 % of the energy lost; by transform 3 and 9.5 %
# matters: a baseline of sparse codes that is measured on its training set by `fit_transform` has a fraction of the
#   error at more than twice the rate that stands beside it
. "$(dirname "$0")/environment"
"$work/venv/bin/python" -W ignore - <<'END'
import sys

import numpy as np
import sklearn
from sklearn.decomposition import DictionaryLearning, MiniBatchDictionaryLearning

random = np.random.default_rng(0)
atoms = random.standard_normal((40, 16))
atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
sparse = random.standard_normal((500, 40)) * (random.random((500, 40)) < 0.08)
vectors = sparse @ atoms + 0.02 * random.standard_normal((500, 16))
asked = {"n_components": 32, "alpha": 0.1, "max_iter": 30, "random_state": 0, "fit_algorithm": "cd"}
asked |= {"transform_algorithm": "omp", "transform_n_nonzero_coefs": 3}


def tell(kind, how, codes, dictionary):
    used = (codes != 0).sum(axis=1)
    lost = ((vectors - codes @ dictionary) ** 2).sum() / (vectors**2).sum()
    print(f"  {kind.__name__}, {how}: {used.mean():.1f} atoms a vector, {used.max()} at most, {lost:.1%} lost")
    return used.max()


print(f"scikit-learn {sklearn.__version__}, three atoms of 32 asked for, for 500 vectors of 16 dimensions:")
most = {}
for kind in (DictionaryLearning, MiniBatchDictionaryLearning):
    learnt = kind(**asked)
    at_once = learnt.fit_transform(vectors)
    most[kind, "at once"] = tell(kind, "fit_transform", at_once, learnt.components_)
    most[kind, "then"] = tell(kind, "transform", learnt.transform(vectors), learnt.components_)
as_seen = most.pop((DictionaryLearning, "at once")) > 6 and set(most.values()) == {3}
sys.exit(None if as_seen else "changed: fit_transform keeps to what was asked for transform")
END
