#!/usr/bin/env bash
# ground: numbers
# guess: none
# expects: imagecodecs' quantize_encode by BitGroom keeps float32 the better the more significant digits are asked
#   for, up to seven, which is what a float32 has and what netCDF takes
# happens: up to six digits it does; at seven, numbers come back as others of any size, as 0 or as NaN, without a
#   word; granular BitRound keeps seven
# packages: imagecodecs==2026.3.6 numpy==2.4.6
# seen: the largest relative error of four values falls from 1e-02 at one digit to 1e-07 at six; at seven 0.123 comes
#   back as 0, 3.33 as 2 and 9.88 as NaN; by granular BitRound it is 2e-07 at seven
# matters: latents that are groomed before compression so as to lose nothing that counts lose all of it at the finest
#   setting
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys
from importlib.metadata import version

import imagecodecs
import numpy as np

DIGITS = range(1, 8)
values = np.array([0.123456789, 1.23456789, 3.3333333, 9.87654], "f4")


def groom(mode, digits):
    return imagecodecs.quantize_encode(values, mode=mode, nsd=digits)


def worst(found):
    return float(np.max(np.abs(found / values - 1)))


print(f"imagecodecs {version('imagecodecs')}, largest relative error by significant digits:")
errors = {mode: [worst(groom(mode, digits)) for digits in DIGITS] for mode in ("bitgroom", "granularbr")}
for mode, found in errors.items():
    print(f"  {mode}: {', '.join(f'{error:.0e}' for error in found)}")
print(f"  {values} at seven digits by bitgroom: {groom('bitgroom', 7)}")
*coarser, finest = errors["bitgroom"]
as_seen = coarser == sorted(coarser, reverse=True) and not finest < 0.5 and errors["granularbr"][-1] < 1e-6
sys.exit(None if as_seen else "changed: seven digits are kept")
END
