#!/usr/bin/env bash
# ground: collections
# guess: none
# expects: torch keeps what a tensor leaves free for the next one on the CPU, as it does on a GPU
# happens: a tensor of more than 32 MB goes back to the system at once and the next one is given new pages, filled
#   with zeros, for torch takes its memory from the C library and keeps none; glibc keeps it where it is told
#   (MALLOC_MMAP_MAX_=0 with a MALLOC_TRIM_THRESHOLD_)
# packages: torch==2.13.0 numpy==2.4.6
# seen: a batch of 49 MB leaves 0 MB behind; two layers 40 times over take 0.83 s and 0.59 s more of the kernel's, told
#   0.91 s and 0.00 s
# matters: where thousands of photographs are encoded, up to half of the time went into zeros; smicnb tells glibc
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import os
import platform
import subprocess
import sys

LAYERS = """
import os, resource, torch
torch.set_num_threads(1)
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
layers = torch.nn.Sequential(torch.nn.Conv2d(8, 64, 1), torch.nn.ReLU6(), torch.nn.Conv2d(64, 8, 1)).eval()
batch = torch.rand(16, 8, 112, 112)
with torch.inference_mode():
    layers(batch)
    made = layers[0](batch)
    during = resident()
    del made
    left = during - resident()
    start = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(40):
        layers(batch)
    end = resource.getrusage(resource.RUSAGE_SELF)
print(torch.__version__, left, end.ru_utime - start.ru_utime, end.ru_stime - start.ru_stime)
"""
SIZE = 16 * 64 * 112 * 112 * 4 / 2**20
if platform.libc_ver()[0] != "glibc":
    sys.exit(77)
left = {}
for told in ({}, {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**30)}):
    done = subprocess.run([sys.executable, "-c", LAYERS], env=os.environ | told, stdout=subprocess.PIPE, text=True)
    version, freed, user, kernel = done.stdout.split()
    left["told" if told else "by default"] = float(freed)
    print(f"torch {version}, glibc {'told' if told else 'by default'}: of {SIZE:.0f} MB freed {float(freed):.0f} MB")
    print(f"  went back; 40 batches took {float(user):.2f} s, and {float(kernel):.2f} s of the kernel's")
kept = left["by default"] > 0.9 * SIZE and left["told"] < 0.1 * SIZE
sys.exit(None if kept else "changed: freed memory is kept by default, or not where glibc is told")
END
