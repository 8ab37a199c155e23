"""A semantic space: the encoder, centring mean, norm and generator that belong together."""

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from smicnb.base.errors import DimensionError
from smicnb.semantics.cost import Cost
from smicnb.semantics.encoders import encoders
from smicnb.semantics.encoders.encoders import SemanticEncoder
from smicnb.semantics.generators import generators
from smicnb.semantics.generators.generators import LatentGenerator
from smicnb.semantics.metrics.captions import NearestWords
from smicnb.semantics.photographs.image_collections import Collection, WordList

NORM = 20.0  # the norm that unCLIP was trained around (paper, Sec. III), and that generators are given


def normalise(latents: np.ndarray, norm: float = NORM) -> np.ndarray:
    """Latents (n, L) rescaled to one L2 norm; a zero latent has no direction and stays zero."""
    norms = np.linalg.norm(latents, axis=1, keepdims=True)
    return latents * (norm / np.where(norms == 0, 1, norms))


@dataclass(frozen=True)
class SemanticSpace:
    """Images to latents and back, with every dimension checked once.

    Args:
        encoder: images and texts to latents (n, L).
        generator: latents (n, L) to images.
        norm: L2 norm that latents are given once, right before generation.
    """

    encoder: SemanticEncoder
    generator: LatentGenerator
    norm: float = NORM
    cost: Cost = field(default_factory=Cost, init=False, compare=False)

    def __post_init__(self):
        if self.encoder.dim != self.generator.dim:
            raise DimensionError(
                f"encoder '{self.encoder.name}' makes latents of {self.encoder.dim} dimensions, generator "
                f"'{self.generator.name}' takes {self.generator.dim}",
                "equal dimensions",
                "choose a generator that was made for this encoder",
            )

    @property
    def dim(self) -> int:
        """L, the dimension of the latents."""
        return self.encoder.dim

    @property
    def mean(self) -> np.ndarray:
        """(L,): what the encoder's own centring has taken from every latent; zeros for CLIP."""
        return self.encoder.mean

    @cached_property
    def fingerprint(self) -> dict[str, str | float]:
        """What a record keeps: names, weights hash, norm, and what the generator says of itself."""
        return {
            "encoder": self.encoder.name,
            "weights": self.encoder.weights_hash,
            "generator": self.generator.name,
            "norm": self.norm,
            **{f"generator_{name}": value for name, value in self.generator.fingerprint.items()},
        }

    def encode(self, collection: Collection, executor: Executor | None = None) -> np.ndarray:
        """Un-normalised latents (n, L) float32 of a collection, from the cache where they are in it."""
        return encoders.encode_collection(self.encoder, collection, executor)

    def generate(self, latents: np.ndarray, seeds: int | Sequence[int]) -> list[np.ndarray]:
        """Images of latents (n, L) of any norm: they are given the space's norm here, and only here.

        Args:
            latents: (n, L).
            seeds: one seed for each image, or one for all of them: then the noise is the same in every image,
                and what differs between two of them is the latents' doing.

        Returns:
            n RGB uint8 images H×W×3; `cost` counts them.
        """
        latents = np.asarray(latents)
        if latents.ndim != 2 or latents.shape[1] != self.dim:
            raise DimensionError(f"found latents of shape {latents.shape}", f"(n, {self.dim})")
        seeds = [seeds] * len(latents) if isinstance(seeds, int) else list(seeds)
        if len(seeds) != len(latents):
            raise DimensionError(f"found {len(seeds)} seeds for {len(latents)} latents", "one for each")
        start = time.perf_counter()
        images = self.generator.generate(normalise(latents, self.norm), seeds) if len(latents) else []
        self.cost.add(len(images), time.perf_counter() - start, getattr(self.generator, "device", "cpu"))
        return images

    def word_directions(self, words: Sequence[str]) -> np.ndarray:
        """Unit latents (n, L) of words, centred on their mean: what all texts share says nothing of one image."""
        return NearestWords(self.encoder, words, 1).directions

    def name_latents(
        self, latents: np.ndarray, words: WordList | Sequence[str], count: int
    ) -> list[list[tuple[str, float]]]:
        """The `count` words nearest in angle to each latent (n, L), each with its cosine, best first."""
        return NearestWords(self.encoder, words, count).name_latents(latents)

    def nearest_words(self, latents: np.ndarray, words: WordList | Sequence[str]) -> list[str]:
        """The one word nearest in angle to each latent (n, L)."""
        return [best[0][0] for best in self.name_latents(latents, words, 1)]


def space(encoder: str, generator: str, gallery: Collection) -> SemanticSpace:
    """The space of two names; `gallery` holds the photographs that stand-ins for a generator work with."""
    semantic_encoder = encoders.encoder(encoder)
    return SemanticSpace(semantic_encoder, generators.generator(generator, semantic_encoder, gallery))
