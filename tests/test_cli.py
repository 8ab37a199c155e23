"""What the command line decides by itself."""

import os

import pytest
from typer.testing import CliRunner

from smicnb import cli
from smicnb.base.errors import SmicnbError


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_notebooks_that_ask_for_a_gpu_take_turns(device, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    plain = {"encoder": "lite0-minilm?device=cpu", "pairs": 3, "collection": "folder:/data/device=cuda"}
    assert cli._workers([plain, {}]) == 4
    assert cli._workers([plain, {"quality": f"clip-iqa:auto?device={device}"}]) == 1
    assert cli._workers([{"generator": f"stable-unclip:auto?steps=3&device={device}"}, plain]) == 1


@pytest.mark.parametrize("cores", [None, 1])
def test_there_is_always_one_notebook_at_a_time(cores, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert cli._workers([{}]) == 1


@pytest.mark.parametrize(("words", "workers"), [([], 1), (["--jobs", "3"], 3)])
def test_a_number_of_one_s_own_counts(words, workers, monkeypatch):
    from smicnb.repro import runs

    asked = []
    monkeypatch.setattr(runs, "run", lambda jobs, workers, force: asked.append(workers) or [])
    settings = ["--set", "quality=clip-iqa:auto?device=cuda", "03_reconstruction"]
    result = CliRunner().invoke(cli.app, ["run", *settings, *words], catch_exceptions=False)
    assert result.exit_code == 0
    assert asked == [workers]


def test_a_model_of_the_hub_is_not_taken_from_a_file(tmp_path):
    words = ["weights", "fetch", "blip:auto", "--from", str(tmp_path)]
    with pytest.raises(SmicnbError, match=r"found --from with 'blip:auto'.*blip:PATH") as caught:
        CliRunner().invoke(cli.app, words, catch_exceptions=False)
    assert "\n" not in str(caught.value)
