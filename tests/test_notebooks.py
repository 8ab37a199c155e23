"""Every notebook runs from the first cell to the last under nbval, as a reader would run it in JupyterLab.

nbval compares no picture and, in stripped notebooks, no output. So what the notebooks save is compared here
with what is committed: it has to be the same without `smicnb run` in between.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pandas as pd
import pytest

from smicnb.base.files import sha256_file
from smicnb.repro import figures, params, session

THREADS = "2"  # as `smicnb run` gives every kernel
KEPT = ("notebooks", "figures", ".smicnb/interactive")  # the last is where figures go without SMICNB_OUT


def nbval(where: Path, private: Path, *paths: str) -> subprocess.CompletedProcess:
    """Run notebooks in `where` as `python -m pytest --nbval-lax` does, leaving no trace outside `private`."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    settings.pop("MPLBACKEND", None)  # figures are drawn by the notebook's own inline backend
    settings.pop(session.MANIFEST, None)
    settings |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), THREADS)
    settings |= {
        session.OUT: str(private / "out"),
        "IPYTHONDIR": str(private / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait double the time on a busy machine
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "--nbval-lax", *paths]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, env=settings, timeout=580)


def hashes(folder: Path, *names: str) -> dict[str, str]:
    files = (file for name in names for file in (folder / name).rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): sha256_file(file) for file in files}


def code_cells(path: Path) -> int:
    return sum(cell["cell_type"] == "code" for cell in json.loads(path.read_text())["cells"])


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    return tmp_path_factory.mktemp("nbval")


@pytest.fixture(scope="module")
def finished(repository, private):
    """One run of all notebooks with the checkout's own settings: its output, and the tree before and after."""
    before = hashes(repository, *KEPT)
    done = nbval(repository, private, "notebooks")
    return done, before, hashes(repository, *KEPT)


def test_every_cell_of_every_notebook_passes(repository, finished):
    done = finished[0]
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    cells = {path.stem: code_cells(path) for path in (repository / "notebooks").glob("*.ipynb")}
    assert set(cells) >= {"02_dictionary_atoms", "03_reconstruction", "05_rate_model"}
    dots = dict(re.findall(r"^notebooks/(\w+)\.ipynb (\.+) ", done.stdout, flags=re.MULTILINE))
    assert {name: len(passed) for name, passed in dots.items()} == cells
    assert re.search(rf"^=+ {sum(cells.values())} passed in ", done.stdout, flags=re.MULTILINE)
    assert min(cells.values()) > 3


def test_the_checkout_is_left_as_it_was(finished):
    _, before, after = finished
    assert len(before) > 50
    assert after == before


def test_the_recipe_asks_for_the_notebooks_own_parameters(repository):
    """Else a reader who runs a notebook alone would see other numbers than those committed."""
    recipe = params.recipe(repository / "recipes" / "embedded.yaml")
    for name, values in params.parameters(recipe, list(recipe.notebooks), {}).items():
        assert values == params.defaults(repository / "notebooks" / f"{name}.ipynb")


def committed(repository, suffix):
    return sorted(path for path in (repository / "figures").glob(f"*{suffix}"))


def test_what_the_notebooks_save_is_all_that_is_committed(repository, private, finished):
    suffixes = (".png", ".csv", ".json", ".md")
    saved = {path.name for path in (private / "out").iterdir() if path.suffix in suffixes}
    assert saved == {path.name for suffix in suffixes for path in committed(repository, suffix)}


def test_every_saved_number_is_the_committed_one(repository, private, finished):
    tables = committed(repository, ".csv")
    assert len(tables) > 10
    changed = [
        path.name
        for path in tables
        if not figures.same_data(pd.read_csv(path), pd.read_csv(private / "out" / path.name))
    ]
    assert changed == []


def test_every_saved_origin_is_the_committed_one(repository, private, finished):
    for path in committed(repository, ".json"):
        old, new = (json.loads(file.read_text()) for file in (path, private / "out" / path.name))
        for key in ("notebook", "parameters", "made_from"):
            assert new[key] == old[key], path.name


def test_every_picture_shows_what_the_committed_one_shows(repository, private, finished):
    drawn_by = json.loads((repository / "figures" / "fig06_learning.json").read_text())["versions"]
    for package in ("matplotlib", "pillow"):
        if metadata.version(package) != drawn_by[package]:
            pytest.skip(f"the pictures were drawn by {package} {drawn_by[package]}, which may place letters otherwise")
    changed = [
        path.name
        for path in committed(repository, ".png")
        if not figures.same_picture(path.read_bytes(), (private / "out" / path.name).read_bytes())
    ]
    assert changed == [], "run make reproduce"


def test_the_tree_check_sees_new_and_changed_files(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "a").write_text("1")
    before = hashes(tmp_path, *KEPT)
    (tmp_path / "notebooks" / "a").write_text("2")
    changed = hashes(tmp_path, *KEPT)
    (tmp_path / ".smicnb" / "interactive").mkdir(parents=True)
    (tmp_path / ".smicnb" / "interactive" / "b").write_text("2")
    added = hashes(tmp_path, *KEPT)
    assert list(before) == list(changed) == ["notebooks/a"]
    assert set(added) == {"notebooks/a", ".smicnb/interactive/b"}
    assert before != changed != added


def test_a_cell_that_fails_is_noticed(repository, tmp_path):
    name = "02_dictionary_atoms"
    for folder in ("notebooks", "recipes", "private"):
        (tmp_path / folder).mkdir()
    source = (repository / "notebooks" / f"{name}.ipynb").read_text()
    broken = source.replace(r"collection = \"embedded\"", r"collection = \"embeded\"")
    assert broken != source
    (tmp_path / "notebooks" / f"{name}.ipynb").write_text(broken)
    shutil.copy(repository / "pyproject.toml", tmp_path)
    done = nbval(tmp_path, tmp_path / "private", f"notebooks/{name}.ipynb")
    assert done.returncode == 1
    assert "unknown collection 'embeded'" in done.stdout
    assert "did you mean 'embedded'?" in done.stdout
    failed = code_cells(repository / "notebooks" / f"{name}.ipynb") - 2  # parameters and imports are well
    assert re.search(rf"^=+ {failed} failed, 2 passed in ", done.stdout, flags=re.MULTILINE)
