"""An executed notebook as a page: bounded, sanitised, its pictures in files beside it, and nothing fetched."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from smicnb.base.errors import SmicnbError
from smicnb.repro import figures

# Bounds of what one output may bring to a page; the executed notebook itself has it all.
TEXT, MARKUP, PICTURE = 10_000, 200_000, 4_000_000  # characters, characters, bytes
PICTURES = {"image/png": ".png", "image/jpeg": ".jpg"}
ENDS = {"completed": "done", "failed": "failed", "pending": "pending"}  # papermill's words
TAGS = (
    *("a", "b", "blockquote", "br", "caption", "code", "del", "dd", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4"),
    *("h5", "h6", "hr", "i", "kbd", "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table"),
    *("tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
)
# Elements whose content is no text for a reader; all other tags that are not of `TAGS` go and leave their text.
SILENT = re.compile(r"<(style|script)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Page:
    """A notebook as HTML: its title, the body, and the source of each code cell."""

    title: str
    body: str
    sources: tuple[str, ...]


def convert(
    path: Path, ends: tuple[str, ...], captions: Callable[[str], str], keep: Callable[[str, bytes], Mapping[str, Any]]
) -> Page:
    """Make the page of an executed notebook, with the state of each code cell from the run record, () for what
    papermill wrote, and figures' captions by name; `keep` takes a picture's file name and bytes and says what the page
    needs of it: "src", "width", "height".

    Raises:
        SmicnbError: the file is no notebook.
    """
    import nbformat
    from nbconvert import HTMLExporter
    from nbconvert.preprocessors.sanitize import SanitizeHTML

    try:
        book = nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise SmicnbError(
            f"cannot read the executed notebook '{path.name}' ({' '.join(str(error).split())})"
        ) from error
    # papermill's own signs of an error go: the cell that failed is marked as such.
    book.cells = [cell for cell in book.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])]
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code):
        told = ends[number] if len(ends) == len(code) else ENDS.get(_status(cell), "")
        cell.metadata["smicnb"] = {"number": number + 1, "state": told}
        outputs = [_bound_output(output, number + 1, captions, keep) for output in cell.get("outputs", [])]
        cell["outputs"] = [output for output in outputs if output is not None]
    templates = Path(str(resources.files("smicnb.repro.report")))
    exporter = HTMLExporter(
        template_name="notebook", extra_template_basedirs=[str(templates)], exclude_anchor_links=True
    )
    cleaner = SanitizeHTML(tags=list(TAGS), attributes=_is_allowed, strip=True)
    exporter.register_filter(
        "clean", lambda html: put_tables_in_boxes(cleaner.sanitize_html_tags(SILENT.sub("", html)))
    )
    body, _ = exporter.from_notebook_node(book)
    return Page(_title(book.cells, path), body, tuple(cell.source for cell in code))


def _status(cell: Any) -> str:
    return cell.metadata.get("papermill", {}).get("status", "")


def _title(cells: list[Any], path: Path) -> str:
    """The notebook's first heading, else its name."""
    texts = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    heading = re.search(r"^# (.+)$", texts, flags=re.MULTILINE)
    return heading[1].strip() if heading else path.stem


def _bound_output(
    output: Any, number: int, captions: Callable[[str], str], keep: Callable[[str, bytes], Mapping[str, Any]]
) -> Any:
    """An output within the bounds, its picture kept aside; None where there is nothing to show."""
    if output.output_type == "stream":
        output["text"] = _cut_text(output.text)
    elif output.output_type == "error":
        output["traceback"] = [_cut_text("\n".join(output.traceback) or f"{output.ename}: {output.evalue}")]
    else:
        data = output.data
        if "application/vnd.jupyter.widget-view+json" in data:  # a progress bar, of no use afterwards
            return None
        if len(data.get("text/html", "")) > MARKUP:
            del data["text/html"]
        if "text/plain" in data:
            data["text/plain"] = _cut_text(data["text/plain"])
        for kind, suffix in PICTURES.items():
            if kind in data:
                name = figures.shown_name(output.metadata)
                alt = (captions(name) if name else "") or f"Picture that cell {number} shows"
                return _picture(output, data[kind], suffix, alt, keep)
        for kind in [kind for kind in data if kind not in ("text/html", "text/plain")]:
            del data[kind]
        if not data:
            return None
    return output


def _picture(output: Any, text: str, suffix: str, alt: str, keep: Callable[[str, bytes], Mapping[str, Any]]) -> Any:
    try:
        data = base64.b64decode(text, validate=False)
    except binascii.Error:
        data = b""
    output["data"] = {"text/plain": f"[a picture of {len(data):,} bytes is left out]"}
    if 0 < len(data) <= PICTURE:
        name = f"{hashlib.sha256(data).hexdigest()[:16]}{suffix}"
        try:
            kept = keep(name, data)
        except OSError:  # bytes that are no picture
            return output
        output["metadata"] = {"smicnb": {**kept, "alt": alt}}
    return output


def _cut_text(text: str) -> str:
    """Text without colours, and its middle left out where it is too long."""
    text = ANSI.sub("", text)
    if len(text) <= TEXT:
        return text
    half = TEXT // 2
    return f"{text[:half]}\n[{len(text) - TEXT:,} characters are left out]\n{text[-half:]}"


def _is_allowed(tag: str, name: str, value: str) -> bool:
    """Attributes that may stay: what structure needs. Links become text: they would lead out, or nowhere."""
    if tag in ("td", "th"):
        return name in ("colspan", "rowspan", "scope")
    return name == "id" if tag in ("h1", "h2", "h3", "h4", "h5", "h6") else name == "class" and tag in ("span", "div")


def put_tables_in_boxes(html: str) -> str:
    """Tables in boxes of their own that scroll, for a finger and for the keyboard; an empty cell is no heading."""
    box = '<div class="scroll" role="group" tabindex="0" aria-label="Table, scrolls sideways">'
    html = html.replace("<th></th>", "<td></td>").replace("</table>", "</table></div>")
    return html.replace("<table", f"{box}<table")
