"""What is searched for as latents: texts, sums of texts, photographs.

A sum such as "barn +snow -people" adds and subtracts latents of one norm, as SMIC does with those of photographs
(Bachard and Maugey, Sec. III-B): each term counts alike. A plus or minus begins a term where a word could begin.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from smicnb.base.errors import DimensionError, SmicnbError, shorten
from smicnb.codec.format.container import Header
from smicnb.semantics.photographs.images import check_rgb, read_image

LONGEST = 1000  # characters of a text; encoders look at a few dozen words
SHOWN = 60  # characters of a text that an error repeats


class Term(NamedTuple):
    """A part of a sum: 1 or −1, and words."""

    sign: int
    words: str


def parse_terms(text: str) -> list[Term]:
    """The terms of a sum; a text without signs is one term.

    Raises:
        SmicnbError: a text without words, a sign without words, or a text that is too long.
    """
    if not text.strip():
        raise SmicnbError("found an empty query", 'words, such as "a red barn by a lake"')
    if len(text) > LONGEST:
        raise SmicnbError(f"found a query of {len(text)} characters", f"at most {LONGEST}")
    parts = re.split(r"(?:^|(?<=\s))([+\-\u2212])", text)
    found = [Term(1, parts[0].strip())] if parts[0].strip() else []
    for sign, words in zip(parts[1::2], parts[2::2], strict=True):
        if not re.search(r"\w", words):
            raise SmicnbError(
                f"found a sign without words in '{shorten(text, SHOWN)}'", 'a sum such as "barn +snow -people"'
            )
        found.append(Term(1 if sign == "+" else -1, words.strip()))
    return found


def encode_queries(queries, header: Header, encoder: str | None = None) -> np.ndarray:
    """Latents (Q, L) float64 of norm 1 of texts, images, or sums.

    Args:
        queries: a text, or an image (RGB uint8 H×W×3, or a path), or a sequence of such.
        header: header of a file, whose encoder is asked.
        encoder: a name of `encoders.encoder`, where the file's own does not lead to its weights.

    Raises:
        SmicnbError: the encoder is not here or of other weights, or a query is empty.
        ImageError: an image that cannot be used.
    """
    single = isinstance(queries, str | Path) or getattr(queries, "ndim", 0) == 3 or not hasattr(queries, "__iter__")
    return np.stack([encode_sum([query], header, encoder) for query in ([queries] if single else queries)])


def encode_sum(parts: Sequence, header: Header, encoder: str | None = None) -> np.ndarray:
    """The latent (L,) float64 of norm 1 of the sum of texts and images, each as in `latents`."""
    from smicnb.codec.photographs import encoder_of  # with what fits coders, which latents need not wait for

    signs: list[int] = []
    texts: list[str] = []
    images: list[np.ndarray] = []
    for part in parts:
        if isinstance(part, str):
            found = parse_terms(part)
            signs += [term.sign for term in found]
            texts += [term.words for term in found]
            continue
        image = read_image(part, side=encoder_of(header, encoder).side) if isinstance(part, Path) else part
        if not isinstance(image, np.ndarray):
            raise DimensionError(f"found a query of type {type(part).__name__}", "a latent, a text, an image or a path")
        check_rgb(image)
        images.append(image)
    chosen = encoder_of(header, encoder)
    rows = [*(chosen.encode_text(texts) if texts else ()), *(chosen.encode_images(images) if images else ())]
    vectors = np.array(rows, np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(vectors).all() or not norms.all():
        raise DimensionError("found a query whose latent is zero or not finite", "one that the encoder can tell")
    total = np.array([*signs, *[1] * len(images)]) @ (vectors / norms)
    length = np.linalg.norm(total)
    if length < 1e-6:
        raise SmicnbError("found a sum whose terms cancel one another out", "terms that differ")
    return total / length
