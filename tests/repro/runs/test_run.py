"""`smicnb run` as a user types it, on real notebooks at a small size, in a checkout of its own."""

import contextlib
import json
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from checkouts import figures as all_figures
from checkouts import kernels_of, make, processes_of, smicnb, start, wait_until

NOTEBOOK = "05_rate_model"  # of those that start from photographs the quickest
SMALL = ["--set", "n_atoms=[2, 8, 32]", "--set", "penalties=[0.1, 0.2, 0.5, 1.6]"]


@pytest.fixture(scope="module")
def checkout(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("notebooks", "recipes"):
        shutil.copytree(repository / name, folder / name)
    for name in ("requirements.lock", "requirements-torch.lock"):
        shutil.copy(repository / name, folder / name)
    return folder


def figures(checkout: Path) -> dict[str, bytes]:
    folder = checkout / f".smicnb/figures/embedded+set/{NOTEBOOK}"
    return {path.name: path.read_bytes() for path in folder.glob("*.*")}


def at_work(checkout: Path, *words: str) -> subprocess.Popen:
    """A run whose kernel is at work."""
    process = start(checkout, "run", NOTEBOOK, "--force", *words)
    wait_until(lambda: kernels_of(checkout))
    time.sleep(3)
    return process


@pytest.fixture(scope="module")
def first(checkout):
    done = smicnb(checkout, "run", NOTEBOOK, *SMALL)
    assert done.returncode == 0, done.stderr
    return figures(checkout)


def test_run_writes_figures_and_a_record(checkout, first):
    assert {"table4_rates.csv", "fig12_null_proportion.png", "fig12_null_proportion.pdf"} <= set(first)
    record = json.loads((checkout / f".smicnb/records/embedded+set/{NOTEBOOK}.json").read_text())
    assert record["state"] == "done"
    assert record["parameters"]["n_atoms"] == [2, 8, 32]
    assert set(record["outputs"]) == set(first)
    assert set(record["inputs"]) >= {"notebook", "collection", "weights", "codec/coders/dictionary.py", "lock: numpy"}


def test_unchanged_work_is_skipped_quickly(checkout, first):
    began = time.monotonic()
    done = smicnb(checkout, "run", NOTEBOOK, *SMALL)
    assert done.stdout.splitlines() == [
        f"{NOTEBOOK}: unchanged",
        f"figures and tables: .smicnb/figures/embedded+set/{NOTEBOOK}",
    ]
    assert time.monotonic() - began < 30
    assert figures(checkout) == first


def test_a_touched_output_is_made_again_to_the_byte_within_4_gib(checkout, first):
    """Memory is the summed PSS of parent, workers and kernels."""
    folder = checkout / f".smicnb/figures/embedded+set/{NOTEBOOK}"
    (folder / "table4_rates.csv").write_text("")
    (folder / "fig12_null_proportion.png").write_bytes(first["fig12_null_proportion.png"][:99])
    process, peak = start(checkout, "run", NOTEBOOK, *SMALL), 0
    while process.poll() is None:
        total = 0
        for member in processes_of(checkout):
            with contextlib.suppress(psutil.Error):
                total += member.memory_full_info().pss
        peak = max(peak, total)
        time.sleep(0.5)
    out, _ = process.communicate()
    assert "done in" in out
    assert figures(checkout) == first
    assert 2**27 < peak < 2**32


def twelve_photographs(folder: Path, count: int = 12) -> Path:
    from PIL import Image

    from smicnb.semantics.photographs import image_collections

    folder.mkdir()
    items = [item for item in image_collections.load("embedded") if item.id.endswith("#full")]
    for number, item in enumerate(items[:count]):
        Image.fromarray(item.image()).resize((96, 64)).save(folder / f"{number}.png")
    return folder


def test_a_notebook_that_fails_leaves_a_record_and_no_figure(checkout, first, tmp_path):
    folder = twelve_photographs(tmp_path / "a folder: 'of' mine = ü")
    (folder / "text.jpg").write_text("no picture")
    done = smicnb(checkout, "run", "02_dictionary_atoms", "--set", f"collection=folder:{folder}")
    assert done.returncode == 2
    assert "n_atoms of 32 for the 6 images" in done.stdout
    assert "1 file skipped" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert figures(checkout) == first
    record = json.loads((checkout / ".smicnb/records/embedded+set/02_dictionary_atoms.json").read_text())
    assert record["state"] == "failed"
    assert record["error"]["kind"] == "DimensionError"
    # The user does what the message says.
    option, setting = shlex.split(done.stdout.partition("; say ")[2].partition(" (see ")[0])
    assert setting == "02_dictionary_atoms.n_atoms=6"
    words = [option, setting, "--set", f"collection=folder:{folder}"]
    done = smicnb(checkout, "run", "02_dictionary_atoms", *words)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_leaves_nothing_half_done_and_nobody_behind(checkout, first, how):
    before = figures(checkout)
    process = at_work(checkout, *SMALL)
    began = time.monotonic()
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - began < 20
    if how != signal.SIGKILL:
        assert process.returncode == 130
        assert said.strip().splitlines()[-1].startswith("smicnb: interrupted; the same command resumes")
    wait_until(lambda: not processes_of(checkout), 30)
    assert figures(checkout) == before


def test_two_runs_in_one_checkout_do_not_mix(checkout, first):
    process = at_work(checkout, *SMALL)
    try:
        done = smicnb(checkout, "run", NOTEBOOK, "--force", *SMALL)
        assert done.returncode == 2
        assert "another 'smicnb run' is at work" in done.stderr
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


KEEPS = "import pandas as pd\n\nfor name, home in (('theirs', 'kodak'), ('ours', 'embedded')):\n"
KEEPS += "    run.save_table(pd.DataFrame({'x': [1]}), name, 'One number.', kept_in=home)"


def test_what_another_folder_of_committed_figures_keeps_is_not_written_again(tmp_path):
    """Elsewhere, as with settings of one's own, all of it is."""
    folder = make(tmp_path, {"a": [KEEPS]})
    assert smicnb(folder, "run").returncode == 0
    assert {path.partition(".")[0] for path in all_figures(folder)} == {"a/a", "a/ours"}
    written = json.loads((folder / ".smicnb/records/embedded/a.json").read_text())["outputs"]
    assert {name.partition(".")[0] for name in written} == {"a", "ours"}
    assert smicnb(folder, "run").stdout.splitlines()[0] == "a: unchanged"
    assert smicnb(folder, "run", "--set", "value=2.0").returncode == 0
    assert {path.partition(".")[0] for path in all_figures(folder, ".smicnb/figures")} == {
        f"embedded+set/a/{name}" for name in ("a", "ours", "theirs")
    }


def test_a_folder_that_cannot_hold_figures(checkout, first):
    folder = checkout / ".smicnb" / "figures" / "embedded+set"
    kept = folder.rename(folder.with_name("kept"))
    folder.write_text("a file is in the way")
    try:
        done = smicnb(checkout, "run", NOTEBOOK, "--force", *SMALL)
        assert done.returncode in (1, 2)
        assert "Traceback" not in done.stdout + done.stderr
    finally:
        folder.unlink()
        kept.rename(folder)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--set", "penality=1"], "did you mean 'penalty'"),
        (["run", "--set", "penalty=NaN"], "a number from 0.001 to 20"),
        (["run", "--set", "07_x.penalty=1"], "unknown notebook of this run"),
        (["run", "02_dictionary"], "did you mean '02_dictionary_atoms'"),
        (["run", "--recipe", "embeded"], "did you mean 'embedded'"),
        (["run", "--set", "collection=embeddd"], "did you mean 'embedded'"),
        (["run", "--set", "collection=folder:/no/such/folder"], "/no/such/folder"),
        (["collection", "kodac:x"], "did you mean 'kodak'"),
        (["weights", "fetch", "alexnet"], "did you mean 'alexnet-conv'"),
        (["weights", "fetch"], "exactly one of them"),
        (["run", "--recipe", "bsds500"], "names no folder"),
        (["run", NOTEBOOK, "--set", "encoder=lite0-minlm", *SMALL], "did you mean 'lite0-minilm'"),
    ],
)
def test_a_user_s_mistake_is_one_line_and_exit_status_2_and_touches_nothing(checkout, first, words, message):
    done = smicnb(checkout, *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stdout
    assert figures(checkout) == first


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
