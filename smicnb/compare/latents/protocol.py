"""Coders of latents against one another: what each of them is asked for, and the file that those here share.

A coder is fitted to the latents of a collection's training part and codes others. Its file holds all that a decoder
needs, so that every bit is counted: side information once for a collection, payload for every image.

The file of the coders here, little-endian: magic, kind of coder, images, L, length of the side information, side
information (quantiser, then entropy tables or nothing), payload (blocks), CRC-32 of the symbols, CRC-32 of all before.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import numpy as np

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.compare.latents import symbols as latent_symbols
from smicnb.compare.latents.symbols import FixedLength, Model, Tables
from smicnb.compare.latents.transforms import normalise

MAGIC = b"LAT\x01"
HEADER = struct.Struct("<4sBBIHI")  # magic, kind, whether entropy-coded, images, L, bytes of side information
CHECK = struct.Struct("<II")  # of the symbols: what a decoder of other tables finds; and of the file
MOST_IMAGES = 1 << 24


@dataclass(frozen=True)
class Spent:
    """Bytes of a file, by what they are for.

    Args:
        side: bytes sent once for a collection: header, transform or codebook, tables, checksums.
        payload: bytes of all images together, with what finds and checks whole blocks, as a large collection has them.
        images: number of images.
        container: bytes of `side` that find and check things and hold no code.
    """

    side: float
    payload: float
    images: int
    container: float = 0

    def bits(self, n: float) -> float:
        """Bits of an image of a collection of n like these, its share of the side information included."""
        return 8 * (self.payload / self.images + self.side / n)


class LatentCoder(Protocol):
    """A way to code latents, at one setting."""

    name: str  # of the curve ("KLT")
    setting: str  # of the point on it ("step 2")

    def fit(self, Z: np.ndarray) -> Self:
        """Fit to training latents Z (n, L) of any norm."""

    def encode(self, Z: np.ndarray) -> bytes:
        """One file that holds latents Z (n, L) of any norm, n at least 1, and all that a decoder needs."""

    def decode(self, data: bytes) -> np.ndarray:
        """The latents (n, L) float32 of a file, from the file alone; raises IntegrityError where it is damaged."""

    def spent(self, data: bytes) -> Spent:
        """What the bytes of a file are for."""

    def image_bits(self, data: bytes) -> np.ndarray:
        """(n,) ideal bits of each image of a file, by which the payload of its blocks is shared out."""


class Quantiser(Protocol):
    """Latents to whole numbers and back; what a `QuantisedCoder` is made of."""

    name: str
    setting: str
    kind: ClassVar[int]  # of the file, 0 to 255
    bits: int | None  # of a symbol at fixed length, None where symbols have none

    def fit(self, Z: np.ndarray) -> Self:
        """Fit to latents (n, L) of norm `NORM`."""

    def quantise(self, Z: np.ndarray) -> np.ndarray:
        """Symbols (n, K) int32 from 0 on, of latents (n, L) of norm `NORM`."""

    def reconstruct(self, symbols: np.ndarray) -> np.ndarray:
        """Latents (n, L) float32 of symbols (n, K), the same bits on every machine."""

    @property
    def sizes(self) -> np.ndarray:
        """(K,) how many symbols each column has."""

    def tables(self) -> Tables:
        """The entropy models that were fitted."""

    def side_information(self) -> bytes:
        """What `from_bytes` needs."""

    @classmethod
    def from_bytes(cls, data: bytes, dim: int) -> tuple[Self, bytes]:
        """The quantiser at the beginning of `data`, for latents of `dim` dimensions, and the bytes after it."""


@dataclass
class QuantisedCoder:
    """A quantiser whose symbols are entropy-coded under its tables, or sent at fixed length.

    Args:
        quantiser: fitted by `fit`, or read by `decode`, which asks only for its type.
        entropy: whether symbols are entropy-coded.
    """

    quantiser: Quantiser
    entropy: bool = True

    def __post_init__(self):
        if not self.entropy and self.quantiser.bits is None:
            raise SmicnbError(f"'{self.quantiser.name}' has no symbols of fixed length", do="code them by entropy")

    @property
    def name(self) -> str:
        """Of the curve."""
        return self.quantiser.name + (" + entropy" if self.entropy and self.quantiser.bits else "")

    @property
    def setting(self) -> str:
        """Of the point on it."""
        return self.quantiser.setting

    def fit(self, Z: np.ndarray) -> Self:
        """Fit the quantiser to training latents Z (n, L) of any norm."""
        self.quantiser.fit(normalise(_checked(Z)))
        return self

    def encode(self, Z: np.ndarray) -> bytes:
        """One file that holds latents Z (n, L) of any norm."""
        symbols = self.quantiser.quantise(normalise(_checked(Z)))
        model, side = self._model(), self.quantiser.side_information()
        if isinstance(model, Tables):
            side += model.to_bytes()
        head = HEADER.pack(MAGIC, self.quantiser.kind, self.entropy, len(Z), Z.shape[1], len(side))
        body = head + side + latent_symbols.encode(symbols, model) + struct.pack("<I", _crc(symbols))
        return body + struct.pack("<I", zlib.crc32(body))

    def reconstruct(self, Z: np.ndarray) -> np.ndarray:
        """What `decode` will return for latents Z (n, L), bit for bit, without bytes in between."""
        return self.quantiser.reconstruct(self.quantiser.quantise(normalise(_checked(Z))))

    def decode(self, data: bytes) -> np.ndarray:
        """The latents (n, L) float32 of a file that a coder of the same quantiser wrote, whatever its setting."""
        quantiser, _, symbols = self._read(data)
        return quantiser.reconstruct(symbols)

    def image_bits(self, data: bytes) -> np.ndarray:
        """(n,) bits of each image of a file under its tables, or of fixed length."""
        quantiser, model, symbols = self._read(data)
        if isinstance(model, Tables):
            return model.lengths(symbols)
        return np.full(len(symbols), float(len(quantiser.sizes) * model.bits))

    def _read(self, data: bytes) -> tuple[Quantiser, Model, np.ndarray]:
        """Quantiser, model and symbols (n, K) of a file; raises IntegrityError where it is damaged."""
        entropy, images, dim, side, payload = self._open(data)
        try:
            quantiser, rest = type(self.quantiser).from_bytes(side, dim)
            if entropy:
                model, rest = Tables.from_bytes(rest)
            else:
                model = FixedLength(len(quantiser.sizes), quantiser.bits)
        except (ValueError, struct.error) as error:
            raise _damaged("its side information is none") from error
        if rest or not np.array_equal(model.sizes, quantiser.sizes):
            raise _damaged("its side information is none")
        symbols = latent_symbols.decode(payload, images, model)
        if _crc(symbols) != CHECK.unpack(data[-CHECK.size :])[0]:
            raise _damaged("its symbols do not match their checksum")
        return quantiser, model, symbols

    def spent(self, data: bytes) -> Spent:
        """What the bytes of a file are for."""
        _, images, _, _, payload = self._open(data)
        return Spent(len(data) - len(payload), len(payload), images)

    def model_bits(self, Z: np.ndarray) -> np.ndarray:
        """(n,) ideal bits of latents under the tables; an estimate beside which files are measured."""
        return self.quantiser.tables().lengths(self.quantiser.quantise(normalise(_checked(Z))))

    def _model(self) -> Model:
        if self.entropy:
            return self.quantiser.tables()
        return FixedLength(len(self.quantiser.sizes), self.quantiser.bits)

    def _open(self, data: bytes) -> tuple[bool, int, int, bytes, bytes]:
        if len(data) < HEADER.size + CHECK.size or zlib.crc32(data[:-4]) != CHECK.unpack(data[-CHECK.size :])[1]:
            raise _damaged("it does not match its checksum")
        magic, kind, entropy, images, dim, length = HEADER.unpack_from(data)
        start, end = HEADER.size + length, len(data) - CHECK.size
        if magic != MAGIC or entropy > 1 or not 1 <= images <= MOST_IMAGES or not dim or start > end:
            raise _damaged("its header is none")
        if kind != self.quantiser.kind:
            raise SmicnbError(f"found a file of another coder than '{self.quantiser.name}'", "the coder that wrote it")
        return bool(entropy), images, dim, data[HEADER.size : start], data[start:end]


def _checked(Z: np.ndarray) -> np.ndarray:
    Z = np.asarray(Z)
    if Z.ndim != 2 or not Z.size or not np.isfinite(Z).all():
        raise DimensionError(f"found latents of shape {Z.shape}", "(n, L), finite, at least one")
    return Z


def _crc(symbols: np.ndarray) -> int:
    return zlib.crc32(symbols.astype("<i4").tobytes())


def _damaged(what: str) -> IntegrityError:
    return IntegrityError(f"the file of latents is damaged: {what}", "the file as it was written", "encode it anew")
