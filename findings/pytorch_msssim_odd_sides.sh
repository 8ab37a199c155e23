#!/usr/bin/env bash
# ground: rate distortion
# guess: 3
# expects: pytorch-msssim's MS-SSIM of 321×481 pixels is that of the 320×480 among them, within 0.002
# happens: a side that is odd at one of the five scales gets a line of zeros at both ends before it is halved, so that
#   pairs of lines begin one early, and again at later scales: coarse pixels lie across the edges of JPEG's blocks. That
#   the lines are zeros hardly counts: repeated lines in front do the same, repeated lines behind do not
# packages: torch==2.13.0 pytorch-msssim==1.0.0 pillow==13.0.0 scikit-image==0.26.0 numpy==2.4.6
# seen: JPEG at 5 0.9171, of the 320×480 0.9057; at 10 0.9565 and 0.9484; at 30 0.9867 and 0.9851; noise 0.770 twice
# matters: JPEG scores up to 0.011 too high at 321×481 (BSDS500), at low rates most, and noise does not;
#   Kodak's sides are not touched; smicnb halves odd sides as the authors' programme does, from the first line on
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import io
import sys
from importlib.metadata import version

import numpy as np
import torch
from PIL import Image
from pytorch_msssim import ms_ssim
from skimage import data

height, width = 321, 481  # BSDS500's; fifteen lines more are a multiple of 16
photograph = np.ascontiguousarray(data.camera()[:height, :width])


def jpeg(quality):
    stream = io.BytesIO()
    Image.fromarray(photograph).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def scores(other):
    """MS-SSIM as it is, without the last line, and with fifteen repeated lines behind and in front."""
    ways = {
        "as it is": lambda pixels: pixels,
        "320×480": lambda pixels: pixels[:-1, :-1],
        "extended behind": lambda pixels: np.pad(pixels, (0, 15), mode="edge"),
        "in front": lambda pixels: np.pad(pixels, (15, 0), mode="edge"),
    }
    found = {}
    for name, way in ways.items():
        pair = (torch.from_numpy(way(each).astype(np.float32))[None, None] for each in (photograph, other))
        found[name] = float(ms_ssim(*pair, data_range=255))
    return found


noise = np.random.default_rng(0).normal(scale=20, size=photograph.shape)
others = {f"JPEG at {quality}": jpeg(quality) for quality in (5, 10, 30)}
others["noise"] = (photograph + noise).clip(0, 255).astype(np.uint8)
print(f"pytorch-msssim {version('pytorch-msssim')}: MS-SSIM of a photograph of 321×481")
told = {name: scores(other) for name, other in others.items()}
for name, found in told.items():
    print(f"{name}: " + ", ".join(f"{way} {score:.4f}" for way, score in found.items()))
worst, unmoved = told["JPEG at 5"], told["noise"]
shifted = worst["as it is"] > worst["320×480"] + 0.008 and worst["in front"] > worst["extended behind"] + 0.008
held = shifted and abs(unmoved["as it is"] - unmoved["320×480"]) < 0.004
sys.exit(None if held else "changed: odd sides are halved from their first line on")
END
