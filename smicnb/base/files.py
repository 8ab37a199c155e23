"""Files that are either whole or absent, and the hashes that tell them apart."""

import contextlib
import errno
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from smicnb.base.errors import SmicnbError

OTHER_NAME = "name another file, or say --force"
STEM = 40  # letters of a name that its temporary one begins with, so that long names stay possible


@contextlib.contextmanager
def atomic_path(target: Path | str, new: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `target`; on a clean exit it becomes `target`, else it goes.

    What stands at `target` is respected: a link stays, and what it leads to is written; a file keeps its mode and,
    where that is allowed, its owner. Other names of it (hard links) keep the old content. The temporary name keeps the
    suffix of `target`, because libraries choose a format by it.

    Args:
        target: the file; folders above it are made.
        new: refuse to replace a file, one that appeared in the meantime too.

    Raises:
        SmicnbError: `target` is no file, or a link to where none can be, or it is there and should be `new`.
        OSError: the system refuses; it names `target`.
    """
    target = Path(target)
    place, _ = _resolve_target(target)
    with name_errors(target):
        if place == target:  # a link that leads to nothing does not ask for folders
            place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{target.stem[:STEM]}-", suffix=target.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        with name_errors(target):
            _, there = _resolve_target(target)
            _set_mode(temporary, there)
            if new:
                _add(temporary, target)
            else:
                os.replace(temporary, place)
    finally:
        temporary.unlink(missing_ok=True)


def check_target(target: Path | str, force: bool = True, do: str = OTHER_NAME) -> None:
    """See, before long work, whether `atomic_path` will be able to write `target`; nothing is left there.

    Args:
        target: the file that is to be written.
        force: whether an existing one may be replaced.
        do: what the user can do where it may not.

    Raises:
        SmicnbError: `target` is no file, is there already, or cannot be written.
    """
    target = Path(target)
    place, _ = _resolve_target(target)
    if not force and os.path.lexists(target):
        raise SmicnbError(f"'{target}' exists already", do=do)
    check_folder(place.parent)


def check_folder(folder: Path | str) -> None:
    """See whether files can be made in a folder, or in the nearest one above it where it has to be made first.

    Raises:
        SmicnbError: they cannot.
    """
    folder = Path(folder)
    near = next((above for above in (folder, *folder.absolute().parents) if os.path.lexists(above)), folder)
    if not near.is_dir():
        raise SmicnbError(f"'{near}' is no folder", "a folder to write to")
    try:
        with tempfile.TemporaryFile(dir=near):  # permissions do not tell: a file system may be read-only, or remote
            pass
    except OSError as error:
        raise SmicnbError(
            f"cannot write to '{folder}' ({error.strerror or type(error).__name__})", "a folder that can be written"
        ) from error


def _resolve_target(target: Path) -> tuple[Path, os.stat_result | None]:
    """Where writing `target` writes, which is elsewhere for a link, and what is there."""
    place = Path(os.path.realpath(target)) if target.is_symlink() else target
    try:
        there = target.stat()
    except (FileNotFoundError, NotADirectoryError):
        if place != target and not place.parent.is_dir():
            raise SmicnbError(
                f"'{target}' is a link to '{place}', whose folder is not there", "a file, or a link to one"
            ) from None
        return place, None
    if stat.S_ISDIR(there.st_mode):
        raise SmicnbError(f"'{target}' is a folder", "the name of a file to write")
    if not stat.S_ISREG(there.st_mode):
        raise SmicnbError(f"'{target}' is no regular file but a pipe, a socket or a device", "the name of a file")
    return place, there


@contextlib.contextmanager
def name_errors(target: Path) -> Iterator[None]:
    """Errors of the system by the name that the user knows, not by the temporary one."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(target)) from error


def _set_mode(temporary: Path, there: os.stat_result | None) -> None:
    """Give a file that mkstemp made, which is private, the mode and owner of what it replaces, or ordinary ones."""
    if there is None:
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        return
    made = temporary.stat()
    if (made.st_uid, made.st_gid) != (there.st_uid, there.st_gid) and hasattr(os, "chown"):
        with contextlib.suppress(OSError):  # only root may give files away
            os.chown(temporary, there.st_uid, there.st_gid)
    temporary.chmod(stat.S_IMODE(there.st_mode) & 0o777)


def _add(temporary: Path, target: Path) -> None:
    """Give a file its name, where nothing has it, a link neither."""
    taken = SmicnbError(f"'{target}' exists already: it was made meanwhile", do=OTHER_NAME)
    try:
        os.link(temporary, target)  # unlike a renaming, it fails where something is there
    except FileExistsError:
        raise taken from None
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise taken from None
        os.replace(temporary, target)


def move(made: Path, target: Path) -> None:
    """Make a finished file of one's own `target`, which is respected as by `atomic_path`; it may change the disk."""
    place, there = _resolve_target(target)
    try:
        _set_mode(made, there)
        os.replace(made, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        write_bytes(target, made.read_bytes())


def write_bytes(target: Path | str, data: bytes, new: bool = False) -> None:
    """Write `data` to `target` as `atomic_path` does; an equal file is left untouched, unless it should be `new`."""
    target = Path(target)
    if not new and target.is_file() and target.stat().st_size == len(data) and target.read_bytes() == data:
        return
    with atomic_path(target, new) as temporary:
        temporary.write_bytes(data)


def write_text(target: Path | str, text: str) -> None:
    """`write_bytes` for UTF-8 text."""
    write_bytes(target, text.encode())


def write_json(target: Path | str, value: Any) -> None:
    """`write_text` for JSON, indented and in the order given, with a final newline."""
    write_text(target, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256_file(path: Path | str) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_sources(folder: Path) -> dict[str, str]:
    """SHA-256 of each Python module in a folder and the folders in it, by its path there: the key of what they make."""
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in sorted(folder.rglob("*.py"))}


def sha256_json(value: Any) -> str:
    """The SHA-256 of a JSON value, independent of the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_array(array: np.ndarray) -> str:
    """The SHA-256 of an array's type, shape and values."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
