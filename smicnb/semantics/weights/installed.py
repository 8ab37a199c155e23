"""A part's folder in the cache: made whole or not at all, and checked against its own record."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from smicnb.base.cache import cache_root, sha256_of
from smicnb.base.errors import IntegrityError, MissingWeightsError
from smicnb.base.files import sha256_file, sha256_json, write_json
from smicnb.semantics.weights.convert import CONVERSIONS
from smicnb.semantics.weights.registry import File, Part
from smicnb.semantics.weights.sources import Opener

RECORD = "lock.json"  # beside the files: length and hash of each as it was installed
STAGING = ".staging-"
_CHUNK = 1 << 20


def weights_root() -> Path:
    """The cache's folder for all parts."""
    return cache_root() / "weights"


def promise(part: Part) -> str:
    """Hash of all that is promised; where a file's hash is not, its sources stand for it."""
    files = [[file.name, file.sha256 or [str(source) for source in part.sources]] for file in part.files]
    return sha256_json({"files": files, "conversion": part.conversion})


def folder_of(part: Part) -> Path:
    """Where a part's files are or would be: other promised bytes, another folder."""
    return weights_root() / part.name / promise(part)[:16]


def read_record(part: Part) -> dict[str, dict]:
    """File name -> {"sha256": text, "bytes": int} of each installed file, or {} where the record itself is damaged.

    Raises:
        MissingWeightsError: the part is not here.
    """
    try:
        files = json.loads((folder_of(part) / RECORD).read_text(encoding="utf-8"))["files"]
        return {name: {"sha256": str(f["sha256"]), "bytes": int(f["bytes"])} for name, f in files.items()}
    except (FileNotFoundError, NotADirectoryError) as error:
        size = part.download_bytes
        megabytes = f"{size / 1e6:.1f} MB to download" if size else "of unknown size"
        raise MissingWeightsError(
            f"'{part.name}' is not on this machine",
            f"{part.what}, {megabytes}",
            f"run 'smicnb weights fetch {part.name}'",
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def damage(part: Part, read: bool = False) -> str:
    """What is wrong with an installed part, or ""; with `read` the hashes are compared too, not only presence and
    lengths.

    Raises:
        MissingWeightsError: the part is not here.
    """
    record, folder = read_record(part), folder_of(part)
    for name in part.holds:
        if name not in record:
            return f"{RECORD} does not list {name}"
        path = folder / name
        if not path.is_file():
            return f"{name} is absent"
        if path.stat().st_size != record[name]["bytes"]:
            return f"{name} has {path.stat().st_size} bytes instead of {record[name]['bytes']}"
        if read and sha256_of(path) != record[name]["sha256"]:
            return f"{name} has other bytes than when it was fetched"
    return ""


def clear_staging() -> None:
    """Remove what killed processes left half-done; call it only while no other process installs."""
    for left in weights_root().glob(f"{STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)


def install(part: Part, opener: Opener, label: str) -> None:
    """Copy the originals, verified, convert them, and put the whole folder in its place at once.

    Args:
        part: the part.
        opener: function that opens each original as a stream.
        label: origin, for the record.

    Raises:
        IntegrityError: wrong bytes, or other bytes than those of the first fetch.
        UnavailableError: the opener lacks a file.
        OSError: the disk is full, and the like.
    """
    staging = Path(tempfile.mkdtemp(dir=weights_root(), prefix=STAGING))
    try:
        originals, ready = staging / "originals", staging / "ready"
        for file in part.files:
            _copy(opener, file, originals / file.name)
        if part.conversion:
            ready.mkdir()
            CONVERSIONS[part.conversion](originals, ready)
        else:
            originals.rename(ready)
        files = {
            name: {"sha256": sha256_file(ready / name), "bytes": (ready / name).stat().st_size} for name in part.holds
        }
        _hold_to_record(part, files)
        for name in files:
            with (ready / name).open("rb+") as written:
                os.fsync(written.fileno())
        write_json(ready / RECORD, {"part": part.name, "source": label, "files": files})
        _put_in_place(part, ready, staging / "replaced")
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _put_in_place(part: Part, ready: Path, replaced: Path) -> None:
    folder = folder_of(part)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        folder.rename(replaced)
    try:
        ready.rename(folder)
    except OSError:
        # On a file system without locks another process can have been faster: its folder is as good.
        with contextlib.suppress(MissingWeightsError):
            if not damage(part):
                return
        raise


def _hold_to_record(part: Part, files: dict[str, dict]) -> None:
    """Refuse other bytes than those of the first fetch, where no hash was promised."""
    if all(file.sha256 for file in part.files):
        return
    with contextlib.suppress(MissingWeightsError):
        for name, entry in read_record(part).items():
            if files.get(name) != entry:
                raise IntegrityError(
                    f"{name} differs from that of the first fetch",
                    do=f"delete {folder_of(part)} to accept the new one",
                )


def _copy(opener: Opener, file: File, target: Path) -> None:
    """Copy one original, no byte more than promised, and compare its hash."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, done = hashlib.sha256(), 0
    with opener(file) as stream, target.open("wb") as written:
        while chunk := stream.read(_CHUNK):
            done += len(chunk)
            if file.bytes is not None and done > file.bytes:
                break
            digest.update(chunk)
            written.write(chunk)
    if file.bytes is not None and done != file.bytes:
        relation = "more" if done > file.bytes else "less"
        raise IntegrityError(f"{file.name} has {relation} than the promised {file.bytes} bytes")
    if file.sha256 is not None and digest.hexdigest() != file.sha256:
        raise IntegrityError(f"{file.name} has wrong bytes (sha256)")
