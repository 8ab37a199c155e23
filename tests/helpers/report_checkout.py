"""A small checkout with a notebook in every state, for the tests of the report."""

import base64
import contextlib
import io
import json
import socket
from pathlib import Path

import nbformat
import yaml
from PIL import Image

from smicnb.base.files import sha256_file
from smicnb.repro.runs import freshness, jobs, recipes

HOSTILE = "<script>alert('caption')</script> & \"quotes\""
NOBODY = 2**22 + 1  # a process number beyond what Linux gives
# Notebook -> what its record says; None: it never ran here.
STATES = {
    "00_done": "done",
    "01_failed": "failed",
    "02_dead": "dead",
    "03_timeout": "timeout",
    "04_stale": "done",
    "05_killed": "running",
    "06_never": None,
}
SAID = dict(
    zip(
        STATES,
        ("done", "failed", "kernel died", "timed out", "stale", "died", "committed, not run here"),
        strict=True,
    )
)
TABLE_1 = "00_done/table1"
TABLE = 'row,CC as published,"image cosine (CC), held-out",note\nlow,0.78,0.123456,<b>bold</b>\nhigh,0.89,,\n'


def png(size: tuple[int, int] = (900, 300)) -> bytes:
    """A picture that is not of one colour."""
    drawn = io.BytesIO()
    Image.linear_gradient("L").resize(size).save(drawn, "PNG")
    return drawn.getvalue()


def source() -> nbformat.NotebookNode:
    """A stripped notebook with one parameter."""
    cell = nbformat.v4.new_code_cell("seed = 1", id="parameters", metadata={"tags": ["parameters"]})
    return nbformat.v4.new_notebook(cells=[cell])


def executed(name: str) -> nbformat.NotebookNode:
    """A notebook as an engine leaves it: three code cells, the second of which fails where NAME did.

    05_killed has one of an earlier run, which was done.
    """
    failing = STATES[name] in ("failed", "dead", "timeout")
    new = nbformat.v4
    table = "<table class='dataframe'><tr><th>a</th></tr><tr><td onclick='alert(1)'>1</td></tr></table>"
    html = f"<style scoped>td {{ margin: 0 }}</style>{table}"
    outputs = [
        new.new_output("stream", name="stdout", text=f"begin {'x' * 60_000} end"),
        new.new_output(
            "display_data", data={"text/html": f"{html}<script src='https://example.org/a.js'>fetch('/')</script>"}
        ),
        new.new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {}, "text/plain": "VBox(3)"}),
        new.new_output(
            "display_data",
            data={"image/png": base64.b64encode(png()).decode(), "text/plain": "Figure"},
            metadata={"smicnb": {"figure": name}},
        ),
        new.new_output("display_data", data={"image/png": "bm8gcGljdHVyZQ==", "text/plain": "damaged"}),
        new.new_output("display_data", data={"text/html": "<p>" + "y" * 300_000, "text/plain": "too much HTML"}),
    ]
    error = new.new_output(
        "error", ename="ValueError", evalue="no atoms", traceback=["\x1b[0;31mValueError\x1b[0m: no <atoms>"]
    )
    ends = ["completed", "failed", "pending"] if failing else ["completed"] * 3
    states = ["done", STATES[name], "pending"] if failing else ["done"] * 3
    sources = [
        "run.save_figure(plots.rates(table), name, data=table)",
        "raise ValueError('no <atoms>')",
        "print('last')",
    ]
    cells = [
        new.new_markdown_cell(f"# Notebook {name}\n\n$n_a < 3$ [out](https://example.org) [down](#nowhere)"),
        new.new_markdown_cell("![](https://example.org/b.png)\n\n<iframe src='https://example.org'></iframe>"),
        *(
            new.new_code_cell(source, outputs=shown, metadata={"papermill": {"status": end}, "smicnb": {"state": told}})
            for source, shown, end, told in zip(
                sources, [outputs, [error] if failing else [], []], ends, states, strict=True
            )
        ),
    ]
    if failing:
        sign = 'An Exception was encountered at <a href="#papermill-error-cell">In [2]</a>.'
        cells.insert(0, new.new_markdown_cell(sign, metadata={"tags": ["papermill-error-cell-tag"]}))
    return new.new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})


def write(root: Path) -> Path:
    """Write the checkout to `root`: map, recipes, notebooks, figures, records and executed notebooks."""
    for folder in ("docs", "recipes", "notebooks", "figures/bsds500", ".smicnb/records/small", ".smicnb/runs/small"):
        (root / folder).mkdir(parents=True)
    group = {"paper": "Paper", "state": "regenerated", "gist": "something", "why": "Formulas are all it takes."}
    groups = [
        {
            **group,
            "name": f"Group {name}",
            "notebook": name,
            "command": f"smicnb run {name}",
            "rows": [
                {
                    "item": f"Fig. {number}",
                    "what": f"what {name} shows",
                    "files": [_figure(root, name)],
                    "why": "A picture.",
                }
            ],
        }
        for number, name in enumerate(STATES, start=1)
    ]
    groups[0]["rows"] += [
        {
            "item": "Table I",
            "what": "numbers side by side",
            "files": [TABLE_1, f"bsds500/{TABLE_1}"],
            "why": "Numbers.",
        },
        {"item": "C1", "what": "a claim on `them`", "files": [TABLE_1], "why": "As *read* here."},
    ]
    nothing = {**group, "notebook": None, "command": None}
    groups += [
        {**nothing, "name": "Later", "state": "not yet", "rows": [{"item": "Fig. 20", "what": "a hull"}]},
        {
            **nothing,
            "paper": "Other",
            "name": "Diagram",
            "state": "as published",
            "rows": [{"item": "Fig. 1", "what": "a diagram", "why": "A diagram."}],
        },
    ]
    content = {
        "papers": {"Paper": "Ann & Bob: <A paper>", "Other": "Other"},
        "groups": groups,
        "supplementary": {},
        "attacks": [],
    }
    (root / "docs" / "reproduction.yaml").write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    for place in (TABLE_1, f"bsds500/{TABLE_1}"):
        _table(root / "figures" / place, place)
    for recipe, figures in {"small": "figures", "bsds500": "figures/bsds500", "own": ".smicnb/figures/own"}.items():
        notebooks = dict.fromkeys(STATES)
        (root / "recipes" / f"{recipe}.yaml").write_text(yaml.safe_dump({"figures": figures, "notebooks": notebooks}))
    for name in STATES:
        (root / "notebooks" / f"{name}.ipynb").write_text(nbformat.writes(source()))
    for name, state in STATES.items():
        if state:
            _record(root, name, state)
    (root / "figures/04_stale/04_stale.csv").write_text("a,b\n1,3\n")  # after its record
    return root


def _figure(root: Path, name: str) -> str:
    """NAME/NAME.png, .csv, .pdf and .json; returns the map's name of it."""
    stem = root / "figures" / name / name
    stem.parent.mkdir()
    stem.with_suffix(".png").write_bytes(png())
    stem.with_suffix(".pdf").write_bytes(b"%PDF-1.4")
    stem.with_suffix(".csv").write_text("a,b\n1,2\n")
    origin = {
        "notebook": name,
        "caption": f"Caption of {name}: {HOSTILE}",
        "parameters": {"n_atoms": [2, 32], "seed": 1},
    }
    stem.with_suffix(".json").write_text(json.dumps(origin))
    return f"{name}/{name}"


def _table(stem: Path, place: str) -> None:
    collection = "bsds500:PATH" if place.startswith("bsds500") else "embedded"
    stem.parent.mkdir(exist_ok=True)
    stem.with_suffix(".csv").write_text(TABLE)
    stem.with_suffix(".md").write_text("| row |\n")
    stem.with_suffix(".tex").write_text("\\begin{tabular}{l}\\end{tabular}\n")
    origin = {"notebook": "00_done", "caption": f"Table I on {collection}", "parameters": {"collection": collection}}
    stem.with_suffix(".json").write_text(json.dumps(origin))


def _inputs(root: Path, name: str) -> dict[str, str]:
    with contextlib.chdir(root):
        (job,) = jobs.jobs_of(recipes.recipe(root / "recipes" / "small.yaml"), [name], {})
        return freshness.inputs(job)


def _record(root: Path, name: str, state: str) -> None:
    state_dir = root / ".smicnb"
    ends = {"done": ["done"] * 3, "running": ["done", "running", "pending"]}.get(state, ["done", state, "pending"])
    errors = {
        "failed": {"kind": "ValueError", "text": "no <atoms>", "cell": 1},
        "dead": {"kind": "DeadKernel", "text": "Kernel died", "cell": 1},
        "timeout": {"kind": "Timeout", "text": "cell took more than 60 s", "cell": 1},
    }
    digest = {path: sha256_file(path) for path in (root / "figures" / name).glob(f"{name}.*")}
    record = {
        "notebook": name,
        "recipe": "small",
        "state": state,
        "error": errors.get(state),
        "cells": ends,
        "queued": "2026-01-02T03:04:05Z",
        "started": "2026-01-02T03:04:06Z",
        "seconds": 12.3,
        "attempts": 1,
        "pid": NOBODY,
        "host": socket.gethostname(),
        "parameters": {"seed": 1},
        "inputs": _inputs(root, name),
        "outputs": {path.name: value for path, value in digest.items()} if state == "done" else {},
        "versions": {},
        "commit": "0123456789abcdef",
        "modified": True,
        "executed": f"runs/small/{name}.ipynb",
    }
    (state_dir / "records" / "small" / f"{name}.json").write_text(json.dumps(record))
    nbformat.write(executed(name), state_dir / record["executed"])
