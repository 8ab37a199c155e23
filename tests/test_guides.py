"""Guides do what they say: their commands and their Python are run, on small real photographs."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from real_photographs import save, scenes, smicnb

GUIDES = ("photographs", "parameter", "codec", "encoder", "paper_profile")
# What needs a data set or a model of the user's is refused here, by what the command line says of it.
NEEDED = {"PATH": "'PATH' cannot be read as a folder", "weights fetch": "not on this machine"}


@pytest.fixture(scope="module")
def place(repository, tmp_path_factory):
    """A checkout's notebooks and recipes, and two folders of photographs."""
    folder = tmp_path_factory.mktemp("guides")
    for name in ("notebooks", "recipes"):
        shutil.copytree(repository / name, folder / name)
    for name in ("pyproject.toml", "requirements.lock", "requirements-torch.lock"):
        shutil.copy(repository / name, folder)
    first, *others = scenes(14)
    save(first, folder / "photos" / "first.jpg", 160)
    Image.open(folder / "photos" / "first.jpg").save(folder / "photos" / "again.png")  # for `similar` to find
    for number, image in enumerate(others):
        save(image, folder / ("photos" if number < 11 else "more-photos") / f"{number}.jpg", 160)
    return folder


def blocks(repository, guide: str, language: str) -> list[str]:
    text = (repository / "docs" / "guides" / f"{guide}.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_of_a_guide_ends_as_it_should(guide, repository, place, tmp_path, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for line in "".join(blocks(repository, guide, "sh")).splitlines():
        program, *words = shlex.split(line, comments=True)
        if program == "make":  # tests of their own run these
            assert re.search(rf"^{words[0]}:", (repository / "Makefile").read_text(), flags=re.MULTILINE), line
            continue
        assert program == ".venv/bin/smicnb", line
        needed = next((said for what, said in NEEDED.items() if what in line), None)
        if "weights fetch" in line and ":" not in words[-1]:
            continue  # the index would be asked
        answer = smicnb(*words)
        assert answer.status == (2 if needed else 0), (line, answer.err)
        assert (needed or "") in answer.err, line


def test_a_parameter_that_was_changed_is_in_its_figures(place):
    """After the commands above."""
    import pandas as pd

    folder = place / ".smicnb" / "figures" / "embedded+set" / "02_dictionary_atoms"
    if not folder.is_dir():
        pytest.skip("the guide on parameters was not run before")
    assert len(pd.read_csv(folder / "atoms_by_word.csv")) == 8


@pytest.mark.parametrize("guide", ["codec", "encoder"])
def test_the_python_of_a_guide_does_what_it_says(guide, repository, capsys):
    told = {"__name__": guide}
    for number, source in enumerate(blocks(repository, guide, "python")):
        exec(compile(source, f"{guide}.md, block {number + 1}", "exec"), told)
    said = capsys.readouterr().out
    if guide == "codec":
        coder, Z = told["coders"][0], told["Z_heldout"]
        assert np.array_equal(coder.decode(coder.encode(Z)), coder.reconstruct(Z))
        assert told["measured"][0].cosines.mean() > 0.8 > told["measured"][1].cosines.mean()
        assert "failed" not in said
        assert abs(float(re.search(r"(\S+) % of bits beside JPEG", said)[1])) < 10
        assert re.search(r"rounding: \d+ bits an image\naxes: \d+ bits", said)
    else:
        assert told["latents"].shape == (216, 64)
        assert said.splitlines()[1].endswith("  cat")


def test_workers_of_a_cluster_start_as_its_page_says(repository):
    """Runs on Dask have tests of their own; here is what is typed on the other machines."""
    from distributed.cli import dask_scheduler, dask_worker

    from smicnb.base.work.environment import worker_variables

    page = (repository / "docs" / "guides" / "cluster.md").read_text(encoding="utf-8")
    (block,) = (block for block in re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL) if "dask scheduler" in block)
    lines = block.splitlines()
    told = "\n".join([*lines[:2], "env"]).replace(".venv/bin/python", shlex.quote(sys.executable))
    bare = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}
    done = subprocess.run(["sh", "-c", told], env=bare, cwd=repository, capture_output=True, text=True, check=True)
    assert {f"{name}={value}" for name, value in worker_variables().items()} <= set(done.stdout.splitlines())
    for line, command in zip(lines[2:], (dask_scheduler.main, dask_worker.main), strict=True):
        program, _, *words = shlex.split(line, comments=True)
        assert program == ".venv/bin/dask"
        command.make_context(command.name, words)
