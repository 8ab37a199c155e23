#!/usr/bin/env bash
# ground: metrics
# guess: 9
# expects: BLEU does not depend on the order in which the references of a sentence are given
# happens: where two references are equally far from the sentence in length, one longer and one shorter, torchmetrics
#   takes the length of whichever comes first for its brevity penalty; sacrebleu takes the shorter one, in either order
# packages: torch==2.13.0 torchmetrics==1.9.0 sacrebleu==2.5.1 numpy==2.4.6
# seen: torchmetrics 0.9306 and 0.8067, sacrebleu 0.9306 and 0.9306
# matters: captions of an image come in no order; a score of captions before and after coding may move by an eighth
. "$(dirname "$0")/environment"
"$work/venv/bin/python" - <<'END'
import sys

import sacrebleu
import torchmetrics
from torchmetrics.functional.text import bleu_score

sentence = "a red barn stands by the lake"  # seven words; the references have six and eight
references = ["a red barn by the lake", "a red barn stands by the old lake"]


def scores(texts):
    theirs = sacrebleu.sentence_bleu(sentence, texts, smooth_method="none", tokenize="none", use_effective_order=False)
    return float(bleu_score([sentence], [texts])), theirs.score / 100


both = [scores(texts) for texts in (references, references[::-1])]
print(f"torchmetrics {torchmetrics.__version__}, sacrebleu {sacrebleu.__version__}: BLEU-4 by the references' order")
for name, pair in zip(("torchmetrics", "sacrebleu"), zip(*both)):
    print(f"{name} {pair[0]:.4f} and {pair[1]:.4f}")
ours, theirs = zip(*both)
held = abs(ours[0] - ours[1]) > 0.1 and theirs[0] == theirs[1] and abs(theirs[0] - max(ours)) < 1e-4
sys.exit(None if held else "changed: torchmetrics takes the first of equally near lengths")
END
