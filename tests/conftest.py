"""What the tests share: where optional photographs lie, a fresh cache with the real weights in it."""

import importlib
import os
import sys
from pathlib import Path

import hypothesis
import pytest

from smicnb.base.work import environment

# The same examples on every continuous-integration machine; elsewhere new ones are looked for at each run. No example
# has to be quick: a busy machine is no failure.
patient = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("new examples", patient)
hypothesis.settings.register_profile("the same examples", patient, derandomize=True)
hypothesis.settings.load_profile("the same examples" if os.environ.get("CI") else "new examples")

ROOT = Path(__file__).resolve().parent.parent
os.environ.update(environment.worker_variables())  # numbers are compared with what kernels computed
environment.tune_process()
os.environ.setdefault("SMICNB_PROGRESS", "plain")
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a test that reaches for the network should fail at once
os.environ.setdefault("MPLBACKEND", "agg")


# Files that take minutes begin first, so that no worker is left with one of them when the others have ended.
# A process without workers keeps the order that it was given: a short file that fails is told of at once.
LONG = ("test_notebooks.py", "test_paper_tiny.py", "test_goldens.py", "test_kills.py", "test_many_photographs.py")


def pytest_collection_modifyitems(config, items) -> None:
    if not hasattr(config, "workerinput"):
        return
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONG)))


@pytest.fixture(scope="session")
def repository() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def load_tool():
    """name -> the module of tools/."""

    def load(name: str):
        sys.path.insert(0, str(ROOT / "tools"))
        try:
            return importlib.import_module(name)
        finally:
            sys.path.remove(str(ROOT / "tools"))

    return load


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with kodak/ and bsds500/: $SMICNB_DATA, or ../shared/data beside the checkout."""
    folder = Path(os.environ.get("SMICNB_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "kodak").is_dir() or not (folder / "bsds500").is_dir():
        pytest.skip("Kodak and BSDS500 are not here; SMICNB_DATA names the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def axe(repository) -> str:
    """The source of axe-core, which finds what hinders readers with other senses or without a mouse."""
    path = Path(os.environ.get("SMICNB_AXE", repository / "build/axe/node_modules/axe-core/axe.min.js"))
    if not path.is_file():
        pytest.skip("axe-core is not here: npm install --prefix build/axe axe-core, or SMICNB_AXE names axe.min.js")
    return path.read_text(encoding="utf-8")


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch) -> Path:
    """An empty cache that still finds the fetched weights."""
    from smicnb.base.cache import cache_root

    weights = cache_root() / "weights"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache_root().mkdir(parents=True)
    (cache_root() / "weights").symlink_to(weights)
    return cache_root()


@pytest.fixture(scope="session")
def embedded():
    """The embedded collection, for all tests."""
    from smicnb.semantics.photographs import image_collections

    return image_collections.load("embedded")


@pytest.fixture(autouse=True)
def _no_figure_is_left_open():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def house_style():
    """Figures in the project's style, and the settings of other tests untouched."""
    import matplotlib

    from smicnb.drawing import style

    with matplotlib.rc_context():
        style.use_style()
        yield


@pytest.fixture(scope="module", autouse=True)
def usual_threads():
    """A command that was told a number of threads leaves it set: the next module begins with the usual number."""
    yield
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(int(environment.THREADS))


@pytest.fixture(scope="module")
def one_thread():
    """Small networks on several threads only wait for one another, for minutes where the machine is busy."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
