#!/usr/bin/env bash
# ground: quantisers
# guess: 5
# expects: PCA of float32 latents far from the origin is right to a few digits, since the mean is taken off first
# happens: the default chooses `covariance_eigh`, which subtracts the mean's square from a sum in float32: axes and
#   variances are noise
# packages: scikit-learn==1.9.1 numpy==2.4.6
# seen: mean 145 times the spread: variances off by up to 310 %, a leading axis at a cosine of 0.11;
#   `svd_solver="full"` right to four digits
# matters: latents with a common mean are fitted wrongly once they outnumber ten times their dimensions; smicnb asks
#   for "full"
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np
import sklearn
from sklearn.decomposition import PCA

random = np.random.default_rng(0)
strong = random.normal(size=(5000, 8)) * np.arange(8, 0, -1)
spread = strong @ random.normal(size=(8, 384)) / 20 + 0.1 * random.normal(size=(5000, 384))
latents = (0.05 * spread + 5).astype(np.float32)


def against_float64(latents, **options):
    exact = PCA(8, svd_solver="full").fit(latents.astype(np.float64))
    found = PCA(8, **options).fit(latents)
    cosines = abs((found.components_ * exact.components_).sum(axis=1))
    error = abs(found.explained_variance_ / exact.explained_variance_ - 1).max()
    worst = cosines.min()
    return (
        f"{found._fit_svd_solver}: variances off by up to {error:.2%}, the worst axis at a cosine of {worst:.3f}",
        worst,
    )


print("scikit-learn", sklearn.__version__)
print(f"mean / standard deviation {latents.mean() / latents.std(axis=0).mean():.0f}")
default, worst = against_float64(latents, random_state=0)
full, whole = against_float64(latents, svd_solver="full")
print(f"by default {default}")
print(f"asked for {full}")
sys.exit(None if worst < 0.5 and whole > 0.999 else "changed: the default is as exact as the full decomposition")
END
