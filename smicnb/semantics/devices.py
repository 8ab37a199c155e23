"""The device that a model is asked to run on, checked before anything is loaded."""

import time

from smicnb.base.errors import SmicnbError

SECONDS = 0.3  # that a product is measured for


def check_device(device: str, instead: str = "?device=cpu in the name") -> str:
    """`device` itself ("cpu", "cuda", "cuda:1", "mps") where torch can use it; `instead` tells a user how the processor
    is named.

    Raises:
        SmicnbError: no such device on this machine, or no torch device at all.
    """
    if not is_present(device):
        found = ", ".join(f"{count} {name}" for name, count in _counts().items() if count)
        raise SmicnbError(f"device '{device}' was asked for, torch found {found}", do=f"say {instead}")
    return device


def is_present(device: str) -> bool:
    """Whether torch can use `device` on this machine.

    Raises:
        SmicnbError: no torch device at all.
    """
    if device == "cpu":  # always there, and told without the second that torch takes to import
        return True
    import torch

    try:
        kind = torch.device(device)
    except RuntimeError as error:
        raise SmicnbError(f"found device '{device}'", "cpu, cuda, cuda:NUMBER or mps") from error
    return (kind.index or 0) < _counts().get(kind.type, 0)


def _counts() -> dict[str, int]:
    import torch

    return {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}


def matrix_speed(device: str, dtype: str) -> float:
    """10¹² floating-point operations per second of a matrix product, measured for about `SECONDS`."""
    import torch

    side = 4096 if device.startswith("cuda") else 1024
    with torch.inference_mode():
        factor = torch.rand(side, side, device=device).to(getattr(torch, dtype))
        products, start = 0, None
        while start is None or time.perf_counter() - start < SECONDS:
            (factor @ factor)[0, 0].item()  # waits until it is done
            if start is None:
                start = time.perf_counter()  # the first one warms up
            else:
                products += 1
        return 2 * side**3 * products / (time.perf_counter() - start) / 1e12
