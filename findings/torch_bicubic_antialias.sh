#!/usr/bin/env bash
# ground: metrics
# guess: 1
# expects: bicubic `interpolate(antialias=True)` that enlarges is what `antialias=False` gives, as there is nothing to
#   filter
# happens: it is another kernel: a = −0.5, Pillow's, instead of −0.75, OpenCV's; bilinear has no such difference
# packages: torch==2.13.0 numpy==2.4.6 pillow==13.0.0
# seen: differences up to 0.067 of the range on noise; with antialias equal to Pillow within 1e-07
# matters: pictures enlarged before a metric or an encoder depend on a flag that speaks of shrinking
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np
import PIL
import torch
from PIL import Image
from torch.nn.functional import interpolate

small = np.random.default_rng(0).random((32, 32), dtype=np.float32)
pillow = np.asarray(Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC))


def enlarged(mode, antialias):
    pixels = torch.from_numpy(small)[None, None]
    return interpolate(pixels, size=(64, 64), mode=mode, antialias=antialias)[0, 0].numpy()


print(f"torch {torch.__version__}, Pillow {PIL.__version__}")
print("32×32 noise in 0 … 1, enlarged to 64×64, largest differences")
apart = {mode: abs(enlarged(mode, True) - enlarged(mode, False)).max() for mode in ("bilinear", "bicubic")}
for mode, difference in apart.items():
    print(f"{mode}, antialias against none: {difference:.1e}")
to_pillow = {flag: abs(enlarged("bicubic", flag) - pillow).max() for flag in (True, False)}
print(f"bicubic against Pillow: with antialias {to_pillow[True]:.1e}, without {to_pillow[False]:.1e}")
other_kernel = apart["bilinear"] < 1e-5 < 1e-2 < apart["bicubic"]
sys.exit(None if other_kernel and to_pillow[True] < 1e-5 else "changed: both bicubics are one kernel")
END
