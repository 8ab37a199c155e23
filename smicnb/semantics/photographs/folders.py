"""A folder of any files to the images in it that can be used, and the count of those that cannot."""

import contextlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PIL import __version__ as pillow_version

from smicnb.base.cache import cache_root
from smicnb.base.errors import ImageError
from smicnb.base.files import sha256_file, sha256_json, write_json
from smicnb.base.progress import progress_bar
from smicnb.semantics.photographs.images import (
    NO_MEMORY,
    RULES,
    STALLED,
    UNREADABLE,
    Unusable,
    check,
    describe,
    image_suffixes,
    in_time,
    probe,
)

UNREADABLE_FOLDER = "folder not readable"
STALLED_FOLDER = f"folder {STALLED}"
COPY = "same bytes as another file"
PASSED_OVER = "files without an image suffix passed over"
SERVERS_OWN = "folders of a file server's thumbnails or bins passed over"
HIDDEN = "hidden"
# Below the folder that is asked for, by name whatever its case: thumbnails are no photographs, and nobody wants
# back what is in the bin. Others of the kind (.thumbnails, .@__thumb) are hidden.
SERVERS_FOLDERS = {
    *("@eadir", "#recycle", "#snapshot", "@sharebin", "@tmp"),  # Synology
    *("@recycle", "@recently-snapshot"),  # QNAP
    *("$recycle.bin", "system volume information"),  # Windows
    "__macosx",
}


class ImageFile(NamedTuple):
    """A usable image: its POSIX path below the folder listed, its path, the SHA-256 of its bytes."""

    name: str
    path: Path
    sha256: str


class Verdict(NamedTuple):
    """On a file: the SHA-256 of its bytes, None where the header or this machine decides; the reason why it cannot be
    used, and a note about it, or None.
    """

    sha256: str | None
    reason: str | None
    note: str | None = None


Files = Sequence[tuple[str, Path]]  # POSIX paths below a folder, and paths
Look = Callable[[str, Files], Iterable[Verdict]]  # of the name of a folder and its files to verdicts in their order


class Listing(NamedTuple):
    """The usable images of a folder, by name; files skipped and files noted, counted by reason.

    `left_out` has (POSIX path, reason) of all that was skipped or passed over, by name.
    """

    files: tuple[ImageFile, ...]
    skipped: dict[str, int]
    notes: dict[str, int]
    left_out: tuple[tuple[str, str], ...]


def list_images(root: Path | str, parts: tuple[str, ...] = (), look: Look | None = None) -> Listing:
    """Find every usable image below a folder, each decoded once to be sure.

    Files are taken by suffix, hidden ones and the folders of a file server's own are passed over; links are
    followed, each folder is visited once, and of files with equal bytes the first by name is kept, lest one
    photograph sit on both sides of a split. What decoding showed is remembered by content, so that listing again only
    hashes.

    Args:
        root: a folder.
        parts: sub-folders that alone are searched, where any of them is there.
        look: reads the files instead, and remembers for itself.

    Returns:
        The files sorted by their POSIX path below `root`; counts of what was skipped and noted.

    Raises:
        ImageError: no such folder, one that cannot be read, or one without a usable image.
    """
    root = Path(root)
    skipped: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    left_out: list[tuple[str, str]] = []
    candidates = _candidates(root, parts, skipped, notes, left_out)
    remembered = cache_root() / "image-verdicts" / f"{sha256_json(os.path.realpath(root))}.json"
    known = _recall(remembered)
    judged = (look or partial(_look, known))(root.resolve().name, candidates)
    found: dict[str, ImageFile] = {}
    verdicts: dict[str, list[str | None]] = {}
    for (name, path), (digest, reason, note) in zip(candidates, judged, strict=True):
        if digest:
            verdicts[digest] = [reason, note]
        if reason is None and digest in found:
            reason = COPY
        if reason is not None:
            skipped[reason] += 1
            left_out.append((name, reason))
            continue
        found[digest] = ImageFile(name, path, digest)
        if note:
            notes[note] += 1
    if verdicts != known:
        # Not being able to remember costs time, nothing else.
        with contextlib.suppress(OSError):
            write_json(remembered, {"rules": _rules(), "verdicts": verdicts})
    if not found:
        met = f" ({describe(skipped + notes)})" if skipped or notes else ""
        raise ImageError(f"no usable image in '{root}'{met}", "at least one image file that Pillow reads")
    counts = dict(sorted(skipped.items())), dict(sorted(notes.items()))
    return Listing(tuple(found.values()), *counts, tuple(sorted(left_out)))


def _look(known: dict[str, list[str | None]], name: str, files: Files) -> Iterator[Verdict]:
    """Verdicts on a folder's files, of which those of `known` hashes are not decoded."""
    with ThreadPoolExecutor(2) as threads, progress_bar(f"checking {name}", len(files)) as advance:
        for verdict in threads.map(lambda file: _judge(*file, known), files):
            advance(1)
            yield verdict


def _judge(name: str, path: Path, known: dict[str, list[str | None]]) -> Verdict:
    try:
        return _verdict(path, known)
    except MemoryError:
        return refuse(name)


def refuse(name: str) -> Verdict:
    """The verdict on a file for which this machine has not enough memory: no property of the file."""
    return Verdict(None, f"{NO_MEMORY} for {name!r}")


def _verdict(path: Path, known: dict[str, list[str | None]]) -> Verdict:
    reason = probe(path)
    if reason is not None:
        return Verdict(None, reason)
    try:
        digest = sha256_file(path)
    except OSError:
        return Verdict(None, UNREADABLE)
    return Verdict(digest, *(known[digest] if digest in known else check(path)))


def _candidates(
    root: Path, parts: tuple[str, ...], skipped: Counter[str], notes: Counter[str], left_out: list[tuple[str, str]]
) -> list[tuple[str, Path]]:
    """(POSIX path below `root`, path) of all files whose suffix claims an image, sorted."""
    suffixes = image_suffixes()
    files: list[tuple[str, Path]] = []
    seen: set[tuple[int, int]] = set()
    folders = [root / part for part in parts if (root / part).is_dir()] or [root]
    while folders:
        folder = folders.pop()
        try:
            identity, entries = in_time(partial(_read_folder, folder))
        except (OSError, Unusable) as error:
            stalled = isinstance(error, Unusable)
            if folder == root:
                why = STALLED if stalled else error.strerror or type(error).__name__
                raise ImageError(f"'{root}' cannot be read as a folder ({why})", "a folder of images") from error
            reason = STALLED_FOLDER if stalled else UNREADABLE_FOLDER
            skipped[reason] += 1
            left_out.append((folder.relative_to(root).as_posix(), reason))
            continue
        if identity in seen:
            continue
        seen.add(identity)
        for entry, is_folder in entries:
            path = folder / entry
            name = path.relative_to(root).as_posix()
            if entry.startswith("."):
                left_out.append((name, HIDDEN))
            elif is_folder:
                if entry.casefold() in SERVERS_FOLDERS:
                    notes[SERVERS_OWN] += 1
                    left_out.append((name, SERVERS_OWN))
                else:
                    folders.append(path)
            elif path.suffix.lower() in suffixes:
                files.append((name, path))
            else:
                notes[PASSED_OVER] += 1
                left_out.append((name, PASSED_OVER))
    return sorted(files)


def _read_folder(folder: Path) -> tuple[tuple[int, int], list[tuple[str, bool]]]:
    """What tells a folder from all others, and the names in it, each with whether it is a folder.

    Sorted, so that of two links to one folder the same one is always followed.
    """
    status = folder.stat()
    with os.scandir(folder) as entries:
        names = sorted(((entry.name, _is_folder(entry)) for entry in entries), reverse=True)
    return (status.st_dev, status.st_ino), names


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _rules() -> list:
    """What verdicts depend on, beside the bytes: our rules and Pillow's decoders."""
    return [RULES, pillow_version]


def _recall(path: Path) -> dict[str, list[str | None]]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return stored["verdicts"] if stored["rules"] == _rules() else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
