#!/usr/bin/env bash
# ground: numbers
# guess: none
# expects: zfpy is an option of numcodecs: with it one codec more is there, and nothing else changes
# happens: numcodecs reads zfpy's version as whole numbers between dots; that of the newest zfpy ends with "post0",
#   and from then on `import numcodecs` fails, and with it `import zarr`, whoever of the environment asked for zfpy
# packages: numcodecs==0.16.6 zarr==3.1.6 zfpy==1.0.1.post0 numpy==2.4.6
# seen: without zfpy both are imported; beside zfpy 1.0.1.post0 both end with "ValueError: invalid literal for int()
#   with base 10: 'post0'"
# matters: a latent store in zarr cannot be opened any more once zfpy is installed for another comparison
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import subprocess
import sys
from importlib.metadata import version

MODULES = ("numcodecs", "zarr")


def try_imports():
    ends = {}
    for module in MODULES:
        done = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, text=True)
        ends[module] = done.stderr.strip().splitlines()[-1] if done.returncode else "imported"
    return ends


beside = version("zfpy")
with_it = try_imports()
subprocess.run([sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", "zfpy"], check=True)
without_it = try_imports()
for module in MODULES:
    print(f"{module} {version(module)}: without zfpy {without_it[module]}; beside zfpy {beside}: {with_it[module]}")
as_seen = set(without_it.values()) == {"imported"} and all("ValueError" in end for end in with_it.values())
sys.exit(None if as_seen else "changed: numcodecs is imported beside zfpy")
END
