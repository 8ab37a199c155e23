"""Coders of latents under the protocol of image codecs: an image is its record, and a generator paints what it says.

What encoder and decoder share (a codebook, a range) was sent once, before: an image's file is its own record alone,
behind its width and height. A collection of n images adds a share of what was sent once (`add_share`).
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
import pandas as pd

from smicnb.base import leb128
from smicnb.base.errors import IntegrityError
from smicnb.codec.coders import choice
from smicnb.codec.coders.axes import AxesCodec
from smicnb.codec.coders.smic import SMICCodec, learn_atoms
from smicnb.codec.format import container
from smicnb.codec.format.container import Block
from smicnb.codec.format.priors import Prior
from smicnb.codec.format.reader import SmicReader
from smicnb.codec.rate import POINTS
from smicnb.compare.latents import symbols
from smicnb.compare.latents.quantisers.scalar import FixedScalar
from smicnb.compare.latents.symbols import FixedLength
from smicnb.compare.latents.transforms import Truncation, normalise
from smicnb.semantics.photographs.images import MAX_PIXELS, check_rgb
from smicnb.semantics.spaces import SemanticSpace

SMIC, CLIP_INTRA = "SMIC", "CLIP-intra [21]"  # [21] of the paper; ours is made in the encoder's own space
BEYOND = f"{SMIC}, beyond the paper"
SIZE = ", n = "  # between a codec's name and the number of images that share what is sent once
INTRA_BITS = (1, 2, 4)  # of a dimension
QUALITIES = (0.7, 0.8, 0.85, 0.9, 0.95)  # of the coder beyond the paper: mean cosines on the collection
CODINGS = {"entropy": "entropy coded", "tuple": "tuples"}  # a .smic file's -> in a name


class Records(Protocol):
    """A coder of latents whose decoder already holds what is shared."""

    once: bytes  # what is shared, as it is sent

    def pack(self, Z: np.ndarray) -> bytes:
        """The record of one latent (1, L) of any norm."""

    def unpack(self, data: bytes) -> np.ndarray:
        """The latent (1, L) of a record; raises IntegrityError where it is none."""


class SmicRecords:
    """Blocks of one image; what is shared is `once`, the .smic file of no image, with all that is known of the
    codebook.
    """

    def __init__(self, once: bytes):
        with SmicReader(once) as opened:
            self.once, self._codec = once, choice.codec_of(opened.codebook)

    def pack(self, Z: np.ndarray) -> bytes:
        """The payload of a block that holds one latent (1, L)."""
        (block,) = self._codec.blocks(Z)
        return block.payload

    def unpack(self, data: bytes) -> np.ndarray:
        """The latent (1, L) of such a payload."""
        codebook = self._codec.codebook_
        return codebook.reconstruct(codebook.decode_payload(Block(1, data, b"")))


class ScalarRecords:
    """Every dimension of `dim` at a fixed number of bits, as CLIP-intra has it; what is shared is `once`, a
    `FixedScalar`'s side information.
    """

    def __init__(self, once: bytes, dim: int):
        self.once = once
        self._quantiser, _ = FixedScalar.from_bytes(once, dim)
        self._model = FixedLength(dim, self._quantiser.bits)

    def pack(self, Z: np.ndarray) -> bytes:
        """The levels of one latent (1, L)."""
        return symbols.encode(self._quantiser.quantise(normalise(Z)), self._model)

    def unpack(self, data: bytes) -> np.ndarray:
        """The latent (1, L) of such levels."""
        return self._quantiser.reconstruct(symbols.decode(data, 1, self._model))


def pack_size(width: int, height: int) -> bytes:
    """What stands before an image's record."""
    return leb128.pack(width) + leb128.pack(height)


def fit_to_size(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """A picture, RGB uint8 H×W×3, cropped at its middle and resized to another size."""
    from PIL import Image, ImageOps

    return np.asarray(ImageOps.fit(Image.fromarray(picture), (width, height), Image.Resampling.LANCZOS))


class SemanticImages:
    """A coder of latents as an image codec (`evaluate.ImageCodec`).

    The picture that the generator makes is cropped and resized to the width and height of the file.

    Args:
        name, setting: names of the codec and of its operating point.
        records: a coder of latents.
        space: encoder and generator.
        latent: function from an image to its latent (1, L) by the space's encoder; `encode_image` remembers the last.
        seed: the generator's seed.
        prior: knowledge that both sides have besides, where the records need one.
    """

    def __init__(
        self,
        name: str,
        setting: str,
        records: Records,
        space: SemanticSpace,
        latent: Callable[[np.ndarray], np.ndarray],
        seed: int,
        prior: Prior | None = None,
    ):
        self.name, self.setting, self.once_bits = name, setting, 8 * len(records.once)
        self.records, self._space, self._latent, self._seed = records, space, latent, seed
        self.fingerprint = {**space.fingerprint, "shared": hashlib.sha256(records.once).hexdigest(), "seed": seed}
        if prior is not None:
            self.fingerprint["prior"] = f"{prior.identity.hex()}, {prior.size} bytes that both sides have"

    def encode(self, image: np.ndarray, caption: str | None = None) -> bytes:
        """Width, height and record of an RGB uint8 image H×W×3; the caption is not used."""
        check_rgb(image)
        height, width = image.shape[:2]
        return pack_size(width, height) + self.records.pack(self._latent(image))

    def decode(self, data: bytes) -> np.ndarray:
        """A picture, RGB uint8 H×W×3, of what a file says."""
        width, place = leb128.read(data, 0)
        height, place = leb128.read(data, place)
        if not 0 < width * height <= MAX_PIXELS:
            raise IntegrityError(f"found a size of {width}×{height} pixels", f"1 to {MAX_PIXELS}")
        (picture,) = self._space.generate(self.records.unpack(data[place:]), self._seed)
        return fit_to_size(picture, width, height)


def encode_image(space: SemanticSpace) -> Callable[[np.ndarray], np.ndarray]:
    """The latent (1, L) of an image, the last few remembered: operating points of one image follow one another."""

    @lru_cache(maxsize=4)
    def of(pixels: bytes, shape: tuple[int, ...]) -> np.ndarray:
        return space.encoder.encode_images([np.frombuffer(pixels, np.uint8).reshape(shape)])

    return lambda image: of(image.tobytes(), image.shape)


def semantic_codecs(space: SemanticSpace, collection: np.ndarray, seed: int) -> list[SemanticImages]:
    """The paper's three operating points in both codings, the coder beyond it, then CLIP-intra, fitted to latents (n,
    L) of a collection; none of those that are tested.
    """
    latent, codecs = encode_image(space), []
    about = {"encoder": space.encoder.name, "weights_hash": space.encoder.weights_hash}

    def added(name: str, setting: str, codec: SMICCodec | AxesCodec) -> None:
        records, prior = SmicRecords(container.dump(*codec.sections, [])), getattr(codec, "prior", None)
        codecs.append(SemanticImages(name, setting, records, space, latent, seed, prior))

    atoms = {model: learn_atoms(collection, point.n_atoms, point.penalty, seed) for model, point in POINTS.items()}
    for coding, words in CODINGS.items():
        for model, point in POINTS.items():
            settings = {"coding": coding, "random_state": seed, "refit": True, **about}
            codec = SMICCodec(point.n_atoms, point.penalty, point.b_dict, point.b_coef, **settings)
            added(f"{SMIC}, {words}", model, codec.fit(collection, atoms=atoms[model]))
    for quality in QUALITIES:
        way = choice.ways(collection, cosine=quality, only=("own", "prior"), **about)[0]
        added(BEYOND, f"quality {quality:g}", way.codec)
    for bits in INTRA_BITS:
        quantiser = FixedScalar(CLIP_INTRA, Truncation(), bits).fit(normalise(collection))
        records = ScalarRecords(quantiser.side_information(), space.dim)
        codecs.append(SemanticImages(CLIP_INTRA, quantiser.setting, records, space, latent, seed))
    return codecs


def add_share(points: pd.DataFrame, codecs: Sequence[SemanticImages], n: int) -> pd.DataFrame:
    """The rows of collection codecs with the share that each image of a collection of n has of what is sent once.

    Args:
        points: `evaluate.points`' with bytes and bpp.
        codecs: the codecs to keep, by name and setting; rows of others are left out.
        n: images, at least 1.

    Returns:
        Such rows, the codec's name with ", n = …" behind it; bytes and bpp with the share, which is a fraction.
    """
    once = {(codec.name, codec.setting): codec.once_bits / 8 for codec in codecs}
    keys = list(zip(points["codec"], points["setting"], strict=True))
    share = np.array([once.get(key, np.nan) for key in keys]) / n
    shared = points.assign(
        codec=points["codec"] + f"{SIZE}{n}",
        bpp=points["bpp"] * (1 + share / points["bytes"]),
        bytes=points["bytes"] + share,
    )
    return shared[np.isfinite(share)].reset_index(drop=True)
