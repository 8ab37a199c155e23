"""Scalar quantisers of transformed latents: at a fixed number of bits, or of one step size for all coefficients."""

import struct
from hashlib import sha256
from typing import ClassVar, Self
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.base import clone

from smicnb.base.errors import IntegrityError, SmicnbError
from smicnb.codec.format import quantise
from smicnb.compare.latents.symbols import Tables
from smicnb.compare.latents.transforms import KLT, UNIT, PriorAxes, RandomRotation, Truncation

Transform = KLT | PriorAxes | Truncation | RandomRotation
TRANSFORMS: tuple[type, ...] = (KLT, Truncation, RandomRotation, PriorAxes)  # by their number in a file
FIXED = struct.Struct("<BBI")  # transform, bits, half the range in fixed point
STEPPED = struct.Struct("<BIB")  # transform, step in fixed point, classes
FRACTIONS = np.linspace(0.05, 1, 96)  # of the largest coefficient, tried one by one as half the range
FOLDS = 10  # of the training latents, when held-out coefficients are asked for
PER_OCTAVE = 4  # classes of coefficients for a doubling of their standard deviation
LARGEST_LEVEL = 1 << 14
CENTROIDS = 3  # levels ±1, ±2, and all beyond share a centroid each
SHARE = 256  # parts of a step in which centroids are sent
RATE_WEIGHT = np.log(2) / 6  # −dD/dR of a uniform quantiser at high rate, in squared steps a bit: D = Δ²/12


def limited(fixed: np.ndarray) -> np.ndarray:
    """Numbers in fixed point, kept within what a transform decodes."""
    return np.clip(fixed, 1 - quantise.LIMIT, quantise.LIMIT - 1)


def transform_from(number: int, data: bytes, dim: int) -> tuple[Transform, bytes]:
    """The transform of a number in a file, and the bytes after it; raises IntegrityError."""
    if number >= len(TRANSFORMS):
        raise IntegrityError(f"found transform number {number}", f"0 to {len(TRANSFORMS) - 1}")
    return TRANSFORMS[number].from_bytes(data, dim)


class FixedScalar:
    """Every coefficient at `bits` bits, by one uniform quantiser whose symmetric range errs least in training.

    With the identity (`Truncation()`) and no entropy coding this is CLIP-intra, which leaves the range open; with one
    bit it is the signs.

    Args:
        name: name of the curve.
        transform: transform of the latents, fitted here.
        bits: 1 to 12.

    Source: Bachard and Maugey, Can image compression rely on CLIP?, IEEE Access 2024 ([21] of Semantic Multi-Item
    Compression), as the latter describes it.
    """

    kind: ClassVar[int] = 1

    def __init__(self, name: str, transform: Transform, bits: int):
        if not 1 <= bits <= 12:
            raise SmicnbError(f"found {bits} bits for a coefficient", "1 to 12")
        self.name, self.transform, self.bits = name, transform, bits

    @property
    def setting(self) -> str:
        """Bits, and dimensions where they are fewer than all."""
        kept = getattr(self.transform, "n_components", None)
        return f"{self.bits} bit" + (f", {kept} dimensions" if kept else "")

    def fit(self, Z: np.ndarray) -> Self:
        """Fit transform, range and tables to latents (n, L) of norm `NORM`."""
        C = self.transform.fit(Z).transform(Z)
        largest, least = np.abs(C).max(initial=1 / UNIT), np.inf
        for fraction in FRACTIONS:
            half = max(1, int(np.rint(min(fraction * largest * UNIT, quantise.LIMIT - 1))))
            error = np.square(self._values(self._levels(C, half), half) / UNIT - C).sum()
            if error < least:
                self._half, least = half, error
        columns = np.arange(C.shape[1])
        self._tables = Tables.fit(self._levels(C, self._half), columns, np.full(C.shape[1], 1 << self.bits))
        return self

    def _levels(self, C: np.ndarray, half: int) -> np.ndarray:
        side = 1 << (self.bits - 1)
        return (np.clip(np.floor(C * UNIT / half * side), -side, side - 1) + side).astype(np.int32)

    def _values(self, levels: np.ndarray, half: int) -> np.ndarray:
        """Middles of the cells in fixed point, int64."""
        return ((2 * levels.astype(np.int64) + 1 - (1 << self.bits)) * half) >> self.bits

    def quantise(self, Z: np.ndarray) -> np.ndarray:
        """Levels (n, K) int32, 0 … 2^bits − 1."""
        return self._levels(self.transform.transform(Z), self._half)

    def reconstruct(self, symbols: np.ndarray) -> np.ndarray:
        """Latents (n, L) float32 of levels (n, K)."""
        return self.transform.decode(self._values(symbols, self._half))

    @property
    def sizes(self) -> np.ndarray:
        """(K,) number of levels."""
        return np.full(len(self.transform.rows_), 1 << self.bits)

    def tables(self) -> Tables:
        """One table for each coefficient."""
        return self._tables

    def side_information(self) -> bytes:
        """Bits and range, then the transform's."""
        number = TRANSFORMS.index(type(self.transform))
        return FIXED.pack(number, self.bits, self._half) + self.transform.side_information()

    @classmethod
    def from_bytes(cls, data: bytes, dim: int) -> tuple[Self, bytes]:
        """The quantiser of `side_information`'s bytes, and the bytes after it; raises IntegrityError."""
        number, bits, half = FIXED.unpack_from(data)
        transform, rest = transform_from(number, data[FIXED.size :], dim)
        if not 1 <= bits <= 12 or not 1 <= half < quantise.LIMIT:
            raise IntegrityError(f"found {bits} bits and a range of {half}", "those of an encoder")
        quantiser = cls("", transform, bits)
        quantiser._half = half
        return quantiser, rest


class SteppedScalar:
    """Every coefficient by the same step Δ, to be entropy-coded: reverse water-filling, coefficient by coefficient.

    Level q = sign(c)·⌊|c|/Δ + rounding⌋ is decoded at the centroid of its cell. Coefficients are classed by their
    standard deviation; a class shares its table and its centroids. All this is fitted to coefficients of training
    latents that the transform was not fitted to (ten folds): on its own latents a KLT looks better than it is. What is
    not worth its bits in training (D + λR at the high-rate λ of the step) is not coded at all.

    Args:
        name: name of the curve.
        transform: transform of the latents, fitted here; quantisers that share the object share the work of fitting it.
        step: Δ, in the unit of latents of norm 20.
        rounding: 0.5 for the nearest level; less makes a dead zone of 2(1 − rounding)·Δ around zero.

    Source: Gersho and Gray, Vector Quantization and Signal Compression, 1992, Sec. 8.3; Sullivan, Efficient scalar
    quantization of exponential and Laplacian random variables, 1996 (dead zone, centroids).
    """

    kind: ClassVar[int] = 2
    bits = None

    def __init__(self, name: str, transform: Transform, step: float, rounding: float = 0.5):
        if not (0 < step < quantise.LIMIT / UNIT and 0 <= rounding <= 0.5):
            raise SmicnbError(f"found a step of {step} and rounding {rounding}", "a positive step; rounding 0 to 0.5")
        self.name, self.transform, self.step, self.rounding = name, transform, step, rounding
        self._step = max(1, round(step * UNIT))

    @property
    def setting(self) -> str:
        """Step, rounding, and what the transform says of itself."""
        about = [f"step {self.step:g}"] + ([f"rounding {self.rounding:g}"] if self.rounding < 0.5 else [])
        kept = getattr(self.transform, "n_components", None)
        about += [f"{kept} components"] if kept else []
        return ", ".join(about + ([f"{self.transform.bits} bit axes"] if type(self.transform) is KLT else []))

    def fit(self, Z: np.ndarray) -> Self:
        """Fit transform, classes, centroids and tables to latents (n, L) of norm `NORM`."""
        self._fitted, C = fitted_once(self.transform, Z)
        self._fit_levels(C)
        if isinstance(self.transform, KLT):
            kept = int((1 + np.flatnonzero(self._worth(C))).max(initial=0))
            self._fitted = self._fitted.first(kept)
            self._fit_levels(C[:, :kept])
        return self

    def _fit_levels(self, C: np.ndarray) -> None:
        deviations = np.sqrt(np.square(C).mean(axis=0)) * UNIT / self._step
        octaves = np.rint(PER_OCTAVE * np.log2(np.clip(deviations, 1 / 8, LARGEST_LEVEL)))
        _, self._columns = np.unique(octaves, return_inverse=True)
        levels = self._raw_levels(C)
        self._most = np.array(
            [1 + np.abs(levels[:, self._columns == t]).max(initial=0) for t in range(self._classes)], np.int64
        )
        offsets = [self._centroids(C, levels, t) for t in range(self._classes)]
        self._offsets = np.array(offsets, np.int64).reshape(-1, CENTROIDS)
        counts = []
        for t, most in enumerate(self._most):
            seen = np.bincount((levels[:, self._columns == t] + most).ravel(), minlength=2 * most + 1)
            counts.append((seen + seen[::-1]) / 2)  # an axis and its opposite are the same
        self._tables = Tables.from_counts(self._columns, counts)

    @property
    def _classes(self) -> int:
        return int(self._columns.max(initial=-1)) + 1

    def _centroids(self, C: np.ndarray, levels: np.ndarray, t: int) -> np.ndarray:
        """(CENTROIDS,) where in their cells, in parts of a step from the level, the coefficients of a class lie."""
        mine = self._columns == t
        size, beyond = np.abs(levels[:, mine]), np.abs(C[:, mine]) * UNIT / self._step
        found = np.zeros(CENTROIDS)
        for place in range(CENTROIDS):
            cell = size == place + 1 if place < CENTROIDS - 1 else size > place
            # One more at the middle of the cell: what was seldom seen says little.
            total = (beyond - size)[cell].sum() + 0.5 - self.rounding
            found[place] = total / (np.count_nonzero(cell) + 1)
        return np.clip(np.rint(found * SHARE), -128, 127).astype(np.int64)

    def _worth(self, C: np.ndarray) -> np.ndarray:
        """(K,) whether coding a coefficient lowers D + λR."""
        symbols = self._symbols(C)
        saved = np.square(C).sum(axis=0) - np.square(C - self._values(symbols) / UNIT).sum(axis=0)
        bits = np.zeros(C.shape[1])
        for k, t in enumerate(self._columns):
            table = self._tables.frequencies[t]
            bits[k] = -np.log2(table / table.sum(dtype=np.float64))[symbols[:, k]].sum()
        return saved > RATE_WEIGHT * (self._step / UNIT) ** 2 * bits

    def _raw_levels(self, C: np.ndarray) -> np.ndarray:
        size = np.floor(np.abs(C) * UNIT / self._step + self.rounding)
        return (np.sign(C) * np.minimum(size, LARGEST_LEVEL)).astype(np.int64)

    def _symbols(self, C: np.ndarray) -> np.ndarray:
        most = self._most[self._columns]
        return (np.clip(self._raw_levels(C), -most, most) + most).astype(np.int32)

    def _values(self, symbols: np.ndarray) -> np.ndarray:
        """Decoded coefficients in fixed point, int64."""
        levels = symbols - self._most[self._columns]
        size = np.abs(levels)
        offset = self._offsets[self._columns, np.clip(size, 1, CENTROIDS) - 1]
        return limited(np.sign(levels) * (((size * SHARE + offset) * self._step) // SHARE))

    def quantise(self, Z: np.ndarray) -> np.ndarray:
        """Levels (n, K) int32, counted from the least one of their class."""
        return self._symbols(self._fitted.transform(Z))

    def reconstruct(self, symbols: np.ndarray) -> np.ndarray:
        """Latents (n, L) float32 of levels (n, K)."""
        return self._fitted.decode(self._values(symbols))

    @property
    def sizes(self) -> np.ndarray:
        """(K,) number of levels."""
        return 2 * self._most[self._columns] + 1

    def tables(self) -> Tables:
        """One table for each class of coefficients."""
        return self._tables

    def side_information(self) -> bytes:
        """Step, class of each coefficient, largest level and centroids of each class, then the transform's."""
        head = STEPPED.pack(TRANSFORMS.index(type(self._fitted)), self._step, self._classes)
        classes = self._most.astype("<u2").tobytes() + self._offsets.astype("i1").tobytes()
        return head + classes + self._fitted.side_information() + self._columns.astype("u1").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, dim: int) -> tuple[Self, bytes]:
        """The quantiser of `side_information`'s bytes, and the bytes after it; raises IntegrityError."""
        number, step, classes = STEPPED.unpack_from(data)
        most = np.frombuffer(data, "<u2", classes, STEPPED.size).astype(np.int64)
        start = STEPPED.size + 2 * classes
        offsets = np.frombuffer(data, "i1", CENTROIDS * classes, start).astype(np.int64)
        transform, rest = transform_from(number, data[start + CENTROIDS * classes :], dim)
        count = len(transform.rows_)
        columns = np.frombuffer(rest, "u1", count).astype(np.int64)
        if not 1 <= step < quantise.LIMIT or (columns >= classes).any():
            raise IntegrityError(f"found a step of {step} and {classes} classes", "those of an encoder")
        quantiser = cls("", transform, step / UNIT)
        quantiser._fitted, quantiser._step = transform, step
        quantiser._most, quantiser._columns = most, columns
        quantiser._offsets = offsets.reshape(classes, CENTROIDS)
        return quantiser, rest[count:]


_FITTED: WeakKeyDictionary[Transform, tuple[bytes, Transform, np.ndarray]] = WeakKeyDictionary()


def fitted_once(transform: Transform, Z: np.ndarray) -> tuple[Transform, np.ndarray]:
    """The transform as latents Z give it, and their `heldout_coefficients`; remembered for the next quantiser."""
    key = sha256(Z.tobytes()).digest()
    if transform not in _FITTED or _FITTED[transform][0] != key:
        fitted = clone(transform).fit(Z)
        _FITTED[transform] = key, fitted, heldout_coefficients(fitted, Z)
    return _FITTED[transform][1:]


def heldout_coefficients(transform: Transform, Z: np.ndarray) -> np.ndarray:
    """Coefficients (n, K) of latents (n, L), each under the transform that the latents of other folds give.

    Folds are tenths of the latents in their order, so that views of one scene stay together. Axes that the others do
    not give have coefficients of zero.
    """
    if not isinstance(transform, KLT):
        return transform.transform(Z)
    C, folds = np.zeros((len(Z), len(transform.rows_))), np.arange(len(Z)) * FOLDS // max(1, len(Z))
    for fold in np.unique(folds) if len(Z) > 1 else ():
        other = clone(transform).fit(Z[folds != fold])
        count = min(len(other.rows_), C.shape[1])
        C[folds == fold, :count] = other.transform(Z[folds == fold])[:, :count]
    return C
