"""YAML as its version 1.2 has it: one reader and one writer, so that a value is the same wherever it is written.

PyYAML follows version 1.1, in which 010 is eight, 1_000 and 1:30 are numbers, yes is a truth, and 1e-3 is a text.
Here are numbers, truths and nothing as YAML 1.2's core schema has them, and a key that stands twice is an error.
"""

import re
from typing import Any, ClassVar

import yaml

# Tag -> what of a plain word is of it, and the characters that such a word begins with.
_SCHEMA = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
}


_TAG = "tag:yaml.org,2002:"
_WORD = re.compile("|".join(f"(?:{words})" for words, _ in _SCHEMA.values()))


class _Loader(yaml.SafeLoader):
    # Of version 1.1's table there remain dates and what is no plain word.
    yaml_implicit_resolvers: ClassVar[dict] = {
        first: [(tag, words) for tag, words in known if tag.removeprefix(_TAG) not in _SCHEMA]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose keys are all different."""
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"line {node.start_mark.line + 1}: the key '{key}' stands twice")
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """A whole number: decimal, also with zeros before it, 0o17 or 0xf."""
        text = self.construct_scalar(node)
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        """A number, .inf or .nan."""
        text = self.construct_scalar(node).lower()
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))


class _Dumper(yaml.SafeDumper):
    """Puts a text into quotes where either version would take it for something else."""


for _name, (_words, _first) in _SCHEMA.items():
    for _each in (_Loader, _Dumper):
        _each.add_implicit_resolver(f"{_TAG}{_name}", re.compile(f"(?:{_words})$"), list(_first))
_Loader.add_constructor(f"{_TAG}int", _Loader.construct_yaml_int)
_Loader.add_constructor(f"{_TAG}float", _Loader.construct_yaml_float)


def read(text: str) -> Any:
    """What a YAML text holds.

    Raises:
        ValueError: it is no YAML, a key stands twice, or a date does not exist; says where.
    """
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())) from error


def value(text: str) -> Any:
    """What `text` is as a value of its own: a number, a truth, null, a list in brackets, a quoted text; else `text`.

    A value of the command line is no file: what would be a mapping, a comment or a date there is text here.
    """
    word = text.strip()
    if not word or not (word[0] in "['\"" or _WORD.fullmatch(word)):
        return text
    try:
        return read(word)
    except ValueError:
        return text


def write(content: Any) -> str:
    """`content` as YAML, in the order given, that `read` gives back."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
