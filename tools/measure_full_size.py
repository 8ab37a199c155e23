"""Run the notebooks of the recipe paper-full-random; what they took goes into docs/guides/full_size.csv and the guide.

`python tools/measure_full_size.py [NOTEBOOK ...]` runs those that are named, else all, one after the other. Memory is
asked of the system twice a second: what the processes of the run hold together, pages that they share counted once.
The rows of other notebooks, and of other machines, stay as they are. `--write` runs nothing and writes the page again.
"""

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import psutil

from smicnb.base.errors import SmicnbError
from smicnb.base.files import write_text
from smicnb.repro.checkout import find_processor, root, versions
from smicnb.repro.runs import plan, recipes
from smicnb.repro.runs.jobs import Job, jobs_of
from smicnb.repro.runs.records import format_now
from smicnb.semantics.selection import parse

RECIPE = "paper-full-random"
GUIDES = Path("docs", "guides")
TABLE, PAGE = GUIDES / "full_size.csv", GUIDES / "paper_profile.md"
BEGIN, END = "<!-- full size: written by tools/measure_full_size.py -->", "<!-- end of full size -->"
EVERY = 0.5  # seconds between two looks at the memory
COST = re.compile(r"(\d+) images generated, (\S+) s each")
LOADED = ("encoder", "judge", "generator", "captioner", "segmenter", "quality")


class Watch(threading.Thread):
    """Looks at a process and its children until it ends: `peak` is the most bytes that they held together."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.process, self.peak = psutil.Process(pid), 0

    def run(self) -> None:
        """Look until the process is no more."""
        while self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE:
            self.peak = max(self.peak, self.look())
            threading.Event().wait(EVERY)

    def look(self) -> int:
        """What is held now. A file that two processes map is counted in the larger one alone."""
        held, mapped = 0, [0]
        for each in [self.process, *self.process.children(recursive=True)]:
            try:
                info = each.memory_info()
            except psutil.Error:
                continue
            shared = getattr(info, "shared", 0)
            held += info.rss - shared
            mapped.append(shared)
        return held + max(mapped)


def measured(job: Job) -> dict:
    """A row: what a notebook loads, what was planned, and what its run took.

    Raises:
        SmicnbError: the notebook failed.
    """
    seconds, held = plan.Clock().seconds(job.parameters, 1), plan.count_memory(job.parameters)
    program = shutil.which("smicnb", path=Path(sys.executable).parent)
    run = subprocess.Popen([program, "run", job.notebook, "--recipe", RECIPE, "--force"], cwd=root())
    watch = Watch(run.pid)
    watch.start()
    if run.wait():
        raise SmicnbError(f"{job.notebook} ended with status {run.returncode}", "a run to the end", "read what it said")
    watch.join()
    cells = json.loads(job.place.executed.read_text(encoding="utf-8"))["cells"]
    said = "".join("".join(out.get("text", "")) for cell in cells for out in cell.get("outputs", []))
    images, each = COST.findall(said)[-1]
    generator = parse(job.parameters["generator"])
    return {
        "notebook": job.notebook,
        "device": generator.options.get("device", "cpu"),
        "loaded": ", ".join(_short(job.parameters[kind]) for kind in LOADED if kind in job.parameters),
        "dim": plan.dimension_of(job.parameters["encoder"]),
        "images": int(images),
        "seconds_an_image": float(each),
        "planned_seconds_an_image": seconds,
        "peak_gb": watch.peak / 1e9,
        "planned_gb": held["cpu"] / 1e9,
        "minutes": json.loads(job.place.record.read_text(encoding="utf-8"))["seconds"] / 60,
        "machine": machine(),
        "torch": versions()["torch"],
        "date": format_now()[:10],
    }


def _short(name: str) -> str:
    """A model's name without the folder and the options."""
    family, _, source = name.partition("?")[0].partition(":")
    return f"{family} {source.split('/')[0]}" if family == "open_clip" else family


def machine() -> str:
    """What the numbers were measured on."""
    name, cores = find_processor()
    memory = psutil.virtual_memory().total / 1e9
    return f"{name}, {cores} cores, {memory:.0f} GB of memory, {platform.system()}"


def keep(row: dict) -> None:
    """Put a row into the table, in place of the one of its notebook on its machine."""
    rows = [row]
    if (root() / TABLE).exists():
        known = pd.read_csv(root() / TABLE).to_dict("records")
        rows += [each for each in known if any(each[name] != row[name] for name in ("notebook", "device", "machine"))]
    table = pd.DataFrame(rows).sort_values(["device", "machine", "notebook"])
    write_text(root() / TABLE, table.to_csv(index=False, float_format="%.4g", lineterminator="\n"))


def written(page: str, table: pd.DataFrame) -> str:
    """The page with the table between its marks.

    Raises:
        ValueError: the page has no marks.
    """
    if BEGIN not in page or END not in page:
        raise ValueError(f"{PAGE} has no marks for the table")
    lines = []
    for (where, date), rows in table.groupby(["machine", "date"], sort=False):
        lines += [f"{where}; torch {rows['torch'].iloc[0]}; {date}:", ""]
        lines += ["| notebook | loaded | dimension | images | s an image (planned) | peak, GB (planned) | minutes |"]
        lines += ["|---|---|--:|--:|--:|--:|--:|"]
        for row in rows.itertuples():
            cells = [row.notebook, row.loaded, row.dim, row.images]
            cells += [f"{row.seconds_an_image:.3g} ({row.planned_seconds_an_image:.3g})"]
            cells += [f"{row.peak_gb:.1f} ({row.planned_gb:.1f})", f"{row.minutes:.0f}"]
            lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
        lines.append("")
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    return "\n".join([f"{before}{BEGIN}", "", *lines[:-1], "", f"{END}{after}"])


def rewrite() -> None:
    """Put the table as it is now into the page."""
    page = root() / PAGE
    write_text(page, written(page.read_text(encoding="utf-8"), pd.read_csv(root() / TABLE)))


def main() -> None:
    """Measure and write; one line and status 2 where a notebook fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="all of the recipe's if none")
    parser.add_argument("--write", action="store_true", help="only write the page again")
    given = parser.parse_args()
    recipe = recipes.recipe(root() / "recipes" / f"{RECIPE}.yaml")
    try:
        for job in [] if given.write else jobs_of(recipe, given.notebooks, {}):
            keep(measured(job))
            rewrite()
    except SmicnbError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    rewrite()


if __name__ == "__main__":
    main()
