"""What a notebook's code reaches by its import statements: modules of the package and those that lie beside the
notebook, and the package's data files that they name.

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


def find_reached(code: str, beside: Path | None = None) -> dict[str, Path]:
    """Name -> file, of all modules that a notebook's code imports, directly or not, and of their data files; those that
    lie `beside` the notebook count too.

    Returns:
        names are paths below the package ("codec/rate.py"), or with the notebook's folder ("notebooks/helper.py").
    """
    wanted, known = list(_list_imports(_parse(code))), set()
    found: set[Path] = set()
    texts: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in known:
            continue
        known.add(name)
        for file in _files(name, beside):
            source = _source(file)
            found.add(file)
            wanted += source.imported
            texts |= source.texts
    found |= {file for file in _data_files() if file.name in texts}
    return {_name_file(file, beside): file for file in sorted(found)}


def texts_of(files: dict[str, Path]) -> set[str]:
    """The literal texts in the modules among `files`, as `find_reached` gives them."""
    return {text for file in files.values() if file.suffix == ".py" for text in _source(file).texts}


def _files(name: str, beside: Path | None) -> list[Path]:
    """The module's file; of a package beside the notebook all of them; none where the module is neither's."""
    if name in _modules():
        return [_modules()[name]]
    if beside is None or "." in name:
        return []
    module = beside / f"{name}.py"
    return [module] if module.is_file() else sorted((beside / name).rglob("*.py"))


def _name_file(file: Path, beside: Path | None) -> str:
    base = PACKAGE if beside is None or file.is_relative_to(PACKAGE) else beside.parent
    return file.relative_to(base).as_posix()


@cache
def _modules() -> dict[str, Path]:
    """Dotted name -> file, of every module of the package."""
    table = {}
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        table[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return table


@cache
def _read_offers() -> dict[str, str]:
    """What a room's `__init__` offers ("smicnb.learned.open_codec") -> the module that holds it."""
    found = {}
    for package, file in _modules().items():
        if file.name == "__init__.py":
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.If):  # for type checkers: at run time it is imported when it is asked for
                    taken = (each for each in node.body if isinstance(each, ast.ImportFrom))
                    found |= {f"{package}.{alias.name}": f"{each.module}" for each in taken for alias in each.names}
    return found


@cache
def _data_files() -> list[Path]:
    files = PACKAGE.rglob("*")
    return [file for file in files if file.is_file() and file.suffix != ".py" and "__pycache__" not in file.parts]


@cache
def _source(file: Path) -> Source:
    tree = _parse(file.read_text(encoding="utf-8"))
    nodes = () if tree is None else ast.walk(tree)
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    imported = () if file.name == "__init__.py" and file.is_relative_to(PACKAGE) else _list_imports(tree)
    return Source(frozenset(imported), frozenset(text.rpartition("/")[2] for text in texts))


def _parse(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except SyntaxError:
        return None


def _list_imports(tree: ast.Module | None) -> set[str]:
    """What may be modules in a tree's imports, with the packages that hold them; without a tree, all of ours."""
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
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names.add(f"{node.value.id}.{node.attr}")  # after `import smicnb`: smicnb.open_codec
    names |= {_read_offers()[name] for name in names & _read_offers().keys()}
    parents = {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 1)}
    return names | parents
