"""The coded records of a block of images: fixed-length tuples, or a range coder under models that the file holds.

What is coded are levels (images, n_atoms), int32: −1 where a coefficient is null, else its level 0 … 2^b_coef − 1.
docs/format.md describes both codings byte by byte.
"""

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from smicnb.base.errors import IntegrityError
from smicnb.codec.format import range_coder

NULL = -1
CODINGS = ("tuple", "entropy")
MODELLED = 6  # leading bits of a value that have a model; the others are as good as random
TOTAL = 512  # what a table's frequencies add up to, before each is brought between 1 and 255
CHECK_BYTES = 2  # of a range-coded block: of the levels themselves
COUNT_STEP, VALUE_STEP = 16, 8  # by which a frequency grows with every use within a block
SCALE = 1 << 12  # an atom whose activity is not certain has at least 1 part in this for either outcome


def damage_error() -> IntegrityError:
    """The error for a block that no encoder wrote."""
    return IntegrityError("found a block that holds no image records", "the bytes that an encoder wrote")


def index_bits(n_atoms: int) -> int:
    """Bits of an atom's number: ⌈log2 n_atoms⌉."""
    return (n_atoms - 1).bit_length()


def count_bits(n_atoms: int) -> int:
    """Bits of how many coefficients follow, 0 to n_atoms."""
    return n_atoms.bit_length()


def tuple_lengths(used: np.ndarray, n_atoms: int, b_coef: int) -> np.ndarray:
    """Bits of images of which `used` coefficients are not null, under fixed-length tuples (paper, Sec. V-C)."""
    return count_bits(n_atoms) + np.asarray(used) * (index_bits(n_atoms) + b_coef)


def encode_tuples(levels: np.ndarray, b_coef: int) -> bytes:
    """A block as (count, then index and value of each non-null coefficient), at fixed lengths."""
    n_atoms, parts = levels.shape[1], []
    for row in levels:
        used = np.flatnonzero(row >= 0)
        parts.append(_bits(np.array([len(used)]), count_bits(n_atoms)))
        parts.append(np.hstack([_bits(used, index_bits(n_atoms)), _bits(row[used], b_coef)]))
    return np.packbits(np.concatenate([part.ravel() for part in parts])).tobytes()


def decode_tuples(data: bytes, images: int, n_atoms: int, b_coef: int) -> np.ndarray:
    """The levels (images, n_atoms) of `encode_tuples`; raises IntegrityError for what it never writes."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    levels = np.full((images, n_atoms), NULL, np.int32)
    place, width = 0, index_bits(n_atoms) + b_coef
    for row in levels:
        used = int(_numbers(bits[None, place : place + count_bits(n_atoms)])[0])
        place += count_bits(n_atoms)
        if used > n_atoms or place + used * width > len(bits):
            raise damage_error()
        fields = bits[place : place + used * width].reshape(used, width)
        place += used * width
        index = _numbers(fields[:, : index_bits(n_atoms)])
        if used and (index[-1] >= n_atoms or (np.diff(index) <= 0).any()):
            raise damage_error()
        row[index] = _numbers(fields[:, index_bits(n_atoms) :])
    if len(bits) - place >= 8 or bits[place:].any():
        raise damage_error()
    return levels


def _bits(numbers: np.ndarray, width: int) -> np.ndarray:
    """(n, width) bits of whole numbers, the most significant first."""
    return ((numbers[:, None] >> np.arange(width - 1, -1, -1)) & 1).astype(np.uint8)


def _numbers(bits: np.ndarray) -> np.ndarray:
    """The inverse of `_bits`."""
    return bits.astype(np.int64) @ (1 << np.arange(bits.shape[1] - 1, -1, -1, dtype=np.int64))


@dataclass(frozen=True)
class EntropyModels:
    """What the range coder knows beforehand, in small integers; within a block, frequencies grow with use.

    Args:
        counts: (n_atoms + 1,) uint8, frequency of each number of non-null coefficients of an image.
        weights: (n_atoms,) uint8, how readily each atom is among the non-null ones; all 1 where that tells nothing.
        values: (2^min(b_coef, 6),) uint8, frequency of each value's leading bits.
    """

    counts: np.ndarray
    weights: np.ndarray
    values: np.ndarray

    @classmethod
    def fit(cls, levels: np.ndarray, b_coef: int) -> "EntropyModels":
        """Models of levels (n, n_atoms)."""
        used, shift = levels >= 0, b_coef - min(b_coef, MODELLED)
        per_image = used.sum(axis=1)
        weights = activity_weights(used.sum(axis=0))
        saved = subset_lengths(used, np.ones_like(weights)).sum() - subset_lengths(used, weights).sum()
        return cls.from_statistics(
            np.bincount(per_image, minlength=levels.shape[1] + 1),
            weights if saved > 8 * len(weights) else np.ones_like(weights),
            np.bincount(levels[used] >> shift, minlength=1 << min(b_coef, MODELLED)),
        )

    @classmethod
    def from_statistics(cls, counts: np.ndarray, weights: np.ndarray, values: np.ndarray) -> "EntropyModels":
        """Models of how often each number of non-null coefficients and each leading value was seen."""
        # Images that are yet to come need more atoms than those that the dictionary was learned on: counts are spread.
        spread = np.convolve(np.pad(counts.astype(float), 2), np.ones(5) / 5, "same")[2:-2]
        return cls(_frequencies(spread), weights, _frequencies(values))

    def to_bytes(self) -> bytes:
        """The tables as the file holds them: raw deflate of counts, weights and values."""
        deflate = zlib.compressobj(9, wbits=-15)
        return deflate.compress(b"".join(table.tobytes() for table in self._tables)) + deflate.flush()

    @classmethod
    def from_bytes(cls, data: bytes, n_atoms: int, b_coef: int) -> "EntropyModels":
        """The inverse of `to_bytes`; raises IntegrityError for tables that no encoder writes."""
        sizes = (n_atoms + 1, n_atoms, 1 << min(b_coef, MODELLED))
        inflate = zlib.decompressobj(wbits=-15)
        try:
            raw = inflate.decompress(data, sum(sizes) + 1)
        except zlib.error as error:
            raise IntegrityError("found entropy tables that cannot be inflated", "those of an encoder") from error
        if len(raw) != sum(sizes) or inflate.unused_data or not inflate.eof or 0 in raw:
            raise IntegrityError("found entropy tables of another size", f"{sum(sizes)} frequencies from 1 to 255")
        tables = np.split(np.frombuffer(raw, np.uint8), np.cumsum(sizes)[:-1])
        return cls(*tables)

    @property
    def _tables(self) -> tuple[np.ndarray, ...]:
        return self.counts, self.weights, self.values

    @cached_property
    def remaining(self) -> np.ndarray:
        """(n_atoms,) sum of the weights from each atom on, int64."""
        return np.cumsum(self.weights[::-1], dtype=np.int64)[::-1]


def _frequencies(seen: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(TOTAL * seen / max(1.0, seen.sum())), 1, 255).astype(np.uint8)


def activity_weights(active: np.ndarray) -> np.ndarray:
    """Weights (n_atoms,) uint8 from how many images use each atom."""
    smoothed = active + 0.5  # what was not seen may still come
    return np.clip(np.rint(255 * smoothed / smoothed.max()), 1, 255).astype(np.uint8)


def activity(left: np.ndarray, weight: np.ndarray, remaining: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Probability that an atom is among the non-null ones, of which `left` are still to come (broadcast).

    Certain where none is left or where every atom from here on is needed; else left · weight / remaining, kept
    from certainty. With equal weights every choice of atoms is equally likely: log2 of the binomial coefficient.

    Args:
        left: non-null coefficients to come, this one included.
        weight, remaining: weight of this atom, and of it and all that follow.
        after: how many atoms follow.
    """
    likely = np.clip(left * weight / remaining, 1 / SCALE, 1 - 1 / SCALE)
    return np.where(left > after, 1.0, np.where(left == 0, 0.0, likely))


def _activities(used: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """`activity` of each atom of each image (n, n_atoms), given those before it."""
    left = used[:, ::-1].cumsum(axis=1)[:, ::-1]
    remaining = np.cumsum(weights[::-1], dtype=np.int64)[::-1]
    return activity(left, weights.astype(np.int64), remaining, np.arange(used.shape[1])[::-1])


def subset_lengths(used: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Ideal bits (n,) of telling which atoms are used (n, n_atoms), once it is known how many are."""
    chance = _activities(used, weights)
    return -np.log2(np.where(used, chance, 1 - chance)).sum(axis=1)


def encode_entropy(levels: np.ndarray, b_coef: int, models: EntropyModels) -> bytes:
    """A block through a range coder: counts, atoms in use, values; before it 16 bits that check the levels."""
    stream = range_coder.stream()

    coder, used = stream.queue.RangeEncoder(), levels >= 0
    frequencies = models.counts.astype(np.float64)
    for count in used.sum(axis=1):
        coder.encode(int(count), stream.model.Categorical(frequencies, perfect=False))
        frequencies[count] += COUNT_STEP
    chance = _activities(used, models.weights)
    coder.encode(used.T.ravel().astype(np.int32), stream.model.Bernoulli(perfect=False), chance.T.ravel())
    frequencies, shift = models.values.astype(np.float64), b_coef - min(b_coef, MODELLED)
    for row, mask in zip(levels, used, strict=True):
        leading = row[mask] >> shift
        if len(leading):
            coder.encode(leading, stream.model.Categorical(frequencies, perfect=False))
            frequencies += VALUE_STEP * np.bincount(leading, minlength=len(frequencies))
    if shift and used.any():
        coder.encode(levels[used] & ((1 << shift) - 1), stream.model.Uniform(1 << shift))
    words = coder.get_compressed().astype(">u4").tobytes()
    return check(levels) + words.rstrip(b"\0")


def decode_entropy(data: bytes, images: int, n_atoms: int, b_coef: int, models: EntropyModels) -> np.ndarray:
    """The levels (images, n_atoms) of `encode_entropy`; raises IntegrityError for what it never writes."""
    stream = range_coder.stream()

    if len(data) < CHECK_BYTES:
        raise damage_error()
    words = data[CHECK_BYTES:]
    words += bytes(-len(words) % 4 + 8)
    coder = stream.queue.RangeDecoder(np.frombuffer(words, ">u4").astype(np.uint32))
    levels = np.full((images, n_atoms), NULL, np.int32)
    try:
        frequencies, left = models.counts.astype(np.float64), np.empty(images, np.int64)
        for image in range(images):
            left[image] = coder.decode(stream.model.Categorical(frequencies, perfect=False))
            frequencies[left[image]] += COUNT_STEP
        used, bernoulli = np.empty((n_atoms, images), bool), stream.model.Bernoulli(perfect=False)
        weights = models.weights.astype(np.int64)
        for atom in range(n_atoms):
            chance = activity(left, weights[atom], models.remaining[atom], n_atoms - 1 - atom)
            used[atom] = coder.decode(bernoulli, chance)
            left -= used[atom]
        if left.any():
            raise damage_error()
        used = used.T
        frequencies, shift = models.values.astype(np.float64), b_coef - min(b_coef, MODELLED)
        for row, mask, count in zip(levels, used, used.sum(axis=1), strict=True):
            if count:
                leading = coder.decode(stream.model.Categorical(frequencies, perfect=False), int(count))
                frequencies += VALUE_STEP * np.bincount(leading, minlength=len(frequencies))
                row[mask] = leading << shift
        if shift and used.any():
            levels[used] |= coder.decode(stream.model.Uniform(1 << shift), int(used.sum()))
    except (AssertionError, ValueError) as error:  # what the range coder raises for words that no encoder wrote
        raise damage_error() from error
    if check(levels) != data[:CHECK_BYTES]:
        raise damage_error()
    return levels


def check(levels: np.ndarray) -> bytes:
    """16 bits of the levels themselves: a decoder whose models drifted gets an error, not another picture."""
    return (zlib.crc32(levels.astype("<i4").tobytes()) & 0xFFFF).to_bytes(CHECK_BYTES, "little")
