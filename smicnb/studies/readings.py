"""Our readings of the paper's CSS, BSS, MSE-SS and Ψ, for images generated from a collection's latents.

The paper cites their definitions to a text that could not be had; docs/protocol.md says what is computed instead.
"""

from collections.abc import Callable, Sequence

import numpy as np

from smicnb.semantics.encoders.towers import BATCH
from smicnb.semantics.metrics.captions import Captioner, caption_similarity, captioner
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.metrics.perception import QualityModel, quality_model
from smicnb.semantics.metrics.segments import Segmenter, segmentation_mse, segmenter
from smicnb.semantics.photographs.image_collections import Collection
from smicnb.semantics.spaces import SemanticSpace

Image = np.ndarray
# Metric -> the paper's column that it is our reading of.
COLUMNS = {
    "image_caption_similarity": "CSS",
    "caption_similarity": "BSS",
    "segmentation_mse": "MSE-SS",
    "quality": "Ψ",
}
UNRELATED = "caption_similarity_unrelated"  # what captions of different scenes have in common by their mould
MOST = 256  # generated images that are remembered with their captions: a real generator's never come back


class Readings:
    """Measures of generated images against their originals, as far as there are models for them.

    Args:
        space: the space whose encoder compares captions with images.
        originals: split -> its images, or functions that return one.
        scenes: split -> scene of each.
        captioner, segmenter, quality: the models, each None where there is none.
    """

    def __init__(
        self,
        space: SemanticSpace,
        originals: dict[str, Sequence[Image | Callable[[], Image]]],
        scenes: dict[str, Sequence[str]],
        captioner: Captioner | None = None,
        segmenter: Segmenter | None = None,
        quality: QualityModel | None = None,
    ):
        self._encoder, self._originals, self._scenes = space.encoder, originals, scenes
        self._captioner, self._segmenter, self._quality = captioner, segmenter, quality
        self._captions: dict[tuple[str, int], str] = {}
        self._texts: dict[str, np.ndarray] = {}  # caption -> its latent
        self._said: dict[int, tuple[Image, str]] = {}  # id -> (image kept alive, its caption)

    @property
    def what(self) -> str:
        """One clause for captions: who says what the images show, stand-ins called stand-ins."""
        judges = {"captions": self._captioner, "segments": self._segmenter, "quality": self._quality}
        said = [f"{kind} by {judge.name} ({judge.what})" for kind, judge in judges.items() if judge is not None]
        return ", ".join(said) or "no captions, segments or quality"

    @property
    def fingerprint(self) -> dict[str, dict]:
        """What a record keeps of each model that measures."""
        judges = [judge for judge in (self._captioner, self._segmenter, self._quality) if judge is not None]
        return {judge.name: dict(judge.fingerprint) for judge in judges}

    def __call__(
        self, split: str, rows: Sequence[int], images: Sequence[Image], latents: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Metric -> (len(rows),) values of images generated from the split's rows, one each, whose latents by the
        space's encoder are (len(rows), L).
        """
        values = {}
        if self._captioner is not None:
            own, made = self._captions_of_images(split, rows), self._captions_of(images)
            values["caption_similarity"] = caption_similarity(own, made)
            if (elsewhere := self._rows_of_other_scenes(split, rows)) is not None:
                values[UNRELATED] = caption_similarity(own, [made[k] for k in elsewhere])
            values["image_caption_similarity"] = latent_cosine(self._text_latents(own), latents)
        if self._segmenter is not None:
            values["segmentation_mse"] = segmentation_mse(self._segmenter, self._images(split, rows), images)
        if self._quality is not None:
            values["quality"] = self._quality.quality(images)
        return values

    def _images(self, split: str, rows: Sequence[int]) -> list[Image]:
        found = (self._originals[split][row] for row in rows)
        return [image() if callable(image) else image for image in found]

    def _captions_of_images(self, split: str, rows: Sequence[int]) -> list[str]:
        new = [row for row in rows if (split, row) not in self._captions]
        for start in range(0, len(new), BATCH):  # as many images in memory as an encoder takes at once
            some = new[start : start + BATCH]
            said = self._captioner.caption(self._images(split, some))
            self._captions |= {(split, row): caption for row, caption in zip(some, said, strict=True)}
        return [self._captions[split, row] for row in rows]

    def _captions_of(self, images: Sequence[Image]) -> list[str]:
        new = {id(image): image for image in images if id(image) not in self._said}
        said = self._captioner.caption(list(new.values()))
        self._said |= {key: (new[key], caption) for key, caption in zip(new, said, strict=True)}
        captions = [self._said[id(image)][1] for image in images]
        self._said = dict(list(self._said.items())[-MOST:])
        return captions

    def _text_latents(self, captions: Sequence[str]) -> np.ndarray:
        new = [caption for caption in dict.fromkeys(captions) if caption not in self._texts]
        self._texts |= dict(zip(new, self._encoder.encode_text(new), strict=True))
        return np.stack([self._texts[caption] for caption in captions])

    def _rows_of_other_scenes(self, split: str, rows: Sequence[int]) -> list[int] | None:
        """For each row the place of the next one of another scene; None where all are of one."""
        scenes = [self._scenes[split][row] for row in rows]
        count = len(scenes)
        if len(set(scenes)) < 2:
            return None
        return [
            next(k % count for k in range(place + 1, place + count) if scenes[k % count] != scene)
            for place, scene in enumerate(scenes)
        ]


def readings(
    space: SemanticSpace, splits: dict[str, Collection], captions: str, segments: str, quality: str
) -> Readings:
    """The readings of named models on the images of each split; the name "none" leaves one out."""
    return Readings(
        space,
        {split: [item.image for item in items] for split, items in splits.items()},
        {split: [item.scene for item in items] for split, items in splits.items()},
        None if captions == "none" else captioner(captions, space.encoder),
        None if segments == "none" else segmenter(segments),
        None if quality == "none" else quality_model(quality),
    )
