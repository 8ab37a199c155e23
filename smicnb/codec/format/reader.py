"""Reading a .smic file: latents, one, some or all, and the names and sizes of the images they were made from.

Nothing here needs torch or scikit-learn: parsing and decoding are integers and numpy. Many latents at once are decoded
by compiled code where there is a compiler, to the same bytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np

from smicnb.base.errors import DimensionError, IntegrityError
from smicnb.codec.format import details
from smicnb.codec.format.codebook import Codebook
from smicnb.codec.format.container import ON_AXES, Block, SmicFile
from smicnb.codec.format.trellis.codebook import TrellisCodebook

MOST_VALUES = 1 << 28  # of latents that are decoded at once: a GiB
MANY = 5000  # images from which on loading the compiled decoder pays


@dataclass(frozen=True)
class Decoded:
    """The images of one block.

    Args:
        latents: (images, L) float32, of the file's norm; zeros where nothing was coded.
        levels: (images, n_atoms) int32, −1 where a coefficient is null.
        names: the images' names, or None where the file has none.
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
        levels, names, sizes = self.records(number)
        return Decoded(self.codebook.reconstruct(levels), levels, names, sizes)

    def records(self, number: int) -> tuple[np.ndarray, list[str] | None, list[tuple[int, int]] | None]:
        """Levels, names and sizes of the images of one block, as in `Decoded`; latents are not made."""
        block = self.file.block(number)
        return self.codebook.decode_payload(block), *details.unpack(block.details, block.count)

    def __iter__(self) -> Iterator[Decoded]:
        return (self.block(number) for number in range(self.file.blocks))

    def latent(self, image: int) -> np.ndarray:
        """The latent (L,) float32 of one image, 0 to len − 1; reads only its block."""
        number, position = self.file.locate(image)
        levels = self.codebook.decode_payload(self.file.block(number))
        return self.codebook.reconstruct(levels[position : position + 1])[0]

    def latents(self) -> np.ndarray:
        """The latents (n, L) float32 of all images, in the file's order.

        Raises:
            DimensionError: n · L is more than `MOST_VALUES`, which a file of a few bytes can say.
        """
        if len(self) * self.header.dim > MOST_VALUES:
            raise DimensionError(
                f"found a file of {len(self)} latents of {self.header.dim} dimensions",
                f"at most {MOST_VALUES} values at once",
                "read it block by block",
            )
        latents, start = np.empty((len(self), self.header.dim), np.float32), 0
        levels_of = self._compiled() if len(self) >= MANY else self.codebook.decode_payload
        for number in range(self.file.blocks):
            block = self.file.block(number)
            details.unpack(block.details, block.count)  # a block of which they are forged is no block
            latents[start : start + block.count] = self.codebook.reconstruct(levels_of(block))
            start += block.count
        return latents

    def _compiled(self) -> Callable[[Block], np.ndarray]:
        """The compiled decoder of blocks' levels, or the plain one where numba is not installed."""
        try:
            from smicnb.codec.format.symbols import Symbols
        except ImportError:
            return self.codebook.decode_payload
        return Symbols(self.codebook).levels

    @cached_property
    def names(self) -> list[str | None]:
        """The name of every image, None for those without; raises IntegrityError where two are the same.

        Blocks are checked against their checksums; records are not decoded.
        """
        names: list[str | None] = []
        for number in range(self.file.blocks):
            names += self.names_of(number)
        known = [name.casefold() for name in names if name is not None]
        if len(set(known)) < len(known):
            raise IntegrityError("found two images of one name", "a file in which names differ by more than their case")
        return names

    def names_of(self, number: int) -> list[str | None]:
        """The names of one block's images, as in `names`."""
        block = self.file.block(number)
        return details.unpack(block.details, block.count)[0] or [None] * block.count

    def bits(self) -> dict[str, float]:
        """Bits by what they are spent on: the sections of the file, and its whole length as "file"."""
        spent = {part: 8 * length for part, length in self.file.spent.items()}
        return {**spent, "file": sum(spent.values())}


def decode(source: Path | str | bytes | BinaryIO) -> np.ndarray:
    """The latents (n, L) float32 of all images of a .smic file."""
    with SmicReader(source) as reader:
        return reader.latents()
