"""What encoder and decoder share under the codings "trellis" and "prior": axes, their scales, the mean, the fidelity.

Axes are the collection's own, which the file holds, or those of a prior (`priors`), which it names. A coefficient on an
axis of standard deviation σ is coded with the trellis code for log2(σ/√θ) bits, by eighths of a bit, where θ is the
distortion that the file is made for; an axis of less than a quarter of a bit is not coded.
"""

import struct
import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from smicnb.base.errors import DimensionError, IntegrityError
from smicnb.codec.format import priors, quantise
from smicnb.codec.format.container import Block, Header, most_images
from smicnb.codec.format.payload import CHECK_BYTES, NULL, check, damage_error
from smicnb.codec.format.priors import Prior
from smicnb.codec.format.trellis import quantisation

# A change of these bytes raises `container.VERSION`; docs/format.md and tests/helpers/smic_by_hand.py follow.
OWN = struct.Struct("<BBI")  # scale of √θ, growth of frequencies, norm of the mean in fixed point
# Scale of √θ, growth of frequencies, scale of the mean's √θ, how much smaller than an image's its scales are.
SHARED = struct.Struct("<BBBB")
SOLVED = 1e-9  # by what a product with its inverse may differ from the identity
OWN_BITS = 4  # of a dimension of an own axis, where a prior stands beside them


@dataclass(frozen=True)
class TrellisCodebook:
    """All that turns levels into latents and into bytes.

    Args:
        header: the file's header; `n_atoms` counts the axes, b_dict are bits of a dimension of an axis or of the mean.
        axis_levels: (n_atoms, L) levels of b_dict bits, by falling scale.
        scales: (n_atoms,) of the standard deviation of each coefficient, 0 to `priors.MOST_SCALE`.
        fidelity: scale of √θ.
        growth: growth of frequencies, as in `quantisation.encode`.
        mean: what the tables hold of the mean: empty, or for "trellis" its packed direction, for "prior" its record.
        mean_shape: size of the mean: for "trellis" (norm in fixed point,), for "prior" (scale of the mean's √θ, shift
            of its scales).
        prior: the prior that has these axes, for "prior".
    """

    header: Header
    axis_levels: np.ndarray
    scales: np.ndarray
    fidelity: int
    growth: int
    mean: bytes
    mean_shape: tuple[int, ...]
    prior: Prior | None = None

    @classmethod
    def from_sections(cls, header: Header, dictionary: bytes, tables: bytes) -> "TrellisCodebook":
        """The codebook of a file's sections; raises IntegrityError where they are not what the header says."""
        try:
            read = cls._read_shared if header.coding == "prior" else cls._read_own
            found = read(header, dictionary, tables)
        except (struct.error, zlib.error, ValueError) as error:
            raise IntegrityError("found axes or tables that are none", "those of an encoder") from error
        if np.any(np.diff(found.scales) > 0) or found.scales.max(initial=0) > priors.MOST_SCALE:
            raise IntegrityError("found scales that rise or are out of range", "those of an encoder")
        if found.growth > quantisation.MOST_GROWTH:
            raise IntegrityError(f"found a growth of {found.growth}", f"0 to {quantisation.MOST_GROWTH}")
        found._mean_values  # noqa: B018 (a mean that is none is found here)
        return found

    @classmethod
    def _read_own(cls, header: Header, dictionary: bytes, tables: bytes) -> "TrellisCodebook":
        count, bits = header.n_atoms * header.dim, header.b_dict
        fidelity, growth, norm = OWN.unpack_from(tables)
        length = -(-header.dim * bits // 8) if norm else 0
        mean, packed = tables[OWN.size : OWN.size + length], tables[OWN.size + length :]
        inflate = zlib.decompressobj(wbits=-15)
        scales = np.frombuffer(inflate.decompress(packed, header.n_atoms + 1), "u1").astype(np.int64)
        wrong = len(dictionary) != -(-count * bits // 8) or norm >= quantise.LIMIT or len(mean) != length
        if wrong or len(scales) != header.n_atoms or not inflate.eof or inflate.unused_data:
            raise ValueError
        levels = quantise.unpack_levels(dictionary, count, bits).reshape(header.n_atoms, header.dim)
        return cls(header, levels, scales, fidelity, growth, mean, (norm,))

    @classmethod
    def _read_shared(cls, header: Header, dictionary: bytes, tables: bytes) -> "TrellisCodebook":
        prior = priors.find_by_identity(dictionary, header.weights_hash)
        if (header.n_atoms, header.dim) != prior.axis_levels.shape or header.b_dict != priors.BITS:
            raise ValueError
        fidelity, growth, *shape = SHARED.unpack_from(tables)
        return cls.from_prior(header, prior, fidelity, growth, tables[SHARED.size :], tuple(shape))

    @classmethod
    def from_prior(
        cls,
        header: Header,
        prior: Prior,
        fidelity: int,
        growth: int,
        mean: bytes = b"",
        shape: tuple[int, int] = (0, 0),
    ) -> "TrellisCodebook":
        """The codebook of a prior's axes and scales."""
        scales = prior.scales.astype(np.int64)
        return cls(header, prior.axis_levels, scales, fidelity, growth, mean, shape, prior)

    @property
    def dictionary(self) -> bytes:
        """The section of the axes: their levels, or the name of the prior that has them."""
        return quantise.pack_levels(self.axis_levels, self.header.b_dict) if self.prior is None else self.prior.identity

    @property
    def tables(self) -> bytes:
        """The section of fidelity, mean and, for axes of its own, their scales."""
        if self.prior is not None:
            return SHARED.pack(self.fidelity, self.growth, *self.mean_shape) + self.mean
        deflate = zlib.compressobj(9, wbits=-15)
        return OWN.pack(self.fidelity, self.growth, *self.mean_shape) + self.mean + deflate.compress(
            self.scales.astype("u1").tobytes()
        ) + deflate.flush()  # fmt: skip

    @property
    def known(self) -> quantisation.Tables:
        """Levels, frequencies and trellis of the images' coefficients."""
        return quantisation.tables()

    @cached_property
    def codes(self) -> np.ndarray:
        """(K,) code of each axis that is coded, the leading ones."""
        return choose_codes(self.scales, self.fidelity)

    @cached_property
    def deviations(self) -> np.ndarray:
        """(K,) standard deviations of the axes that are coded, whole numbers in units of norm/2^17."""
        return priors.deviation(self.scales[: len(self.codes)])

    @cached_property
    def fixed_axes(self) -> np.ndarray:
        """(n_atoms, L) float64, the decoder's axes: whole numbers, unit norm in units of 1/`quantise.ATOM_UNIT`."""
        if self.prior is not None:
            return self.prior.axes
        return quantise.unit_atoms(self.axis_levels, self.header.b_dict)

    @property
    def unit(self) -> float:
        """One unit of fixed point in the unit of latents of the header's norm."""
        return self.header.norm / quantise.COEFFICIENT_UNIT

    @property
    def atoms(self) -> np.ndarray:
        """(n_atoms, L) float64, the decoder's axes, of unit norm up to the rounding of fixed point."""
        return self.fixed_axes / quantise.ATOM_UNIT

    @cached_property
    def analysis(self) -> np.ndarray:
        """(L, K) by which latents are multiplied for their coefficients on the axes that are coded: least squares."""
        return least_squares(self.atoms[: len(self.codes)])

    @cached_property
    def _mean_values(self) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (m,) in fixed point and rows (m, L) that add up to the mean."""
        none = np.zeros(0, np.int64), np.zeros((0, self.header.dim))
        if self.prior is None:
            (norm,) = self.mean_shape
            if not norm:
                return none
            bits = self.header.b_dict
            direction = quantise.unpack_levels(self.mean, self.header.dim, bits)[None]
            return np.array([norm]), quantise.unit_atoms(direction, bits)
        if not self.mean:
            return none
        scales, codes = self._mean_code()
        levels = quantisation.decode(self.mean, 1, codes, growth=0)
        return quantisation.values(levels, priors.deviation(scales), codes)[0], self.fixed_axes[: len(codes)]

    def _mean_code(self) -> tuple[np.ndarray, np.ndarray]:
        fidelity, shift = self.mean_shape
        scales = np.maximum(0, self.scales - shift)
        codes = choose_codes(scales, fidelity)
        return scales[: len(codes)], codes

    @cached_property
    def fixed_mean(self) -> np.ndarray:
        """(L,) float64, whole numbers: what `reconstruct` adds to the sums of every image."""
        values, rows = self._mean_values
        return values.astype(np.float64) @ rows

    @property
    def mean_latent(self) -> np.ndarray:
        """(L,) float64, the mean that the decoder has, at the header's norm."""
        values, rows = self._mean_values
        return values @ rows / quantise.ATOM_UNIT * self.unit

    def quantise(
        self,
        coefficients: np.ndarray,
        price: float,
        weights: np.ndarray | None = None,
        known_levels: np.ndarray | None = None,
        axis_weights: np.ndarray | None = None,
    ) -> np.ndarray:
        """Levels (n, n_atoms) int32 of a block's coefficients (n, K) in the unit of latents of the header's norm; −1
        where an axis is not coded. Other arguments as in `quantisation.search_levels`.
        """
        count = len(self.codes)
        levels = np.full((len(coefficients), len(self.scales)), NULL, np.int32)
        earlier = None if known_levels is None else known_levels[:, :count]
        shape = self.deviations * self.unit, self.codes
        levels[:, :count] = quantisation.search_levels(
            coefficients, *shape, price, weights, earlier, self.growth, self.known, axis_weights
        )
        return levels

    def coefficients(self, levels: np.ndarray) -> np.ndarray:
        """(n, K) float64 that levels (n, n_atoms) stand for, in the unit of latents of the header's norm."""
        return quantisation.values(levels[:, : len(self.codes)], self.deviations, self.codes, self.known) * self.unit

    def reconstruct(self, levels: np.ndarray) -> np.ndarray:
        """Latents (n, L) float32 of levels (n, n_atoms), of the file's norm, bit-exactly the same everywhere."""
        count = len(self.codes)
        values = quantisation.values(levels[:, :count], self.deviations, self.codes, self.known)
        # The sums are exact, however whole numbers below 2^53 are added up.
        sums = values.astype(np.float64) @ self.fixed_axes[:count]
        sums += self.fixed_mean
        return quantise.scale_to_norm(sums, self.header.norm)

    def encode_payload(self, levels: np.ndarray) -> bytes:
        """The bytes of a block's levels (images, n_atoms), one path through the trellis."""
        if not 1 <= len(levels) <= most_images(self.header):
            raise DimensionError(f"found {len(levels)} images for one block", f"1 to {most_images(self.header)}")
        words = quantisation.encode(levels[:, : len(self.codes)], self.codes, self.growth, known=self.known)
        return check(levels) + words

    def decode_payload(self, block: Block) -> np.ndarray:
        """The levels (block.count, n_atoms) of a block; raises IntegrityError where it holds none."""
        if len(block.payload) < CHECK_BYTES:
            raise damage_error()
        levels = np.full((block.count, len(self.scales)), NULL, np.int32)
        words = block.payload[CHECK_BYTES:]
        levels[:, : len(self.codes)] = quantisation.decode(words, block.count, self.codes, self.growth, self.known)
        if check(levels) != block.payload[:CHECK_BYTES]:
            raise damage_error()
        return levels


def least_squares(atoms: np.ndarray) -> np.ndarray:
    """(L, K) by which latents are multiplied for their least-squares coefficients on atoms (K, L).

    By the normal equations, in 0.4 of the time of a singular value decomposition, which is left for atoms that
    they do not serve: quantised so coarsely that some are nearly sums of others.
    """
    try:
        found = np.linalg.solve(atoms @ atoms.T, atoms).T
    except np.linalg.LinAlgError:
        return np.linalg.pinv(atoms)
    apart = np.abs(atoms @ found - np.eye(len(atoms))).max(initial=0)
    return found if apart < SOLVED else np.linalg.pinv(atoms)


def choose_codes(scales: np.ndarray, fidelity: int) -> np.ndarray:
    """(K,) trellis codes of the leading axes that are worth coding, of falling scales (n,)."""
    codes = np.minimum(scales - fidelity - 1, quantisation.CODES - 1)
    return codes[codes >= quantisation.FIRST_CODE]
