#!/usr/bin/env bash
# ground: still pictures
# guess: none
# expects: a file of jpegli's encoder is read nearest to the picture by jpegli's own decoder, which is made to be more
#   exact than libjpeg-turbo's
# happens: libjpeg-turbo's reading, as Pillow has it, is nearer at every quality that was tried, by 0.05 to
#   0.12 dB
# packages: pyjpegli==0.3.2 pillow==13.0.0 numpy==2.4.6
# seen: 26.13 dB by jpegli and 26.18 by libjpeg-turbo at quality 20, 27.54 and 27.61 at 50, 30.03 and 30.15 at 75, 34.55
#   and 34.61 at 90
# matters: with its own decoder jpegli's curve is a weaker rival than with the one that every viewer has; smicnb reads
#   it with libjpeg-turbo
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import io
import sys
from importlib.metadata import version

import numpy as np
import pyjpegli
from PIL import Image, features

random = np.random.default_rng(0)
side = 384
frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
frequency[0, 0] = 1
noise = np.stack([np.fft.ifft2(np.fft.fft2(random.normal(size=(side, side))) / frequency**1.2).real for _ in range(3)])
light, *tints = noise / noise.std(axis=(1, 2), keepdims=True)
pixels = np.stack([128 + 45 * light + 8 * tint for tint in (tints[0], tints[1], -tints[0])], axis=2)
pixels = pixels.clip(0, 255).astype(np.uint8)


def psnr(decoded):
    return 10 * np.log10(255**2 / np.mean((decoded.astype(float) - pixels) ** 2))


print(f"pyjpegli {version('pyjpegli')}, libjpeg-turbo {features.version('libjpeg_turbo')}")
ahead = []
for quality in (20, 50, 75, 90):
    data = pyjpegli.encode(pixels.tobytes(), side, side, quality)
    own = np.frombuffer(pyjpegli.decode(data)[0], np.uint8).reshape(pixels.shape)
    turbo = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    ahead.append(psnr(turbo) - psnr(own))
    print(f"quality {quality}: {len(data)} bytes, by jpegli {psnr(own):.2f} dB, by libjpeg-turbo {psnr(turbo):.2f} dB")
sys.exit(None if min(ahead) > 0 else "changed: jpegli's decoder is nearer to the picture")
END
