"""Look a name up, and on a miss say which name was probably meant."""

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TypeVar

from smicnb.base.errors import UnknownNameError

T = TypeVar("T")


def fold_case(name: str) -> str:
    """What two names share that some file system takes for one: it may ignore case, or how letters are composed."""
    decomposed = unicodedata.normalize("NFD", name).casefold()  # before folding too: it treats ῼ and its parts alike
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", decomposed))


SHOWN = 16  # names that one line can hold


def near_miss(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to `name`, or None where nothing comes close."""
    by_folded = {fold_case(candidate): candidate for candidate in known}
    beginning = [candidate for candidate in by_folded if name and candidate.startswith(fold_case(name))]
    if len(beginning) == 1:
        return by_folded[beginning[0]]
    close = difflib.get_close_matches(fold_case(name), by_folded, n=1, cutoff=0.5)
    return by_folded[close[0]] if close else None


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for `name`, a `kind` ("encoder", "parameter of 03") that is not among `known`."""
    known = sorted(known)
    close = near_miss(name, known)
    do = f"did you mean '{close}'?" if close else ""
    shown = ", ".join(known[:SHOWN]) + (f" … ({len(known)} in all)" if len(known) > SHOWN else "")
    return UnknownNameError(f"unknown {kind} '{name}'", f"one of {shown or '(none)'}", do)


def lookup(kind: str, name: str, table: Mapping[str, T]) -> T:
    """`table[name]`, or the error of `unknown`."""
    if name not in table:
        raise unknown(kind, name, table)
    return table[name]
