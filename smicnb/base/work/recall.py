"""Results of functions of arrays, recalled by what the arrays hold: coders at many settings are fitted to the same
latents, and each would decompose the same matrices again.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from hashlib import sha256
from typing import ParamSpec, TypeVar

import numpy as np

FITTED = 16  # sets of latents that are fitted to in turn: a collection, its folds, and a few others
P = ParamSpec("P")
Result = TypeVar("Result")


class _Held:
    """An array, equal to all arrays of the same values, shape and type."""

    def __init__(self, array: np.ndarray):
        self.array = array
        self._key = array.shape, array.dtype.str, sha256(np.ascontiguousarray(array)).digest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def recall_by_content(most: int) -> Callable[[Callable[P, Result]], Callable[P, Result]]:
    """Keep the last `most` results of a function of arrays and of what can be hashed.

    Results are shared: arrays in them may not be written to any more.
    """

    def decorate(function: Callable[P, Result]) -> Callable[P, Result]:
        @lru_cache(maxsize=most)
        def held(*arguments):
            result = function(*(each.array if isinstance(each, _Held) else each for each in arguments))
            for part in result if isinstance(result, tuple) else (result,):
                if isinstance(part, np.ndarray):
                    part.flags.writeable = False
            return result

        @wraps(function)
        def recalled(*arguments):
            return held(*(_Held(each) if isinstance(each, np.ndarray) else each for each in arguments))

        return recalled

    return decorate
