"""Draw the picture of the README: photographs, all that is kept of them as bits, and what these bits find.

`python tools/draw_face.py` writes figures/face. The 79 whole photographs of the embedded collection are coded on the
prior's axes, each in a block of its own, so that its bytes are decoded without the others', and the file is searched:
by photographs, whose own bits are the query, and by words.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from smicnb.base.errors import SmicnbError
from smicnb.codec.coders.axes import AxesCodec
from smicnb.codec.format import container, priors
from smicnb.codec.format.reader import SmicReader
from smicnb.codec.search.index import SemanticIndex
from smicnb.drawing import style
from smicnb.drawing.parts import draw_thumbnail, strip_axes
from smicnb.repro import figures
from smicnb.repro.checkout import root, versions
from smicnb.semantics.encoders import lite0_minilm
from smicnb.semantics.encoders.encoders import encode_collection, encoder
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.photographs.image_collections import Collection, Item
from smicnb.semantics.photographs.views import WHOLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE = root() / "figures" / "face" / "bits_find.png"
FIDELITY = 98  # of `AxesCodec`: some hundred bits a photograph
SHOWN = 3  # photographs that each query finds
SCENES = ("eiffel-tower", "tomatoes")  # the first photograph of each asks; chosen by hand, as the words are
WORDS = ("flowers",)


def coded(latents: np.ndarray) -> bytes:
    """A .smic file of latents (n, L) with one image a block."""
    (prior,) = priors.list_priors()
    codec = AxesCodec("prior", FIDELITY, prior=prior, weights_hash=encoder(lite0_minilm.NAME).weights_hash)
    codec.set_params(encoder=lite0_minilm.NAME).fit(latents)
    blocks = [block for row in range(len(latents)) for block in codec.blocks(latents[row : row + 1])]
    return container.dump(*codec.sections, blocks)


def bits_of(file: bytes, image: int) -> np.ndarray:
    """The bits (n,) of an image's block in the file, 0 or 1."""
    with container.SmicFile(file) as opened:
        return np.unpackbits(np.frombuffer(opened.block(image).payload, np.uint8))


def asked(items: tuple[Item, ...]) -> list[int]:
    """The photographs that ask."""
    scenes = [item.scene for item in items]
    return [scenes.index(scene) for scene in SCENES]


def searched(items: tuple[Item, ...], file: bytes) -> pd.DataFrame:
    """A row for each photograph that is found: the query, its bits, rank, photograph and cosine."""
    with SmicReader(file) as opened:
        latents = opened.latents()
    index, rows = SemanticIndex.open(file), []
    queries = [(row, latents[row]) for row in asked(items)] + [(word, word) for word in WORDS]
    for query, what in queries:
        hits = [hit for hit in index.search([what], SHOWN + 1)[0] if hit.image != query][:SHOWN]
        own = {"query": query, "bits": 0} if isinstance(query, str) else {
            "query": items[query].id, "bits": len(bits_of(file, query))
        }  # fmt: skip
        rows += [
            {
                **own,
                "rank": rank,
                "found": items[hit.image].id,
                "found_bits": len(bits_of(file, hit.image)),
                "cosine": round(hit.score, 3),
            }
            for rank, hit in enumerate(hits, start=1)
        ]
    return pd.DataFrame(rows)


def drawn(photographs: Collection, file: bytes, found: pd.DataFrame) -> "Figure":
    """A line a query: the photograph or the words, the bits, and what is found."""
    import matplotlib.pyplot as plt

    place = {item.id: row for row, item in enumerate(photographs.items)}
    queries = list(dict.fromkeys(found["query"]))
    size = (style.PAGE, 1.15 * style.PAGE / (SHOWN + 2) * len(queries))
    figure, grid = plt.subplots(len(queries), SHOWN + 2, figsize=size)
    for line, query in zip(grid, queries, strict=True):
        if query in place:
            bits = bits_of(file, place[query])
            draw_thumbnail(line[0], photographs.items[place[query]].image())
            line[1].imshow(1 - bits.reshape(-1, 8), cmap="gray", vmin=-0.15, vmax=1.15)
            line[1].set(xlim=(-4.5, 11.5), ylim=(15.5, -0.5))  # a byte a line, in a square as large as the photographs
            strip_axes(line[1], below=f"{len(bits)} bits (dark: 1)")
        else:
            for axes, said, size in ((line[0], f"“{query}”", 11), (line[1], "words are not coded,\nonly compared", 7)):
                axes.axis("off")
                axes.text(0.5, 0.5, said, ha="center", va="center", fontsize=size, transform=axes.transAxes)
        for axes, (_, row) in zip(line[2:], found[found["query"] == query].iterrows(), strict=True):
            draw_thumbnail(
                axes,
                photographs.items[place[row["found"]]].image(),
                below=f"cosine {row['cosine']:.2f}, {row['found_bits']} bits",
            )
    titles = (
        "what is looked for",
        "all that is kept of it",
        f"the nearest of {len(photographs)}, by the bits kept of each",
    )
    for axes, title in zip(grid[0], titles, strict=False):
        axes.set_title(title, loc="left").set_in_layout(False)
    return figure


def whole() -> tuple[Collection, np.ndarray]:
    """The whole photographs of the embedded collection, and their latents (n, L)."""
    embedded = image_collections.load("embedded")
    photographs = replace(embedded, items=tuple(item for item in embedded.items if item.view == WHOLE))
    return photographs, encode_collection(encoder(lite0_minilm.NAME), photographs)


def main() -> None:
    """Code, search, draw and write."""
    photographs, latents = whole()
    file = coded(latents)
    found = searched(photographs.items, file)
    with SmicReader(file) as opened:
        share = 8 * opened.file.spent["payload"] / len(opened)
        cosine = latent_cosine(latents, opened.latents()).mean()
    caption = (
        f"{len(photographs)} embedded photographs, each in bytes that are decoded by themselves: {share:.0f} bits on "
        f"average, at a mean cosine of {cosine:.2f} to the latent. Left: what asks, chosen by hand, and its bits. "
        "Right: photographs whose bits lie nearest."
    )
    origin = {
        "tool": Path(__file__).name,
        "parameters": {
            "fidelity": FIDELITY,
            "shown": SHOWN,
            "scenes": list(SCENES),
            "words": list(WORDS),
            "seed": 0,  # nothing is drawn at random
        },
        "made_from": {"encoder": encoder(lite0_minilm.NAME).weights_hash, "embedded": photographs.fingerprint},
        "versions": versions(),
    }
    style.use_style()
    figures.write_data(PICTURE.with_suffix(".csv"), found)
    figures.write_picture(PICTURE, drawn(photographs, file, found), caption, origin)
    figures.write_sidecar(PICTURE.with_suffix(".json"), origin, caption, [PICTURE, PICTURE.with_suffix(".csv")])
    print(caption)


if __name__ == "__main__":
    try:
        main()
    except SmicnbError as error:
        sys.exit(f"draw_face: {error}")
