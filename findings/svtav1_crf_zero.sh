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
PYTHONPATH=$shared "$work/venv/bin/python" - <<'END'
import sys

from still_video import decode, encode, tell_psnr


def coded(*arguments, others="lp=1"):
    return encode("-c:v", "libsvtav1", "-preset", "8", *arguments, "-svtav1-params", others)


streams = {f"-crf {crf}": coded("-crf", str(crf)) for crf in (0, 1, 2, 35)}
streams["no -crf"] = coded()
streams["-svtav1-params crf=0"] = coded(others="lp=1:crf=0")
for name, stream in streams.items():
    print(f"{name}: {len(stream)} bytes, {tell_psnr(decode(stream))}")
unset = streams["-crf 0"] == streams["-crf 35"] == streams["no -crf"]
best = min(len(streams["-crf 1"]), len(streams["-svtav1-params crf=0"]))
held = unset and len(streams["-crf 0"]) < best / 2
sys.exit(None if held else "changed: -crf 0 is an operating point of its own")
END
