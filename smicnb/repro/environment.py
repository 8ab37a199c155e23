"""What `smicnb run` tells the kernels that it starts, by environment variables."""

from pathlib import Path

OUT, MANIFEST = "SMICNB_OUT", "SMICNB_MANIFEST"  # folder for figures, and the list of what was saved
WORKERS, SCHEDULER = "SMICNB_WORKERS", "SMICNB_SCHEDULER"  # of a notebook's own executor: processes, or Dask's address
THREADS = "2"  # per kernel and worker on every machine: sums split over threads round by their number
THREAD_VARIABLES = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), THREADS
)


def of_kernel(out: Path, manifest: Path) -> dict[str, str]:
    """Variables of a kernel that saves figures in `out` and lists them in `manifest`."""
    return {
        **THREAD_VARIABLES,
        OUT: str(out),
        MANIFEST: str(manifest),
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait sleep, and leave the core to who works
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # under another a kernel shows nothing
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "HF_HUB_OFFLINE": "1",  # weights come from the registry; no library asks a hub behind its back
    }
