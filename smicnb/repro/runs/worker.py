"""In a worker: execute one notebook in a kernel, its figures made aside, and say what happened as it happens."""

import json
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smicnb.base.files import write_text
from smicnb.base.work import environment, executors
from smicnb.repro.runs import records
from smicnb.repro.runs.records import FAILED, CellState, State

ATTEMPTS = 2  # at starting a kernel or its worker; what has begun to execute is never repeated
NOT_STARTED, DEAD_WORKER = "KernelStart", "DeadWorker"  # kinds of error


@dataclass(frozen=True)
class Place:
    """Where a notebook lies, and where everything goes.

    Args:
        source: the notebook.
        out: folder for its figures.
        executed, record: files for the executed copy and the run record.
    """

    source: Path
    out: Path
    executed: Path
    record: Path

    @property
    def work(self) -> Path:
        """Folder of the run alone: figures in the making, events."""
        return records.work_of(self.record)

    @property
    def staged(self) -> Path:
        """Where figures are made before they are published."""
        return self.work / "figures"

    @property
    def manifest(self) -> Path:
        """The kernel's list of what it saved."""
        return self.work / "manifest.json"

    @property
    def events(self) -> Path:
        """What the worker tells."""
        return records.events_of(self.record)


@dataclass(frozen=True)
class Task:
    """What a worker is to do: plain values, whatever the executor.

    Args:
        notebook, parameters, place: the same as in `jobs.Job`.
        kernel: the kernel's name.
        timeout: seconds for each cell, or None.
        pulse, run: pulse file and name of the run that asks for it.
        variables: further environment variables of the kernel.
    """

    notebook: str
    parameters: dict[str, Any]
    place: Place
    kernel: str
    timeout: int | None
    pulse: Path
    run: str
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How one notebook ended.

    Args:
        notebook: the notebook's name.
        state: the state that it ended in.
        seconds: duration.
        error, kind, cell: text on one line, the error's class, and the place of the code cell; "", "", None without.
        cells: the state of every code cell.
        saved: names of the files that it saved.
        attempts: number of attempts at starting its kernel.
    """

    notebook: str
    state: State
    seconds: float = 0.0
    error: str = ""
    kind: str = ""
    cell: int | None = None
    cells: tuple[CellState, ...] = ()
    saved: tuple[str, ...] = ()
    attempts: int = 1


def execute(task: Task) -> Outcome:
    """Run one notebook and return how it ended. Only the run that asked for it publishes what was made.

    What has begun in this run is not executed again: Dask gives the task of a worker that died to another one.
    """
    executors.make_room()
    began, place, attempts = time.monotonic(), task.place, 1
    if any("begun" in event and event["run"] == task.run for event in records.Told(place.events)):
        return Outcome(task.notebook, "dead", error="the worker died", kind=DEAD_WORKER)
    records.append_event(place.events, begun=records.format_now(), run=task.run)
    error: dict[str, Any] | None
    try:
        place.executed.unlink(missing_ok=True)  # of an earlier run: were this one killed, it would pass for its own
        # What is there already is at hand, so that an unchanged figure stays the same file.
        shutil.copytree(place.out, place.staged, ignore=_folders, dirs_exist_ok=True)
        error, cells = _papermill(task)
        if error and error["kind"] == NOT_STARTED:
            attempts += 1
            error, cells = _papermill(task)
        told = place.manifest.is_file() and not error
        saved = json.loads(place.manifest.read_text(encoding="utf-8")) if told else []
    except OSError as failure:
        error = {"kind": "OSError", "text": _describe_error(failure), "cell": None}
        cells, saved = [], []
    outcome = {"seconds": time.monotonic() - began, "cells": tuple(cells), "attempts": attempts}
    if not error:
        return Outcome(task.notebook, "done", saved=tuple(saved), **outcome)
    cell = error["cell"]
    state = cells[cell] if cell is not None and cells[cell] in FAILED else "failed"
    return Outcome(task.notebook, state, error=error["text"], kind=error["kind"], cell=cell, **outcome)


def _folders(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if Path(folder, name).is_dir() or name.startswith(".")]


def _describe_error(error: OSError) -> str:
    text = error.strerror or " ".join(str(error).split())  # copying a folder tells several errors at once
    return text + (f" ('{error.filename}')" if error.filename else "")


def _papermill(task: Task) -> tuple[dict[str, Any] | None, list[CellState]]:
    """Execute; returns the error (kind, text, cell) or None, and the cells' states."""
    import logging

    environment.leave_out_grammar()
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from smicnb.repro.runs import engine

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # all that it says is in the outcome
    place = task.place
    with place.executed.with_suffix(".log").open("w", encoding="utf-8") as log:
        execution = engine.Execution(
            folder=place.source.parent,
            environment={**os.environ, **environment.kernel_variables(place.staged, place.manifest), **task.variables},
            log=log,
            timeout=task.timeout,
            going_on=records.Listener(task.pulse, task.run),
            tell=lambda cell, state: records.append_event(place.events, cell=cell, state=state),
        )
        try:
            papermill.execute_notebook(
                str(place.source),
                None,
                parameters=task.parameters,
                engine_name=engine.NAME,
                kernel_name=task.kernel,
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                execution=execution,
            )
            error = execution.error
        except PapermillExecutionError:  # of an error among the outputs: the engine's, or one that a cell may raise
            error = execution.error
        except engine.KernelStartError as failure:
            error = {"kind": NOT_STARTED, "text": f"the kernel could not start ({failure})", "cell": None}
    if execution.notebook is not None:
        try:
            write_text(place.executed, nbformat.writes(execution.notebook))
        except OSError as failure:  # what was made and what is known of the cells is not lost with it
            error = error or {"kind": "OSError", "text": _describe_error(failure), "cell": None}
    return error, execution.cells
