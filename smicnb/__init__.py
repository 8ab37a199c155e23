"""Reproducible notebooks and a codec for semantic multi-item image compression.

`load` gives a collection of photographs, `encoder` and `encode_collection` its latents; `SMICCodec` (the paper's) and
`AxesCodec` (beyond it) make `.smic` files of latents, `SmicReader` reads them, and `SemanticIndex` finds photographs in
them; `open_codec` opens TACO and SIC.
More is in the rooms: `smicnb.semantics`, `smicnb.codec`, `smicnb.learned` and `smicnb.compare` say what they offer.

>>> import smicnb
>>> photographs = smicnb.load("embedded").split("heldout")
>>> latents = smicnb.encode_collection(smicnb.encoder("lite0-minilm"), photographs)
>>> codec = smicnb.SMICCodec(n_atoms=8).fit(latents)
>>> file = codec.encode(latents)
>>> smicnb.SmicReader(file).latents().shape == latents.shape
True
>>> file = smicnb.AxesCodec(fidelity=90).fit(latents).encode(latents)
>>> smicnb.SemanticIndex.open(file).search(latents[5], k=1)[0][0].image
5

Nothing is loaded before it is asked for. Rooms, in the only order in which they may import one another:
base → semantics → codec → learned → compare → drawing → studies → repro → explore → cli.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smicnb.codec.coders.axes import AxesCodec
    from smicnb.codec.coders.smic import SMICCodec
    from smicnb.codec.format.reader import SmicReader
    from smicnb.codec.search.index import SemanticIndex
    from smicnb.learned.any_codec import open_codec
    from smicnb.semantics.encoders.encoders import encode_collection, encoder
    from smicnb.semantics.photographs.image_collections import load

__version__ = "0.2.0"
__all__ = [
    "AxesCodec",
    "SMICCodec",
    "SemanticIndex",
    "SmicReader",
    "encode_collection",
    "encoder",
    "load",
    "open_codec",
]


def offered(room: str, modules: dict[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a room (its dotted name): what it offers (name -> module below smicnb that holds it),
    imported when it is first asked for.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module '{room}' has no attribute '{name}'")
        return getattr(import_module(f"smicnb.{modules[name]}"), name)

    return get


__getattr__ = offered(
    __name__,
    {
        "AxesCodec": "codec.coders.axes",
        "SMICCodec": "codec.coders.smic",
        "SemanticIndex": "codec.search.index",
        "SmicReader": "codec.format.reader",
        "encode_collection": "semantics.encoders.encoders",
        "encoder": "semantics.encoders.encoders",
        "load": "semantics.photographs.image_collections",
        "open_codec": "learned.any_codec",
    },
)
