"""Latents to images: the generator's protocol, the table of generators, and retrieval."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import ClassVar, Protocol

import numpy as np

from smicnb.base import names
from smicnb.base.errors import DimensionError, ImageError
from smicnb.semantics.encoders.encoders import SemanticEncoder
from smicnb.semantics.generators import diffusion, inversion
from smicnb.semantics.photographs.image_collections import Collection, Item
from smicnb.semantics.selection import Selection, parse


class LatentGenerator(Protocol):
    """Latents of one space to images (unCLIP in the paper's Fig. 2)."""

    name: str
    dim: int
    verb: str  # for labels within a picture: "generated", or what a stand-in did instead
    what: str  # one clause for captions: what a reader sees when this generator made the picture
    fingerprint: dict[str, str | int | float]  # what a record keeps: source, weights, settings

    def generate(self, latents: np.ndarray, seeds: Sequence[int]) -> list[np.ndarray]:
        """Images, RGB uint8 H×W×3, of latents (n, dim) of the generator's norm, one seed for each.

        The same latent and seed give the same image, whatever else is generated with it.
        """


class RetrievalGenerator:
    """A stand-in for a generator: the gallery photograph whose latent, of `latents` (len(gallery), dim), has the
    largest cosine.

    It invents nothing: what it shows exists. Where `gallery` is a collection's split of that name, it belongs to no
    scene of the splits that are coded; any other gallery may hold the very photographs that were.
    """

    name = "retrieval"
    verb = "retrieved"
    fingerprint: ClassVar[dict[str, str]] = {}  # its photographs are the collection's, which a record keeps anyway

    def __init__(self, gallery: Collection, latents: np.ndarray):
        if len(gallery) == 0:
            raise ImageError("the gallery of the retrieval generator is empty", "at least one photograph")
        if latents.shape[0] != len(gallery):
            raise DimensionError(f"found {latents.shape[0]} latents for {len(gallery)} gallery photographs")
        self.gallery, self.dim = gallery, latents.shape[1]
        apart = all(item.split == "gallery" for item in gallery)  # splits are by scene
        known = "another scene" if apart else f"the gallery '{gallery.name}'"
        self.what = f"the nearest photograph of {known}, not a new picture"
        self._directions = latents / np.linalg.norm(latents, axis=1, keepdims=True)
        # The same few photographs answer again and again, so that decoding each once is worth the memory.
        self._image = lru_cache(maxsize=256)(lambda item: item.image())

    def nearest(self, latents: np.ndarray) -> list[Item]:
        """The gallery item nearest in angle to each latent (n, dim); the first of equals."""
        if latents.ndim != 2 or latents.shape[1] != self.dim:
            raise DimensionError(f"found latents of shape {latents.shape}", f"(n, {self.dim})")
        return [self.gallery.items[row] for row in np.argmax(latents @ self._directions.T, axis=1)]

    def generate(self, latents: np.ndarray, seeds: Sequence[int]) -> list[np.ndarray]:
        """The nearest photographs, one array object per photograph; `seeds` change nothing here."""
        return [self._image(item) for item in self.nearest(latents)]


def retrieval(selection: Selection, encoder: SemanticEncoder, gallery: Collection) -> RetrievalGenerator:
    """The retrieval generator over the latents of `gallery`; it has no source and no options."""
    from smicnb.semantics.encoders.encoders import encode_collection

    selection.refuse_source()
    selection.settings()
    return RetrievalGenerator(gallery, encode_collection(encoder, gallery))


GENERATORS: dict[str, Callable[[Selection, SemanticEncoder, Collection], LatentGenerator]] = {
    RetrievalGenerator.name: retrieval,
    inversion.NAME: inversion.inversion,
    "stable-unclip": lambda selection, encoder, gallery: diffusion.stable_unclip(selection, encoder),
    "kandinsky22": lambda selection, encoder, gallery: diffusion.kandinsky22(selection, encoder),
}


def generator(name: str, encoder: SemanticEncoder, gallery: Collection) -> LatentGenerator:
    """The generator of a name, for an encoder's latents.

    Args:
        name: FAMILY, or FAMILY:SOURCE?option=value&…, the family one of `GENERATORS`.
        encoder: encoder of the latents; a generator of another dimension is refused.
        gallery: the photographs that stand-ins work with.
    """
    selection = parse(name)
    return names.lookup("generator", selection.family, GENERATORS)(selection, encoder, gallery)
