"""Whether every pinned package is a wheel on the package index for each Python and system that is promised.

Only the index's lists of files are read, no wheel is fetched. A table goes to standard output, then a line for
each package that lacks a wheel somewhere; exit status 1 where one does. `make resolve` calls it.
"""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pypi_simple
from lock import LOCKS, ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

from smicnb.semantics.weights.download import pip_settings

PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
GLIBC = 34  # 2.34, of RHEL 9 and all that is younger: Debian 12, Ubuntu 22.04
MACOS = (14, 0)


@dataclass(frozen=True)
class System:
    """One kind of machine: what pip calls its platforms there, and what markers read of it."""

    name: str
    platforms: tuple[str, ...]
    markers: tuple[str, str, str, str]  # sys_platform, platform_system, platform_machine, os_name

    def tags(self, python: tuple[int, int]) -> frozenset[Tag]:
        """Every tag of a wheel that pip would take here."""
        own = cpython_tags(python, platforms=self.platforms)
        return frozenset([*own, *compatible_tags(python, f"cp{python[0]}{python[1]}", self.platforms)])

    def environment(self, python: tuple[int, int]) -> dict[str, str]:
        """What the markers of a requirement are evaluated with."""
        names = ("sys_platform", "platform_system", "platform_machine", "os_name")
        version = f"{python[0]}.{python[1]}"
        own = {"python_version": version, "python_full_version": f"{version}.0", "implementation_name": "cpython"}
        return dict(zip(names, self.markers, strict=True)) | own | {"platform_python_implementation": "CPython"}


def _manylinux(machine: str) -> tuple[str, ...]:
    # Wheels for older systems also go by the names that glibc 2.17, 2.12 and 2.5 had before.
    legacy = [f"{name}_{machine}" for name in ("manylinux2014", "manylinux2010", "manylinux1")]
    return (*[f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)], *legacy, f"linux_{machine}")


SYSTEMS = (
    System("Linux x86-64", _manylinux("x86_64"), ("linux", "Linux", "x86_64", "posix")),
    System("Linux arm64", _manylinux("aarch64"), ("linux", "Linux", "aarch64", "posix")),
    System("macOS arm64", tuple(mac_platforms(MACOS, "arm64")), ("darwin", "Darwin", "arm64", "posix")),
    System("Windows x86-64", ("win_amd64",), ("win32", "Windows", "AMD64", "nt")),
)


def pinned(text: str) -> list[tuple[Requirement, frozenset[str]]]:
    """The requirements of a lock file, each with the SHA-256 sums that pip accepts for it."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    return [
        (Requirement(block.split(" \\\n")[0].strip()), frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", block)))
        for block in blocks
        if "==" in block
    ]


def lacks_wheel(
    files: list[pypi_simple.DistributionPackage], requirement: Requirement, hashes: frozenset[str]
) -> list[tuple[System, tuple[int, int]]]:
    """The systems and Pythons that need `requirement` and get no wheel of it whose hash is locked."""
    tags = []  # of each wheel that may be taken, with the Pythons it admits
    for file in files:
        if file.package_type == "wheel" and file.digests.get("sha256") in hashes:
            _, version, _, offered = parse_wheel_filename(file.filename)
            if requirement.specifier.contains(version, prereleases=True):
                tags.append((offered, SpecifierSet(file.requires_python or "")))
    found = []
    for system in SYSTEMS:
        for python in PYTHONS:
            if requirement.marker and not requirement.marker.evaluate(system.environment(python)):
                continue
            wanted, version = system.tags(python), f"{python[0]}.{python[1]}.9"
            if not any(offered & wanted and admitted.contains(version) for offered, admitted in tags):
                found.append((system, python))
    return found


def main() -> int:
    """Ask the index for every pin; print the table and what is missing."""
    pins = [pin for name in LOCKS for pin in pinned((ROOT / name).read_text(encoding="utf-8"))]
    address = pip_settings().get("index-url")
    with pypi_simple.PyPISimple(*([address] if address else [])) as index, ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda pin: index.get_project_page(pin[0].name, timeout=60).packages, pins))
    missing = {
        requirement: lacks_wheel(files, requirement, hashes)
        for (requirement, hashes), files in zip(pins, pages, strict=True)
    }
    print(f"{len(pins)} pins; in each field, packages without a wheel for that Python and system:")
    print(f"{'':16}" + "".join(f"{f'3.{minor}':>8}" for _, minor in PYTHONS))
    for system in SYSTEMS:
        counts = [sum((system, python) in places for places in missing.values()) for python in PYTHONS]
        print(f"{system.name:16}" + "".join(f"{count:8}" for count in counts))
    for requirement, places in missing.items():
        if places:
            where = ", ".join(f"{system.name} {major}.{minor}" for system, (major, minor) in places)
            print(f"{requirement.name} {requirement.specifier}: no wheel for {where}")
    return int(any(missing.values()))


if __name__ == "__main__":
    sys.exit(main())
