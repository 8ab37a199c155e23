"""Rules of the house that no room can check alone."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Folder -> what lies in it, in the only order in which it may import one another: from the left.
ORDER = {
    "": "base semantics codec learned compare drawing studies repro explore cli",
    "semantics": "selection devices weights photographs encoders metrics generators hub_models cost spaces",
    "codec": "format published rate coders file_names describe photographs search",
    "learned": "networks files any_codec authors training",
    "compare": "verdicts latents images",
    "studies": "committed sentences readings learned_plots reconstruction primer linearity separation rate_model "
    "frontier state_of_the_art taco synonyms sic beyond retrieval",
    "repro": "differences checkout imports parameters figures runs session paper_map report",
}
# Study -> other studies whose parts it uses.
NEIGHBOURS = {
    "linearity": {"reconstruction"},
    "separation": {"reconstruction"},
    "frontier": {"reconstruction", "rate_model"},
    "state_of_the_art": {"rate_model"},
    "beyond": {"reconstruction"},
    "retrieval": {"beyond"},
}
SHARED = {"committed", "sentences", "readings", "learned_plots"}  # by studies
MOST_WORDS, MOST_IN_CAPTION = 90, 40  # of a paragraph of a notebook, of a figure's or table's caption
MOST_NAMES, MOST_LINES = 10, 450  # in a folder (studies/ has one for each study), in a module


def _imports(source: str) -> list[str]:
    """Dotted names that a module imports: "smicnb.base.files", or with what it takes of it behind."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the room"
            found += [f"{node.module}.{name.name}" for name in node.names]
    return found


def wrong_imports(module: str, source: str) -> list[str]:
    """What a module ("codec.rate") imports against the order of a folder that both lie in."""
    wrong = []
    for name in _imports(source):
        if not name.startswith("smicnb."):
            continue
        ours, other = module.split("."), name.split(".")[1:]
        shared = next(
            (k for k, (a, b) in enumerate(zip(ours, other, strict=False)) if a != b), min(len(ours), len(other))
        )
        folder = ".".join(ours[:shared])
        order = ORDER.get(folder, "").split()
        if shared < len(other) and order and other[shared] in order and ours[shared] in order:
            upward = order.index(other[shared]) > order.index(ours[shared])
            stranger = folder == "studies" and other[1] not in SHARED | NEIGHBOURS.get(ours[1], set())
            if upward or stranger:
                wrong.append(name)
    return wrong


def _modules(repository):
    package = repository / "smicnb"
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if parts[-1] != "__init__":
            yield ".".join(parts), path


def test_rooms_import_only_in_their_order(repository):
    for module, path in _modules(repository):
        assert wrong_imports(module, path.read_text(encoding="utf-8")) == [], path


def _names(folder):
    return {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()} - {
        "__init__"
    }


def test_every_name_of_an_ordered_folder_has_its_place(repository):
    for folder, order in ORDER.items():
        assert _names(repository / "smicnb" / Path(*folder.split("."))) == set(order.split()), folder


def test_folders_and_modules_stay_small(repository):
    for folder in {path.parent for path in (repository / "smicnb").rglob("__init__.py")}:
        assert len(_names(folder)) <= MOST_NAMES or folder.name == "studies", folder
    for _, path in _modules(repository):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, path


def test_the_tree_of_the_architecture_is_that_of_the_package(repository, load_tool):
    page = (repository / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert load_tool("write_tree").written(page) == page, "say make map"
    for path in re.findall(r"^\| [^|]+ \| (.*) \|$", page.partition("## The tree")[0], re.MULTILINE):
        for name in re.findall(r"`([a-z_/]+(?:\.[a-z]+)?)`", path):
            at = repository / "smicnb" / name
            assert "NOTEBOOK" in name or at.exists() or (repository / name).exists() or name == "make map", name


def test_no_module_imports_itself_by_way_of_others(repository):
    sources = {f"smicnb.{module}": path.read_text(encoding="utf-8") for module, path in _modules(repository)}
    reached = {
        module: {other for name in _imports(source) for other in (name, name.rpartition(".")[0]) if other in sources}
        for module, source in sources.items()
    }
    while ends := [module for module, others in reached.items() if not others]:
        for module in ends:
            del reached[module]
        for others in reached.values():
            others.difference_update(ends)
    assert reached == {}


def test_no_module_has_the_name_of_one_of_python_s(repository):
    for module, _ in _modules(repository):
        assert module.rpartition(".")[2] not in sys.stdlib_module_names, module


def test_the_import_rule_can_fail():
    wrong = "from smicnb.semantics.weights import store"
    assert wrong_imports("base.files", f"def f():\n    {wrong}") == ["smicnb.semantics.weights.store"]
    assert wrong_imports("semantics.selection", wrong) == ["smicnb.semantics.weights.store"]
    assert wrong_imports("semantics.spaces", wrong) == []
    assert wrong_imports("codec.rate", "from smicnb import repro") == ["smicnb.repro"]
    assert wrong_imports("studies.taco.measures", "from smicnb.studies.sic import plots") == [
        "smicnb.studies.sic.plots"
    ]
    assert wrong_imports("studies.linearity.plots", "import smicnb.studies.reconstruction.measures") == []


def test_compressai_is_a_peer_and_no_part(repository):
    """It has no wheel beyond Python 3.11 and holds numpy below 2."""
    for path in sorted((repository / "smicnb").rglob("*.py")):
        assert not [name for name in _imports(path.read_text(encoding="utf-8")) if name.startswith("compressai")], path
    for name in ("requirements.lock", "requirements-torch.lock", "environment.yml", "pyproject.toml"):
        assert "compressai" not in (repository / name).read_text(encoding="utf-8").lower(), name
    assert "compressai==" in (repository / "benchmarks" / "peers.txt").read_text(encoding="utf-8")


def test_environment_is_what_the_lock_makes(repository, load_tool):
    assert (repository / "environment.yml").read_text() == load_tool("lock").environment()


def test_lock_satisfies_every_requirement(repository):
    from packaging.requirements import Requirement

    text = "".join((repository / name).read_text() for name in ("requirements.lock", "requirements-torch.lock"))
    locked = dict(re.findall(r"^([a-z0-9_.-]+)==([^ ;\\]+)", text, flags=re.MULTILINE))
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for line in [*project["dependencies"], *extras["lab"], *extras["test"]]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(locked[requirement.name]), line
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    assert [block for block in blocks if "==" in block and "--hash=sha256:" not in block] == []


def test_every_dependency_has_its_reason(repository):
    text = (repository / "pyproject.toml").read_text()
    for line in re.findall(r'^    "[^"]+",.*$', text, flags=re.MULTILINE):
        if re.match(r'    "[a-z0-9-]+[><=]', line):
            assert re.search(r"#  ?\S.*\S", line), line


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")))
def test_notebooks_are_thin_and_stripped(repository, name):
    book = json.loads((repository / "notebooks" / f"{name}.ipynb").read_text())
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]) for cell in code]
    assert len(code) <= 15
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    assert not [node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.For | ast.While)]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in code) == 1


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")))
def test_prose_of_notebooks_stands_in_short_paragraphs(repository, name):
    """Items of a list are counted alone."""
    cells = json.loads((repository / "notebooks" / f"{name}.ipynb").read_text())["cells"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    paragraphs = [part for text in prose for part in re.split(r"\n\s*\n|\n(?=[-*] )", text)]
    assert [part for part in paragraphs if len(part.split()) > MOST_WORDS] == []


def test_every_notebook_with_figures_ends_with_its_reading(repository):
    for path in (repository / "notebooks").glob("[0-9]*.ipynb"):
        *_, heading, code = json.loads(path.read_text())["cells"]
        assert "".join(heading["source"]) == "## Reading", path.name
        assert "run.save_reading(reading.tell" in "".join(code["source"]), path.name


def test_captions_of_figures_are_short(repository):
    captions = {
        path: json.loads(path.read_text(encoding="utf-8"))["caption"]
        for path in (repository / "figures").rglob("*.json")
    }
    assert len(captions) > 100
    assert [path for path, caption in captions.items() if len(caption.split()) > MOST_IN_CAPTION] == []


def test_every_notebook_that_makes_figures_is_in_the_default_recipe(repository):
    from smicnb.repro.runs import recipes

    recipe = recipes.recipe(repository / "recipes" / "embedded.yaml")
    notebooks = {path.stem for path in (repository / "notebooks").glob("*.ipynb")}
    assert set(recipe.notebooks) == notebooks - {"explore"}


def test_command_line_starts_without_the_heavy_libraries():
    heavy = ("torch", "matplotlib", "sklearn", "open_clip")
    code = f"import sys, smicnb.cli.main; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_make_help_names_every_target(repository):
    done = subprocess.run(["make", "help"], cwd=repository, capture_output=True, text=True, check=True)
    phony = re.search(r"^\.PHONY: (.*)$", (repository / "Makefile").read_text(), flags=re.MULTILINE).group(1)
    assert [name for name in phony.split() if f"make {name}" not in done.stdout] == []


def test_the_page_on_encoders_shows_the_table_of_generators(repository):
    table = (repository / "figures" / "generators" / "generators_against_retrieval.md").read_text()
    assert table[table.index("| data set") :].strip() in (repository / "docs" / "encoders.md").read_text()


def test_a_version_is_cited_and_its_changes_are_told(repository):
    import smicnb

    assert f"\nversion: {smicnb.__version__}\n" in (repository / "CITATION.cff").read_text(encoding="utf-8")
    first = re.search(r"^## (.+)$", (repository / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert first[1] == smicnb.__version__
