#!/usr/bin/env bash
# ground: quantisers
# guess: none
# expects: FAISS_OPT_LEVEL=avx2, which the source tree's loader reads, has faiss compute with AVX2 on a later processor
# happens: the wheel holds one library that chooses as it runs: FAISS_OPT_LEVEL changes nothing, FAISS_SIMD_LEVEL does
# packages: faiss-cpu==1.15.1 numpy==2.4.6
# seen: with FAISS_OPT_LEVEL=avx2 the level stays AVX512_SPR; with FAISS_SIMD_LEVEL=AVX2 it is AVX2, with NONE NONE
# matters: quantisers trained on two processors differ though both were told one instruction set; smicnb sets the other
. "$(dirname "$0")/environment"
grep -q avx512f /proc/cpuinfo || { echo "this processor has nothing later than AVX2" >&2; exit 77; }
"$work/venv/bin/python" - <<'END'
import os
import subprocess
import sys

import faiss

ASK = "import faiss; print(faiss.SIMDConfig.get_level_name())"


def level(**variables):
    others = {name: value for name, value in os.environ.items() if not name.startswith("FAISS_")}
    command = [sys.executable, "-c", ASK]
    return subprocess.run(command, env=others | variables, capture_output=True, text=True, check=True).stdout.strip()


own = level()
found = {}
for name, value in (("FAISS_OPT_LEVEL", "avx2"), ("FAISS_SIMD_LEVEL", "AVX2"), ("FAISS_SIMD_LEVEL", "NONE")):
    found[name, value] = level(**{name: value})
    print(f"faiss {faiss.__version__}: {own} by itself; with {name}={value}: {found[name, value]}")
sys.exit(None if list(found.values()) == [own, "AVX2", "NONE"] and own != "AVX2" else "changed: FAISS_OPT_LEVEL counts")
END
