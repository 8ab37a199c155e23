"""Length and fidelity of many operating points at once, as files would have them, without writing files.

One call takes the codes of a collection at one λ and every b_coef of a list. Range, levels and models are the codec's
own (`SMICCodec(refit=True)`), and the range coder's frequencies are followed symbol by symbol: what it calls entropy
bits is the ideal length of that very code, and a file exceeds it by headers and padding only (a test holds the two
together).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit, prange

from smicnb.codec.coders import coefficients
from smicnb.codec.coders.coefficients import Codes
from smicnb.codec.format import payload
from smicnb.codec.format.container import BLOCK_IMAGES
from smicnb.codec.format.payload import CHECK_BYTES, COUNT_STEP, MODELLED, VALUE_STEP, EntropyModels
from smicnb.codec.format.quantise import CoefficientQuantiser


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
    results = []
    for b_coef in bits:
        quantiser = coefficients.fit_range(fitted, b_coef, norm)
        coded = [some.levels(quantiser, norm) for some in (fitted, *others)]
        models = EntropyModels.fit(coded[0][0], b_coef)
        results.append([_measure_levels(*some, quantiser, models) for some in coded])
    return results


def _measure_levels(
    levels: np.ndarray, cosines: np.ndarray, quantiser: CoefficientQuantiser, models: EntropyModels
) -> Measured:
    """What levels (n, n_atoms) come to, whose cosines (n,) are known already."""
    (images, n_atoms), rest = levels.shape, quantiser.bits - min(quantiser.bits, MODELLED)
    used = (levels >= 0).sum(axis=1)
    ideal = _adaptive_bits(levels, rest, models.counts, models.values, COUNT_STEP, VALUE_STEP)
    ideal += _subset_bits(levels >= 0, models.weights.astype(np.int64), 1 / payload.SCALE).sum()
    ideal += used.sum() * rest + 8 * CHECK_BYTES * -(-images // BLOCK_IMAGES)
    fixed = payload.tuple_lengths(used, n_atoms, quantiser.bits).sum()
    return Measured(cosines, used, float(fixed), float(ideal), quantiser, models)


@njit(cache=True, parallel=True)
def _adaptive_bits(levels, rest, count_table, value_table, count_step, value_step):
    """Ideal bits of all counts and leading values, blocks of `BLOCK_IMAGES`, frequencies growing within a block; `rest`
    are the last bits of a level, which have no model.
    """
    images, n_atoms = levels.shape
    blocks = (images + BLOCK_IMAGES - 1) // BLOCK_IMAGES
    bits = np.zeros(blocks)
    for block in prange(blocks):
        counts = count_table.astype(np.int64)
        values = value_table.astype(np.int64)
        all_counts, all_values = counts.sum(), values.sum()
        length = 0.0
        for image in range(block * BLOCK_IMAGES, min(images, (block + 1) * BLOCK_IMAGES)):
            many = 0
            for atom in range(n_atoms):
                if levels[image, atom] >= 0:
                    many += 1
                    length -= np.log2(values[levels[image, atom] >> rest] / all_values)
            length -= np.log2(counts[many] / all_counts)
            counts[many] += count_step
            all_counts += count_step
            for atom in range(n_atoms):
                if levels[image, atom] >= 0:
                    values[levels[image, atom] >> rest] += value_step
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
