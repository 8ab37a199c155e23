"""Write docs/notebooks: each notebook as Markdown with the figures and tables that are committed, for a code host.

Nothing is executed: the cells are the notebook's, and what they save is taken from figures/ by the name that they give
it. Pictures are reduced to `WIDTH` pixels. `make gallery` runs this.
"""

import ast
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

from smicnb.base.files import sha256_file, write_bytes, write_text
from smicnb.repro.checkout import root
from smicnb.repro.figures import read_sidecar
from smicnb.repro.paper_map.items import tables

PAGES, PICTURES = Path("docs/notebooks"), "pictures"
WIDTH = 800  # pixels: what a page of a code host is wide
LARGEST = 70_000  # bytes of a picture, where a quality that can be looked at allows it
LONG = 16  # rows from which on a table is folded
DATA_SETS = {"embedded": "", "bsds500": "BSDS500", "kodak": "Kodak"}


def saved(source: str) -> Iterator[tuple[str, str]]:
    """What a code cell saves: (name, the data set whose folder keeps it), in order."""
    for node in ast.walk(ast.parse(source)):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in ("save_figure", "save_table", "save_reading"):
            kept = [word.value for word in node.keywords if word.arg == "kept_in"]
            yield ast.literal_eval(node.args[1]), ast.literal_eval(kept[0]) if kept else "embedded"


def page(notebook: Path) -> str:
    """The page of a notebook."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    parts = ["".join(cells[0]["source"])]
    parts.append(
        f"*[{notebook.stem}.ipynb](../../notebooks/{notebook.name}) with what is committed of it: "
        "the results of `make reproduce`, pictures reduced. Of what cells print the reading at the end is here.*"
    )
    waiting: list[str] = []  # code cells that show nothing: they stand with the next that does
    for cell in cells[1:]:
        source = "".join(cell["source"])
        names = [] if cell["cell_type"] == "markdown" else list(saved(source))
        if cell["cell_type"] == "code":
            waiting.append(source)
        if waiting and (names or cell["cell_type"] == "markdown"):
            parts.append(folded("Code", "```python\n" + "\n\n".join(waiting) + "\n```"))
            waiting = []
        parts += [source] if cell["cell_type"] == "markdown" else [shown(notebook.stem, *name) for name in names]
    if waiting:
        parts.append(folded("Code", "```python\n" + "\n\n".join(waiting) + "\n```"))
    return "\n\n".join(parts) + "\n"


def shown(notebook: str, name: str, kept: str) -> str:
    """A figure or table with its caption, its data, and where it stands for other data sets; or a reading."""
    stem = f"figures/{'' if kept == 'embedded' else f'{kept}/'}{notebook}/{name}"
    if not (root() / f"{stem}.csv").is_file():
        return told(root() / f"{stem}.md")
    picture = root() / f"{stem}.png"
    suffix = ".png" if picture.is_file() else ".md"
    links = [f"[{'full size' if suffix == '.png' else 'alone'}](../../{stem}{suffix})", f"[data](../../{stem}.csv)"]
    committed = tables(root())  # photographs that are not ours to distribute lie on one machine, and no page links them
    for folder, title in DATA_SETS.items():
        other = f"{folder}/{notebook}/{name}"
        if title and folder != kept and other in committed:
            links.append(f"[on {title}](../../figures/{other}{suffix})")
    caption = escape(str(read_sidecar(root() / f"{stem}.json")["caption"]))
    about = f"`{name}` {caption} {' · '.join(links)}"
    if suffix == ".png":
        alt = caption.replace("[", "(").replace("]", ")")
        return (
            f"![{alt}]({PICTURES}/{notebook}-{name}.webp)\n\n{about}\n\n"
            f"<!-- made from {stem}.png {sha256_file(picture)[:16]} -->"
        )
    table = table_of(root() / f"{stem}.md")
    if table.count("\n") - 1 > LONG:
        table = folded(f"{table.count(chr(10)) - 1} rows", table)
    return f"{about}\n\n{table}"


def told(reading: Path) -> str:
    """The sentences of a committed reading, as a list."""
    return escape(reading.read_text(encoding="utf-8").strip())


def folded(summary: str, body: str) -> str:
    """What a reader unfolds."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def table_of(path: Path) -> str:
    """The rows of a committed table, without its caption."""
    text = path.read_text(encoding="utf-8")
    return text[text.index("\n| ") + 1 :].strip()


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([*<$\[\]`])", r"\\\1", text)


def reduced(picture: Path) -> bytes:
    """A figure at most `WIDTH` pixels wide, as WebP: lossless, or of the highest quality below `LARGEST` bytes."""
    from PIL import Image

    with Image.open(picture) as opened:
        image = opened.convert("RGB")
    image.thumbnail((WIDTH, 10 * WIDTH), Image.Resampling.LANCZOS)
    lossless, lossy = io.BytesIO(), io.BytesIO()
    image.save(lossless, "WEBP", lossless=True, method=4)  # of lines and letters it is often the smaller
    for quality in range(90, 40, -10):
        lossy = io.BytesIO()
        image.save(lossy, "WEBP", quality=quality, method=5)
        if lossy.tell() <= LARGEST:
            break
    return min((lossless, lossy), key=io.BytesIO.tell).getvalue()


def written(checkout: Path) -> dict[Path, str]:
    """Every page by its path below the checkout."""
    books = sorted(path for path in (checkout / "notebooks").glob("*.ipynb") if path.stem != "explore")
    pages = {PAGES / f"{book.stem}.md": page(book) for book in books}
    titles = {path: re.search(r"^# (.+)$", text, flags=re.MULTILINE)[1] for path, text in pages.items()}
    head = [
        "# The notebooks, to be read",
        "",
        "Each with its committed figures and tables, by `make gallery`; here with the",
    ]
    head += ["first sentence of its reading.", ""]
    lines = [f"- [{path.stem}]({path.name}), *{titles[path]}*: {first(path.stem)}" for path in pages]
    pages[PAGES / "README.md"] = "\n".join([*head, *lines]) + "\n"
    return pages


def first(notebook: str) -> str:
    """The first sentence of a notebook's committed reading."""
    (reading,) = (root() / "figures" / notebook).glob("*_reading.md")
    return told(reading).partition("\n")[0].removeprefix("- ")


def main() -> None:
    """Write pages whose text changed, and pictures whose figure did."""
    checkout = root()
    wanted = set()
    for path, text in written(checkout).items():
        target = checkout / path
        before = target.read_text(encoding="utf-8") if target.is_file() else ""
        for made, stem, line in re.findall(
            r"\((pictures/\S+\.webp)\)(?s:.)*?<!-- made from (\S+)\.png (\w+) -->", text
        ):
            picture = checkout / PAGES / made
            wanted.add(picture)
            if line not in before or not picture.is_file():
                write_bytes(picture, reduced(checkout / f"{stem}.png"))
        write_text(target, text)
    for old in set((checkout / PAGES / PICTURES).iterdir()) - wanted:
        old.unlink()


if __name__ == "__main__":
    main()
