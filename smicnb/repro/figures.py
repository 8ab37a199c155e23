"""Figures and tables with the data behind them, written so that an unchanged result changes no file."""

import io
import re
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from smicnb.base.files import sha256_file, write_bytes, write_json, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN, PAGE = 3.5, 7.16  # inches: one and two columns of an IEEE paper

# A kind of dictionary or transform keeps its colour and marker in every figure.
LOOKS = {
    "learned": {"color": "#0072B2", "marker": "o", "label": "learned atoms (Eq. 7)"},
    "exemplars": {"color": "#D55E00", "marker": "s", "label": "random photographs as atoms"},
    "pca": {"color": "#009E73", "marker": "^", "label": "PCA"},
}

# Other processors round differently in the last digits: within these bounds a result is unchanged.
RELATIVE, ABSOLUTE = 1e-3, 1e-8
LEVELS = 4  # of 255, for any pixel of a picture
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def use_style() -> None:
    """Apply the project's style sheet to matplotlib."""
    import matplotlib.pyplot as plt

    plt.rcdefaults()  # a user's own settings are no part of the result
    plt.style.use(str(Path(str(resources.files("smicnb.repro"))) / "smicnb.mplstyle"))


def same_data(old: pd.DataFrame, new: pd.DataFrame) -> bool:
    """Whether two tables agree: names and order exactly, numbers within the stated bounds, also within text."""
    if list(old.columns) != list(new.columns) or len(old) != len(new):
        return False
    for name in old.columns:
        left, right = old[name], new[name]
        if pd.api.types.is_integer_dtype(left) and pd.api.types.is_integer_dtype(right):
            if not np.array_equal(left, right):
                return False
        elif pd.api.types.is_numeric_dtype(left) and pd.api.types.is_numeric_dtype(right):
            pair = left.to_numpy(float), right.to_numpy(float)
            if not np.allclose(*pair, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True):
                return False
        elif not all(map(_same_text, left.astype(str), right.astype(str))):
            return False
    return True


def _same_text(old: str, new: str) -> bool:
    """Whether two texts agree, where a number may differ by one unit of its last printed digit."""
    if old == new:
        return True
    if NUMBER.sub("#", old) != NUMBER.sub("#", new):
        return False
    pairs = zip(map(Decimal, NUMBER.findall(old)), map(Decimal, NUMBER.findall(new)), strict=True)
    return all((abs(a - b) <= Decimal(1).scaleb(a.as_tuple().exponent) and "." in str(a)) or a == b for a, b in pairs)


def same_picture(old: bytes, new: bytes) -> bool:
    """Whether two PNGs show the same: equal size, and no pixel further apart than `LEVELS`."""
    from PIL import Image

    try:
        first, second = (np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), int) for data in (old, new))
    except (OSError, SyntaxError):  # a damaged file is to be replaced
        return False
    return first.shape == second.shape and int(np.abs(first - second).max()) <= LEVELS


def write_data(path: Path, data: pd.DataFrame) -> None:
    """Write a table as CSV with six significant digits, unless the file already says the same."""
    text = data.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    try:
        if same_data(pd.read_csv(path), pd.read_csv(io.StringIO(text))):
            return
    except (OSError, ValueError):  # absent, or damaged and to be replaced
        pass
    write_text(path, text)


def write_picture(path: Path, figure: "Figure", caption: str) -> None:
    """Write a figure as PNG, unless the file already shows the same, and as PDF beside it.

    Neither holds a date or a version, so that equal figures are equal files.
    """
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None, "Description": caption})
    page = path.with_suffix(".pdf")
    unchanged = path.is_file() and same_picture(path.read_bytes(), drawn.getvalue())
    if unchanged and page.is_file():
        return
    if not unchanged:
        write_bytes(path, drawn.getvalue())
    drawn = io.BytesIO()
    figure.savefig(drawn, format="pdf", metadata={"CreationDate": None, "Producer": None, "Subject": caption})
    write_bytes(page, drawn.getvalue())


def write_markdown(path: Path, table: Path, caption: str) -> None:
    """Write the table of a CSV file as Markdown: four significant digits, empty cells as "–"."""
    data = pd.read_csv(table, dtype=str, keep_default_na=False)
    lines = ["| " + " | ".join(data.columns) + " |", "|" + "---|" * len(data.columns)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in data.itertuples(index=False)]
    write_text(path, f"{caption}\n\n" + "\n".join(lines) + "\n")


def write_table(table: Path, data: pd.DataFrame, caption: str, origin: dict[str, Any]) -> list[Path]:
    """Write NAME.csv, and beside it NAME.md and the sidecar NAME.json; returns the three."""
    text, sidecar = table.with_suffix(".md"), table.with_suffix(".json")
    write_data(table, data)
    write_markdown(text, table, caption)
    write_sidecar(sidecar, origin, caption, [table, text])
    return [table, text, sidecar]


def _cell(text: str) -> str:
    if re.fullmatch(r"-?\d*\.\d{4,}(e[+-]\d+)?", text):
        text = f"{float(text):.4g}"
    return text.replace("|", "\\|").replace("\n", " ") or "–"


def write_sidecar(path: Path, origin: dict[str, Any], caption: str, files: list[Path]) -> None:
    """Write the JSON beside a figure: what it shows, what it was made from, and its files' hashes."""
    hashes = {file.name: sha256_file(file) for file in files}
    write_json(path, {"caption": caption, **origin, "files": hashes})
