"""Committed tables, read strictly, and the verdicts that are made of them."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from smicnb.base.errors import SmicnbError
from smicnb.compare.verdicts import DOES_NOT, HOLDS, UNDECIDED, Outcome


class Verdict(NamedTuple):
    """An outcome and the sentence that says what was found."""

    outcome: Outcome
    sentence: str


class Tables:
    """The committed tables below `folder`; `read` holds the names asked for ("bsds500/03_reconstruction/table1")."""

    def __init__(self, folder: Path):
        self.folder, self.read = folder, set()

    def __call__(self, name: str) -> pd.DataFrame:
        """Table `name`, columns as in its file."""
        self.read.add(name)
        try:
            table = pd.read_csv(self.folder / f"{name}.csv")
        except (OSError, ValueError) as error:
            raise SmicnbError(f"cannot read the table '{name}' ({error})", f"figures/{name}.csv") from error
        if table.empty:
            raise SmicnbError(f"figures/{name}.csv has no rows", "the table that its notebook writes")
        return table


# Name -> function of a `Tables`, and for some of what it is about; `verdict` enters them.
VERDICTS: dict[str, Callable[..., Verdict]] = {}


def verdict(*names: str) -> Callable[[Callable[..., Verdict]], Callable[..., Verdict]]:
    """A decorator: docs/reproduction.yaml may name the function, which gets the tables of these names; without any, a
    `Tables`.
    """

    def enter(function: Callable[..., Verdict]) -> Callable[..., Verdict]:
        @functools.wraps(function)
        def judge(tables: Tables, *about: str) -> Verdict:
            return function(*(map(tables, names) if names else (tables,)), *about)

        VERDICTS[function.__name__] = judge
        return judge

    return enter


def count_rises(values: pd.Series) -> int:
    """At how many steps the values rise."""
    return int((values.diff().dropna() > 0).sum())


def outcome_of(verdicts: pd.Series) -> Outcome:
    """One outcome of what `ablations.judge` says of several statements; "partly" where some of them hold."""
    words: dict[str, Outcome] = {HOLDS: "agrees", DOES_NOT: "differs"}
    outcomes = {words.get(verdict, UNDECIDED) for verdict in verdicts}
    if len(outcomes) == 1:
        return outcomes.pop()
    return "partly" if "agrees" in outcomes else "differs"
