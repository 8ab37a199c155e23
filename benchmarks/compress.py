"""`smicnb compress` of this build beside that of another checkout, and of few photographs beside many, by the slope.

`git worktree add ../other COMMIT`, then `python benchmarks/compress.py ../other KODAK`, where KODAK is a folder of
photographs: parts of them are enlarged to 12 megapixels, or made smaller, and saved as JPEG at quality 90. Both builds
run in this environment, each command with an empty cache of latents. What a photograph takes is the difference between
`MANY` and `FEW`, wall clock, the fastest of two, so that start and imports do not count.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from smicnb.base.cache import cache_root

SIZES = {"12 megapixels": (4000, 3000), "500×375 pixels": (500, 375)}
FEW, MANY, QUALITY, ROUNDS = 50, 250, 90, 2
MAIN = "try:\n    from smicnb.cli.main import main\nexcept ImportError:\n    from smicnb.cli import main\nmain()"


def write(sources: list[Path], folder: Path, size: tuple[int, int], count: int) -> None:
    """`count` JPEG files of a size: a part of each source in turn, at another place each time."""
    for number in range(count):
        shift, source = divmod(number, len(sources))
        with Image.open(sources[source]) as image:
            picture = image.convert("RGB")
        width, height = (round(0.8 * side) // 4 * 4 for side in picture.size)
        left, top = (7 * shift % (side - part) for side, part in zip(picture.size, (width, height), strict=True))
        part = picture.resize(size, Image.Resampling.LANCZOS, box=(left, top, left + width, top + height))
        part.save(folder / f"{number:04}.jpg", quality=QUALITY)


def seconds(checkout: Path, photographs: Path, target: Path) -> float:
    """Seconds of the wall clock that one command takes, its cache empty but for the weights."""
    with tempfile.TemporaryDirectory() as cache:
        (Path(cache) / "smicnb").mkdir()
        (Path(cache) / "smicnb" / "weights").symlink_to(cache_root() / "weights")
        environment = {**os.environ, "PYTHONPATH": str(checkout), "XDG_CACHE_HOME": cache}
        words = [sys.executable, "-c", MAIN, "compress", str(photographs), str(target), "--quality", "0.9"]
        start = time.perf_counter()
        done = subprocess.run(words, env=environment, cwd=checkout, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"compress: '{checkout}' ended with status {done.returncode}: {done.stderr.strip()}")
        return time.perf_counter() - start


def least_cosine(paths: list[Path]) -> float:
    """The least cosine between the latents of photographs as compress reads them and those of whole decoding."""
    from smicnb.semantics.encoders.encoders import encoder
    from smicnb.semantics.metrics.pairs import latent_cosine
    from smicnb.semantics.photographs.images import read_image

    lite0 = encoder("lite0-minilm")
    read, whole = (lite0.encode_images(read_image(path, side=side) for path in paths) for side in (lite0.side, None))
    return float(latent_cosine(read, whole).min())


def network_alone(batches: int = 15) -> float:
    """Seconds that a photograph takes in the encoder's network, wall clock, in batches as compress has them."""
    import torch

    from smicnb.semantics.encoders.lite0_minilm import SIDE, image_features
    from smicnb.semantics.encoders.towers import BATCH

    network, _ = image_features("cpu")
    pixels = torch.rand(BATCH, 3, SIDE, SIDE)
    with torch.inference_mode():
        network(pixels)  # warms up
        start = time.perf_counter()
        for _ in range(batches):
            network(pixels)
    return (time.perf_counter() - start) / (batches * BATCH)


def main() -> None:
    """Measure and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("other", type=Path, help="another checkout")
    parser.add_argument("photographs", type=Path, help="a folder of photographs")
    given = parser.parse_args()
    sources = sorted(path for path in given.photographs.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
    print(f"a photograph in the network alone: {1000 * network_alone():.1f} ms", flush=True)
    builds = {"this build": Path(__file__).parents[1], "the other": given.other.resolve()}
    for name, size in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            few, many = Path(folder, "few"), Path(folder, "many")
            for place, count in ((few, FEW), (many, MANY)):
                place.mkdir()
                write(sources, place, size, count)
            took = {(build, place): [] for build in builds for place in (few, many)}
            for (build, place), times in [*took.items()] * (1 + ROUNDS):
                target = Path(folder, "photographs.smic")
                times.append(seconds(builds[build], place, target))
                target.unlink()
            best = {which: min(times[1:]) for which, times in took.items()}  # the first round warms up
            ours, theirs = ((best[build, many] - best[build, few]) / (MANY - FEW) for build in builds)
            for (build, place), fastest in best.items():
                print(f"{build}, {name}: {fastest:.1f} s for {len(list(place.iterdir()))}", flush=True)
            cosine = least_cosine(sorted(few.iterdir()))
        compared = f"{ours / theirs:.2f} of the other's {1000 * theirs:.1f} ms"
        print(f"a photograph of {name}: {1000 * ours:.1f} ms, {compared}; least cosine of latents {cosine:.5f}")


if __name__ == "__main__":
    main()
