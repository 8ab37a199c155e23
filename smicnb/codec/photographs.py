"""Photographs to a .smic file and back: what `smicnb compress`, `append` and `decompress` do."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from smicnb.base import locks
from smicnb.base.cache import cache_root
from smicnb.base.errors import DimensionError, ImageError, SmicnbError
from smicnb.base.files import atomic_path, check_folder, check_target, sha256_file, sha256_json, write_json
from smicnb.base.names import fold_case, near_miss
from smicnb.base.progress import progress_bar
from smicnb.codec import file_names
from smicnb.codec.coders import choice
from smicnb.codec.coders.axes import AxesCodec
from smicnb.codec.coders.choice import Way
from smicnb.codec.coders.smic import SMICCodec
from smicnb.codec.file_names import MARKER
from smicnb.codec.format import container
from smicnb.codec.format.reader import SmicReader
from smicnb.semantics.encoders import encoders
from smicnb.semantics.encoders.encoders import SemanticEncoder
from smicnb.semantics.encoders.one_pass import OnePass
from smicnb.semantics.generators import generators
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.photographs.image_collections import Item
from smicnb.semantics.photographs.images import size_of
from smicnb.semantics.photographs.views import WHOLE
from smicnb.semantics.spaces import SemanticSpace


class Photographs(NamedTuple):
    """Images on their way into a file, in the order of their names.

    Args:
        latents: (n, L), un-normalised; those of a folder are mapped from a file.
        names: relative POSIX paths, each once.
        sizes: (width, height) in pixels.
        summary: what was found and what was left out, on one line.
        left_out: (name, reason) of each file or folder that was left out.
    """

    latents: np.ndarray
    names: list[str]
    sizes: list[tuple[int, int]]
    summary: str
    left_out: tuple[tuple[str, str], ...] = ()

    def describe(self, listed: bool) -> str:
        """The summary; with a line for each file left out, where they are to be `listed`."""
        return "\n".join([self.summary, *(f"  {_printable(name)}: {why}" for name, why in self.left_out if listed)])


def photographs(source: str, encoder: SemanticEncoder, executor: Executor | None = None) -> Photographs:
    """The images of a folder, or of a collection by its name ("embedded", "kodak:PATH"), as latents, which an
    `executor` makes where there is one.

    A file of a folder is opened once, to be looked through and encoded; one for which there is not enough memory, or
    that cannot be read any more by then, is left out and named, as all that cannot be used.
    """
    with OnePass(encoder, executor) as once:
        loaded = image_collections.load(_collection(source), once)
        items = tuple(sorted(loaded, key=lambda item: item.id))
        if once.found:
            latents, sizes = once.latents(items), once.sizes(items)
        else:
            latents = encoders.encode_collection(encoder, replace(loaded, items=items), executor)
            sizes = [measure_size(item) for item in items]
    names = file_names.make_unique([file_names.make_portable(item.id) for item in items])
    return Photographs(latents, names, sizes, loaded.summary(), loaded.left_out)


def _printable(name: str) -> str:
    return name if name.isprintable() else repr(name)  # a name may hold what a terminal would obey


def _collection(source: str) -> str:
    """The name of the collection that a folder or a collection's name stands for.

    Raises:
        SmicnbError: it is empty, which would be the current folder, or neither of both.
    """
    folder = Path(source).expanduser()
    if not source:
        raise SmicnbError("found an empty name for the photographs", "a folder, or the name of a collection")
    if folder.exists():
        return f"folder:{folder}"
    if ":" not in source and source not in image_collections.names():
        close = near_miss(source, image_collections.names())
        raise ImageError(
            f"found no folder '{source}', and no collection of that name",
            "a folder of photographs, or the name of a collection",
            f"did you mean '{close}'?" if close else "",
        )
    return source


def measure_size(item: Item) -> tuple[int, int]:
    """Width and height of an item in pixels, by the header of its file."""
    width, height = size_of(item.path)
    if item.view != WHOLE:
        rows, columns = item.view.box(height, width)
        width, height = columns.stop - columns.start, rows.stop - rows.start
    return width, height


@contextlib.contextmanager
def _hold(target: Path) -> Iterator[None]:
    """Keep a target to one run, among those that share a cache: what it does for hours, a second one need not begin.

    Raises:
        SmicnbError: another run is at work on it.
    """
    with contextlib.ExitStack() as stack:
        try:
            lock = cache_root() / "locks" / sha256_json(os.path.realpath(target))
            lock.parent.mkdir(parents=True, exist_ok=True)
            locks.lock_handle(stack.enter_context(lock.open("ab")).fileno())
        except OSError as error:  # without a cache, or locks, the file is written whole all the same
            if error.errno in locks.BUSY:
                do = "wait for it to end, or name another"
                raise SmicnbError(f"another run is at work on '{target}'", do=do) from error
        yield


def compress(
    source: str,
    target: Path,
    encoder: str,
    named: bool = True,
    listed: bool = False,
    new: bool = False,
    executor: Executor | None = None,
    **parameters,
) -> tuple[str, int]:
    """Write the .smic file of a folder or collection, atomically.

    Args:
        source: a folder, or a collection's name.
        target: the file; an existing one is replaced.
        encoder: a name of `encoders.encoder`.
        named: whether the photographs' names are kept.
        listed: whether what is told has a line for each file left out.
        new: refuse to replace a file.
        executor: encodes the photographs; here and now where absent.
        parameters: arguments of `SMICCodec`; fewer atoms are learned where there are fewer images.

    Returns:
        What was found and left out; and how many atoms the dictionary has.
    """
    check_target(target, force=not new)
    semantic_encoder = encoders.encoder(encoder)
    with _hold(target):
        found = photographs(source, semantic_encoder, executor)
        count = len(found.latents)
        n_atoms = min(parameters.pop("n_atoms"), count)
        codec = SMICCodec(
            n_atoms=n_atoms, encoder=semantic_encoder.name, weights_hash=semantic_encoder.weights_hash, **parameters
        )
        _write(target, codec.fit(choice.thin_out(found.latents, choice.LEARNED)), found, named, new)
    return found.describe(listed), n_atoms


def compress_to(
    source: str,
    target: Path,
    encoder: str,
    named: bool = True,
    cosine: float | None = None,
    bits: float | None = None,
    only: Sequence[str] = choice.KINDS,
    listed: bool = False,
    new: bool = False,
    tilt: float = 0.0,
    executor: Executor | None = None,
) -> tuple[str, list[Way]]:
    """Write the .smic file of a folder or collection in the way that meets a target with the fewest bits in all;
    arguments as in `compress` and `choice.ways`.

    Returns:
        What was found and left out; and the ways that were tried, the chosen one first.
    """
    check_target(target, force=not new)
    choice.check_target(cosine, bits)
    semantic_encoder = encoders.encoder(encoder)
    about = {"encoder": semantic_encoder.name, "weights_hash": semantic_encoder.weights_hash}
    choice.check_target(cosine, bits, only, about["weights_hash"])
    with _hold(target):
        found = photographs(source, semantic_encoder, executor)
        tried = choice.ways(found.latents, cosine, bits, only=only, tilt=tilt, **about)
        _write(target, tried[0].codec, found, named, new)
    return found.describe(listed), tried


def _write(target: Path, codec: choice.Codec, found: Photographs, named: bool, new: bool) -> None:
    blocks = codec.stream(found.latents, found.names if named else None, found.sizes)
    container.create(target, *codec.sections, blocks, new=new)


def append(
    target: Path,
    source: str,
    encoder: str | None = None,
    listed: bool = False,
    executor: Executor | None = None,
    tilt: float = 0.0,
) -> tuple[str, int]:
    """Code further photographs with the dictionary of an existing file, and write them behind what is there.

    Args:
        target: the file.
        source: a folder, or a collection's name.
        encoder: a name of `encoders.encoder`, where the file's own does not lead to its weights.
        listed, executor: the same as in `compress`.
        tilt: tilt of `AxesCodec`, `FOR_SEARCH` for photographs that are searched. The file does not say what the ones
            in it were coded for: a tilt changes what is chosen, and nothing that a reader has to know.

    Returns:
        What was found and left out; and how many images the file had before.

    Raises:
        SmicnbError: another encoder than the file's, a name that the file has already, a tilt where the file has a
            dictionary, or a file that cannot be written or that another one replaced meanwhile.
    """
    with SmicReader(target) as opened:
        header, content = opened.header, opened.file.content
        codec = choice.codec_of(opened.codebook)
    if tilt:
        if not isinstance(codec, AxesCodec):
            raise SmicnbError(
                f"found --for search, and a dictionary in '{target}'", "a file of axes", "leave --for search out"
            )
        codec.tilt = tilt
    container.check_appendable(target)
    before = content.images
    semantic_encoder = encoder_of(header, encoder)
    found = photographs(source, semantic_encoder, executor)
    named, again = _meet_names(target, content, found.names)
    if again:
        raise SmicnbError(
            f"'{target}' holds an image of the name '{again[0]}' already ({len(again)} such names in all)",
            "names that are new",
            "rename the files, or put them into a folder of another name and append the folder above it",
        )
    names = found.names if named or before == 0 else None
    container.append(target, codec.stream(found.latents, names, found.sizes), content)
    return found.describe(listed), before


def _meet_names(target: Path, content: container.Content, names: Sequence[str]) -> tuple[bool, list[str]]:
    """Whether a file of this content has names, and those of `names` that it has, in any case.

    No more than a block's are held at a time. Of a file that is another one by now nothing is told: `container.append`
    refuses it.
    """
    folded, named, met = {fold_case(name) for name in names}, False, set()
    with SmicReader(target) as opened:
        if opened.file.content != content:
            return True, []
        for number in range(opened.file.blocks):
            some = {fold_case(name) for name in opened.names_of(number) if name is not None}
            named, met = named or bool(some), met | (folded & some)
    return named, [name for name in names if fold_case(name) in met]


def encoder_of(header: container.Header, name: str | None) -> SemanticEncoder:
    """The encoder that a file was made with; raises SmicnbError where it is not found, or its weights are others."""
    family, _, rest = header.encoder.partition("/")
    known = header.encoder in encoders.ENCODERS
    named = f"{family}/PATH/{rest}" if rest else "NAME"
    where = "" if known else f"say where the file's encoder is: --encoder {named}"
    try:
        semantic_encoder = encoders.encoder(name or header.encoder)
    except SmicnbError as error:
        if name is not None or known:
            raise
        raise SmicnbError(error.found, f"the encoder '{header.encoder}' that the file was made with", where) from error
    if semantic_encoder.weights_hash != header.weights_hash or semantic_encoder.dim != header.dim:
        raise SmicnbError(
            f"found encoder '{semantic_encoder.name}' with weights {semantic_encoder.weights_hash[:12]}…",
            f"'{header.encoder}' with weights {header.weights_hash[:12]}…, which the file was made with",
            where if name is None else "name the one of the file" + (", or leave --encoder out" if known else ""),
        )
    return semantic_encoder


def decompress(
    source: Path, folder: Path, generator: str, gallery: str, encoder: str | None, seed: int, force: bool
) -> tuple[int, int, str]:
    """Generate an image from every latent of a file, as PNG files of the photographs' names.

    Every block is read and checked before anything is written. A run that was cut off is taken up again by the same
    call: images that are there are kept.

    Args:
        source: the .smic file.
        folder: place of the images; one that holds anything else is refused without `force`.
        generator: a name of `generators.generator`.
        gallery: the collection that stand-ins for a generator work with.
        encoder: the same as in `append`.
        seed: the generator's seed, one for all images.
        force: overwrite what is in the folder.

    Returns:
        How many images there are, of how many nothing was coded, and what the generator's images are.
    """
    if folder.is_dir() or not folder.exists():  # else it is told below what it is
        check_folder(folder)
    with SmicReader(source) as opened:
        names = file_names.name_images(opened.names)
        for number in range(opened.file.blocks):
            opened.records(number)
        semantic_encoder = encoder_of(opened.header, encoder)
        shown = image_collections.load(gallery)
        chosen = generators.generator(generator, semantic_encoder, shown)
        space = SemanticSpace(semantic_encoder, chosen, opened.header.norm)
        made_from = {"file": sha256_file(source), "seed": seed, "gallery": shown.fingerprint, **space.fingerprint}
        resumed = _prepare(folder, names, made_from, force)
        empty = 0
        with progress_bar(f"generating with {chosen.name}", len(opened)) as advance:
            for latents, paths in _decode_batches(opened, names, folder):
                empty += int((~latents.any(axis=1)).sum())
                missing = [row for row, path in enumerate(paths) if not (resumed and path.is_file())]
                for row, image in zip(missing, space.generate(latents[missing], seed), strict=True):
                    write_png(paths[row], image)
                advance(len(paths))
    (folder / MARKER).unlink(missing_ok=True)
    return len(names), empty, chosen.what


def _decode_batches(opened: SmicReader, names: Sequence[str], folder: Path) -> Iterator[tuple[np.ndarray, list[Path]]]:
    start = 0
    for block in opened:
        paths = [folder / name for name in names[start : start + len(block.latents)]]
        start += len(paths)
        yield block.latents, paths


def _prepare(folder: Path, names: Sequence[str], made_from: dict, force: bool) -> bool:
    """Make the folder, if all names can be written there; returns whether a run of the same was cut off in it."""
    import json

    marker = folder / MARKER
    try:
        resumed = json.loads(marker.read_text(encoding="utf-8")) == made_from
    except (OSError, ValueError):
        resumed = False
    if not (resumed or force) and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SmicnbError(f"'{folder}' is not an empty folder", "a new or empty folder", "name another, or say --force")
    if folder.exists() and not folder.is_dir():
        raise SmicnbError(f"'{folder}' is no folder", "a folder for the images", "name another")
    for name in names:
        path = folder / name
        inside = path.parents[: len(Path(name).parents) - 1]
        if path.is_dir() or any(parent.exists() and not parent.is_dir() for parent in inside):
            raise SmicnbError(
                f"'{folder}' holds something in the way of '{name}'", "a new or empty folder", "name another"
            )
    write_json(marker, made_from)
    return resumed


def write_png(path: Path, image: np.ndarray) -> None:
    """Write an RGB uint8 image H×W×3."""
    from PIL import Image

    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary, "PNG")


def write_latents(source: Path, target: Path, new: bool = False) -> int:
    """Write the latents of a file to an .npz: `latents` (n, L) float32 and, where there are any, `names`.

    A `new` file replaces nothing.

    Returns:
        How many latents.
    """
    if target.suffix != ".npz":
        raise DimensionError(f"found '{target.name}' for the latents", "a name that ends in .npz")
    check_target(target, force=not new)
    with SmicReader(source) as opened:
        arrays = {"latents": opened.latents()}
        if any(name is not None for name in opened.names):
            arrays["names"] = np.array([name or "" for name in opened.names])
    with atomic_path(target, new) as temporary:
        np.savez(temporary, **arrays)
    return len(arrays["latents"])
