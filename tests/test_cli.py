"""What the command line decides by itself."""

import pytest
from typer.testing import CliRunner

from smicnb import cli, cli_runs
from smicnb.base.errors import SmicnbError
from smicnb.repro.jobs import Job


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_notebooks_that_ask_for_a_gpu_take_turns(device):
    def jobs(*parameters):
        return [Job("03_reconstruction", each, None) for each in parameters]

    plain = {"encoder": "lite0-minilm?device=cpu", "pairs": 3, "collection": "folder:/data/device=cuda"}
    asking = {"quality": f"clip-iqa:auto?device={device}"}
    assert cli_runs.at_a_time(None, jobs(plain, {})) is None
    assert cli_runs.at_a_time(None, jobs(plain, asking)) == 1
    assert cli_runs.at_a_time(2, jobs(asking)) == 2


@pytest.mark.parametrize(("words", "workers"), [([], 1), (["--jobs", "3"], 3)])
def test_a_number_of_one_s_own_counts(words, workers, monkeypatch):
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
