"""Photographs and generated pictures as small JPEG files, each made once and kept, so that they are at hand at once."""

import io
from typing import NamedTuple

import numpy as np

from smicnb.base.cache import ArrayCache
from smicnb.base.files import sha256_array
from smicnb.base.progress import progress
from smicnb.semantics.encoders.towers import resize_and_crop
from smicnb.semantics.generators.generators import RetrievalGenerator
from smicnb.semantics.photographs.image_collections import Collection, Item
from smicnb.semantics.spaces import SemanticSpace

SIDE, QUALITY = 240, 85  # pixels of a side; of JPEG


class Picture(NamedTuple):
    """A generated picture: JPEG bytes, and the latent (L,) that the encoder gives it."""

    jpeg: bytes
    latent: np.ndarray


def jpeg(image: np.ndarray) -> np.ndarray:
    """The square middle of an RGB uint8 image H×W×3 as a JPEG file, uint8."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(resize_and_crop(image, SIDE)).save(file, "JPEG", quality=QUALITY)
    return np.frombuffer(file.getvalue(), np.uint8)


def thumbnail(item: Item) -> bytes:
    """A photograph's JPEG file; raises ImageError where the photograph can no longer be read."""
    key = [*item.read, SIDE, QUALITY]
    return ArrayCache("thumbnails").get_or_make(key, lambda: jpeg(item.image(side=SIDE))).tobytes()


class Pictures:
    """What a space's generator makes of latents, with one seed for all pictures.

    Retrieval answers at once, from thumbnails of its gallery. Any other generator takes its time for a latent that it
    has not met before; its pictures are kept on disk.
    """

    def __init__(self, space: SemanticSpace, seed: int):
        self.space, self.seed = space, seed
        self._photographs: dict[str, Picture] = {}
        if isinstance(space.generator, RetrievalGenerator):
            gallery = space.generator.gallery
            small = thumbnails(gallery)
            for item, file, latent in zip(gallery, small, space.encode(gallery), strict=True):
                self._photographs[item.id] = Picture(file, latent)

    @property
    def instant(self) -> bool:
        """Whether every picture is there already."""
        return bool(self._photographs)

    def picture_of(self, latent: np.ndarray) -> Picture | None:
        """The picture of a latent (L,); None where the latent is zero, which means nothing."""
        if not latent.any():
            return None
        if self.instant:
            return self._photographs[self.space.generator.nearest(latent[None])[0].id]
        key = {**self.space.fingerprint, "seed": self.seed, "latent": sha256_array(latent), "jpeg": [SIDE, QUALITY]}
        files, latents = ArrayCache("pictures"), ArrayCache("picture-latents")
        file, seen = files.get(key), latents.get(key)
        if file is None or seen is None:
            (image,) = self.space.generate(latent[None], self.seed)
            file, seen = jpeg(image), self.space.encoder.encode_images([image])[0]
            files.put(key, file)
            latents.put(key, seen)
        return Picture(file.tobytes(), seen)


def thumbnails(collection: Collection) -> list[bytes]:
    """The JPEG files of all items, in their order."""
    return [thumbnail(item) for item in progress(collection.items, f"thumbnails of {collection.name}")]
