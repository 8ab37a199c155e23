#!/usr/bin/env bash
# ground: seeds
# guess: 21
# expects: torch.manual_seed takes 64 bits, so that two seeds which differ anywhere give other numbers
# happens: on a processor the generator uses the lowest 32 bits; initial_seed() and the state keep all 64
# packages: torch==2.13.0 numpy==2.4.6
# seen: seeds 5, 5 + 2**32 and 5 + 7 * 2**40 gave the same 1000 numbers; initial_seed() told them apart
# matters: seed * 2**32 + step is one stream of noise for all seeds of a training; smicnb's trainings had it so, and mix
#   the two numbers now
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import torch

seeds = 5, 5 + 2**32, 5 + 7 * 2**40
generators = [torch.Generator().manual_seed(seed) for seed in seeds]
told = [generator.initial_seed() for generator in generators]
drawn = [torch.rand(1000, generator=generator) for generator in generators]
other = torch.rand(1000, generator=torch.Generator().manual_seed(6))
print(f"torch {torch.__version__}: initial seeds {told}")
same = [torch.equal(drawn[0], each) for each in drawn]
print(f"the same numbers as of seed 5: {same}; those of seed 6: {torch.equal(drawn[0], other)}")
held = told == list(seeds) and all(same) and not torch.equal(drawn[0], other)
sys.exit(None if held else "changed: the upper half of a seed counts")
END
