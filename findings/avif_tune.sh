#!/usr/bin/env bash
# ground: still pictures
# guess: none
# expects: AVIF by Pillow is tuned for the squared error, as libaom is by itself, so that PSNR judges it fairly
# happens: libavif tunes stills for how they look (libaom's `tune=iq`) unless told otherwise; at one quality that is
#   another rate and another PSNR than `tune=psnr`
# packages: pillow==13.0.0 numpy==2.4.6
# seen: quality 60: 12953 bytes and 31.3 dB untold and with tune=iq, 16853 and 32.9 with tune=psnr; 30 and 80 alike
# matters: a curve of AVIF in PSNR is that of an encoder that aims at something else, and at equal quality numbers
#   two versions of libavif are two operating points; smicnb records both versions and shows LPIPS beside PSNR
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import io
import sys

import numpy as np
import PIL
from PIL import AvifImagePlugin, Image, features

random = np.random.default_rng(0)


def channel(size):
    """Noise of the spectrum of photographs, as 8 bits."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None])
    frequency[0, 0] = 1
    values = np.fft.ifft2(np.fft.fft2(random.normal(size=(size, size))) / frequency**1.2).real
    return values / values.std()


grey = channel(256)
pixels = np.stack([128 + 40 * grey + 10 * channel(256) for _ in range(3)], axis=2).clip(0, 255).astype(np.uint8)


def coded(**options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "AVIF", codec="aom", speed=6, max_threads=1, **options)
    return stream.getvalue()


def psnr(data):
    error = np.mean((np.asarray(Image.open(io.BytesIO(data)), float) - pixels) ** 2)
    return 10 * np.log10(255**2 / error)


versions = f"libavif {features.version('avif')}, libaom {AvifImagePlugin.get_codec_version('aom')}"
print(f"Pillow {PIL.__version__}, {versions}")
held = True
for quality in (30, 60, 80):
    untold = coded(quality=quality)
    told = {tune: coded(quality=quality, advanced={"tune": tune}) for tune in ("iq", "psnr")}
    for name, data in {"untold": untold, **{f"tune={tune}": data for tune, data in told.items()}}.items():
        print(f"quality {quality}, {name}: {len(data)} bytes, {psnr(data):.2f} dB")
    held = held and untold == told["iq"] != told["psnr"]
sys.exit(None if held else "changed: a still is not tuned as with tune=iq unless told otherwise")
END
