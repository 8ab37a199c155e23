#!/usr/bin/env bash
# ground: still pictures
# guess: 2
# expects: AVIF from Pillow at `quality=100, subsampling="4:4:4"` is lossless
# happens: most values change by a little: RGB goes through YCbCr of 8 bits, which rounds
# packages: pillow==13.0.0 numpy==2.4.6
# seen: 63 % of values differ, by up to 3 of 255
# matters: photographs kept as AVIF at 100 are no originals to measure a codec against, and PSNR has a ceiling
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import io
import sys

import numpy as np
import PIL
from PIL import Image, features

noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
picture = Image.fromarray(noise).resize((256, 256), Image.Resampling.BICUBIC)
stream = io.BytesIO()
picture.save(stream, "AVIF", quality=100, subsampling="4:4:4")
error = abs(np.asarray(Image.open(stream), int) - np.asarray(picture, int))
print(f"Pillow {PIL.__version__}, libavif {features.version_module('avif')}")
print(f"values that differ: {(error > 0).mean():.0%}, by {error.max()} of 255 at most")
sys.exit(None if error.max() > 0 else "changed: quality 100 at 4:4:4 is lossless")
END
