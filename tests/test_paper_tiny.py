"""The paper profile from end to end on tiny models with random weights, built by real classes and without a network."""

import json
import os
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from smicnb.repro.runs import plan, recipes, verify
from smicnb.semantics.photographs import image_collections

# Python's sockets refuse every address but this machine's; kernels talk to their clients through others.
NO_NETWORK = """
import socket
_connect = socket.socket.connect
def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"this test has no network: {address}")
    return _connect(self, address)
socket.socket.connect = connect
"""

HANGS = 2400  # seconds: the run takes some minutes, on a busy machine several times as long
pytestmark = pytest.mark.timeout(HANGS)


@pytest.fixture(scope="module")
def finished(repository, tmp_path_factory):
    """(checkout, what `smicnb run --recipe paper-tiny` said) in a copy with models of its own."""
    checkout = tmp_path_factory.mktemp("paper-tiny")
    for name in ("notebooks", "recipes", "figures/bsds500"):
        shutil.copytree(repository / name, checkout / name)
    for name in ("requirements.lock", "requirements-torch.lock"):
        shutil.copy(repository / name, checkout / name)
    (checkout / "guard").mkdir()
    (checkout / "guard" / "sitecustomize.py").write_text(NO_NETWORK)
    environment = {**os.environ, "PYTHONPATH": str(checkout / "guard"), "SMICNB_PROGRESS": "plain"}
    environment["HF_HUB_OFFLINE"] = "1"
    for command in (
        [str(repository / "tools" / "tiny_models.py"), ".smicnb/tiny"],
        ["-m", "smicnb.cli.main", "run", "--recipe", "paper-tiny"],
    ):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            timeout=HANGS - 20,
        )
        assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    return checkout, done.stdout


@pytest.fixture(scope="module")
def made(finished):
    """Name -> path of every file among the figures."""
    paths = (finished[0] / ".smicnb" / "figures" / "paper-tiny").glob("*/*.*")
    return {path.name: path for path in paths}


def test_every_notebook_of_the_paper_profile_ends(finished, repository):
    _, said = finished
    recipe = recipes.recipe(repository / "recipes" / "paper-tiny.yaml")
    paper = recipes.recipe(repository / "recipes" / "paper.yaml")
    assert list(recipe.notebooks) == list(paper.notebooks)
    assert [line.split(":")[0] for line in said.splitlines() if ": done in" in line] == list(recipe.notebooks)


def test_the_guard_against_a_network_works(finished):
    environment = {**os.environ, "PYTHONPATH": str(finished[0] / "guard")}
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "this test has no network" in done.stderr


def test_every_table_and_figure_of_the_embedded_profile_is_there(made, repository):
    recipe = recipes.recipe(repository / "recipes" / "paper-tiny.yaml")
    for notebook in recipe.notebooks:
        committed = (repository / "figures" / notebook).iterdir()
        wanted = {path.name for path in committed if path.suffix in verify.COMMITTED}
        assert wanted <= {name for name, path in made.items() if path.parent.name == notebook}


def test_a_stand_in_is_called_one_wherever_it_shows(made):
    for name in ("linearity_curves", "fig04_addition", "fig08_reconstructions", "fig10_separation", "table1"):
        assert "random weights, which means nothing" in json.loads(made[f"{name}.json"].read_text())["caption"]
    for name in ("table1", "table1_readings"):
        caption = json.loads(made[f"{name}.json"].read_text())["caption"]
        for judge in ("captions by blip:blip", "segments by segformer:segformer", "quality by clip-iqa:clip-iqa"):
            clause = caption[caption.index(judge) :].partition(")")[0]
            assert clause.endswith("(a stand-in: random weights"), clause
    space = json.loads(made["table1.json"].read_text())["made_from"]["space"]
    assert space["encoder"] == "open_clip:ViT-S-32-alt/random-weights.safetensors"
    assert re.fullmatch("[0-9a-f]{64}", space["generator_weights"])
    assert (space["generator_source"], space["generator_steps"]) == ("stable-unclip", 2)
    assert json.loads(made["fig07_atoms.json"].read_text())["made_from"]["space"]["generator"].startswith("kandinsky")


def test_no_path_of_this_machine_is_in_what_was_made(finished, made):
    texts = [path for path in made.values() if path.suffix in (".json", ".csv", ".md", ".tex")]
    assert len(texts) > 40
    for path in texts:
        assert str(finished[0]) not in path.read_text(), path.name
    for path in (path for path in made.values() if path.suffix == ".png"):
        assert str(finished[0]).encode() not in path.read_bytes(), path.name


def test_every_reading_of_the_paper_s_columns_is_measured(made):
    metrics = set(pd.read_csv(made["table1_readings.csv"])["metric"])
    assert metrics >= {"caption_similarity", "image_caption_similarity", "segmentation_mse", "quality"}
    table = pd.read_csv(made["table1.csv"])
    assert not [name for name in table.columns if name.endswith("ours")]  # what was not measured would stand there
    assert table["segmentation mse (MSE-SS), collection"].notna().all()


def test_linearity_is_measured_on_fifty_pairs(made):
    wins = pd.read_csv(made["linearity_wins.csv"])
    assert (wins["pairs"] >= 50).all()
    assert set(wins["operation"]) == {"add", "remove"}


def test_the_dry_run_counts_what_is_generated(finished, repository):
    checkout = finished[0]
    sizes = {split: len(image_collections.load("embedded").split(split)) for split in image_collections.SPLITS}
    counted = {}
    for path in sorted((checkout / ".smicnb" / "runs" / "paper-tiny").glob("*.ipynb")):
        said = [
            text
            for cell in json.loads(path.read_text())["cells"]
            for output in cell.get("outputs", [])
            for text in re.findall(r"(\d+) images generated", "".join(output.get("text", "")))
        ]
        counted[path.stem] = int(said[-1]) if said else 0
    recipe = recipes.recipe(repository / "recipes" / "paper-tiny.yaml")
    values = recipes.parameters(recipe, list(recipe.notebooks), {})
    for name, images in counted.items():
        planned = plan.GENERATED[name](values[name], sizes) if name in plan.GENERATED else 0
        assert images <= planned <= images + 6, name  # Fig. 9 shows at most six atoms
    assert min(counted[name] for name in plan.GENERATED if name in recipe.notebooks) > 0
