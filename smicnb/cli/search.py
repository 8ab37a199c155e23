"""The command line of search: `smicnb search` and `smicnb similar`."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from smicnb.base.errors import SmicnbError, shorten

SHOWN = 60  # characters of a query that are repeated
UNSET = "is a variable of the shell not set?"
MOST_TOP = 10**6
NOTHING = 1  # exit status where nothing is found, as grep's


def _keep_as_typed(text: str) -> str:
    return text  # an empty one is told of below, by what it stands for


Given = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE... QUERY",
        parser=_keep_as_typed,
        help="One or several .smic files; then what is looked for, in quotes: words, or a sum of words.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Sheet = Annotated[Path | None, typer.Option(help="Write a page of what is found to this .html file.")]
Photos = Annotated[Path | None, typer.Option(help="The folder with the originals, for the page's thumbnails.")]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing page.")]
Above = Annotated[float | None, typer.Option(help="Least cosine, -1 to 1.")]
Encoder = Annotated[str | None, typer.Option(help="Where the files' own encoder is, if its name does not lead there.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(search)
    app.command()(similar)


def search(
    given: Given,
    like: Annotated[
        Path | None, typer.Option(help="A photograph to look for others like it; words may be added.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=MOST_TOP, help="How many at most.")] = 20,
    above: Above = None,
    names: Annotated[
        str | None, typer.Option(metavar="GLOB", help='Only photographs so named, as "2024/*.jpg".')
    ] = None,
    as_json: AsJson = False,
    sheet: Sheet = None,
    photos: Photos = None,
    open_it: Open = False,
    force: Force = False,
    encoder: Encoder = None,
) -> None:
    """Find photographs in .smic files, by words or by a photograph: the most alike first, with their cosine.

    Nothing found ends with exit status 1. Examples: `smicnb search photos.smic "a red barn by a lake"`,
    `smicnb search 2023.smic 2024.smic "barn +snow -people" --top 5`, `smicnb search photos.smic --like barn.jpg`,
    `smicnb search photos.smic "beach" --sheet found.html --photos photos/ --open`.
    """
    files, parts = _split(given, like)
    _check(above, sheet, photos, open_it, force)
    from smicnb.codec.search import queries
    from smicnb.codec.search.index import SemanticIndex
    from smicnb.codec.search.sheet import Part, label

    for part in parts:
        if isinstance(part, str):
            queries.parse_terms(part)
    with SemanticIndex.open(files, encoder) as index:
        query = queries.encode_sum(parts, index.header, encoder)
        (hits,) = index.search(query, top, above, names)
        damage, searched, about = index.damage, len(index), index.header.encoder
    wanted = " ".join(f"'{part}'" if isinstance(part, str) else f"like '{part}'" for part in parts)
    if as_json:
        _print({
            "query": [str(part) for part in parts],
            "encoder": about,
            "photographs": searched,
            "hits": [hit._asdict() for hit in hits],
            "damaged": [each._asdict() for each in damage],
        })  # fmt: skip
    else:
        for hit in hits:
            typer.echo(f"{hit.score:.4f}  {hit.file + ': ' if len(files) > 1 else ''}{label(hit)}")
    if sheet is not None and hits:
        summary = f"{_count(len(hits))} of {searched}, the most alike first."
        _write(sheet, f"Photographs {wanted}", summary, [Part("", hits)], photos, open_it)
    _end(damage, bool(hits), f"nothing was found of {wanted} among {_count(searched)}", above, names)


def similar(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="One or several .smic files.")],
    above: Above = None,
    as_json: AsJson = False,
    sheet: Sheet = None,
    photos: Photos = None,
    open_it: Open = False,
    force: Force = False,
) -> None:
    """List groups of near duplicates: photographs of which every two are alike.

    How much alike is chosen by what the file keeps of its photographs; --above says it instead. Nothing found ends
    with exit status 1. Examples: `smicnb similar photos.smic`,
    `smicnb similar photos.smic --above 0.95 --sheet twice.html --photos photos/ --open`.
    """
    _check(above, sheet, photos, open_it, force)
    from smicnb.codec.search import duplicates
    from smicnb.codec.search.index import SemanticIndex
    from smicnb.codec.search.sheet import Part, label

    with SemanticIndex.open(files) as index:
        least, fidelity = duplicates.threshold(index) if above is None else above, index.fidelity()
        if above is None and len(index) and not duplicates.is_fine_enough(index):
            _say(
                f"the file keeps a cosine of about {fidelity:.2f}: of so little, near duplicates are hard to tell from "
                "others"
            )
        found = duplicates.find_groups(index, least)
        damage, searched = index.damage, len(index)
    if as_json:
        _print({
            "above": least,
            "fidelity": fidelity,
            "photographs": searched,
            "groups": [{"least": group.least, "hits": [hit._asdict() for hit in group.hits]} for group in found],
            "damaged": [each._asdict() for each in damage],
        })  # fmt: skip
    else:
        for number, group in enumerate(found, 1):
            typer.echo(f"group {number}: {_count(len(group.hits))}, cosine {group.least:.4f} and more")
            for hit in group.hits:
                typer.echo(f"  {hit.file + ': ' if len(files) > 1 else ''}{label(hit)}")
    if sheet is not None and found:
        several = [
            Part(f"Group {number}: {_count(len(group.hits))}", group.hits) for number, group in enumerate(found, 1)
        ]
        groups = "1 group" if len(found) == 1 else f"{len(found)} groups"
        summary = f"{groups} among {_count(searched)}, of cosine {least:.3f} and more."
        _write(sheet, "Near duplicates", summary, several, photos, open_it)
    _end(damage, bool(found), f"no two of {_count(searched)} have a cosine of {least:.3f} or more", None, None)


def _split(given: list[str], like: Path | None) -> tuple[list[Path], list[str | Path]]:
    """The files, and what is looked for.

    Raises:
        SmicnbError: there is no file, or nothing to look for.
    """
    parts: list[str | Path] = []
    words = like is None or (given[-1].lstrip().startswith(("+", "-", "\u2212")) and len(given) > 1)
    if words:
        *given, query = given
        if not query.strip():
            raise SmicnbError("found an empty query", 'words in quotes, such as "a red barn by a lake"', UNSET)
        if query.casefold().endswith(".smic"):
            shown = shorten(query, SHOWN)
            raise SmicnbError(f"found '{shown}' where the query is wanted", 'FILE... "words", or FILE... --like PHOTO')
        parts.append(query)
    if not given:
        raise SmicnbError("found a query without a file", 'FILE... "words"')
    if "" in given:
        raise SmicnbError("found an empty name of a file", "a .smic file", UNSET)
    return [Path(file) for file in given], parts if like is None else [like, *parts]


def _check(above: float | None, sheet: Path | None, photos: Path | None, open_it: bool, force: bool) -> None:
    from smicnb.base.files import check_target
    from smicnb.codec.search.sheet import Originals

    if above is not None and not -1 <= above <= 1:
        raise SmicnbError(f"found --above {above:g}", "a cosine, -1 to 1")
    if sheet is None and (photos is not None or open_it):
        raise SmicnbError(f"found {'--photos' if photos is not None else '--open'} alone", "--sheet with it")
    if sheet is not None:
        if sheet.suffix.casefold() not in (".html", ".htm"):
            raise SmicnbError(f"found '{sheet.name}' for the page", "a name that ends in .html")
        check_target(sheet, force, "name another file, or say --force")
    Originals(photos)


def _write(target: Path, title: str, summary: str, parts: list, photos: Path | None, open_it: bool) -> None:
    from smicnb.codec.search import sheet

    sheet.write(target, title, summary, parts, sheet.Originals(photos))
    _say(f"{target}: written")
    if open_it:
        typer.launch(str(target.resolve()))


def _end(damage: list, found: bool, nothing: str, above: float | None, names: str | None) -> None:
    """Say what could not be read, or that nothing was found; end with the exit status that says so."""
    for each in damage:
        _say(str(each))
    if not found:
        wanted = [
            f"a cosine of {above:g} or more" if above is not None else "",
            f"a name like '{names}'" if names else "",
        ]
        _say(nothing + (f" with {' and '.join(filter(None, wanted))}" if any(wanted) else ""))
    if damage or not found:
        raise typer.Exit(SmicnbError.exit_status if damage else NOTHING)


def _count(count: int) -> str:
    return "1 photograph" if count == 1 else f"{count} photographs"


def _print(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2))


def _say(line: str) -> None:
    print(f"smicnb: {line}", file=sys.stderr)
