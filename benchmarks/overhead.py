"""What `smicnb run` costs beyond executing the same notebooks with nbclient alone, in seconds per notebook."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
NOTEBOOKS = 4
CELLS = ("value = 1", "from smicnb.repro import session", "print(value)")


def make(folder: Path) -> list[Path]:
    """A checkout of small notebooks."""
    import nbformat

    (folder / "notebooks").mkdir()
    (folder / "recipes").mkdir()
    paths = [folder / "notebooks" / f"n{number}.ipynb" for number in range(NOTEBOOKS)]
    for path in paths:
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
        book.cells[0].metadata["tags"] = ["parameters"]
        nbformat.write(book, path)
    listed = "".join(f"  {path.stem}:\n" for path in paths)
    (folder / "recipes" / "embedded.yaml").write_text(f"notebooks:\n{listed}", encoding="utf-8")
    return paths


def bare(paths: list[Path]) -> None:
    """Execute notebooks one after the other with nbclient, in a process of its own."""
    code = (
        "import sys, nbclient, nbformat\n"
        "for path in sys.argv[1:]:\n"
        "    book = nbformat.read(path, as_version=4)\n"
        "    nbclient.NotebookClient(book, kernel_name='python3').execute()\n"
        "    nbformat.write(book, path + '.done')\n"
    )
    subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True, capture_output=True)


def overhead(repeats: int = 2) -> dict:
    """Seconds of both, one notebook at a time, and of a run that finds nothing to do; the fastest counts."""
    words = [sys.executable, "-m", "smicnb.cli.main", "run"]
    times: dict[str, list[float]] = {"nbclient": [], "smicnb": [], "unchanged": []}
    with tempfile.TemporaryDirectory() as name:
        paths = make(Path(name))
        for _ in range(repeats):
            for kind, work in (
                ("nbclient", lambda: bare(paths)),
                ("smicnb", lambda: _run([*words, "--force", "--jobs", "1"], name)),
                ("unchanged", lambda: _run(words, name)),
            ):
                began = time.perf_counter()
                work()
                times[kind].append(time.perf_counter() - began)
    best = {kind: min(seconds) for kind, seconds in times.items()}
    each = (best["smicnb"] - best["nbclient"]) / NOTEBOOKS
    return {"notebooks": NOTEBOOKS, **best, "overhead": each}


def unchanged_recipe() -> float | None:
    """Seconds of a run of the embedded recipe that finds all of it fresh; None where this checkout has it not so."""
    words = [sys.executable, "-m", "smicnb.cli.main"]
    told = subprocess.run([*words, "status", "--json"], cwd=CHECKOUT, check=True, capture_output=True, text=True)
    if any(row["stale"] for row in json.loads(told.stdout)):
        return None
    began = time.perf_counter()
    _run([*words, "run"], CHECKOUT)
    return time.perf_counter() - began


def _run(command: list[str], folder: str | Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, "SMICNB_PROGRESS": "plain"})


def report(results: dict) -> None:
    """Measure, print, and add to `results`."""
    row = results["overhead of smicnb run"] = {**overhead(), "unchanged embedded recipe": unchanged_recipe()}
    real = row["unchanged embedded recipe"]
    print(
        f"smicnb run: {row['overhead']:.2f} s per notebook over nbclient; nothing changed: {row['unchanged']:.1f} s, "
        f"in the embedded recipe {'(not fresh here)' if real is None else f'{real:.1f} s'}"
    )
