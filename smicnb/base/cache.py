"""A content-addressed cache on disk: the key says all that the value was made from."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from smicnb.base.files import atomic_path, sha256_json


def cache_root() -> Path:
    """The project's folder under `$XDG_CACHE_HOME` (an absolute path, else `~/.cache`)."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "smicnb"


class ArrayCache:
    """Arrays by content: `key` is any JSON value that names everything the array depends on.

    Args:
        kind: the folder under the cache root, one per sort of array ("latents").
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
