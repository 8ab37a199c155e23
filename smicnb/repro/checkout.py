"""The checkout: where notebooks, recipes and figures lie, and the commit they belong to."""

import subprocess
from pathlib import Path

import smicnb
from smicnb.base.errors import SmicnbError
from smicnb.base.files import sha256_file, sha256_json


def root() -> Path:
    """The folder that holds notebooks/ and recipes/: the current one or a parent, else the package's."""
    for folder in (Path.cwd(), *Path.cwd().parents, Path(smicnb.__file__).parent.parent):
        if (folder / "notebooks").is_dir() and (folder / "recipes").is_dir():
            return folder
    raise SmicnbError(
        f"found no notebooks/ and recipes/ in '{Path.cwd()}' or above",
        "a checkout of the project",
        "clone the repository and run there",
    )


def commit() -> dict[str, str | bool | None]:
    """The checkout's commit and whether tracked files differ from it; None where git cannot say."""
    here = root()
    try:
        head = _git(here, "rev-parse", "HEAD").strip()
        return {"commit": head, "modified": bool(_git(here, "status", "--porcelain", "-uno"))}
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "modified": None}


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=30)
    return done.stdout


def code_hash() -> str:
    """One hash over the package's source and data files and the lock: what a result's code was."""
    package = Path(smicnb.__file__).parent
    files = [file for file in package.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    files += root().glob("requirements*.lock")
    return sha256_json(sorted((file.name, str(file.parent.name), sha256_file(file)) for file in files))
