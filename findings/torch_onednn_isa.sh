#!/usr/bin/env bash
# ground: entropy coding
# guess: none
# expects: ATEN_CPU_CAPABILITY=avx2, which torch.backends.cpu.get_cpu_capability() confirms, has torch compute with AVX2
# happens: convolutions are oneDNN's, which goes on with AVX-512 and other sums; ONEDNN_MAX_CPU_ISA=AVX2 holds it too
# packages: torch==2.13.0 numpy==2.4.6
# seen: "AVX2" by torch and AVX-512 by oneDNN; 93.8 % of a convolution's outputs are other ones than with both variables
# matters: features and decoded pixels part on two processors though both were told one instruction set, and bfloat16
#   attention fails where the two disagree about AMX; smicnb sets both
. "$(dirname "$0")/environment"
grep -q avx512f /proc/cpuinfo || { echo "this processor has nothing later than AVX2" >&2; exit 77; }
"$work/venv/bin/python" - <<'END'
import os
import subprocess
import sys

import numpy as np

CONVOLVE = """
import sys
import torch
torch.manual_seed(0)
layer, image = torch.nn.Conv2d(64, 64, 3, padding=1), torch.randn(1, 64, 96, 96)
with torch.inference_mode():
    found = layer(image)
print("capability:" + torch.backends.cpu.get_cpu_capability())
found.numpy().tofile(sys.argv[1])
"""


def convolved(name, **variables):
    others = {key: value for key, value in os.environ.items() if not key.startswith(("ATEN_", "ONEDNN_", "DNNL_"))}
    told = others | {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_VERBOSE": "1", "OMP_NUM_THREADS": "1"} | variables
    command = [sys.executable, "-c", CONVOLVE, name]
    said = subprocess.run(command, env=told, capture_output=True, text=True, check=True).stdout.splitlines()
    (isa,) = {line.rpartition("isa:")[2] for line in said if "info,cpu,isa:" in line} or {"none"}
    (capability,) = {line.partition(":")[2] for line in said if line.startswith("capability:")}
    return capability, isa, np.fromfile(name, np.float32)


alone = convolved("alone")
both = convolved("both", ONEDNN_MAX_CPU_ISA="AVX2")
share = float(np.mean(alone[2] != both[2]))
for words, (capability, isa, _) in (("ATEN_CPU_CAPABILITY=avx2", alone), ("and ONEDNN_MAX_CPU_ISA=AVX2", both)):
    print(f"{words}: torch says {capability}, oneDNN {isa}")
print(f"{share:.1%} of the outputs differ, by {np.abs(alone[2] - both[2]).max():.1e} at most")
held = alone[0] == both[0] == "AVX2" and "AVX-512" in alone[1] and "AVX-512" not in both[1] and share > 0.1
sys.exit(None if held else "changed: one variable holds both")
END
