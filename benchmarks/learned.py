"""What text costs TACO's encoder in seconds and memory, by resolution, as ratios to the same backbone without it."""

import multiprocessing
import resource
import time
from dataclasses import replace

SIDES = ((256, 256), (512, 768), (1024, 1536))
REPEATS = 3
CAPTION = "two parrots beside each other in front of green leaves"


def encoding(size: str, text: str, height: int, width: int) -> tuple[float, float, float]:
    """Seconds of the analysis with a caption's tokens, seconds of these tokens, and peak bytes; random weights."""
    import torch

    from smicnb.learned.taco import SIZES, Taco
    from smicnb.semantics.lite0_minilm import sentence_tower

    config = replace(SIZES[size], text=text)
    network = Taco(config).eval()
    pixels = torch.rand(1, 3, height, width).contiguous(memory_format=torch.channels_last)
    network = network.to(memory_format=torch.channels_last)
    tower = sentence_tower() if size == "mini" and text != "none" else None
    times, texts = [], []
    with torch.inference_mode():
        for _ in range(REPEATS + 1):  # the first warms up
            start = time.perf_counter()
            tokens, mask = tower.tokens([CAPTION]) if tower else (torch.rand(1, 16, config.text_width), None)
            mask = torch.ones(tokens.shape[:2], dtype=torch.bool) if mask is None else mask
            ready = time.perf_counter()
            network.h_a(network.g_a(pixels, tokens, mask))
            texts.append(ready - start)
            times.append(time.perf_counter() - ready)
    return min(times[1:]), min(texts[1:]), 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def report(results: dict) -> None:
    """Measure each case in a process of its own, print ratios, and keep the numbers."""
    for size in ("mini", "full"):
        for height, width in SIDES:
            row = {}
            for text in ("none", "adapter"):
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    row[text] = pool.apply(encoding, (size, text, height, width))
            (plain, _, memory), (seconds, tokens, more) = row["none"], row["adapter"]
            results[f"TACO {size}, {width}×{height}"] = row
            tower = f", text tower {100 * tokens / plain:+.1f} %" if size == "mini" else ""
            print(
                f"TACO {size}, {width}×{height}: analysis {1000 * plain:.0f} ms; adapter "
                f"{100 * (seconds / plain - 1):+.1f} %{tower}; memory {100 * (more / memory - 1):+.1f} %"
            )
