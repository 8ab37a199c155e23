"""TACO and SIC: images to bytes and back through networks that were trained for it.

`open_codec` opens a model that ships, by name, or any checkpoint; `model_of_file` finds the model that wrote a file.

>>> import numpy as np
>>> from smicnb.learned import model_of_file, open_codec
>>> image = np.full((64, 96, 3), 128, np.uint8)
>>> file = open_codec("full/low/0").encode(image, "a grey wall")
>>> open_codec(model_of_file(file)).decode(file).shape
(64, 96, 3)
"""

from typing import TYPE_CHECKING

from smicnb import offered

if TYPE_CHECKING:
    from smicnb.learned.any_codec import model_of_file, open_codec

__all__ = ["model_of_file", "open_codec"]
__getattr__ = offered(
    __name__,
    {
        "model_of_file": "learned.any_codec",
        "open_codec": "learned.any_codec",
    },
)
