#!/usr/bin/env bash
# ground: rate distortion
# guess: none
# expects: `-still-picture 1` of libaom-av1 in ffmpeg, "single frame mode (typically used for still AVIF images)",
#   codes a picture in the mode that libaom has for stills
# happens: it shortens the headers by a few bytes, and every pixel is what it was; the mode for stills is
#   `-usage allintra`, whose pixels are others
# packages: imageio-ffmpeg==0.8.1 numpy==2.4.6
# seen: 12911 bytes and 12905, 31.16 dB both, the same pixels; with -usage allintra 13161 bytes, 31.24 dB
# matters: a curve of AV1 that is said to be of stills is that of a film's first frame, and another one than AVIF's,
#   whose writer sets the mode
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


def coded(*arguments):
    options = ["-c:v", "libaom-av1", "-cpu-used", "4", "-crf", "35", "-b:v", "0", "-threads", "1", *arguments]
    return run([*raw, "-s", f"{side}x{side}", "-i", "-", "-frames:v", "1", *options, "-f", "obu"], picture)


def decoded(stream):
    return run(["-f", "obu", "-i", "-", "-frames:v", "1", *raw], stream)


def psnr(pixels):
    error = np.mean((np.frombuffer(pixels, np.uint8).astype(float) - np.frombuffer(picture, np.uint8)) ** 2)
    return 10 * np.log10(255**2 / error)


print(f"imageio-ffmpeg {imageio_ffmpeg.__version__}, ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}")
told = {"nothing": [], "-still-picture 1": ["-still-picture", "1"], "-usage allintra": ["-usage", "allintra"]}
streams = {name: coded(*arguments) for name, arguments in told.items()}
pixels = {name: decoded(stream) for name, stream in streams.items()}
for name, stream in streams.items():
    print(f"{name}: {len(stream)} bytes, {psnr(pixels[name]):.2f} dB")
same = pixels["nothing"] == pixels["-still-picture 1"] != pixels["-usage allintra"]
less = len(streams["nothing"]) - len(streams["-still-picture 1"])
print(f"-still-picture 1 saves {less} bytes; its pixels are those of nothing told: {same}")
sys.exit(None if same and 0 < less < 32 else "changed: -still-picture 1 codes other pixels")
END
