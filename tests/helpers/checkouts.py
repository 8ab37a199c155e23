"""Checkouts of the tests' own, with small notebooks, and `smicnb` in them as a user types it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil

STARTED: list[subprocess.Popen] = []
START = 'from smicnb.repro import session\n\nrun = session.start("{name}", globals())'
SAVE = "import pandas as pd\n\nrun.save_table(pd.DataFrame({{'x': [value, 2 * value]}}), '{name}', 'Two numbers.')"


def make(folder: Path, notebooks: dict[str, list[str]]) -> Path:
    """A checkout whose notebooks start a session, execute the given cells and save a table."""
    for name, cells in notebooks.items():
        write(folder, name, cells)
    (folder / "recipes").mkdir(parents=True)
    listed = "".join(f"  {name}:\n" for name in notebooks)
    (folder / "recipes" / "embedded.yaml").write_text(f"figures: figures\nnotebooks:\n{listed}")
    return folder


def write(folder: Path, name: str, cells: list[str], parameters: str = "value = 1.0", kernel: str = "python3") -> None:
    sources = [START.format(name=name), *cells, SAVE.format(name=name)]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    if parameters:
        book.cells.insert(0, nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    book.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    nbformat.write(book, folder / "notebooks" / f"{name}.ipynb")


def smicnb(checkout: Path, *words: str, timeout: float = 400, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "smicnb.cli.main", *words]
    settings = {**os.environ, "SMICNB_PROGRESS": "plain", **environment}
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, env=settings, timeout=timeout)


def start(checkout: Path, *words: str) -> subprocess.Popen:
    """`smicnb` in a process group of its own, not waited for."""
    command, pipe = [sys.executable, "-m", "smicnb.cli.main", *words], subprocess.PIPE
    process = subprocess.Popen(command, cwd=checkout, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    STARTED.append(process)
    return process


def end_all() -> None:
    """Leave nothing behind where a test failed halfway."""
    for process in STARTED:
        if process.poll() is None:
            process.kill()
            process.communicate()
    STARTED.clear()


def wait_until(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def record(checkout: Path, name: str) -> dict:
    return json.loads((checkout / f".smicnb/records/embedded/{name}.json").read_text())


def _read(checkout: Path, name: str) -> dict:
    from smicnb.repro.runs import records

    return records.read(checkout / f".smicnb/records/embedded/{name}.json") or {"state": "absent", "cells": []}


def state_of(checkout: Path, name: str) -> str:
    """As `smicnb status` has it, without starting it."""
    return _read(checkout, name)["state"]


def at_work(checkout: Path, name: str) -> bool:
    """Whether the longest cell, the fourth, has begun."""
    return _read(checkout, name)["cells"][3:4] == ["running"]


def executed(checkout: Path, name: str) -> list:
    """The code cells of the executed notebook."""
    book = nbformat.read(checkout / f".smicnb/runs/embedded/{name}.ipynb", as_version=4)
    return [cell for cell in book.cells if cell.cell_type == "code"]


def status(checkout: Path, *words: str, **environment: str) -> dict[str, dict]:
    done = smicnb(checkout, "status", "--json", *words, **environment)
    assert done.returncode == 0, done.stderr
    return {row["notebook"]: row for row in json.loads(done.stdout)}


def figures(checkout: Path, folder: str = "figures") -> dict[str, bytes]:
    """Every file below a folder of figures, by its path there."""
    paths = [path for path in (checkout / folder).rglob("*") if path.is_file()]
    return {path.relative_to(checkout / folder).as_posix(): path.read_bytes() for path in paths}


def processes_of(checkout: Path) -> list[psutil.Process]:
    """Whatever still runs for this checkout: workers by their environment's folder, kernels too."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(str(checkout)) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def kernels_of(checkout: Path) -> list[psutil.Process]:
    return [found for found in processes_of(checkout) if "ipykernel" in " ".join(found.cmdline())]
