"""Coders of latents by kind, as notebook 10 has them, and ours for search."""

from collections.abc import Sequence

from smicnb.codec.coders.axes import FOR_SEARCH
from smicnb.codec.format.priors import Prior
from smicnb.compare.latents import rivals, smic
from smicnb.compare.latents.protocol import LatentCoder, QuantisedCoder
from smicnb.compare.latents.quantisers.scalar import FixedScalar
from smicnb.compare.latents.transforms import Truncation
from smicnb.studies.beyond import kinds as beyond
from smicnb.studies.beyond.kinds import OURS, OURS_NAME, PAPERS_NAME, SEARCHED_NAME, UNTRAINED_NAME

OURS_SEARCH = tuple(f"{name}{smic.FOR_SEARCH}" for name in OURS)
SEARCH_NAME = f"ours{smic.FOR_SEARCH}"
SIGNS = "signs"
PAPERS = (smic.PAPER, smic.PAPER_ENTROPY, smic.PAPER_REFITTED, smic.ENTROPY_REFITTED)
ALONE = (smic.PAPER, smic.PAPER_ENTROPY, "CLIP-intra + entropy", f"{SIGNS} + entropy")
# Rivals by kind, together all. Scalars with all of ours but the trellis are given the tilt as well.
RIVALS: dict[str, tuple[str, ...]] = {
    **beyond.RIVALS,
    SEARCHED_NAME: (*smic.SEARCHED, *(f"{name}{smic.FOR_SEARCH}" for name in smic.SEARCHED)),
    PAPERS_NAME: PAPERS,
    UNTRAINED_NAME: (*rivals.UNTRAINED, f"{SIGNS} + entropy"),
}
ALL = tuple(name for names in RIVALS.values() for name in names)
WITHOUT_OURS = tuple(name for name in ALL if name not in RIVALS[SEARCHED_NAME])
# Those that are made for search elsewhere, where an image has a fixed number of bits, and none knows our prior.
FIXED = (
    *rivals.TODAY,
    *rivals.BEST[2:],
    f"{SIGNS} + entropy",
    "CLIP-intra + entropy",
    "random rotation, b bit + entropy",
)
BEST_NAME, FIXED_NAME = "best of all rivals", "best made for search, without our prior"
TODAY_NAME, CLASSICAL_NAME = "best of OPQ, LSQ, RaBitQ, TurboQuant", "best of KLT, PQ, RQ"
BUT_OURS_NAME = f"best of all but {SEARCHED_NAME}"
# Against whom ours is measured, the strongest collections first.
AGAINST: dict[str, tuple[str, ...]] = {
    BEST_NAME: ALL,
    BUT_OURS_NAME: WITHOUT_OURS,
    FIXED_NAME: FIXED,
    **RIVALS,
    **{name: (name,) for name in ALONE},
    OURS_NAME: OURS,
}
# What the figure has a curve for; of the two kinds that are left out, those that are made for search are in one.
CURVES = {
    SEARCH_NAME: OURS_SEARCH,
    OURS_NAME: OURS,
    **{name: names for name, names in RIVALS.items() if name not in (TODAY_NAME, CLASSICAL_NAME)},
    FIXED_NAME: FIXED,
    smic.PAPER: (smic.PAPER,),
}


def coders(
    prior: Prior | None,
    dim: int,
    images: int,
    n_atoms: int,
    steps: Sequence[float],
    codebooks: Sequence[int],
    drawn: int,
    seed: int,
    every: int = 1,
    tilt: float = FOR_SEARCH,
) -> list[LatentCoder]:
    """Ours as they are and for search at all fidelities, and all rivals as notebook 10 sets them up; of the paper's
    code those of the medium model's bits.

    Args:
        prior: prior of the latents' encoder, or None.
        dim, images: shape of the latents that coders are fitted to.
        n_atoms: size of the paper's dictionary.
        steps, codebooks, drawn: arguments of `rivals.rivals` and `rivals.today`.
        seed: seed of all that is drawn.
        every: argument of `smic.retrieval_coders`: 1 for all of our fidelities.
        tilt: tilt of ours for search.
    """
    made = smic.retrieval_coders(prior, images=1000, tilt=tilt, every=every)
    made += [coder for coder in smic.paper_coders(n_atoms, seed, refitted=True) if coder.name in PAPERS]
    made += rivals.rivals(dim, images, steps, seed, prior)
    made += rivals.today(dim, images, seed, prior, codebooks, drawn)
    signs = QuantisedCoder(FixedScalar(SIGNS, Truncation(centre=True), 1))
    return [*made, signs]
