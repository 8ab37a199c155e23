"""What encoder and decoder share, and how a file holds it: atoms, the range of coefficients, entropy models."""

import struct
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from smicnb.base.errors import DimensionError, IntegrityError
from smicnb.codec.format import payload, priors, quantise
from smicnb.codec.format.container import BLOCK_IMAGES, Block, Header
from smicnb.codec.format.payload import EntropyModels
from smicnb.codec.format.quantise import CoefficientQuantiser

RANGE = struct.Struct("<ii")  # least and largest coefficient in fixed point


@dataclass(frozen=True)
class Codebook:
    """All that turns levels into latents and into bytes.

    Args:
        header: the file's header: dimensions, bits, norm, penalty, coding.
        levels: (n_atoms, L) uint16, the quantised atoms.
        quantiser: the coefficients' quantiser.
        models: entropy models, or None for tuples.
    """

    header: Header
    levels: np.ndarray
    quantiser: CoefficientQuantiser
    models: EntropyModels | None

    @classmethod
    def from_sections(cls, header: Header, dictionary: bytes, tables: bytes) -> "Codebook":
        """The codebook of a file's sections; raises IntegrityError where they are not what the header says."""
        count, bits = header.n_atoms * header.dim, header.b_dict
        if header.coding == "words":
            dictionary = _word_levels(header, dictionary)
        if len(dictionary) != -(-count * bits // 8):
            raise IntegrityError(
                f"found a dictionary of {len(dictionary)} bytes", f"{-(-count * bits // 8)}, as the header says"
            )
        if len(tables) < RANGE.size or (header.coding == "tuple" and len(tables) != RANGE.size):
            raise IntegrityError(f"found tables of {len(tables)} bytes", f"{RANGE.size} or more, by the coding")
        low, high = RANGE.unpack_from(tables)
        if not -quantise.LIMIT < low < high < quantise.LIMIT:
            raise IntegrityError(f"found a range of coefficients from {low} to {high}", "low < high, within the limits")
        models = None
        if header.coding != "tuple":
            models = EntropyModels.from_bytes(tables[RANGE.size :], header.n_atoms, header.b_coef)
        levels = quantise.unpack_levels(dictionary, count, bits).reshape(header.n_atoms, header.dim)
        return cls(header, levels, CoefficientQuantiser(header.b_coef, low, high), models)

    @property
    def dictionary(self) -> bytes:
        """The section that holds the atoms: n_atoms · L levels of b_dict bits, or the name of a prior."""
        if self.header.coding == "words":
            return priors.find_by_weights(self.header.weights_hash).identity
        return quantise.pack_levels(self.levels, self.header.b_dict)

    @property
    def tables(self) -> bytes:
        """The section that holds the range of the coefficients and, for "entropy", the models."""
        models = b"" if self.models is None else self.models.to_bytes()
        return RANGE.pack(self.quantiser.low, self.quantiser.high) + models

    @cached_property
    def fixed_atoms(self) -> np.ndarray:
        """(n_atoms, L) float64, the decoder's atoms: whole numbers, unit norm in units of 1/`quantise.ATOM_UNIT`."""
        return quantise.unit_atoms(self.levels, self.header.b_dict)

    @property
    def atoms(self) -> np.ndarray:
        """(n_atoms, L) float64, the decoder's atoms, of unit norm up to the rounding of fixed point."""
        return self.fixed_atoms / quantise.ATOM_UNIT

    def quantise(self, codes: np.ndarray) -> np.ndarray:
        """Levels (n, n_atoms) int32 of codes of the same shape; −1 where a coefficient is null."""
        return np.where(codes != 0, self.quantiser.quantise(codes, self.header.norm), payload.NULL)

    def reconstruct(self, levels: np.ndarray) -> np.ndarray:
        """Latents (n, L) float32 of levels (n, n_atoms), of the file's norm, bit-exactly the same everywhere."""
        midpoints = np.where(levels >= 0, self.quantiser.midpoints(np.maximum(levels, 0)), 0)
        return quantise.reconstruct(midpoints, self.fixed_atoms, self.header.norm)

    def encode_payload(self, levels: np.ndarray) -> bytes:
        """The bytes of up to 64 images' levels (images, n_atoms)."""
        if not 1 <= len(levels) <= BLOCK_IMAGES:
            raise DimensionError(f"found {len(levels)} images for one block", f"1 to {BLOCK_IMAGES}")
        if self.models is None:
            return payload.encode_tuples(levels, self.header.b_coef)
        return payload.encode_entropy(levels, self.header.b_coef, self.models)

    def decode_payload(self, block: Block) -> np.ndarray:
        """The levels (block.count, n_atoms) of a block; raises IntegrityError where it holds none."""
        sizes = block.count, self.header.n_atoms, self.header.b_coef
        if self.models is None:
            return payload.decode_tuples(block.payload, *sizes)
        return payload.decode_entropy(block.payload, *sizes, self.models)


def _word_levels(header: Header, identity: bytes) -> bytes:
    """The levels of a prior's words, as a dictionary of them would be in the file."""
    prior = priors.find_by_identity(identity, header.weights_hash)
    if (*prior.word_levels.shape, priors.BITS) != (header.n_atoms, header.dim, header.b_dict):
        raise IntegrityError(
            "found a header that is not of its words", f"{len(prior.words)} words of {prior.dim} dimensions"
        )
    return quantise.pack_levels(prior.word_levels, priors.BITS)
