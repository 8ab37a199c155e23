#!/usr/bin/env bash
# ground: quantisers
# guess: none
# expects: an OPQMatrix whose `pq` has fewer codewords than there are vectors learns from them, or says what it needs
# happens: with fewer vectors than dimensions it writes beyond its memory, and the process dies in the allocator, at
#   once or later; with the default of 256 codewords the error that is raised hides it
# packages: faiss-cpu==1.15.1 numpy==2.4.6
# seen: 250 vectors of 384 dimensions: ended by SIGABRT ("free(): invalid size" or the like); 400 of them: trained
# matters: learned rotations of small collections of long vectors cannot be had from faiss; smicnb learns its own
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import subprocess
import sys

import faiss

TRAIN = """
import sys, faiss, numpy as np
vectors = np.random.default_rng(0).normal(size=(int(sys.argv[1]), 384)).astype(np.float32)
book, matrix = faiss.ProductQuantizer(384, 4, 6), faiss.OPQMatrix(384, 4)
book.cp.min_points_per_centroid = 1
matrix.pq = book
matrix.train(vectors)
"""
ended = {}
for count in (250, 400):
    run = subprocess.run([sys.executable, "-c", TRAIN, str(count)], capture_output=True, text=True)
    ended[count] = run.returncode
    print(f"faiss {faiss.__version__}: {count} of 384 dimensions: {run.returncode}, {run.stderr.strip()[-60:]}")
held = ended[250] < 0 and ended[400] == 0
sys.exit(None if held else "changed: fewer vectors than dimensions are learned from, or refused")
END
