"""The command by which a reader checks the committed numbers: `smicnb verify`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smicnb.base.bounds import MOST_JOBS
from smicnb.base.errors import SmicnbError
from smicnb.cli.runs import Notebooks, RecipeFile, at_a_time, recipe_path

if TYPE_CHECKING:
    from smicnb.repro.runs.verify import Report


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(verify)


def verify(
    notebooks: Notebooks = None,
    recipe: RecipeFile = Path("embedded"),
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="What the recipe leaves open: collection=bsds500:PATH."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=MOST_JOBS, help="Notebooks at a time.", show_default="two cores each")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Rerun notebooks aside and compare the data behind each figure with the committed one; status 1 if any moved.

    Examples: `smicnb verify`, `smicnb verify 05_rate_model`,
    `smicnb verify --recipe bsds500 --set collection=bsds500:PATH`.
    """
    from smicnb.repro.runs import jobs as planned
    from smicnb.repro.runs import recipes
    from smicnb.repro.runs import verify as verification

    read = recipes.recipe(recipe_path(recipe))
    given = dict(map(recipes.assignment, settings or []))
    if not read.asks_for(given):
        raise SmicnbError(
            f"found --set {', '.join(given)}",
            "the recipe's own parameters, by which the committed figures were made",
            "compare your own with smicnb run",
        )
    wanted = planned.jobs_of(read, notebooks or [], given)
    whole = {job.notebook for job in wanted} >= set(read.notebooks)
    report = verification.verify(wanted, at_a_time(jobs, wanted), whole)
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        _print(report)
    if not report.agrees:
        raise typer.Exit(1)


def _print(report: "Report") -> None:
    from rich.console import Console
    from rich.table import Table

    if report.moved:
        table = Table("file", "column", "rows moved", "largest change", "by", "tolerance", box=None)
        for file, change in report.moved:
            by = "" if change.deviation is None else f"{change.deviation:.3g}"
            values = (_short(change.old), _short(change.new))
            rows = f"{change.moved} of {change.rows}"
            table.add_row(file, change.column or "(rows)", rows, " → ".join(values), by, change.tolerance)
        Console(width=None if sys.stdout.isatty() else 200, markup=False, highlight=False).print(table)
    for what, files in (("missing", report.missing), ("extra", report.extra)):
        for file in files:
            typer.echo(f"{what}: {file}")
    typer.echo(report.summary())


def _short(text: str, longest: int = 40) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
