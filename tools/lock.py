"""Make requirements.lock, requirements-torch.lock and environment.yml from pyproject.toml.

One lock serves every Python and system that pyproject.toml allows, at the same versions wherever that can be, so that
a number does not depend on the Python that a machine happens to have.

`python tools/lock.py` keeps each locked version that still fits; `--upgrade` takes the newest of everything;
`--environment` only rewrites environment.yml from the locks.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-torch.lock")
EXTRAS = ("codecs", "docs", "heic", "lab", "test")
# What torch's default Linux build brings along and its CPU builds do without.
TORCH = re.compile(r"torch|torchvision|triton|nvidia-.*|cuda-.*")
# The marker of what every supported platform gets: it says nothing, a thousand times.
EVERYWHERE = " or ".join(f"sys_platform == '{os}'" for os in ("darwin", "linux", "win32"))
HEADER = "# Made by `make lock` from pyproject.toml; every hash is checked at installation.\n"


def resolve(upgrade: bool) -> str:
    """The resolved requirements, with hashes, for Linux, macOS and Windows and every allowed Python at once."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    (build / "lock-build.in").write_text("setuptools\nwheel\n")  # the editable install builds with the lock's own
    preferred = build / "lock.txt"  # what uv writes to is also what it keeps versions of
    preferred.write_text("" if upgrade else "".join((ROOT / name).read_text(encoding="utf-8") for name in LOCKS))
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "build/lock-build.in", "--quiet"]
    command += ["--universal", "--python-version", "3.11", "--fork-strategy", "fewest", "--only-binary", ":all:"]
    command += ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]
    command += [f"--extra={extra}" for extra in EXTRAS]
    subprocess.run([*command, "--output-file", str(preferred)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return preferred.read_text(encoding="utf-8")


def split(locked: str) -> tuple[str, str]:
    """Part the resolved text into (all but torch, torch and its CUDA libraries)."""
    rest, torch = [], []
    locked = locked.replace(f" and ({EVERYWHERE})", "").replace(f" ; {EVERYWHERE}", "")
    for block in re.split(r"^(?=[a-zA-Z0-9])", locked, flags=re.MULTILINE):
        if block.strip():
            name = re.match(r"[A-Za-z0-9_.-]+", block).group()
            (torch if TORCH.fullmatch(name) else rest).append(block)
    return HEADER + "".join(rest), HEADER + "".join(torch)


def pins() -> dict[str, str]:
    """Package name -> locked version, from both locks."""
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in LOCKS)
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", text, flags=re.MULTILINE))


def environment() -> str:
    """environment.yml: the direct dependencies of pyproject.toml at their locked versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in EXTRAS:
        wanted += project["optional-dependencies"][extra]
    locked = pins()
    parts = sorted(re.match(r"([A-Za-z0-9_.-]+)[^;]*(.*)", requirement).groups() for requirement in wanted)
    lines = ["# Made by `make lock` from pyproject.toml and the lock files.", "name: smicnb", "dependencies:"]
    lines += [f"  - python{project['requires-python']}", "  - pip", "  - pip:"]
    lines += [f"      - {name}=={locked[name]}{marker.replace(';', ' ;')}" for name, marker in parts]
    lines += ["      - --editable ."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--environment" not in sys.argv[1:]:
        for name, text in zip(LOCKS, split(resolve("--upgrade" in sys.argv[1:])), strict=True):
            (ROOT / name).write_text(text, encoding="utf-8")
    (ROOT / "environment.yml").write_text(environment(), encoding="utf-8")
