"""What text costs TACO's encoder, as ratios to the same backbone without it; how SIC's decoder grows, beside pixels.

TACO's rows are seconds and memory by resolution. SIC's are seconds of decoding by pixels and by levels; the peer is the
same decoder, which walks through its context one place after another instead of in wavefronts.
"""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

SIDES = ((256, 256), (512, 768), (1024, 1536))
REPEATS = 3
CAPTION = "two parrots beside each other in front of green leaves"
LEVELS = (1, 2, 4, 8)  # of SIC's small size
PEER_PIXELS = 512 * 768  # up to which the peer is asked


def encoding(size: str, text: str, height: int, width: int) -> tuple[float, float, float]:
    """Seconds of the analysis with a caption's tokens, seconds of these tokens, and peak bytes; random weights."""
    import torch

    from smicnb.learned.networks.taco import SIZES, Taco
    from smicnb.semantics.encoders.lite0_minilm import sentence_tower

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


@contextmanager
def place_by_place() -> Iterator[None]:
    """Encoders and decoders of SIC inside walk from pixel to pixel of the latent, row by row."""
    import numpy as np

    from smicnb.learned.files import wavefront

    with mock.patch.object(wavefront, "wavefronts", lambda height, width: list(np.arange(height * width)[:, None])):
        yield


def decoding(height: int, width: int) -> dict[str, float]:
    """Seconds of SIC's small decoder, with random weights: from bytes to ŷ and to pixels, by levels, and the peer's."""
    import numpy as np
    import torch

    from smicnb.learned.files import checkpoints
    from smicnb.learned.files.sic_codec import SicCodec
    from smicnb.learned.networks.sic import MINI, Sic

    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        checkpoints.save(Path(folder) / "sic", "sic", "random/any/0", Sic(MINI), {})
        codec = SicCodec(Path(folder) / "sic")
    # Smooth and noisy in equal parts, as a photograph is.
    rng = np.random.default_rng(0)
    image = np.linspace(0, 128, height * width * 3).reshape(height, width, 3) + rng.integers(0, 128, (height, width, 3))
    image = image.astype(np.uint8)
    data = codec.encode(image)
    found = {f"level {level}": _seconds(lambda level=level: codec.read(data, level)) for level in LEVELS}
    coded = codec.read(data)
    found["pixels"] = _seconds(lambda: codec.sample(coded))
    if height * width <= PEER_PIXELS:
        with place_by_place():
            other = codec.encode(image)
            found["place by place"] = _seconds(lambda: codec.read(other))
            found["bytes of the peer"] = len(other) / len(data)
    return found


def _seconds(function) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def report(results: dict) -> None:
    """Measure each case in a process of its own, print ratios, and keep the numbers."""
    for height, width in SIDES:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            row = results[f"SIC mini, {width}×{height}"] = pool.apply(decoding, (height, width))
        top = row[f"level {LEVELS[-1]}"]
        levels = ", ".join(f"{level}: {row[f'level {level}'] / top:.2f}" for level in LEVELS)
        peer = f"; place by place ×{row['place by place'] / top:.1f}" if "place by place" in row else ""
        print(
            f"SIC mini, {width}×{height}: {top:.2f} s to ŷ ({1e9 * top / (height * width):.0f} ns a pixel), by levels "
            f"{levels}; {row['pixels']:.2f} s to pixels{peer}"
        )
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
