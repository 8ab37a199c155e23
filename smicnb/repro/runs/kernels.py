"""The kernel that a notebook asks for, found without what executes notebooks, which takes a second to import."""

import json
import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

from smicnb.base.errors import SmicnbError


def kernel_specs() -> KernelSpecManager:
    """The kernels of this environment; others of the same name elsewhere do not count."""
    return KernelSpecManager(kernel_dirs=[str(Path(sys.prefix) / "share" / "jupyter" / "kernels")])


def find_kernel(notebook: Path) -> str:
    """The name of a notebook's kernel.

    Raises:
        SmicnbError: this environment has none of that name.
    """
    metadata = json.loads(notebook.read_text(encoding="utf-8")).get("metadata", {})
    name, specs = metadata.get("kernelspec", {}).get("name", "python3"), kernel_specs()
    try:
        specs.get_kernel_spec(name)
    except NoSuchKernel as error:
        raise SmicnbError(
            f"{notebook.name} asks for the kernel '{name}', which is not installed",
            f"one of {', '.join(sorted(specs.find_kernel_specs()))}",
            "choose it in JupyterLab and save the notebook",
        ) from error
    return name
