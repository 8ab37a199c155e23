"""Recipes and `--set`: which notebooks run with what, checked by the models of `parameters` before anything runs."""

import ast
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import create_model

from smicnb.base import names, yaml12
from smicnb.base.errors import SmicnbError
from smicnb.repro.checkout import root
from smicnb.repro.parameters import MODELS, Increasing, Parameters


def defaults(notebook: Path) -> dict[str, Any]:
    """Name -> default value, from the cell tagged `parameters`: assignments of plain values."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]  # nbformat takes two seconds to import
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise SmicnbError(f"{notebook.name} has {len(tagged)} cells tagged 'parameters'", "exactly one")
    values = {}
    for statement in ast.parse("".join(tagged[0]["source"])).body:
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise SmicnbError(f"line {statement.lineno} of {notebook.name}'s parameters is no assignment")
        values[statement.targets[0].id] = ast.literal_eval(statement.value)
    return values


def model_of(notebook: Path) -> type[Parameters]:
    """The model of a notebook's parameters; where `MODELS` has none, one made of the types of its own cell."""
    if notebook.stem in MODELS:
        return MODELS[notebook.stem]
    fields = {name: (_type(value), value) for name, value in defaults(notebook).items()}
    model = create_model(notebook.stem, __base__=Parameters, **fields)
    model.notebook = notebook.stem
    return model


def _type(value: Any) -> Any:
    if isinstance(value, list) and value:
        item = _type(value[0])
        return Increasing[item]
    return type(value)


def assignment(text: str) -> tuple[str, Any]:
    """`name=value` of `--set`, the value as a recipe would have it: 1e-3 and [2, 4] are no text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise SmicnbError(f"found '--set {text}'", "--set name=value")
    return name.strip(), yaml12.value(value)


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
        content = yaml12.read(path.read_text(encoding="utf-8"))
    except ValueError as error:  # no text, or no YAML
        raise SmicnbError(f"{path.name} is no YAML ({' '.join(str(error).split())})") from error
    content = _mapping(content, path.name, "figures: …, parameters: …, notebooks: …")
    keys = ("figures", "parameters", "notebooks")
    for key in content:
        if key not in keys:
            raise names.unknown(f"key of {path.name}", key, keys)
    figures = content.get("figures", "figures")
    if not isinstance(figures, str):
        raise SmicnbError(f"'figures' of {path.name} is {figures!r}", "a folder of the checkout")
    notebooks = _mapping(content.get("notebooks") or {}, f"'notebooks' of {path.name}", "NAME: for each notebook")
    for name, values in notebooks.items():
        notebook_path(name)
        notebooks[name] = _mapping(values or {}, f"'{name}' of {path.name}", "NAME: VALUE for each parameter")
    parameters = content.get("parameters") or {}
    return Recipe(
        path.stem,
        figures,
        _mapping(parameters, f"'parameters' of {path.name}", "NAME: VALUE for each parameter"),
        notebooks,
    )


def _mapping(value: Any, what: str, needed: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SmicnbError(f"{what} holds no mapping", needed)
    return {str(key): entry for key, entry in value.items()}


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
    by_notebook = {name: _known(notebook_path(name)) for name in wanted}
    everything = {key for values in by_notebook.values() for key in values}
    in_recipe = {key for name in recipe.notebooks for key in _known(notebook_path(name))}
    for key in recipe.parameters:
        if key not in everything | in_recipe:
            raise names.unknown(f"parameter in recipe {recipe.name}", key, everything | in_recipe)
    for key in settings:
        notebook, dot, name = key.rpartition(".")
        if dot and notebook not in by_notebook:
            raise names.unknown("notebook of this run", notebook, by_notebook)
        if name not in (by_notebook[notebook] if dot else everything):
            raise names.unknown("parameter", name, by_notebook[notebook] if dot else everything)
    for name, values in by_notebook.items():
        own = recipe.notebooks.get(name, {})
        here = {key.removeprefix(f"{name}."): value for key, value in settings.items() if key.startswith(f"{name}.")}
        for key in own:
            if key not in values:
                raise names.unknown(f"parameter of {name}", key, values)
        for source in (recipe.parameters, own, settings, here):
            values.update({key: _placed(value) for key, value in source.items() if key in values})
        by_notebook[name] = model_of(notebook_path(name))(**values).model_dump()
    return by_notebook


def _known(notebook: Path) -> dict[str, Any]:
    """Every parameter that a notebook's model or its cell has, with its default; the cell's goes first."""
    fields = model_of(notebook).model_fields
    return {name: field.get_default(call_default_factory=True) for name, field in fields.items()} | defaults(notebook)


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
