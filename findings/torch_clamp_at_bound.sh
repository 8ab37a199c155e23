#!/usr/bin/env bash
# ground: rate distortion
# guess: none
# expects: clamp passes the gradient where min ≤ x ≤ max, the ends included, whether a bound is a number or a tensor, so
#   that a weight which is put back onto its bound after each step can leave it again
# happens: at the bound itself the gradient is 0 where the bound is a number and 1/2 where it is a tensor (as that of
#   torch.maximum), 1 nowhere: a weight that was put back onto its bound stays there for ever
# packages: torch==2.15.0 numpy==2.4.6
# seen: at 0.25 the gradient of clamp is 0 by a number and 0.5 by a tensor, of maximum 0.5, of hardtanh 0; a weight at
#   its bound of 0.25, drawn towards 1 for 50 steps, stays at 0.25 by a number and comes to 0.996 by a tensor
# matters: scales and GDN's weights of learned codecs are bounded below and put back after a step; the bound of smicnb's
#   entropy models lets pass a gradient that points inwards
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import torch
from torch.nn import functional

BOUND, STEPS = 0.25, 50  # a number of float32, so that no rounding decides
WAYS = {
    "clamp, a number": lambda x: x.clamp(min=BOUND),
    "clamp, a tensor": lambda x: x.clamp(min=torch.tensor(BOUND)),
    "maximum": lambda x: torch.maximum(x, torch.tensor(BOUND)),
    "hardtanh": lambda x: functional.hardtanh(x, BOUND, 9.0),
}


def gradient(bounded):
    x = torch.tensor(BOUND, requires_grad=True)
    bounded(x).backward()
    return x.grad.item()


def train(bounded):
    weight = torch.tensor(BOUND, requires_grad=True)
    optimiser = torch.optim.SGD([weight], lr=0.05)
    for _ in range(STEPS):
        optimiser.zero_grad()
        (bounded(weight) - 1).square().backward()
        optimiser.step()
        with torch.no_grad():
            weight.clamp_(min=BOUND)
    return weight.item()


found = {name: (gradient(way), train(way)) for name, way in WAYS.items()}
print(f"torch {torch.__version__}, at a bound of {BOUND}:")
for name, (slope, end) in found.items():
    print(f"  {name}: gradient {slope:g}, and after {STEPS} steps towards 1 a weight at {end:.3f}")
by_number, by_tensor = found["clamp, a number"], found["clamp, a tensor"]
as_seen = by_number == (0, BOUND) and by_tensor[0] == 0.5 and by_tensor[1] > 0.9
sys.exit(None if as_seen else "changed: clamp has another gradient at its bound")
END
