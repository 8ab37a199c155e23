"""Guides do what they say: their commands and their Python are run, on small real photographs."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from claims import Page
from PIL import Image
from real_photographs import save, scenes, smicnb

GUIDES = ("photographs", "parameter", "codec", "encoder", "paper_profile")
# What needs a data set or a model of the user's is refused here, by what the command line says of it.
NEEDED = {"PATH": "'PATH' cannot be read as a folder", "weights fetch": "not on this machine"}

# Numbers in a guide's prose that nothing measured: names, places, what one may type, dates.
NO_RESULTS = (
    r"(?<=[.:] )[1-9]\. (?=[A-Z])", r"[Nn]otebook \d\d", r"Fig\. 6 and 7", r"status [12]\b", r"SHA-256",
    r"ViT-L/14", r"Kandinsky 2\.2", r"on 2026-12-01\.", r"at most 1\b", r"0\.95 is good .* 0\.9 takes",
)  # fmt: skip


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
    folder = place / ".smicnb" / "figures" / "embedded+set" / "02_dictionary_atoms"
    if not folder.is_dir():
        pytest.skip("the guide on parameters was not run before")
    assert len(pd.read_csv(folder / "atoms_by_word.csv")) == 8


@pytest.mark.parametrize("guide", [*GUIDES, "cluster"])
def test_every_number_of_a_guide_is_the_code_s(guide, repository):
    import dask
    import distributed  # noqa: F401  (its settings)

    from smicnb.semantics.encoders import encoders, lite0_minilm

    page = Page.of(repository / "docs" / "guides" / f"{guide}.md", *NO_RESULTS)
    if guide == "cluster":
        hosts = (repository / "tests/codec/test_machines.py").read_text(encoding="utf-8")
        waits = re.findall(r'^LOST = "(\d+)s"', hosts, flags=re.MULTILINE)
        page.says("Workers get {} files at a time", encoders.BLOCK)
        seconds = dask.config.get("distributed.comm.timeouts.tcp").removesuffix("s")
        page.says("Dask waits (: {} seconds, in the test {})", seconds, *waits)
    elif guide == "encoder":
        page.says("where their norm is about {:.0f}.", lite0_minilm.NORM)
    elif guide == "parameter":
        notebook = json.loads((repository / "notebooks" / "02_dictionary_atoms.ipynb").read_text(encoding="utf-8"))
        source = "".join("".join(cell["source"]) for cell in notebook["cells"])
        page.says("with eight atoms instead of {}.", *re.findall(r"^n_atoms = (\d+)$", source, flags=re.MULTILINE))
    assert page.unproved() == []


def test_the_guide_to_the_paper_profile_shows_what_full_size_took_and_the_plan_is_near(repository, load_tool):
    from smicnb.repro.runs import recipes

    tool = load_tool("measure_full_size")
    rows = pd.read_csv(repository / tool.TABLE)
    page = (repository / tool.PAGE).read_text(encoding="utf-8")
    assert tool.written(page, rows) == page
    recipe = recipes.recipe(repository / "recipes" / f"{tool.RECIPE}.yaml")
    assert list(rows["notebook"]) == list(recipe.notebooks)
    for what in ("seconds_an_image", "gb"):
        measured = rows["peak_gb" if what == "gb" else what]
        assert (rows[f"planned_{what}"] / measured).between(1 / 2, 2).all(), what


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


def test_a_cluster_starts_and_compresses_as_its_page_says(repository, place, tmp_path, monkeypatch):
    """Scheduler, workers and compress as they are typed, but for the host, the port and the number of workers; what
    runs all notebooks is asked what it would do. Runs on Dask have tests of their own.
    """
    from smicnb.base.work.environment import worker_variables

    runs, packs, starts = (text.splitlines() for text in blocks(repository, "cluster", "sh"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        here = f"127.0.0.1:{free.getsockname()[1]}"

    def typed(line):
        programs = {f".venv/bin/{name}": str(Path(sys.executable).with_name(name)) for name in ("python", "dask")}
        for old, new in {
            "head:8786": here,
            "--port 8786": f"--port {here[10:]}",
            "--nworkers 8": "--nworkers 1",
            **programs,
        }.items():
            line = line.replace(old, new)
        return line

    bare = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME", "XDG_CACHE_HOME") if name in os.environ}
    told = "\n".join(map(typed, starts[:2]))
    done = subprocess.run(["sh", "-c", f"{told}\nenv"], env=bare, cwd=place, capture_output=True, text=True, check=True)
    assert {f"{name}={value}" for name, value in worker_variables().items()} <= set(done.stdout.splitlines())
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": place, "env": bare}
    started = [
        subprocess.Popen(["sh", "-c", f"{told}\nexec {typed(line).partition('#')[0]}"], **quiet) for line in starts[2:]
    ]
    try:
        monkeypatch.chdir(place)
        made = []
        for line in map(typed, packs):
            (place / "photos.smic").unlink(missing_ok=True)
            answer = smicnb(*shlex.split(line, comments=True)[1:])
            assert answer.status == 0, (line, answer.err)
            made.append((place / "photos.smic").read_bytes())
        assert len(made) == 2
        assert made[0] == made[1]
        for line in map(typed, runs):
            answer = smicnb(*shlex.split(line, comments=True)[1:], "--dry-run")
            assert answer.status == 0, (line, answer.err)
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(60)
