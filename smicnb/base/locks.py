"""A lock on the very file that is changed in place: every user, container and machine that reaches the file meets it.

A lock beside the file would stay there and need a folder that can be written; one in a cache is seen by one user.
Packages that lock by files of their own are of no use here. The lock is the system's: who is killed lets go of it.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from smicnb.base.errors import SmicnbError

BUSY = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)  # as flock, network file systems and Windows say it
BYTE = (1 << 31) - 2  # that Windows locks, as far out as it can: what is locked there cannot be read by others
TRIES = 8  # a file that is replaced more often than that between two system calls is beyond waiting for


@contextlib.contextmanager
def locked(path: Path | str, other: str = "another process") -> Iterator[BinaryIO]:
    """A file opened to be read and changed in place, held alone until the end; it waits for nobody. `other` is the
    likely holder of the lock, named in the error.

    Raises:
        SmicnbError: it cannot be opened for writing, somebody else holds it, or its file system has no locks.
    """
    file = _held(Path(path), other)
    try:
        yield file
    finally:
        if not file.closed:
            with contextlib.closing(file):
                file.flush()
                _unlock(file.fileno())


def is_at(file: BinaryIO, path: Path | str) -> bool:
    """Whether a path still names an open file, which another one may have replaced."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _held(path: Path, other: str) -> BinaryIO:
    for _ in range(TRIES):
        try:
            file = path.open("r+b")
        except OSError as error:
            raise SmicnbError(f"cannot write to '{path}' ({error.strerror})", "a file that can be written") from error
        try:
            lock_handle(file.fileno())
            if is_at(file, path):  # else it was replaced after it was opened, and the lock is on what nobody sees
                return file
            file.close()
        except OSError as error:
            file.close()
            if error.errno in BUSY:
                raise SmicnbError(f"{other} is at work on '{path}'", do="wait for it to end") from error
            raise SmicnbError(
                f"'{path}' lies on a file system without locks ({error.strerror})",
                "a file system with locks",
                "copy the file to another disk",
            ) from error
    raise SmicnbError(f"'{path}' is replaced again and again", do="wait for that to end")


if os.name == "nt":
    import msvcrt

    def lock_handle(number: int) -> None:
        """Lock the file of a descriptor, or raise OSError at once."""
        _at_byte(number, msvcrt.LK_NBLCK)

    def _unlock(number: int) -> None:
        _at_byte(number, msvcrt.LK_UNLCK)

    def _at_byte(number: int, what: int) -> None:
        place = os.lseek(number, 0, os.SEEK_CUR)
        os.lseek(number, BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(number, what, 1)
        finally:
            os.lseek(number, place, os.SEEK_SET)

else:
    import fcntl

    def lock_handle(number: int) -> None:
        """Lock the file of a descriptor, or raise OSError at once."""
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_UN)
