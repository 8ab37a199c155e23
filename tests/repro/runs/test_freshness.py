"""What makes a notebook stale is named, and what does not concern it leaves it fresh."""

import os
import shutil
from importlib import metadata

import nbformat
import pytest
from checkouts import figures, make, smicnb, status

from smicnb.repro.runs import freshness

IMPORTS = "from smicnb.codec import rate\n\ndef_ = rate.POINTS"
REDRAWS = "run.take_measured('bsds500', 'redrawn', None)"
WEIGHED = "def weigh():\n    from smicnb.semantics.metrics import perception\n\n    return perception"
HELPED = "import helper\n\nhelper.HELP"


@pytest.fixture(scope="module")
def checkout(repository, tmp_path_factory):
    """A checkout with a package, a lock and weights of its own, in which two notebooks were run."""
    from smicnb.base.cache import cache_root

    folder = tmp_path_factory.mktemp("fresh")
    make(folder, {"a": [IMPORTS, REDRAWS, HELPED], "b": [WEIGHED]})
    (folder / "notebooks" / "helper.py").write_text("from further import HELP\n")
    (folder / "notebooks" / "further").mkdir()
    (folder / "notebooks" / "further" / "__init__.py").write_text("HELP = 1\n")
    shutil.copytree(repository / "smicnb", folder / "smicnb", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.lock", "requirements-torch.lock"):
        shutil.copy(repository / name, folder / name)
    (folder / "figures" / "bsds500" / "a").mkdir(parents=True)
    (folder / "figures" / "bsds500" / "a" / "redrawn.csv").write_text("x\n1\n")
    shutil.copytree(cache_root() / "weights" / "vgg16-conv", folder / "cache" / "smicnb" / "weights" / "vgg16-conv")
    done = smicnb(folder, "run", **own(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def own(folder):
    return {"PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}


def reasons(folder, *words):
    return {name: row["stale"] for name, row in status(folder, *words, **own(folder)).items()}


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_what_a_notebook_does_not_import_leaves_it_fresh(checkout):
    for name in (
        "cli/main.py",
        "cli/runs.py",
        "studies/primer/jpeg_model.py",
        "repro/runs/run.py",
        "studies/linearity/measures.py",
    ):
        with (checkout / "smicnb" / name).open("a") as file:
            file.write("# changed\n")
    (checkout / "figures" / "bsds500" / "a" / "other.csv").write_text("x\n")
    book = nbformat.read(checkout / "notebooks" / "a.ipynb", as_version=4)
    book.cells[0].outputs = [nbformat.v4.new_output("stream", text="saved with the notebook")]
    book.cells.insert(1, nbformat.v4.new_markdown_cell("Prose."))
    nbformat.write(book, checkout / "notebooks" / "a.ipynb")
    assert reasons(checkout) == {"a": [], "b": []}
    done = smicnb(checkout, "status", **own(checkout))
    assert [line.partition(" (")[0] for line in done.stdout.splitlines()] == ["a: done, fresh", "b: done, fresh"]


def test_a_run_with_settings_of_one_s_own_leaves_the_recipe_s_figures_and_records(checkout):
    before = figures(checkout)
    assert smicnb(checkout, "run", "a", "--set", "value=2.0", **own(checkout)).returncode == 0
    assert figures(checkout) == before
    assert reasons(checkout) == {"a": [], "b": []}
    assert reasons(checkout, "--set", "value=2.0") == {"a": [], "b": ["never run"]}
    assert reasons(checkout, "--set", "value=3.0")["a"] == ["value 2.0 → 3.0"]


def test_weights_that_lie_elsewhere_are_not_called_unused(checkout):
    answer = status(checkout, **own(checkout) | {"XDG_CACHE_HOME": str(checkout / "other cache")})
    assert {name: row["stale"] for name, row in answer.items()} == {
        "a": [],
        "b": ["weights: vgg16-conv not on this machine"],
    }


def test_whatever_changes_is_named(checkout):
    (weights,) = (checkout / "cache").rglob("vgg16-conv/*/model.safetensors")
    with weights.open("r+b") as file:  # one byte, in the middle, the length as it was
        file.seek(weights.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    assert reasons(checkout) == {"a": [], "b": ["weights: vgg16-conv changed"]}
    change(checkout / "smicnb" / "codec" / "rate.py", "import", "# a line more\nimport")
    change(checkout / "smicnb" / "drawing" / "smicnb.mplstyle", "\n", "\n# a line more\n")
    numpy = metadata.version("numpy")
    change(checkout / "requirements.lock", f"numpy=={numpy}", "numpy==1.26.5")
    (checkout / "figures" / "bsds500" / "a" / "redrawn.csv").write_text("x\n2\n")
    change(checkout / "figures" / "a" / "a.csv", "2", "3")
    (checkout / "figures" / "b" / "b.md").unlink()
    (checkout / "notebooks" / "further" / "__init__.py").write_text("HELP = 2\n")
    change(checkout / "notebooks" / "b.ipynb", "return perception", "return perception ")
    found = reasons(checkout)
    everywhere = [f"lock: numpy {numpy} → 1.26.5", "drawing/smicnb.mplstyle changed"]
    assert set(found["a"]) == {
        *everywhere,
        f"installed: numpy {numpy}, not as locked",
        "codec/rate.py changed",
        "notebooks/further/__init__.py changed",
        "figures/bsds500/a/redrawn.csv changed",
        "figures/a/a.csv changed",
    }
    own = {"notebook changed", "figures/b/b.md is absent", "weights: vgg16-conv changed"}
    assert set(found["b"]) >= {*everywhere, *own}
    assert not [reason for reason in found["b"] if "rate.py" in reason or "bsds500" in reason]


def test_the_graph_of_imports_is_read_from_the_source():
    from smicnb.repro import imports

    reached = imports.find_reached("def f():\n    from smicnb.codec import rate")
    assert {"__init__.py", "codec/__init__.py", "codec/rate.py"} <= set(reached)
    assert not {"cli/main.py", "codec/coders/smic.py"} & set(reached)
    assert "semantics/photographs/words.json" in imports.find_reached("import smicnb.semantics.photographs.words")
    assert imports.find_reached("import numpy") == {}
    for code in ("from smicnb.learned import open_codec", "import smicnb\nsmicnb.open_codec('full/low/0')"):
        reached = set(imports.find_reached(code))  # what a room offers is imported when it is asked for
        assert {"learned/any_codec.py", "learned/files/taco_codec.py"} <= reached
        assert "codec/coders/smic.py" not in reached
    everything = imports.find_reached("this is no Python")
    assert {"cli/main.py", "codec/coders/smic.py"} <= set(everything)


def test_tables_of_any_data_set_that_a_notebook_redraws_are_found_in_its_code():
    asked = ("'kodak', 'points', b", "'bsds500', 'table1', b", "name, 'other', b")
    code = "\n".join(f"a = run.take_measured({words})" for words in asked)
    assert freshness.find_redrawn(code) == [("bsds500", "table1"), ("kodak", "points")]
    assert freshness.find_redrawn("this is no code") == []
