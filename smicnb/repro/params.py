"""Parameters of notebooks: recipes and `--set` checked against a notebook's own parameters cell."""

import ast
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import yaml

from smicnb.base import names
from smicnb.base.errors import SmicnbError
from smicnb.repro.checkout import root

# A latent has a norm of about 20: from there on, λ leaves no coefficient.
PENALTY = (1e-3, 20.0)
RANGES = {
    "n_atoms": (1, 4096),
    "b_dict": (1, 16),
    "b_coef": (1, 16),
    "penalty": PENALTY,
    "penalties": PENALTY,
    "learning_penalty": PENALTY,
    "decomposition_penalty": PENALTY,
    "decomposition_atoms": (1, 4096),
    "added": (1e-3, 100.0),
    "removed": (1e-3, 100.0),
    "pairs": (1, 100_000),
    "generated": (1, 1_000_000),
    "tested": (2, 1_000_000),
    "draws": (1, 1000),
    "examples": (2, 100),
    "shown": (1, 100),
    "seed": (0, 2**31),
}


def defaults(notebook: Path) -> dict[str, Any]:
    """Name -> default value, from the cell tagged `parameters`: assignments of plain values."""
    cells = nbformat.read(notebook, as_version=4).cells
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise SmicnbError(f"{notebook.name} has {len(tagged)} cells tagged 'parameters'", "exactly one")
    values = {}
    for statement in ast.parse(tagged[0].source).body:
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise SmicnbError(f"line {statement.lineno} of {notebook.name}'s parameters is no assignment")
        values[statement.targets[0].id] = ast.literal_eval(statement.value)
    return values


def checked(value: Any, default: Any, name: str) -> Any:
    """`value` as the type of `default`, or an error: numbers may widen from int to float, no more."""
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(default, list) and isinstance(value, list):
        entries = [checked(entry, default[0], name) for entry in value]
        if not entries or sorted(set(entries)) != entries:
            raise SmicnbError(f"parameter {name} got {value!r}", f"a list that increases, such as {default!r}")
        return entries
    if type(value) is not type(default):
        kinds = type(value).__name__, type(default).__name__
        raise SmicnbError(f"parameter {name} got {value!r} of type {kinds[0]}", f"type {kinds[1]}, such as {default!r}")
    if isinstance(value, str) and not value.isprintable():
        raise SmicnbError(f"parameter {name} got {value!a}", "printable text")
    low, high = RANGES.get(name, (-math.inf, math.inf))
    if isinstance(value, int | float) and not low <= value <= high:
        raise SmicnbError(f"parameter {name} got {value!r}", f"a number from {low:g} to {high:g}")
    return value


def assignment(text: str) -> tuple[str, Any]:
    """`name=value` of `--set`: JSON where it reads as JSON (1e-3 and [2, 4] do), else the text itself."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise SmicnbError(f"found '--set {text}'", "--set name=value")
    try:
        return name.strip(), json.loads(value)
    except json.JSONDecodeError:
        return name.strip(), value


@dataclass(frozen=True)
class Recipe:
    """Which notebooks to run, with what, and where their figures go.

    Args:
        name: the recipe's file name without suffix.
        figures: folder for figures and tables, below the checkout.
        parameters: values for every notebook that knows the name.
        notebooks: notebook name -> values for it alone.
    """

    name: str
    figures: str
    parameters: dict[str, Any] = field(default_factory=dict)
    notebooks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def asks_for(self, settings: dict[str, Any]) -> bool:
        """Whether `settings` only fill in what the recipe leaves open: "bsds500:" asks for a folder."""
        return all(
            isinstance(self.parameters.get(name), str)
            and self.parameters[name].endswith(":")
            and str(value).startswith(self.parameters[name])
            for name, value in settings.items()
        )


def recipe(path: Path) -> Recipe:
    """Read a recipe; unknown keys, notebooks and shapes are refused."""
    if not path.is_file():
        known = {file.stem for file in (root() / "recipes").glob("*.yaml")}
        raise names.unknown("recipe", path.stem, known)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SmicnbError(f"{path.name} is no YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise SmicnbError(f"{path.name} holds no mapping", "figures: …, parameters: …, notebooks: …")
    keys = ("figures", "parameters", "notebooks")
    for key in content:
        if key not in keys:
            raise names.unknown(f"key of {path.name}", str(key), keys)
    notebooks = {str(name): values or {} for name, values in (content.get("notebooks") or {}).items()}
    for name in notebooks:
        notebook_path(name)
    return Recipe(path.stem, str(content.get("figures", "figures")), content.get("parameters") or {}, notebooks)


def notebook_path(name: str) -> Path:
    """notebooks/NAME.ipynb, or the near miss."""
    table = {file.stem: file for file in sorted((root() / "notebooks").glob("*.ipynb"))}
    return names.lookup("notebook", name.removesuffix(".ipynb"), table)


def parameters(recipe: Recipe, wanted: list[str], settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All parameters of each wanted notebook: its defaults, the recipe's, then `settings` over them.

    Raises:
        UnknownNameError: a name in the recipe's `parameters` or in `settings` that no wanted notebook has,
            or one in a notebook's own section, or as "NOTEBOOK.name", that this notebook has not.
    """
    by_notebook = {name: defaults(notebook_path(name)) for name in wanted}
    everything = {key for values in by_notebook.values() for key in values}
    in_recipe = {key for name in recipe.notebooks for key in defaults(notebook_path(name))}
    for key in recipe.parameters:
        if key not in everything | in_recipe:
            raise names.unknown(f"parameter in recipe {recipe.name}", key, everything | in_recipe)
    for key in settings:
        notebook, dot, name = key.rpartition(".")
        if dot and notebook not in by_notebook:
            raise names.unknown("notebook of this run", notebook, by_notebook)
        if name not in (by_notebook[notebook] if dot else everything):
            raise names.unknown("parameter", name, by_notebook[notebook] if dot else everything)
    for name, known in by_notebook.items():
        own = recipe.notebooks.get(name, {})
        for key in own:
            if key not in known:
                raise names.unknown(f"parameter of {name}", key, known)
        here = {key.removeprefix(f"{name}."): value for key, value in settings.items() if key.startswith(f"{name}.")}
        for source in (recipe.parameters, own, settings, here):
            known.update(
                {key: checked(_placed(value), known[key], key) for key, value in source.items() if key in known}
            )
    return by_notebook


def _placed(value: Any) -> Any:
    """A name whose path is relative, to where the user is or to the checkout, with that path in full.

    Kernels work in the folder of the notebooks, where such a path would lead elsewhere.
    """
    if not isinstance(value, str) or ":" not in value:
        return value
    name, mark, options = value.partition("?")
    kind, _, rest = name.partition(":")
    model, slash, file = rest.partition("/")
    for prefix, path in ((f"{kind}:", rest), (f"{kind}:{model}/", file if slash else "")):
        for base in (Path.cwd(), root()):
            if path and (base / path).exists():
                return f"{prefix}{(base / path).resolve()}{mark}{options}"
    return value
