"""What became of each notebook: its run record, and whether that is still true."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smicnb.base.errors import SmicnbError
from smicnb.repro.runs import freshness, records
from smicnb.repro.runs.jobs import jobs_of
from smicnb.repro.runs.recipes import Recipe


@dataclass(frozen=True)
class Run:
    """The last run of one notebook under one recipe.

    Args:
        state: a key of `records.WORDS`.
        reasons: why it is stale, each a line ("codec/rate.py changed").
        error: "KIND: text" of a run that failed, or "".
        cells: the state of each code cell, in order; () where no record says.
        figures: the folder that its figures go to.
        executed: the executed notebook of that run, or None where there is none.
        record: the run record, {} where there is none.
    """

    notebook: str
    recipe: str
    state: str
    figures: Path
    reasons: tuple[str, ...] = ()
    error: str = ""
    cells: tuple[str, ...] = ()
    executed: Path | None = None
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """The state in words; what died where it was the kernel, and not its worker or the whole run."""
        return "kernel died" if self.error.startswith("DeadKernel: ") else records.WORDS[self.state]

    @property
    def failing(self) -> int | None:
        """Index of the first code cell that did not end well, or None."""
        bad = (number for number, state in enumerate(self.cells) if state in (*records.FAILED, "interrupted"))
        return next(bad, None)

    @property
    def progress(self) -> str:
        """Cells on one line: "4 done, 1 failed, 7 pending"."""
        return ", ".join(f"{self.cells.count(state)} {state}" for state in dict.fromkeys(self.cells))

    @property
    def commit(self) -> str:
        """The commit that it ran at, seven digits and "+" where tracked files differed; "" where unknown."""
        commit = self.record.get("commit")
        return f"{commit[:7]}{'+' if self.record.get('modified') else ''}" if isinstance(commit, str) else ""

    @property
    def duration(self) -> str:
        """How long it took, for a person, or ""."""
        seconds = self.record.get("seconds")
        if not isinstance(seconds, int | float):
            return ""
        return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def run(root: Path, recipe: Recipe, notebook: str) -> Run:
    """What is known of a notebook's last run under `recipe`, from the checkout at `root`."""
    place = Path(recipe.name) / notebook
    record = records.read(root / ".smicnb" / "records" / place.with_suffix(".json")) or {}
    executed = root / ".smicnb" / str(record.get("executed") or f"runs/{place.with_suffix('.ipynb')}")
    error = record.get("error")
    state, reasons = record.get("state"), ()
    if state == "done" and (reasons := tuple(_reasons(recipe, notebook, record))):
        state = "stale"
    return Run(
        notebook,
        recipe.name,
        state if state in records.WORDS else "absent",
        root / recipe.figures / notebook,
        reasons,
        f"{error.get('kind')}: {error.get('text')}" if isinstance(error, dict) else "",
        tuple(map(str, record["cells"])) if isinstance(record.get("cells"), list) else (),
        executed if _belongs(executed, record) else None,
        record,
    )


def _belongs(executed: Path, record: dict[str, Any]) -> bool:
    """Whether an executed notebook is there and ended as the record says; else an earlier run wrote it."""
    try:
        cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
        told = [cell["metadata"]["smicnb"]["state"] for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return told == record.get("cells")


def _reasons(recipe: Recipe, notebook: str, record: dict[str, Any]) -> list[str]:
    """Why a finished run is stale, [] where it is not; a folder that the recipe leaves open is the record's."""
    open_names = {name: kind for name, kind in recipe.parameters.items() if str(kind).endswith(":")}
    given = {name: str(record["parameters"].get(name)) for name in open_names}
    settings = {name: value for name, value in given.items() if value.startswith(open_names[name])}
    try:
        (job,) = jobs_of(recipe, [notebook], settings)
        return freshness.reasons(job)
    except SmicnbError as error:  # the folder is gone, or a model
        return [str(error)]
