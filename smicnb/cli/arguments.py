"""What holds for every argument and option: an empty one is a variable that was not set, never the current folder."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.models import OptionInfo, ParameterInfo

from smicnb.base.errors import SmicnbError

READ = {Path: "PATH", str: "TEXT"}


def refuse_empty(app: typer.Typer) -> None:
    """Make every path and text of an app's commands be given: one that is empty raises SmicnbError.

    A text whose default is empty may be, and one that has a parser of its own.
    """
    for group in app.registered_groups:
        refuse_empty(group.typer_instance)
    for command in app.registered_commands:
        defaults = _defaults(command.callback)
        for name, hint in get_type_hints(command.callback, include_extras=True).items():
            kind, info = _kind(hint)
            if info is not None and kind in READ and info.parser is None and defaults.get(name) != "":
                info.parser = _parser(kind, _typed_name(name, info))
                if isinstance(info, OptionInfo):
                    info.metavar = info.metavar or READ[kind]


def _typed_name(name: str, info: ParameterInfo) -> str:
    """As a user types it: "SOURCE", "--from"."""
    if not isinstance(info, OptionInfo):
        return name.upper()
    declared = [given for given in (info.default, *(info.param_decls or ())) if str(given).startswith("--")]
    return declared[0] if declared else f"--{name.replace('_', '-')}"


def _parser(kind: type, shown: str) -> Callable[[str | Path], str | Path]:
    def parse(text: str | Path) -> str | Path:
        if text == "":
            raise SmicnbError(f"found an empty {shown}", "a name or a path", "is a variable of the shell not set?")
        return kind(text)

    return parse


def _defaults(command: Callable) -> dict[str, Any]:
    return {name: parameter.default for name, parameter in inspect.signature(command).parameters.items()}


def _kind(hint: Any) -> tuple[Any, ParameterInfo | None]:
    """The type of one value of a parameter, without None and list, and what typer is told of it."""
    if get_origin(hint) is not Annotated:
        return hint, None
    kind, *notes = get_args(hint)
    info = next((note for note in notes if isinstance(note, ParameterInfo)), None)
    while arms := [arm for arm in get_args(kind) if arm is not type(None)]:
        kind = arms[0]
    return kind, info
