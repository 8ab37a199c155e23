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
PYTHONPATH=$shared "$work/venv/bin/python" - <<'END'
import sys

from still_video import decode, encode, tell_psnr

told = {"nothing": [], "-still-picture 1": ["-still-picture", "1"], "-usage allintra": ["-usage", "allintra"]}
always = ["-c:v", "libaom-av1", "-cpu-used", "4", "-crf", "35", "-b:v", "0", "-threads", "1"]
streams = {name: encode(*always, *arguments) for name, arguments in told.items()}
pixels = {name: decode(stream) for name, stream in streams.items()}
for name, stream in streams.items():
    print(f"{name}: {len(stream)} bytes, {tell_psnr(pixels[name])}")
same = pixels["nothing"] == pixels["-still-picture 1"] != pixels["-usage allintra"]
less = len(streams["nothing"]) - len(streams["-still-picture 1"])
print(f"-still-picture 1 saves {less} bytes; its pixels are those of nothing told: {same}")
sys.exit(None if same and 0 < less < 32 else "changed: -still-picture 1 codes other pixels")
END
