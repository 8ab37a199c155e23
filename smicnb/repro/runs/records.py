"""Run records: one JSON file per notebook, written whole by the run alone, which say what happened last.

A run and its workers talk through files, so that any executor and machine will do: a worker appends events to a file
beside its work, and the run keeps a pulse file fresh for as long as it lives; a worker whose run was stopped or killed
sees it and ends.
"""

import contextlib
import json
import os
import socket
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from smicnb.base.files import write_json

# The only list of states: of a code cell, and of a notebook. "dead": its kernel, its worker or the run was killed;
# "skipped": queued in a run that ended before it began; "unchanged": not run, since its record is still true.
CellState = Literal["pending", "running", "done", "failed", "dead", "timeout", "interrupted"]
State = Literal["queued", "running", "done", "failed", "dead", "timeout", "skipped", "unchanged"]
OPEN: tuple[State, ...] = ("queued", "running")
FAILED: tuple[State, ...] = ("failed", "dead", "timeout")
# State -> what a reader is told, worst first; "stale" is done and no longer true, "absent" has no record.
WORDS = {
    "failed": "failed",
    "dead": "died",
    "timeout": "timed out",
    "stale": "stale",
    "skipped": "not reached",
    "running": "running",
    "queued": "queued",
    "done": "done",
    "absent": "not run here",
}
KILLED = {"kind": "Killed", "text": "the run was killed", "cell": None}
PATIENCE = 240  # looks of a worker at a pulse that stands still, half a second apart, before it ends


def new_record(
    notebook: str, recipe: str, parameters: dict[str, Any], inputs: dict[str, str], **more: Any
) -> dict[str, Any]:
    """The record of a notebook that was queued just now; `more` are versions, commit and the like."""
    return {
        "notebook": notebook,
        "recipe": recipe,
        "state": "queued",
        "error": None,
        "cells": [],
        "queued": format_now(),
        "started": None,
        "seconds": None,
        "attempts": 0,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "parameters": parameters,
        "inputs": inputs,
        "outputs": {},
        "executed": f"runs/{recipe}/{notebook}.ipynb",
        **more,
    }


def format_now() -> str:
    """The time, as records have it: UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


write = write_json


def read(path: Path) -> dict[str, Any] | None:
    """The record in a file, None where there is none or it is no record.

    One that was left open by a run that is no more is read as "dead": as far as its worker told.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if not {"state", "cells", "inputs", "outputs", "parameters", "pid"} <= set(record):
            return None
    except (OSError, ValueError, TypeError):
        return None
    if record["state"] not in OPEN:
        return record
    record["cells"] = cells = follow(record["cells"], Told(events_of(path)))
    if not _is_alive(record):
        record |= {"state": "dead", "error": {**KILLED, "cell": last_cell(cells)}, "cells": end_cells(cells, "dead")}
    return record


def work_of(record: Path) -> Path:
    """The folder of .smicnb that belongs to the last run of a record's notebook alone."""
    return record.parents[2] / "work" / record.parent.name / record.stem


def events_of(record: Path) -> Path:
    """Where the worker of a record's notebook tells its events."""
    return work_of(record) / "events.jsonl"


def follow(cells: list[CellState], events: Any) -> list[CellState]:
    """The cells' states after what was told of them."""
    cells = list(cells)
    for event in events:
        place = event.get("cell")
        if isinstance(place, int) and place < len(cells):
            cells[place] = event["state"]
    return cells


def last_cell(cells: list[CellState]) -> int | None:
    """The place of the cell that ran when all ended, None where none had begun or all were done."""
    return next((place for place, state in enumerate(cells) if state not in ("done", "pending")), None)


def end_cells(cells: list[CellState], state: CellState) -> list[CellState]:
    """The cells' states, where whatever ran came to an end in `state`."""
    return [state if each == "running" else each for each in cells]


def _is_alive(record: dict[str, Any]) -> bool:
    """Whether the run of a record is still there; of one on another machine nobody can tell, so it is."""
    import psutil

    if record.get("host") != socket.gethostname():
        return True
    try:
        process = psutil.Process(record["pid"])
        begun, dead = process.create_time(), process.status() == psutil.STATUS_ZOMBIE
        queued = datetime.fromisoformat(record["queued"]).timestamp()
    except (psutil.Error, ValueError, KeyError, TypeError):
        return False
    return not dead and begun <= queued + 2  # a later process has its number by chance


class Pulse:
    """A run's sign of life: as a context it begins, and goes at the end."""

    def __init__(self, path: Path):
        self.path, self.run = path, uuid.uuid4().hex

    def __enter__(self) -> "Pulse":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.run, encoding="ascii")
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def beat(self) -> None:
        """Say that the run goes on; call it every second or so."""
        with contextlib.suppress(OSError):
            os.utime(self.path)

    def stop(self) -> None:
        """Tell all workers to end."""
        with contextlib.suppress(OSError):
            self.path.unlink()


class Listener:
    """Whether the run of a pulse file goes on, for its workers: the pulse has to be of the run of that name. Each call
    is one look.
    """

    def __init__(self, path: Path, run: str):
        self.path, self.run = path, run
        self._seen, self._still = 0, 0

    def __call__(self) -> bool:
        """False where the run was stopped, another one has begun, or nothing was heard of it for long."""
        try:
            with self.path.open(encoding="ascii") as file:  # opening makes a network file system look again
                beat = os.fstat(file.fileno()).st_mtime_ns
                if file.read() != self.run:
                    return False
        except OSError:
            return False
        self._still = 0 if beat != self._seen else self._still + 1
        self._seen = beat
        return self._still < PATIENCE


def append_event(events: Path, **event: Any) -> None:
    """Append an event; a disk that takes no more costs the progress display and nothing else."""
    with contextlib.suppress(OSError), events.open("a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\n")


class Told:
    """The events of one worker, as they come; each iteration gives those that are new."""

    def __init__(self, events: Path):
        self.events, self._offset = events, 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        try:
            with self.events.open("rb") as file:
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):  # still being written
                        return
                    self._offset += len(line)
                    yield json.loads(line)
        except (OSError, ValueError):
            return
