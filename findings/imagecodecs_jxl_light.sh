#!/usr/bin/env bash
# ground: libraries
# guess: 5
# expects: imagecodecs codes a picture as JPEG XL at one distance alike whether it comes as bytes, as the same values
#   in 16 bits or as floats in 0 … 1: bytes and PSNR within a few per cent
# happens: only bytes are taken for sRGB; 16 bits and floats are coded, and marked in the file, as linear light, and
#   there is no argument to say otherwise: what is dark gets more than twice the bytes, what is bright less than half
# packages: imagecodecs==2026.3.6 pillow==13.0.0 pillow-jxl-plugin==1.3.8 numpy==2.4.6
# seen: at a distance of 1 dark noise takes 2027 bytes as bytes and 4746 as 16 bits or floats, bright noise 2851 and
#   1363; the profile is sRGB of bytes, RGB_D65_SRG_Rel_Lin of the two others
# matters: curves of pictures of 8 bits and of more, at equal distances, are of two encoders with another idea of what
#   the eye sees, and a viewer that heeds the profile shows the second much too light
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import io
import sys
from importlib.metadata import version

import imagecodecs
import numpy as np
import pillow_jxl  # noqa: F401, for Pillow to read JPEG XL
from PIL import Image, ImageCms

noise = np.random.default_rng(0).normal(0, 8, (128, 128, 3))
ramp = np.linspace(0, 255, 128)[None, :, None]
pictures = {
    name: np.clip(level + noise, 0, 255).round().astype("u1")
    for name, level in (("dark", 30), ("bright", 220), ("a ramp", ramp))
}
forms = {"bytes": (np.uint8, 1), "16 bits": (np.uint16, 257), "floats": (np.float32, 1 / 255)}
profiles, sizes = {}, {}
print(f"imagecodecs {version('imagecodecs')}, JPEG XL at a distance of 1, of noise that is")
for name, picture in pictures.items():
    for form, (kind, factor) in forms.items():
        coded = imagecodecs.jpegxl_encode((picture * kind(factor)).astype(kind), distance=1)
        error = imagecodecs.jpegxl_decode(coded) / factor - picture
        sizes[name, form] = len(coded)
        profile = Image.open(io.BytesIO(coded)).info["icc_profile"]
        profiles[form] = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip()
        psnr = 20 * np.log10(255) - 10 * np.log10((error**2).mean())
        print(f"  {name}, as {form}: {len(coded)} bytes, {psnr:.2f} dB")
print("profiles in the files:", profiles)
dark, bright = (sizes[name, "16 bits"] / sizes[name, "bytes"] for name in ("dark", "bright"))
linear = "sRGB" in profiles["bytes"] and all(profiles[form].endswith("Lin") for form in ("16 bits", "floats"))
sys.exit(None if linear and dark > 1.5 and bright < 0.8 else "changed: 16 bits are not taken for linear light")
END
