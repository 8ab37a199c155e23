"""Images to meaning and back: collections, weights, encoders, generators, spaces, metrics.

`load` gives a collection of photographs by name, `encoder` an encoder, `encode_collection` latents that are computed
once; `space` pairs an encoder with a generator; `read_image` opens any photograph.

>>> from smicnb.semantics import encode_collection, encoder, load, read_image, space
>>> photographs = load("embedded")
>>> latents = encode_collection(encoder("lite0-minilm"), photographs.split("heldout"))
>>> latents.shape
(84, 384)
>>> semantic_space = space("lite0-minilm", "retrieval", photographs.split("gallery"))
>>> (picture,) = semantic_space.generate(latents[:1], seeds=0)
>>> picture.dtype, read_image(photographs.items[0].path).dtype
(dtype('uint8'), dtype('uint8'))
"""

from typing import TYPE_CHECKING

from smicnb import offered

if TYPE_CHECKING:
    from smicnb.semantics.encoders.encoders import encode_collection, encoder
    from smicnb.semantics.photographs.image_collections import load
    from smicnb.semantics.photographs.images import read_image
    from smicnb.semantics.spaces import space

__all__ = ["encode_collection", "encoder", "load", "read_image", "space"]
__getattr__ = offered(
    __name__,
    {
        "encode_collection": "semantics.encoders.encoders",
        "encoder": "semantics.encoders.encoders",
        "load": "semantics.photographs.image_collections",
        "read_image": "semantics.photographs.images",
        "space": "semantics.spaces",
    },
)
