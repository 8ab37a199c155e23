"""Pickles that hold nothing but named numpy arrays, read without letting them name anything else."""

import pickle
import pickletools
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from smicnb.base.errors import IntegrityError

# What a malformed or hostile stream can make the unpickler raise.
_MALFORMED = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)
_NUMBERS = re.compile(r"b1|[iu][1248]|f[248]")
_DEEPEST = 16  # a dictionary can contain itself in a pickle; no real one is nested this far


class _Dtype:
    """A dtype under construction: a code such as 'f4', then the byte order in its state."""

    def __init__(self, code: str, *_flags: bool):
        if not _NUMBERS.fullmatch(code):
            raise pickle.UnpicklingError(f"arrays of '{code}'")
        self.value = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        self.value = self.value.newbyteorder({"<": "<", ">": ">", "|": "="}[state[1]])


class _Array:
    """An array under construction: empty, then filled by its state."""

    value: np.ndarray

    def __setstate__(self, state: tuple) -> None:
        _version, shape, dtype, fortran, data = state
        if not all(type(n) is int and n >= 0 for n in shape):
            raise pickle.UnpicklingError(f"an array of shape {shape}")
        self.value = np.frombuffer(data, dtype.value).reshape(shape, order="F" if fortran else "C")


class _StandIn:
    """What a global name of the stream stands for: it can be called, and nothing in it can be set."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]):
        self._make = make

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a state for a name")


def _not_callable(*_arguments: Any) -> None:
    raise pickle.UnpicklingError("a direct call of ndarray")


# numpy's own constructors never run: they would trust shapes, object dtypes and buffers of the stream.
_RECONSTRUCT = _StandIn(lambda *_type_shape_code: _Array())
_ADMITTED = {
    "numpy.core.multiarray._reconstruct": _RECONSTRUCT,
    "numpy._core.multiarray._reconstruct": _RECONSTRUCT,  # the same function since numpy 2
    "numpy.ndarray": _StandIn(_not_callable),
    "numpy.dtype": _StandIn(_Dtype),
}


class _ArraysOnly(pickle.Unpickler):
    """An unpickler for which no importable thing exists but the four names above."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for an admitted name; nothing is ever imported."""
        full = f"{module}.{name}"
        if full not in _ADMITTED:
            raise pickle.UnpicklingError(f"'{full}'")
        return _ADMITTED[full]


def _check_memo(file: BinaryIO) -> None:
    """Refuse a memo index beyond the stream's own length: the unpickler would allocate up to it."""
    for opcode, argument, position in pickletools.genops(file):
        if opcode.name in ("PUT", "LONG_BINPUT") and argument > position:
            raise pickle.UnpicklingError(f"memo entry {argument} at byte {position}")


def _fill_in(value: Any, depth: int = 0) -> Any:
    """The tree of dictionaries with its arrays in place, or an error for any other thing in it."""
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, dict) and depth < _DEEPEST and all(isinstance(key, str) for key in value):
        return {key: _fill_in(member, depth + 1) for key, member in value.items()}
    raise pickle.UnpicklingError(f"a {type(value).__name__} where an array or named arrays belong")


def read_arrays(path: Path) -> dict[str, Any]:
    """Read a pickle of (nested) dictionaries of numeric numpy arrays; nothing in it is ever run.

    Args:
        path: a pickle file of protocol 3 or 4; the arrays are of bool, int, uint or float type.

    Returns:
        Dictionaries with text keys, nested as in the file; the arrays are read-only.

    Raises:
        IntegrityError: the file names anything but numpy arrays, or is no whole pickle.
    """
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            # Damaged text in an opcode makes Python warn of its escapes; the file is judged as a whole.
            warnings.simplefilter("ignore", DeprecationWarning)
            _check_memo(file)
            file.seek(0)
            tree = _fill_in(_ArraysOnly(file).load())
        if not isinstance(tree, dict):
            raise pickle.UnpicklingError("a lone array")
    except _MALFORMED as error:
        raise IntegrityError(
            f"{path.name} holds what is not admitted: {error or type(error).__name__}",
            "a pickle of named numpy arrays and nothing else",
            "do not use this file",
        ) from error
    return tree
