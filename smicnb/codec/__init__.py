"""Meaning to bytes and back: the semantic dictionary, the `.smic` file, and the rate model.

`SemanticDictionary` learns atoms (Eq. 7 and 8); `SMICCodec` makes files with it, `AxesCodec` files beyond the paper,
`ways` tries both for a fidelity or a size; `SmicReader` and `decode` read any of them, with numpy alone.
`SemanticIndex` finds photographs in them.

>>> import numpy as np
>>> from smicnb.codec import AxesCodec, SemanticDictionary, SemanticIndex, SMICCodec, SmicReader, decode, ways
>>> latents = np.random.default_rng(0).standard_normal((40, 16)) * np.linspace(3, 0.1, 16)
>>> SemanticDictionary(n_atoms=8, penalty=2.0).fit(latents).atoms_.shape
(8, 16)
>>> file = SMICCodec(n_atoms=8, penalty=2.0).fit(latents).encode(latents)
>>> decode(file).shape, len(SmicReader(file))
((40, 16), 40)
>>> beyond = AxesCodec(fidelity=80).fit(latents)
>>> decode(beyond.encode(latents)).shape
(40, 16)
>>> index = SemanticIndex.open(beyond.encode(latents))
>>> [hit.image for hit in index.search(latents[7], k=1)[0]]
[7]
>>> best, *others = ways(latents, cosine=0.8)
>>> len(best.codec.encode(latents)) > 0
True
"""

from typing import TYPE_CHECKING

from smicnb import offered

if TYPE_CHECKING:
    from smicnb.codec.coders.axes import AxesCodec
    from smicnb.codec.coders.choice import ways
    from smicnb.codec.coders.dictionary import SemanticDictionary
    from smicnb.codec.coders.smic import SMICCodec
    from smicnb.codec.format.reader import SmicReader, decode
    from smicnb.codec.search.index import SemanticIndex

__all__ = ["AxesCodec", "SMICCodec", "SemanticDictionary", "SemanticIndex", "SmicReader", "decode", "ways"]
__getattr__ = offered(
    __name__,
    {
        "AxesCodec": "codec.coders.axes",
        "SMICCodec": "codec.coders.smic",
        "SemanticDictionary": "codec.coders.dictionary",
        "SemanticIndex": "codec.search.index",
        "SmicReader": "codec.format.reader",
        "decode": "codec.format.reader",
        "ways": "codec.coders.choice",
    },
)
