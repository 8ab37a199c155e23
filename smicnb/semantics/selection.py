"""How a name selects a model: FAMILY:SOURCE?option=value&option=value."""

from dataclasses import dataclass, field
from typing import Any

from smicnb.base import names
from smicnb.base.errors import SmicnbError


@dataclass(frozen=True)
class Selection:
    """A parsed name.

    Args:
        family: name of a loader ("retrieval", "stable-unclip", "open_clip").
        source: place of its weights: "auto", a folder, a repository; empty where the family needs none.
        options: the settings after the question mark, as text.
    """

    family: str
    source: str = ""
    options: dict[str, str] = field(default_factory=dict)

    def settings(self, **defaults: Any) -> dict[str, Any]:
        """Every setting of `defaults`, replaced by the option of its name and converted to its type.

        Raises:
            UnknownNameError: an option that `defaults` has not.
            SmicnbError: a value that is not of the default's type.
        """
        for name in self.options:
            if name not in defaults:
                raise names.unknown(f"option of {self.family}", name, defaults)
        return {name: self._convert(name, value) for name, value in defaults.items()}

    def refuse_source(self) -> None:
        """Raise SmicnbError where a source stands behind a family that needs none."""
        if self.source:
            raise SmicnbError(f"found '{self.family}:{self.source}'", f"'{self.family}' without a source")

    def _convert(self, name: str, default: Any) -> Any:
        text = self.options.get(name)
        if text is None:
            return default
        kind = type(default)
        try:
            return {"true": True, "false": False}[text] if kind is bool else kind(text)
        except (ValueError, KeyError) as error:
            kinds = {bool: "true or false", int: "a whole number", float: "a number"}
            raise SmicnbError(f"option {name}={text} of {self.family}", kinds[kind]) from error


def parse(name: str) -> Selection:
    """Take a name apart; what is absent is empty.

    Raises:
        SmicnbError: an option without a value, or the same one twice.
    """
    selected, _, query = name.partition("?")
    family, _, source = selected.partition(":")
    options: dict[str, str] = {}
    for option in query.split("&") if query else ():
        key, equals, value = option.partition("=")
        if not key or not equals or not value or key in options:
            raise SmicnbError(f"found '?{query}' in '{name}'", "?option=value&option=value, each option once")
        options[key] = value
    return Selection(family, source, options)
