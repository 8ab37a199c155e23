"""Every notebook runs from the first cell to the last under nbval, at the size of the recipe smoke.

nbval takes no parameters, so that copies run which papermill has given them. It compares no picture and, in
stripped notebooks, no output. So what the copies save is compared with what is committed: files, columns and
origins have to be the same. The numbers are computed again by test_goldens in part and by `smicnb verify` in whole.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest
from PIL import Image

from smicnb.base.files import sha256_file
from smicnb.drawing import style
from smicnb.repro import figures, parameters, session
from smicnb.repro.runs import recipes, verify

HANGS = 2400  # seconds: a run of all notebooks takes six minutes, on a busy machine several times as long
pytestmark = pytest.mark.timeout(HANGS)
KEPT = ("notebooks", "figures", ".smicnb/interactive")  # the last is where figures go without SMICNB_OUT


def nbval(where: Path, private: Path, *paths: str) -> subprocess.CompletedProcess:
    """Run notebooks in `where` as `python -m pytest --nbval-lax` does, leaving no trace outside `private`."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    settings.pop("MPLBACKEND", None)  # figures are drawn by the notebook's own inline backend
    settings.pop(session.MANIFEST, None)
    settings |= {
        session.OUT: str(private / "out"),
        "IPYTHONDIR": str(private / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait double the time on a busy machine
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "--nbval-lax", *paths]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, env=settings, timeout=HANGS - 20)


def hashes(folder: Path, *names: str) -> dict[str, str]:
    files = (file for name in names for file in (folder / name).rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): sha256_file(file) for file in files}


def code_cells(path: Path) -> int:
    return sum(cell["cell_type"] == "code" for cell in json.loads(path.read_text())["cells"])


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    return tmp_path_factory.mktemp("nbval")


def at_smoke_size(repository, folder: Path) -> Path:
    """A folder below `folder` with a copy of every notebook, with the parameters of the recipe smoke in it."""
    recipe = recipes.recipe(repository / "recipes" / "smoke.yaml")
    (folder / "smoke").mkdir()
    for name, values in recipes.parameters(recipe, list(recipe.notebooks), {}).items():
        book = papermill.iorw.load_notebook_node(str(repository / "notebooks" / f"{name}.ipynb"))
        book = papermill.parameterize.parameterize_notebook(book, values, kernel_name="python3", language="python")
        nbformat.write(book, folder / "smoke" / f"{name}.ipynb")
    shutil.copy(repository / "pyproject.toml", folder)
    return folder / "smoke"


@pytest.fixture(scope="module")
def finished(repository, private):
    """One run of all notebooks: its output, and the tree before and after."""
    notebooks, before = at_smoke_size(repository, private), hashes(repository, *KEPT)
    done = nbval(private, private, notebooks.name)
    return done, before, hashes(repository, *KEPT)


def test_every_cell_of_every_notebook_passes(repository, private, finished):
    done = finished[0]
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    own = {path.stem: code_cells(path) for path in (repository / "notebooks").glob("*.ipynb")}
    cells = {path.stem: code_cells(path) for path in (private / "smoke").glob("*.ipynb")}
    assert cells == {name: count + 1 for name, count in own.items()}  # the parameters
    assert set(cells) >= {"02_dictionary_atoms", "03_reconstruction", "05_rate_model"}
    dots = dict(re.findall(r"^smoke/(\w+)\.ipynb (\.+) ", done.stdout, flags=re.MULTILINE))
    assert {name: len(passed) for name, passed in dots.items()} == cells
    assert re.search(rf"^=+ {sum(cells.values())} passed in ", done.stdout, flags=re.MULTILINE)
    assert min(cells.values()) > 3


def test_the_checkout_is_left_as_it_was(finished):
    _, before, after = finished
    assert len(before) > 50
    assert after == before


def test_the_recipe_asks_for_the_notebooks_own_parameters(repository):
    """Else a reader who runs a notebook alone would see other numbers than those committed."""
    recipe = recipes.recipe(repository / "recipes" / "embedded.yaml")
    for name, values in recipes.parameters(recipe, list(recipe.notebooks), {}).items():
        assert values == parameters.defaults(repository / "notebooks" / f"{name}.ipynb")


def committed(repository, suffix):
    """Files of the recipe embedded, and those that it draws from what another data set's folder keeps."""
    kept = [
        path for path in (repository / "figures").glob(f"*/*/*{suffix}") if figures.keeper_of(path.with_suffix(".json"))
    ]
    return sorted([*(repository / "figures").glob(f"[0-9]*/*{suffix}"), *kept])


def test_what_the_notebooks_save_is_all_that_is_committed(repository, private, finished):
    saved = {path.name for path in (private / "out").iterdir() if path.suffix in verify.COMMITTED}
    assert len(saved) > 100
    assert saved == {path.name for suffix in verify.COMMITTED for path in committed(repository, suffix)}


def test_saved_tables_have_the_committed_columns(repository, private, finished):
    """Where a column's name holds a number, as "n_a=8" does, any number of such columns."""
    for path in committed(repository, ".csv"):
        old, new = (
            list(dict.fromkeys(re.sub(r"\d+", "#", name) for name in pd.read_csv(file).columns))
            for file in (path, private / "out" / path.name)
        )
        assert new == old, path.name


def test_every_committed_origin_is_what_the_recipe_gives(repository, private, finished):
    recipe = recipes.recipe(repository / "recipes" / "embedded.yaml")
    asked = recipes.parameters(recipe, list(recipe.notebooks), {})
    for path in committed(repository, ".json"):
        old, new = (json.loads(file.read_text()) for file in (path, private / "out" / path.name))
        assert (new["notebook"], new.get("kept_in")) == (old["notebook"], old.get("kept_in")), path.name
        if path.parents[1] == repository / "figures":
            assert old["parameters"] == asked[old["notebook"]], path.name
            assert new["made_from"] == old["made_from"], path.name


def test_every_committed_picture_says_what_its_sidecar_says(repository):
    for path in committed(repository, ".png"):
        origin = json.loads(path.with_suffix(".json").read_text())
        with Image.open(path) as picture:
            said = picture.text
        assert said["Notebook"] == origin["notebook"], path.name
        assert json.loads(said["Parameters"]) == origin["parameters"], path.name


def test_every_picture_is_one_or_two_columns_wide(private, finished):
    pictures = sorted((private / "out").glob("*.png"))
    assert len(pictures) > 20
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.width / 200 in (style.COLUMN, style.PAGE), path.name  # the style's dots per inch


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
