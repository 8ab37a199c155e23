"""Run notebooks with papermill, each in a process of its own, and skip those whose inputs are unchanged.

A notebook's run record (.smicnb/records/RECIPE/NOTEBOOK.json) keeps the hash of everything it was made from
and of everything it wrote; equal hashes on both sides are the only reason to skip.
"""

import json
import multiprocessing
import os
import tempfile
import time
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smicnb.base import errors
from smicnb.base.errors import RunError, SmicnbError
from smicnb.base.files import sha256_file, sha256_json, write_json
from smicnb.base.progress import progress_bar
from smicnb.repro import params
from smicnb.repro.checkout import code_hash, commit, root
from smicnb.repro.session import MANIFEST, OUT, versions
from smicnb.semantics import collections

THREADS = "2"  # per kernel on every machine: sums split over threads round by their number


@dataclass(frozen=True)
class Job:
    """One notebook with all its parameters, and where everything goes."""

    notebook: str
    source: Path
    parameters: dict[str, Any]
    out: Path
    executed: Path
    record: Path

    @property
    def inputs(self) -> dict[str, str]:
        """Hashes of what decides the result: code, notebook, parameters, data."""
        hashes = {
            "code": code_hash(),
            "notebook": sha256_file(self.source),
            "parameters": sha256_json(self.parameters),
        }
        if "collection" in self.parameters:
            hashes["collection"] = collections.load(self.parameters["collection"]).fingerprint
        for name, table in self._committed_tables():
            hashes[name] = table
        return hashes

    def _committed_tables(self) -> list[tuple[str, str]]:
        # Notebooks redraw what needs an absent data set from tables under figures/bsds500.
        folder = root() / "figures" / "bsds500"
        tables = sorted(folder.glob("*.csv")) if folder != self.out else []
        return [(f"figures/bsds500/{table.name}", sha256_file(table)) for table in tables]

    def fresh(self, inputs: dict[str, str]) -> bool:
        """Whether the last run finished from equal inputs and all that it wrote is still as written."""
        try:
            record = json.loads(self.record.read_text())
            if record["state"] != "done" or record["inputs"] != inputs:
                return False
            return all(sha256_file(self.out / name) == digest for name, digest in record["outputs"].items())
        except (OSError, ValueError, KeyError, TypeError):
            return False


@dataclass(frozen=True)
class Outcome:
    """How one notebook ended: state "done", "skipped" or "failed", seconds, and the error's parts."""

    notebook: str
    state: str
    seconds: float = 0.0
    error: str = ""
    kind: str = ""


def jobs_of(recipe: params.Recipe, wanted: list[str], settings: dict[str, Any]) -> list[Job]:
    """The recipe's jobs (all of them where `wanted` is empty), every parameter checked."""
    names = [params.notebook_path(name).stem for name in wanted] or list(recipe.notebooks)
    state = root() / ".smicnb"
    out = (root() / recipe.figures).resolve()
    if not out.is_relative_to(root().resolve()):
        raise SmicnbError(f"recipe {recipe.name} writes figures to '{recipe.figures}'", "a folder of the checkout")
    return [
        Job(
            notebook=name,
            source=params.notebook_path(name),
            parameters=values,
            out=out,
            executed=state / "runs" / recipe.name / f"{name}.ipynb",
            record=state / "records" / recipe.name / f"{name}.json",
        )
        for name, values in params.parameters(recipe, names, settings).items()
    ]


def run(jobs: list[Job], workers: int, force: bool = False) -> list[Outcome]:
    """Run `jobs`, `workers` at a time, under one progress display counted in cells.

    Raises:
        SmicnbError: before anything starts, where a collection is unknown or unusable.
    """
    inputs = {job.notebook: job.inputs for job in jobs}
    stale = [job for job in jobs if force or not job.fresh(inputs[job.notebook])]
    outcomes = {job.notebook: Outcome(job.notebook, "skipped") for job in jobs}
    if stale:
        # papermill adds one cell, with the parameters
        cells = sum(len(json.loads(job.source.read_text())["cells"]) + 1 for job in stale)
        spawn = multiprocessing.get_context("spawn")
        with (
            spawn.Manager() as manager,
            ProcessPoolExecutor(workers, mp_context=spawn) as pool,
            progress_bar(f"running {len(stale)} notebooks", cells) as advance,
        ):
            ticks = manager.Queue()
            futures = {pool.submit(_execute, job, inputs[job.notebook], ticks): job for job in stale}
            waiting: set[Future] = set(futures)
            while waiting:
                finished, waiting = wait(waiting, timeout=0.2)
                while not ticks.empty():
                    ticks.get()
                    advance(1)
                for future in finished:
                    outcomes[futures[future].notebook] = _outcome(futures[future], future)
    return list(outcomes.values())


def _outcome(job: Job, future: Future) -> Outcome:
    try:
        return future.result()
    except Exception as error:  # the worker process itself died
        return Outcome(job.notebook, "failed", error=str(error) or type(error).__name__, kind="RunError")


def _execute(job: Job, inputs: dict[str, str], ticks: Any) -> Outcome:
    """In a worker process: run one notebook, write its record, return how it ended."""
    import papermill
    from papermill.engines import NBClientEngine, papermill_engines
    from papermill.exceptions import PapermillExecutionError

    class CountingEngine(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, nb_man, kernel_name, **options):
            complete = nb_man.cell_complete

            def counted(*arguments, **keywords):
                ticks.put(1)
                return complete(*arguments, **keywords)

            nb_man.cell_complete = counted
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill_engines.register("smicnb", CountingEngine)
    began, started = time.monotonic(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    job.executed.parent.mkdir(parents=True, exist_ok=True)
    # What the kernel process says on its own (not through a cell) goes to a log beside the notebook.
    with job.executed.with_suffix(".log").open("w") as log:
        os.dup2(log.fileno(), 2)
    with tempfile.TemporaryDirectory(prefix="smicnb-") as private:
        manifest = Path(private) / "manifest.json"
        os.environ.update(_kernel_environment(job, manifest, private))
        try:
            papermill.execute_notebook(
                str(job.source),
                str(job.executed),
                parameters=job.parameters,
                engine_name="smicnb",
                kernel_name="python3",
                cwd=str(job.source.parent),
                progress_bar=False,
                request_save_on_cell_execute=False,
            )
            outcome = Outcome(job.notebook, "done", time.monotonic() - began)
        except PapermillExecutionError as error:
            line = " ".join(str(error.evalue).split())
            outcome = Outcome(job.notebook, "failed", time.monotonic() - began, line, error.ename)
        except Exception as error:  # a kernel that died or never started: whatever papermill then raises
            line = " ".join(str(error).split()) or type(error).__name__
            outcome = Outcome(job.notebook, "failed", time.monotonic() - began, line, "RunError")
        saved = json.loads(manifest.read_text()) if manifest.is_file() else []
    record = {
        "notebook": job.notebook,
        "state": outcome.state,
        "error": {"kind": outcome.kind, "text": outcome.error} if outcome.error else None,
        "started": started,
        "seconds": round(outcome.seconds, 1),
        "parameters": job.parameters,
        "inputs": inputs,
        "outputs": {name: sha256_file(job.out / name) for name in saved},
        "versions": versions(),
        **commit(),
    }
    write_json(job.record, record)
    return outcome


def _kernel_environment(job: Job, manifest: Path, private: str) -> dict[str, str]:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), THREADS)
    return {
        **threads,
        OUT: str(job.out),
        MANIFEST: str(manifest),
        "IPYTHONDIR": private,  # no profile and no history of the user's
        "JUPYTER_PREFER_ENV_PATH": "1",  # the kernel of this environment, not one of the same name elsewhere
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "HF_HUB_OFFLINE": "1",  # weights come from the registry; no library asks a hub behind its back
    }


def report(outcomes: list[Outcome], jobs: list[Job]) -> list[str]:
    """One line per notebook, for a person."""
    places = {job.notebook: job for job in jobs}
    lines = []
    for outcome in outcomes:
        if outcome.state == "failed":
            where = places[outcome.notebook].executed.relative_to(root())
            lines.append(f"{outcome.notebook}: failed: {outcome.error} (see {where})")
        elif outcome.state == "skipped":
            lines.append(f"{outcome.notebook}: unchanged")
        else:
            lines.append(f"{outcome.notebook}: done in {outcome.seconds:.0f} s")
    return lines


def raise_for(outcomes: list[Outcome]) -> None:
    """Raise where a notebook failed: a user's mistake with exit status 2, else 1."""
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    if not failed:
        return
    theirs = getattr(errors, failed[0].kind, None)
    wrong_input = len(failed) == 1 and isinstance(theirs, type) and issubclass(theirs, SmicnbError)
    message = f"{len(failed)} of {len(outcomes)} notebooks failed: {', '.join(o.notebook for o in failed)}"
    raise (SmicnbError if wrong_input and theirs is not RunError else RunError)(message)
