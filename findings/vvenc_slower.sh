#!/usr/bin/env bash
# ground: rate distortion
# guess: none
# expects: VVenC's preset `slower`, which takes several times the time of `medium`, codes a still in fewer bits, or
#   better, at every quantiser
# happens: at a coarse quantiser the picture of `slower` takes a fifth to two fifths more bytes than that of `medium`
#   and is no better, at a fine one it is a little better for a little more; `slow` stays within 2 % of `medium`
# packages: imageio-ffmpeg==0.8.1 numpy==2.4.6
# seen: QP 63: medium 160 bytes and 20.04 dB, slow 157 and 20.00, slower 228 and 19.94; QP 57: 308, 307 and 374 bytes;
#   QP 39: 5027, 5039 and 5209 bytes, 27.70, 27.70 and 27.76 dB
# matters: a rival of stills at its slowest preset is a weaker one at low rates: smicnb measured on photographs, and
#   takes `slow`
. "$(dirname "$0")/environment"
PYTHONPATH=$shared "$work/venv/bin/python" - <<'END'
import sys

from still_video import decode, encode, tell_psnr

sizes = {}
for quantiser in (63, 57, 39):
    for preset in ("medium", "slow", "slower"):
        options = ["-preset", preset, "-g", "1", "-qp", str(quantiser), "-qpa", "0", "-pix_fmt", "yuv420p10le"]
        stream = encode("-c:v", "libvvenc", *options, "-threads", "1", form="vvc")
        sizes[quantiser, preset] = len(stream)
        print(f"QP {quantiser}, {preset}: {len(stream)} bytes, {tell_psnr(decode(stream, 'vvc'))}", flush=True)
dearer = all(sizes[quantiser, "slower"] > 1.15 * sizes[quantiser, "medium"] for quantiser in (63, 57))
print(f"slower takes over 15 % more bytes than medium at QP 63 and 57: {dearer}")
sys.exit(None if dearer else "changed: slower takes no more bytes at coarse quantisers")
END
