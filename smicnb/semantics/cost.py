"""What generating images has cost so far: how many, time for each, memory."""

from dataclasses import dataclass


@dataclass
class Cost:
    """A running account.

    Args:
        images: generated so far.
        seconds: spent on them, loading the model included.
        peak_bytes: most memory seen: a GPU's peak where one is used, else this process's after a call.
    """

    images: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0

    def add(self, images: int, seconds: float, device: str = "cpu") -> None:
        """Count `images` made in `seconds` on a torch device."""
        self.images += images
        self.seconds += seconds
        self.peak_bytes = max(self.peak_bytes, _bytes(device))

    def __str__(self) -> str:
        if not self.images:
            return "no images generated"
        each = self.seconds / self.images
        return f"{self.images} images generated, {each:.3g} s each, memory {self.peak_bytes / 2**30:.1f} GiB"


def _bytes(device: str) -> int:
    if device.startswith("cuda"):
        import torch

        return torch.cuda.max_memory_allocated(device)
    import psutil

    return psutil.Process().memory_info().rss
