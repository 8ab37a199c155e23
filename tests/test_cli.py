"""What the command line decides by itself."""

import pytest
from typer.testing import CliRunner

from smicnb import cli, cli_runs
from smicnb.base.errors import SmicnbError
from smicnb.repro import executors


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_a_gpu_is_seen_where_it_is_asked_for(device):
    plain = {"encoder": "lite0-minilm?device=cpu", "pairs": 3, "collection": "folder:/data/device=cuda"}
    assert not cli_runs._asks_for_gpu(plain)
    assert cli_runs._asks_for_gpu({**plain, "quality": f"clip-iqa:auto?device={device}"})
    assert cli_runs._asks_for_gpu({"generator": f"stable-unclip:auto?steps=3&device={device}"})


@pytest.mark.parametrize(("cores", "notebooks", "for_each"), [(1, 1, 1), (2, 1, 1), (8, 4, 1)])
def test_a_notebook_for_each_two_cores(cores, notebooks, for_each, monkeypatch):
    monkeypatch.setattr(executors, "cores_here", lambda: cores)
    with executors.workforce(None) as at_work:
        assert (at_work.count, at_work.variables) == (notebooks, {"SMICNB_WORKERS": str(for_each)})
    with executors.workforce(1) as at_work:  # what others leave, one notebook's own pieces take
        assert (at_work.count, at_work.variables) == (1, {"SMICNB_WORKERS": str(notebooks)})


@pytest.mark.parametrize(("words", "workers"), [([], 1), (["--jobs", "3"], 3)])
def test_notebooks_that_share_a_gpu_take_turns_and_a_number_of_one_s_own_counts(words, workers, monkeypatch):
    from smicnb.repro import runs

    asked = []
    monkeypatch.setattr(runs, "run", lambda jobs, workers, *more: asked.append(workers) or [])
    settings = ["--set", "quality=clip-iqa:auto?device=cuda", "03_reconstruction"]
    result = CliRunner().invoke(cli.app, ["run", *settings, *words], catch_exceptions=False)
    assert result.exit_code == 0
    assert asked == [workers]


def test_a_model_of_the_hub_is_not_taken_from_a_file(tmp_path):
    words = ["weights", "fetch", "blip:auto", "--from", str(tmp_path)]
    with pytest.raises(SmicnbError, match=r"found --from with 'blip:auto'.*blip:PATH") as caught:
        CliRunner().invoke(cli.app, words, catch_exceptions=False)
    assert "\n" not in str(caught.value)
