#!/usr/bin/env bash
# ground: metrics
# guess: 2
# expects: torchmetrics' visual information fidelity is the same for pictures in 0 … 1 and in 0 … 255
# happens: its noise variance of 2 is in units of 0 … 255, and it neither asks for the range nor scales: in 0 … 1
#   everything is nearly perfect
# packages: torch==2.13.0 torchmetrics==1.9.0 numpy==2.4.6
# seen: 0.9490 in 0 … 1, 0.3176 in 0 … 255
# matters: VIF of float pictures, the usual ones, hardly sees any error; scale them to 0 … 255, as piq does inside
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import torch
import torchmetrics
from torch.nn.functional import interpolate
from torchmetrics.functional.image import visual_information_fidelity as vif

torch.manual_seed(0)
picture = interpolate(torch.rand(1, 1, 16, 16), size=(127, 93), mode="bicubic").clamp(0, 1)
noisy = (picture + 0.1 * torch.randn_like(picture)).clamp(0, 1)
small, large = float(vif(noisy, picture)), float(vif(noisy * 255, picture * 255))
print(f"torchmetrics {torchmetrics.__version__}: a picture with noise of a tenth of its range")
print(f"VIF of values in 0 … 1: {small:.4f}, of the same in 0 … 255: {large:.4f}")
sys.exit(None if small > 0.9 and large < 0.5 else "changed: VIF knows the range, or asks for it")
END
