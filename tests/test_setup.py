"""The way in: which Python make takes, when .venv is whole, what is said where it cannot be, what the lock promises."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pandas as pd
import pytest

DEBIAN = 'ID=debian\nVERSION_ID="13"\n'
UBUNTU = "ID=ubuntu\nID_LIKE=debian\n"
FEDORA = "ID=fedora\n"
ROCKY = 'ID="rocky"\nID_LIKE="rhel centos fedora"\n'
ARCH = "ID=arch\n"
ALPINE = "ID=alpine\n"
NOBODYS = "ID=slackware\n"
SHIM = 'echo "pyenv: $0: command not found" >&2; exit 127'


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def tools(folder: Path, *names: str) -> Path:
    """A folder of those programmes alone, so that a PATH has no Python of this machine."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).symlink_to(shutil.which(name))
    return folder


def python(path: Path, change: str = "", version: tuple[int, int, int] = (3, 13, 5)) -> Path:
    """A Python that is this one but for its version and `change`, a statement run before the code of -c."""
    prelude = f"import sys, platform; sys.version_info = {version}; {change}"
    return script(path, f'exec "{sys.executable}" -c "{prelude}\nexec(sys.argv[1])" "$2"')


@pytest.fixture
def look(repository, tmp_path):
    """(pythons, system) -> (status, standard output, standard error) of find_python.sh."""
    places = tools(tmp_path / "tools", "sh", "sed", "tr", "id", "uname")

    def run(pythons, release=DEBIAN, asked=(), uname="Linux", packages=("python3", "python3.13-venv")):
        binaries = tmp_path / "bin"
        binaries.mkdir()
        for name, make in pythons.items():
            make(binaries / name)
        script(binaries / "uname", f"echo {uname}")
        script(binaries / "id", "echo 0")
        script(binaries / "apt-cache", f'case " {" ".join(packages)} " in *" $2 "*) ;; *) exit 100 ;; esac')
        (tmp_path / "os-release").write_text(release)
        done = subprocess.run(
            ["sh", repository / "tools" / "find_python.sh", *asked],
            env={"PATH": f"{binaries}:{places}", "SMICNB_OS_RELEASE": str(tmp_path / "os-release")},
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        return done.returncode, done.stdout, done.stderr

    return run


def refused(answer) -> str:
    """The one line of a search that found nothing."""
    status, out, line = answer
    assert (status, out) == (2, "")
    assert line.count("\n") == 1
    return line


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: python(path, version=(3, 9, 18)), "(3.9.18) is older than 3.11"),
        (lambda path: python(path, version=(3, 15, 0)), "(3.15.0) is newer than 3.14"),
        (lambda path: python(path, "sys.modules['venv'] = None"), "(3.13.5) lacks venv"),
        (lambda path: python(path, "sys.modules['ensurepip'] = None"), "(3.13.5) lacks ensurepip"),
        (lambda path: python(path, "sys.modules.update(bz2=None, lzma=None)"), "(3.13.5) lacks bz2, lzma"),
        (lambda path: python(path, "sys.maxsize = 2**31 - 1"), "(3.13.5) is a 32-bit build"),
        (lambda path: python(path, "sys.implementation.name = 'pypy'"), "(3.13.5) is pypy instead of CPython"),
        (
            lambda path: python(path, "import sysconfig; sysconfig.get_config_var = lambda name: name[:3] == 'Py_'"),
            "(3.13.5) is a free-threaded build, for which not every package has a wheel",
        ),
        (
            lambda path: python(
                path, "import sysconfig; sysconfig.get_config_var = {'SOABI': 'cpython-313-x86_64-linux-musl'}.get"
            ),
            "(3.13.5) is built for musl, for which torch has no wheel",
        ),
        (
            lambda path: python(
                path,
                "import sysconfig; sysconfig.get_config_var = lambda name: None;"
                "sys.platform = 'darwin'; platform.machine = lambda: 'x86_64'",
            ),
            "(3.13.5) is built for x86_64, for which torch has no wheel",
        ),
        (lambda path: script(path, SHIM), "does not start"),
    ],
)
def test_a_python_that_will_not_do_is_named_with_what_it_lacks(look, make, said):
    line = refused(look({"python3": make}))
    assert re.match(rf"found python3 {re.escape(said)}; needed: CPython 3\.11 to 3\.14, .*; install one: apt ", line)
    assert line.endswith("or say make PYTHON=/path/to/python\n")


def test_only_the_python_that_is_asked_for_is_judged_in_the_same_words(look):
    pythons = {"python3.13": python, "python3": lambda path: python(path, version=(3, 9, 18))}
    assert refused(look(pythons, asked=["python3"])).startswith("found python3 (3.9.18) is older than 3.11; needed: ")


def test_where_there_is_no_python_it_says_so(look):
    assert refused(look({})).startswith("found no Python; needed: ")


def test_a_python_that_was_asked_for_and_is_not_there_is_named(look):
    assert refused(look({"python3.13": python}, asked=["python3.99"])).startswith("found python3.99 is no programme; ")


def test_the_newest_python_that_was_run_comes_first_then_others(look, tmp_path):
    pythons = {f"python3.{minor}": python for minor in (11, 12, 13, 14)}
    assert look(pythons) == (0, f"{tmp_path}/bin/python3.13\n", "")


@pytest.mark.parametrize(("there", "taken"), [((12, 14), 14), ((11, 14), 11), ((12,), 12)])
def test_another_python_is_taken_where_that_is_not_there(look, tmp_path, there, taken):
    pythons = {f"python3.{minor}": python for minor in there} | {"python3.13": lambda path: script(path, SHIM)}
    assert look(pythons) == (0, f"{tmp_path}/bin/python3.{taken}\n", "")


def test_a_python_by_two_names_is_told_of_once(look):
    no_pip = {name: lambda path: python(path, "sys.modules['ensurepip'] = None") for name in ("python3.13", "python3")}
    line = refused(look(no_pip | {"python3.12": lambda path: script(path, SHIM)}))
    assert line.startswith("found python3.13 (3.13.5) lacks ensurepip; python3.12 does not start; needed")


@pytest.mark.parametrize(
    ("release", "uname", "packages", "said"),
    [
        (DEBIAN, "Linux", ("python3", "python3.13-venv", "python3.11-venv"), "apt install python3.13-venv,"),
        (UBUNTU, "Linux", ("python3", "python3.12-venv"), "apt install python3.12-venv,"),
        (DEBIAN, "Linux", (), "apt update && apt install python3-venv,"),
        (DEBIAN, "Linux", ("python3",), "uv python install 3.13 (https://docs.astral.sh/uv), then make PYTHON="),
        (FEDORA, "Linux", (), "dnf install python3.13,"),
        (ROCKY, "Linux", (), "dnf install python3.12,"),
        (ARCH, "Linux", (), "pacman -S python,"),
        (ALPINE, "Linux", (), "use a system with glibc, such as Debian,"),
        (NOBODYS, "Linux", (), "uv python install 3.13 (https://docs.astral.sh/uv), then make PYTHON="),
        ("", "Darwin", (), "brew install python@3.13,"),
        ("", "MINGW64_NT-10.0", (), "winget install --exact --id Python.Python.3.13,"),
    ],
)
def test_the_command_that_mends_it_is_that_of_the_system(look, release, uname, packages, said):
    old = {"python3": lambda path: python(path, version=(3, 9, 2))}
    line = refused(look(old, release, uname=uname, packages=packages))
    assert f"; install one: {said}" in line


def test_a_python_that_lacks_modules_alone_gets_them_rather_than_another(look):
    bare = {"python3": lambda path: python(path, "sys.modules['ensurepip'] = None", (3, 12, 3))}
    assert "; install one: apt install python3.12-venv," in refused(look(bare, UBUNTU))


# --- .venv ------------------------------------------------------------------------------------------

# A Python whose venv is a folder of scripts: pip notes how it was called, and fails as $PIP says.
FAKE = """
case $1 in
  -c) exec "{executable}" -c "import sys; sys.version_info = {version}
exec(sys.argv[1])" "$2" ;;
esac
case "$1 $2" in
  "-m venv")
    echo "venv {version}" >>log; rm -rf .venv; mkdir -p .venv/bin
    cp "$0" .venv/bin/python
    printf '#!/bin/sh\\necho "weights" >>log; exit ${{WEIGHTS:-0}}\\n' >.venv/bin/smicnb; chmod +x .venv/bin/smicnb ;;
  "-m pip")
    shift 3; echo "pip $*" >>log
    case "$*" in *torch*)
      [ -z "${{WAIT:-}}" ] || touch waiting
      tenths=0
      until [ -z "${{WAIT:-}}" ] || [ -e "$WAIT" ] || [ $tenths = 300 ]; do sleep 0.1; tenths=$((tenths + 1)); done ;;
    esac
    [ -z "${{PIP:-}}" ] || {{ printf "$PIP" >&2; exit 1; }} ;;
esac
"""


class Checkout:
    """A checkout of the scripts alone, whose set-up installs nothing."""

    def __init__(self, folder: Path, repository: Path, path: Path):
        self.folder, self.path = folder, path
        for name in ("tools/set_up.sh", "tools/find_python.sh", "Makefile"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository / name, folder / name)
        (folder / "pyproject.toml").write_text("[project]\n")
        (folder / "requirements.lock").write_text("numpy==2.4.6 \\\n    --hash=sha256:0\n")
        pins = ["torch==2.15.0", "torchvision==0.29.2 ; sys_platform == 'linux'", "triton==3.9.0"]
        (folder / "requirements-torch.lock").write_text("".join(f"{pin} \\\n    --hash=sha256:0\n" for pin in pins))
        self.python("python3.13", (3, 13, 5))

    def python(self, name: str, version: tuple[int, int, int]) -> Path:
        return script(self.path / name, FAKE.format(executable=sys.executable, version=version))

    def environment(self, **more: str) -> dict[str, str]:
        own = {"PATH": f"{self.path}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(self.folder.parent / "cache")}
        return own | more

    def make(self, *words: str, **more: str) -> subprocess.CompletedProcess:
        command = ["make", "--silent", "setup", *words]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment(**more), capture_output=True, text=True, timeout=60
        )

    def done(self, *words: str, **more: str) -> list[str]:
        """What a set-up that succeeds did."""
        (self.folder / "log").write_text("")
        done = self.make(*words, **more)
        assert (done.returncode, done.stderr) == (0, "")
        return (self.folder / "log").read_text().splitlines()

    def refused(self, *words: str, **more: str) -> str:
        """The one line of a set-up that stops; nothing of it is taken for whole."""
        done = self.make(*words, **more)
        own = [line for line in done.stderr.splitlines() if not line.startswith("make: ")]
        assert done.returncode == 2
        assert len(own) == 1, done.stderr
        assert not (self.folder / ".venv" / "ready").exists()
        return own[0]

    def await_torch(self) -> None:
        """Until a set-up with WAIT=FILE in its environment has come to torch, where it waits for that file."""
        for _ in range(600):
            if (self.folder / "waiting").exists():
                return
            time.sleep(0.05)


@pytest.fixture
def checkout(repository, tmp_path):
    return Checkout(tmp_path / "checkout", repository, tmp_path / "bin")


WHOLE = ["venv (3, 13, 5)", "pip", "pip", "pip", "weights"]


def kinds(log: list[str]) -> list[str]:
    return [line.split()[0] if line.startswith("pip") else line for line in log]


def test_a_set_up_installs_wheels_of_both_locks_by_hash(checkout):
    log = checkout.done()
    assert kinds(log) == WHOLE
    for line, lock in zip(log[1:3], ("requirements.lock", "requirements-torch.lock"), strict=True):
        assert line.endswith(f"--only-binary :all: --require-hashes --requirement {lock}")
    assert all("--no-deps" in line for line in log[1:4])
    assert log[3].endswith("--no-build-isolation --editable .")


def test_a_whole_environment_is_left_alone(checkout):
    checkout.done()
    assert checkout.done() == []
    checkout.python("python3.13", (3, 13, 9))
    assert checkout.done() == []
    (checkout.path / "python3.13").unlink()
    checkout.python("python3.11", (3, 11, 2))
    assert checkout.done() == []


def test_an_edited_pyproject_installs_the_project_again_and_no_more(checkout):
    checkout.done()
    (checkout.folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert kinds(checkout.done()) == ["pip", "weights"]
    assert checkout.done() == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-torch.lock"])
def test_another_lock_makes_another_environment(checkout, lock):
    checkout.done()
    with (checkout.folder / lock).open("a") as file:
        file.write("scipy==1.17.1 \\\n    --hash=sha256:0\n")
    assert kinds(checkout.done()) == WHOLE


def test_a_half_made_environment_is_made_anew(checkout):
    checkout.done()
    (checkout.folder / ".venv" / "ready").unlink()
    (checkout.folder / ".venv" / "left over").touch()
    assert kinds(checkout.done()) == WHOLE
    assert not (checkout.folder / ".venv" / "left over").exists()


def test_an_environment_of_the_makefile_before_is_made_anew(checkout):
    checkout.done()
    (checkout.folder / ".venv" / "ready").write_text("")
    assert kinds(checkout.done()) == WHOLE


def test_an_environment_whose_python_has_gone_is_made_anew(checkout):
    checkout.done()
    gone = checkout.folder / ".venv" / "bin" / "python"
    gone.unlink()
    gone.symlink_to("/nowhere/python3.13")
    assert kinds(checkout.done()) == WHOLE


def test_a_checkout_that_moved_makes_its_environment_anew(checkout):
    checkout.done()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))
    assert kinds(checkout.done()) == WHOLE


def test_another_python_that_is_asked_for_makes_the_environment_anew(checkout):
    checkout.python("python3.12", (3, 12, 1))
    checkout.done()
    assert checkout.done("PYTHON=python3.13") == []
    assert checkout.done("PYTHON=python3.12")[0] == "venv (3, 12, 1)"
    assert checkout.done() == []


def test_torch_of_another_index_keeps_versions_and_markers(checkout):
    log = checkout.done("TORCH_INDEX=https://example.org/cpu")
    assert log[2].endswith("--only-binary :all: --index-url https://example.org/cpu --requirement .venv/torch.in")
    pins = [line.strip() for line in (checkout.folder / ".venv" / "torch.in").read_text().splitlines()]
    assert pins == ["torch==2.15.0", "torchvision==0.29.2 ; sys_platform == 'linux'"]


def test_an_unfit_python_is_told_before_anything_is_made(checkout):
    assert "lacks venv" in checkout.refused(f"PYTHON={python(checkout.path / 'bare', 'sys.modules.update(venv=None)')}")
    assert not (checkout.folder / ".venv").exists()


def test_a_cache_that_cannot_be_written_is_told_before_anything_is_made(checkout, tmp_path):
    (tmp_path / "file").touch()
    line = checkout.refused(XDG_CACHE_HOME=str(tmp_path / "file" / "cache"))
    assert line == (
        f"{tmp_path}/file/cache/smicnb cannot be written; needed: a folder for weights and results; "
        "say XDG_CACHE_HOME=FOLDER make ..."
    )
    assert not (checkout.folder / ".venv").exists()


def test_a_checkout_that_cannot_be_written_is_told(checkout):
    (checkout.folder / ".venv").write_text("a file, as no folder can be made here")
    assert checkout.refused().startswith(f"{checkout.folder}/.venv cannot be written; needed: ")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\\n",
            "the disk is full",
        ),
        ("ERROR: [Errno 13] Permission denied: 'x'\\nCheck the permissions.\\n", "a file could not be written: "),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\\n  Expected\\n", "the package index served other bytes"),
        (
            "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(\"<x>: "
            "Failed to establish a new connection: [Errno -2] Name or service not known\")'\\n"
            "ERROR: No matching distribution found for numpy==2.4.6\\n",
            "the package index was not reached (Failed to establish a new connection: [Errno -2] Name",
        ),
        (
            "ERROR: No matching distribution found for numpy==2.4.6\\n",
            "ERROR: No matching distribution found for numpy",
        ),
        ("ERROR: something new\\n\\n", "ERROR: something new; needed: "),
        ("", "the set-up stopped; needed: "),
    ],
)
def test_what_pip_fails_of_is_one_line_and_leaves_nothing_whole(checkout, output, said):
    output = output or "\\n"
    assert checkout.refused(PIP=output).startswith(said)
    assert kinds(checkout.done()) == WHOLE
    (checkout.folder / "requirements.lock").write_text("numpy==2.4.7 \\\n    --hash=sha256:0\n")
    assert checkout.refused(PIP=output).startswith(said)  # nor does what was whole before


def test_a_full_disk_gets_its_room_back_and_names_the_room_there_is(checkout):
    line = checkout.refused(PIP="OSError: [Errno 28] No space left on device\\n")
    assert not (checkout.folder / ".venv").exists()
    assert re.search(r"[\d.]+ GB in the checkout, [\d.]+ GB in \S+, [\d.]+ GB in \S+\); needed: \d+ GB in the", line)


def test_weights_that_cannot_be_fetched_leave_nothing_whole(checkout):
    assert checkout.make(WEIGHTS="2").returncode == 2
    assert kinds(checkout.done()) == WHOLE


def test_an_interrupted_set_up_says_so_and_is_made_anew(checkout):
    # A shell cannot trap what was ignored when it started, as SIGINT is in a command that runs in the background.
    start = "import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execlp('sh', 'sh', 'tools/set_up.sh')"
    process = subprocess.Popen(
        [sys.executable, "-c", start],
        cwd=checkout.folder,
        env=checkout.environment(WAIT="ever"),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    checkout.await_torch()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (130, "interrupted; the same command makes .venv anew\n")
    assert kinds(checkout.done()) == WHOLE


def test_a_set_up_that_another_one_overtook_does_not_call_its_environment_whole(checkout):
    command, both = ["sh", "tools/set_up.sh"], {"cwd": checkout.folder, "text": True, "stderr": subprocess.PIPE}
    first = subprocess.Popen(command, env=checkout.environment(WAIT="go"), **both)
    checkout.await_torch()
    (checkout.folder / "waiting").unlink()
    second = subprocess.Popen(command, env=checkout.environment(WAIT="ever"), start_new_session=True, **both)
    checkout.await_torch()
    (checkout.folder / "go").touch()
    _, said = first.communicate(timeout=30)
    assert first.returncode == 2
    assert said.startswith("another set-up began on .venv before this one ended; needed: one at a time; ")
    os.killpg(second.pid, signal.SIGKILL)
    second.communicate(timeout=30)
    assert not (checkout.folder / ".venv" / "ready").exists()
    assert kinds(checkout.done()) == WHOLE


# --- the lock ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def resolve(load_tool):
    return load_tool("resolve")


@pytest.fixture(scope="module")
def pins(repository, resolve):
    names = ("requirements.lock", "requirements-torch.lock")
    return [pin for name in names for pin in resolve.pinned((repository / name).read_text())]


def test_the_range_of_pythons_is_the_same_everywhere(repository, resolve):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    versions = [f"3.{minor}" for _, minor in resolve.PYTHONS]
    assert project["requires-python"] == f">={versions[0]},<3.{resolve.PYTHONS[-1][1] + 1}"
    assert [line.rpartition(" ")[2] for line in project["classifiers"] if " :: 3." in line] == versions
    finder = (repository / "tools" / "find_python.sh").read_text()
    ran, others = re.search(r'^RAN="([\d. ]+)".*\nOTHERS="([\d. ]+)"', finder, flags=re.MULTILINE).groups()
    assert sorted(ran.split() + others.split()) == versions
    assert f"(3, {resolve.PYTHONS[0][1]})" in finder
    assert f"(3, {resolve.PYTHONS[-1][1] + 1})" in finder


def test_the_page_on_installation_names_the_pythons_that_are_taken_first(repository):
    ran = re.search(r'^RAN="([\d. ]+)"', (repository / "tools" / "find_python.sh").read_text(), flags=re.MULTILINE)[1]
    said = re.search(r"^- \*\*Run\*\*.*", (repository / "docs/installation.md").read_text(), flags=re.MULTILINE)[0]
    assert sorted(re.findall(r"Python (3\.\d+)", said)) == sorted(ran.split())
    assert ran.split() == sorted(ran.split(), reverse=True)


def test_the_page_on_installation_has_a_row_for_each_system(repository, resolve):
    page = (repository / "docs" / "installation.md").read_text()
    table = page[page.index("<!-- systems: begin -->") : page.index("<!-- systems: end -->")].splitlines()[1:]
    rows = {cells[1].strip(): cells[2:-1] for cells in (line.split("|") for line in table)}
    assert [cell.strip() for cell in rows.pop("")] == [f"3.{minor}" for _, minor in resolve.PYTHONS]
    assert rows.pop("---") is not None
    assert list(rows) == [system.name for system in resolve.SYSTEMS]


def test_the_resolved_text_is_parted_and_says_nothing_of_what_holds_everywhere(load_tool):
    everywhere = "sys_platform == 'darwin' or sys_platform == 'linux' or sys_platform == 'win32'"
    blocks = [
        f"numpy==2.4.6 ; {everywhere} \\\n    --hash=sha256:0\n",
        f"aiohttp==3.14.5 ; python_full_version == '3.12.*' and ({everywhere}) \\\n    --hash=sha256:0\n",
        "nvidia-nccl-cu13==2.30.7 ; sys_platform == 'linux' \\\n    --hash=sha256:0\n",
        f"torchmetrics==1.9.0 ; {everywhere} \\\n    --hash=sha256:0\n",
    ]
    rest, torch = load_tool("lock").split("".join(blocks))
    assert [line for line in rest.splitlines() if "==" in line] == [
        "numpy==2.4.6 \\",
        "aiohttp==3.14.5 ; python_full_version == '3.12.*' \\",
        "torchmetrics==1.9.0 \\",
    ]
    assert [line for line in torch.splitlines() if "==" in line] == [blocks[2].splitlines()[0]]


def test_every_python_and_system_gets_the_same_versions(pins):
    names = [requirement.name for requirement, _ in pins]
    assert sorted(names) == sorted(set(names))


def test_what_the_project_needs_is_locked_for_every_python_and_system(repository, resolve, pins):
    from packaging.requirements import Requirement

    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [Requirement(line) for line in project["dependencies"] + extras["codecs"] + extras["lab"] + extras["test"]]
    locked = {requirement.name: requirement for requirement, _ in pins}
    for system in resolve.SYSTEMS:
        for version in resolve.PYTHONS:
            for need in wanted:
                pin, here = locked[need.name], system.environment(version)
                wanted_here = need.marker is None or need.marker.evaluate(here)
                assert (pin.marker is None or pin.marker.evaluate(here)) == wanted_here, (need, system, version)


def offered(resolve, *files: str, digest: str = "a" * 64) -> list:
    import pypi_simple

    kinds = {True: "wheel", False: "sdist"}
    common = {"project": "x", "version": "1.0", "digests": {"sha256": digest}, "requires_python": None, "has_sig": None}
    return [
        pypi_simple.DistributionPackage(filename=file, url=file, package_type=kinds[file.endswith(".whl")], **common)
        for file in files
    ]


@pytest.mark.parametrize(
    ("files", "lacking"),
    [
        (["x-1.0-py3-none-any.whl"], 0),
        (["x-1.0.tar.gz"], 16),
        (["x-1.0-cp311-abi3-manylinux_2_28_x86_64.whl"], 12),
        (["x-1.0-cp313-cp313-manylinux_2_39_aarch64.whl"], 16),
        (["x-1.0-cp314-cp314-win_amd64.whl", "x-1.0-cp314-cp314-macosx_11_0_arm64.whl"], 14),
        (["x-1.1-py3-none-any.whl"], 16),
    ],
)
def test_a_wheel_that_is_missing_somewhere_is_found(resolve, files, lacking):
    [(requirement, hashes)] = resolve.pinned(f"x==1.0 \\\n    --hash=sha256:{'a' * 64}\n")
    assert len(resolve.lacks_wheel(offered(resolve, *files), requirement, hashes)) == lacking
    assert len(resolve.lacks_wheel(offered(resolve, *files, digest="b" * 64), requirement, hashes)) == 16


def test_a_marker_excuses_from_a_wheel(resolve):
    [(requirement, hashes)] = resolve.pinned(
        f"x==1.0 ; sys_platform == 'win32' and python_full_version < '3.12' \\\n    --hash=sha256:{'a' * 64}\n"
    )
    assert [(system.name, version) for system, version in resolve.lacks_wheel([], requirement, hashes)] == [
        ("Windows x86-64", (3, 11))
    ]


# --- the rehearsal in a bare Debian -----------------------------------------------------------------


@pytest.fixture
def rehearse(repository, tmp_path):
    """(words, environment) -> the finished rehearsal of a small checkout, without debootstrap and without a chroot."""
    checkout, binaries, root = tmp_path / "checkout", tmp_path / "bin", tmp_path / "root"
    (checkout / "tools").mkdir(parents=True)
    (checkout / "docs").mkdir()
    shutil.copy(repository / "tools" / "rehearse_debian.sh", checkout / "tools")
    git = ["git", "-C", str(checkout), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "x"]):
        subprocess.run([*git, *words], check=True)
    script(binaries / "id", "echo 0")
    script(binaries / "debootstrap", 'mkdir -p "$4/etc" "$4/root"; echo 13.8 >"$4/etc/debian_version"')
    script(
        binaries / "unshare",
        'for root; do [ -e "$root/etc/debian_version" ] && here=$root; last=$root; done; echo "ran $last"\n'
        '[ "$last" != "make $FAILS" ] || exit 3\n'
        '[ -z "$FAILS" ] || case $last in .venv/*) exit 127 ;; esac\n'
        '[ "$last" != "make $SOILS" ] || touch "$here/root/smicnb/new"',
    )

    def run(*words, **more):
        environment = {
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "FAILS": "",
            "SOILS": "",
            "HOME": str(tmp_path),
        } | more
        command = ["sh", checkout / "tools" / "rehearse_debian.sh", *words, "trixie", root]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60), root

    return run


def test_a_rehearsal_runs_both_commands_tells_of_each_and_removes_the_root(rehearse):
    done, root = rehearse()
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("ran make")] == ["ran make reproduce", "ran make test"]
    assert re.match(r"== Debian 13\.8, \d+ cores, commit [0-9a-f]{7}", lines[-3])
    for line, goal in zip(lines[-2:], ("reproduce", "test"), strict=True):
        assert re.match(rf"make {goal}: status 0, 0 min \d+ s, \d+ MB of disk, .*, git status clean$", line)
    assert not root.exists()


@pytest.mark.parametrize(
    ("how", "said"), [("FAILS", "status 3, .*clean"), ("SOILS", r"status 0, .*git status \?\? new")]
)
def test_a_rehearsal_that_fails_or_leaves_something_behind_says_so(rehearse, how, said):
    done, root = rehearse("--only", "test", "--keep", **{how: "test"})
    assert done.returncode == 1
    assert re.search(rf"^make test: {said}$", done.stdout, flags=re.MULTILINE)
    assert "make reproduce" not in done.stdout
    assert (root / "root" / "smicnb" / "tools").is_dir()


def test_a_rehearsal_is_recorded_where_that_is_asked(rehearse, tmp_path, repository):
    done, _ = rehearse("--record", SOILS="test")
    assert done.returncode == 1
    rows = pd.read_csv(tmp_path / "checkout/docs/rehearsed.csv")
    assert rehearse("--record", "--only", "test")[0].returncode == 0
    again, committed = (pd.read_csv(path / "docs/rehearsed.csv") for path in (tmp_path / "checkout", repository))
    assert again["tree"].tolist() == ["clean", "clean"]
    assert rows["command"].tolist() == ["make reproduce", "make test"]
    assert rows["tree"].tolist() == ["clean", "not clean"]
    assert (rows["status"].tolist(), rows["system"][0]) == ([0, 0], "Debian 13")
    assert rows.columns.tolist() == committed.columns.tolist()


def test_a_rehearsal_passes_on_what_the_network_asks_for(rehearse, tmp_path):
    (tmp_path / "own.pem").write_text("a certificate")
    done, root = rehearse("--keep", https_proxy="http://it's:1", PIP_CERT=str(tmp_path / "own.pem"), SECRET="x")
    assert done.returncode == 0
    assert (root / str(tmp_path / "own.pem").lstrip("/")).read_text() == "a certificate"
    passed = {"PATH": os.environ["PATH"]}
    told = f'. {root}/root/rehearsal.env; echo "$https_proxy|$PIP_CERT|${{SECRET:-}}"'
    said = subprocess.run(["sh", "-c", told], env=passed, capture_output=True, text=True, check=True).stdout
    assert said == f"http://it's:1|{tmp_path}/own.pem|\n"


@pytest.mark.parametrize("words", [["--only", "lint"], ["--forever"], ["a", "b"]])
def test_a_rehearsal_that_is_called_wrongly_says_how_it_is_called(rehearse, words):
    done, root = rehearse(*words)
    assert done.returncode == 2
    assert "rehearse_debian.sh [--only setup|reproduce|test] [--keep] [--record] RELEASE [FOLDER]" in done.stderr
    assert not root.exists()
