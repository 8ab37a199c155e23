#!/usr/bin/env bash
# ground: still pictures
# guess: 4
# expects: a JPEG 2000 codestream of quality layers that is cut is decoded, coarser
# happens: Pillow and imagecodecs refuse it, though four of five layers are there; with LOAD_TRUNCATED_IMAGES Pillow
#   gives a black picture
# packages: pillow==13.0.0 imagecodecs==2026.3.6 numpy==2.4.6
# seen: "broken data stream", "opj_decode or opj_end_decompress failed"; largest value 0
# matters: as a progressive codec to compare SIC's cut files with, JPEG 2000 in Python needs another decoder, or a
#   file for each rate
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import io
import sys

import imagecodecs
import numpy as np
import PIL
from PIL import Image, ImageFile

noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
picture = Image.fromarray(noise).resize((512, 512), Image.Resampling.BICUBIC)
stream = io.BytesIO()
layers = {"quality_mode": "rates", "quality_layers": [200, 100, 50, 25, 12], "progression": "LRCP"}
picture.save(stream, "JPEG2000", no_jp2=True, **layers)
whole = stream.getvalue()
cut = whole[: len(whole) // 2]  # four of five layers lie before


def outcome(decode, data):
    try:
        pixels = np.asarray(decode(data), float)
    except (OSError, imagecodecs.Jpeg2kError) as error:
        return f"refused: {error}"
    return f"decoded, mean {pixels.mean():.1f}, error {abs(pixels - np.asarray(picture)).mean():.1f} of 255"


def pillow(data):
    return Image.open(io.BytesIO(data))


strict = {"Pillow": outcome(pillow, cut), "imagecodecs": outcome(imagecodecs.jpeg2k_decode, cut)}
ImageFile.LOAD_TRUNCATED_IMAGES = True
forgiving = np.asarray(pillow(cut))
print(f"Pillow {PIL.__version__}, imagecodecs {imagecodecs.__version__}, the first half of {len(whole)} bytes")
print("whole:", outcome(pillow, whole))
for name, said in strict.items():
    print(f"{name}: {said}")
print("Pillow with LOAD_TRUNCATED_IMAGES: largest value", forgiving.max())
refused = all(said.startswith("refused") for said in strict.values())
sys.exit(None if refused and forgiving.max() == 0 else "changed: a cut stream is decoded")
END
