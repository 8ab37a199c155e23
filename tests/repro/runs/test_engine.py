"""A cell whose error something else took to itself has failed all the same."""

import contextlib

import nbformat
import papermill
import pytest

from smicnb.repro.runs import engine

WIDGET = "import ipywidgets\n\nout = ipywidgets.Output()\n"
INTERACTIVE = "import ipywidgets\n\nipywidgets.interactive({}, x=3).update()"
HIDDEN = {
    "capture": ("%%capture\n1 / 0", "ZeroDivisionError"),
    "widget": (f"{WIDGET}with out:\n    1 / 0", "ZeroDivisionError"),
    "widget that is cleared": (f"{WIDGET}with out:\n    1 / 0\nout.clear_output()", "ZeroDivisionError"),
    "widget's interrupt": (f"{WIDGET}with out:\n    raise KeyboardInterrupt", "KeyboardInterrupt"),
    "interact": (INTERACTIVE.format("lambda x: 1 / 0"), "ZeroDivisionError"),
    "shown": ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    get_ipython().showtraceback()", "ZeroDivisionError"),
}


def executed(tmp_path, *sources, tags=()):
    """The execution of a notebook of these code cells; the tags are those of its first cell."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    book.cells[0].metadata["tags"] = list(tags)
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "python3", "language": "python"}
    nbformat.write(book, tmp_path / "a.ipynb")
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        execution = engine.Execution(folder=tmp_path, environment={}, log=log, timeout=60)
        with contextlib.suppress(papermill.PapermillExecutionError):
            papermill.execute_notebook(
                str(tmp_path / "a.ipynb"),
                None,
                engine_name=engine.NAME,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                execution=execution,
            )
    return execution


@pytest.mark.parametrize("how", HIDDEN)
def test_an_error_that_is_captured_fails_its_cell(how, tmp_path):
    source, kind = HIDDEN[how]
    execution = executed(tmp_path, source, "2")
    assert execution.cells == ["interrupted" if kind == "KeyboardInterrupt" else "failed", "pending"]
    assert (execution.error["kind"], execution.error["cell"]) == (kind, 0)
    ended = next(cell for cell in execution.notebook.cells if cell.cell_type == "code")
    assert kind in [output.get("ename") for output in ended.outputs]


def test_what_is_no_error_or_may_be_one_is_done(tmp_path):
    quiet = [
        "%%capture\nprint(1)",
        f"{WIDGET}with out:\n    print(1)",
        "try:\n    1 / 0\nexcept ArithmeticError:\n    1",
    ]
    execution = executed(tmp_path, "1 / 0", *quiet, INTERACTIVE.format("lambda x: x"), tags=["raises-exception"])
    assert execution.cells == ["done"] * 5
    assert execution.error is None
