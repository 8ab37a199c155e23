"""What kernels and workers are told, so that their results do not depend on the machine."""

import json
import os
import subprocess
import sys

import pytest
import threadpoolctl

from smicnb.repro import environment

ASK = """
import json, numpy, scipy.linalg
from threadpoolctl import threadpool_info
print(json.dumps([each.get("architecture") for each in threadpool_info() if each["internal_api"] == "openblas"]))
"""


def cores(**variables: str) -> list[str]:
    """What the OpenBLAS of numpy and scipy take this processor for."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS")}
    done = subprocess.run([sys.executable, "-c", ASK], env=told | variables, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_worker_computes_with_the_kernels_of_one_generation_of_processors():
    if not set(cores()) & environment.LATER:
        pytest.skip("this processor lacks Haswell's instructions, or numpy another OpenBLAS")
    assert set(cores(**environment.of_worker())) == {environment.HASWELL}


@pytest.mark.parametrize(
    ("architecture", "told"), [("Zen", True), ("SkylakeX", True), ("Nehalem", False), (None, False)]
)
def test_only_what_has_its_instructions_is_told_so(architecture, told, monkeypatch):
    libraries = [{"internal_api": "openmp"}, {"internal_api": "openblas", "architecture": architecture}]
    monkeypatch.setattr(threadpoolctl, "threadpool_info", lambda: libraries)
    environment.of_worker.cache_clear()
    try:
        assert (environment.CORE in environment.of_worker()) is told
    finally:
        environment.of_worker.cache_clear()


def test_a_kernel_is_told_what_a_worker_is(tmp_path):
    kernel = environment.of_kernel(tmp_path, tmp_path / "list")
    assert kernel.items() >= environment.of_worker().items() >= environment.THREAD_VARIABLES.items()
