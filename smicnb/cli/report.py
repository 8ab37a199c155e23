"""The command line of the report: `smicnb report`."""

from pathlib import Path
from typing import Annotated

import typer

from smicnb.cli.runs import RecipeFile, recipe_path


def add_to(app: typer.Typer) -> None:
    """Register `smicnb report`."""
    app.command()(report)


def report(
    recipe: RecipeFile = Path("embedded"),
    out: Annotated[Path | None, typer.Option(help="Folder to write to.", show_default=".smicnb/report/RECIPE")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write a page of every figure and table beside the papers' own: states, data, executed notebooks.

    It needs no network and no server. Examples: `smicnb report --open`, `smicnb report --recipe paper`.
    """
    from smicnb.repro.report import pages
    from smicnb.repro.runs import recipes

    written = pages.write(recipes.recipe(recipe_path(recipe)), out)
    typer.echo(f"report: {written}")
    if open_it:
        typer.launch(str(written.index))
