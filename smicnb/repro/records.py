"""Run records: one JSON file per notebook, written whole by the run alone, which say what happened last.

States: queued, running, done, failed, dead (its kernel, its worker or the run was killed), timeout, and skipped
(queued in a run that ended before it began).
"""

import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smicnb.base.files import write_json
from smicnb.repro.signals import Told

OPEN = ("queued", "running")
KILLED = {"kind": "Killed", "text": "the run was killed", "cell": None}


def new(notebook: str, recipe: str, parameters: dict[str, Any], inputs: dict[str, str], **more: Any) -> dict[str, Any]:
    """The record of a notebook that was queued just now; `more` are versions, commit and the like."""
    return {
        "notebook": notebook,
        "recipe": recipe,
        "state": "queued",
        "error": None,
        "cells": [],
        "queued": now(),
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


def now() -> str:
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
    if not _lives(record):
        record |= {"state": "dead", "error": {**KILLED, "cell": last(cells)}, "cells": ended(cells, "dead")}
    return record


def work_of(record: Path) -> Path:
    """The folder of .smicnb that belongs to the last run of a record's notebook alone."""
    return record.parents[2] / "work" / record.parent.name / record.stem


def events_of(record: Path) -> Path:
    """Where the worker of a record's notebook tells its events."""
    return work_of(record) / "events.jsonl"


def follow(cells: list[str], events: Any) -> list[str]:
    """The cells' states after what was told of them."""
    cells = list(cells)
    for event in events:
        place = event.get("cell")
        if isinstance(place, int) and place < len(cells):
            cells[place] = event["state"]
    return cells


def last(cells: list[str]) -> int | None:
    """The place of the cell that ran when all ended, None where none had begun or all were done."""
    return next((place for place, state in enumerate(cells) if state not in ("done", "pending")), None)


def ended(cells: list[str], state: str) -> list[str]:
    """The cells' states, where whatever ran came to an end in `state`."""
    return [state if each == "running" else each for each in cells]


def _lives(record: dict[str, Any]) -> bool:
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
