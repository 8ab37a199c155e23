"""What the command line decides by itself."""

import io
import json
import os
import signal
import sys

import numpy as np
import pytest
from real_photographs import commands
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


def redirected(monkeypatch, encoding, *words):
    """Exit status and output where it goes to a file of a code page."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True) for _ in range(2)]
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        patch.setattr(sys, "argv", ["smicnb", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    signal.signal(signal.SIGTERM, before)
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams)
    return ended.value.code or 0, out, err


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "cp932"])
def test_every_command_helps_whatever_the_code_page(encoding, monkeypatch):
    every = list(commands())
    assert len(every) > 15
    for words in every:
        status, out, err = redirected(monkeypatch, encoding, *words, "--help")
        assert (status, err) == (0, ""), words
        assert "Usage" in out


@pytest.fixture
def smic(tmp_path):
    """A file whose name no code page has, and whose λ `info` tells."""
    from smicnb.codec import container
    from smicnb.codec.smic import SMICCodec

    latents = np.random.default_rng(0).normal(size=(6, 384))
    codec = SMICCodec(n_atoms=3, encoder="lite0-minilm", weights_hash="ab" * 32).fit(latents)
    path = tmp_path / "写真.smic"
    container.create(path, *codec.sections, codec.blocks(latents, None, None))
    return path


@pytest.mark.parametrize("encoding", ["cp1252", "cp437"])
def test_what_a_code_page_lacks_is_spelt_out(encoding, smic, monkeypatch):
    status, out, err = redirected(monkeypatch, encoding, "info", smic)
    assert (status, err) == (0, "")
    assert "\\u5199\\u771f.smic" in out
    assert "\\u03bb = " in out
    status, out, _ = redirected(monkeypatch, encoding, "info", smic, "--json")
    assert json.loads(out)["file"] == str(smic)
    status, _, err = redirected(monkeypatch, encoding, "info", smic.with_suffix(".none"))
    assert status == 2
    assert "\\u5199" in err


@pytest.mark.skipif(sys.platform != "linux", reason="only there may a name hold bytes that are no text")
def test_a_name_that_is_no_text_is_spelt_out(smic, monkeypatch):
    other = os.fsdecode(os.fsencode(smic.parent) + b"/\xff.smic")
    os.rename(smic, other)
    status, out, _ = redirected(monkeypatch, "utf-8", "info", other)
    assert status == 0
    assert "\\udcff.smic: 6 images" in out


def test_what_programmes_read_has_no_letter_that_a_code_page_could_lack(repository):
    for path in (repository / "smicnb").glob("cli*.py"):
        assert "ensure_ascii=False" not in path.read_text(encoding="utf-8"), path
