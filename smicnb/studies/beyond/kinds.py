"""Coders of latents by kind: who is asked to be beaten, and whose curves are drawn.

There are more coders than a figure can show. A kind is one idea, and its curve is of the best of its coders.
"""

from smicnb.compare.latents import rivals, smic
from smicnb.compare.latents.points import REFERENCES

OURS = (smic.OURS, smic.OURS_PRIOR, smic.OURS_BARE)
PAPERS = (smic.PAPER, smic.PAPER_BEST)  # as the text has it: tuples, and no search for the cosine
PAPERS_BEST = (*PAPERS, smic.PAPER_ENTROPY, smic.PAPER_REFITTED, smic.BEST_REFITTED, smic.ENTROPY_REFITTED)
OURS_NAME, REFERENCE_NAME = "ours, best of three", "best Gaussian reference"
SEARCHED_NAME, PAPERS_NAME = "scalars searched as ours", "paper's code at its best"
UNTRAINED_NAME = "best that learns nothing"
# Rivals by kind: together they are all. The first is our coder but for the trellis; the next two have our prior.
RIVALS: dict[str, tuple[str, ...]] = {
    SEARCHED_NAME: smic.SEARCHED,
    "best scalars given our prior": rivals.GIVEN,
    "best vectors given our prior": rivals.VECTORS_GIVEN,
    "best of OPQ, LSQ, RaBitQ, TurboQuant": rivals.TODAY,
    "best of KLT, PQ, RQ": rivals.BEST,
    PAPERS_NAME: PAPERS_BEST,
    UNTRAINED_NAME: rivals.UNTRAINED,
}
ALL = tuple(name for names in RIVALS.values() for name in names)
WITHOUT_OURS = tuple(name for name in ALL if name not in smic.SEARCHED)
WITHOUT_PRIOR = (*rivals.TODAY, *rivals.BEST, *PAPERS_BEST, *rivals.UNTRAINED)
# What figures have a curve for, and whose points make it.
CURVES: dict[str, tuple[str, ...]] = {
    OURS_NAME: OURS,
    **RIVALS,
    smic.PAPER: (smic.PAPER,),
    REFERENCE_NAME: REFERENCES,
}
# What a collection of each size costs is told of each of our codes by itself.
CODES: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in (*OURS, smic.OURS_ALONE)},
    **RIVALS,
    **{name: (name,) for name in PAPERS_BEST},
}
