"""A page of the photographs that were found, with thumbnails: one file, readable by anyone, which asks no network."""

import base64
import io
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from smicnb.base.errors import ImageError, SmicnbError
from smicnb.base.files import write_text
from smicnb.base.names import fold_case
from smicnb.codec import file_names
from smicnb.codec.search.index import Hit
from smicnb.semantics.photographs.images import read_image

SIDE = 320  # pixels of a thumbnail at most
QUALITY = 80
MOST_FILES = 1 << 20  # of a folder that are looked at for the original of a name

STYLE = """
:root { color-scheme: light dark; --page: #faf9f6; --card: #ffffff; --ink: #1c1e21; --soft: #55595f; --line: #dedbd3; }
@media (prefers-color-scheme: dark) {
  :root { --page: #15171a; --card: #1d2024; --ink: #e9e7e2; --soft: #aeb2b8; --line: #363a40; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 82rem; padding: 1rem clamp(1rem, 4vw, 3rem); background: var(--page);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.15rem; margin: 1.8rem 0 0.6rem; }
p, .none { color: var(--soft); }
ol { list-style: none; margin: 0; padding: 0; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 13rem), 1fr)); }
li { background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
img { display: block; width: 100%; height: 12rem; object-fit: contain; }
.none { display: grid; place-items: center; height: 12rem; margin: 0; padding: 1rem; text-align: center; }
.about { margin: 0; padding: 0.5rem 0.75rem; border-top: 1px solid var(--line); color: var(--ink); }
.about small { display: block; color: var(--soft); font-variant-numeric: tabular-nums; }
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="smicnb search">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{summary}</p>
{parts}
</main>
</body>
</html>
"""


class Part(NamedTuple):
    """Photographs under one heading, which is empty where there is but one part."""

    heading: str
    hits: Sequence[Hit]


class Originals:
    """The photographs of a folder, by the names that a .smic file has of them.

    Args:
        folder: the folder that was compressed, or None.

    Raises:
        SmicnbError: it is no folder.
    """

    def __init__(self, folder: Path | None):
        if folder is not None and not folder.is_dir():
            raise SmicnbError(f"found no folder '{folder}'", "the folder of the photographs that were compressed")
        self._folder = folder

    def thumbnail(self, hit: Hit) -> tuple[bytes, str]:
        """A photograph as a small JPEG file, or b"" and why there is none."""
        if self._folder is None:
            return b"", "no thumbnail: --photos says where the originals are"
        path = self._path(hit.name)
        if path is None:
            return b"", "the original is not in the folder" if hit.name else "the file has no name for it"
        try:
            image = Image.fromarray(read_image(path, side=SIDE))
        except ImageError as error:
            return b"", f"the original cannot be used: {error.found}"
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=QUALITY)
        return stream.getvalue(), ""

    def _path(self, name: str | None) -> Path | None:
        """The file of a name, which is that of the file or, where some system could not write that, close to it."""
        if name is None or self._folder is None:
            return None
        path = self._folder / name
        return path if path.is_file() else self._others.get(fold_case(name))

    @cached_property
    def _others(self) -> dict[str, Path]:
        found = sorted(_files(self._folder))[:MOST_FILES]
        names = file_names.make_unique([file_names.make_portable(name) for name in found])
        return {fold_case(name): self._folder / path for name, path in zip(names, found, strict=True)}


def _files(folder: Path) -> Iterator[str]:
    count = 0
    for root, _, files in os.walk(folder):
        for name in files:
            count += 1
            if count > MOST_FILES:
                return
            yield (Path(root) / name).relative_to(folder).as_posix()


def write(target: Path, title: str, summary: str, parts: Sequence[Part], originals: Originals) -> None:
    """Write the page, atomically.

    Args:
        target: the file.
        title, summary: what was looked for, and what was found.
        parts: what is shown, in order.
        originals: source of thumbnails.
    """
    shown = "\n".join(_part(part, originals) for part in parts)
    write_text(target, PAGE.format(title=escape(title), summary=escape(summary), style=STYLE, parts=shown))


def _part(part: Part, originals: Originals) -> str:
    heading = f"<h2>{escape(part.heading)}</h2>\n" if part.heading else ""
    return f"{heading}<ol>\n" + "\n".join(_card(hit, originals) for hit in part.hits) + "\n</ol>"


def _card(hit: Hit, originals: Originals) -> str:
    data, why = originals.thumbnail(hit)
    name = escape(label(hit))
    if data:
        picture = f'<img src="data:image/jpeg;base64,{base64.b64encode(data).decode()}" alt="{name}">'
    else:
        picture = f'<p class="none">{escape(why)}</p>'
    about = f"cosine {hit.score:.4f}" + (f", {escape(hit.file)}" if hit.file else "")
    return f'<li>{picture}<p class="about">{name}<small>{about}</small></p></li>'


def label(hit: Hit) -> str:
    """What a photograph is called: its name, or its number in the file."""
    return hit.name if hit.name is not None else str(hit.image)
