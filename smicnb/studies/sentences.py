"""Phrases that readings of tables share: on which data, how much with which interval, who is ahead how often."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from smicnb.compare.verdicts import UNDECIDED, judge_interval

DATA_SETS = {"embedded": "the embedded photographs", "bsds500": "BSDS500", "kodak": "the Kodak images"}
AHEAD, BEHIND, NOT_TOLD = "ahead", "behind", "not told apart"


def name_data(collection: str) -> str:
    """A collection ("bsds500", "embedded/train") as sentences name it."""
    name = collection.partition("/")[0]
    return DATA_SETS.get(name, f"'{name}'")


def show(value: float, form: str) -> str:
    """A number in a format, and no minus before a zero."""
    text = f"{value:{form}}"
    return text if float(text) else f"{0.0:{form}}"


def tell_value(
    row: Mapping[Any, Any], value: str = "mean", low: str = "low", high: str = "high", form: str = "+.3f"
) -> str:
    """A value of a table's row with the ends of its interval, where there is one: "+0.012 [-0.003, +0.027]"."""
    ends = f" [{show(row[low], form)}, {show(row[high], form)}]" if np.isfinite(row[low]) else ""
    return f"{show(row[value], form)}{ends}"


def tell_size(size: str) -> str:
    """The bits that a table counts ("payload", "n = 1000") as sentences name them: "in payload", "at n = 1000"."""
    return f"in {size}" if size == "payload" else f"at {size}"


def join(parts: Iterable[str], last: str = "and") -> str:
    """Parts of a list: "a, b and c"; "" of none."""
    *first, end = [*parts] or [""]
    return f"{', '.join(first)} {last} {end}" if first else end


def judge(rows: pd.DataFrame, low: str = "low", high: str = "high", sign: int = 1) -> list[str]:
    """AHEAD, BEHIND or "undecided" of each row, by the ends of its interval; `sign` is -1 where less is better."""
    ends = (sorted((sign * a, sign * b)) for a, b in zip(rows[low], rows[high], strict=True))
    return [judge_interval(*pair, AHEAD, BEHIND) for pair in ends]


def count(verdicts: Iterable[str], what: str, ahead: str = AHEAD, behind: str = BEHIND) -> str:
    """How often which word was told, the negative first: "behind at 3, not told apart at 2 and ahead at 2 of 7 sizes".

    Args:
        verdicts: the words.
        what: the plural of what was counted.
        ahead, behind: what a table says of one side and of the other, else "undecided".
    """
    names, words = {behind: BEHIND, UNDECIDED: NOT_TOLD, ahead: AHEAD}, list(verdicts)
    parts = [f"{name} at {words.count(word)}" for word, name in names.items() if word in words]
    return f"{join(parts)} of {len(words)} {what}"


def tell_verdicts(judged: pd.DataFrame, whose: str, where: str) -> str:
    """How often which verdict stands in a table of statements on a codec's variants; a sentence without its full stop.

    Args:
        judged: verdicts of `ablations.judge`, with its column verdict.
        whose: what the statements are on.
        where: the data set.
    """
    found = join(f"“{word}” on {number}" for word, number in judged["verdict"].value_counts().items())
    return f"Of {len(judged)} statements on {whose}, measured with small models on {where}, the verdict is {found}"
