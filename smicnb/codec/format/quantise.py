"""Uniform quantisers of atoms and coefficients, in integers, so that every decoder has the same values.

Atoms have unit norm, so that the range of their quantiser cancels out: the decoder gives unit norm to the integer
midpoints 2q + 1 − 2^b and needs no range at all. The range of the coefficients is two integers of the file.
All reconstruction is in integers below 2^53, which float64 adds and multiplies exactly in any order.
"""

from dataclasses import dataclass

import numpy as np

ATOM_UNIT = 1 << 19  # an atom's norm in fixed point
COEFFICIENT_UNIT = 1 << 17  # the latents' norm in fixed point
LIMIT = 1 << 21  # of a coefficient in fixed point: 16 times the latents' norm
MOST_ATOMS = 1 << 12  # MOST_ATOMS * LIMIT * ATOM_UNIT < 2^53
LATENT_BITS = 22  # of a reconstructed latent's largest value before it is given its norm
CLIPPED = 0.3 ** np.arange(0, 8) * 0.05  # shares of coefficients beyond either end of the range, tried one by one
FRACTIONS = np.linspace(0.12, 1.0, 45)  # of the largest |value| of an atom, tried one by one
ROUNDING = 1e-12  # of the largest |value| of an atom: what is smaller is rounding
BINS = 2048  # in which coefficients are counted to choose their range


def atom_levels(atoms: np.ndarray, bits: int) -> np.ndarray:
    """Levels 0 … 2^bits − 1 of unit-norm atoms (n_atoms, L), as uint16.

    One uniform quantiser of symmetric range for all, the range that errs least in the squared sense; what lies beyond
    is clipped (b_dict of the paper, Sec. V-A, which leaves the range open). Zero lies between two levels: what is
    zero but for rounding, as in a dimension in which no latent varies, counts as zero, whose level is the upper one,
    and does not take a side by the sign of its last digit.
    """
    atoms = np.asarray(atoms, dtype=np.float64)
    atoms = np.where(np.abs(atoms) < ROUNDING * np.abs(atoms).max(), 0.0, atoms)
    half = 1 << (bits - 1)
    best, least = None, np.inf
    for fraction in FRACTIONS:
        step = np.abs(atoms).max() * fraction / half
        levels = np.clip(np.floor(atoms / step), -half, half - 1)
        error = np.square((levels + 0.5) * step - atoms).sum()
        if error < least:
            best, least = levels, error
    return (best + half).astype(np.uint16)


def unit_atoms(levels: np.ndarray, bits: int) -> np.ndarray:
    """Atoms (n_atoms, L) of levels, unit norm in units of 1/`ATOM_UNIT`: whole numbers as float64.

    The same on every machine: the sum of squares is an integer, root, quotient and rounding are IEEE 754's own.
    """
    midpoints = 2 * levels.astype(np.int64) + 1 - (1 << bits)
    norms = np.sqrt(np.square(midpoints).sum(axis=1).astype(np.float64))
    return np.rint(midpoints * ATOM_UNIT / norms[:, None])


def pack_levels(levels: np.ndarray, bits: int) -> bytes:
    """Levels of any shape as `bits` bits each, most significant first, zero bits to the next byte."""
    shifts = np.arange(bits - 1, -1, -1, dtype=np.uint16)
    return np.packbits((levels.reshape(-1, 1).astype(np.uint16) >> shifts) & 1).tobytes()


def unpack_levels(data: bytes, count: int, bits: int) -> np.ndarray:
    """The inverse of `pack_levels`: `count` levels, uint16; `data` must hold that many."""
    levels = np.zeros(count, np.uint16)
    unpacked = np.unpackbits(np.frombuffer(data, np.uint8), count=count * bits).reshape(count, bits)
    for column in range(bits):
        levels = (levels << 1) | unpacked[:, column]
    return levels


@dataclass(frozen=True)
class CoefficientQuantiser:
    """A uniform quantiser of non-null coefficients, of one range for all atoms.

    Args:
        bits: b_coef, 1 to 16.
        low, high: the range, whole numbers in units of norm/`COEFFICIENT_UNIT`, at most `LIMIT` in size, low < high.
    """

    bits: int
    low: int
    high: int

    @classmethod
    def fit(cls, counts: np.ndarray, edges: np.ndarray, bits: int, norm: float) -> "CoefficientQuantiser":
        """The range that errs least, in the squared sense, on coefficients of latents of a norm at `bits` bits:
        `counts` (m,) lie in the bins between `edges` (m + 1,), in the latents' units.
        """
        centres = (edges[:-1] + edges[1:]) / 2
        share = np.cumsum(counts) / max(1, counts.sum())
        best, least = None, np.inf
        for clipped in CLIPPED:
            low = edges[np.searchsorted(share, clipped, side="right")] if clipped else edges[0]
            high = edges[1 + np.searchsorted(share, 1 - clipped)] if clipped else edges[-1]
            quantiser = cls.from_range(low, high, bits, norm)
            error = counts @ np.square(quantiser.dequantise(quantiser.quantise(centres, norm), norm) - centres)
            if error < least:
                best, least = quantiser, error
        return best

    @classmethod
    def fit_codes(cls, codes: np.ndarray, bits: int, norm: float) -> "CoefficientQuantiser":
        """`fit` on the non-null coefficients of codes (n, n_atoms)."""
        return cls.fit(*count_coefficients(codes), bits, norm)

    @classmethod
    def from_range(cls, low: float, high: float, bits: int, norm: float) -> "CoefficientQuantiser":
        """The quantiser of a range in the latents' units, kept within the limits and of some width."""
        scale = COEFFICIENT_UNIT / norm
        low, high = (int(np.clip(np.rint(end * scale), -LIMIT + 1, LIMIT - 1)) for end in (low, high))
        return cls(bits, low, max(high, low + 1))

    def quantise(self, values: np.ndarray, norm: float) -> np.ndarray:
        """Levels 0 … 2^bits − 1, int32, of coefficients of any shape in the latents' units."""
        scaled = (np.asarray(values) * (COEFFICIENT_UNIT / norm) - self.low) * (
            (1 << self.bits) / (self.high - self.low)
        )
        return np.clip(np.floor(scaled), 0, (1 << self.bits) - 1).astype(np.int32)

    def midpoints(self, levels: np.ndarray) -> np.ndarray:
        """Coefficients of levels in fixed point, whole numbers, int64."""
        return self.low + (((2 * levels.astype(np.int64) + 1) * (self.high - self.low)) >> (self.bits + 1))

    def dequantise(self, levels: np.ndarray, norm: float) -> np.ndarray:
        """Coefficients of levels in the latents' units."""
        return self.midpoints(levels) * (norm / COEFFICIENT_UNIT)


def count_coefficients(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Histogram (counts, edges) of the non-null coefficients of codes, in `BINS` bins from least to largest."""
    values = codes[codes != 0]
    return np.histogram(values if values.size else np.zeros(1), BINS)


def reconstruct(midpoints: np.ndarray, atoms: np.ndarray, norm: float) -> np.ndarray:
    """Latents (n, L) float32 of a norm from coefficients (n, n_atoms) in fixed point, 0 where null, and atoms (n_atoms,
    L) of `unit_atoms`; a latent of which nothing was coded is zero.
    """
    # The product is exact, however whole numbers below 2^53 are added up.
    return scale_to_norm(midpoints.astype(np.float64) @ atoms, norm)


def scale_to_norm(sums: np.ndarray, norm: float) -> np.ndarray:
    """Latents (n, L) float32 of norm `norm`, of whole numbers below 2^53 that have their directions; bit-exact."""
    largest = np.maximum(sums.max(axis=1, initial=0), -sums.min(axis=1, initial=0))
    _, exponent = np.frexp(largest)
    rounded = sums * np.ldexp(1.0, np.minimum(0, LATENT_BITS - exponent))[:, None]
    np.rint(rounded, out=rounded)
    if sums.shape[1] << 2 * LATENT_BITS <= 1 << 53:  # so few that float64 adds them up exactly, in any order
        squared = np.einsum("ij,ij->i", rounded, rounded)
    else:
        squared = np.square(rounded.astype(np.int64)).sum(axis=1).astype(np.float64)
    rounded *= (norm / np.sqrt(np.maximum(1, squared)))[:, None]
    latents = rounded.astype(np.float32)
    latents += np.float32(0)  # no -0.0
    return latents
