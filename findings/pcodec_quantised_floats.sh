#!/usr/bin/env bash
# ground: numbers
# guess: 6
# expects: pcodec, which looks for a step that all floats are multiples of, takes of quantised latents the bits of
#   their integers, within a few per cent
# happens: of float32 on a grid of 1/64 it takes 7 % more than the entropy of the integers where all have one spread,
#   and 12 % where spreads differ along the latent; of the integers themselves 0.5 % more. The step named in so many
#   words (`ModeSpec.try_float_mult`) mends a part
# packages: pcodec==1.1.0 numpy==2.4.6
# seen: bits a value, of white and of falling latents: entropy 3.733 and 4.672, integers 3.749 and 4.698, floats 4.010
#   and 5.211, floats with the step named 3.875 and 4.831
# matters: coefficients that are kept as the floats which a decoder multiplies cost up to an eighth more than their
#   indices
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys
from importlib.metadata import version

import numpy as np
from pcodec import ChunkConfig, ModeSpec, standalone

STEP = 1 / 64  # a power of two, so that every multiple is a float32
white = np.random.default_rng(0).standard_normal(384_000)
kinds = {
    "white": white * 0.05,
    "falling": (white.reshape(1000, 384) * np.geomspace(0.3, 0.015, 384)).ravel(),
}


def entropy(numbers):
    shares = np.unique(numbers, return_counts=True)[1] / numbers.size
    return -(shares * np.log2(shares)).sum()


def bits(numbers, **chosen):
    data = standalone.simple_compress(numbers, ChunkConfig(**chosen))
    np.testing.assert_array_equal(standalone.simple_decompress(data), numbers)
    return 8 * len(data) / numbers.size


print(f"pcodec {version('pcodec')}, bits a value:")
more = {}
for name, latents in kinds.items():
    indices = np.round(latents / STEP)
    floats = (indices * STEP).astype("f4")
    bound, whole, plain = entropy(indices), bits(indices.astype("i2")), bits(floats)
    named = bits(floats, mode_spec=ModeSpec.try_float_mult(STEP))
    print(f"  {name}: entropy {bound:.3f}, integers {whole:.3f}, floats {plain:.3f}, with the step named {named:.3f}")
    more[name] = [taken / bound - 1 for taken in (whole, plain, named)]
as_seen = all(whole < 0.01 and plain > 0.05 and whole < named < plain for whole, plain, named in more.values())
sys.exit(None if as_seen else "changed: floats on a grid cost pcodec what their integers do")
END
