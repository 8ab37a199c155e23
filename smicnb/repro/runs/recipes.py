"""Recipes and `--set`: which notebooks run with what, checked by the models of `parameters` before anything runs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smicnb.base import names, yaml12
from smicnb.base.errors import SmicnbError
from smicnb.repro.checkout import root
from smicnb.repro.parameters import defaults, model_of


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

    def is_filled_by(self, settings: dict[str, Any]) -> bool:
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
    content = _check_mapping(content, path.name, "figures: …, parameters: …, notebooks: …")
    keys = ("figures", "parameters", "notebooks")
    for key in content:
        if key not in keys:
            raise names.unknown(f"key of {path.name}", key, keys)
    figures = content.get("figures", "figures")
    if not isinstance(figures, str):
        raise SmicnbError(f"'figures' of {path.name} is {figures!r}", "a folder of the checkout")
    notebooks = _check_mapping(content.get("notebooks") or {}, f"'notebooks' of {path.name}", "NAME: for each notebook")
    for name, values in notebooks.items():
        notebook_path(name)
        notebooks[name] = _check_mapping(values or {}, f"'{name}' of {path.name}", "NAME: VALUE for each parameter")
    parameters = content.get("parameters") or {}
    return Recipe(
        path.stem,
        figures,
        _check_mapping(parameters, f"'parameters' of {path.name}", "NAME: VALUE for each parameter"),
        notebooks,
    )


def _check_mapping(value: Any, what: str, needed: str) -> dict[str, Any]:
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
    for name, values in by_notebook.items():
        own = recipe.notebooks.get(name, {})
        here = {key.removeprefix(f"{name}."): value for key, value in settings.items() if key.startswith(f"{name}.")}
        for key in own:
            if key not in values:
                raise names.unknown(f"parameter of {name}", key, values)
        for source in (recipe.parameters, own, settings, here):
            values.update({key: complete_path(value) for key, value in source.items() if key in values})
        by_notebook[name] = model_of(notebook_path(name))(**values).model_dump()
    return by_notebook


def complete_path(value: Any) -> Any:
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
