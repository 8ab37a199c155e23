"""Findings are well formed and their page is up to date; whether they hold is asked by `make findings` alone."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).resolve().parent.parent / "findings").glob("*.sh"))
FIRST = """#!/usr/bin/env bash
# ground: metrics
# guess: 3
# expects: one thing
#   and no other
# packages: numpy==1.2.3 faiss-cpu==1.2
set -e
# no: field
"""


@pytest.fixture(scope="module")
def tool(load_tool):
    return load_tool("list_findings")


def programme(script: Path) -> ast.Module:
    """The Python that a script runs, between the marks."""
    return ast.parse(re.search(r"<<'END'\n(.*)\nEND\n\Z", script.read_text(), flags=re.DOTALL)[1])


def is_a_check(statement: ast.stmt) -> bool:
    """sys.exit(None if SOMETHING else "changed: …"), where SOMETHING is computed."""
    match statement:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name("sys"), "exit"), [ast.IfExp(test, ast.Constant(None), said)])):
            names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
            return bool(names) and isinstance(said, ast.Constant) and said.value.startswith("changed: ")
    return False


def test_a_header_is_read(tool, tmp_path):
    (tmp_path / "a.sh").write_text(FIRST)
    fields = tool.header(tmp_path / "a.sh")
    assert fields["expects"] == "one thing and no other"
    assert "no" not in fields
    assert fields["packages"] == "numpy==1.2.3 faiss-cpu==1.2"


def test_a_check_that_cannot_fail_is_none():
    lines = ['sys.exit("changed: x")', 'sys.exit(None if True else "changed: x")', "print(x)", "sys.exit(0)"]
    assert [is_a_check(ast.parse(line).body[0]) for line in lines] == [False] * 4
    assert is_a_check(ast.parse('sys.exit(None if x > 1 else "changed: x")').body[0])


def test_there_are_findings_of_every_ground(tool):
    assert {tool.header(script)["ground"] for script in SCRIPTS} == set(tool.GROUNDS)
    assert tool.scripts() == SCRIPTS


def test_what_all_findings_begin_with_installs_what_is_pinned_and_cleans_up():
    lines = (SCRIPTS[0].parent / "environment").read_text().splitlines()
    order = ["set -euo pipefail", "unset PYTHONPATH", "work=$(mktemp -d)", "trap 'rm -rf \"$work\"' EXIT", 'cd "$work"']
    assert [line for line in lines if line in order] == order
    assert next(line for line in lines if "pip" in line and "install" in line).endswith("$packages || exit 69")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_finding_is_pinned_and_can_fail(tool, script):
    text, fields = script.read_text(), tool.header(script)
    assert tuple(fields) == tool.FIELDS
    pinned = re.compile(r"[a-z0-9-]+==[0-9][0-9.]*(post[0-9]+)?")
    assert all(pinned.fullmatch(package) for package in fields["packages"].split(" "))
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    assert lines[first] == '. "$(dirname "$0")/environment"'
    assert max(map(len, lines)) <= 120
    body = programme(script)
    assert is_a_check(body.body[-1])
    imports = [node for node in ast.walk(body) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {name.name for node in imports for name in node.names} | {getattr(node, "module", "") for node in imports}
    assert not [module for module in modules if module.split(".")[0] == "smicnb"]
    assert subprocess.run(["bash", "-n", script]).returncode == 0


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_finding_comes_from_a_guess_that_missed(tool, repository, script):
    fields = tool.header(script)
    if fields["guess"] != "none":
        guesses = (repository / "findings" / "guesses" / f"{tool.GROUNDS[fields['ground']][1]}.md").read_text()
        assert re.search(rf"^\| {fields['guess']} \|.*\| miss \|", guesses, flags=re.MULTILINE)


def test_every_guess_has_its_confidence_and_outcome(tool, repository):
    for _, name in tool.GROUNDS.values():
        page = (repository / "findings" / "guesses" / f"{name}.md").read_text()
        rows = [line.split(" | ") for line in page.splitlines() if re.match(r"\| \d+ \|", line)]
        assert [row[0] for row in rows] == [f"| {number}" for number in range(1, len(rows) + 1)]
        assert len(rows) >= 8
        assert all(re.fullmatch(r"\d\d %", row[2]) and row[3] in ("hit", "miss") for row in rows)


def test_the_page_is_what_the_headers_make(tool, repository):
    assert (repository / "findings" / "README.md").read_text() == tool.page()


def test_what_surprises_is_held_by_tests_that_exist(repository):
    page = (repository / "docs" / "surprises.md").read_text()
    named = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", page)
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| what is so")]
    assert all("`tests/" in row for row in rows)
    assert len(named) >= len(rows) > 10
    for path, name in named:
        assert f"\ndef {name}(" in (repository / path).read_text(), (path, name)


def test_running_says_what_became_of_each(tool, tmp_path, capsys):
    ends = {"kept": 0, "unseen": 77}
    scripts = {name: tmp_path / f"{name}.sh" for name in (*ends, "gone", "offline")}
    for name, script in scripts.items():
        script.write_text(f"echo saw {name}; exit {ends.get(name, 1 if name == 'gone' else 69)}")
    assert tool.run([scripts[name] for name in ends]) == 0
    assert capsys.readouterr().out == "kept: holds\nunseen: not to be seen on this processor\n"
    assert tool.run([scripts["kept"], scripts["gone"]]) == 1
    assert "gone: changed\n  saw gone\n" in capsys.readouterr().out
    assert tool.run([scripts["offline"]]) == 1
    assert "offline: not installed\n" in capsys.readouterr().out
