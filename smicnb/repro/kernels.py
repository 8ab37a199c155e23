"""In a worker process: execute one notebook with papermill, publish its figures whole, keep a record."""

import json
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smicnb.base.files import sha256_file, write_bytes, write_json
from smicnb.repro.checkout import commit
from smicnb.repro.session import MANIFEST, OUT, versions

THREADS = "2"  # per kernel on every machine: sums split over threads round by their number


@dataclass(frozen=True)
class Place:
    """Where a notebook lies, and where its figures, executed copy and record go."""

    source: Path
    out: Path
    executed: Path
    record: Path


@dataclass(frozen=True)
class Outcome:
    """How one notebook ended: state "done", "skipped" or "failed", seconds, and the error's parts."""

    notebook: str
    state: str
    seconds: float = 0.0
    error: str = ""
    kind: str = ""


_ticks: Any = None  # of a worker process: takes an item per executed cell


def initialise(ticks: Any) -> None:
    """Start a worker: it leaves interrupts to its parent and ends when that ends; a kernel ends with its worker."""
    global _ticks
    _ticks = ticks
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def execute(notebook: str, place: Place, parameters: dict[str, Any], inputs: dict[str, str]) -> Outcome:
    """Run one notebook and return how it ended.

    Figures are made in a private copy of their folder and moved over only when the whole notebook is done,
    so that a picture never stands beside the data of another run.
    """
    began, started = time.monotonic(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    place.executed.parent.mkdir(parents=True, exist_ok=True)
    place.out.mkdir(parents=True, exist_ok=True)
    # What the kernel process says on its own (not through a cell) goes to a log beside the notebook.
    with place.executed.with_suffix(".log").open("w", encoding="utf-8") as log:
        os.dup2(log.fileno(), 2)
    with tempfile.TemporaryDirectory(prefix="smicnb-", ignore_cleanup_errors=True) as private:
        staged, manifest = Path(private) / "figures", Path(private) / "manifest.json"
        shutil.copytree(place.out, staged, ignore=lambda folder, names: [n for n in names if Path(folder, n).is_dir()])
        os.environ.update(_environment(staged, manifest, private))
        kind, error = _papermill(place, parameters)
        outcome = Outcome(notebook, "failed" if kind else "done", time.monotonic() - began, error, kind)
        saved = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() and not kind else []
        # Sidecars last: one that is there vouches for the files that it names.
        for name in sorted(saved, key=lambda name: name.endswith(".json")):
            write_bytes(place.out / name, (staged / name).read_bytes())
        outputs = {name: sha256_file(staged / name) for name in saved}
    record = {
        "notebook": notebook,
        "state": outcome.state,
        "error": {"kind": kind, "text": error} if kind else None,
        "started": started,
        "seconds": round(outcome.seconds, 1),
        "parameters": parameters,
        "inputs": inputs,
        "outputs": outputs,
        "versions": versions(),
        **commit(),
    }
    write_json(place.record, record)
    return outcome


def _papermill(place: Place, parameters: dict[str, Any]) -> tuple[str, str]:
    """Execute; returns the error's class name and its text on one line, both "" where all went well."""
    import papermill
    from papermill.engines import NBClientEngine, papermill_engines
    from papermill.exceptions import PapermillExecutionError

    class CountingEngine(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, nb_man, kernel_name, **options):
            complete = nb_man.cell_complete

            def counted(*arguments, **keywords):
                _ticks.put(1)
                return complete(*arguments, **keywords)

            nb_man.cell_complete = counted
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill_engines.register("smicnb", CountingEngine)
    try:
        papermill.execute_notebook(
            str(place.source),
            str(place.executed),
            parameters=parameters,
            engine_name="smicnb",
            kernel_name="python3",
            cwd=str(place.source.parent),
            progress_bar=False,
            request_save_on_cell_execute=False,
        )
    except PapermillExecutionError as error:
        return error.ename, " ".join(str(error.evalue).split())
    except Exception as error:  # a kernel that died or never started: whatever papermill then raises
        return "RunError", " ".join(str(error).split()) or type(error).__name__
    return "", ""


def _environment(staged: Path, manifest: Path, private: str) -> dict[str, str]:
    threads = dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), THREADS
    )
    return {
        **threads,
        OUT: str(staged),
        MANIFEST: str(manifest),
        "IPYTHONDIR": private,  # no profile and no history of the user's
        # The kernel of this environment, not one of the same name elsewhere.
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_PATH": "",
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait sleep, and leave the core to who works
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "HF_HUB_OFFLINE": "1",  # weights come from the registry; no library asks a hub behind its back
    }
