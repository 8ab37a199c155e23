"""Reading a .smic file: latents, one, some or all, and the names and sizes of the images they were made from.

Nothing here needs torch or scikit-learn: parsing and decoding are integers and numpy.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np

from smicnb.base.errors import IntegrityError
from smicnb.codec import details
from smicnb.codec.codebook import Codebook
from smicnb.codec.container import ON_AXES, SmicFile
from smicnb.codec.trellis_codebook import TrellisCodebook


@dataclass(frozen=True)
class Decoded:
    """The images of one block.

    Args:
        latents: (images, L) float32, of the file's norm; zeros where nothing was coded.
        levels: (images, n_atoms) int32, −1 where a coefficient is null.
        names: of each image, or None where the file has none.
        sizes: (width, height) in pixels of each photograph, or None where the file has none.
    """

    latents: np.ndarray
    levels: np.ndarray
    names: list[str] | None
    sizes: list[tuple[int, int]] | None


class SmicReader:
    """A .smic file opened for reading.

    Args:
        source: a path, a file's bytes, or a binary file that can seek.

    Raises:
        IntegrityError: the file is damaged, truncated or no .smic file.
        SmicnbError: it is of another version.
    """

    def __init__(self, source: Path | str | bytes | BinaryIO):
        self.file = SmicFile(source)
        try:
            kind = TrellisCodebook if self.file.header.coding in ON_AXES else Codebook
            self.codebook = kind.from_sections(self.file.header, self.file.dictionary, self.file.tables)
        except BaseException:
            self.file.close()
            raise
        self.header = self.file.header

    def __enter__(self) -> "SmicReader":
        return self

    def __exit__(self, *exception) -> None:
        self.file.close()

    def __len__(self) -> int:
        return len(self.file)

    def block(self, number: int) -> Decoded:
        """The images of one block; reads only that block."""
        block = self.file.block(number)
        levels = self.codebook.decode_payload(block)
        return Decoded(self.codebook.reconstruct(levels), levels, *details.unpack(block.details, block.count))

    def __iter__(self) -> Iterator[Decoded]:
        return (self.block(number) for number in range(self.file.blocks))

    def latent(self, image: int) -> np.ndarray:
        """The latent (L,) float32 of one image, 0 to len − 1; reads only its block."""
        number, position = self.file.locate(image)
        levels = self.codebook.decode_payload(self.file.block(number))
        return self.codebook.reconstruct(levels[position : position + 1])[0]

    def latents(self) -> np.ndarray:
        """The latents (n, L) float32 of all images, in the file's order."""
        parts = [block.latents for block in self]
        return np.concatenate(parts) if parts else np.zeros((0, self.header.dim), np.float32)

    @cached_property
    def names(self) -> list[str | None]:
        """The name of every image, None for those without; raises IntegrityError where two are the same."""
        names = [name for block in self for name in block.names or [None] * len(block.levels)]
        known = [name.casefold() for name in names if name is not None]
        if len(set(known)) < len(known):
            raise IntegrityError("found two images of one name", "a file in which names differ by more than their case")
        return names

    def bits(self) -> dict[str, float]:
        """Bits by what they are spent on: the sections of the file, and its whole length as "file"."""
        spent = {part: 8 * length for part, length in self.file.spent.items()}
        return {**spent, "file": sum(spent.values())}


def decode(source: Path | str | bytes | BinaryIO) -> np.ndarray:
    """The latents (n, L) float32 of all images of a .smic file."""
    with SmicReader(source) as reader:
        return reader.latents()
