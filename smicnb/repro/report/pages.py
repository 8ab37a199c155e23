"""Write the report: pages, thumbnails and copies of what they link, whole or not at all."""

import gzip
import html.parser
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psutil
from markupsafe import Markup, escape

from smicnb.base.errors import SmicnbError
from smicnb.base.files import check_folder
from smicnb.repro.checkout import commit, root
from smicnb.repro.figures import read_sidecar
from smicnb.repro.paper_map import items
from smicnb.repro.report import cards, notebooks
from smicnb.repro.report.cards import Card, Content
from smicnb.repro.report.states import Run
from smicnb.repro.runs import recipes, records

STATIC = ("report.css", "report.js")
OWN = {"index.html", "published.html", "tables", "notebooks", "figures", "thumbnails", *STATIC}
LONG_TABLE = 1 << 10  # bytes of a table's or sidecar's file from which on it is compressed
THUMBNAIL = (720, 540)  # pixels at most: twice the size at which a card shows it
GENERATOR = "smicnb report"  # in the head of every page


@dataclass(frozen=True)
class Written:
    """Where the report begins, and what it weighs in bytes: pages and data, and pictures (PNG, WebP, PDF)."""

    index: Path
    text: int
    pictures: int

    def __str__(self) -> str:
        return f"{self.index} ({self.text / 1e6:.1f} MB, and {self.pictures / 1e6:.1f} MB of pictures)"


def write(recipe: recipes.Recipe, out: Path | None = None) -> Written:
    """Write the report on `recipe` to the folder `out`, in place of an earlier report there.

    Raises:
        SmicnbError: `out` holds anything but an earlier report, or the map cannot be read.
    """
    checkout = root()
    out = (out or checkout / ".smicnb" / "report" / recipe.name).resolve()
    _check(out)
    content = cards.collect(checkout, recipe, items.read(checkout))
    out.parent.mkdir(parents=True, exist_ok=True)
    _sweep(out)
    prefix = f".{out.name}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=prefix, ignore_cleanup_errors=True) as aside:
        new = Path(aside) / "new"
        new.mkdir()
        _Site(new, checkout, recipe, content).write()
        check_links(new)
        mode = stat.S_IMODE(out.stat().st_mode) if out.exists() else None
        if mode is not None:
            out.rename(Path(aside) / "old")
        new.rename(out)
        if mode is not None:
            out.chmod(mode)
    sizes = [(path.suffix in (".png", ".jpg", ".webp", ".pdf"), path.stat().st_size) for path in _files(out)]
    weights = [sum(size for picture, size in sizes if picture is wanted) for wanted in (False, True)]
    return Written(out / "index.html", *weights)


def _sweep(out: Path) -> None:
    """Remove what reports that were killed have left beside `out`."""
    for path in out.parent.iterdir():
        left = re.fullmatch(rf"\.{re.escape(out.name)}-(\d+)-\w+", path.name)
        if left and not psutil.pid_exists(int(left[1])):
            shutil.rmtree(path, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _check(out: Path) -> None:
    """Refuse a folder that holds anything but an earlier report: it is replaced whole."""
    if out.exists() and not out.is_dir():
        raise SmicnbError(f"'{out}' is a file", "a folder")
    check_folder(out.parent)  # what is there is replaced by a renaming
    if not out.exists():
        return
    if os.path.ismount(out):
        raise SmicnbError(f"'{out}' is where a disk begins", "a folder that can be replaced", "name one in it")
    found = {path.name for path in out.iterdir()}
    index = out / "index.html"
    ours = index.is_file() and f'content="{GENERATOR}"' in index.read_text(encoding="utf-8", errors="replace")
    if found and not (ours and found <= OWN):
        raise SmicnbError(f"'{out}' holds other files", "a new or empty folder, or that of an earlier report")


class _Site:
    """The pages of one report, written below `folder`."""

    def __init__(self, folder: Path, checkout: Path, recipe: recipes.Recipe, content: Content):
        import jinja2

        self.folder, self.checkout, self.recipe, self.content = folder, checkout, recipe, content
        self.pages: dict[tuple[str, str], notebooks.Page] = {}  # (recipe, notebook) -> its page
        templates = jinja2.FileSystemLoader(str(resources.files("smicnb.repro.report") / "templates"))
        self.jinja = jinja2.Environment(
            loader=templates, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self.jinja.filters["prose"] = prose
        self.jinja.globals.update(
            generator=GENERATOR,
            recipe=recipe.name,
            content=content,
            site=self,
            records=records,
            made=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            head=(commit()["commit"] or "")[:7],
        )

    def write(self) -> None:
        """Write every page and what it needs."""
        package = resources.files("smicnb.repro.report") / "static"
        for name in STATIC:
            (self.folder / name).write_bytes((package / name).read_bytes())
        for run in self.content.runs:
            if run.executed:
                self._notebook(run)
        for card in self.content.cards:
            for _, path in card.downloads:
                self._copy(path)
            if card.table and not card.table.is_comparison:
                self._page(f"tables/{card.anchor}.html", "table.html.j2", card=card)
        beside = [card for card in self.content.cards if card.table and card.table.is_comparison]
        beside.sort(key=lambda card: (not card.label.startswith("table"), card.label, card.name))
        self._page("published.html", "published.html.j2", beside=beside)
        self._page("index.html", "index.html.j2", beside=beside)

    def _page(self, name: str, template: str, **values: Any) -> None:
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        up = "../" * name.count("/")
        target.write_text(self.jinja.get_template(template).render(up=up, **values), encoding="utf-8")

    def _copy(self, path: Path) -> None:
        target = self.folder / self.place(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".gz":
            target.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        else:
            shutil.copyfile(path, target)

    def place(self, path: Path) -> str:
        """Where the copy of a figure's file lies in the report; long tables and sidecars are compressed."""
        packed = ".gz" if path.suffix in (".csv", ".tex", ".md", ".json") and path.stat().st_size > LONG_TABLE else ""
        return f"figures/{cards.below_figures(path.relative_to(self.checkout).as_posix())}{packed}"

    def notebook(self, run: Run | None) -> str:
        """Where the page of a run's executed notebook lies, or "" where there is none."""
        return f"notebooks/{run.recipe}/{run.notebook}.html" if run and (run.recipe, run.notebook) in self.pages else ""

    def table(self, card: Card) -> str:
        """Where a table stands in full."""
        return f"published.html#{card.anchor}" if card.table.is_comparison else f"tables/{card.anchor}.html"

    def source(self, run: Run) -> str:
        """The source of the cell at which a run failed, or "" where that is not known."""
        page = self.pages.get((run.recipe, run.notebook))
        if page is None or run.failing is None or run.failing >= len(page.sources):
            return ""
        return page.sources[run.failing]

    def thumbnail(self, card: Card) -> Mapping[str, Any] | None:
        """A small picture of a figure: "src", "width", "height"; None where it cannot be read."""
        from PIL import Image

        target = self.folder / "thumbnails" / f"{card.anchor}.webp"
        target.parent.mkdir(exist_ok=True)
        try:
            with Image.open(card.file(".png")) as picture:
                picture = picture.convert("RGB")
        except (OSError, SyntaxError):
            return None
        picture.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
        picture.save(target, quality=82, method=4)
        return {"src": f"thumbnails/{target.name}", "width": picture.width, "height": picture.height}

    def _notebook(self, run: Run) -> None:
        """The page of an executed notebook; one that cannot be read has none."""
        from PIL import Image

        place = Path("notebooks") / run.recipe / f"{run.notebook}.html"
        origins = [(card.label, card.origin) for card in self.content.cards if "kept_in" in card.origin]
        kept = {name: origin for name, origin in origins if origin.get("notebook") == run.notebook}

        def keep(name: str, data: bytes) -> Mapping[str, Any]:
            target = self.folder / place.parent / "pictures" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            try:
                with Image.open(target) as picture:
                    return {"src": f"pictures/{name}", "width": picture.width, "height": picture.height}
            except OSError:
                target.unlink()
                raise

        def caption(name: str) -> str:
            return str((read_sidecar(run.figures / f"{name}.json") or kept.get(name, {})).get("caption", ""))

        try:
            page = notebooks.convert(run.executed, run.cells, caption, keep)
        except SmicnbError:
            return
        self.pages[run.recipe, run.notebook] = page
        self._page(place.as_posix(), "notebook.html.j2", page=page, run=run, body=Markup(page.body))


def prose(text: str) -> Markup:
    """Text of the map with its `code` and *stress* marked up, everything else escaped."""
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*([^*\s][^*]*)\*", r"<em>\1</em>", escaped))


class _Links(html.parser.HTMLParser):
    """Collects where a page leads and what its links may lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[tuple[str, str]] = []  # (attribute, address)
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src"):
                self.targets.append((name, value or ""))
            elif name == "id":
                self.anchors.add(value or "")


def check_links(folder: Path, outward: bool = False) -> None:
    """See that every link of every page below `folder` is relative and leads to what is there; `outward` lets links,
    but nothing that a page shows, lead to web sites too.

    Raises:
        SmicnbError: the first that does not.
    """
    pages: dict[Path, _Links] = {}
    for path in folder.rglob("*.html"):
        pages[path.resolve()] = links = _Links()
        links.feed(path.read_text(encoding="utf-8"))
    for path, links in pages.items():
        for name, target in links.targets:
            parts = urlsplit(target)
            if outward and name == "href" and parts.scheme in ("http", "https"):
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            inside = not parts.scheme and not parts.netloc and file.is_relative_to(folder.resolve())
            if not inside or not file.is_file() or (parts.fragment and parts.fragment not in pages[file].anchors):
                raise SmicnbError(f"the page '{path.name}' leads to '{target}'", "a relative link to what is there")
