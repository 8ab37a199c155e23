"""Captions against reference sentences: BLEU-4 and CIDEr-D, the scores of captions in TACO's Table 1.

Words are what white space separates once a sentence is in lower case and its punctuation is removed. The published
evaluations take the PTB tokenizer, which is a Java programme and splits "dog's" into two words: scores on sentences
with apostrophes or hyphens differ a little from theirs.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from smicnb.base.errors import DimensionError

# One sentence about an image, or several by different people.
References = Sequence[str | Sequence[str]]
Grams = Counter[tuple[str, ...]]

LONGEST = 4  # words of the longest n-grams
SIGMA = 6  # words; width of CIDEr-D's penalty on a difference in length
SCALE = 10  # of CIDEr-D's best value


def _words(sentence: str) -> list[str]:
    return re.sub(r"[^\w\s]|_", "", sentence.lower()).split()


def _grams(words: list[str], length: int) -> Grams:
    return Counter(zip(*(words[start:] for start in range(length)), strict=False))


def _pair_words(captions: Sequence[str], references: References) -> list[tuple[list[str], list[list[str]]]]:
    """The words of each caption and those of each of its references."""
    if len(captions) != len(references):
        raise DimensionError(f"{len(captions)} captions and references to {len(references)} images", "equally many")
    several = [[some] if isinstance(some, str) else list(some) for some in references]
    if [] in several:
        raise DimensionError(f"caption {several.index([])} without a reference", "one sentence or more for each")
    return [
        (_words(caption), [_words(sentence) for sentence in some])
        for caption, some in zip(captions, several, strict=True)
    ]


def bleu4(captions: Sequence[str], references: References) -> float:
    """BLEU-4 of a corpus (Papineni et al., 2002), unsmoothed, as torchmetrics computes it.

    Of references whose lengths are equally far from the caption's, torchmetrics takes the first: here the shortest, so
    that their order does not matter.

    Args:
        captions: n sentences.
        references: one sentence or several about the same image, for each caption.

    Returns:
        [0, 1], higher is better; 0 where no four words in a row of any caption are in its references.

    Raises:
        DimensionError: not equally many, or a caption without a reference.
    """
    from torchmetrics.functional.text import bleu_score

    pairs = _pair_words(captions, references)
    joined = [" ".join(words) for words, _ in pairs]
    others = [[" ".join(words) for words in sorted(some, key=len)] for _, some in pairs]
    return float(bleu_score(joined, others, n_gram=LONGEST))


def cider_d(captions: Sequence[str], references: References) -> np.ndarray:
    """CIDEr-D of each caption (Vedantam et al., 2015): cosines of tf-idf vectors of 1- to 4-grams, clipped.

    Document frequencies are those of the references given, so a score depends on its corpus; with one image all
    are 0. Term frequencies are counts, as in the authors' published evaluation; the paper's formula divides them by
    the sentence's length, which changes what clipping does when lengths differ.

    Args:
        captions: n sentences.
        references: one sentence or several about the same image, for each caption.

    Returns:
        (n,) float64 in [0, 10], higher is better; their mean is the corpus's score. A caption that is its only
        reference scores 10 if it has an n-gram of each length that is not in the references of every image.

    Raises:
        DimensionError: not equally many, or a caption without a reference.
    """
    pairs = _pair_words(captions, references)
    scores = np.zeros((len(pairs), LONGEST))
    for length in range(1, LONGEST + 1):
        images = [[_grams(words, length) for words in some] for _, some in pairs]
        weights = _Weights(images)
        for row, (words, some) in enumerate(pairs):
            grams = _grams(words, length)
            scores[row, length - 1] = np.mean(
                [
                    weights.clipped_cosine(grams, of_reference) * _penalty(len(words) - len(reference))
                    for reference, of_reference in zip(some, images[row], strict=True)
                ]
            )
    return SCALE * scores.mean(axis=1)


class _Weights:
    """Inverse document frequencies of n-grams, the references of one image being one document."""

    def __init__(self, images: Iterable[list[Grams]]):
        documents = [set().union(*some) for some in images]
        self.frequency = Counter(gram for document in documents for gram in document)
        self.documents = len(documents)

    def tf_idf(self, grams: Grams) -> dict[tuple[str, ...], float]:
        # An n-gram of no reference weighs as much as one that a single image's references have.
        return {gram: count * math.log(self.documents / max(1, self.frequency[gram])) for gram, count in grams.items()}

    def clipped_cosine(self, grams: Grams, of_reference: Grams) -> float:
        """Cosine in [0, 1], in which a caption gains nothing by saying an n-gram oftener than the reference."""
        caption, reference = self.tf_idf(grams), self.tf_idf(of_reference)
        norms = math.hypot(*caption.values()) * math.hypot(*reference.values())
        if not norms:
            return 0.0
        return sum(min(caption.get(gram, 0.0), weight) * weight for gram, weight in reference.items()) / norms


def _penalty(difference: int) -> float:
    return math.exp(-(difference**2) / (2 * SIGMA**2))
