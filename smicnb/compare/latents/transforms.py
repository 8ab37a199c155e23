"""Linear transforms of latents, and exactly what a decoder must be sent to undo them.

A latent is z ≈ μ + Σ c_k t_k. The mean μ and the rows t_k are integers that the side information holds, or that a seed
or a number names; encoder and decoder use these integers, so that a transform of few bits is paid for in fidelity, not
in agreement. Reconstruction is exact in any order (see `quantise`).
"""

import struct
import weakref
import zlib
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.base.work.recall import FITTED, recall_by_content
from smicnb.codec.format import priors, quantise

NORM = 20.0  # of latents, before they are coded and after (the paper's); a norm is free, the metric is the cosine
UNIT = quantise.COEFFICIENT_UNIT / NORM  # fixed-point units in one unit of a coefficient
MEAN_BITS = 8  # of a dimension of the mean
MEAN = struct.Struct("<I")  # norm of the mean in fixed point, 0 where there is none
KLT_HEAD = struct.Struct("<HB")  # components, bits
TRUNCATION_HEAD = struct.Struct("<H")  # components
IDENTITY = 8  # bytes that name a prior
ROTATION_HEAD = struct.Struct("<QI")  # seed, CRC-32 of the matrix in fixed point


def normalise(Z: np.ndarray) -> np.ndarray:
    """Latents (n, L) at norm `NORM`, float64; zero latents stay zero."""
    Z = np.asarray(Z, np.float64)
    norms = np.linalg.norm(Z, axis=1, keepdims=True)
    return Z * (NORM / np.where(norms == 0, 1, norms))


_INVERSES: dict[int, tuple[weakref.ref, np.ndarray]] = {}


def _inverse(rows: np.ndarray) -> np.ndarray:
    """(L, K), the pseudo-inverse of a transform's rows, kept as long as they are: images come one by one."""
    key = id(rows)
    found = _INVERSES.get(key)
    if found is None or found[0]() is not rows:
        forget = weakref.ref(rows, lambda _: _INVERSES.pop(key, None))
        _INVERSES[key] = found = forget, _pseudo_inverse(rows)
    return found[1]


@recall_by_content(FITTED)
def _pseudo_inverse(rows: np.ndarray) -> np.ndarray:
    return np.linalg.pinv(rows / quantise.ATOM_UNIT)


@recall_by_content(FITTED)
def _principal(Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Singular values and right singular vectors of latents (n, L), their mean removed."""
    return np.linalg.svd(Z - Z.mean(axis=0), full_matrices=False)[1:]


class _Linear(TransformerMixin, BaseEstimator):
    """What all transforms share once they have a mean and rows.

    Attributes:
        mean_norm_: ‖μ‖ in fixed point, a whole number.
        mean_levels_: (1, L) uint16, the direction of μ at `MEAN_BITS` bits.
        rows_: (K, L) float64, whole numbers in units of 1/`quantise.ATOM_UNIT`.
        n_features_in_: L.
    """

    def transform(self, Z):
        """Coefficients (n, K) float64 of latents Z (n, L): least squares in the decoder's rows, mean removed."""
        check_is_fitted(self, "rows_")
        Z = validate_data(self, Z, dtype=np.float64, reset=False)
        return (Z - self.mean_) @ _inverse(self.rows_)

    def inverse_transform(self, C):
        """Latents (n, L) float64 of coefficients C (n, K), at the scale of the latents that were transformed."""
        check_is_fitted(self, "rows_")
        return self.mean_ + np.asarray(C, np.float64) @ (self.rows_ / quantise.ATOM_UNIT)

    def decode(self, fixed: np.ndarray) -> np.ndarray:
        """Latents (n, L) float32 of norm `NORM` from coefficients (n, K) in units of 1/`UNIT`, less than
        `quantise.LIMIT` in size; bit-exact.
        """
        check_is_fitted(self, "rows_")
        mean = np.full((len(fixed), 1), self.mean_norm_, np.int64)
        return quantise.reconstruct(np.hstack([mean, fixed]), np.vstack([self._direction, self.rows_]), NORM)

    @property
    def mean_(self) -> np.ndarray:
        """(L,) float64, the mean that the decoder has."""
        return self._direction[0] / quantise.ATOM_UNIT * (self.mean_norm_ / UNIT)

    @property
    def _direction(self) -> np.ndarray:
        return quantise.unit_atoms(self.mean_levels_, MEAN_BITS)

    @property
    def _n_features_out(self) -> int:
        return len(self.rows_)

    def _set_mean(self, mean: np.ndarray) -> None:
        # The norm before the levels: a mean of zero has no direction, and any will do.
        self.mean_norm_ = int(np.rint(np.linalg.norm(mean) * UNIT))
        direction = mean[None] if self.mean_norm_ else np.ones((1, len(mean)))
        self.mean_levels_ = quantise.atom_levels(direction, MEAN_BITS)

    def _mean_bytes(self) -> bytes:
        return MEAN.pack(self.mean_norm_) + (
            quantise.pack_levels(self.mean_levels_, MEAN_BITS) if self.mean_norm_ else b""
        )

    def _read_mean(self, data: bytes, dim: int) -> bytes:
        """Take the mean from the beginning of `data`; returns the rest."""
        (self.mean_norm_,) = MEAN.unpack_from(data)
        end = MEAN.size + (dim if self.mean_norm_ else 0)
        if self.mean_norm_ >= quantise.LIMIT or len(data) < end:
            raise _no_transform()
        direction = data[MEAN.size : end] if self.mean_norm_ else bytes(dim)
        self.mean_levels_ = quantise.unpack_levels(direction, dim, MEAN_BITS)[None]
        self.n_features_in_ = dim
        return data[end:]


def _no_transform() -> IntegrityError:
    return IntegrityError("found side information that is no transform's", "the bytes that an encoder wrote")


class KLT(_Linear):
    """Karhunen–Loève transform: the mean, and the leading principal axes of the latents it is fitted to.

    Axes are the eigenvectors of the covariance by falling eigenvalue, each with its largest entry positive; those of
    no variance are left out. They are sent at `bits` bits a dimension (`quantise.atom_levels`).

    Args:
        n_components: the largest number of axes; None for all that have variance.
        bits: bits of a dimension of an axis, 1 to 16.

    Attributes:
        variances_: (K,) of the coefficients over the training latents.

    Source: Gersho and Gray, Vector Quantization and Signal Compression, 1992, Sec. 8.6.
    """

    def __init__(self, n_components=None, bits=8):
        self.n_components = n_components
        self.bits = bits

    def fit(self, Z, y=None) -> Self:
        """Find mean and axes of latents Z (n, L) of norm `NORM`, by one SVD in float64."""
        if not 1 <= self.bits <= 16:
            raise SmicnbError(f"found {self.bits} bits for an axis of the KLT", "1 to 16")
        Z = validate_data(self, Z, dtype=np.float64)
        self._set_mean(Z.mean(axis=0))
        values, axes = _principal(Z)
        kept = values > max(Z.shape) * np.finfo(np.float64).eps * max(values[0], NORM)
        kept = np.flatnonzero(kept)[: self.n_components]
        axes = axes[kept]
        largest = np.abs(axes).argmax(axis=1, keepdims=True)
        axes = axes * np.sign(np.take_along_axis(axes, largest, axis=1))
        self.variances_ = np.square(values[kept]) / len(Z)
        self._set_rows(quantise.atom_levels(axes, self.bits) if len(axes) else np.zeros(axes.shape, np.uint16))
        return self

    def first(self, n_components: int) -> "KLT":
        """The same transform, as sent, of its first `n_components` axes only."""
        short = KLT(n_components, self.bits)
        short.mean_norm_, short.mean_levels_ = self.mean_norm_, self.mean_levels_
        short.n_features_in_ = self.n_features_in_
        short.variances_ = self.variances_[:n_components]
        short._set_rows(self._levels[:n_components])
        return short

    def _set_rows(self, levels: np.ndarray) -> None:
        self._levels = levels
        self.rows_ = quantise.unit_atoms(levels, self.bits)

    def side_information(self) -> bytes:
        """Number of axes and bits, mean, axes."""
        head = KLT_HEAD.pack(len(self.rows_), self.bits)
        return head + self._mean_bytes() + quantise.pack_levels(self._levels, self.bits)

    @classmethod
    def from_bytes(cls, data: bytes, dim: int) -> tuple[Self, bytes]:
        """The transform of `side_information`'s bytes, and the bytes after it; raises IntegrityError."""
        try:
            count, bits = KLT_HEAD.unpack_from(data)
            transform = cls(count, bits)
            data = transform._read_mean(data[KLT_HEAD.size :], dim)
        except struct.error as error:
            raise _no_transform() from error
        length = -(-count * dim * bits // 8)
        if not 1 <= bits <= 16 or count > dim or len(data) < length:
            raise _no_transform()
        transform._set_rows(quantise.unpack_levels(data[:length], count * dim, bits).reshape(count, dim))
        return transform, data[length:]


class PriorAxes(KLT):
    """The axes of a prior, which both sides have, and the mean of the latents, which alone is sent.

    Args:
        prior: the `priors.Prior` of the latents' encoder.
        n_components: the largest number of its leading axes; None for all.
    """

    bits = priors.BITS

    def __init__(self, prior=None, n_components=None):
        self.prior = prior
        self.n_components = n_components

    def fit(self, Z, y=None) -> Self:
        """Take the mean of latents Z (n, L) of norm `NORM`."""
        Z = validate_data(self, Z, dtype=np.float64)
        if self.prior is None or self.prior.dim != Z.shape[1]:
            raise SmicnbError(f"found no prior for latents of {Z.shape[1]} dimensions", "one of their encoder")
        self._set_mean(Z.mean(axis=0))
        self._set_rows(self.prior.axis_levels[: self.n_components])
        return self

    def first(self, n_components: int) -> "PriorAxes":
        """The same with its first `n_components` axes only."""
        short = PriorAxes(self.prior, n_components)
        short.mean_norm_, short.mean_levels_ = self.mean_norm_, self.mean_levels_
        short.n_features_in_ = self.n_features_in_
        short._set_rows(self._levels[:n_components])
        return short

    def side_information(self) -> bytes:
        """Number of axes, the prior's name, mean."""
        return TRUNCATION_HEAD.pack(len(self.rows_)) + self.prior.identity + self._mean_bytes()

    @classmethod
    def from_bytes(cls, data: bytes, dim: int) -> tuple[Self, bytes]:
        """The transform of `side_information`'s bytes, and the bytes after it; raises IntegrityError."""
        try:
            (count,) = TRUNCATION_HEAD.unpack_from(data)
            transform = cls(priors.find_by_identity(data[TRUNCATION_HEAD.size :][:IDENTITY]), count)
            rest = transform._read_mean(data[TRUNCATION_HEAD.size + IDENTITY :], dim)
        except struct.error as error:
            raise _no_transform() from error
        if transform.prior.dim != dim or count > len(transform.prior.axis_levels):
            raise _no_transform()
        transform._set_rows(transform.prior.axis_levels[:count])
        return transform, rest


class Truncation(_Linear):
    """The leading dimensions of latents as they are; the decoder sets the others to the mean, or to zero without one.

    What matryoshka embeddings are made for: there the leading dimensions are a shorter embedding. Nothing of the
    encoder's axes is sent. The KLT's own truncation is `KLT(n_components=…)`.

    Args:
        n_components: d, dimensions that are kept; None for all L.
        centre: whether the mean is removed, and sent.

    Source: Kusupati et al., Matryoshka Representation Learning, 2022.
    """

    def __init__(self, n_components=None, centre=False):
        self.n_components = n_components
        self.centre = centre

    def fit(self, Z, y=None) -> Self:
        """Take the mean of latents Z (n, L) of norm `NORM`, where it is removed."""
        Z = validate_data(self, Z, dtype=np.float64)
        kept = Z.shape[1] if self.n_components is None else self.n_components
        if not 1 <= kept <= Z.shape[1]:
            raise DimensionError(f"found a truncation to {kept} of {Z.shape[1]} dimensions", f"1 to {Z.shape[1]}")
        self._set_mean(Z.mean(axis=0) if self.centre else np.zeros(Z.shape[1]))
        self.rows_ = quantise.ATOM_UNIT * np.eye(kept, Z.shape[1])
        return self

    def side_information(self) -> bytes:
        """Number of dimensions, mean."""
        return TRUNCATION_HEAD.pack(len(self.rows_)) + self._mean_bytes()

    @classmethod
    def from_bytes(cls, data: bytes, dim: int) -> tuple[Self, bytes]:
        """The transform of `side_information`'s bytes, and the bytes after it; raises IntegrityError."""
        try:
            (kept,) = TRUNCATION_HEAD.unpack_from(data)
            transform = cls(kept)
            rest = transform._read_mean(data[TRUNCATION_HEAD.size :], dim)
        except struct.error as error:
            raise _no_transform() from error
        if not 1 <= kept <= dim:
            raise _no_transform()
        transform.centre = transform.mean_norm_ > 0
        transform.rows_ = quantise.ATOM_UNIT * np.eye(kept, dim)
        return transform, rest


class RandomRotation(_Linear):
    """A rotation drawn uniformly at random, which a decoder draws again from its seed; the mean is removed, and sent.

    After it all coefficients have about one distribution, whatever the latents' axes are. The matrix is rounded to
    fixed point and its CRC-32 sent: a machine that draws another one gets an error, not other latents.

    Args:
        seed: 0 to 2^64 − 1.

    Source: Mezzadri, How to generate random matrices from the classical compact groups, 2007, Sec. 5.
    """

    def __init__(self, seed=0):
        self.seed = seed

    def fit(self, Z, y=None) -> Self:
        """Draw the rotation, and take the mean of latents Z (n, L) of norm `NORM`."""
        Z = validate_data(self, Z, dtype=np.float64)
        self._set_mean(Z.mean(axis=0))
        self.rows_ = rotation(Z.shape[1], self.seed)
        return self

    def side_information(self) -> bytes:
        """Seed and check, mean."""
        return ROTATION_HEAD.pack(self.seed, hash_matrix(self.rows_)) + self._mean_bytes()

    @classmethod
    def from_bytes(cls, data: bytes, dim: int) -> tuple[Self, bytes]:
        """The transform of `side_information`'s bytes, and the bytes after it; raises IntegrityError."""
        try:
            seed, crc = ROTATION_HEAD.unpack_from(data)
            transform = cls(seed)
            rest = transform._read_mean(data[ROTATION_HEAD.size :], dim)
        except struct.error as error:
            raise _no_transform() from error
        transform.rows_ = rotation(dim, seed)
        if hash_matrix(transform.rows_) != crc:
            raise IntegrityError("this machine draws another rotation than the encoder's", "the same NumPy as there")
        return transform, rest


def rotation(dim: int, seed: int) -> np.ndarray:
    """A rotation (dim, dim) drawn uniformly, in units of 1/`quantise.ATOM_UNIT`: whole numbers as float64."""
    normal = np.random.Generator(np.random.PCG64(seed)).standard_normal((dim, dim))
    orthogonal, triangular = np.linalg.qr(normal)
    # Signs make the distribution uniform, and the result one that no convention of the QR moves.
    return np.rint(orthogonal * np.sign(np.diag(triangular)) * quantise.ATOM_UNIT)


def hash_matrix(rows: np.ndarray) -> int:
    """CRC-32 of a matrix of whole numbers."""
    return zlib.crc32(rows.astype("<i4").tobytes())
