"""Rate–distortion functions of small discrete sources: Shannon's, with perfect realism, and up to synonyms."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from smicnb.base.errors import SmicnbError
from smicnb.studies.synonyms.sources import Source, distributions, mutual_information

ITERATIONS = 20_000
GAP = 1e-4  # bits between the two bounds of the rate at which the iteration stops
MISMATCH = 1e-9  # of a marginal at which the scaling stops


def semantic_distortion(distortion: np.ndarray, source: Source) -> np.ndarray:
    """Least distortion (n, k) between x̂ and any synonym of x: 0 if they are synonyms, and never more than the plain
    one, at least 0.
    """
    nearest = [distortion[source.synsets == synset].min(axis=0) for synset in range(source.synsets.max() + 1)]
    return np.stack(nearest)[source.synsets]


def rate_distortion(
    p: np.ndarray, distortion: np.ndarray, slopes: Iterable[float], realism: bool = False
) -> pd.DataFrame:
    """Points of R(D) (Eq. 1), or of R(D, P) at P = 0 (Eq. 3): x̂ distributed as x, whatever the divergence.

    Args:
        p: (n,) probabilities of the source.
        distortion: (n, k) of x and x̂, at least 0; (n, n) with realism.
        slopes: −dR/dD of each point, above 0, in bits per unit of distortion.
        realism: whether x̂ has to be distributed as x.

    Returns:
        slope, distortion, rate in bits, which is at most 10⁻⁴ bits above the function at this distortion.

    Raises:
        SmicnbError: a slope of 0 or below, or no convergence.

    Source: Blahut 1972 and Arimoto 1972; with realism the minimum is an entropic optimal transport, found by
    Sinkhorn's scaling (Cuturi 2013).
    """
    p = distributions(p, (len(distortion),), "symbols")
    rows = []
    for slope in slopes:
        if slope <= 0:
            raise SmicnbError(f"found a slope of {slope:g} bits", "above 0")
        kernel = np.exp2(-slope * distortion)
        joint = _transport(p, kernel) if realism else _unconstrained(p, kernel)
        rows.append((slope, float((joint * distortion).sum()), mutual_information(joint)))
    return pd.DataFrame(rows, columns=["slope", "distortion", "rate"])


def _unconstrained(p: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    r = np.full(kernel.shape[1], 1 / kernel.shape[1])
    for _ in range(ITERATIONS):
        gains = (p / (kernel @ r)) @ kernel
        r = r * gains
        known = gains > 0
        if np.log2(gains.max()) - (r[known] * np.log2(gains[known])).sum() < GAP:  # Arimoto's two bounds of the rate
            channel = kernel * r
            return p[:, None] * channel / channel.sum(axis=1, keepdims=True)
    raise SmicnbError("the rate–distortion function did not converge", do="take a smaller slope")


def _transport(p: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    b = np.ones(len(p))
    for _ in range(ITERATIONS):
        a = p / (kernel @ b)
        b = p / (a @ kernel)
        joint = a[:, None] * kernel * b
        if np.abs(joint.sum(axis=1) - p).sum() < MISMATCH:
            return joint
    raise SmicnbError("the scaling of the coupling did not converge", do="take a smaller slope")
