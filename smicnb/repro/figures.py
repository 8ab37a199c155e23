"""Figures and tables with the data behind them, written so that an unchanged result changes no file."""

import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from smicnb.base.errors import SmicnbError
from smicnb.base.files import sha256_file, write_bytes, write_json, write_text
from smicnb.drawing import latex
from smicnb.repro.differences import is_same_data, is_same_picture, is_same_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

READING = "What the tables of the notebook come to, in sentences made from them."
EMBEDDED = ("notebook", "tool", "parameters", "seed")  # what a picture says of its origin; the sidecar says all


def write_data(path: Path, data: pd.DataFrame) -> None:
    """Write a table as CSV with six significant digits, unless the file already says the same."""
    text = data.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    try:
        if is_same_data(pd.read_csv(path), pd.read_csv(io.StringIO(text))):
            return
    except (OSError, ValueError):  # absent, or damaged and to be replaced
        pass
    write_text(path, text)


def write_picture(path: Path, figure: "Figure", caption: str, origin: dict[str, Any]) -> None:
    """Write a figure as PNG with caption and origin in it, and as PDF beside it.

    A file that already shows and says the same is left. Neither holds a date or a version, so that equal figures
    are equal files.
    """
    texts = {"Description": caption}
    for key in EMBEDDED:
        if key in origin:
            text = origin[key] if isinstance(origin[key], str) else json.dumps(origin[key], ensure_ascii=False)
            texts[key.capitalize()] = text
    drawn, page = io.BytesIO(), path.with_suffix(".pdf")
    figure.savefig(drawn, format="png", metadata={"Software": None, **texts})
    unchanged = path.is_file() and _says(path, texts) and is_same_picture(path.read_bytes(), drawn.getvalue())
    if unchanged and page.is_file():
        return
    if not unchanged:
        write_bytes(path, drawn.getvalue())
    drawn = io.BytesIO()
    words = "; ".join(f"{key}: {text}" for key, text in texts.items() if key != "Description")
    metadata = {"Title": path.stem, "Subject": caption, "Keywords": words}
    figure.savefig(drawn, format="pdf", metadata=metadata | dict.fromkeys(("CreationDate", "Creator", "Producer")))
    write_bytes(page, drawn.getvalue())


def show(figure: "Figure", name: str) -> None:
    """Show a figure in the notebook that saves it, and say in the output which it is: `shown_name` reads that.

    A notebook's inline backend would show it at the end of the cell, and nameless. Elsewhere nothing happens.
    """
    import matplotlib as mpl

    if "inline" not in mpl.get_backend():
        return
    import matplotlib.pyplot as plt
    from IPython.display import display

    plt.close(figure)  # else it is shown a second time
    display(figure, metadata={"smicnb": {"figure": name}})


def read_sidecar(path: Path) -> dict[str, Any]:
    """The JSON beside a figure; {} where it is absent or cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def read_kept(
    table: Path, names: Sequence[str], made_from: Mapping[str, str]
) -> tuple[pd.DataFrame | None, dict[str, str]]:
    """What a table holds that is measured in several calls: its rows, None without a table, and hashes of all that
    these rows and new ones are made from.

    Args:
        table: NAME.csv, its sidecar beside it; of a figure too.
        names: columns that hold names, whatever these look like.
        made_from: hashes of what new rows are made from, by name.

    Raises:
        SmicnbError: what is there was made from something else of the same name, models ("model NAME") aside.
    """
    before = read_sidecar(table.with_suffix(".json")).get("made_from", {})
    for name in before.keys() & made_from.keys():
        if before[name] != made_from[name] and not name.startswith("model "):
            raise SmicnbError(
                f"'{table}' was made from another {name}", f"a table of this {name}, or none", "name another folder"
            )
    rows = pd.read_csv(table, dtype=dict.fromkeys(names, str)) if before else None
    return rows, dict(sorted((before | made_from).items()))


def add_rows(rows: pd.DataFrame, kept: pd.DataFrame | None, names: Sequence[str]) -> pd.DataFrame:
    """Rows, and behind them those of `read_kept` whose names are others."""
    return pd.concat([rows, kept], ignore_index=True).drop_duplicates(list(names), ignore_index=True)


def keeper_of(sidecar: Path) -> str:
    """The one folder of committed figures that keeps a figure, by its sidecar; "" where each folder keeps its own."""
    return str(read_sidecar(sidecar).get("kept_in", ""))


def shown_name(metadata: Mapping[str, Any]) -> str:
    """The name of the figure that an output with this metadata shows, "" where it is none of ours."""
    ours = metadata.get("smicnb")
    name = ours.get("figure") if isinstance(ours, Mapping) else None
    return name if isinstance(name, str) else ""


def _says(path: Path, texts: dict[str, str]) -> bool:
    """Whether a PNG holds these texts; the caption's, some of it measured, by `is_same_text`."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            said = {name: str(text) for name, text in picture.text.items()}
    except (OSError, SyntaxError, AttributeError):  # a damaged file is to be replaced
        return False
    same = is_same_text(said.get("Description", ""), texts["Description"])
    return same and said | {"Description": texts["Description"]} == texts


def write_markdown(path: Path, table: Path, caption: str) -> None:
    """Write the table of a CSV file as Markdown: four significant digits, empty cells as "–"."""
    header, rows = _cells(table)
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in rows]
    write_text(path, f"{caption}\n\n" + "\n".join(lines) + "\n")


def write_latex(path: Path, table: Path, caption: str) -> None:
    """Write the table of a CSV file as a LaTeX float, cells as in Markdown."""
    write_text(path, latex.table(table.stem, *_cells(table), caption))


def write_reading(path: Path, sentences: Sequence[str], origin: dict[str, Any]) -> list[Path]:
    """Write NAME.md, a sentence on each line of a list, and the sidecar NAME.json; returns the two.

    A file that says the same to within rounding is left.
    """
    text, sidecar = "".join(f"- {sentence}\n" for sentence in sentences), path.with_suffix(".json")
    try:
        unchanged = is_same_text(path.read_text(encoding="utf-8"), text)
    except (OSError, ValueError):  # absent, or damaged and to be replaced
        unchanged = False
    if not unchanged:
        write_text(path, text)
    write_sidecar(sidecar, origin, READING, [path])
    return [path, sidecar]


def write_table(table: Path, data: pd.DataFrame, caption: str, origin: dict[str, Any]) -> list[Path]:
    """Write NAME.csv, and beside it NAME.md, NAME.tex and the sidecar NAME.json; returns the four."""
    markdown, tex, sidecar = (table.with_suffix(suffix) for suffix in (".md", ".tex", ".json"))
    write_data(table, data)
    write_markdown(markdown, table, caption)
    write_latex(tex, table, caption)
    write_sidecar(sidecar, origin, caption, [table, markdown, tex])
    return [table, markdown, tex, sidecar]


def _cells(table: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a CSV file, cells as they are printed."""
    data = pd.read_csv(table, dtype=str, keep_default_na=False)
    return list(data.columns), [list(map(printed, row)) for row in data.itertuples(index=False)]


def printed(text: str) -> str:
    """A cell of a CSV file as it is shown, on one line: four significant digits, "–" where there is nothing."""
    if re.fullmatch(r"-?\d*\.\d{4,}(e[+-]\d+)?", text):
        text = f"{float(text):.4g}"
    return text.replace("\n", " ") or "–"


def write_sidecar(path: Path, origin: dict[str, Any], caption: str, files: list[Path]) -> None:
    """Write the JSON beside a figure: what it shows, what it was made from, and its files' hashes."""
    hashes = {file.name: sha256_file(file) for file in files}
    write_json(path, {"caption": caption, **origin, "files": hashes})
