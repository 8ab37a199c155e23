"""The commands on runs of notebooks: `smicnb run`, `smicnb status`, `smicnb verify` and `smicnb report`."""

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smicnb.base.bounds import MOST_JOBS, MOST_SECONDS
from smicnb.base.errors import SmicnbError
from smicnb.cli import workers

if TYPE_CHECKING:
    from smicnb.repro.runs.jobs import Job
    from smicnb.repro.runs.verify import Report


Notebooks = Annotated[list[str] | None, typer.Argument(help="Notebooks; all of the recipe's if none.")]
RecipeFile = Annotated[Path, typer.Option(help="A recipe file, or a name in recipes/.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a parameter; repeatable.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to a command line."""
    for command in (run, status, verify, report):
        app.command()(command)


def run(
    notebooks: Notebooks = None,
    recipe: RecipeFile = Path("embedded"),
    settings: Settings = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_JOBS,
            help="Notebooks at a time.",
            show_default="two cores each, 1 with a GPU; one for each Dask worker",
        ),
    ] = None,
    executor: workers.ExecutorOption = workers.ExecutorName.processes,
    scheduler: workers.Scheduler = None,
    timeout: Annotated[
        int | None, typer.Option(min=1, max=MOST_SECONDS, help="Seconds that a cell may take.", show_default="no limit")
    ] = None,
    force: Annotated[bool, typer.Option(help="Run even what is unchanged.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be loaded and how long it takes.")] = False,
) -> None:
    """Regenerate figures and tables: run the notebooks of a recipe that are not fresh.

    Examples: `smicnb run`, `smicnb run 03_reconstruction --set penalty=1.0`,
    `smicnb run --recipe bsds500 --set collection=bsds500:PATH`, `smicnb run --executor dask`,
    `smicnb run --executor dask --scheduler tcp://head:8786 --timeout 3600`,
    `smicnb run --recipe paper --set collection=landscape:PATH --dry-run`.
    """
    from smicnb.repro.runs import run as runs

    dask = workers.dask_address(executor, scheduler)
    wanted = _jobs(notebooks, recipe, settings)
    if dry_run:
        from smicnb.repro.runs import plan  # it knows all models, and takes a second to import

        for line in plan.describe(wanted):
            typer.echo(line)
        return
    outcomes = runs.run(wanted, count_workers(jobs, wanted) if scheduler is None else jobs, force, timeout, dask)
    for line in runs.report(outcomes, wanted):
        typer.echo(line)
    runs.raise_failures(outcomes)


def status(
    notebooks: Notebooks = None,
    recipe: RecipeFile = Path("embedded"),
    settings: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say of each notebook how its last run ended, and whether its results are fresh.

    Examples: `smicnb status`, `smicnb status --recipe bsds500 --set collection=bsds500:PATH`, `smicnb status --json`.
    """
    from smicnb.repro.runs.freshness import status_line, status_of

    rows = [status_of(job) for job in _jobs(notebooks, recipe, settings)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for each in rows:
        typer.echo(status_line(each))


def _jobs(notebooks: list[str] | None, recipe: Path, settings: list[str] | None) -> "list[Job]":
    from smicnb.repro.runs import jobs, recipes

    read = recipes.recipe(recipe_path(recipe))
    return jobs.jobs_of(read, notebooks or [], dict(map(recipes.assignment, settings or [])))


def recipe_path(recipe: Path) -> Path:
    """The file of a recipe that is named by its path, or by its name in recipes/."""
    from smicnb.repro.checkout import root

    return recipe if recipe.suffix else root() / "recipes" / f"{recipe}.yaml"


def count_workers(asked: int | None, wanted: "list[Job]") -> int | None:
    """How many notebooks run at once on this machine: one with a GPU, whose memory they would share; None: any."""
    values = (str(value) for job in wanted for value in job.parameters.values())
    if asked is None and any(re.search(r"[?&]device=(cuda|mps)", value) for value in values):
        return 1
    return asked


def verify(
    notebooks: Notebooks = None,
    recipe: RecipeFile = Path("embedded"),
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A parameter left open by the recipe: collection=bsds500:PATH."
        ),
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
    if not read.is_filled_by(given):
        raise SmicnbError(
            f"found --set {', '.join(given)}",
            "the recipe's own parameters, by which the committed figures were made",
            "compare your own with smicnb run",
        )
    wanted = planned.jobs_of(read, notebooks or [], given)
    whole = {job.notebook for job in wanted} >= set(read.notebooks)
    report = verification.verify(wanted, count_workers(jobs, wanted), whole)
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        print_report(report)
    if not report.agrees:
        raise typer.Exit(1)


def print_report(report: "Report") -> None:
    """What moved, as a table, and the sum of it in a line."""
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


def report(
    recipe: RecipeFile = Path("embedded"),
    out: Annotated[Path | None, typer.Option(help="Folder to write to.", show_default=".smicnb/report/RECIPE")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
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
