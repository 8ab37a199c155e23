#!/usr/bin/env bash
# ground: rate distortion
# guess: 7
# expects: ffmpeg interpolates the chroma of a yuv420p picture that it turns into rgb24, as bicubic is its scaler's
#   default and as JPEG, WebP and AVIF are read
# happens: every chroma value stands for 2×2 pixels, and `-sws_flags bicubic` changes nothing; it is interpolated with
#   `accurate_rnd+full_chroma_int`; with an odd number of rows it is a third conversion
# packages: imageio-ffmpeg==0.8.1 scikit-image==0.26.0 numpy==2.4.6
# seen: PSNR of astronaut 38.6 dB by default and 41.4 dB with the flags without any codec, 36.1 and 37.3 dB as AV1
# matters: RGB PSNR of a codec that ffmpeg decodes is 1.2 dB too low at 1.15 bits per pixel, 2.8 dB at the ceiling,
#   beside JPEG, WebP or AVIF that Pillow decodes; smicnb names the flags
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import subprocess
import sys

import imageio_ffmpeg
import numpy as np
from skimage import data

ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
GOOD = ["-sws_flags", "bicubic+accurate_rnd+full_chroma_int"]


def run(arguments, given):
    command = [ffmpeg, "-hide_banner", "-loglevel", "error", *arguments, "-"]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def raw(pixels, height, width):
    return ["-f", "rawvideo", "-pix_fmt", pixels, "-s", f"{width}x{height}", "-i", "-"]


def read(planes, flags=()):
    height, width = planes[0].shape
    given = b"".join(each.tobytes() for each in planes)
    pixels = run([*raw("yuv420p", height, width), *flags, "-pix_fmt", "rgb24", "-f", "rawvideo"], given)
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def psnr(picture, other):
    return 10 * np.log10(255**2 / np.mean((picture.astype(float) - other) ** 2))


random = np.random.default_rng(0)
chroma = [random.integers(64, 192, (32, 32), dtype=np.uint8) for _ in range(2)]
grey = [np.full((64, 64), 128, np.uint8), *chroma]
plain, named, good = (read(grey, flags) for flags in ([], ["-sws_flags", "bicubic"], GOOD))
replicated = [bool((each == each[::2, ::2].repeat(2, 0).repeat(2, 1)).all()) for each in (plain, named, good)]
print(f"imageio-ffmpeg {imageio_ffmpeg.__version__}, ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}")
print("one colour for 2×2 pixels: by default {}, with bicubic named {}, with the flags {}".format(*replicated))

photograph = data.astronaut()
height, width = photograph.shape[:2]
encode = [*raw("rgb24", height, width), "-pix_fmt", "yuv420p"]
decode = ["-pix_fmt", "rgb24", "-f", "rawvideo"]
planes = np.frombuffer(run([*encode, "-f", "rawvideo"], photograph.tobytes()), np.uint8)
luma, *chroma = np.split(planes, [height * width, height * width * 5 // 4])
planes = [luma.reshape(height, width), *(each.reshape(height // 2, width // 2) for each in chroma)]
odd = [planes[0][:-1], *planes[1:]]
print("PSNR of a photograph, by default and with the flags")
for name, given in (("as yuv420p and back", planes), ("the same without its last row", odd)):
    apart = [psnr(photograph[: len(given[0])], read(given, flags)) for flags in ([], GOOD)]
    print("{}: {:.2f} and {:.2f} dB".format(name, *apart))
settings = ["-c:v", "libsvtav1", "-preset", "8", "-crf", "20", "-svtav1-params", "lp=1", "-f", "obu"]
stream = run([*encode, *settings], photograph.tobytes())
pictures = [run(["-f", "obu", "-i", "-", *flags, *decode], stream) for flags in ([], GOOD)]
coded = [psnr(photograph, np.frombuffer(each, np.uint8).reshape(photograph.shape)) for each in pictures]
print("as AV1 of {:.2f} bits per pixel: {:.2f} and {:.2f} dB".format(8 * len(stream) / height / width, *coded))
held = replicated == [True, True, False] and coded[1] - coded[0] > 0.5
sys.exit(None if held else "changed: chroma is interpolated by default")
END
