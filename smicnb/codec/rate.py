"""What a collection costs under SMIC: as printed, with its tuple code counted out, and measured on files.

Units: every `*_bits` is in bits (of one image, of one dictionary, or of a whole collection, as named);
bits per pixel always say so. Source of all equations: Bachard and Maugey, SMIC, Sec. V.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np

from smicnb.base.errors import format_value
from smicnb.codec import published
from smicnb.codec.format import container

PIXELS = published.IMAGE_SIDE**2
RANGE_BITS = 2 * published.LATENT_BITS  # a least and a largest value in the latents' precision


@dataclass(frozen=True)
class OperatingPoint:
    """One choice of SMIC's parameters.

    Args:
        n_atoms: n_a, atoms in the dictionary, at least 1.
        b_coef: bits of one quantised coefficient.
        b_dict: bits of one quantised dimension of one atom.
        penalty: λ of Eq. 8, on latents of norm about 20, at least 0.
    """

    n_atoms: int
    b_coef: int
    b_dict: int
    penalty: float

    def __post_init__(self):
        for name, least in (("n_atoms", 1), ("b_coef", 1), ("b_dict", 1), ("penalty", 0)):
            value = getattr(self, name)
            if not least <= value < math.inf:
                raise ValueError(f"{name}={format_value(value)}; needed: a finite number of at least {least}")


POINTS = {name: OperatingPoint(*values) for name, values in published.OPERATING_POINTS.items()}
LOW, MEDIUM, HIGH = POINTS["low"], POINTS["medium"], POINTS["high"]


def bits_per_pixel(bits: float, pixels: int = PIXELS) -> float:
    """Bits of one image over its pixels (768 x 768 in the paper)."""
    return bits / pixels


def single_item_bits(bpp: float = published.SINGLE_ITEM_BPP, pixels: int = PIXELS) -> float:
    """R(z_SIC), bits per image of a single-item codec of `bpp` bits per pixel: 707.8 for [21]."""
    return bpp * pixels


def p_null_printed(n_atoms: np.ndarray | float, penalty: np.ndarray | float) -> np.ndarray | float:
    """Eq. 13 as printed: P(c is null) = 1 / (1 + λ)^log2(n_a), which falls where the text says it rises."""
    return (1.0 + np.asarray(penalty)) ** -np.log2(n_atoms)


def p_nonzero_printed(n_atoms: np.ndarray | float, penalty: np.ndarray | float) -> np.ndarray | float:
    """P(c is non-null) as Eq. 14 uses it: the very expression that Eq. 13 calls P(c is null)."""
    return p_null_printed(n_atoms, penalty)


def dictionary_bits(point: OperatingPoint, dim: int = published.LATENT_DIM) -> int:
    """Eq. 11: R(T) = n_a · L · b_dict, bits, without the ranges of the quantisers."""
    return point.n_atoms * dim * point.b_dict


def image_bits_printed(point: OperatingPoint) -> float:
    """Eq. 12 with Eq. 13's value, as Eq. 14 does: log2(n_a) · b_coef · P, bits per image."""
    p_nonzero = float(p_nonzero_printed(point.n_atoms, point.penalty))
    return math.log2(point.n_atoms) * point.b_coef * p_nonzero


def tuple_bits(point: OperatingPoint) -> float:
    """Bits of one (index, value) tuple of Sec. V-C: log2(n_a) + b_coef."""
    return math.log2(point.n_atoms) + point.b_coef


def image_bits_corrected(point: OperatingPoint, p_nonzero: float | None = None) -> float:
    """The tuple code of Sec. V-C counted out: n_a · P · (log2 n_a + b_coef), bits per image.

    How many tuples follow is not counted, as nothing says how a decoder learns it: a lower bound.

    Args:
        point: the operating point.
        p_nonzero: measured share of non-null coefficients, 0 to 1; Eq. 14's where absent.
    """
    if p_nonzero is None:
        p_nonzero = float(p_nonzero_printed(point.n_atoms, point.penalty))
    if not 0 <= p_nonzero <= 1:
        raise ValueError(f"p_nonzero={format_value(p_nonzero)}; needed: a share between 0 and 1")
    return point.n_atoms * p_nonzero * tuple_bits(point)


def total_bits(n: int, overhead_bits: float, image_bits: float) -> float:
    """Eq. 10 (Eq. 14 with the printed parts): bits of a collection of `n` images and its dictionary."""
    return overhead_bits + n * image_bits


def gain(n: float, overhead_bits: float, image_bits: float, other_bits: float) -> float:
    """Table III: bits of single-item coding over bits of SMIC; above 1, SMIC is cheaper.

    Args:
        n: images in the collection, at least 1; math.inf leaves the dictionary out.
        overhead_bits: R(T).
        image_bits: R(z) of SMIC, bits per image.
        other_bits: R(z_SIC), bits per image.
    """
    if not n >= 1:
        raise ValueError(f"n={format_value(n)}; needed: at least 1 image")
    each = image_bits + (0.0 if math.isinf(n) else overhead_bits / n)
    return other_bits / each if each else math.inf


def break_even(overhead_bits: float, image_bits: float, other_bits: float) -> int | None:
    """Eq. 15: n*, the smallest collection for which SMIC, of R(T) and R(z), is strictly cheaper than R(z_SIC), in bits
    (per image); None where it never is.
    """
    saved = Fraction(other_bits) - Fraction(image_bits)  # exact, so that the border is where Eq. 15 has it
    if saved <= 0:
        return None
    return math.floor(Fraction(overhead_bits) / saved) + 1


def range_bits(point: OperatingPoint, dim: int = published.LATENT_DIM) -> int:
    """Bits of the quantisers' ranges, which Eq. 11 leaves out, if every quantiser has its own.

    One range for each of `dim` dimensions of the atoms, and one for each atom's coefficient.
    """
    return (dim + point.n_atoms) * RANGE_BITS


# What finds and checks the blocks of a .smic file, in bits: once (its last block, which may hold one image, counted),
# and for each image.
INDEX_ONCE = 8 * container.index_bytes(1)
INDEX_IMAGE = 8 * container.ENTRY.itemsize / container.BLOCK_IMAGES


@dataclass(frozen=True)
class FileRate:
    """The bits of a .smic file that was written and read back.

    Args:
        overhead_bits: header, dictionary and tables: what is paid once.
        payload_bits: the coded records of all images.
        index_bits: what finds and checks the blocks.
        details_bits: names and sizes of the photographs, which no rate of an image includes.
        images: how many, at least 1.
        block_images: number of images in a whole block.
    """

    overhead_bits: int
    payload_bits: int
    index_bits: int
    details_bits: int
    images: int
    block_images: int = container.BLOCK_IMAGES

    @classmethod
    def from_spent(cls, spent: Mapping[str, int], images: int, block_images: int = container.BLOCK_IMAGES) -> Self:
        """From the bytes that `container.SmicFile.spent` counts."""
        once = sum(spent[part] for part in ("header", "dictionary", "tables"))
        parts = (8 * part for part in (once, spent["payload"], spent["index"], spent["details"]))
        return cls(*parts, images, block_images)

    @property
    def image_bits(self) -> float:
        """R(z), bits of a further image: its records and its part of the index."""
        return self.payload_bits / self.images + INDEX_IMAGE * container.BLOCK_IMAGES / self.block_images

    @property
    def once_bits(self) -> int:
        """R(T), bits paid once: header, dictionary, tables and what the index has for any number of images."""
        return self.overhead_bits + INDEX_ONCE

    def bits_per_image(self, n: float | None = None) -> float:
        """All bits but the details, per image of a collection of `n` like these; of this one where absent."""
        if n is None:
            return (self.overhead_bits + self.payload_bits + self.index_bits) / self.images
        return self.image_bits + (0.0 if math.isinf(n) else self.once_bits / n)

    def dictionary_share(self, n: float | None = None) -> float:
        """What is paid once, as a share of the bits of a collection of `n` images, 0 to 1."""
        once = self.overhead_bits / self.images if n is None else self.bits_per_image(n) - self.image_bits
        return once / self.bits_per_image(n)

    def gain(self, n: float, other_bits: float) -> float:
        """`gain` over a single-item codec of `other_bits` per image at `n` images."""
        return gain(n, self.once_bits, self.image_bits, other_bits)

    def break_even(self, other_bits: float) -> int | None:
        """`break_even` with a single-item codec of `other_bits` per image."""
        return break_even(self.once_bits, self.image_bits, other_bits)
