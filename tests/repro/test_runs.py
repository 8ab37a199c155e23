"""`smicnb run` as a user types it, on real notebooks at a small size, in a checkout of its own."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

SMALL = ["--set", "n_atoms=[2, 4]", "--set", "draws=2", "--set", "decomposition_atoms=4"]


@pytest.fixture(scope="module")
def checkout(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("notebooks", "recipes"):
        shutil.copytree(repository / name, folder / name)
    for name in ("requirements.lock", "requirements-torch.lock"):
        shutil.copy(repository / name, folder / name)
    shutil.copytree(repository / "figures" / "bsds500", folder / "figures" / "bsds500")
    return folder


def smicnb(checkout: Path, *words: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "smicnb.cli", *words]
    settings = {**os.environ, "SMICNB_PROGRESS": "plain", **environment}
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, env=settings, timeout=400)


def figures(checkout: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (checkout / "figures").glob("*.*")}


@pytest.fixture(scope="module")
def first(checkout):
    done = smicnb(checkout, "run", "03_reconstruction", *SMALL)
    assert done.returncode == 0, done.stderr
    return figures(checkout)


def test_run_writes_figures_and_a_record(checkout, first):
    assert {"table1.csv", "fig08_reconstructions.png", "claim_learned_atoms.pdf"} <= set(first)
    record = json.loads((checkout / ".smicnb/records/embedded/03_reconstruction.json").read_text())
    assert record["state"] == "done"
    assert record["parameters"]["n_atoms"] == [2, 4]
    assert set(record["outputs"]) == set(first)
    assert set(record["inputs"]) >= {"code", "notebook", "parameters", "collection"}


def test_unchanged_work_is_skipped_quickly(checkout, first):
    began = time.monotonic()
    done = smicnb(checkout, "run", "03_reconstruction", *SMALL)
    assert done.stdout == "03_reconstruction: unchanged\n"
    assert time.monotonic() - began < 30
    assert figures(checkout) == first


def test_forced_run_repeats_every_byte(checkout, first):
    done = smicnb(checkout, "run", "03_reconstruction", "--force", *SMALL)
    assert "done in" in done.stdout
    assert figures(checkout) == first


def test_a_touched_output_is_made_again(checkout, first):
    (checkout / "figures" / "table1.csv").write_text("n_a\n1\n")
    done = smicnb(checkout, "run", "03_reconstruction", *SMALL)
    assert "done in" in done.stdout
    assert figures(checkout) == first


def test_a_failing_notebook_says_why_and_touches_nothing(checkout, first):
    done = smicnb(checkout, "run", "03_reconstruction", "--set", "encoder=lite0-minlm", *SMALL)
    assert done.returncode == 2
    assert "did you mean 'lite0-minilm'" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert figures(checkout) == first
    record = json.loads((checkout / ".smicnb/records/embedded/03_reconstruction.json").read_text())
    assert record["state"] == "failed"
    assert record["error"]["kind"] == "UnknownNameError"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--set", "lamda=1"], "unknown parameter"),
        (["run", "02_dictionary"], "did you mean '02_dictionary_atoms'"),
        (["run", "--recipe", "embeded"], "did you mean 'embedded'"),
        (["run", "--set", "collection=embeddd"], "did you mean 'embedded'"),
        (["run", "--set", "collection=folder:/no/such/folder"], "/no/such/folder"),
        (["collection", "kodac:x"], "did you mean 'kodak'"),
        (["weights", "fetch", "alexnet"], "did you mean 'alexnet-conv'"),
        (["weights", "fetch"], "exactly one of them"),
    ],
)
def test_a_user_s_mistake_is_one_line_and_exit_status_2(checkout, words, message):
    done = smicnb(checkout, *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_outside_a_checkout_the_package_s_own_is_used_and_empty_folders_are_explained(checkout, tmp_path):
    empty = tmp_path / "photos"
    empty.mkdir()
    (empty / "notes.jpg").write_text("no picture")
    done = smicnb(checkout, "run", "--set", f"collection=folder:{empty}")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_collection_and_weights_are_listed(checkout):
    done = smicnb(checkout, "collection", "embedded")
    assert "37 scenes, 444 views" in done.stdout
    listed = {row["name"]: row for row in json.loads(smicnb(checkout, "weights", "list", "--json").stdout)}
    assert listed["all-minilm-l6-v2"]["state"] == "present"
    assert "all-minilm-l6-v2" in smicnb(checkout, "weights", "list").stdout


def test_peak_memory_of_the_whole_process_tree(checkout):
    """Summed PSS of parent, workers and kernels stays under 4 GiB."""
    import psutil

    command = [sys.executable, "-m", "smicnb.cli", "run", "03_reconstruction", "--force", *SMALL]
    process = subprocess.Popen(command, cwd=checkout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak, stop = [0], threading.Event()

    def watch():
        while not stop.wait(0.5):
            total = 0
            for member in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
                try:
                    total += member.memory_full_info().pss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    assert process.wait(timeout=400) == 0
    stop.set()
    assert 2**27 < peak[0] < 2**32
