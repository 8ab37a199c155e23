"""Run notebooks with papermill, each in a process of its own, and skip those whose inputs are unchanged.

A notebook's run record (.smicnb/records/RECIPE/NOTEBOOK.json) keeps the hash of everything it was made from
and of everything it wrote; equal hashes on both sides are the only reason to skip.
"""

import json
import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from filelock import FileLock, Timeout

from smicnb.base import errors
from smicnb.base.errors import RunError, SmicnbError, StoppedError
from smicnb.base.files import sha256_file, sha256_json
from smicnb.base.progress import progress_bar
from smicnb.repro import kernels, params
from smicnb.repro.checkout import code_hash, root
from smicnb.repro.kernels import Outcome, Place
from smicnb.repro.session import versions
from smicnb.semantics import collections, encoders, hub_models


@lru_cache(maxsize=8)
def collection_of(name: str) -> collections.Collection:
    """The collection of a name, loaded once per process; what was left out of it is said on stderr."""
    loaded = collections.load(name)
    if loaded.skipped:
        print(f"smicnb: warning: {loaded.summary()}", file=sys.stderr)
    return loaded


@dataclass(frozen=True)
class Job:
    """One notebook with all its parameters, and where everything goes."""

    notebook: str
    parameters: dict[str, Any]
    place: Place

    def inputs(self) -> dict[str, str]:
        """Hashes of what decides the result: code, notebook, parameters, versions, data, weights."""
        hashes = {
            "code": code_hash(),
            "notebook": sha256_file(self.place.source),
            "parameters": sha256_json(self.parameters),
            "versions": sha256_json(versions()),
        }
        if "collection" in self.parameters:
            hashes["collection"] = collection_of(self.parameters["collection"]).fingerprint
        dim = None
        if "encoder" in self.parameters:
            encoder = encoders.encoder(self.parameters["encoder"])
            hashes["weights"], dim = encoder.weights_hash, encoder.dim
        if "judge" in self.parameters:
            hashes["judge"] = encoders.image_encoder(self.parameters["judge"]).weights_hash
        for kind in ("generator", "captioner", "segmenter", "quality"):
            if kind in self.parameters:
                hashes[kind] = hub_models.weights_hash(self.parameters[kind], dim)
        # Notebooks redraw what needs an absent data set from the tables committed for it.
        folder = root() / "figures" / "bsds500"
        if folder != self.place.out:
            tables = sorted(folder.glob("*.csv"))
            hashes |= {f"figures/bsds500/{table.name}": sha256_file(table) for table in tables}
        return hashes

    def fresh(self, inputs: dict[str, str]) -> bool:
        """Whether the last run finished from equal inputs and all that it wrote is still as written."""
        try:
            record = json.loads(self.place.record.read_text(encoding="utf-8"))
            if record["state"] != "done" or record["inputs"] != inputs:
                return False
            out = self.place.out
            return all(sha256_file(out / name) == digest for name, digest in record["outputs"].items())
        except (OSError, ValueError, KeyError, TypeError):
            return False


def jobs_of(recipe: params.Recipe, wanted: list[str], settings: dict[str, Any]) -> list[Job]:
    """The recipe's jobs (all of them where `wanted` is empty), every parameter checked.

    With settings of one's own, figures go to .smicnb/figures/RECIPE: the committed ones are the recipe's. A
    setting that the recipe leaves to the user ("bsds500:", a folder to be named) is part of the recipe.
    """
    names = [params.notebook_path(name).stem for name in wanted] or list(recipe.notebooks)
    state = root() / ".smicnb"
    own = (root() / recipe.figures).resolve()
    if not own.is_relative_to(root().resolve()):
        raise SmicnbError(f"recipe {recipe.name} writes figures to '{recipe.figures}'", "a folder of the checkout")
    out = own if recipe.asks_for(settings) else state / "figures" / recipe.name
    jobs = []
    for name, values in params.parameters(recipe, names, settings).items():
        place = Place(
            source=params.notebook_path(name),
            out=out,
            executed=state / "runs" / recipe.name / f"{name}.ipynb",
            record=state / "records" / recipe.name / f"{name}.json",
        )
        jobs.append(Job(name, values, place))
    return jobs


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the checkout's lock: two runs at a time would write over each other's figures."""
    path = root() / ".smicnb" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0):
            yield
    except Timeout as error:
        raise SmicnbError("another 'smicnb run' is at work in this checkout", do="wait for it to end") from error


def run(jobs: list[Job], workers: int, force: bool = False) -> list[Outcome]:
    """Run `jobs`, `workers` at a time, under one progress display counted in cells.

    Raises:
        SmicnbError: before anything starts, where a collection or encoder is unknown or unusable.
        StoppedError: after an interrupt; workers and kernels are gone, what was finished is kept.
    """
    inputs = {job.notebook: job.inputs() for job in jobs}
    stale = [job for job in jobs if force or not job.fresh(inputs[job.notebook])]
    outcomes = {job.notebook: Outcome(job.notebook, "skipped") for job in jobs}
    if not stale:
        return list(outcomes.values())
    # papermill adds one cell, with the parameters
    cells = sum(len(json.loads(job.place.source.read_text(encoding="utf-8"))["cells"]) + 1 for job in stale)
    spawn = multiprocessing.get_context("spawn")
    with _alone(), progress_bar(f"running {len(stale)} notebooks", cells) as advance:
        ticks = spawn.SimpleQueue()
        pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=kernels.initialise, initargs=(ticks,))
        try:
            futures = {
                pool.submit(kernels.execute, job.notebook, job.place, job.parameters, inputs[job.notebook]): job
                for job in stale
            }
            waiting: set[Future] = set(futures)
            while waiting:
                finished, waiting = wait(waiting, timeout=0.2)
                while not ticks.empty():
                    ticks.get()
                    advance(1)
                for future in finished:
                    outcomes[futures[future].notebook] = _outcome(futures[future], future)
            pool.shutdown()
        except KeyboardInterrupt as error:
            for worker in multiprocessing.active_children():
                if worker.name.startswith("SpawnProcess"):
                    worker.terminate()  # its kernel ends with it
            pool.shutdown(wait=False, cancel_futures=True)
            raise StoppedError("interrupted", do="the same command resumes with what is not finished") from error
    return list(outcomes.values())


def _outcome(job: Job, future: Future) -> Outcome:
    try:
        return future.result()
    except Exception as error:  # the worker process itself died
        return Outcome(job.notebook, "failed", error=str(error) or type(error).__name__, kind="RunError")


def report(outcomes: list[Outcome], jobs: list[Job]) -> list[str]:
    """One line per notebook, for a person, and where the figures are."""
    places = {job.notebook: job.place for job in jobs}
    lines = []
    for outcome in outcomes:
        if outcome.state == "failed":
            executed = places[outcome.notebook].executed
            where = f" (see {executed.relative_to(root())})" if executed.is_file() else ""
            lines.append(f"{outcome.notebook}: failed: {outcome.error}{where}")
        elif outcome.state == "skipped":
            lines.append(f"{outcome.notebook}: unchanged")
        else:
            lines.append(f"{outcome.notebook}: done in {outcome.seconds:.0f} s")
    folders = sorted({str(place.out.relative_to(root().resolve())) for place in places.values()})
    return [*lines, f"figures and tables: {', '.join(folders)}"]


def raise_for(outcomes: list[Outcome]) -> None:
    """Raise where a notebook failed: with exit status 2 where all that failed did so by a user's mistake."""
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    if not failed:
        return
    kinds = [getattr(errors, outcome.kind, None) for outcome in failed]
    theirs = all(isinstance(kind, type) and issubclass(kind, SmicnbError) and kind is not RunError for kind in kinds)
    message = f"{len(failed)} of {len(outcomes)} notebooks failed: {', '.join(o.notebook for o in failed)}"
    raise (SmicnbError if theirs else RunError)(message)
