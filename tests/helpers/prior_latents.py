"""Latents of the kind that the package's prior expects."""

import numpy as np

from smicnb.codec.format import priors

(PRIOR,) = priors.list_priors()


def images(count, seed=0):
    """(count, L) of the prior's covariance, with a mean."""
    rng = np.random.default_rng(seed)
    rows = PRIOR.axes / (1 << 19)
    spread = priors.deviation(PRIOR.scales) * (20 / (1 << 17))
    return (rng.standard_normal((count, len(rows))) * spread) @ rows + 3 * rows[5]
