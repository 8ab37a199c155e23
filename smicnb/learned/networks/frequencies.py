"""Probabilities to the whole numbers that an entropy coder divides its interval by.

Every symbol gets at least one count of 2¹⁶, however rare it is, at the cost of the rarest symbol that has more.

Source: the procedure of TensorFlow Compression and CompressAI, whose tables are in checkpoints: Ballé et al.,
Integer networks for data compression with latent-variable models, 2019, explains why tables have to be whole numbers.
"""

import numpy as np

PRECISION = 16
TOTAL = 1 << PRECISION


def cumulate(probabilities: np.ndarray) -> np.ndarray:
    """Cumulative frequencies, rising from 0 to 65 536, (n + 1,) int32.

    Args:
        probabilities: (n,), 0 or more; taken at float32. Their sum need not be 1.

    Raises:
        ValueError: none at all, all zero, negative, not finite, or more than there are counts.
    """
    p = np.asarray(probabilities, np.float32).astype(np.float64)
    if p.ndim != 1 or not 1 <= len(p) <= TOTAL or not np.isfinite(p).all() or (p < 0).any():
        raise ValueError(f"found {np.shape(probabilities)} numbers; needed: 1 to {TOTAL} finite probabilities")
    counts = np.floor(p * TOTAL + 0.5).astype(np.int64)
    if not (total := counts.sum()):
        raise ValueError("found probabilities that are all zero; needed: one of at least half a count")
    edges = np.concatenate([[0], np.cumsum(counts * TOTAL // total)])
    edges[-1] = TOTAL
    for symbol in range(len(p)):
        if edges[symbol] == edges[symbol + 1]:
            frequencies = np.diff(edges)
            rarest = int(np.argmin(np.where(frequencies > 1, frequencies, TOTAL + 1)))
            # What lies between the two moves by one count, towards the one that gives.
            if rarest < symbol:
                edges[rarest + 1 : symbol + 1] -= 1
            else:
                edges[symbol + 1 : rarest + 1] += 1
    return edges.astype(np.int32)
