#!/usr/bin/env bash
# ground: entropy coding
# guess: 8
# expects: np.exp is the same bits with AVX2 and AVX-512 switched off (NPY_DISABLE_CPU_FEATURES)
# happens: float64 differs between AVX-512 and narrower, float32 between AVX2 and narrower
# packages: numpy==2.4.6
# seen: without AVX-512 4.7 % of float64 differ; without AVX2 too 39.9 % of float32
# matters: Gaussian tables made by numpy on the decoder's side depend on its processor, in float64 as well
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import os
import subprocess
import sys

import numpy as np
from numpy._core._multiarray_umath import __cpu_features__ as features

if not features.get("AVX2"):
    print("no AVX2 here: nothing to switch off")
    sys.exit(77)
PROGRAMME = """
import sys
import numpy as np
x = np.random.default_rng(0).normal(size=100_000) * 3
for kind in (np.float32, np.float64):
    sys.stdout.buffer.write(np.exp(x.astype(kind)).tobytes())
"""
AVX512 = ("X86_V4", "AVX512_ICL", "AVX512_SPR")
SETS = {"AVX-512": AVX512, "AVX2 and AVX-512": ("X86_V3", *AVX512)}


def exponentials(off):
    disabled = " ".join(name for name in off if features.get(name))
    settings = os.environ | {"NPY_DISABLE_CPU_FEATURES": disabled}
    raw = subprocess.run([sys.executable, "-c", PROGRAMME], env=settings, stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw[:400_000], np.float32), np.frombuffer(raw[400_000:], np.float64)


print(f"numpy {np.__version__}: share of exp() that changes")
single, double = exponentials(())
for name, off in SETS.items():
    narrow, wide = exponentials(off)
    shares = (narrow != single).mean(), (wide != double).mean()
    print(f"without {name}: float32 {shares[0]:.1%}, float64 {shares[1]:.1%}")
sys.exit(None if shares[0] > 0.01 else "changed: exp() is the same at every vector width")
END
