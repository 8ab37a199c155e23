"""Large JPEG photographs to latents: decoded at a reduced scale, as a whole, and by a plain torch DataLoader.

The photographs are embedded ones, enlarged to 12 megapixels and saved at quality 90. Seconds are of the wall clock, of
all that a photograph takes from file to latent: ours is also looked through before, to be sure that it can be used.
"""

import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

SIZE, QUALITY, COUNT = (4000, 3000), 90, 48
WORKERS = 2


def enlarge(folder: Path) -> list[Path]:
    """`COUNT` files of the embedded collection's first photographs."""
    from smicnb.semantics.photographs import image_collections
    from smicnb.semantics.photographs.views import WHOLE

    whole = [item for item in image_collections.load("embedded") if item.view == WHOLE]
    paths = []
    for number, item in enumerate(whole[:COUNT]):
        paths.append(folder / f"{number}.jpg")
        Image.fromarray(item.image()).resize(SIZE, Image.Resampling.LANCZOS).save(paths[-1], quality=QUALITY)
    return paths


def ours(paths: list[Path], side: int | None) -> np.ndarray:
    """Latents (n, L), read for a network that sees squares of `side`, or as a whole where it is None."""
    from concurrent.futures import ThreadPoolExecutor

    from smicnb.semantics.encoders.encoders import encoder
    from smicnb.semantics.photographs import images

    with ThreadPoolExecutor(WORKERS) as threads:
        look = images.check if side else partial(images.read_image, side=None)
        list(threads.map(look, paths))
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


def measure(folder: Path) -> dict:
    """Seconds a photograph of each way, and the least cosine of our two kinds of latents."""
    from smicnb.semantics.encoders.encoders import encoder
    from smicnb.semantics.metrics.pairs import latent_cosine

    paths, side = enlarge(folder), encoder("lite0-minilm").side
    seconds, made = {}, {}
    for way, function in (("reduced", lambda p: ours(p, side)), ("whole", lambda p: ours(p, None)), ("peer", theirs)):
        function(paths[:2])  # loads the network
        start = time.perf_counter()
        made[way] = function(paths)
        seconds[way] = (time.perf_counter() - start) / len(paths)
    return {"seconds": seconds, "cosine": float(latent_cosine(made["reduced"], made["whole"]).min())}


def report(results: dict, folder: Path) -> None:
    """Measure, print, and add to the results."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        row = results["large JPEG photographs"] = measure(Path(own))
    seconds = row["seconds"]
    print(
        f"a JPEG photograph of 12 megapixels, looked through and encoded: {1000 * seconds['reduced']:.0f} ms; "
        f"{seconds['whole'] / seconds['reduced']:.1f}x decoded as a whole, {seconds['peer'] / seconds['reduced']:.1f}x "
        f"a DataLoader of {WORKERS} workers, which does not look through; least cosine of latents {row['cosine']:.5f}"
    )
