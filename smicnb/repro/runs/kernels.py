"""The kernels that notebooks can run on, known without what executes them, which takes a second to import."""

import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager


def kernel_specs() -> KernelSpecManager:
    """The kernels of this environment; others of the same name elsewhere do not count."""
    return KernelSpecManager(kernel_dirs=[str(Path(sys.prefix) / "share" / "jupyter" / "kernels")])
