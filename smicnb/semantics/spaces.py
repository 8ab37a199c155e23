"""A semantic space: the encoder, centring mean, norm and generator that belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from smicnb.base.errors import DimensionError
from smicnb.semantics import encoders, generators
from smicnb.semantics.collections import Collection, WordList
from smicnb.semantics.encoders import SemanticEncoder
from smicnb.semantics.generators import LatentGenerator

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
        """What a record keeps: names, weights hash, norm."""
        return {
            "encoder": self.encoder.name,
            "weights": self.encoder.weights_hash,
            "generator": self.generator.name,
            "norm": self.norm,
        }

    def encode(self, collection: Collection) -> np.ndarray:
        """Un-normalised latents (n, L) float32 of a collection, from the cache where they are in it."""
        return encoders.encode_collection(self.encoder, collection)

    def generate(self, latents: np.ndarray, seed: int) -> list[np.ndarray]:
        """Images of latents (n, L) of any norm: they are given the space's norm here, and only here."""
        latents = np.asarray(latents)
        if latents.ndim != 2 or latents.shape[1] != self.dim:
            raise DimensionError(f"found latents of shape {latents.shape}", f"(n, {self.dim})")
        return self.generator.generate(normalise(latents, self.norm), seed)

    def name_latents(
        self, latents: np.ndarray, words: WordList | Sequence[str], count: int
    ) -> list[list[tuple[str, float]]]:
        """The `count` words nearest in angle to each latent (n, L), each with its cosine, best first.

        Words are centred on the mean word: what all texts share says nothing about one image.
        """
        vocabulary = list(words.words if isinstance(words, WordList) else words)
        directions = self.encoder.encode_text([f"a photo of {word}" for word in vocabulary])
        directions = normalise(directions - directions.mean(axis=0), 1.0)
        cosines = normalise(np.asarray(latents), 1.0) @ directions.T
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
        return [
            [(vocabulary[column], float(row[column])) for column in columns]
            for row, columns in zip(cosines, best, strict=True)
        ]

    def nearest_words(self, latents: np.ndarray, words: WordList | Sequence[str]) -> list[str]:
        """The one word nearest in angle to each latent (n, L)."""
        return [best[0][0] for best in self.name_latents(latents, words, 1)]


def space(encoder: str, generator: str, gallery: Collection, device: str = "cpu") -> SemanticSpace:
    """The space of two names; `gallery` holds the photographs that the retrieval generator may show."""
    semantic_encoder = encoders.encoder(encoder, device)
    return SemanticSpace(semantic_encoder, generators.generator(generator, semantic_encoder, gallery))
