#!/usr/bin/env bash
# ground: entropy coding
# guess: 2
# expects: sigmoid and softplus of float32 give a number the same result in a contiguous tensor and in a strided view
# happens: they do not, in one process and on one thread; exp, erfc and tanh do
# packages: torch==2.13.0 numpy==2.4.6
# seen: sigmoid differs in 3.92 % of results, softplus in 11.09 %, exp, erfc and tanh in none
# matters: a decoder that walks over channels and an encoder that takes them at once part ways, though both call one
#   function on equal numbers
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import torch
from torch.nn.functional import softplus

if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
    print("no AVX2 here: nothing was seen without it")
    sys.exit(77)
torch.set_num_threads(1)
numbers = torch.randn(100_000, generator=torch.Generator().manual_seed(0)) * 3
strided = torch.stack([numbers] * 3, 1)[:, 1]  # the same numbers, as one channel of three lies in memory
print(f"torch {torch.__version__}, float32, one thread: share that differs between contiguous and strided")
shares = {}
for function in (torch.sigmoid, softplus, torch.exp, torch.erfc, torch.tanh):
    shares[function.__name__] = (function(numbers) != function(strided)).float().mean().item()
    print(f"{function.__name__}: {shares[function.__name__]:.2%}")
seen = min(shares["sigmoid"], shares["softplus"]) > 0.001 and max(shares["exp"], shares["erfc"], shares["tanh"]) == 0
sys.exit(None if seen else "changed: sigmoid and softplus are the same in both, or others are not")
END
