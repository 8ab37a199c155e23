"""The checkout: where notebooks, recipes and figures lie, their commit, the versions and machine that make them."""

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import smicnb
from smicnb.base.errors import SmicnbError

PACKAGES = (
    "constriction",
    "diffusers",
    "faiss-cpu",
    "imageio-ffmpeg",
    "lpips",
    "matplotlib",
    "numpy",
    "open-clip-torch",
    "pandas",
    "pillow",
    "pillow-jxl-plugin",
    "pyjpegli",
    "pytorch-msssim",
    "scikit-learn",
    "scipy",
    "timm",
    "torch",
    "torchmetrics",
    "transformers",
)


def root() -> Path:
    """The folder that holds our notebooks/ and recipes/: the current one or a parent, else the package's."""
    for folder in (Path.cwd(), *Path.cwd().parents, Path(smicnb.__file__).parent.parent):
        if (folder / "notebooks").is_dir() and (folder / "recipes").is_dir() and _is_ours(folder):
            return folder
    raise SmicnbError(
        f"found no notebooks/ and recipes/ of the project in '{Path.cwd()}' or above",
        "a checkout of the project",
        "clone the repository and run there",
    )


def _is_ours(folder: Path) -> bool:
    """Whether a folder with such folders is a checkout, or a copy of parts of one, and not a cook's.

    It is where pyproject.toml names the project, or where one of the recipes lists notebooks.
    """
    marks = [(folder / "pyproject.toml", rb'^name *= *"smicnb"')]
    marks += [(recipe, rb"^notebooks *:") for recipe in sorted((folder / "recipes").glob("*.yaml"))]
    return any(_holds(path, mark) for path, mark in marks)


def _holds(path: Path, mark: bytes) -> bool:
    try:
        return re.search(mark, path.read_bytes(), re.MULTILINE) is not None
    except OSError:
        return False


def figures_of(data_set: str, notebook: str) -> Path:
    """The folder of committed figures of a notebook on "embedded", "bsds500" or "kodak"."""
    return root() / "figures" / ("" if data_set == "embedded" else data_set) / notebook


def is_committed(folder: Path) -> bool:
    """Whether a folder of figures is one of those that are committed."""
    return folder.resolve().is_relative_to((root() / "figures").resolve())


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


def versions() -> dict[str, str]:
    """The versions that a result may depend on, without the build's name after the plus sign."""
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:  # one of an extra
        return "absent"


def find_processor() -> tuple[str, int]:
    """The name of the processor, as far as the system tells it, and how many cores this process may use."""
    name, cpuinfo = platform.processor(), Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    return name, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def hide_path(value: Any) -> Any:
    """A parameter as it may be published: "bsds500:PATH" for a folder of this machine."""
    if isinstance(value, list):
        return [hide_path(one) for one in value]
    name, mark, options = value.partition("?") if isinstance(value, str) else ("", "", "")
    kind, colon, rest = name.partition(":")
    if colon and Path(rest).expanduser().exists():
        return f"{kind}:PATH{mark}{options}"
    model, slash, file = rest.partition("/")
    if slash and Path(file).expanduser().is_file():
        return f"{kind}:{model}/{Path(file).name}{mark}{options}"
    return value
