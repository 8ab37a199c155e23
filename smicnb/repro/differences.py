"""Where two tables or pictures differ, by tolerances stated once, here.

Other processors round differently in the last digits; within these tolerances a result is unchanged.
"""

import io
import re
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

# Numbers with a fraction may differ by RELATIVE of the new value plus ABSOLUTE; whole numbers and words not at all.
# A cosine near zero may differ by COSINE, a thousandth of the way from 0 to 1: decoded pixels that were rounded to the
# other side move it by that (libjxl's, say, which has instructions for each processor). A mean and the ends of its
# interval may differ by INTERVAL of the interval's width, far below what the interval leaves open.
# Within words, where a number was rounded before it was written, a last digit from the third on may move by one.
RELATIVE, ABSOLUTE = 1e-3, 1e-8
COSINE, INTERVAL = 1e-3, 1e-2
# No square of SQUARE pixels of a picture may differ by more than LEVELS of 255 in its mean, as much as one row of its
# pixels can: a marker, which snaps to whole pixels, may move by one; a digit or a full stop moves a mean by 44 or more.
SQUARE, LEVELS = 8, 32
DIGITS = 3
NUMBER = re.compile(r"\d+(?:\.\d+)?")
CELL = re.compile(r"[-+]?(\d+|\d*\.\d+)(e[-+]?\d+)?")  # a number and nothing else

EXACT = "exactly equal"
FRACTION = f"{RELATIVE:.1%} or {ABSOLUTE:g}"
OF_COSINE = f"{RELATIVE:.1%} or {COSINE:g}"
OF_INTERVAL = f"{RELATIVE:.1%} or {INTERVAL:.0%} of the interval"
TEXT = f"equal words, {FRACTION} for a number alone, one unit of the last of {DIGITS} or more digits within words"


class Difference(NamedTuple):
    """What differs in one column, or in the table where `column` is "".

    Args:
        column: the column's name.
        moved: rows that differ beyond the tolerance.
        rows: rows compared.
        old, new: the cell that differs most; or what the two tables have, where they cannot be compared.
        deviation: the largest absolute difference of numbers; None for words and for what is no number.
        tolerance: the tolerance in words.
    """

    column: str
    moved: int
    rows: int
    old: str
    new: str
    deviation: float | None = None
    tolerance: str = EXACT


def differences(old: pd.DataFrame, new: pd.DataFrame, slack: bool = True) -> list[Difference]:
    """All differences of two tables: columns and rows in order exactly, numbers and words by the tolerances.

    Where columns or the number of rows differ, that alone is told: rows cannot be paired then.

    Args:
        old, new: the tables.
        slack: whether COSINE and INTERVAL count. Without, what is computed again from the same measurements agrees.
    """
    names = [(list(old.columns), list(new.columns)), (list(new.columns), list(old.columns))]
    gone, added = ([name for name in left if name not in right] for left, right in names)
    if gone or added:
        found = [Difference(name, len(old), len(old), "a column", "no column") for name in gone]
        return found + [Difference(name, len(new), len(new), "no column", "a column") for name in added]
    if list(old.columns) != list(new.columns):
        return [Difference("", len(old), len(old), ", ".join(old.columns), ", ".join(new.columns))]
    if len(old) != len(new):
        return [Difference("", abs(len(old) - len(new)), len(old), f"{len(old)} rows", f"{len(new)} rows")]
    found = [_column(name, old[name], new[name], *(_slack(old, name) if slack else ())) for name in old.columns]
    return [difference for difference in found if difference is not None]


def _slack(table: pd.DataFrame, name: str) -> tuple[np.ndarray | float, str]:
    """What a column's numbers may differ by beside RELATIVE of them: for each row or all of them, and in words."""
    slack, words = (COSINE, OF_COSINE) if name.endswith("cosine") else (ABSOLUTE, FRACTION)
    names = list(table.columns)
    for centre, low, high in zip(names, names[1:], names[2:], strict=False):  # mean, low, high; or wins, wins_low, …
        ends = ("low", "high") if low == "low" else (f"{centre}_low", f"{centre}_high")
        if name in (centre, low, high) and (low, high) == ends and all(map(_numeric, (table[low], table[high]))):
            width = (table[high] - table[low]).abs().to_numpy(float)
            return np.fmax(INTERVAL * np.where(np.isfinite(width), width, 0), slack), OF_INTERVAL
    return slack, words


_numeric = pd.api.types.is_numeric_dtype


def _column(
    name: str, old: pd.Series, new: pd.Series, slack: np.ndarray | float = ABSOLUTE, words: str = FRACTION
) -> Difference | None:
    """The difference of two columns of equal length, or None; `slack` and `words` as of `_slack`."""
    if _numeric(old) and _numeric(new):
        whole = pd.api.types.is_integer_dtype(old) and pd.api.types.is_integer_dtype(new)
        left, right = old.to_numpy(float), new.to_numpy(float)
        equal = left == right if whole else np.isclose(left, right, rtol=RELATIVE, atol=slack, equal_nan=True)
        with np.errstate(invalid="ignore"):  # ∞ − ∞
            apart = np.abs(left - right)
        # A number that became none, or infinite, is the worst; two infinities are equal and not among the moved.
        apart = np.where(equal, -1.0, np.where(np.isnan(apart), np.inf, apart))
        tolerance = EXACT if whole else words
    else:
        cells = (column.astype(object).where(column.notna(), "").astype(str) for column in (old, new))
        equal = np.array([_is_same_cell(*pair) for pair in zip(*cells, strict=True)], bool)
        apart, tolerance = np.where(equal, -1.0, np.inf), TEXT
    if equal.all():
        return None
    worst = int(np.argmax(apart))
    deviation = float(apart[worst]) if np.isfinite(apart[worst]) else None
    values = (str(series.iloc[worst]) for series in (old, new))
    return Difference(name, int((~equal).sum()), len(old), *values, deviation, tolerance)


def is_same_data(old: pd.DataFrame, new: pd.DataFrame, slack: bool = True) -> bool:
    """Whether two tables agree: no `differences`."""
    return not differences(old, new, slack)


def compare_files(old: Path, new: Path) -> list[Difference]:
    """`differences` of two CSV files; one that cannot be read differs from all."""
    try:
        tables = [pd.read_csv(path) for path in (old, new)]
    except (OSError, ValueError) as error:
        return [Difference("", 0, 0, "a table", " ".join(str(error).split()))]
    return differences(*tables)


def _is_same_cell(old: str, new: str) -> bool:
    """Whether two cells of a column that holds words agree: numbers as in a column of numbers, else `is_same_text`."""
    if not (CELL.fullmatch(old) and CELL.fullmatch(new)):
        return is_same_text(old, new)
    if old.lstrip("+-").isdigit() and new.lstrip("+-").isdigit():
        return int(old) == int(new)
    return bool(np.isclose(float(old), float(new), rtol=RELATIVE, atol=ABSOLUTE))


def is_same_text(old: str, new: str) -> bool:
    """Whether two texts agree, where a number with a fraction may differ by one unit of its last printed digit.

    With fewer than `DIGITS` significant digits it may not: "λ = 0.5" and "λ = 0.4" are two results.
    """
    if old == new:
        return True
    if NUMBER.sub("#", old) != NUMBER.sub("#", new):
        return False
    return all(
        _is_same_rounded(*map(Decimal, pair)) for pair in zip(NUMBER.findall(old), NUMBER.findall(new), strict=True)
    )


def _is_same_rounded(old: Decimal, new: Decimal) -> bool:
    exponent, digits = old.as_tuple().exponent, min(len(number.as_tuple().digits) for number in (old, new))
    return old == new or (exponent < 0 and digits >= DIGITS and abs(old - new) <= Decimal(1).scaleb(exponent))


def is_same_picture(old: bytes, new: bytes) -> bool:
    """Whether two PNGs show the same: equal size, and no square of `SQUARE` pixels further apart than `LEVELS`."""
    from PIL import Image

    try:
        first, second = (np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), float) for data in (old, new))
    except (OSError, SyntaxError):  # a damaged file is to be replaced
        return False
    if first.shape != second.shape:
        return False
    apart = np.pad(first - second, [(SQUARE, SQUARE), (SQUARE, SQUARE), (0, 0)])
    return all(
        np.abs(_square_means(apart[down:, right:])).max() <= LEVELS
        for down in (0, SQUARE // 2)
        for right in (0, SQUARE // 2)
    )


def _square_means(pixels: np.ndarray) -> np.ndarray:
    """Means over squares side by side, (H // 8, W // 8, 3) of (H, W, 3)."""
    height, width = (side // SQUARE for side in pixels.shape[:2])
    squares = pixels[: height * SQUARE, : width * SQUARE].reshape(height, SQUARE, width, SQUARE, 3)
    return squares.mean(axis=(1, 3))
