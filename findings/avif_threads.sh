#!/usr/bin/env bash
# ground: still pictures
# guess: 13
# expects: Pillow writes the same AVIF bytes whatever `max_threads` is
# happens: one thread and two or more write other bytes and other pixels; by default Pillow takes as many threads as
#   it may use cores
# packages: pillow==13.0.0 numpy==2.4.6
# seen: 21694 bytes with 1 thread, 21683 with 2 and with 4; pixels up to 36 of 255 apart
# matters: a measured AVIF rate, a hash or a golden file holds for machines of one core, or for all others; smicnb
#   sets one thread
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import io
import sys

import numpy as np
import PIL
from PIL import Image, features

noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
picture = Image.fromarray(noise).resize((512, 512), Image.Resampling.BICUBIC)


def avif(threads):
    stream = io.BytesIO()
    picture.save(stream, "AVIF", quality=50, max_threads=threads)
    return stream.getvalue()


files = {threads: avif(threads) for threads in (1, 2, 4)}
decoded = {threads: np.asarray(Image.open(io.BytesIO(data)), int) for threads, data in files.items()}
apart = abs(decoded[1] - decoded[2]).max()
print(f"Pillow {PIL.__version__}, libavif {features.version_module('avif')}")
print("bytes with 1, 2 and 4 threads:", *(len(data) for data in files.values()))
print(f"1 and 2 threads: other bytes {files[1] != files[2]}, pixels up to {apart} of 255 apart")
print(f"2 and 4 threads: other bytes {files[2] != files[4]}")
held = avif(1) == files[1] != files[2] and apart > 0
sys.exit(None if held else "changed: the number of threads no longer decides the bytes")
END
