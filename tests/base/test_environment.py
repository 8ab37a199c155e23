"""What kernels and workers are told, so that their results do not depend on the machine."""

import json
import os
import platform
import subprocess
import sys

import pytest

from smicnb.base.work import environment

ASK = """
import json, faiss, numpy, scipy.linalg, torch
from numpy._core._multiarray_umath import __cpu_features__ as features
from threadpoolctl import threadpool_info
torch.nn.Conv2d(16, 16, 3)(torch.zeros(1, 16, 64, 64))  # oneDNN says what it is as it is first used
blas = [one for one in threadpool_info() if one["internal_api"] == "openblas"]
print(json.dumps({
    "openblas": sorted({(one["architecture"], one["threading_layer"], one["num_threads"]) for one in blas}),
    "numpy": [name for name in ("X86_V3", "X86_V4", "AVX512_ICL", "AVX512_SPR") if features[name]],
    "faiss": faiss.SIMDConfig.get_level_name(),
    "torch": torch.backends.cpu.get_cpu_capability(),
}))
"""

BLAS = [["Haswell", "openmp", 2], ["Haswell", "pthreads", 1]]  # faiss's, whose threads sleep; numpy's and scipy's


@pytest.fixture
def asked_anew():
    environment.has_avx2.cache_clear()
    yield
    environment.has_avx2.cache_clear()


def test_all_libraries_of_a_worker_compute_with_avx2_and_nothing_later():
    if not environment.has_avx2():
        pytest.skip("this processor has no AVX2")
    told = {name: value for name, value in os.environ.items() if name not in environment.INSTRUCTIONS}
    told |= environment.worker_variables() | {"ONEDNN_VERBOSE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=told, capture_output=True, text=True, timeout=100, check=True
    )
    *said, last = done.stdout.splitlines()
    assert "onednn_verbose,v1,info,cpu,isa:Intel AVX2" in said
    found = json.loads(last)
    assert found == {"openblas": BLAS, "numpy": ["X86_V3"], "faiss": "AVX2", "torch": "AVX2"}


def test_a_kernel_is_told_what_a_worker_is(tmp_path):
    kernel = environment.kernel_variables(tmp_path, tmp_path / "list")
    assert kernel.items() >= environment.worker_variables().items() >= environment.THREAD_VARIABLES.items()


def test_the_tests_compute_as_a_worker_does():
    assert os.environ.items() >= environment.worker_variables().items()
    import numpy  # noqa: F401
    from threadpoolctl import threadpool_info

    libraries = [one for one in threadpool_info() if one["internal_api"] == "openblas"]
    libraries = [one for one in libraries if one["threading_layer"] == "pthreads"]  # not faiss's
    assert {each["num_threads"] for each in libraries} == {1}  # else numpy was loaded before it was told
    assert {each["architecture"] for each in libraries} == {"Haswell"} or not environment.has_avx2()


@pytest.mark.parametrize(
    ("machine", "flags", "told"),
    [
        ("x86_64", "flags : fpu avx avx2 bmi2", True),
        ("AMD64", "flags : fpu avx2", True),
        ("x86_64", "flags : fpu avx avx2_of_another_name", False),
        ("aarch64", "Features : fp asimd avx2", False),
        ("x86_64", None, False),
    ],
)
def test_only_a_processor_that_has_avx2_is_told_to_use_it(machine, flags, told, tmp_path, monkeypatch, asked_anew):
    listing = tmp_path / "cpuinfo"
    if flags is not None:
        listing.write_text(flags)
    monkeypatch.setattr(environment, "CPU_INFO", listing)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(sys, "platform", "linux")
    assert ("OPENBLAS_CORETYPE" in environment.worker_variables()) is told


def test_no_value_has_a_space_so_that_a_shell_exports_them_all_at_once():
    assert not any(set(" \"'$") & set(value) for value in environment.worker_variables().values())


@pytest.mark.parametrize("said", [None, "ACTIVE"])
def test_threads_rest_while_they_wait_unless_the_user_says_otherwise(said, monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY")
    if said:
        monkeypatch.setenv("OMP_WAIT_POLICY", said)
    environment.rest_while_waiting()
    assert os.environ["OMP_WAIT_POLICY"] == (said or "PASSIVE")


FAULTS = """
import resource, sys
from smicnb.base.work import environment
if sys.argv[1] == "keeps":
    environment.keep_freed_memory()
for _ in range(9):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [bytearray(2**24) for _ in range(16)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told what it keeps")
def test_memory_that_was_freed_is_there_for_what_comes_next():
    """By the pages that the ninth of equal rounds of 256 MB is given anew."""
    keeps, leaves = (
        int(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True).stdout)
        for how in ("keeps", "leaves")
    )
    assert keeps < 20 < leaves


def test_a_process_that_is_tuned_searches_for_garbage_less_often():
    code = (
        "import gc; from smicnb.base.work import environment; environment.tune_process(); print(gc.get_threshold()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == environment.NEW_OBJECTS > 2000


VALIDATE = """
import sys
from smicnb.base.work import environment
if "without" in sys.argv:
    environment.leave_out_grammar()
import nbformat
nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
try:
    nbformat.validate({"cells": [{"cell_type": "none"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
except nbformat.ValidationError:
    print(*sys.modules)
"""


@pytest.mark.parametrize("words", [[], ["without"]])
def test_notebooks_are_checked_without_the_grammar_that_jsonschema_builds_otherwise(words):
    pytest.importorskip("rfc3987_syntax", reason="no extra of jsonschema brought the grammar")
    done = subprocess.run([sys.executable, "-c", VALIDATE, *words], capture_output=True, text=True, check=True)
    assert ("lark" in done.stdout.split()) == (not words)
