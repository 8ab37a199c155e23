"""One pass over a folder: each file is opened once, and hashed, judged, measured, decoded and encoded by that.

What is in a file is only known once it is read, and a cache knows a latent by the file's bytes. So a file is read and
hashed even where its latent is known; then it is not decoded. Threads read, decode and resize ahead of the network.
"""

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import numpy as np

from smicnb.base.cache import ArrayCache, cache_root
from smicnb.base.errors import DimensionError, SmicnbError
from smicnb.base.progress import Advance, progress_bar
from smicnb.base.work.shards import run_pieces
from smicnb.semantics.encoders import encoders
from smicnb.semantics.encoders.encoders import ImageEncoder
from smicnb.semantics.encoders.towers import LOADERS
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.photographs.folders import Verdict, refuse
from smicnb.semantics.photographs.image_collections import Item
from smicnb.semantics.photographs.images import GONE, read_once

Value, Result = TypeVar("Value"), TypeVar("Result")
Size = tuple[int, int]
File = tuple[str, Path]  # its POSIX path below the folder, and its path


class Outcome(NamedTuple):
    """What became of a file: the verdict on it, and of a usable one its size (width, height) and latent (L,), which is
    `new` where no cache had it.
    """

    verdict: Verdict
    size: Size | None = None
    latent: np.ndarray | None = None
    new: bool = False
    square: np.ndarray | None = None  # what a network will see of it, where its latent is not known


class OnePass:
    """Looks through a folder for `image_collections.load`, and encodes what it finds.

    Latents wait in a file beside the cache, which takes no memory and is gone at the end, or with the process.

    Args:
        encoder: makes the latents.
        executor: does so for a block of files per task; here and now where absent.
    """

    def __init__(self, encoder: ImageEncoder, executor: Executor | None = None):
        self._encoder, self._executor = encoder, executor
        self._rows: dict[str, int] = {}
        self._sizes: list[Size] = []
        self._latents = open_spool()

    def __enter__(self) -> "OnePass":
        return self

    def __exit__(self, *exception) -> None:
        self._latents.close()

    @property
    def found(self) -> bool:
        """Whether it has looked through a folder, and some of its files can be used."""
        return bool(self._rows)

    def __call__(self, name: str, files: Sequence[File]) -> list[Verdict]:
        """The verdict on each of a folder's files, in their order."""
        verdicts: list[Verdict | None] = [None] * len(files)
        with progress_bar(f"encoding {name} with {self._encoder.name}", len(files), unit="photographs") as advance:
            for start, outcomes in self._blocks(files, advance):
                for place, outcome in enumerate(outcomes, start):
                    verdicts[place] = outcome.verdict
                    self._keep(files[place][0], outcome)
        return verdicts

    def _blocks(self, files: Sequence[File], advance: Advance) -> Iterator[tuple[int, list[Outcome]]]:
        starts = range(0, len(files), encoders.BLOCK)
        if self._executor is None:
            yield from zip(starts, encode_files(self._encoder, files, advance), strict=True)
            return
        placed = [(name, path.absolute()) for name, path in files]  # a worker may be in another folder
        pieces = ((start, placed[start : start + encoders.BLOCK]) for start in starts)
        for (start, some), outcomes in run_pieces(partial(encode_piece, self._encoder), pieces, self._executor):
            _check_shared(some, outcomes)
            advance(len(outcomes))
            yield start, outcomes

    def _keep(self, name: str, outcome: Outcome) -> None:
        digest = outcome.verdict.sha256
        if outcome.latent is None or digest is None:
            return
        if not np.isfinite(outcome.latent).all():
            raise DimensionError(f"the latent of '{name}' is not finite", "finite numbers")
        content = image_collections.hash_content(digest)
        if content not in self._rows:
            self._rows[content] = len(self._sizes)
            self._sizes.append(outcome.size)
            self._latents.write(np.ascontiguousarray(outcome.latent, np.float32))

    def latents(self, items: Sequence[Item]) -> np.ndarray:
        """Latents (n, L) float32 of items that were found, in a mapped file."""
        return gather(self._latents, [self._rows[item.content_hash] for item in items], self._encoder.dim)

    def sizes(self, items: Sequence[Item]) -> list[Size]:
        """(width, height) of items that were found."""
        return [self._sizes[self._rows[item.content_hash]] for item in items]


def _check_shared(files: Sequence[File], outcomes: Sequence[Outcome]) -> None:
    """Raise SmicnbError for a file that a worker does not see, and that is here."""
    for (_, path), outcome in zip(files, outcomes, strict=True):
        if outcome.verdict.reason == GONE and os.path.lexists(path):
            raise SmicnbError(
                f"a worker found no '{path}', which is on this machine",
                "the photographs under the same path on every machine",
                "mount them there; the same command resumes with what is not finished",
            )


def encode_piece(encoder: ImageEncoder, piece: tuple[int, Sequence[File]]) -> list[Outcome]:
    """What became of a block of files; a worker of an executor calls this."""
    return [outcome for outcomes in encode_files(encoder, piece[1]) for outcome in outcomes]


def encode_files(
    encoder: ImageEncoder, files: Iterable[File], advance: Advance = lambda _: None
) -> Iterator[list[Outcome]]:
    """What becomes of files, in their order, block by block; the latents of a block are kept while the next one is
    encoded, since a disk takes its time.
    """
    cache, keeping = ArrayCache("latents"), []
    with ThreadPoolExecutor(LOADERS) as loaders, ThreadPoolExecutor(1) as keeper:
        outcomes = run_ahead(loaders, partial(look_at, encoder, cache), files, encoders.BLOCK)
        while block := _encode_block(encoder, islice(outcomes, encoders.BLOCK), advance):
            for kept in keeping:
                kept.result()
            keeping = [
                keeper.submit(cache.put, _key(encoder, outcome.verdict.sha256), outcome.latent)
                for outcome in block
                if outcome.new
            ]
            yield block


def _encode_block(encoder: ImageEncoder, outcomes: Iterable[Outcome], advance: Advance) -> list[Outcome]:
    block: list[Outcome] = []
    rows: list[int] = []

    def squares() -> Iterator[np.ndarray]:
        for outcome in outcomes:
            block.append(outcome._replace(square=None))
            if outcome.square is None:
                advance(1)
            else:
                rows.append(len(block) - 1)
                yield outcome.square

    waiting = squares()
    for first in waiting:  # else there is nothing to encode
        latents = encoder.encode_images(chain([first], waiting), advance)
        for row, latent in zip(rows, latents, strict=True):
            block[row] = block[row]._replace(latent=latent, new=True)
    return block


def look_at(encoder: ImageEncoder, cache: ArrayCache, file: File) -> Outcome:
    """What one reading of a file shows: the reason against it, or its latent, or what a network has to see."""
    name, path = file
    latent: np.ndarray | None = None

    def known(digest: str) -> bool:
        nonlocal latent
        latent = cache.get(_key(encoder, digest))
        latent = latent if latent is not None and latent.shape == (encoder.dim,) else None
        return latent is not None

    try:
        found = read_once(path, encoder.side, known)
        square = None if found.pixels is None else encoder.square(found.pixels)
        return Outcome(Verdict(found.sha256, found.reason, found.note), found.size, latent, square=square)
    except MemoryError:
        return Outcome(refuse(name))


def _key(encoder: ImageEncoder, digest: str) -> list:
    return encoders.cache_key(encoder, image_collections.read_key(image_collections.hash_content(digest)))


def run_ahead(
    threads: Executor, function: Callable[[Value], Result], values: Iterable[Value], most: int
) -> Iterator[Result]:
    """Results in the order of values, of which `most` are in work or done before they are asked for."""
    waiting: deque = deque()
    try:
        for value in values:
            waiting.append(threads.submit(function, value))
            if len(waiting) > most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def open_spool() -> BinaryIO:
    """A file without a name, beside the cache where that can be written."""
    folder = cache_root() / "spool"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)
    except OSError:
        return tempfile.TemporaryFile()


def gather(file: BinaryIO, rows: Sequence[int], dim: int) -> np.ndarray:
    """Rows (n, dim) float32 of a file, in the order asked for, mapped from another one."""
    file.flush()
    count = os.fstat(file.fileno()).st_size // (4 * dim)
    if not count or not len(rows):
        return np.zeros((0, dim), np.float32)
    stored = np.memmap(file, np.float32, "r", shape=(count, dim))
    if len(rows) == count and np.array_equal(rows, np.arange(count)):
        return stored
    with open_spool() as ordered:
        for start in range(0, len(rows), encoders.BLOCK):
            ordered.write(stored[rows[start : start + encoders.BLOCK]])
        ordered.flush()
        return np.memmap(ordered, np.float32, "r", shape=(len(rows), dim))
