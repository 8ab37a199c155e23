"""Levels of sparse codes searched for the cosine that they leave, one latent at a time: the compiled part."""

import numpy as np
from numba import njit

ALL_TRIED = 8  # levels of a coefficient up to which each is tried; of more, those around the best real number
SLACK = 1e-9  # of a cosine: what differs by less is rounding, and then the level stays, or is null
VANISHED = 1e-9  # squared norm of a candidate, as a share of what it is a difference of, that is rounding
FEW_DIGITS = 1e-6  # squared norm of the others, as a share of the same, below which it is summed up anew


@njit(cache=True, nogil=True)
def search(codes, products, gram, norms, low, high, bits, scale, sweeps, levels):
    """Round codes to levels, then change one level after the other to whichever leaves the largest cosine.

    Args:
        codes: (n, K) float64, 0.0 where null: what is null stays null.
        products: (n, K) of latents and atoms.
        gram: (K, K) of the atoms.
        norms: (n,) of the latents.
        low, high, bits: the quantiser's range and bits.
        scale: fixed-point units in one unit of a code.
        sweeps: over the coefficients of a latent at most; 0 for rounding alone.
        levels: (n, K) int32, filled in; −1 where a coefficient is null.

    Returns:
        (n,) cosines of the latents and what the levels stand for; 0 where nothing is coded.
    """
    count = 1 << bits
    per_unit = count / (high - low)
    cosines = np.zeros(len(codes))
    for image in range(len(codes)):
        levels[image] = -1
        index = np.flatnonzero(codes[image])
        used = len(index)
        if used == 0 or norms[image] == 0.0:
            continue
        level, value = np.empty(used, np.int64), np.empty(used)
        for a in range(used):
            level[a] = int(min(max(np.floor((codes[image, index[a]] * scale - low) * per_unit), 0.0), count - 1.0))
            value[a] = low + (((2 * level[a] + 1) * (high - low)) >> (bits + 1))
        rows = np.zeros(used)  # products of the atoms with what the levels stand for
        for a in range(used):
            for b in range(used):
                rows[a] += gram[index[a], index[b]] * value[b]
        product, squared = 0.0, 0.0
        for a in range(used):
            product += value[a] * products[image, index[a]]
            squared += value[a] * rows[a]
        for _ in range(sweeps):
            changed = False
            for a in range(used):
                own, mine, before = gram[index[a], index[a]], products[image, index[a]], value[a]
                # The same three without this coefficient.
                row = rows[a] - own * before
                others = squared - before * (2.0 * row + own * before)
                product_others = product - before * mine
                if others <= FEW_DIGITS * (squared + own * before * before):
                    others, product_others = 0.0, 0.0
                    for b in range(used):
                        if b != a:
                            others += value[b] * (rows[b] - gram[index[b], index[a]] * before)
                            product_others += value[b] * products[image, index[b]]
                    others = max(others, 0.0)
                slack = SLACK * norms[image]
                best = product / np.sqrt(squared) if squared > 0.0 else 0.0
                chosen, at = level[a], before
                if level[a] >= 0:
                    without = product_others / np.sqrt(others) if others > 0.0 else 0.0
                    if without > best - slack:
                        best, chosen, at = without, -1, 0.0
                first, last, step = 0, count - 1, 1
                curvature = product_others * own - mine * row
                if count > ALL_TRIED and curvature > 0.0:
                    # Where the cosine is largest, were every real number a level.
                    peak = ((mine * others - product_others * row) / curvature - low) * per_unit
                    around = int(np.floor(min(max(peak, 0.0), count - 1.0)))
                    first, last = max(around - 1, 0), min(around + 1, count - 1)
                elif count > ALL_TRIED:
                    step = count - 1  # it rises towards one of the ends
                for other in range(first, last + 1, step):
                    there = low + (((2 * other + 1) * (high - low)) >> (bits + 1))
                    length = others + there * (2.0 * row + own * there)
                    if length > VANISHED * (others + own * there * there):
                        cosine = (product_others + there * mine) / np.sqrt(length)
                        if cosine > best + slack:
                            best, chosen, at = cosine, other, float(there)
                if chosen != level[a]:
                    changed = True
                    for b in range(used):
                        rows[b] += gram[index[b], index[a]] * (at - before)
                    product = product_others + at * mine
                    squared = others + at * (2.0 * row + own * at)
                    level[a], value[a] = chosen, at
            if not changed:
                break
        product, squared = 0.0, 0.0
        for a in range(used):
            levels[image, index[a]] = level[a]
            product += value[a] * products[image, index[a]]
            for b in range(used):
                squared += value[a] * value[b] * gram[index[a], index[b]]
        if squared > 0.0:
            cosines[image] = product / (np.sqrt(squared) * norms[image])
    return cosines
