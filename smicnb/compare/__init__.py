"""Where we stand: methods measured against one another on the same images.

`evaluate` runs image codecs over a collection, from bytes to long-form rows; `bd_rate` compares two rate curves.

>>> from dataclasses import replace
>>> from smicnb.compare import bd_rate, evaluate
>>> from smicnb.compare.images.classical import Jpeg
>>> from smicnb.semantics import load
>>> photographs = load("embedded")
>>> one = replace(photographs, items=photographs.items[:1])
>>> table = evaluate([Jpeg(50)], one, metrics=["psnr"])
>>> sorted(table["metric"])
['bpp', 'bytes', 'decode_seconds', 'encode_seconds', 'psnr']
>>> round(bd_rate([1, 2, 4], [30, 33, 36], [2, 4, 8], [30, 33, 36]), 6)  # half the bits at every quality
-50.0
"""

from typing import TYPE_CHECKING

from smicnb import offered

if TYPE_CHECKING:
    from smicnb.compare.images.curves import bd_rate
    from smicnb.compare.images.evaluate import evaluate

__all__ = ["bd_rate", "evaluate"]
__getattr__ = offered(
    __name__,
    {
        "bd_rate": "compare.images.curves",
        "evaluate": "compare.images.evaluate",
    },
)
