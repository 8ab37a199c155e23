"""An index of the photographs of .smic files, which is the files themselves: opened, decoded once, searched.

What is kept of an image are its coefficients as small whole numbers and its norm (`coefficients`). Blocks that are
damaged are passed over and named; a file that has grown is noticed at the next search, and only what is new is decoded.
"""

import fnmatch
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.base.names import fold_case
from smicnb.codec.format import details
from smicnb.codec.format.container import Content, Header
from smicnb.codec.format.reader import SmicReader
from smicnb.codec.format.symbols import Symbols
from smicnb.codec.search.coefficients import Coefficients, Prepared, Space, inverses
from smicnb.codec.search.queries import encode_queries

Source = Path | str | bytes | BinaryIO
MANY = 4  # times as many as are wanted: from there on those that are not are left out before sorting
SLAB = 1 << 13  # images that are decoded and searched at once, about
MOST_BYTES = 1 << 31  # of coefficients that are kept; those of further images are decoded again at each search


class Hit(NamedTuple):
    """A photograph that was found.

    Args:
        score: cosine of the query and the photograph's latent as the file has it.
        file: the path, "" for a file of bytes.
        image: its number in the file, from 0.
        name: None where the file has none.
    """

    score: float
    file: str
    image: int
    name: str | None


class Damage(NamedTuple):
    """A block that cannot be read.

    Args:
        file: the path, "" for a file of bytes.
        block: its number.
        first, last: numbers of its images in the file.
        error: why.
    """

    file: str
    block: int
    first: int
    last: int
    error: str

    def __str__(self) -> str:
        images = f"image {self.first}" if self.first == self.last else f"images {self.first} to {self.last}"
        return f"{images} of '{self.file}' cannot be searched (block {self.block}): {self.error}"


class SemanticIndex:
    """The photographs of some files, of one encoder; `open` makes it.

    Attributes:
        header: header of the first file; encoder and weights are those of all.
        damage: blocks that cannot be read, as far as was noticed.
    """

    def __init__(self, files: Sequence["_File"], encoder: str | None = None):
        self._files, self._encoder = list(files), encoder
        self.header = files[0].header
        for file in files[1:]:
            if (file.header.weights_hash, file.header.dim) != (self.header.weights_hash, self.header.dim):
                raise SmicnbError(
                    f"found files of different encoders: '{files[0].name}' is of {_encoder(self.header)}, "
                    f"'{file.name}' of {_encoder(file.header)}",
                    "files of one encoder",
                    "search them one after the other",
                )

    @classmethod
    def open(cls, paths: Source | Sequence[Source], encoder: str | None = None) -> "SemanticIndex":
        """Open .smic files and decode what is needed to search them.

        Args:
            paths: one or several, as `SmicReader` takes them.
            encoder: a name of `encoders.encoder`, where the files' own does not lead to their weights.

        Raises:
            IntegrityError: a file is no .smic file, or damaged in more than its blocks.
            SmicnbError: the files are of different encoders.
        """
        several = [paths] if isinstance(paths, Path | str | bytes) or hasattr(paths, "read") else list(paths)
        if not several:
            raise SmicnbError("found no file to search", "one or several .smic files")
        files: list[_File] = []
        try:
            for path in several:
                files.append(_File(path))
            return cls(files, encoder)
        except BaseException:
            for file in files:
                file.close()
            raise

    def __enter__(self) -> "SemanticIndex":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    def __len__(self) -> int:
        return sum(file.images for file in self._files)

    @property
    def nbytes(self) -> int:
        """Bytes of coefficients that are kept."""
        return sum(file.nbytes for file in self._files)

    @property
    def damage(self) -> list[Damage]:
        """Blocks that cannot be read, as far as was noticed."""
        return [damage for file in self._files for damage in file.damage.values()]

    def fidelity(self) -> float:
        """Mean cosine of latents and what the files keep of them, by what they say; of the file that keeps least."""
        self._refresh()
        return min((file.said / file.sound for file in self._files if file.sound), default=0.0)

    def search(self, queries, k: int = 20, above: float | None = None, names: str | None = None) -> list[list[Hit]]:
        """The photographs that are most like each query, the best first; equal ones in the order of the files.

        Args:
            queries: latents (Q, L) of any norm; or texts, or sums of texts ("barn +snow -people"), or images (RGB uint8
                H×W×3, or paths), which the files' encoder turns into latents. A single one is a batch of one.
            k: how many at most, for each query.
            above: least cosine, or None.
            names: a pattern as of a shell ("2024/*.jpg"), regardless of case; then only such photographs are found.

        Raises:
            DimensionError: latents of other dimensions, of zeros, or not finite.
            SmicnbError: the files' encoder is not here or of other weights, or a query is empty.
        """
        if not isinstance(k, Integral) or k < 1:
            raise DimensionError(f"found k = {k}", "a whole number, 1 or more")
        if above is not None and np.isnan(above):
            raise DimensionError("found above = nan", "a cosine")
        latents = self.latents(queries)
        self._refresh()
        best = [(np.zeros(0), np.zeros(0, np.int64)) for _ in latents]
        least, start = -np.inf if above is None else above, 0
        for file in self._files:
            prepared = file.space.prepare(latents)
            for first, scores in file.scores(prepared):
                allowed = None if names is None else file.matching(names, first, scores.shape[1])
                for row, found in enumerate(scores):
                    best[row] = _kept(best[row], found, start + first, k, least, allowed)
            start += file.images
        return [
            [self._hit(score, place) for score, place in zip(scores.tolist(), places.tolist(), strict=True)]
            for scores, places in best
        ]

    def scores(self, queries) -> np.ndarray:
        """Cosines (Q, n) float64 of queries, as of `search`, and all photographs; NaN for those of damaged blocks and
        those of which nothing was coded."""
        latents = self.latents(queries)
        self._refresh()
        found = [scores for file in self._files for _, scores in file.scores(file.space.prepare(latents))]
        return np.hstack(found) if found else np.zeros((len(latents), 0))

    def latents(self, queries) -> np.ndarray:
        """Queries, as of `search`, as latents (Q, L) float64 of norm 1."""
        if isinstance(queries, list | tuple) and all(_is_latent(query, self.header.dim) for query in queries):
            queries = np.array(queries, np.float64).reshape(len(queries), -1 if len(queries) else self.header.dim)
        if isinstance(queries, np.ndarray) and queries.dtype.kind not in "fiub":
            queries = queries.tolist()  # texts
        if not isinstance(queries, np.ndarray) or queries.dtype == np.uint8:
            queries = encode_queries(queries, self.header, self._encoder)
        latents = np.atleast_2d(np.asarray(queries, np.float64))
        if latents.ndim != 2 or latents.shape[1] != self.header.dim:
            raise DimensionError(f"found queries of shape {latents.shape}", f"latents (Q, {self.header.dim})")
        if not np.isfinite(latents).all() or not latents.any(axis=1).all():
            raise DimensionError("found a query that is not finite or all zeros", "latents that have a direction")
        _, exponents = np.frexp(np.abs(latents).max(axis=1, initial=0))
        latents = np.ldexp(latents, -exponents[:, None])  # whose squares neither over- nor underflow
        return latents * inverses(latents)[:, None]

    def pairs(self, above: float) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Photographs that are alike: of each, its number and those of later ones of at least this cosine, and those.

        Numbers run through all files; `hit` says which photograph one is.
        """
        self._refresh()
        start = 0
        for place, file in enumerate(self._files):
            for first, directions in file.directions():
                yield from self._later(place, start, first, directions, above)
            start += file.images

    def _later(self, place: int, start: int, first: int, directions: np.ndarray, above: float) -> Iterator:
        """`pairs` of consecutive photographs, given by their directions (n, L)."""
        seen = ~np.isnan(directions[:, 0])
        found = [([], []) for _ in directions]
        for file in self._files[place:]:
            after = first + 1 if file is self._files[place] else 0
            prepared = file.space.prepare(np.where(seen[:, None], directions, 0.0))
            for there, scores in file.scores(prepared, after):
                for row, column in np.argwhere(scores >= above).tolist():
                    number = start + there + column
                    if seen[row] and (file is not self._files[place] or there + column > first + row):
                        found[row][0].append(number)
                        found[row][1].append(scores[row, column])
            start += file.images
        begin = start - sum(file.images for file in self._files[place:]) + first
        for row, (numbers, scores) in enumerate(found):
            if numbers:
                yield begin + row, np.array(numbers), np.array(scores)

    def hit(self, number: int, score: float = 1.0) -> Hit:
        """The photograph of a number that runs through all files."""
        return self._hit(score, number)

    def _hit(self, score: float, number: int) -> Hit:
        for file in self._files:
            if number < file.images:
                return Hit(min(1.0, max(-1.0, score)), file.name, number, file.name_of(number))
            number -= file.images
        raise DimensionError(f"found no photograph of number {number}", f"0 to {len(self) - 1}")

    def _refresh(self) -> None:
        for file in self._files:
            if file.refresh() and (file.header.weights_hash, file.header.dim) != (
                self.header.weights_hash,
                self.header.dim,
            ):
                raise SmicnbError(
                    f"'{file.name}' was replaced by a file of {_encoder(file.header)}", f"{_encoder(self.header)}"
                )


def _encoder(header: Header) -> str:
    return f"'{header.encoder}' with weights {header.weights_hash[:12]}…"


def _is_latent(query, dim: int) -> bool:
    return isinstance(query, np.ndarray) and query.shape == (dim,) and query.dtype.kind in "fi"


def _kept(
    best: tuple[np.ndarray, np.ndarray],
    scores: np.ndarray,
    start: int,
    k: int,
    least: float,
    allowed: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """The best k of those that were the best so far and of further scores, stable, with their numbers."""
    full = len(best[0]) == k
    wanted = scores > best[0][-1] if full else scores >= least
    (places,) = np.nonzero(wanted if allowed is None else wanted & allowed)
    if not len(places):
        return best
    if len(places) > MANY * k:  # most of them need no order
        found = scores[places]
        places = places[found >= np.partition(found, -k)[-k]]
    together = np.concatenate([best[0], scores[places]])
    numbers = np.concatenate([best[1], start + places])
    order = np.argsort(-together, kind="stable")[:k]
    return together[order], numbers[order]


@dataclass
class _Slab:
    """Consecutive blocks: their first image, how many images they have, and, where they are kept, coefficients."""

    blocks: range
    first: int
    images: int
    kept: Coefficients | None = None


class _File:
    """One file of an index."""

    def __init__(self, source: Source):
        self._source = source
        self._path = Path(source) if isinstance(source, Path | str) else None
        self.name = "" if self._path is None else str(self._path)
        self._load()

    def _load(self) -> None:
        self._seen = self._state()
        self._opened = SmicReader(self._source)
        self.header = self._opened.header
        self.space, self._symbols = Space(self._opened.codebook), Symbols(self._opened.codebook)
        self.damage: dict[int, Damage] = {}
        self._slabs: list[_Slab] = []
        self.images = self.sound = self.nbytes = 0
        self.said = 0.0  # sum over the images that are sound of the cosine that is kept of each
        self._extend()

    def close(self) -> None:
        self._opened.file.close()

    def _state(self) -> tuple | None:
        """What changes when the file does."""
        if self._path is None:
            return None
        try:
            found = os.stat(self._path)
        except OSError as error:
            raise SmicnbError(f"cannot read '{self._path}' ({error.strerror})", "a .smic file") from error
        return found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev

    def refresh(self) -> bool:
        """Take in what was appended, or all of a file that was replaced; whether there was anything."""
        state = self._state()
        if state == self._seen:
            return False
        before: Content = self._opened.file.content
        opened = SmicReader(self._source)
        if opened.file.begins_as(before):
            self._opened.file.close()
            self._opened, self._seen = opened, state
            self._extend()
        else:
            opened.file.close()
            self._opened.file.close()
            self._load()
        return True

    def _extend(self) -> None:
        """Decode the blocks that are not in a slab yet."""
        file = self._opened.file
        block = self._slabs[-1].blocks.stop if self._slabs else 0
        while block < file.blocks:
            begin, first = block, self.images
            while block < file.blocks and (block == begin or self._end(block) - first <= SLAB):
                block += 1
            slab = _Slab(range(begin, block), first, self._end(block - 1) - first)
            self.images += slab.images
            coefficients = self._decoded(slab)
            self.said += coefficients.said
            self.sound += slab.images - sum(
                d.last - d.first + 1 for d in self.damage.values() if d.block in slab.blocks
            )
            if self.nbytes + coefficients.nbytes <= MOST_BYTES:
                slab.kept = coefficients
                self.nbytes += coefficients.nbytes
            self._slabs.append(slab)

    def _end(self, block: int) -> int:
        return self._opened.file.images_until(block)

    def _decoded(self, slab: _Slab) -> Coefficients:
        coefficients = self.space.coefficients(slab.images)
        for number in slab.blocks:
            levels = self._levels(number)
            if levels is not None:
                coefficients.add(self._end(number) - len(levels) - slab.first, levels)
        return coefficients

    def _levels(self, number: int) -> np.ndarray | None:
        """The levels of a block; None where it is damaged, which is noted."""
        try:
            return self._symbols.levels(self._opened.file.block(number))
        except IntegrityError as error:
            self._note(number, error)
            return None

    def _note(self, number: int, error: SmicnbError) -> None:
        first = self._end(number - 1) if number else 0
        self.damage[number] = Damage(self.name, number, first, self._end(number) - 1, str(error))

    def scores(self, prepared: Prepared, after: int = 0) -> Iterator[tuple[int, np.ndarray]]:
        """Of each slab that ends behind an image: its first image, and the cosines (Q, images)."""
        for slab in self._slabs:
            if slab.first + slab.images > after:
                scores = np.empty((len(prepared[0]), slab.images))
                (slab.kept or self._decoded(slab)).score(prepared, scores)
                yield slab.first, scores

    def directions(self) -> Iterator[tuple[int, np.ndarray]]:
        """Of each block: its first image, and the latents (n, L) at norm 1, NaN where there is none."""
        for number in range(self._opened.file.blocks):
            levels = self._levels(number)
            if levels is not None:
                sums = self.space.sums(levels)
                yield self._end(number) - len(levels), sums * inverses(sums)[:, None]

    def names_of(self, number: int) -> list[str] | None:
        """The names of a block's photographs; None where there are none, or where they are damaged, which is noted."""
        try:
            block = self._opened.file.block(number)
            return details.unpack(block.details, block.count)[0]
        except IntegrityError as error:
            self._note(number, error)
            return None

    def name_of(self, image: int) -> str | None:
        """The name of a photograph, None where it has none."""
        number, position = self._opened.file.locate(image)
        names = self.names_of(number)
        return names[position] if names else None

    def matching(self, pattern: str, first: int, images: int) -> np.ndarray:
        """(images,) bool, which of the photographs of a slab have names that a pattern matches."""
        wanted, found = fold_case(pattern), np.zeros(images, bool)
        slab = next(slab for slab in self._slabs if slab.first == first)
        for number in slab.blocks:
            names, begin = self.names_of(number) or [], self._end(number - 1) - first if number else 0
            found[begin : begin + len(names)] = [fnmatch.fnmatchcase(fold_case(name), wanted) for name in names]
        return found
