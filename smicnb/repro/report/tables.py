"""Tables as the report shows them: the paper's columns beside ours, and a first look for a card."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from smicnb.repro import figures

PUBLISHED = "as published"
SHOWN = (4, 4)  # rows and columns of a first look
LONGEST = 200  # rows of a table on a page; the CSV has them all


@dataclass(frozen=True)
class Column:
    """One column: `name` as in the file, `label` below its heading, `published` where it is the paper's."""

    name: str
    label: str
    published: bool


@dataclass(frozen=True)
class Table:
    """Columns in groups ("CC" over "as published" and ours; "" where there is no heading), and rows of text.

    Args:
        groups: (heading, columns); rows follow the columns in this order.
        rows: `LONGEST` rows at most, numbers with four significant digits, "–" where there is none.
        count: rows in the file.
    """

    groups: tuple[tuple[str, tuple[Column, ...]], ...]
    rows: tuple[tuple[str, ...], ...]
    count: int

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, in order."""
        return tuple(column for _, columns in self.groups for column in columns)

    @property
    def is_comparison(self) -> bool:
        """Whether it holds the paper's numbers and ours."""
        return any(column.published for column in self.columns)

    def look(self) -> tuple[list[str], list[tuple[str, ...]]]:
        """Heads and cells of a first look: the first rows and columns, in the order of `groups`."""
        rows, columns = SHOWN
        return [column.name for column in self.columns[:columns]], [row[:columns] for row in self.rows[:rows]]


def read(path: Path) -> Table:
    """Read a CSV file with a line of names; raises OSError or ValueError where it is none."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        names = next(lines, None)
        if not names:
            raise ValueError("no columns")
        rows = [row for row in lines if row]
    if any(len(row) != len(names) for row in rows):
        raise ValueError("a row of another length than the names")
    groups = _groups(names)
    order = [names.index(column.name) for _, columns in groups for column in columns]
    shown = tuple(tuple(figures.printed(row[index]) for index in order) for row in rows[:LONGEST])
    return Table(groups, shown, len(rows))


def _groups(names: list[str]) -> tuple[tuple[str, tuple[Column, ...]], ...]:
    """What tells the rows apart, then each quantity that the paper prints with ours beside it, then the rest.

    "CC as published" is joined by the columns that name "(CC)", "MSE-SS as published" by "MSE-SS ours". A quantity
    that no other column names ("as published", "claim as published") stands beside all of them.
    """
    paper = [name for name in names if name.endswith(PUBLISHED)]
    if not paper:
        return (("", tuple(Column(name, name, False) for name in names)),)
    keys = names[: names.index(paper[0])]
    rest = [name for name in names if name not in paper and name not in keys]
    groups = [("", tuple(Column(name, name, False) for name in keys))]
    for name in paper:
        quantity = name.removesuffix(PUBLISHED).strip()
        ours = [other for other in rest if quantity and _is_about(quantity, other)]
        if len(paper) == 1 and not ours:
            ours = rest
        rest = [other for other in rest if other not in ours]
        columns = [
            Column(name, PUBLISHED, True),
            *(Column(other, _drop_quantity(quantity, other), False) for other in ours),
        ]
        groups.append((quantity, tuple(columns)))
    if rest:
        groups.append(("ours alone", tuple(Column(name, name, False) for name in rest)))
    return tuple(groups)


def _is_about(quantity: str, name: str) -> bool:
    return name.startswith(f"{quantity} ") or f"({quantity})" in name


def _drop_quantity(quantity: str, name: str) -> str:
    """A column's name without the quantity that stands above it: "image cosine (CC), held-out" below "CC"."""
    return re.sub(rf"^{re.escape(quantity)} |\s*\({re.escape(quantity)}\)", "", name) if quantity else name
