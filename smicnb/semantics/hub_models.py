"""Models that come whole from a repository of the hub or a folder: fetching them, and what stands for their numbers."""

from pathlib import Path

from smicnb.base import names
from smicnb.semantics.generators import diffusion
from smicnb.semantics.metrics import captions, perception, segments
from smicnb.semantics.selection import parse
from smicnb.semantics.weights import repositories
from smicnb.semantics.weights.repositories import AUTO, Sources

JUDGES = {judge.name: judge.sources for judge in (captions.BLIP, segments.SEGFORMER, perception.CLIP_IQA)}
FAMILIES = (*diffusion.CANDIDATES, *JUDGES)


def sources(family: str, dim: int | None = None, source: str = AUTO) -> Sources:
    """Where the models of a family come from; a generator's by the dimension of its latents.

    Args:
        family: one of `FAMILIES`.
        dim: dimension of the latents that a generator takes; None: the first that its family has.
        source: the source that is going to be asked for.

    Raises:
        UnknownNameError: no such family.
        DimensionError: the generator takes latents of another dimension; says which one fits.
    """
    if family in diffusion.CANDIDATES:
        return diffusion.sources_of(family, dim, source)
    return names.lookup("family of models", family, dict.fromkeys(FAMILIES) | JUDGES)


def fetch(name: str) -> Path:
    """The folder of the model of a name (FAMILY:SOURCE), downloaded where it is not on this machine.

    "auto" is of a generator's first dimension (768 with Stable unCLIP); for another, name the repository.

    Raises:
        UnknownNameError: no such family. MissingWeightsError: no source has it; lists what was tried.
    """
    selection = parse(name)
    return sources(selection.family).locate(selection.source, fetch=True).folder


def weights_hash(name: str, dim: int | None = None) -> str:
    """SHA-256 of the files of the model of a name, FAMILY:SOURCE?option=value; empty where its family comes from no
    repository. `dim` is the dimension of the latents that a generator takes.

    Raises:
        MissingWeightsError: it is not on this machine.
        DimensionError: the generator takes latents of another dimension; says which one fits.
    """
    selection = parse(name)
    if selection.family not in FAMILIES:
        return ""
    known = sources(selection.family, dim, selection.source)
    return repositories.weights_hash(known.locate(selection.source).folder, known.patterns)
