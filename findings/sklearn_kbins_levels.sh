#!/usr/bin/env bash
# ground: libraries
# guess: 8
# expects: scikit-learn's `KBinsDiscretizer(strategy="kmeans")` is the quantiser of Lloyd and Max: its
#   `inverse_transform` gives back the centroids that it was fitted with, and errs as little as KMeans
# happens: it gives back the middle of each bin, and the outermost bins reach to the smallest and the largest value of
#   the training set: with few levels it errs several times as much, with four more than evenly spaced bins do
# packages: scikit-learn==1.9.1 numpy==2.4.6
# seen: of normal numbers of variance 1 it errs by 0.428 with 4 levels, where KMeans errs by 0.118 and evenly spaced
#   bins by 0.328; with 8 levels by 0.074, 0.035 and 0.083, with 16 by 0.0126, 0.0095 and 0.0207; the means of its
#   bins err as KMeans does
# matters: latents quantised by it look worse than its bins are: take the codes alone, and decode to the means of the
#   bins
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.preprocessing import KBinsDiscretizer

values = np.random.default_rng(0).standard_normal((20_000, 1))
print(f"scikit-learn {sklearn.__version__}, mean squared error of normal numbers of variance 1")
errors = {}
for levels in (4, 8, 16):
    found = {}
    for strategy in ("kmeans", "uniform"):
        bins = KBinsDiscretizer(levels, encode="ordinal", strategy=strategy, subsample=None, random_state=0)
        codes = bins.fit_transform(values)
        found[strategy] = bins.inverse_transform(codes)
        if strategy == "kmeans":
            means = np.array([values[codes == code].mean() for code in range(levels)])
            found["kmeans, means of bins"] = means[codes.astype(int)]
    clusters = KMeans(levels, n_init=1, random_state=0).fit(values)
    found["KMeans"] = clusters.cluster_centers_[clusters.labels_]
    errors[levels] = {name: float(((values - back) ** 2).mean()) for name, back in found.items()}
    print(f"  {levels} levels:", ", ".join(f"{name} {error:.4f}" for name, error in errors[levels].items()))
few = errors[4]
as_seen = few["kmeans"] > few["uniform"] and few["kmeans"] > 2 * few["KMeans"]
as_seen &= abs(few["kmeans, means of bins"] / few["KMeans"] - 1) < 0.02
sys.exit(None if as_seen else "changed: inverse_transform gives back centroids")
END
