#!/usr/bin/env bash
# ground: rate distortion
# guess: none
# expects: torch.autocast keeps softmax, layer norm, log and sums in float32 on a processor, as its list has them on a
#   GPU, so that a rate estimated under it is sound
# happens: on a processor the list is another one: of bfloat16 all of these stay in bfloat16, whose eight bits have no
#   number between 0.996 and 1, so that latents of a probability above 0.998 take no bits at all; mse_loss and
#   cross_entropy do go to float32
# packages: torch==2.13.0 numpy==2.4.6
# seen: 100000 latents of probability 0.9985 take 216.6 bits, under autocast 0.0; softmax, layer_norm, log2, sum in
#   bfloat16, mse_loss and cross_entropy in float32
# matters: learned codecs train with mixed precision, and log2 of likelihoods is their rate; smicnb leaves it before
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import torch
from torch.nn import functional

COUNT, PROBABILITY = 100_000, 0.9985
likelihoods = torch.full((COUNT,), PROBABILITY, dtype=torch.float64)
exact = -likelihoods.log2().sum().item()
features = torch.randn(4, 8).bfloat16()  # what a linear layer or a convolution gives there
with torch.autocast("cpu", torch.bfloat16):
    under = abs(likelihoods.bfloat16().log2().sum().item())
    kinds = {
        "softmax": features.softmax(-1),
        "layer_norm": functional.layer_norm(features, (8,)),
        "log2": features.abs().log2(),
        "sum": features.sum(),
        "mse_loss": functional.mse_loss(features, 2 * features),
        "cross_entropy": functional.cross_entropy(features, torch.zeros(4, dtype=torch.long)),
    }
print(f"torch {torch.__version__}: {COUNT} latents of probability {PROBABILITY} take {exact:.1f} bits,")
print(f"  under autocast {under:.1f}")
for name, tensor in kinds.items():
    print(f"  {name}: {tensor.dtype}")
short = {name for name, tensor in kinds.items() if tensor.dtype == torch.bfloat16}
as_seen = under == 0 and short == {"softmax", "layer_norm", "log2", "sum"}
sys.exit(None if as_seen else "changed: autocast on a processor keeps other operations in float32")
END
