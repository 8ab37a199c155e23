"""JPEG photographs to latents: in one pass, looked through before they are encoded, decoded as a whole, and by a plain
torch DataLoader.

The photographs are embedded ones, resized and saved at quality 90. Seconds are of the wall clock, of all that
a photograph takes from file to latent, hash, size and the certainty that it can be used; a DataLoader has latents
alone.
"""

import os
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

SIZES, QUALITY, COUNT = {"12 megapixels": (4000, 3000), "500×375 pixels": (500, 375)}, 90, 48
WORKERS = 2


def write(folder: Path, size: tuple[int, int]) -> list[Path]:
    """`COUNT` files of the embedded collection's first photographs."""
    from smicnb.semantics.photographs import image_collections
    from smicnb.semantics.photographs.views import WHOLE

    whole = [item for item in image_collections.load("embedded") if item.view == WHOLE]
    paths = []
    for number, item in enumerate(whole[:COUNT]):
        paths.append(folder / f"{number}.jpg")
        Image.fromarray(item.image()).resize(size, Image.Resampling.LANCZOS).save(paths[-1], quality=QUALITY)
    return paths


def once(paths: list[Path]) -> np.ndarray:
    """Latents (n, L) by one pass, as `smicnb compress` makes them, with an empty cache."""
    from smicnb.semantics.encoders.encoders import encoder
    from smicnb.semantics.encoders.one_pass import encode_piece

    lite0, before = encoder("lite0-minilm"), os.environ.get("XDG_CACHE_HOME")
    assert lite0.weights_hash  # found while the cache is there
    with tempfile.TemporaryDirectory(dir=paths[0].parent) as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        try:
            return np.stack([each.latent for each in encode_piece(lite0, (0, [(path.name, path) for path in paths]))])
        finally:
            os.environ.pop("XDG_CACHE_HOME") if before is None else os.environ.update(XDG_CACHE_HOME=before)


def apart(paths: list[Path], side: int | None) -> np.ndarray:
    """Latents (n, L), looked through first, then read for a network's `side`, or as a whole where it is None."""
    from concurrent.futures import ThreadPoolExecutor

    from smicnb.base.files import sha256_file
    from smicnb.semantics.encoders.encoders import encoder
    from smicnb.semantics.photographs import images

    look = images.check if side else partial(images.read_image, side=None)
    with ThreadPoolExecutor(WORKERS) as threads:
        list(threads.map(lambda path: (sha256_file(path), look(path), images.size_of(path)), paths))
    return encoder("lite0-minilm").encode_images(partial(images.read_image, path, side=side) for path in paths)


class Files:
    """A data set as torch wants it: what a photograph is for timm's network."""

    def __init__(self, paths: list[Path]):
        from timm.data import create_transform

        shade = {"mean": (127 / 255,) * 3, "std": (128 / 255,) * 3}
        self.paths, self.transform = paths, create_transform(224, interpolation="bicubic", crop_pct=1.0, **shade)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int):
        return self.transform(Image.open(self.paths[row]).convert("RGB"))


def theirs(paths: list[Path]) -> np.ndarray:
    """Features (n, F) of the same network behind a DataLoader."""
    import torch

    from smicnb.semantics.encoders.lite0_minilm import image_features

    network, _ = image_features("cpu")
    with torch.inference_mode():
        loader = torch.utils.data.DataLoader(Files(paths), 16, num_workers=WORKERS)
        return np.concatenate([network(batch).numpy() for batch in loader])


def measure(folder: Path, size: tuple[int, int]) -> dict:
    """Seconds a photograph of each way, and the least cosine of our latents to those of whole decoding."""
    from smicnb.semantics.encoders.encoders import encoder
    from smicnb.semantics.metrics.pairs import latent_cosine

    paths, lite0 = write(folder, size), encoder("lite0-minilm")
    lite0.encode_images([np.zeros((size[1], size[0], 3), np.uint8)])  # loads the network while its cache is there
    ways = {"once": once, "apart": partial(apart, side=lite0.side), "whole": partial(apart, side=None), "peer": theirs}
    seconds, made = {}, {}
    for way, function in ways.items():
        function(paths[:2])  # loads what is left
        start = time.perf_counter()
        made[way] = function(paths)
        seconds[way] = (time.perf_counter() - start) / len(paths)
    return {"seconds": seconds, "cosine": float(latent_cosine(made["once"], made["whole"]).min())}


def report(results: dict, folder: Path) -> None:
    """Measure, print, and add to the results."""
    for name, size in SIZES.items():
        with tempfile.TemporaryDirectory(dir=folder) as own:
            row = results[f"JPEG photographs of {name}"] = measure(Path(own), size)
        seconds = row["seconds"]
        more = {way: seconds[way] / seconds["once"] for way in ("apart", "whole", "peer")}
        print(
            f"a JPEG photograph of {name}, looked through and encoded: {1000 * seconds['once']:.0f} ms; "
            f"{more['apart']:.2f}x one after the other, {more['whole']:.1f}x decoded as a whole, {more['peer']:.2f}x a "
            f"DataLoader of {WORKERS} workers, which does not look through; least cosine of latents {row['cosine']:.5f}"
        )
