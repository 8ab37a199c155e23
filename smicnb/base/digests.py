"""Hashes of large files, remembered for as long as the file system says that the file is the same one."""

import contextlib
import json
import time
from pathlib import Path

from smicnb.base.cache import cache_root
from smicnb.base.files import sha256_file, sha256_json, write_json

LARGE = 2**20  # bytes; what is smaller is read each time
SETTLED = 2.0  # seconds since the last change: within a clock's tick another one would not show


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
