"""What has to happen before anything runs, on the real recipe."""

import resource
import subprocess
import sys

PROMISED = 5.0  # seconds in which a run ends where nothing changed
HEAVY = {"matplotlib", "nbformat", "sklearn", "torch", "transformers"}
LOOK = f"""
import sys
from pathlib import Path
from smicnb.repro.runs import freshness, jobs, recipes as recipes, run
for job in jobs.jobs_of(recipes.recipe(Path("recipes/embedded.yaml")), [], {{}}):
    print(job.notebook, *freshness.inputs(job), sep=", ")
print(sorted({HEAVY} & sys.modules.keys()))
"""


def test_what_the_real_recipe_depends_on_is_known_within_seconds(repository):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", LOOK], cwd=repository, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    *notebooks, imported = done.stdout.splitlines()
    assert len(notebooks) == len(list((repository / "notebooks").glob("[0-9]*.ipynb")))
    assert sum({"collection", "weights", "lock: numpy"} <= set(line.split(", ")) for line in notebooks) >= 5
    assert imported == "[]"
    assert after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime < PROMISED
