"""A sentence for an image, and how alike the sentences of two images are."""

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Protocol

import numpy as np

from smicnb.base import names
from smicnb.base.errors import DimensionError, SmicnbError
from smicnb.semantics.encoders.encoders import SemanticEncoder
from smicnb.semantics.encoders.lite0_minilm import DIM, sentence_tower, unit_rows
from smicnb.semantics.encoders.towers import encode_texts
from smicnb.semantics.metrics.judges import Family, Judge
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.photographs.words import WordList, words
from smicnb.semantics.selection import Selection, parse

BLIP = Family(
    name="blip",
    model="BlipForConditionalGeneration",
    processor="BlipProcessor",
    candidates=("Salesforce/blip-image-captioning-base", "Salesforce/blip-image-captioning-large"),
    variable="SMICNB_BLIP",
    licence="BSD-3-Clause",
    purpose="BLIP's sentence about the image",
)
NEAREST_WORDS, WORDS_NAMED = "nearest-words", 3
BEAMS, LONGEST = 3, 30  # beams of BLIP's search, tokens of its longest caption
REMEMBERED = 10_000  # sentences whose embeddings are kept, 15 MB


class Captioner(Protocol):
    """Images to sentences; the same image, the same sentence."""

    name: str
    what: str  # one clause for captions of figures: what a reader is told of an image
    fingerprint: dict[str, str | int]

    def caption(self, images: Sequence[np.ndarray]) -> list[str]:
        """One sentence for each RGB uint8 image H×W×3."""


class Blip(Judge):
    """BLIP (Li et al., 2022) through transformers: beam search, nothing drawn at random."""

    def __init__(self, selection: Selection):
        super().__init__(BLIP, selection)

    def caption(self, images: Sequence[np.ndarray]) -> list[str]:
        """One sentence for each RGB uint8 image H×W×3, written for it alone so that its company cannot matter."""
        return [self._sentence(image) for image in images]

    def _sentence(self, image: np.ndarray) -> str:
        import torch

        inputs = self.prepared(image)
        with torch.inference_mode():
            tokens = self.model.generate(**inputs, do_sample=False, num_beams=BEAMS, max_new_tokens=LONGEST)
        return self.processor.decode(tokens[0], skip_special_tokens=True).strip()


class NearestWords:
    """A stand-in for a captioner: the words of a list that lie nearest in angle to an image's latent.

    Args:
        encoder: images and texts to one space.
        words: the vocabulary.
        count: how many of them a caption names.
    """

    def __init__(self, encoder: SemanticEncoder, words: WordList | Sequence[str], count: int = WORDS_NAMED):
        vocabulary = list(words.words if isinstance(words, WordList) else words)
        if not 1 <= count <= len(vocabulary):
            raise SmicnbError(f"found count={count}", f"1 to {len(vocabulary)} words of the list")
        self.encoder, self.vocabulary, self.count = encoder, vocabulary, count
        self.name = f"{NEAREST_WORDS} of {encoder.name}"
        self.what = f"the {count} nearest of {len(vocabulary)} words, a stand-in"

    @cached_property
    def fingerprint(self) -> dict[str, str | int]:
        """What a record keeps: encoder, its weights, the words' hash and how many are named."""
        return {
            "encoder": self.encoder.name,
            "weights": self.encoder.weights_hash,
            "words": WordList("", {"": tuple(self.vocabulary)}).sha256,
            "count": self.count,
        }

    @cached_property
    def directions(self) -> np.ndarray:
        """Unit latents (W, L) of the words, centred: what all texts share says nothing about one image."""
        directions = self.encoder.encode_text([f"a photo of {word}" for word in self.vocabulary])
        return unit_rows(directions - directions.mean(axis=0))

    def name_latents(self, latents: np.ndarray) -> list[list[tuple[str, float]]]:
        """The nearest words of each latent (n, L), each with its cosine, best first."""
        cosines = unit_rows(np.asarray(latents)) @ self.directions.T
        best = np.argsort(-cosines, axis=1, kind="stable")[:, : self.count]
        return [
            [(self.vocabulary[column], float(row[column])) for column in columns]
            for row, columns in zip(cosines, best, strict=True)
        ]

    def caption(self, images: Sequence[np.ndarray]) -> list[str]:
        """One line for each RGB uint8 image H×W×3: a photo of church, castle and tree."""
        if not len(images):
            return []
        named = self.name_latents(self.encoder.encode_images(images))
        return [f"a photo of {_join_words([word for word, _ in some])}" for some in named]


def _join_words(some: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(some[:-1]), some[-1]]))


def _nearest_words(selection: Selection, encoder: SemanticEncoder) -> NearestWords:
    selection.refuse_source()
    return NearestWords(encoder, words(), **selection.settings(count=WORDS_NAMED))


CAPTIONERS: dict[str, Callable[[Selection, SemanticEncoder], Captioner]] = {
    BLIP.name: lambda selection, encoder: Blip(selection),
    NEAREST_WORDS: _nearest_words,
}


def captioner(name: str, encoder: SemanticEncoder) -> Captioner:
    """The captioner of a name.

    Args:
        name: "blip:SOURCE?device=…", SOURCE a folder, a repository or "auto"; or "nearest-words?count=…".
        encoder: encoder whose words the stand-in takes; BLIP needs none.

    Raises:
        UnknownNameError: no such captioner or option. MissingWeightsError: no source has the weights.
    """
    selection = parse(name)
    return names.lookup("captioner", selection.family, CAPTIONERS)(selection, encoder)


def caption_similarity(captions: Sequence[str], captions_hat: Sequence[str]) -> np.ndarray:
    """Cosine between the sentence embeddings (all-MiniLM-L6-v2) of captions: our reading of the paper's BSS.

    Args:
        captions: n sentences about the images.
        captions_hat: n sentences about their generated counterparts, by the same captioner.

    Returns:
        (n,) float64 in [-1, 1], higher is better. Sentences of one mould ("a photo of …") start well above 0.

    Raises:
        DimensionError: not equally many. MissingWeightsError: the embedding was not fetched.
    """
    if len(captions) != len(captions_hat):
        raise DimensionError(f"{len(captions)} captions and {len(captions_hat)} of decoded images", "equally many")
    known = _embeddings()
    new = [sentence for sentence in dict.fromkeys([*captions, *captions_hat]) if sentence not in known]
    known |= zip(new, encode_texts(new, sentence_tower(), DIM), strict=True)
    both = ([known[sentence] for sentence in part] for part in (captions, captions_hat))
    cosines = latent_cosine(*(np.array(rows).reshape(-1, DIM) for rows in both))
    if len(known) > REMEMBERED:
        known.clear()
    return cosines


@cache
def _embeddings() -> dict[str, np.ndarray]:
    """Sentence -> its embedding: the same images say the same things, in every table anew."""
    return {}
