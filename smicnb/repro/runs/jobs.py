"""The notebooks of a recipe as jobs: what runs, with which parameters, and where everything goes."""

import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from smicnb.base.errors import SmicnbError
from smicnb.repro.checkout import root
from smicnb.repro.runs import recipes
from smicnb.repro.runs.worker import Place
from smicnb.semantics.photographs import image_collections


@lru_cache(maxsize=8)
def collection_of(name: str) -> image_collections.Collection:
    """The collection of a name, loaded once per process; what was left out of it is said on stderr."""
    loaded = image_collections.load(name)
    if loaded.skipped:
        print(f"smicnb: warning: {loaded.summary()}", file=sys.stderr)
    return loaded


@dataclass(frozen=True)
class Job:
    """One notebook with all its parameters, and where everything goes."""

    notebook: str
    parameters: dict[str, Any]
    place: Place

    @property
    def recipe(self) -> str:
        """The name of the recipe that it belongs to, with "+set" where settings were one's own."""
        return self.place.record.parent.name


def jobs_of(recipe: recipes.Recipe, wanted: list[str], settings: dict[str, Any]) -> list[Job]:
    """The recipe's jobs (all of them where `wanted` is empty), every parameter checked.

    Figures go to a folder for each notebook in the recipe's. With settings of one's own that is
    .smicnb/figures/RECIPE+set, and record and executed notebook stand under that name too: the committed figures and
    what is known of them are the recipe's. A setting that the recipe leaves to the user ("bsds500:", a folder to be
    named) is part of the recipe.
    """
    notebooks = [recipes.notebook_path(name).stem for name in wanted] or list(recipe.notebooks)
    state = root() / ".smicnb"
    own = (root() / recipe.figures).resolve()
    if not own.is_relative_to(root().resolve()):
        raise SmicnbError(f"recipe {recipe.name} writes figures to '{recipe.figures}'", "a folder of the checkout")
    name, out = recipe.name, own
    if not recipe.is_filled_by(settings):
        name = f"{recipe.name}+set"
        out = state / "figures" / name
    jobs = []
    for notebook, values in recipes.parameters(recipe, notebooks, settings).items():
        place = Place(
            source=recipes.notebook_path(notebook),
            out=out / notebook,
            executed=state / "runs" / name / f"{notebook}.ipynb",
            record=state / "records" / name / f"{notebook}.json",
        )
        jobs.append(Job(notebook, values, place))
    return jobs
