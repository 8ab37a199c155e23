"""Make requirements.lock, requirements-torch.lock and environment.yml from pyproject.toml.

`python tools/lock.py` resolves anew; with `--environment` it only rewrites environment.yml from the locks.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("codecs", "lab", "test")
# What torch's default Linux build brings along and its CPU builds do without.
TORCH = re.compile(r"torch|torchvision|triton|nvidia-.*|cuda-.*")
# The marker of what every supported platform gets: it says nothing, a thousand times.
EVERYWHERE = (
    "python_full_version < '3.12' and ("
    + " or ".join(f"sys_platform == '{os}'" for os in ("darwin", "linux", "win32"))
    + ")"
)
HEADER = "# Made by `make lock` from pyproject.toml; every hash is checked at installation.\n"


def resolve() -> str:
    """The resolved requirements, with hashes, for Linux, macOS and Windows at once."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet", "--universal"]
    command += ["--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--no-emit-index-url", "--upgrade"]
    command += [f"--extra={extra}" for extra in EXTRAS]
    build = [f"{line}\n" for line in ("setuptools", "wheel")]  # the editable install builds with the lock's own
    extra_input = ROOT / "build" / "lock-build.in"
    extra_input.parent.mkdir(exist_ok=True)
    extra_input.write_text("".join(build))
    command.append(str(extra_input.relative_to(ROOT)))
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def split(locked: str) -> tuple[str, str]:
    """Part the resolved text into (all but torch, torch and its CUDA libraries)."""
    rest, torch = [], []
    locked = locked.replace(f" ; {EVERYWHERE}", "")
    for block in re.split(r"^(?=[a-zA-Z0-9])", locked, flags=re.MULTILINE):
        if block.strip():
            name = re.match(r"[A-Za-z0-9_.-]+", block).group()
            (torch if TORCH.fullmatch(name) else rest).append(block)
    return HEADER + "".join(rest), HEADER + "".join(torch)


def pins() -> dict[str, str]:
    """Package name -> locked version, from both locks."""
    names = ("requirements.lock", "requirements-torch.lock")
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in names)
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", text, flags=re.MULTILINE))


def environment() -> str:
    """environment.yml: the direct dependencies of pyproject.toml at their locked versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in EXTRAS:
        wanted += project["optional-dependencies"][extra]
    locked = pins()
    names = sorted(re.match(r"[A-Za-z0-9_.-]+", requirement).group() for requirement in wanted)
    lines = ["# Made by `make lock` from pyproject.toml and the lock files.", "name: smicnb", "dependencies:"]
    lines += ["  - python=3.11", "  - pip", "  - pip:"]
    lines += [f"      - {name}=={locked[name]}" for name in names]
    lines += ["      - --editable ."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--environment" not in sys.argv[1:]:
        rest, torch = split(resolve())
        (ROOT / "requirements.lock").write_text(rest)
        (ROOT / "requirements-torch.lock").write_text(torch)
    (ROOT / "environment.yml").write_text(environment())
