import os
import subprocess
import sys

from smicnb.base import progress as module
from smicnb.base.progress import progress


def test_plain_lines_say_share_and_time_left(monkeypatch, capsys):
    monkeypatch.setenv("SMICNB_PROGRESS", "plain")
    monkeypatch.setattr(module, "PLAIN_SECONDS", 0.0)
    assert list(progress([1, 2, 3, 4], "working")) == [1, 2, 3, 4]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("working: 25 %, 0:0")
    assert lines[0].endswith("left")
    assert lines[-1].startswith("working: 100 %, done in 0:0")


def test_what_an_earlier_run_did_makes_this_one_look_no_faster(monkeypatch, capsys):
    monkeypatch.setattr(module, "PLAIN_SECONDS", 0.0)
    clock = iter([0.0, 10.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    module.PlainBar("working", 100, sys.stderr, before=80).advance(10)
    assert capsys.readouterr().err == "working: 90 %, 0:10 left\n"


def test_speed_and_time_left_are_those_of_late(monkeypatch, capsys):
    """What is found in a cache goes by fast, and would promise too much of what follows."""
    clock = iter([0.0, *(10.0 * n for n in range(1, 9))])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    bar = module.PlainBar("encoding", 1000, sys.stderr, unit="photographs")
    for amount in (700, *[20] * 7):
        bar.advance(amount)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "encoding: 70 %, 70 photographs/s, 0:04 left"
    assert lines[-1] == "encoding: 84 %, 2 photographs/s, 1:20 left"


def test_a_terminal_shows_the_speed(capsys):
    from rich.progress import Progress

    column = module._speed_column("photographs")
    bars = Progress(column)
    bars.add_task("encoding", total=4)
    (task,) = bars.tasks
    assert str(column.render(task)) == ""
    bars.advance(task.id, 1)
    bars.advance(task.id, 2)
    assert str(column.render(task)).endswith(" photographs/s")


def test_short_work_prints_nothing(monkeypatch, capsys):
    monkeypatch.setenv("SMICNB_PROGRESS", "plain")
    list(progress(iter("abc"), "working", total=3))
    assert capsys.readouterr().err == ""


def test_terminal_shows_a_bar(monkeypatch, capsys):
    monkeypatch.setenv("SMICNB_PROGRESS", "terminal")
    assert list(progress("ab", "working")) == ["a", "b"]


def test_a_pipe_is_no_terminal():
    code = "from smicnb.base.progress import _surface; print(_surface())"
    environment = {"PATH": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "plain"


def test_jupyterlab_gets_a_widget(tmp_path):
    import nbformat
    from nbclient import NotebookClient

    source = "from smicnb.base.progress import progress\nlist(progress(range(3), 'working'))"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    environment.pop("SMICNB_PROGRESS", None)
    NotebookClient(book, kernel_name="python3", timeout=120).execute(env=environment)
    shown = [output.get("data", {}) for output in book.cells[0].outputs]
    assert any("application/vnd.jupyter.widget-view+json" in data for data in shown)
