"""What `smicnb run` tells the kernels that it starts, by environment variables.

A result should not depend on the machine. Sums split over threads round by their number, so that the number is always
the same. OpenBLAS, which numpy, scipy and faiss bring, has kernels for each generation of processors, and what is
trained by many small steps, such as a dictionary or a residual quantiser, comes out visibly different where the last
digit does; so all processors that can run Haswell's kernels (AVX2: x86-64 since 2013) are given those, in blocks for
one size of cache.
"""

from functools import cache
from pathlib import Path

OUT, MANIFEST = "SMICNB_OUT", "SMICNB_MANIFEST"  # folder for figures, and the list of what was saved
WORKERS, SCHEDULER = "SMICNB_WORKERS", "SMICNB_SCHEDULER"  # of a notebook's own executor: processes, or Dask's address
THREADS = "2"  # per kernel and worker on every machine
THREAD_VARIABLES = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), THREADS
)
CORE = "OPENBLAS_CORETYPE"
HASWELL = "Haswell"
KERNELS = {CORE: HASWELL, "OPENBLAS_L2_SIZE": "512"}  # kB; else the machine's own, by which sums are split too
# What OpenBLAS calls the processors that have Haswell's instructions.
LATER = {HASWELL, "Zen", "SkylakeX", "Cooperlake", "SapphireRapids"}


@cache
def of_worker() -> dict[str, str]:
    """Variables of every process that computes what is kept."""
    import numpy  # noqa: F401 - its OpenBLAS is the one that is asked
    from threadpoolctl import threadpool_info

    found = {library.get("architecture") for library in threadpool_info() if library["internal_api"] == "openblas"}
    return {**THREAD_VARIABLES, **(KERNELS if found & LATER else {})}


def of_kernel(out: Path, manifest: Path) -> dict[str, str]:
    """Variables of a kernel that saves figures in `out` and lists them in `manifest`."""
    return {
        **of_worker(),
        OUT: str(out),
        MANIFEST: str(manifest),
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait sleep, and leave the core to who works
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # under another a kernel shows nothing
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "HF_HUB_OFFLINE": "1",  # weights come from the registry; no library asks a hub behind its back
    }
