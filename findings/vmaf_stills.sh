#!/usr/bin/env bash
# ground: rate distortion
# guess: 15
# expects: VMAF, by ffmpeg's libvmaf filter, is 100 for a still beside itself, and tells of a coded still what it tells
#   of the same frame in a clip
# happens: motion is one of its features, and a still has none: beside itself it gets 97.43 (VMAF's authors warn of
#   that), and a coded frame far less alone, or in a clip at rest, than within a pan
# packages: imageio-ffmpeg==0.8.1 pillow==13.0.0 numpy==2.4.6
# seen: 97.43 beside itself; JPEG at 50 gets 87.3 alone and at rest, 100.0 in a pan; JPEG at 10 gets 56.4 and 72.3
# matters: a still's score is up to 17 points below the same pixels' in a clip: thresholds known from video (93, 95)
#   mean far more bits for stills, and curves of VMAF over rate of the two are not to be set side by side
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import io
import json
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image

side, frames = 256, 4
random = np.random.default_rng(0)
shape = (side, side + 4 * frames)
frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None])
frequency[0, 0] = 1
values = np.fft.ifft2(np.fft.fft2(random.normal(size=shape)) / frequency**1.2).real  # photographs' spectrum
wide = (128 + 40 * values / values.std()).clip(16, 235).astype(np.uint8)
pan = [wide[:, 4 * number : 4 * number + side] for number in range(frames)]


def jpeg(frame, quality):
    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def vmaf(clip, reference):
    """VMAF of each frame; chroma is grey."""
    inputs = []
    for name, pictures in (("clip", clip), ("reference", reference)):
        grey = bytes([128]) * (side * side // 2)
        Path(name).write_bytes(b"".join(each.tobytes() + grey for each in pictures))
        inputs += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{side}x{side}", "-i", name]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", *inputs, "-lavfi"]
    subprocess.run([*command, "libvmaf=log_fmt=json:log_path=log", "-f", "null", "-"], check=True)
    return [frame["metrics"]["vmaf"] for frame in json.loads(Path("log").read_text())["frames"]]


print(f"imageio-ffmpeg {imageio_ffmpeg.__version__}, ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}: VMAF")
itself = vmaf(pan[1:2], pan[1:2])[0]
print(f"a still beside itself {itself:.2f}")
scores = {}
for quality in (10, 20, 50, 90):
    coded = [jpeg(frame, quality) for frame in pan]
    alone, rest = vmaf(coded[1:2], pan[1:2])[0], vmaf(coded[1:2] * frames, pan[1:2] * frames)[1]
    scores[quality] = alone, rest, vmaf(coded, pan)[1]
    print(f"JPEG at {quality}: alone {alone:.2f}, in a clip at rest {rest:.2f}, in a pan {scores[quality][2]:.2f}")
held = itself < 98 and all(abs(alone - rest) < 0.01 and pan > alone + 3 for alone, rest, pan in scores.values())
sys.exit(None if held else "changed: a still is not marked down for having no motion")
END
