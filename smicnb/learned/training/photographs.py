"""What a learned codec is trained on: photographs in memory, their captions, and seeded crops of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smicnb.base.errors import ImageError
from smicnb.base.files import sha256_json
from smicnb.base.progress import progress_bar
from smicnb.semantics.encoders.encoders import SemanticEncoder
from smicnb.semantics.metrics.captions import NearestWords
from smicnb.semantics.photographs.image_collections import load, words
from smicnb.semantics.photographs.images import describe, read_image, shrink

if TYPE_CHECKING:
    from torch import Tensor

FITTED, VALIDATED = ("train", "gallery"), ("heldout",)  # splits that are trained on, and that only tell how it goes
SHORT_SIDE = 512  # larger photographs are made smaller: a crop of 128 pixels should hold more than sky


class Batch(NamedTuple):
    """What a step is given: `pixels` of crops (n, 3, side, side) in [0, 1] of a part ("fitted" or "validated"), the
    numbers (n,) of their photographs in that part, and the seed that the crops were drawn with.
    """

    part: str
    pixels: "Tensor"
    numbers: np.ndarray
    seed: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Photographs:
    """Photographs to train or to validate on.

    Args:
        images: RGB uint8 H×W×3.
        captions: one sentence for each photograph; all empty for a codec without text.
        sources: origins of captions, and how many.
        sha256: hash of the files and captions.
        skipped: reason -> number of files that were left out.
    """

    images: Sequence[np.ndarray]
    captions: tuple[str, ...]
    sources: dict[str, int]
    sha256: str
    skipped: dict[str, int]

    def crops(self, count: int, side: int, seed: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Random square crops, half of them mirrored, and the numbers of their photographs; the integers of `seed`
        alone decide which.

        Returns:
            (count, side, side, 3) uint8 and (count,) int.
        """
        rng = np.random.default_rng(seed)
        chosen = rng.integers(len(self.images), size=count)
        crops = np.empty((count, side, side, 3), np.uint8)
        for row, number in enumerate(chosen):
            image = self.images[number]
            top, left = (rng.integers(0, size - side + 1) for size in image.shape[:2])
            crop = image[top : top + side, left : left + side]
            crops[row] = crop[:, ::-1] if rng.integers(2) else crop
        return crops, chosen

    @cached_property
    def summary(self) -> str:
        """One line for people."""
        captions = (
            ", ".join(f"{count} captions from {source}" for source, count in self.sources.items()) or "no captions"
        )
        skipped = ", ".join(f"{count} {reason}" for reason, count in self.skipped.items())
        return f"{len(self.images)} photographs; {captions}; {f'skipped: {skipped}' if skipped else 'none skipped'}"


def photographs(
    collections: Sequence[str], splits: Sequence[str], side: int, encoder: SemanticEncoder | None
) -> Photographs:
    """The photographs of some splits of some collections, at most 512 pixels on their shorter side.

    Captions are the data set's own where it has them, else the words nearest to the image's latent.

    Args:
        collections: names as in `image_collections.load`.
        splits: splits to take of each.
        side: pixels that both sides must have; what is smaller is skipped and counted, as is what cannot be read.
        encoder: source of nearest words in place of captions; None: there are no captions, for a codec without text.

    Raises:
        ImageError: nothing is left.
    """
    images, captions, hashes, skipped = [], [], [], Counter()
    for name in collections:
        collection = load(name)
        skipped.update(collection.skipped)
        # Of a collection with several views of each photograph, the photograph itself.
        items = list({item.path: item for item in collection if item.split in splits}.values())
        with progress_bar(f"reading {collection.name}", len(items) or 1) as advance:
            for item in items:
                advance(1)
                try:
                    image = read_image(item.path)
                    image = shrink(image, SHORT_SIDE / min(image.shape[:2]))
                except ImageError:
                    skipped["not readable"] += 1
                    continue
                if min(image.shape[:2]) < side:
                    skipped[f"smaller than {side} pixels"] += 1
                    continue
                images.append(image)
                captions.append(item.caption if encoder else "")
                hashes.append([item.content_hash, captions[-1]])
    if not images:
        left_out = f"; left out: {describe(skipped)}" if skipped else ""
        place = f"in the splits {' and '.join(splits)} of {', '.join(collections)}"
        raise ImageError(f"found no photograph to train on {place}{left_out}", f"photographs of {side} pixels a side")
    if encoder is None:
        return Photographs(images, tuple(captions), {}, sha256_json([hashes, captions]), dict(skipped))
    missing = [number for number, caption in enumerate(captions) if not caption]
    captioner = NearestWords(encoder, words())
    for number, caption in zip(missing, captioner.caption([images[number] for number in missing]), strict=True):
        captions[number] = caption
    sources = {"the data set": len(captions) - len(missing), captioner.name: len(missing)}
    sources = {source: count for source, count in sources.items() if count}
    return Photographs(images, tuple(captions), sources, sha256_json([hashes, captions]), dict(skipped))
