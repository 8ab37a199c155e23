"""A .smic file of one's own, searched by words, with thumbnails where its photographs are here."""

from pathlib import Path
from typing import NamedTuple

from smicnb.base.errors import SmicnbError
from smicnb.codec.search.index import SemanticIndex
from smicnb.codec.search.sheet import Originals, label


class Found(NamedTuple):
    """A photograph that answers to words.

    Args:
        jpeg: its thumbnail; None where there is none.
        name: the name that the file has, or its number.
        score: cosine of the words' latent and of what the file keeps.
        why: why a folder that was named has no thumbnail of it, else "".
    """

    jpeg: bytes | None
    name: str
    score: float
    why: str


class OwnFile:
    """One file, open for searches; what is appended to it later is found too.

    Args:
        path: path of a .smic file.
        folder: the photographs that it was made from, or "".

    Raises:
        SmicnbError: there is no such file or folder.
        IntegrityError: it is no .smic file, or damaged in more than its blocks.
    """

    def __init__(self, path: str, folder: str = ""):
        path, folder = path.strip(), folder.strip()
        if not path:
            raise SmicnbError("found no path", "a .smic file, such as ~/photos.smic")
        self._originals = Originals(Path(folder).expanduser()) if folder else None
        self._index = SemanticIndex.open(Path(path).expanduser())

    def close(self) -> None:
        """Close the file."""
        self._index.close()

    @property
    def summary(self) -> str:
        """How much can be searched, and what is damaged, on one line."""
        damage = "; ".join(map(str, self._index.damage))
        count = len(self._index)
        return f"{'1 photograph' if count == 1 else f'{count} photographs'} of {self._index.header.encoder}" + (
            f"; {damage}" if damage else ""
        )

    def find(self, text: str, count: int) -> list[Found]:
        """The photographs that answer to words, or to a sum of words, the best first.

        Args:
            text: such as "a red barn" or "barn +snow -people".
            count: how many at most, 1 or more.

        Raises:
            SmicnbError: no words, or the file's encoder is not here or of other weights.
        """
        (hits,) = self._index.search([text], count)
        pictures = [self._originals.thumbnail(hit) if self._originals else (b"", "") for hit in hits]
        return [
            Found(jpeg or None, label(hit), hit.score, why) for hit, (jpeg, why) in zip(hits, pictures, strict=True)
        ]
