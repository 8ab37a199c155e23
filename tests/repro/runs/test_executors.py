"""Processes and Dask workers give what one process gives, and one of them that is killed costs its piece alone."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from functools import partial
from pathlib import Path

import dask
import distributed  # noqa: F401 (whose settings have to be there before one of them is changed for a while)
import numpy as np
import pandas as pd
import pytest

from smicnb.base.work import executors
from smicnb.base.work.shards import run_pieces
from smicnb.repro import session
from smicnb.studies.frontier import sweep as frontier
from smicnb.studies.frontier.sweep import Grid

GRID = Grid(
    n_atoms=(2, 4, 6),
    b_dict=(2, 8),
    b_coef=(2, 6),
    penalties=(0.3, 3.0),
    learning_penalty=0.5,
    norm=20.0,
    seed=0,
    encoder="tests",
)


def latents(count, seed):
    some = np.random.default_rng(seed).laplace(size=(count, 16))
    return 20 * some / np.linalg.norm(some, axis=1, keepdims=True)


def sweep(executor=None):
    return frontier.sweep(latents(120, 0), {"heldout": latents(50, 1)}, GRID, executor=executor)


def deadly(folder: Path, doomed: int, times: int, shard, *arguments):
    """A shard that notes its beginning, and for one size kills its process the first few times.

    `shard` is the real one; None in another process, where nobody has put this in its place.
    """
    shard, size = shard or frontier.shard, arguments[-1]
    with (folder / f"{size}").open("a") as file:
        file.write("begun\n")
    if size == doomed and len((folder / f"{size}").read_text().splitlines()) <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return shard(*arguments)


def begun(folder):
    return {path.name: len(path.read_text().splitlines()) for path in folder.iterdir()}


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return sweep()


@pytest.fixture(scope="module")
def cluster():
    """The address of a scheduler with two worker processes."""
    # A task whose worker dies is told at once, and not tried on three others first.
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), executors.workforce(2, "") as at_work:
        yield at_work.variables


@pytest.fixture(params=["processes", "dask"])
def lent(request, monkeypatch):
    """The executor that a notebook is lent: two processes, or two workers of Dask."""
    variables = {"SMICNB_WORKERS": "2"} if request.param == "processes" else request.getfixturevalue("cluster")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with executors.lend_executor() as executor:
        yield executor


def test_a_killed_worker_costs_its_shard_alone_and_changes_no_result(lent, serial, fresh_cache, tmp_path, monkeypatch):
    folder = tmp_path / "begun"
    folder.mkdir()
    monkeypatch.setattr(frontier, "shard", partial(deadly, folder, 4, 1, None))
    pd.testing.assert_frame_equal(sweep(lent), serial, check_exact=True)
    assert begun(folder) == {"2": 1, "4": 2, "6": 1}


def test_a_shard_that_always_kills_its_worker_is_an_error_and_the_others_are_kept(
    lent, fresh_cache, tmp_path, monkeypatch
):
    shard, first, again = frontier.shard, tmp_path / "first", tmp_path / "again"
    first.mkdir()
    again.mkdir()
    monkeypatch.setattr(frontier, "shard", partial(deadly, first, 6, 9, None))
    with pytest.raises(BrokenExecutor):
        sweep(lent)
    assert begun(first).keys() == {"2", "4", "6"}
    assert begun(first)["6"] == 2
    monkeypatch.setattr(frontier, "shard", partial(deadly, again, 0, 0, shard))
    sweep()
    assert begun(again) == {"6": 1}


def killer(folder: Path, doomed: int, number: int) -> int:
    """The number; for one of them, death once the others are queued at the same worker."""
    (folder / f"{number}").touch()
    if number == doomed:
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_what_a_dying_worker_had_only_queued_is_done_all_the_same(lent, tmp_path):
    kept = []
    with pytest.raises(BrokenExecutor):
        kept.extend(number for number, _ in run_pieces(partial(killer, tmp_path, 0), range(4), lent))
    assert sorted(kept) == [1, 2, 3]


def test_without_more_than_one_worker_it_is_here_and_now(monkeypatch, tmp_path):
    monkeypatch.delenv("SMICNB_WORKERS", raising=False)
    monkeypatch.delenv("SMICNB_SCHEDULER", raising=False)
    with session.Session("a", {"seed": 0}, tmp_path, None).executor() as executor:
        assert executor is None
    assert list(run_pieces(abs, [-1, 2])) == [(-1, 1), (2, 2)]


def test_a_collection_is_encoded_in_blocks_that_are_kept(fresh_cache, monkeypatch):
    from smicnb.semantics.encoders import encoders
    from smicnb.semantics.photographs import image_collections

    encoder = encoders.encoder("lite0-minilm")
    part = image_collections.load("embedded").split("gallery")
    few = type(part)(part.name, part.items[:7], part.licence, part.page, {})
    monkeypatch.setattr(encoders, "BLOCK", 3)
    with executors.Processes(2) as processes:
        shared = encoders.encode_collection(encoder, few, processes)
    monkeypatch.setattr(encoders, "encode_block", lambda *arguments: pytest.fail("encoded again"))
    np.testing.assert_array_equal(encoders.encode_collection(encoder, few), shared)
    monkeypatch.undo()
    images = [item.image() for item in few]
    np.testing.assert_allclose(encoder.encode_images(images), shared, atol=1e-4)


def test_what_was_encoded_before_an_error_is_kept(fresh_cache, monkeypatch):
    from smicnb.semantics.encoders import encoders
    from smicnb.semantics.photographs import image_collections

    part = image_collections.load("embedded").split("gallery")
    few = type(part)(part.name, part.items[:5], part.licence, part.page, {})
    calls = []

    class Fails:
        name, dim, side, weights_hash = "fails", 2, 224, "at the second block"

        def encode_images(self, images, done=None):
            calls.append(len(list(images)))
            if len(calls) == 2:
                raise OSError("interrupted")
            return np.ones((calls[-1], 2), np.float32)

    monkeypatch.setattr(encoders, "BLOCK", 2)
    with pytest.raises(OSError, match="interrupted"):
        encoders.encode_collection(Fails(), few)
    assert encoders.encode_collection(Fails(), few).shape == (5, 2)
    assert calls == [2, 2, 2, 1]


def test_a_scheduler_that_is_lost_ends_the_run_and_the_same_command_resumes(tmp_path):
    from checkouts import at_work, make, processes_of, record, start, wait_until

    checkout = make(tmp_path / "dask", {"a": ["import time\n\ntime.sleep(600)"], "b": []})
    scheduler = _dask(checkout, "dask_scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", "where")
    wait_until((checkout / "where").is_file)
    worker = _dask(checkout, "dask_worker", "--scheduler-file", "where", "--nthreads", "1", "--no-dashboard")
    try:
        address = json.loads((checkout / "where").read_text())["address"]
        run = start(checkout, "run", "--executor", "dask", "--scheduler", address, "--jobs", "1")
        wait_until(lambda: at_work(checkout, "a"))
        began = time.monotonic()
        scheduler.kill()
        _, said = run.communicate(timeout=120)
        assert time.monotonic() - began < 60
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait(60)
    assert run.returncode == 1
    end = f"smicnb: the Dask scheduler at {address} is gone; the same command resumes with what is not finished"
    assert [line for line in said.splitlines() if not line.startswith("running")] == [end]
    assert (record(checkout, "a")["error"]["kind"], record(checkout, "b")["state"]) == ("Interrupted", "skipped")
    wait_until(lambda: not processes_of(checkout), 60)


def _dask(folder: Path, command: str, *words: str) -> subprocess.Popen:
    """A part of a cluster, as the command line of Dask starts it."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-m", f"distributed.cli.{command}", *words], cwd=folder, **quiet)


def test_notebooks_run_on_dask_and_share_its_workers(tmp_path):
    """One worker: the notebook leaves its place to the shards that its kernel asks for."""
    from checkouts import figures, make, record, smicnb

    asks = "import math\n\nwith run.executor() as executor:\n    value = executor.submit(math.sqrt, 4.0).result()"
    checkout = make(tmp_path / "dask", {"a": [asks], "b": ["1 / 0"]})
    done = smicnb(checkout, "run", "--executor", "dask", "--jobs", "1")
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].startswith("a: done in")
    assert "b: failed: division by zero" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert figures(checkout)["a/a.csv"] == b"x\n2\n4\n"
    assert record(checkout, "b")["cells"] == ["done", "done", "done", "failed", "pending"]
