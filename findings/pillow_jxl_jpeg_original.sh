#!/usr/bin/env bash
# ground: libraries
# guess: 3
# expects: a JPEG that was opened with Pillow, made smaller by `thumbnail` or painted over, and saved as JPEG XL by
#   pillow-jxl-plugin at quality=50 is what the picture has become, at that quality
# happens: as long as the picture calls itself a JPEG, the plugin packs the file that it came from, without loss and
#   in its full size: what was done in place, and the quality, count for nothing. A warning says "Using JPEG
#   reconstruction", not that changes are lost; `lossless_jpeg=False` codes the picture
# packages: pillow==13.0.0 pillow-jxl-plugin==1.3.8 numpy==2.4.6
# seen: a JPEG of 512×384, by thumbnail 128×96: 30914 bytes and 512×384 again at qualities 50 and 90, and as many
#   bytes and the pixels of the original where half of it was painted red; with lossless_jpeg=False 2165 and 4973
#   bytes of 128×96
# matters: a collection of JPEGs that is reduced by `thumbnail` and coded as JPEG XL is measured at one rate for all
#   qualities, that of the originals; `resize` and `crop`, which make new pictures, are not touched
. "$(dirname "$0")/environment"
"$work/venv/bin/python" -W ignore - <<'END'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pillow_jxl  # noqa: F401, for Pillow to know JPEG XL
from PIL import Image

noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
Image.fromarray(noise).resize((512, 384), Image.Resampling.BICUBIC).save("original.jpg", quality=90)
original = np.asarray(Image.open("original.jpg"))
length = Path("original.jpg").stat().st_size
print(f"pillow-jxl-plugin {version('pillow-jxl-plugin')}: a JPEG of 512×384 in {length} bytes")
as_seen = True
for named, told in (("as it is", {}), ("with lossless_jpeg=False", {"lossless_jpeg": False})):
    for quality in (50, 90):
        small = Image.open("original.jpg")
        small.thumbnail((128, 128))
        painted = Image.open("original.jpg")
        painted.paste((255, 0, 0), (0, 0, 256, 384))
        small.save("small.jxl", quality=quality, **told)
        painted.save("painted.jxl", quality=quality, **told)
        size = Image.open("small.jxl").size
        is_original = np.array_equal(np.asarray(Image.open("painted.jxl")), original)
        lengths = [Path(name).stat().st_size for name in ("small.jxl", "painted.jxl")]
        print(f"  at {quality}, {named}: thumbnail {small.size} comes back as {size}, {lengths[0]} bytes;", end=" ")
        print(f"the painted one as the original: {is_original}, {lengths[1]} bytes")
        lost = size == (512, 384) and is_original
        as_seen &= not lost and size == small.size if told else lost
sys.exit(None if as_seen else "changed: what was done to the picture is in the file")
END
