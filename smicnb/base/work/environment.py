"""What processes that compute results are told by environment variables, so that the machine does not matter.

Sums split over threads round by their number, so that the number is always the same. Libraries have instructions for
each generation of processors and add in another order with each, and what is found by many small steps (a dictionary,
a residual quantiser) comes out visibly different where the last digit does. So every processor that has AVX2 (x86-64
since 2013) is given its instructions and no later ones. Others compute with their own: docs/installation.md says what
moves then.

Sources: OpenBLAS, driver/others/dynamic.c; NumPy, CPU build options; faiss, utils/simd_levels.cpp; PyTorch,
ATen/native/DispatchStub.cpp.
"""

import ctypes
import gc
import os
import platform
import sys
from functools import cache
from pathlib import Path

OUT, MANIFEST = "SMICNB_OUT", "SMICNB_MANIFEST"  # folder for figures, and the list of what was saved
WORKERS, SCHEDULER = "SMICNB_WORKERS", "SMICNB_SCHEDULER"  # of a notebook's own executor: processes, or Dask's address
THREADS = "2"  # per kernel and worker on every machine, of what gains by them
THREAD_VARIABLES = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), THREADS) | {
    # Threads of numpy's and scipy's OpenBLAS spin while they wait, and matrices here are small: two of them on cores
    # that others use too take up to fifty times the time of one. faiss's has OpenMP's threads.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",  # OpenMP's sleep while they wait
}
INSTRUCTIONS = {
    "OPENBLAS_CORETYPE": "Haswell",  # numpy's, scipy's and faiss'
    "OPENBLAS_L2_SIZE": "512",  # kB, by which it splits sums into blocks; else the machine's own
    "NPY_DISABLE_CPU_FEATURES": "X86_V4,AVX512_ICL,AVX512_SPR",
    "FAISS_SIMD_LEVEL": "AVX2",  # of its wheels; FAISS_OPT_LEVEL does nothing there
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # torch's convolutions; with a later one than ATen's, bfloat16 attention fails
}
CPU_INFO = Path("/proc/cpuinfo")
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h
KEPT = 2**30  # bytes, at the end of the heap
NEW_OBJECTS = 5000  # between two searches for garbage; Python's own is 700 or 2000, by version
AVX2 = 40  # Windows' PF_AVX2_INSTRUCTIONS_AVAILABLE


def thread_variables(threads: int) -> dict[str, str]:
    """Variables of a process that has this many cores to itself, or one where that is less."""
    counted = {name for name, value in THREAD_VARIABLES.items() if value == THREADS}
    return {**THREAD_VARIABLES, **dict.fromkeys(counted, str(max(1, threads)))}


def rest_while_waiting() -> None:
    """Have OpenMP's threads sleep while they wait, those of libraries that are loaded later, unless the user has said
    what they do: where photographs are read beside a network, they would spin on cores that others could use.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", THREAD_VARIABLES["OMP_WAIT_POLICY"])


def tune_process() -> None:
    """Spare a process that loads networks two kinds of housekeeping: `keep_freed_memory`, and the search for garbage
    among the half million objects that torch and transformers are made of, which took a second of every start.
    """
    keep_freed_memory()
    gc.set_threshold(NEW_OBJECTS)


def keep_freed_memory() -> None:
    """Have glibc keep up to `KEPT` of what this process frees, and take blocks of any size from it.

    A network asks for the same hundreds of megabytes at each batch. By default they go back to the system every time
    and come anew, filled with zeros, which takes up to half of the time. Other systems' libraries are left alone.

    Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, KEPT)


def leave_out_grammar() -> None:
    """Have jsonschema, by which nbformat checks notebooks, do without its grammar of IRIs, where it is not loaded yet:
    notebooks hold none, and building it takes a second of every process.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # pyrefly: ignore[bad-argument-type]


def worker_variables() -> dict[str, str]:
    """Variables of every process whose results are kept; they hold for what is not yet imported."""
    return {**THREAD_VARIABLES, **(INSTRUCTIONS if has_avx2() else {})}


def kernel_variables(out: Path, manifest: Path) -> dict[str, str]:
    """Variables of a kernel that saves figures in `out` and lists them in `manifest`."""
    return {
        **worker_variables(),
        OUT: str(out),
        MANIFEST: str(manifest),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # under another a kernel shows nothing
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "HF_HUB_OFFLINE": "1",  # weights come from the registry; no library asks a hub behind its back
    }


@cache
def has_avx2() -> bool:
    """Whether this is an x86-64 processor with AVX2, on Linux or Windows; asked before any library is loaded."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    if sys.platform == "win32":
        return bool(ctypes.windll.kernel32.IsProcessorFeaturePresent(AVX2))
    try:
        return "avx2" in CPU_INFO.read_text(errors="replace").split()
    except OSError:
        return False
