"""What a run says where kernels, cells, workers or the run itself come to grief: notebook, record, status, exit."""

import json
import os
import random
import signal
import subprocess
import time

import pytest
from checkouts import (
    at_work,
    executed,
    figures,
    kernels_of,
    make,
    processes_of,
    record,
    smicnb,
    start,
    state_of,
    status,
    wait_until,
    write,
)

KILL_ITSELF = (
    "import os\nimport signal\nimport pathlib\n\nif pathlib.Path('../deadly').exists():\n    os.kill(os.getpid(), 9)"
)
WAIT_FOR_IT = "import pathlib\nimport time\n\nwhile not pathlib.Path('../go').exists():\n    time.sleep(0.1)"
WAIT = "import time\n\ntime.sleep({seconds})"
MOMENTS = 5  # of a run, drawn at random


@pytest.fixture(scope="module")
def after_a_kill(tmp_path_factory):
    """A checkout whose second notebook killed its kernel in cell 4 of 6, and what the run said."""
    checkout = make(tmp_path_factory.mktemp("kill"), {"a": [], "b": ["print('here')", KILL_ITSELF], "c": []})
    (checkout / "deadly").touch()
    long = checkout / ("temporary files in a folder whose name leaves no room for sockets " + 60 * "x")
    long.mkdir()
    return checkout, smicnb(checkout, "run", TMPDIR=str(long))


def test_a_killed_kernel_is_told_in_notebook_record_status_and_exit_status(after_a_kill):
    checkout, done = after_a_kill
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "b: dead: the kernel was killed in this cell (SIGKILL" in done.stdout
    assert "a: done in" in done.stdout
    assert "c: done in" in done.stdout
    states = ["done", "done", "done", "done", "dead", "pending"]
    cells = executed(checkout, "b")
    assert [cell.metadata.smicnb.state for cell in cells] == states
    assert [cell.metadata.papermill.status for cell in cells] == [*["completed"] * 4, "failed", "pending"]
    assert cells[3].outputs[0].text == "here\n"
    assert "killed" in cells[4].outputs[-1].evalue
    assert cells[5].outputs == []
    kept = record(checkout, "b")
    assert (kept["state"], kept["cells"], kept["error"]["cell"]) == ("dead", states, 4)
    assert kept["error"]["kind"] == "DeadKernel"
    row = status(checkout)["b"]
    assert (row["state"], row["cells"]) == ("dead", states)
    assert row["stale"] == [f"dead in cell 5 of 6: {kept['error']['text']}"]
    suffixes = ("csv", "json", "md", "tex")
    assert sorted(figures(checkout)) == [f"{name}/{name}.{suffix}" for name in "ac" for suffix in suffixes]


def test_the_next_run_resumes_with_just_that_notebook(after_a_kill):
    checkout, _ = after_a_kill
    (checkout / "deadly").unlink(missing_ok=True)
    done = smicnb(checkout, "run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "a: unchanged"
    assert done.stdout.splitlines()[1].startswith("b: done in")
    assert done.stdout.splitlines()[2] == "c: unchanged"
    began = time.monotonic()
    assert smicnb(checkout, "run").stdout.count("unchanged") == 3
    assert time.monotonic() - began < 15  # 5 s on a machine that has nothing else to do
    assert [row["stale"] for row in status(checkout).values()] == [[], [], []]


def test_every_other_end_of_a_cell_and_bounded_outputs(tmp_path):
    checkout = make(
        tmp_path,
        {
            "hangs": [WAIT.format(seconds=600)],
            "raises": ["raise ValueError('not\\nlike this' + 3_000_000 * 'x')"],
            "is_interrupted": [
                "import os\nimport signal\n\nos.kill(os.getpid(), signal.SIGINT)\n" + WAIT.format(seconds=9)
            ],
            "leaves": ["import sys\n\nsys.exit(0)"],
            "captures": ["%%capture\nraise ValueError('all the same')"],
            "floods": ["for _ in range(20):\n    print('x' * 999_999)", "print('all the same')"],
        },
    )
    done = smicnb(checkout, "run", "--timeout", "8", "--jobs", "2")
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    ends = {
        "hangs": ("timeout", "timeout", "Timeout", "the cell took longer than 8 s and was ended"),
        "raises": ("failed", "failed", "ValueError", f"not like this{237 * 'x'}…{249 * 'x'}"),
        "is_interrupted": ("failed", "interrupted", "KeyboardInterrupt", "the kernel was interrupted"),
        "leaves": ("failed", "failed", "SystemExit", "0"),
        "captures": ("failed", "failed", "ValueError", "all the same"),
    }
    for name, (state, cell, kind, text) in ends.items():
        kept = record(checkout, name)
        assert kept["cells"] == ["done", "done", "done", cell, "pending"]
        assert (kept["state"], kept["error"]) == (state, {"kind": kind, "text": text, "cell": 3})
        assert [each.metadata.smicnb.state for each in executed(checkout, name)] == kept["cells"]
        assert kind in [output.get("ename") for output in executed(checkout, name)[3].outputs]
    assert len(str(executed(checkout, "raises"))) < 50_000
    assert len(done.stdout) < 5_000
    assert record(checkout, "floods")["state"] == "done"
    outputs = executed(checkout, "floods")[3].outputs
    assert sum(len(output.text) for output in outputs) < 8.1 * 2**20
    assert outputs[-1].text.startswith("[smicnb left out 11611392 bytes of stdout")
    assert {name.partition("/")[0] for name in figures(checkout)} == {"floods"}


def test_pictures_are_in_the_executed_notebook_whatever_backend_the_environment_names(tmp_path):
    checkout = make(tmp_path, {"draws": ["import matplotlib.pyplot as plt\n\n_ = plt.plot([1, 2])"]})
    done = smicnb(checkout, "run", MPLBACKEND="agg")
    assert done.returncode == 0, done.stderr
    assert "image/png" in executed(checkout, "draws")[3].outputs[0].data


@pytest.mark.parametrize("executor", ["processes", "dask"])
def test_an_interrupted_run_says_what_was_begun_and_what_was_not(executor, tmp_path):
    checkout = make(tmp_path, {"a": [WAIT.format(seconds=600)], "b": []})
    process = start(checkout, "run", "--jobs", "1", "--executor", executor)
    wait_until(lambda: kernels_of(checkout))
    assert record(checkout, "b")["state"] == "queued"
    wait_until(lambda: at_work(checkout, "a"))
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - began < 20
    assert process.returncode == 130
    assert said.strip().splitlines()[-1].startswith("smicnb: interrupted; the same command resumes")
    assert "Traceback" not in said
    wait_until(lambda: not processes_of(checkout), 30)
    kept = record(checkout, "a")
    assert (kept["state"], kept["error"]["kind"], kept["error"]["cell"]) == ("failed", "Interrupted", 3)
    assert kept["cells"] == ["done", "done", "done", "interrupted", "pending"]
    assert [cell.metadata.smicnb.state for cell in executed(checkout, "a")] == kept["cells"]
    assert record(checkout, "b")["state"] == "skipped"


@pytest.mark.parametrize("executor", ["processes", "dask"])
def test_a_killed_worker_costs_its_notebook_alone(executor, tmp_path):
    begins = "import pathlib\n\nwith pathlib.Path('../begun').open('a') as file:\n    file.write('x')"
    checkout = make(tmp_path, {"a": [f"{begins}\n\n{WAIT.format(seconds=600)}"], "b": [WAIT_FOR_IT]})
    process = start(checkout, "run", "--jobs", "2", "--executor", executor)
    wait_until(lambda: at_work(checkout, "a") and at_work(checkout, "b"))
    (kernel,) = [found for found in kernels_of(checkout) if _notebook_of(found) == "a"]
    kernel.parent().kill()
    wait_until(lambda: record(checkout, "a")["state"] == "dead")
    (checkout / "go").touch()
    out, said = process.communicate(timeout=120)
    assert "Traceback" not in out + said
    assert process.returncode == 1
    assert "a: dead: the worker died" in out
    assert "b: done in" in out
    kept = record(checkout, "a")
    assert kept["error"]["kind"] == "DeadWorker"
    assert kept["cells"][kept["error"]["cell"]] == "dead"
    assert (checkout / "begun").read_text() == "x"
    wait_until(lambda: not processes_of(checkout), 30)


def _notebook_of(kernel):
    return kernel.environ()["SMICNB_MANIFEST"].split("/")[-2]


def test_a_run_killed_at_any_moment_leaves_no_half_written_file(tmp_path):
    notebooks = {"a": [], "b": []}
    undisturbed, checkout = make(tmp_path / "quiet", notebooks), make(tmp_path / "noisy", notebooks)
    began = time.monotonic()
    assert smicnb(undisturbed, "run").returncode == 0
    whole = time.monotonic() - began
    chance = random.Random(5)
    for _ in range(MOMENTS):
        process = start(checkout, "run", "--force")
        time.sleep(chance.uniform(0.2, 1.0) * whole)
        process.kill()
        process.communicate(timeout=60)
        for path in checkout.rglob("*.json"):
            if not path.name.startswith("."):
                json.loads(path.read_text())
        for name, content in figures(checkout).items():
            assert content == (undisturbed / "figures" / name).read_bytes()
        assert {state_of(checkout, name) for name in notebooks} <= {"absent", "done", "dead"}
    wait_until(lambda: not processes_of(checkout), 30)
    assert smicnb(checkout, "run").returncode == 0
    assert figures(checkout) == figures(undisturbed)
    assert list((checkout / ".smicnb").rglob(".*-*")) == []
    assert [row["stale"] for row in status(checkout).values()] == [[], []]


def test_only_a_kernel_that_cannot_start_is_tried_again(tmp_path):
    checkout = make(tmp_path / "checkout", {"a": []})
    (tmp_path / "ipykernel_launcher.py").write_text("raise SystemExit('no kernel today')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = smicnb(checkout, "run", PYTHONPATH=path)
    assert done.returncode == 1
    assert "a: failed: the kernel could not start" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    kept = record(checkout, "a")
    assert (kept["attempts"], kept["error"]["kind"]) == (2, "KernelStart")
    assert set(kept["cells"]) == {"pending"}
    assert "no kernel today" in (checkout / ".smicnb/runs/embedded/a.log").read_text()


@pytest.mark.parametrize(
    ("notebook", "words", "message"),
    [
        ({"parameters": ""}, [], "a.ipynb has 0 cells tagged 'parameters'; needed: exactly one"),
        (
            {"kernel": "julia-1.9"},
            [],
            "a.ipynb asks for the kernel 'julia-1.9', which is not installed; needed: one of",
        ),
        (
            {},
            ["--executor", "dask", "--scheduler", "tcp://127.0.0.1:9"],
            "no Dask scheduler answers at 'tcp://127.0.0.1:9'",
        ),
        ({}, ["--scheduler", "tcp://127.0.0.1:9"], "needed: --executor dask with it"),
    ],
)
def test_what_cannot_run_is_one_line_and_exit_status_2(tmp_path, notebook, words, message):
    checkout = make(tmp_path, {"a": []})
    write(checkout, "a", [], **notebook)
    done = smicnb(checkout, "run", *words, timeout=60)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (checkout / "figures").exists() or figures(checkout) == {}


@pytest.fixture
def small_disk(tmp_path):
    """A checkout on a file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "smicnb", str(folder)]
    if (done := subprocess.run(mount, capture_output=True, text=True)).returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield make(folder, {"a": []})
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_one_line_and_loses_nothing(small_disk):
    checkout = small_disk
    assert smicnb(checkout, "run").returncode == 0
    before = figures(checkout)
    write(
        checkout,
        "a",
        ["import pandas as pd\n\nrun.save_table(pd.DataFrame({'x': range(600_000)}), 'large', 'Too much.')"],
    )
    done = smicnb(checkout, "run")
    assert done.returncode != 0
    assert "No space left on device" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert figures(checkout) == before
    subprocess.run(["dd", "if=/dev/zero", f"of={checkout / 'filler'}"], capture_output=True)  # ends when all is full
    done = smicnb(checkout, "run")
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert figures(checkout) == before
    (checkout / "filler").unlink()
    write(checkout, "a", [])
    assert smicnb(checkout, "run").returncode == 0
    assert figures(checkout) == before


def test_a_folder_for_figures_that_cannot_be_written(small_disk):
    checkout = small_disk
    assert smicnb(checkout, "run").returncode == 0
    before = figures(checkout)
    bind = ["mount", "--bind", str(checkout / "figures"), str(checkout / "figures")]
    subprocess.run(bind, check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(checkout / "figures")], check=True)
        done = smicnb(checkout, "run", "--force")
        assert done.returncode == 2
        assert done.stderr.startswith(f"smicnb: cannot write to '{checkout / 'figures' / 'a'}' (")
        assert len(done.stderr.strip().splitlines()) == 1
        assert figures(checkout) == before
        assert record(checkout, "a")["state"] == "done"
    finally:
        subprocess.run(["umount", "--lazy", str(checkout / "figures")], check=True)
