#!/usr/bin/env bash
# ground: numbers
# guess: 16
# expects: numcodecs' FixedScaleOffset, which keeps floats as bytes, clips what lies beyond the range of a byte, or
#   says so
# happens: it wraps round, without a word: the first value above the range comes back as one at its lower end
# packages: numcodecs==0.16.6 numpy==2.4.6
# seen: with 1000 levels to one from -0.1 on, 0.155 comes back as 0.155, 0.156 as -0.1 and 0.3 as 0.044
# matters: a latent whose largest coordinate was not in the sample that scale and offset were chosen on is kept with
#   its largest coordinate turned round
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys
import warnings
from importlib.metadata import version

import numcodecs
import numpy as np

warnings.simplefilter("error")
codec = numcodecs.FixedScaleOffset(offset=-0.1, scale=1000, dtype="f4", astype="u1")
values = np.array([-0.1, 0, 0.1, 0.155, 0.156, 0.3], "f4")
back = codec.decode(codec.encode(values))
print(f"numcodecs {version('numcodecs')}, bytes of 0.001 from -0.1 on:")
for value, found in zip(values, back, strict=True):
    print(f"  {value:g} comes back as {found:g}")
inside, beyond = values <= 0.155, values > 0.155
as_seen = np.abs(back - values)[inside].max() < 0.001 and (back[beyond] < values[beyond] - 0.2).all()
sys.exit(None if as_seen else "changed: values beyond the range no longer wrap round")
END
