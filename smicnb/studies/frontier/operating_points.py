"""Length and fidelity of many operating points at once, as files would have them, without writing files.

One call takes the codes of a collection at one λ and every b_coef of a list. It shares the quantiser and the models
with the codec, and follows the range coder's frequencies symbol by symbol: what it calls entropy bits is the ideal
length of that very code, and a file exceeds it by headers and padding only (a test holds the two together).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit, prange

from smicnb.codec.coders.coefficients import Codes
from smicnb.codec.format import payload
from smicnb.codec.format.container import BLOCK_IMAGES
from smicnb.codec.format.payload import CHECK_BYTES, COUNT_STEP, MODELLED, VALUE_STEP, EntropyModels
from smicnb.codec.format.quantise import COEFFICIENT_UNIT, CoefficientQuantiser, count_coefficients

BINS = 1 << MODELLED


@dataclass(frozen=True)
class Measured:
    """One set of images at one λ and one b_coef.

    Args:
        cosines: (n,) of each latent and what is decoded, 0 where nothing was coded.
        used: (n,) coefficients that are not null.
        tuple_bits: length of all images under fixed-length tuples, exact, without padding.
        entropy_bits: length of all images under the range coder, ideal, and the checks of their blocks.
        quantiser, models: what the file's tables would hold.
    """

    cosines: np.ndarray
    used: np.ndarray
    tuple_bits: float
    entropy_bits: float
    quantiser: CoefficientQuantiser
    models: EntropyModels


def measure(fitted: Codes, others: Sequence[Codes], bits: Sequence[int], norm: float) -> list[list[Measured]]:
    """Lengths and cosines at one λ.

    Args:
        fitted: the collection, to which ranges and models are fitted.
        others: images that are coded with these.
        bits: values of b_coef.
        norm: the latents' norm.

    Returns:
        One list for each b_coef: the collection, then each of `others`.
    """
    counted = count_coefficients(fitted.codes)
    quantisers = [CoefficientQuantiser.fit(*counted, b_coef, norm) for b_coef in bits]
    ranges = np.array([[q.low, q.high, q.bits] for q in quantisers], np.int64)
    everyone = [
        _quantise(some.codes, some.products, some.gram, some.norms, ranges, COEFFICIENT_UNIT / norm)
        for some in (fitted, *others)
    ]
    (_, seen, leading), n_atoms = everyone[0], fitted.codes.shape[1]
    used = fitted.codes != 0
    weights = payload.activity_weights(used.sum(axis=0))
    equal = np.ones_like(weights)
    saved = _subsets(used, equal).sum() - _subsets(used, weights).sum()
    weights = weights if saved > 8 * n_atoms else equal
    counts = np.bincount(seen, minlength=n_atoms + 1)
    histograms = _histograms(leading, seen)
    results = []
    for row, quantiser in enumerate(quantisers):
        values = histograms[row, : 1 << min(quantiser.bits, MODELLED)]
        models = EntropyModels.from_statistics(counts, weights, values)
        results.append([])
        for some, (cosines, per_image, symbols) in zip((fitted, *others), everyone, strict=True):
            ideal = _adaptive_bits(per_image, models.counts, symbols[row], models.values, COUNT_STEP, VALUE_STEP)
            ideal += _subsets(some.codes != 0, weights).sum()
            ideal += per_image.sum() * (quantiser.bits - min(quantiser.bits, MODELLED))
            ideal += 8 * CHECK_BYTES * -(-len(per_image) // BLOCK_IMAGES)
            fixed = payload.tuple_lengths(per_image, n_atoms, quantiser.bits).sum()
            results[-1].append(Measured(cosines[row], per_image, float(fixed), float(ideal), quantiser, models))
    return results


def _subsets(used: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return _subset_bits(used, weights.astype(np.int64), 1 / payload.SCALE)


@njit(cache=True, parallel=True)
def _quantise(codes, correlations, gram, norms, ranges, scale):
    """Cosines (b, n), used (n,), and the leading bits of the non-null values in their order (b, n, n_atoms)."""
    images, n_atoms = codes.shape
    choices = len(ranges)
    cosines = np.zeros((choices, images))
    used = np.zeros(images, np.int64)
    leading = np.zeros((choices, images, n_atoms), np.uint8)
    for image in prange(images):
        index = np.flatnonzero(codes[image])
        count = len(index)
        used[image] = count
        value = np.empty(count)
        for choice in range(choices):
            low, high, bits = ranges[choice]
            levels = 1 << bits
            shift = max(0, bits - MODELLED)
            for k in range(count):
                level = np.floor((codes[image, index[k]] * scale - low) * (levels / (high - low)))
                whole = min(max(int(level), 0), levels - 1)
                leading[choice, image, k] = whole >> shift
                value[k] = low + (((2 * whole + 1) * (high - low)) >> (bits + 1))
            product, squared = 0.0, 0.0
            for i in range(count):
                product += value[i] * correlations[image, index[i]]
                row = 0.0
                for j in range(i):
                    row += value[j] * gram[index[i], index[j]]
                squared += value[i] * (2.0 * row + value[i] * gram[index[i], index[i]])
            if squared > 0.0 and norms[image] > 0.0:
                cosines[choice, image] = product / (np.sqrt(squared) * norms[image])
    return cosines, used, leading


@njit(cache=True)
def _histograms(leading, used):
    choices, images, _ = leading.shape
    counts = np.zeros((choices, BINS), np.int64)
    for choice in range(choices):
        for image in range(images):
            for k in range(used[image]):
                counts[choice, leading[choice, image, k]] += 1
    return counts


@njit(cache=True, parallel=True)
def _adaptive_bits(used, count_table, symbols, value_table, count_step, value_step):
    """Ideal bits of all counts and leading values, blocks of `BLOCK_IMAGES`, frequencies growing within a block."""
    images = len(used)
    blocks = (images + BLOCK_IMAGES - 1) // BLOCK_IMAGES
    bits = np.zeros(blocks)
    for block in prange(blocks):
        counts = count_table.astype(np.int64)
        values = value_table.astype(np.int64)
        all_counts, all_values = counts.sum(), values.sum()
        length = 0.0
        for image in range(block * BLOCK_IMAGES, min(images, (block + 1) * BLOCK_IMAGES)):
            many = used[image]
            length -= np.log2(counts[many] / all_counts)
            counts[many] += count_step
            all_counts += count_step
            for k in range(many):
                length -= np.log2(values[symbols[image, k]] / all_values)
            for k in range(many):
                values[symbols[image, k]] += value_step
            all_values += many * value_step
        bits[block] = length
    return bits.sum()


@njit(cache=True, parallel=True)
def _subset_bits(used, weights, least):
    """`payload.subset_lengths`, compiled."""
    images, n_atoms = used.shape
    remaining = np.cumsum(weights[::-1])[::-1]
    bits = np.zeros(images)
    for image in prange(images):
        left = 0
        for atom in range(n_atoms):
            left += used[image, atom]
        length = 0.0
        for atom in range(n_atoms):
            if left == 0 or left > n_atoms - 1 - atom:
                break
            chance = min(max(left * weights[atom] / remaining[atom], least), 1.0 - least)
            if used[image, atom]:
                length -= np.log2(chance)
                left -= 1
            else:
                length -= np.log2(1.0 - chance)
        bits[image] = length
    return bits
