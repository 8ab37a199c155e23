#!/usr/bin/env bash
# ground: seeds
# guess: 2
# expects: the first numbers of a seed are the same however many are drawn, as with torch.rand and numpy's generators
# happens: torch.randn fills below sixteen numbers one by one, and from sixteen on in blocks of sixteen, of which the
#   last is drawn anew where it is not whole
# packages: torch==2.13.0 numpy==2.4.6
# seen: of 24 numbers the first 8 began a draw of 48; of 8 none began a draw of 24; of 32 all began a draw of 48
# matters: noise of a smaller latent is no part of a larger one's, and an image drawn alone is not the image drawn in a
#   batch whose sizes do not divide by sixteen; smicnb draws each image's noise from a generator of its own
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import numpy as np
import torch


def shared(draw, few, many):
    """How many of the first numbers two draws share, from the front."""
    same = np.asarray(draw(few)) == np.asarray(draw(many))[:few]
    return int(np.argmin(np.append(same, False)))


normal = lambda count: torch.randn(count, generator=torch.Generator().manual_seed(5))
uniform = lambda count: torch.rand(count, generator=torch.Generator().manual_seed(5))
theirs = lambda count: np.random.default_rng(5).normal(size=count)
pairs = (8, 24), (24, 48), (32, 48)
found = {name: [shared(draw, *pair) for pair in pairs] for name, draw in
         (("torch.randn", normal), ("torch.rand", uniform), ("numpy normal", theirs))}
print(f"torch {torch.__version__}, numpy {np.__version__}: of {pairs}, numbers shared from the front: {found}")
whole = [few for few, _ in pairs]
held = found["torch.randn"] == [0, 8, 32] and found["torch.rand"] == found["numpy normal"] == whole
sys.exit(None if held else "changed: draws of other lengths begin otherwise")
END
