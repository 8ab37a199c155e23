"""Run what is not fresh: notebooks on workers, their records and figures written here and nowhere else."""

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from smicnb.base import errors
from smicnb.base.errors import RunError, SmicnbError, StoppedError
from smicnb.base.files import check_folder, move, sha256_file
from smicnb.base.progress import progress_bar
from smicnb.base.work import executors
from smicnb.base.work.executors import SchedulerLostError, Workforce
from smicnb.repro.checkout import commit, is_committed, root, versions
from smicnb.repro.figures import keeper_of
from smicnb.repro.runs import freshness, records, worker
from smicnb.repro.runs.jobs import Job, jobs_of
from smicnb.repro.runs.worker import Outcome, Place, Task

__all__ = ["Job", "Outcome", "hold_checkout", "jobs_of", "raise_failures", "report", "run"]

BEAT = 0.2  # seconds between two looks at the workers
PARTING = 10.0  # seconds that workers have to end when the run is stopped


@dataclass
class _Running:
    """A notebook that was handed out: its record, and what its worker tells."""

    job: Job
    task: Task
    record: dict[str, Any]
    told: records.Told
    attempts: int = 1

    def listen(self, advance: Callable[[float], None]) -> None:
        """Take in what the worker told; the record is written where it began."""
        for event in self.told:
            if "begun" in event:
                self.record |= {"state": "running", "started": event["begun"], "attempts": self.attempts}
                _write(self.job, self.record)
            else:
                self.record["cells"] = records.follow(self.record["cells"], [event])
                if event["state"] != "running":
                    advance(1)

    def never_began(self, future: Future) -> bool:
        """Whether the worker died before it did anything."""
        return self.record["state"] == "queued" and (future.cancelled() or future.exception() is not None)


def run(
    jobs: list[Job],
    workers: int | None,
    force: bool = False,
    timeout: int | None = None,
    dask: str | None = None,
) -> list[Outcome]:
    """Run `jobs` where they are not fresh, under one progress display counted in cells.

    Args:
        jobs: the notebooks of one recipe.
        workers: notebooks at a time; None: as many as the executor is good for.
        force: run even what is fresh.
        timeout: seconds for each cell.
        dask: the same as in `executors.workforce`.

    Raises:
        SmicnbError: before anything starts, where a collection, an encoder, a kernel, a scheduler or the folder for
            figures is unknown or unusable.
        StoppedError: after an interrupt; workers and kernels are gone, what was finished is kept.
        RunError: after a Dask scheduler was lost in mid-run; the same holds.
    """
    inputs = {job.notebook: freshness.inputs(job) for job in jobs}
    stale = [job for job in jobs if force or freshness.reasons(job, inputs[job.notebook])]
    outcomes = {job.notebook: Outcome(job.notebook, "unchanged") for job in jobs}
    if not stale:
        return list(outcomes.values())
    from smicnb.repro.runs.kernels import find_kernel  # Jupyter's client, which a run of what is fresh does without

    kernel = {job.notebook: find_kernel(job.place.source) for job in stale}
    with hold_checkout(), records.Pulse(root() / ".smicnb" / "pulse") as pulse, _stop_signals() as asked_to_stop:
        _prepare(stale)
        known = {"versions": versions(), **commit()}
        waiting: deque[_Running] = deque()
        for job in stale:
            task = Task(job.notebook, job.parameters, job.place, kernel[job.notebook], timeout, pulse.path, pulse.run)
            record = records.new_record(job.notebook, job.recipe, job.parameters, inputs[job.notebook], **known)
            record["cells"] = ["pending"] * _code_cells(job.place.source)
            waiting.append(_Running(job, task, record, records.Told(job.place.events)))
        with executors.workforce(workers, dask) as at_work:
            for one in waiting:
                records.write(one.job.place.record, one.record)
            ended = _execute(waiting, at_work, pulse, asked_to_stop)
            if asked_to_stop():
                raise StoppedError("interrupted", do="the same command resumes with what is not finished")
    return list({**outcomes, **{outcome.notebook: outcome for outcome in ended}}.values())


def _execute(
    waiting: deque[_Running], at_work: Workforce, pulse: records.Pulse, asked_to_stop: Callable[[], bool]
) -> list[Outcome]:
    """Hand out what is waiting, as many at a time as there are workers, until all is done or stopped.

    Raises:
        RunError: the executor lost its scheduler; every record says how far its notebook came.
    """
    running: dict[Future, _Running] = {}
    ended: list[Outcome] = []
    lost: SchedulerLostError | None = None
    cells = sum(len(one.record["cells"]) for one in waiting)
    with progress_bar(f"running {len(waiting)} notebooks", cells) as advance:
        while (waiting or running) and not asked_to_stop() and not lost:
            while waiting and len(running) < at_work.count:
                one = waiting.popleft()
                one.task = replace(one.task, variables=at_work.variables)
                running[at_work.executor.submit(worker.execute, one.task)] = one
            finished, _ = wait(running, timeout=BEAT, return_when=FIRST_COMPLETED)
            pulse.beat()
            for one in running.values():
                one.listen(advance)
            for future in finished:
                one = running.pop(future)
                if not future.cancelled() and isinstance(error := future.exception(), SchedulerLostError):
                    lost = error
                if not lost and one.never_began(future) and one.attempts < worker.ATTEMPTS:
                    one.attempts += 1
                    waiting.appendleft(one)
                else:
                    ended.append(_finish(one, _outcome(one, future)))
        pulse.stop()
        wait(running, timeout=PARTING)
        for future, one in running.items():
            one.listen(advance)
            ended.append(_finish(one, _outcome(one, future) if future.done() else _stopped_outcome(one)))
    ended += [_finish(one, _stopped_outcome(one)) for one in waiting]
    if lost:
        raise RunError(str(lost), do="the same command resumes with what is not finished")
    return ended


@contextlib.contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Take note of an interrupt, so that it comes between two steps and not within one; a second one breaks in."""
    asked: list[int] = []

    def note(number: int, frame: object) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise KeyboardInterrupt

    mine = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM) if mine}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _outcome(one: _Running, future: Future) -> Outcome:
    """What a worker returned, or what can be said where it died."""
    try:
        outcome = future.result()
    except SchedulerLostError:
        return _stopped_outcome(one)
    except Exception as error:  # BrokenExecutor: the worker's process is gone
        text = f"the worker died ({errors.reason(error)})"
        outcome = Outcome(one.job.notebook, "dead", error=text, kind=worker.DEAD_WORKER)
    if outcome.kind != worker.DEAD_WORKER:
        return outcome
    cells = one.record["cells"]
    return replace(outcome, cell=records.last_cell(cells), cells=tuple(records.end_cells(cells, "dead")))


def _stopped_outcome(one: _Running) -> Outcome:
    cells = one.record["cells"]
    if one.record["state"] == "queued":
        return Outcome(one.job.notebook, "skipped", cells=tuple(cells))
    ended, said = tuple(records.end_cells(cells, "interrupted")), "the run was stopped"
    return Outcome(
        one.job.notebook, "failed", error=said, kind="Interrupted", cell=records.last_cell(cells), cells=ended
    )


def _finish(one: _Running, outcome: Outcome) -> Outcome:
    """Publish the figures of a notebook that is done, and write its record."""
    place, outputs = one.job.place, {}
    if outcome.state == "done":
        try:
            saved = _select_own(place, outcome.saved)
            outputs = {name: sha256_file(place.staged / name) for name in saved}
            _publish(place, saved)
        except OSError as error:
            text = f"the figures cannot be written: {error.strerror} ('{error.filename}')"
            outcome, outputs = replace(outcome, state="failed", error=text, kind="OSError"), {}
        except SmicnbError as error:  # a folder, say, where a figure was to go
            text = f"the figures cannot be written: {error}"
            outcome, outputs = replace(outcome, state="failed", error=text, kind="SmicnbError"), {}
    failure = {"kind": outcome.kind, "text": outcome.error, "cell": outcome.cell} if outcome.kind else None
    one.record |= {
        "state": outcome.state,
        "error": failure,
        "cells": list(outcome.cells or one.record["cells"]),
        "seconds": round(outcome.seconds, 1) if outcome.state != "skipped" else None,
        "attempts": max(outcome.attempts, one.attempts),
        "outputs": outputs,
    }
    _write(one.job, one.record)
    shutil.rmtree(place.work, ignore_errors=True)
    return outcome


def _select_own(place: Place, saved: Sequence[str]) -> list[str]:
    """What of the files that a notebook saved is for its folder: of committed figures one folder keeps what several
    recipes would write alike."""
    if not is_committed(place.out):
        return list(saved)
    kept = {Path(name).stem: keeper_of(place.staged / name) for name in saved if name.endswith(".json")}
    elsewhere = {stem for stem, folder in kept.items() if folder and (root() / folder).resolve() != place.out}
    return [name for name in saved if Path(name).stem not in elsewhere]


def _publish(place: Place, saved: Sequence[str]) -> None:
    """Move figures to where they belong, each whole, sidecars last: one that is there vouches for what it names."""
    changed = [name for name in saved if not _is_same_file(place.staged / name, place.out / name)]
    for name in sorted(changed, key=lambda name: name.endswith(".json")):
        target = place.out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        move(place.staged / name, target)


def _is_same_file(new: Path, old: Path) -> bool:
    return old.is_file() and old.stat().st_size == new.stat().st_size and old.read_bytes() == new.read_bytes()


def _write(job: Job, record: dict[str, Any]) -> None:
    """Write a record; a full disk is told and ends nothing, for the figures are what counts."""
    try:
        records.write(job.place.record, record)
    except OSError as error:
        print(f"smicnb: the record of {job.notebook} cannot be written: {error.strerror}", file=sys.stderr)


def _prepare(jobs: list[Job]) -> None:
    """Make every folder, clear away what a killed run left, and find out whether figures can be written.

    Raises:
        SmicnbError: they cannot.
    """
    for place in {job.place.record.parent: job.place for job in jobs}.values():
        for folder in (place.record.parent, place.executed.parent):
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob(".*-*"):  # begun by `atomic_path`, and nobody else is at work
                left.unlink(missing_ok=True)
    for out in {job.place.out for job in jobs}:
        try:
            out.mkdir(parents=True, exist_ok=True)
            check_folder(out)
        except OSError as error:
            raise SmicnbError(f"cannot write to '{out}' ({error.strerror})", "a folder for figures") from error
    for job in jobs:
        shutil.rmtree(job.place.work, ignore_errors=True)
        job.place.work.mkdir(parents=True)


def _code_cells(notebook: Path) -> int:
    """Code cells of the executed notebook: papermill adds one, with the parameters."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return sum(cell["cell_type"] == "code" for cell in cells) + 1


@contextlib.contextmanager
def hold_checkout() -> Iterator[None]:
    """Hold the checkout's lock: two runs at a time would write over each other's figures.

    Who holds it can take it again.

    Raises:
        SmicnbError: another process has it.
    """
    path = root() / ".smicnb" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0, is_singleton=True):
            yield
    except Timeout as error:
        raise SmicnbError("another 'smicnb run' is at work in this checkout", do="wait for it to end") from error


def report(outcomes: list[Outcome], jobs: list[Job]) -> list[str]:
    """One line per notebook, for a person, and where the figures are."""
    places = {job.notebook: job.place for job in jobs}
    lines = []
    for outcome in outcomes:
        if outcome.state == "done":
            lines.append(f"{outcome.notebook}: done in {outcome.seconds:.0f} s")
        elif outcome.state == "unchanged":
            lines.append(f"{outcome.notebook}: unchanged")
        else:
            executed = places[outcome.notebook].executed
            where = f" (see {executed.relative_to(root())})" if executed.is_file() else ""
            lines.append(f"{outcome.notebook}: {outcome.state}: {outcome.error}{where}")
    folder = os.path.commonpath([place.out.relative_to(root().resolve()) for place in places.values()])
    return [*lines, f"figures and tables: {folder}"]


def raise_failures(outcomes: list[Outcome]) -> None:
    """Raise where a notebook failed: with exit status 2 where all that failed did so by a user's mistake."""
    failed = [outcome for outcome in outcomes if outcome.state not in ("done", "unchanged")]
    if not failed:
        return
    kinds = [getattr(errors, outcome.kind, None) for outcome in failed]
    theirs = all(isinstance(kind, type) and issubclass(kind, SmicnbError) and kind is not RunError for kind in kinds)
    message = f"{len(failed)} of {len(outcomes)} notebooks failed: {', '.join(o.notebook for o in failed)}"
    raise (SmicnbError if theirs else RunError)(message)
