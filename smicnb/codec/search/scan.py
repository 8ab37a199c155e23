"""Products of a query with coefficients as they are stored, small whole numbers: the compiled part.

Every sum is in float64 and in one order, that of the axes or atoms, whatever the processor adds at once: lanes are
images, never terms of a sum. So a query's scores have the same bits on every machine.
"""

import numpy as np
from numba import njit

TILE = 64  # images whose coefficients on an axis lie side by side


@njit(cache=True, nogil=True)
def project(queries, rows, products):
    """Fill in the products (Q, K) of queries (Q, L) with rows that are given as their transpose (L, K), float64."""
    products[:] = 0.0
    for query in range(len(queries)):
        for dimension in range(queries.shape[1]):
            value = queries[query, dimension]
            for row in range(rows.shape[1]):
                products[query, row] += value * rows[dimension, row]


@njit(cache=True, nogil=True)
def squares(vectors, sums):
    """Fill in the squared norms (n,) of vectors (n, L), float64."""
    for row in range(len(vectors)):
        total = 0.0
        for value in vectors[row]:
            total += value * value
        sums[row] = total


@njit(cache=True, nogil=True)
def spread(levels, start, codes, first, table, deviations, unit, tiles, values):
    """Put a block's levels (n, n_atoms) into tiles, as parts of a standard deviation, and into fixed point.

    Args:
        levels: levels of the block; the leading K are read.
        start: the block's first image within the tiles.
        codes: (K,) code of each axis.
        first: (CODES,) where the levels of each begin in `table`.
        table: flat int16, in 2^-12 of a standard deviation.
        deviations: (K,) int64.
        unit: 2^12.
        tiles: (tiles, K, TILE) int16, filled in.
        values: (n, K) float64, filled in.
    """
    for image in range(len(levels)):
        tile, lane = (start + image) // TILE, (start + image) % TILE
        for axis in range(len(codes)):
            part = table[first[codes[axis]] + levels[image, axis]]
            tiles[tile, axis, lane] = part
            values[image, axis] = (np.int64(part) * deviations[axis] + unit // 2) // unit


@njit(cache=True, nogil=True)
def score_axes(tiles, steps, weights, offsets, inverses, scores):
    """Fill in the scores (Q, n) of queries on tiles.

    Args:
        tiles: (tiles, K, TILE) int16, as of `spread`.
        steps: (K,) float64, what a part of a standard deviation is in fixed point: 2^-12 of the deviations.
        weights, offsets: (Q, K) products of queries with axes, and (Q,) with what all images have in common.
        inverses: (n,) of the images' norms.
    """
    images, sums = len(inverses), np.empty(TILE)
    for tile in range(len(tiles)):
        start = tile * TILE
        for query in range(len(weights)):
            sums[:] = offsets[query]
            for axis in range(weights.shape[1]):
                weight, step = weights[query, axis], steps[axis]
                for lane in range(TILE):
                    # The decoder's whole number: products with a power of two, and halves, are exact in float64.
                    sums[lane] += weight * np.floor(step * tiles[tile, axis, lane] + 0.5)
            for lane in range(min(TILE, images - start)):
                scores[query, start + lane] = sums[lane] * inverses[start + lane]


@njit(cache=True, nogil=True)
def score_atoms(ends, atoms, levels, low, spread, bits, weights, inverses, scores):
    """Fill in the scores (Q, n) of weights (Q, n_atoms) on images that have few atoms each.

    Args:
        ends: (n + 1,) int64, where the atoms of each image begin, and where the last one's end.
        atoms, levels: (m,) uint16 of all images.
        low, spread, bits: level q is the coefficient low + ⌊(2q + 1) · spread / 2^(bits + 1)⌋.
        inverses: (n,) of the images' norms.
    """
    for image in range(len(inverses)):
        for query in range(len(weights)):
            total = 0.0
            for place in range(ends[image], ends[image + 1]):
                value = low + (((2 * np.int64(levels[place]) + 1) * spread) >> (bits + 1))
                total += weights[query, atoms[place]] * value
            scores[query, image] = total * inverses[image]
