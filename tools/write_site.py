"""Write the site: pages and guides, notebooks, the reference from docstrings, and the report, in one folder.

It opens from disk and asks nothing of the network, neither when it is made nor when it is read: Markdown becomes pages
by mistune, docstrings by pdoc, and what a page links is copied beside it. Every link is followed before the folder
takes the place of an earlier one. `make docs` runs this.
"""

import contextlib
import html
import importlib
import json
import os
import pkgutil
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import jinja2
import mistune
from markupsafe import Markup

from smicnb.base.errors import SmicnbError
from smicnb.repro.checkout import root
from smicnb.repro.report import pages as report
from smicnb.repro.runs import recipes

HERE = Path(__file__).resolve().parent / "site"
ROOMS = ("smicnb", "smicnb.semantics", "smicnb.codec", "smicnb.learned", "smicnb.compare")  # they import lazily
FIRST = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/README.md")
SECTIONS = (
    ("All pages", "index.html"),
    ("README", "README.html"),
    ("Notebooks", "docs/notebooks/README.html"),
    ("Figures and tables", "report/index.html"),
    ("Reference", "reference/index.html"),
)
GUARD = "\ue000"  # stands for a dot where a name is not to be linked: no text has it
TEXT = 600  # characters of a section that search looks at and shows

Entry = tuple[str, str, str]  # address below the site, title, text


class Renderer(mistune.HTMLRenderer):
    """Markdown as a code host shows it: anchors of headings, and tables and code that scroll by themselves.

    Args:
        address: turns what a page links into an address from there.
    """

    def __init__(self, address: Callable[[str], str]):
        super().__init__(escape=False)  # pages are the project's own
        self._address = address
        self.anchors: list[tuple[str, str]] = []  # of headings, with their text

    def heading(self, text: str, level: int, **attributes: Any) -> str:
        """A heading with the anchor that code hosts give it."""
        plain = html.unescape(re.sub(r"<[^>]+>", "", text))
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        taken = sum(
            1 for known, _ in self.anchors if known == anchor or re.fullmatch(rf"{re.escape(anchor)}-\d+", known)
        )
        anchor = f"{anchor}-{taken}" if taken else anchor
        self.anchors.append((anchor, plain))
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """A link to a page of the site, to a file beside it, or out."""
        return f'<a href="{html.escape(self._address(url))}">{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """A picture beside the page."""
        return f'<img src="{html.escape(self._address(url))}" alt="{html.escape(html.unescape(text))}" loading="lazy">'

    def inline_math(self, text: str) -> str:
        """A formula as its TeX: a page without a network has no MathJax."""
        return f"<code>{html.escape(text)}</code>"

    def block_math(self, text: str) -> str:
        """A formula on lines of its own, as its TeX."""
        return self.block_code(text.strip(), "tex")

    def block_code(self, code: str, info: str | None = None) -> str:
        """Code in its colours."""
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import get_lexer_by_name
        from pygments.util import ClassNotFound

        try:
            lexer = get_lexer_by_name((info or "text").split()[0])
        except ClassNotFound:
            lexer = get_lexer_by_name("text")
        body = highlight(code, lexer, HtmlFormatter(cssclass="highlight"))
        return f'<div class="code" role="group" tabindex="0" aria-label="Code">{body}</div>\n'


class Site:
    """The site of the checkout, written below `folder`, with the reference of `package`."""

    def __init__(self, folder: Path, checkout: Path, package: str = "smicnb"):
        self.folder, self.checkout, self.package = folder, checkout, package
        self.entries: list[Entry] = []
        self._waiting: list[Path] = []  # Markdown below the checkout
        self._seen: set[Path] = set()
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
        self._template = environment.get_template("page.html.j2")

    def write(self) -> None:
        """Write every page, and follow every link."""
        for name in ("site.css", "site.js"):
            shutil.copyfile(HERE / name, self.folder / name)
        shutil.copyfile(Path(report.__file__).parent / "static" / "report.css", self.folder / "report.css")
        report.write(recipes.recipe(self.checkout / "recipes" / "embedded.yaml"), self.folder / "report")
        self._reference()
        paths = [self.checkout / name for name in FIRST]
        paths += [path for folder in ("docs", "findings") for path in sorted((self.checkout / folder).rglob("*.md"))]
        for path in paths:
            self._ask_for(path)
        while self._waiting:
            path = self._waiting.pop()
            self._page(path.relative_to(self.checkout).with_suffix(".html"), path)
        self._page(Path("index.html"), self.checkout / "docs" / "README.md", searched=True)
        found = json.dumps(sorted(self.entries), ensure_ascii=False, separators=(",", ":"))
        (self.folder / "search.js").write_text(f"const ENTRIES = {found};\n", encoding="utf-8")
        report.check_links(self.folder, outward=True)

    def _ask_for(self, path: Path) -> None:
        if path not in self._seen:
            self._seen.add(path)
            self._waiting.append(path)

    def _page(self, place: Path, source: Path, searched: bool = False) -> None:
        """The page at `place` below the site, of a file of Markdown."""
        renderer = Renderer(lambda url: self._address(url, source, place))
        markdown = mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough", "url", "math"])
        renderer.register("inline_math", lambda _, text: renderer.inline_math(text))  # in place of the plugin's own
        renderer.register("block_math", lambda _, text: renderer.block_math(text))
        body = str(markdown(source.read_text(encoding="utf-8")))
        body = report.notebooks.put_tables_in_boxes(body)
        title = renderer.anchors[0][1] if renderer.anchors else source.stem
        if not searched:
            self._index(place, title, body)
        self._save(place, title, body, searched)

    def _save(self, place: Path, title: str, body: str, searched: bool = False) -> None:
        target = self.folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        up = "../" * (len(place.parts) - 1)
        told = self._template.render(title=title, body=Markup(body), up=up, sections=SECTIONS, searched=searched)
        target.write_text(told, encoding="utf-8")

    def _index(self, place: Path, title: str, body: str) -> None:
        """An entry of the search for each section of a page."""
        for part in re.split(r'(?=<h[1-6] id=")', body):
            heading = re.match(r'<h[1-6] id="([^"]*)">(.*?)</h', part, flags=re.DOTALL)
            text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", part)).split())
            if heading and text:
                name = html.unescape(re.sub(r"<[^>]+>", "", heading[2]))
                full = title if name == title else f"{title}: {name}"
                self.entries.append((f"{place.as_posix()}#{heading[1]}", full, text.removeprefix(name).strip()[:TEXT]))

    def _address(self, url: str, source: Path, place: Path) -> str:
        """What `source`, whose page lies at `place`, links as `url`: a page or a file of the site, or outside."""
        parts = urlsplit(url)
        if parts.scheme or parts.netloc or not parts.path:
            return url
        file = (source.parent / unquote(parts.path)).resolve()
        if file.is_dir() and (file / "README.md").is_file():
            file /= "README.md"
        if not file.is_file() or not file.is_relative_to(self.checkout):
            raise SmicnbError(f"'{source.name}' links '{url}'", "a file of the checkout")
        below = file.relative_to(self.checkout)
        if file.suffix == ".md":
            self._ask_for(file)
            below = below.with_suffix(".html")
        elif not (self.folder / below).exists():
            (self.folder / below).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, self.folder / below)
        address = quote(os.path.relpath(below, place.parent).replace(os.sep, "/"))
        return f"{address}#{parts.fragment}" if parts.fragment else address

    def _reference(self) -> None:
        """A page for each module, by pdoc, and a list of them."""
        try:
            from pdoc import doc, extract, render
            from pdoc.render_helpers import linkify
        except ImportError as error:
            raise SmicnbError("the package 'pdoc' is not installed", "it, for the reference", "make setup") from error
        render.env.filters["linkify"] = spare_endings(linkify)
        render.configure(
            docformat="google",
            include_undocumented=False,
            show_source=False,
            search=False,
            template_directory=HERE,
        )
        with open_rooms(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # annotations of other packages, which their own import would need
            modules = {name: doc.Module.from_name(name) for name in extract.walk_specs([self.package])}
            for module in modules.values():
                target = self.folder / "reference" / f"{module.fullname.replace('.', '/')}.html"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(render.html_module(module, modules), encoding="utf-8")
                self.entries += described(module)
        unlink_hidden(self.folder / "reference")
        lines = []
        for name, module in modules.items():
            told = report.prose(" ".join((module.docstring or "").partition("\n\n")[0].split()))
            link = f'<a href="{name.replace(".", "/")}.html"><code>{name}</code></a>'
            room = name.split(".")[:2]
            if name == ".".join(room):  # the package, or a room
                lines.append(f"<h2>{link}</h2>\n<p>{told}</p>")
            else:
                lines.append(f'<p class="module module-{min(name.count(".") - 1, 3)}">{link} {told}</p>')
        body = '<h1 id="reference">Reference</h1>\n' + "\n".join(lines)
        self._save(Path("reference/index.html"), "Reference", body)


@contextlib.contextmanager
def open_rooms() -> Iterator[None]:
    """With what rooms offer loaded, which pdoc does not ask for, and their modules in the lists of what they hold."""
    rooms = [importlib.import_module(name) for name in ROOMS]
    before = [room.__all__ for room in rooms]
    for room in rooms:
        for offered in room.__all__:
            setattr(room, offered, getattr(room, offered))
        inside = (module.name for module in pkgutil.iter_modules(room.__path__))
        room.__all__ = [*room.__all__, *(each for each in inside if each not in room.__all__)]
    try:
        yield
    finally:
        for room, offered in zip(rooms, before, strict=True):
            room.__all__ = offered


def spare_endings(linkify: Callable[..., Markup]) -> Callable[..., Markup]:
    """pdoc's filter that links names, but where it would take a file's ending (".smic") for a module beside."""

    @jinja2.pass_context
    def spare(context: Any, code: str, *others: Any, **options: Any) -> Markup:
        guarded = re.sub(r"(?<![\w.])\.(?=(?:smic|sic|taco)\b)", GUARD, code)
        return Markup(linkify(context, guarded, *others, **options).replace(GUARD, "."))

    return spare


def unlink_hidden(folder: Path) -> None:
    """Turn links to names that the reference leaves out, such as private bases, into text."""
    texts = {path.resolve(): path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}
    anchors = {path: set(re.findall(r'id="([^"]+)"', text)) for path, text in texts.items()}

    def kept(path: Path, link: re.Match) -> str:
        target, _, anchor = link[1].partition("#")
        file = (path.parent / target).resolve() if target else path
        return link[0] if anchor in anchors.get(file, {anchor}) else link[2]

    for path, text in texts.items():
        told = re.sub(r'<a href="([^":]*#[^"]+)"[^>]*>(.*?)</a>', lambda link, path=path: kept(path, link), text)
        if told != text:
            path.write_text(told, encoding="utf-8")


def described(module: Any) -> list[Entry]:
    """Entries of the search for a module and what it defines: functions, classes and their methods."""
    place = f"reference/{module.fullname.replace('.', '/')}.html"
    entries = [(place, module.fullname, " ".join(module.docstring.split())[:TEXT])]
    members = list(module.own_members)
    while members:
        member = members.pop()
        own = member.kind in ("class", "function") and not member.name.startswith("_")
        if own and member.docstring and member.modulename == module.fullname:
            text = " ".join(member.docstring.split())[:TEXT]
            entries.append((f"{place}#{member.qualname}", f"{module.fullname}.{member.qualname}", text))
            members += member.own_members if member.kind == "class" else []
    return entries


def write(out: Path) -> Path:
    """Write the site to the folder `out` in place of an earlier one; returns where it begins."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-", ignore_cleanup_errors=True) as aside:
        new = Path(aside) / "new"
        new.mkdir()
        Site(new, root()).write()
        if out.exists():
            out.rename(Path(aside) / "old")
        new.rename(out)
    return out / "index.html"


if __name__ == "__main__":
    print(f"site: {write(root() / '.smicnb' / 'site')}")
