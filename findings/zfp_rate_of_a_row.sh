#!/usr/bin/env bash
# ground: numbers
# guess: 2
# expects: zfp in its mode of a fixed rate takes of one latent, a row of 384 numbers, the bits a value that were asked
#   for
# happens: a row is coded in blocks of four, each of which has to hold its exponent: rates of 0.5, 1 and 2 bits a
#   value all take 2.5; a matrix of latents in blocks of 16 keeps to 1 and to 2
# packages: imagecodecs==2026.3.6 numpy==2.4.6
# seen: asked for 0.5, 1, 2 and 4 bits a value: of a row 2.50, 2.50, 2.50 and 4.33 with the header, of 1000 rows 0.56,
#   1.00, 2.00 and 4.00
# matters: as a rival of codes of latents at one bit a dimension, zfp is not at that rate where latents are coded one
#   by one
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys
from importlib.metadata import version

import imagecodecs
import numpy as np

RATES = (0.5, 1, 2, 4)
latents = (0.05 * np.random.default_rng(0).standard_normal((1000, 384))).astype("f4")


def bits(numbers, rate):
    return 8 * len(imagecodecs.zfp_encode(numbers, level=rate, mode="rate")) / numbers.size


row, rows = ([bits(numbers, rate) for rate in RATES] for numbers in (latents[0].copy(), latents))
print(f"imagecodecs {version('imagecodecs')}, zfp, bits a value with the header:")
for rate, one, many in zip(RATES, row, rows, strict=True):
    print(f"  asked for {rate}: of a row {one:.2f}, of {len(latents)} rows {many:.2f}")
as_seen = row[0] == row[1] == row[2] > 2.3 and abs(rows[1] - 1) < 0.01 and abs(rows[2] - 2) < 0.01
sys.exit(None if as_seen else "changed: a row has another rate")
END
