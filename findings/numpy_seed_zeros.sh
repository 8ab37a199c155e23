#!/usr/bin/env bash
# ground: seeds
# guess: 20
# expects: default_rng([seed, image]) gives every image a stream of its own, apart from that of the bare seed
# happens: numbers of 32 bits are filled up with zeros to four: image 0 has the stream of default_rng(seed), and
#   [5, 0, 0, 0] too; a seed beyond 32 bits is split, so that 5 + 7 * 2**32 is [5, 7]
# packages: numpy==2.4.6
# seen: 5, [5], [5, 0] and [5, 0, 0, 0] draw the same; [5, 0, 0, 0, 0] and [0, 5] do not; 5 + 7 * 2**32 draws as [5, 7]
# matters: a first image's noise equals what the seed was used for before; a constant other than zero keeps them apart
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np

plain = np.random.default_rng(5).random(4)
seeds = [5], [5, 0], [5, 0, 0, 0], [5, 0, 0, 0, 0], [0, 5]
same = [bool((np.random.default_rng(seed).random(4) == plain).all()) for seed in seeds]
split = bool((np.random.default_rng(5 + 7 * 2**32).random(4) == np.random.default_rng([5, 7]).random(4)).all())
print(f"numpy {np.__version__}: as of the seed 5: " + ", ".join(f"{s} {w}" for s, w in zip(seeds, same)))
print(f"5 + 7 * 2**32 as [5, 7]: {split}")
sys.exit(None if same == [True, True, True, False, False] and split else "changed: zeros at the end count")
END
