"""What has to happen before anything runs, on the real recipe."""

import resource
import subprocess
import sys

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
