#!/usr/bin/env bash
# ground: seeds
# guess: 8
# expects: torch.randn_like of a picture gives, for a seed, each place the same number, however it lies in memory
# happens: of a tensor in channels_last it draws one number after the other in the order of memory, of a contiguous
#   one blocks of sixteen: no number is in both; rand_like draws the same numbers in the order of memory
# packages: torch==2.13.0 numpy==2.4.6
# seen: 256 places: no number of the one picture is in the other; of rand_like the same 256 at other places
# matters: a network that was moved to channels_last, as speed advice says, is given other noise by the same seed, and a
#   decoder that draws detail another picture; draw into a contiguous tensor
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import torch



def draw(function, layout):
    torch.manual_seed(5)
    return function(torch.zeros(1, 4, 8, 8).to(memory_format=layout))


held = []
for function, shared in ((torch.randn_like, 0), (torch.rand_like, 256)):
    first, second = (draw(function, layout) for layout in (torch.contiguous_format, torch.channels_last))
    both = set(first.flatten().tolist()) & set(second.flatten().tolist())
    places = int((first == second).sum())
    named = f"torch {torch.__version__}, {function.__name__}"
    print(f"{named}: {len(both)} of 256 numbers in both, {places} at their places")
    held.append(len(both) == shared and places <= 8)
sys.exit(None if all(held) else "changed: noise does not follow the layout")
END
