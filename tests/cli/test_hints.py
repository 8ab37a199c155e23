"""What errors, help and documents say that one should type can be typed, and does what is said."""

import ast
import re
import shlex
from pathlib import Path

import click
import pytest
import typer
from real_photographs import commands, done, refused, save, scenes

from smicnb.base.errors import DimensionError, ImageError, MissingWeightsError, SmicnbError
from smicnb.cli import main
from smicnb.repro import session
from smicnb.repro.runs import plan, recipes
from smicnb.repro.runs.jobs import jobs_of
from smicnb.semantics.generators import diffusion, inversion

ROOT = Path(__file__).resolve().parents[2]
WORD = re.compile(r"`(smicnb [^`…]+)`")  # in documents and help
HINT = re.compile(r"'(smicnb [^'…]+)'")  # in errors


def command_line():
    return typer.main.get_command(main.app)


def parsed(line):
    """Take a command apart as the shell and the command line would, without running it."""
    words, command = shlex.split(line)[1:], command_line()
    context = click.Context(command)
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, line
        command = command.commands[words.pop(0)]
    if words:  # alone it is a command's name in a sentence
        command.make_context(command.name, words, parent=context, resilient_parsing=False)


def helped():
    for words in commands():
        command = command_line()
        for word in words:
            command = command.commands[word]
        yield from WORD.findall(" ".join((command.help or "").split()))


def documented():
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        yield from (" ".join(line.split()) for line in WORD.findall(text))
        for block in re.findall(r"```\w*\n(.*?)```", text, flags=re.DOTALL):
            lines = block.replace("\\\n", " ").splitlines()
            yield from (line.strip().removeprefix("$ ").partition("  #")[0] for line in lines if "smicnb " in line[:10])


def strings():
    """Every text in the package, with what is filled in as X."""
    for path in sorted((ROOT / "smicnb").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "X" for part in node.values]
                yield path, "".join(parts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path, node.value


@pytest.mark.parametrize("source", [helped, documented])
def test_commands_of_help_and_documents_are_commands(source):
    lines = [line for line in source() if not re.search(r"\.{3}|PATH\b.*\|", line)]
    assert len(lines) > 15
    for line in lines:
        parsed(line)


def test_commands_and_options_of_errors_are_some():
    options = {"--version", "--help", "--force"}
    stack = [command_line()]
    while stack:
        command = stack.pop()
        stack += getattr(command, "commands", {}).values()
        options |= {name for parameter in command.params for name in parameter.opts}
    lines = 0
    for path, text in strings():
        for line in HINT.findall(text):
            lines += 1
            parsed(line)
        if path.parent.name in ("compare", "semantics", "codec", "learned", "smicnb", "repro") and "say" in text:
            for option in re.findall(r"(?<!-)--[a-z][a-z-]+", text):
                assert option in options, (path, text)
    assert lines > 5


def test_what_pip_is_to_install_is_an_extra_of_the_project():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {match for _, text in strings() for match in re.findall(r"pip install 'smicnb\[(\w+)\]'", text)}
    assert extras == {"codecs"}
    assert extras <= set(project["optional-dependencies"])
    said = " ".join(project["optional-dependencies"]["codecs"])
    assert all(package in said for package in ("imageio-ffmpeg", "pillow-jxl-plugin", "faiss"))


@pytest.mark.parametrize("data_set", ["bsds500", "kodak"])
def test_what_make_is_to_run_is_a_target_with_its_variable(data_set, tmp_path):
    run = session.Session("any", {"seed": 1, "collection": "embedded"}, tmp_path, None)
    with pytest.raises(SmicnbError, match="is absent") as caught:
        run.take_measured(data_set, "no such table", None)
    line = caught.value.do.removeprefix("run ")
    assert f"{line}\n" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_options_of_names_that_errors_recommend_are_options():
    known = {*diffusion.DEFAULTS, *inversion.DEFAULTS, "tag"}
    asked = {name for _, text in strings() for name in re.findall(r"\bsay \?(\w+)=", text)}
    assert {"dtype", "device", "tag"} <= asked <= known


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Twelve photographs, of which six are trained on."""
    folder = tmp_path_factory.mktemp("few")
    for place, image in enumerate(scenes(12)):
        save(image, folder / f"{place}.png", 96)
    return folder


@pytest.mark.parametrize("notebook", plan.DICTIONARIES)
def test_a_dry_run_objects_to_dictionaries_that_are_too_large_and_what_it_says_helps(notebook, few, monkeypatch):
    monkeypatch.chdir(ROOT)
    recipe = recipes.recipe(ROOT / "recipes" / "embedded.yaml")
    settings = {"collection": f"folder:{few}"}
    with pytest.raises(DimensionError, match="for the 6 images"):
        plan.describe(jobs_of(recipe, [notebook], settings))
    for _ in plan.DICTIONARIES[notebook]:
        try:
            plan.describe(jobs_of(recipe, [notebook], settings))
        except DimensionError as error:
            option, setting = shlex.split(str(error).partition("say ")[2])
            assert option == "--set"
            settings |= [recipes.assignment(setting)]
    assert plan.describe(jobs_of(recipe, [notebook], settings))


def test_the_dry_run_asks_what_the_notebooks_ask():
    asked = {}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        if ".check_sizes(" in path.read_text(encoding="utf-8"):
            asked[path.stem] = None
    assert set(plan.DICTIONARIES) - {"explore"} == set(asked)  # explore's are asked by `explorer.prepare`


def test_a_target_that_is_there_is_added_to_as_said(few, tmp_path):
    target, more = tmp_path / "a file.smic", tmp_path / "more photographs"
    save(scenes(13)[12], more / "later.png", 96)
    done("compress", few, target, "--atoms", "4")
    words = shlex.split(refused("compress", more, target).partition("add to it: ")[2])
    assert done(*words[1:]).out.startswith(f"{target}: 13 images")


def test_why_there_is_nothing_to_train_on_is_said_in_words(few):
    from smicnb.learned.training.photographs import FITTED, photographs

    with pytest.raises(ImageError, match="; left out: smaller than 128 pixels: 10; needed: photographs of"):
        photographs([f"folder:{few}"], FITTED, 128, None)


def test_a_part_that_is_here_says_that_its_source_was_not_read(tmp_path):
    answer = done("weights", "fetch", "all-minilm-l6-v2", "--from", tmp_path / "nowhere")
    assert f"all-minilm-l6-v2 is on this machine already: '{tmp_path / 'nowhere'}' was not read" in answer.err


def test_how_a_model_of_the_hub_is_fetched_is_said_by_its_name(monkeypatch, tmp_path):
    from smicnb.semantics import hub_models

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for family in hub_models.FAMILIES:
        with pytest.raises(MissingWeightsError) as caught:
            hub_models.sources(family).locate("auto")
        (line,) = HINT.findall(caught.value.do)
        parsed(line)
        assert line.startswith(f"smicnb weights fetch {family}:")
        with pytest.raises(MissingWeightsError) as fetched:
            hub_models.fetch(line.split()[-1])
        assert "weights fetch" not in fetched.value.do
        with pytest.raises(SmicnbError) as nowhere:
            hub_models.sources(family).locate("/no/such/folder")
        assert "weights fetch" not in str(nowhere.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--latents", "z.npz", "--generator", "inversion", "--seed", "0"), "--latents with --generator and --seed"),
        (("--latents", "z.npz", "--gallery", "embedded"), "found --latents with --gallery"),
        (("--latents", "z.npz", "--encoder", "lite0-minilm"), "found --latents with --encoder"),
        (("out", "--generator", "stable-unclip:auto", "--gallery", "embedded"), "found --gallery with --generator"),
    ],
)
def test_options_without_effect_are_refused(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in refused("decompress", "none.smic", *words)


def test_a_seed_that_changes_nothing_is_said_to(few, tmp_path):
    done("compress", few, tmp_path / "a.smic", "--atoms", "4")
    answer = done("decompress", tmp_path / "a.smic", tmp_path / "out", "--seed", "3", "--gallery", f"folder:{few}")
    assert "--seed changes nothing" in answer.err


def test_a_caption_that_no_model_reads_is_said_to_change_nothing_and_a_name_is_of_the_model_s_codec(tmp_path):
    save(scenes(1)[0], tmp_path / "a.png", 96)
    told = refused("encode", tmp_path / "a.png", tmp_path / "a.sic")
    assert "which writes a file of TACO; needed: a name that ends in .taco, or a model of SIC" in told
    assert not (tmp_path / "a.sic").exists()
    words = shlex.split(told.partition("say for example ")[2])
    answer = done("encode", tmp_path / "a.png", tmp_path / "a.sic", *words, "--caption", "a thing")
    assert "--caption changes nothing" in answer.err
    assert (tmp_path / "a.sic").is_file()
