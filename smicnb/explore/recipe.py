"""A setting of the explorer as a recipe, and as what is typed on the command line."""

import shlex

from smicnb.base import yaml12
from smicnb.explore.explorer import Explorer, Setting

NOTEBOOK = "06_rsf_convex_hull"


def recipe(explorer: Explorer, setting: Setting) -> str:
    """A recipe, in YAML, whose run measures this operating point again."""
    notebooks = {NOTEBOOK: _values(explorer, setting)}
    whole = {"figures": ".smicnb/figures/explored", "parameters": dict(explorer.names), "notebooks": notebooks}
    return yaml12.write(whole)


def commands(explorer: Explorer, setting: Setting) -> str:
    """A setting on the command line, and a file of one's own photographs at this point."""
    values = {**explorer.names, **_values(explorer, setting)}
    run = [NOTEBOOK, *(word for name, value in values.items() for word in ("--set", f"{name}={value}"))]
    options = {
        "atoms": setting.n_atoms,
        "penalty": setting.penalty,
        "b-coef": setting.b_coef,
        "b-dict": setting.b_dict,
        "encoder": explorer.names["encoder"],
        "seed": explorer.grid.seed,
    }
    compress = [explorer.own, "photos.smic", *(str(word) for name in options for word in (f"--{name}", options[name]))]
    return f"smicnb run {shlex.join(run)}\nsmicnb compress {shlex.join(compress)}\n"


def _values(explorer: Explorer, setting: Setting) -> dict:
    return {
        **{name: [getattr(setting, name)] for name in ("n_atoms", "b_dict", "b_coef")},
        "penalties": [setting.penalty],
        "learning_penalty": explorer.grid.learning_penalty,
        "seed": explorer.grid.seed,
    }
