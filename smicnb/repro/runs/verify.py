"""Rerun notebooks in a folder of their own, and say what moved in the data behind the committed figures.

The tolerances are those of `differences`. Pictures are not compared: they follow from the data.
"""

import json
import shutil
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from smicnb.base.errors import SmicnbError
from smicnb.base.files import write_json
from smicnb.repro import figures
from smicnb.repro.checkout import is_committed, root
from smicnb.repro.differences import Difference, compare_files
from smicnb.repro.runs import run
from smicnb.repro.runs.run import Job

COMMITTED = (".csv", ".json", ".md", ".png", ".tex")  # of what is saved; PDF and parquet files stay with who ran


@dataclass(frozen=True)
class Report:
    """What a verification found.

    Args:
        tables: how many were compared.
        moved: (file, difference) of all columns that differ.
        missing: files that the notebooks make and that are not there.
        extra: files that are there and that no notebook makes.
    """

    tables: int
    moved: Sequence[tuple[str, Difference]]
    missing: Sequence[str]
    extra: Sequence[str]

    @property
    def agrees(self) -> bool:
        """Whether nothing moved, is missing or is extra."""
        return not (self.moved or self.missing or self.extra)

    def summary(self) -> str:
        """One line for a person."""
        if self.agrees:
            return f"all {self.tables} tables agree"
        moved = len({file for file, _ in self.moved})
        return f"{moved} of {self.tables} tables moved; {len(self.missing)} files missing, {len(self.extra)} extra"

    def as_json(self) -> dict[str, Any]:
        """The summary for a program."""
        moved = [{"file": file, **difference._asdict()} for file, difference in self.moved]
        return {"agrees": self.agrees, **asdict(self), "moved": moved}


def verify(jobs: Sequence[Job], workers: int | None, whole: bool) -> Report:
    """Rerun `jobs` in .smicnb/verify and compare.

    What an interrupted verification has finished is not run again; after a complete one all is.

    Args:
        jobs: the notebooks of one recipe.
        workers: notebooks at a time; None: as many as the machine is good for.
        whole: whether they are all of the recipe, so that nothing else may lie among its figures.

    Raises:
        SmicnbError: there are no jobs; another run is at work; or a notebook failed: which, and why, is said on
            stderr before.
    """
    if not jobs:
        raise SmicnbError("found nothing to verify", "a recipe with notebooks")
    with run.hold_checkout():
        return _verify(jobs, workers, whole)


def _verify(jobs: Sequence[Job], workers: int | None, whole: bool) -> Report:
    private = [_make_private(job) for job in jobs]
    place = private[0].place
    result = place.record.parent.with_suffix(".json")  # says that a verification came to its end
    if result.is_file():
        for folder in (place.out.parent, place.executed.parent, place.record.parent):
            shutil.rmtree(folder, ignore_errors=True)
        result.unlink()
    outcomes = run.run(private, workers)
    try:
        run.raise_failures(outcomes)
    except SmicnbError:
        for line in run.report(outcomes, private):
            print(line, file=sys.stderr)
        raise
    report = compare(jobs[0].place.out.parent, place.out.parent, {job.notebook for job in jobs}, whole)
    write_json(result, report.as_json())
    return report


def _make_private(job: Job) -> Job:
    """`job` with all it writes below .smicnb/verify."""
    state, recipe = root() / ".smicnb", job.place.record.parent.name
    executed, record = (state / "verify" / path.relative_to(state) for path in (job.place.executed, job.place.record))
    out = state / "verify" / "figures" / recipe / job.notebook
    return replace(job, place=replace(job.place, out=out, executed=executed, record=record))


def compare(committed: Path, made: Path, notebooks: Collection[str], whole: bool) -> Report:
    """Compare what `notebooks` made in one folder of a recipe's figures with what is committed in another: tables
    column by column, other files by name. `whole`: nothing else may be there.
    """
    top = root().resolve()
    counterparts = {}  # file that is or should be committed -> the one that was made
    for notebook in notebooks:
        for path in _files(made / notebook):
            kept = figures.keeper_of(path.with_suffix(".json")) if is_committed(committed) else ""
            counterparts[(top / kept if kept else committed / notebook) / path.name] = path
    old = {path for notebook in notebooks for path in _list_files_of_notebook(committed / notebook)}
    old |= _find_left_over(committed, notebooks) if whole else set()
    unpublished = _unpublished_patterns()
    missing = [path.relative_to(top).as_posix() for path in sorted(counterparts) if not path.is_file()]
    tables = [path for path in sorted(counterparts) if path.suffix == ".csv" and path.is_file()]
    moved = [
        (path.relative_to(top).as_posix(), difference)
        for path in tables
        for difference in compare_files(path, counterparts[path])
    ]
    return Report(
        len(tables),
        moved,
        [name for name in missing if not any(fnmatch(name, line) for line in unpublished)],
        [path.relative_to(top).as_posix() for path in sorted(old - counterparts.keys())],
    )


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.*") if path.suffix in COMMITTED]


def _list_files_of_notebook(folder: Path) -> list[Path]:
    """The files in a notebook's folder of committed figures.

    Raises:
        SmicnbError: a sidecar that names no notebook.
    """
    for path in folder.glob("*.json"):
        try:
            json.loads(path.read_text(encoding="utf-8"))["notebook"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SmicnbError(
                f"cannot read the sidecar '{path.name}'", "JSON with 'notebook'", "see git diff"
            ) from error
    return _files(folder)


def _find_left_over(committed: Path, notebooks: Collection[str]) -> set[Path]:
    """Files of a recipe's folder that lie in no notebook's, or in that of a notebook that is none of `notebooks`.

    Folders of other recipes lie there too, and those of tools, whose sidecars name no notebook.
    """
    found = set(_files(committed))
    for folder in committed.glob("*/"):
        named = [figures.read_sidecar(path).get("notebook") for path in folder.glob("*.json")]
        if folder.name not in notebooks and folder.name in named:
            found.update(_files(folder))
    return found


def _unpublished_patterns() -> list[str]:
    """Patterns of figures that are made and not committed, such as those that show other people's photographs."""
    try:
        lines = (root() / ".gitignore").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.startswith("figures/")]
