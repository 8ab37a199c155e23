"""A content-addressed cache on disk, whose key says all that a value was made from; and hashes of large files,
remembered for as long as the file system says that the file is the same one.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from smicnb.base.files import atomic_path, sha256_file, sha256_json, write_json

LARGE = 2**20  # bytes; what is smaller is read each time
SETTLED = 2.0  # seconds since the last change: within a clock's tick another one would not show


def cache_root() -> Path:
    """The project's folder under `$XDG_CACHE_HOME` (an absolute path, else `~/.cache`)."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "smicnb"


class ArrayCache:
    """Arrays by content, in a folder for each `kind` ("latents"): `key` is any JSON value that names everything the
    array depends on.
    """

    def __init__(self, kind: str):
        self.kind = kind

    def path(self, key: Any) -> Path:
        """Where the array of `key` is or would be."""
        digest = sha256_json(key)
        return cache_root() / self.kind / digest[:2] / f"{digest}.npy"

    def get(self, key: Any) -> np.ndarray | None:
        """The array of `key`, or None where there is none or its file is damaged."""
        path = self.path(key)
        try:
            return np.load(path, allow_pickle=False)
        except OSError:
            return None
        except (ValueError, EOFError):
            with contextlib.suppress(OSError):  # recomputing is always possible, trusting it is not
                path.unlink()
            return None

    def put(self, key: Any, value: np.ndarray) -> None:
        """Store `value` under `key`, atomically, where the cache can be written; elsewhere it is made again."""
        with contextlib.suppress(OSError), atomic_path(self.path(key)) as temporary:
            np.save(temporary, value, allow_pickle=False)

    def get_or_make(self, key: Any, make: Callable[[], np.ndarray]) -> np.ndarray:
        """The array of `key`, made and stored where it was absent."""
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes; of a large one only read where length, times or inode have changed."""
    path = path.resolve()
    stat = path.stat()
    if stat.st_size < LARGE:
        return sha256_file(path)
    state = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
    remembered = cache_root() / "digests" / f"{sha256_json(str(path))}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(remembered.read_text(encoding="utf-8"))
        if known["state"] == state:
            return str(known["sha256"])
    digest = sha256_file(path)
    if time.time() - max(stat.st_mtime, stat.st_ctime) > SETTLED:
        with contextlib.suppress(OSError):  # not being able to remember costs time, nothing else
            write_json(remembered, {"file": str(path), "state": state, "sha256": digest})
    return digest
