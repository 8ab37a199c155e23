#!/usr/bin/env bash
# ground: still pictures
# guess: none
# expects: jpegli's quality runs over libjpeg's range: 1 is the smallest file that JPEG has, and 100 nearly lossless
# happens: at 1 the file is more than twice as long as libjpeg-turbo's at 1, and some 3 dB better; at 100 it is
#   10 dB worse than libjpeg-turbo's of full chroma, for pyjpegli halves chroma at every quality and cannot be told
# packages: pyjpegli==0.3.2 pillow==13.0.0 numpy==2.4.6
# seen: quality 1: 2982 bytes and 24.7 dB, libjpeg-turbo 1085 and 21.4; 100: 39.7 dB, libjpeg-turbo 39.8 and, of full
#   chroma, 50.3
# matters: a curve of jpegli has no rates as low as JPEG's, and its top is that of halved chroma: BD-rate between the
#   two is of a middle part
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import io
import sys
from importlib.metadata import version

import numpy as np
import pyjpegli
from PIL import Image, features

random = np.random.default_rng(0)
side = 256


def channel():
    """Noise of the spectrum of photographs, of deviation 1."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    frequency[0, 0] = 1
    values = np.fft.ifft2(np.fft.fft2(random.normal(size=(side, side))) / frequency**1.2).real
    return values / values.std()


grey = channel()
pixels = np.stack([128 + 40 * grey + 10 * channel() for _ in range(3)], axis=2).clip(0, 255).astype(np.uint8)


def turbo(quality, chroma):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, optimize=True, progressive=True, subsampling=chroma)
    return stream.getvalue()


def psnr(data):
    error = np.mean((np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), float) - pixels) ** 2)
    return 10 * np.log10(255**2 / error)


print(f"pyjpegli {version('pyjpegli')}, libjpeg-turbo {features.version('libjpeg_turbo')}")
halved = set()
for quality in (1, 100):
    files = {"jpegli": pyjpegli.encode(pixels.tobytes(), side, side, quality)}
    files |= {f"libjpeg-turbo {chroma}": turbo(quality, chroma) for chroma in ("4:2:0", "4:4:4")}
    for name, data in files.items():
        print(f"quality {quality}, {name}: {len(data)} bytes, {psnr(data):.1f} dB")
    halved.add(Image.open(io.BytesIO(files["jpegli"])).layer[0][1:3])
    if quality == 1:
        low = len(files["jpegli"]) > 2 * len(files["libjpeg-turbo 4:2:0"])
    else:
        high = psnr(files["jpegli"]) < psnr(files["libjpeg-turbo 4:4:4"]) - 6
print(f"luma's samples to one of chroma, at either end: {halved}")
sys.exit(None if low and high and halved == {(2, 2)} else "changed: its range is libjpeg's, or its chroma whole")
END
