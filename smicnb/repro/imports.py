"""What a notebook's code reaches: modules of the package by its import statements, and the data files they name.

Statements inside functions count too. It is the source that is read, nothing is imported.
"""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import smicnb

PACKAGE = Path(smicnb.__file__).parent


@dataclass(frozen=True)
class Source:
    """One module, read: names of the modules it imports, and the texts that stand in it."""

    imported: frozenset[str]
    texts: frozenset[str]


def reached(code: str) -> dict[str, Path]:
    """Path below the package -> file, of all modules that `code` imports, directly or not, and of their data files."""
    wanted, found = list(_imported(_parsed(code))), set()
    texts: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        found.add(name)
        source = _source(name)
        wanted += source.imported
        texts |= source.texts
    files = [_modules()[name] for name in found]
    files += [file for file in _data_files() if file.name in texts]
    return {file.relative_to(PACKAGE).as_posix(): file for file in sorted(files)}


def texts_of(files: dict[str, Path]) -> set[str]:
    """The literal texts in the modules among `files`, as `reached` gives them."""
    names = {path: name for name, path in _modules().items()}
    return {text for file in files.values() if file in names for text in _source(names[file]).texts}


@cache
def _modules() -> dict[str, Path]:
    """Dotted name -> file, of every module of the package."""
    table = {}
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        table[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return table


@cache
def _data_files() -> list[Path]:
    files = PACKAGE.rglob("*")
    return [file for file in files if file.is_file() and file.suffix != ".py" and "__pycache__" not in file.parts]


@cache
def _source(name: str) -> Source:
    tree = _parsed(_modules()[name].read_text(encoding="utf-8"))
    nodes = () if tree is None else ast.walk(tree)
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return Source(frozenset(_imported(tree)), frozenset(text.rpartition("/")[2] for text in texts))


def _parsed(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except SyntaxError:
        return None


def _imported(tree: ast.Module | None) -> set[str]:
    """Modules of the package that a tree imports, with the packages that hold them; all of them without a tree."""
    modules = _modules()
    if tree is None:
        return set(modules)
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
            if any(alias.name == "*" for alias in node.names):
                names |= {name for name in modules if name.startswith(f"{node.module}.")}
    parents = {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 1)}
    return (names | parents) & set(modules)
