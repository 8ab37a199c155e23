"""Write the package's tree into docs/architecture.md, between its two marks: a line for each room, folder and module.

A line is the first sentence of a docstring, so that what a module is for is written once. `make map` runs this.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import smicnb
from smicnb.base.files import write_text
from smicnb.repro.checkout import root

BEGIN, END = "<!-- tree: written by `make map` -->", "<!-- end of the tree -->"
WIDTH = 30  # of names with their indent


def lines(folder: Path, depth: int = 0) -> Iterator[str]:
    """The lines of what lies in a folder of the package: its own modules first, then its folders."""
    modules = sorted(path for path in folder.glob("*.py") if path.stem != "__init__")
    folders = sorted((path.parent for path in folder.glob("*/__init__.py")), key=lambda path: (place(path), path))
    for path in [*modules, *folders]:
        name, source = (f"{path.name}/", path / "__init__.py") if path in folders else (path.name, path)
        yield f"{'  ' * depth + name:{WIDTH}} {sentence(source)}"
        if path in folders:
            yield from lines(path, depth + 1)


def place(folder: Path) -> int:
    """Where a folder stands: rooms in their order, others together."""
    rooms = re.findall(r"\w+", (smicnb.__doc__ or "").strip().splitlines()[-1])
    return rooms.index(folder.name) if folder.parent.name == "smicnb" else 0


def sentence(source: Path) -> str:
    """The first sentence of a module's docstring, on one line."""
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    text = " ".join(docstring.partition("\n\n")[0].split())
    return re.split(r"(?<=\w\w\.) (?=[A-Z])", text)[0]


def written(page: str) -> str:
    """The page with the tree as it is now.

    Raises:
        ValueError: the page has no marks.
    """
    tree = "\n".join(lines(root() / "smicnb"))
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    if BEGIN not in page or END not in page:
        raise ValueError("docs/architecture.md has no marks for the tree")
    return f"{before}{BEGIN}\n```\n{tree}\n```\n{END}{after}"


if __name__ == "__main__":
    architecture = root() / "docs" / "architecture.md"
    write_text(architecture, written(architecture.read_text(encoding="utf-8")))
