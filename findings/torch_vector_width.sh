#!/usr/bin/env bash
# ground: entropy coding
# guess: 1
# expects: erfc and softmax of float32 are the same bits under ATEN_CPU_CAPABILITY=default, avx2 and avx512
# happens: erfc is one at both vector widths and another without; softmax is another at each
# packages: torch==2.13.0 numpy==2.4.6
# seen: erfc differs in 22.8 % and 0.0 % of results, softmax in 70.2 % and 32.4 %
# matters: probabilities computed on both sides part encoder and decoder where processors differ; store tables, as
#   smicnb does
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import torch

PROGRAMME = """
import sys
import torch
torch.set_num_threads(1)
x = torch.randn(100_000, generator=torch.Generator().manual_seed(0)) * 3
for result in (torch.erfc(x), torch.softmax(x.view(1000, 100), 1)):
    sys.stdout.buffer.write(result.numpy().tobytes())
"""


def results(capability):
    settings = os.environ | {"ATEN_CPU_CAPABILITY": capability}
    raw = subprocess.run([sys.executable, "-c", PROGRAMME], env=settings, stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, np.float32).reshape(2, -1)


here = torch.backends.cpu.get_cpu_capability()
if here not in ("AVX2", "AVX512"):
    print(f"torch says {here}: one vector width only")
    sys.exit(77)
widths = ["default", "avx2", "avx512"][: 2 + (here == "AVX512")]
found = {width: results(width) for width in widths}
print(f"torch {torch.__version__}, float32, one thread: share of results that differ")
shares = {}
for one, other in pairwise(widths):
    shares[other] = (found[one] != found[other]).mean(axis=1)
    print(f"{one} and {other}: erfc {shares[other][0]:.1%}, softmax {shares[other][1]:.1%}")
sys.exit(None if shares["avx2"].min() > 0.05 else "changed: results are the same at every vector width")
END
