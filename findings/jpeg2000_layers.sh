#!/usr/bin/env bash
# ground: still pictures
# guess: none
# expects: `image.layers = 1` in Pillow decodes the first quality layer of a JPEG 2000 file
# happens: at full size all layers are decoded; `layers` acts only where `reduce` is set too
# packages: pillow==13.0.0 numpy==2.4.6
# seen: difference 0 at full size, up to 149 of 255 at half size
# matters: a rate curve measured layer by layer this way is flat: each point shows the whole file
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import io
import sys

import numpy as np
import PIL
from PIL import Image

noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
picture = Image.fromarray(noise).resize((512, 512), Image.Resampling.BICUBIC)
stream = io.BytesIO()
picture.save(stream, "JPEG2000", irreversible=True, quality_mode="rates", quality_layers=[200, 100, 50, 25, 12])


def decoded(layers, reduce):
    image = Image.open(io.BytesIO(stream.getvalue()))
    image.layers, image.reduce = layers, reduce
    return np.asarray(image, int)


apart = {reduce: abs(decoded(1, reduce) - decoded(0, reduce)).max() for reduce in (0, 1)}
print(f"Pillow {PIL.__version__}: largest difference of 255 between one quality layer and all five")
print("at full size:", apart[0])
print("at half size:", apart[1])
sys.exit(None if apart[0] == 0 < apart[1] else "changed: layers act at full size too, or nowhere")
END
