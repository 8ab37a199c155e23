"""What the command line decides by itself."""

import inspect
import io
import json
import os
import re
import signal
import sys
import typing
from enum import StrEnum
from pathlib import Path

import numpy as np
import pytest
from real_photographs import commands, refused, smicnb
from typer.models import OptionInfo
from typer.testing import CliRunner

from smicnb.base.errors import SmicnbError
from smicnb.cli import main, runs
from smicnb.repro.runs.jobs import Job


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_notebooks_that_ask_for_a_gpu_take_turns(device):
    def jobs(*parameters):
        return [Job("03_reconstruction", each, None) for each in parameters]

    plain = {"encoder": "lite0-minilm?device=cpu", "pairs": 3, "collection": "folder:/data/device=cuda"}
    asking = {"quality": f"clip-iqa:auto?device={device}"}
    assert runs.count_workers(None, jobs(plain, {})) is None
    assert runs.count_workers(None, jobs(plain, asking)) == 1
    assert runs.count_workers(2, jobs(asking)) == 2


@pytest.mark.parametrize(("words", "workers"), [([], 1), (["--jobs", "3"], 3)])
def test_a_number_of_one_s_own_counts(words, workers, monkeypatch):
    from smicnb.repro.runs import run

    asked = []
    monkeypatch.setattr(run, "run", lambda jobs, workers, *more: asked.append(workers) or [])
    settings = ["--set", "quality=clip-iqa:auto?device=cuda", "03_reconstruction"]
    result = CliRunner().invoke(main.app, ["run", *settings, *words], catch_exceptions=False)
    assert result.exit_code == 0
    assert asked == [workers]


def test_a_model_of_the_hub_is_not_taken_from_a_file(tmp_path):
    words = ["weights", "fetch", "blip:auto", "--from", str(tmp_path)]
    with pytest.raises(SmicnbError, match=r"found --from with 'blip:auto'.*blip:PATH") as caught:
        CliRunner().invoke(main.app, words, catch_exceptions=False)
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
            main.main()
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
    from smicnb.codec.coders.smic import SMICCodec
    from smicnb.codec.format import container

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


def _commands(app=main.app, words=()):
    for group in app.registered_groups:
        yield from _commands(group.typer_instance, (*words, group.name))
    for command in app.registered_commands:
        yield (*words, command.name or command.callback.__name__.replace("_", "-")), command.callback


def _parameters(command):
    """(name, type of one value, what typer is told, default) of each parameter of a command."""
    hints = typing.get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        kind, info = typing.get_args(hints[name])
        while arms := [arm for arm in typing.get_args(kind) if arm is not type(None)]:
            kind = arms[0]
        yield name, kind, info, parameter.default


def _typed(command, wanted, value):
    """What is typed to give one parameter a value, and to all others that need one something."""
    words = []
    for name, kind, info, default in _parameters(command):
        if name != wanted and default is not inspect.Parameter.empty:
            continue
        given = value if name == wanted else next(iter(kind)).value if issubclass(kind, StrEnum) else "x"
        option = isinstance(info, OptionInfo)
        declared = [each for each in (info.default, *(info.param_decls or ())) if str(each).startswith("--")]
        words += [*(declared[:1] or [f"--{name.replace('_', '-')}"]), given] if option else [given]
    return words


CASES = [(words, name, kind, info, default, command) for words, command in _commands()
         for name, kind, info, default in _parameters(command)]  # fmt: skip
EMPTY = [case for case in CASES if case[2] in (str, Path) and case[4] != ""]
NUMBERS = [case for case in CASES if case[2] is int]


def _id(cases):
    return [" ".join((*words, name)) for words, name, *_ in cases]


def test_every_parameter_is_looked_at():
    assert {"source", "target", "recipe", "data", "config", "out", "model", "notebooks", "folder"} <= {
        name for _, name, *_ in EMPTY
    }
    assert {"seed", "atoms", "threads", "jobs", "timeout", "level"} <= {name for _, name, *_ in NUMBERS}


@pytest.mark.parametrize("case", EMPTY, ids=_id(EMPTY))
def test_an_empty_argument_is_never_the_current_folder(case):
    words, name, *_, command = case
    answer = smicnb(*words, *_typed(command, name, ""))
    assert (answer.status, answer.out) == (2, "")
    needed = "words in quotes, .*" if words == ("search",) and name == "given" else "a name or a path"
    assert re.fullmatch(rf"smicnb: found an empty (--)?[\w-]+; needed: {needed}; .*\n", answer.err)


@pytest.mark.parametrize("case", NUMBERS, ids=_id(NUMBERS))
def test_every_whole_number_has_a_least_and_a_greatest(case):
    words, name, _, info, _, command = case
    assert None not in (info.min, info.max)
    for number in (info.min - 1, info.max + 1, 10**30):
        answer = smicnb(*words, *_typed(command, name, str(number)))
        assert (answer.status, answer.out) == (2, "")
        assert f"'--{name.replace('_', '-')}'" in answer.err


@pytest.mark.parametrize("seed", ["4294967296", "2147483649"])
def test_a_seed_beyond_what_libraries_take_is_told(seed, tmp_path):
    assert "'--seed'" in refused("compress", "embedded", tmp_path / "x.smic", "--seed", seed)
