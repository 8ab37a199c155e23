#!/usr/bin/env bash
# ground: rate distortion
# guess: 6
# expects: `-crf 0` is the best picture of libsvtav1 in ffmpeg, whose help gives the range 0 … 63, and larger than at 1
# happens: 0 is taken for "not set", and SVT-AV1's own 35 is used, to the byte; `-svtav1-params crf=0` is the
#   best, no smaller than `-crf 1`
# packages: imageio-ffmpeg==0.8.1 numpy==2.4.6
# seen: 19730 bytes and 33.6 dB at 0, at 35 and without `-crf`; 81360 bytes and lossless at 1
# matters: the first point of a sweep that begins at 0 lies at a quarter of the bytes and at 33.6 dB, amid
#   the others: the curve turns back, and BD-rate with it; smicnb says 0 by `-svtav1-params`
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import subprocess
import sys

import imageio_ffmpeg
import numpy as np

ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
random = np.random.default_rng(0)
side = 256


def plane(size):
    """Noise of the spectrum of photographs, as 8 bits."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None])
    frequency[0, 0] = 1
    values = np.fft.ifft2(np.fft.fft2(random.normal(size=(size, size))) / frequency**1.2).real
    return (128 + 40 * values / values.std()).clip(16, 235).astype(np.uint8)


def run(arguments, data):
    command = [ffmpeg, "-hide_banner", "-loglevel", "error", *arguments, "-"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


picture = b"".join(plane(size).tobytes() for size in (side, side // 2, side // 2))
raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p"]


def coded(*arguments, others="lp=1"):
    options = ["-c:v", "libsvtav1", "-preset", "8", *arguments, "-svtav1-params", others]
    return run([*raw, "-s", f"{side}x{side}", "-i", "-", "-frames:v", "1", *options, "-f", "obu"], picture)


def psnr(stream):
    decoded = run(["-f", "obu", "-i", "-", "-frames:v", "1", *raw], stream)
    error = np.mean((np.frombuffer(decoded, np.uint8).astype(float) - np.frombuffer(picture, np.uint8)) ** 2)
    return f"{10 * np.log10(255**2 / error):.2f} dB" if error else "lossless"


streams = {f"-crf {crf}": coded("-crf", str(crf)) for crf in (0, 1, 2, 35)}
streams["no -crf"] = coded()
streams["-svtav1-params crf=0"] = coded(others="lp=1:crf=0")
print(f"imageio-ffmpeg {imageio_ffmpeg.__version__}, ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}")
for name, stream in streams.items():
    print(f"{name}: {len(stream)} bytes, {psnr(stream)}")
unset = streams["-crf 0"] == streams["-crf 35"] == streams["no -crf"]
best = min(len(streams["-crf 1"]), len(streams["-svtav1-params crf=0"]))
held = unset and len(streams["-crf 0"]) < best / 2
sys.exit(None if held else "changed: -crf 0 is an operating point of its own")
END
