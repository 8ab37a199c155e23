"""What has to happen before anything runs, on the real recipe."""

import resource
import subprocess
import sys

from checkouts import make, write

IMPORTS = "import pandas, scipy.stats\nfrom smicnb.repro.runs import freshness, jobs, recipes, run"
PROMISED = 3.0  # times the processor's time of these, as they come: what a run takes that ends where nothing changed
HEAVY = {"matplotlib", "nbformat", "sklearn", "torch", "transformers"}
LOOK = f"""
import sys
from pathlib import Path
from smicnb.repro.runs import freshness, jobs, recipes as recipes, run
for job in jobs.jobs_of(recipes.recipe(Path("recipes/embedded.yaml")), [], {{}}):
    print(job.notebook, *freshness.inputs(job), sep=", ")
print(sorted({HEAVY} & sys.modules.keys()))
"""


def look(code, repository):
    """What a process of this code prints, and its seconds of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_what_the_real_recipe_depends_on_is_known_within_seconds(repository):
    _, floor = look(IMPORTS, repository)
    done, seconds = look(LOOK, repository)
    *notebooks, imported = done.stdout.splitlines()
    assert len(notebooks) == len(list((repository / "notebooks").glob("[0-9]*.ipynb")))
    assert sum({"collection", "weights", "lock: numpy"} <= set(line.split(", ")) for line in notebooks) >= 5
    assert imported == "[]"
    assert seconds < PROMISED * floor


def test_a_run_asks_for_a_kernel_without_what_plans_and_what_executes(tmp_path):
    checkout = make(tmp_path, {"a": []})
    write(checkout, "a", [], kernel="julia-1.9")
    words = ["-X", "importtime", "-m", "smicnb.cli.main", "run"]
    done = subprocess.run([sys.executable, *words], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 2
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "smicnb.repro.runs.kernels" in loaded
    assert not {*HEAVY, "papermill", "nbclient", "smicnb.repro.runs.plan"} & loaded
