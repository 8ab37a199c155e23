"""Symbols to bytes and back under tables that both sides have, and the file of a learned codec.

A file is: magic (4 bytes, of the codec), version (1), the model's hash (6), width and height (LEB128 each), CRC-32 of
everything else up to its end (4), CRC-32 of the decoded latent (4), and one rANS stream. All numbers are
little-endian. The second checksum turns a decoder whose arithmetic differs into an error.
"""

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from smicnb.base import leb128
from smicnb.base.errors import IntegrityError, SmicnbError
from smicnb.base.files import sha256_json
from smicnb.learned.files import rans
from smicnb.learned.files.shipped import folder
from smicnb.learned.networks.entropy_models import EntropyBottleneck, GaussianConditional
from smicnb.semantics.photographs.images import check_rgb

VERSION = 1
MODEL_BYTES = 6
MAX_PIXELS = 2**25  # 33 megapixels: what the transforms of TACO's small size hold in 8 GiB
FILLED = 64  # pixels: sides are filled up to multiples of it before a transform
LARGEST = rans.LARGEST  # symbol, in size
SYMBOL_BYTES = 8  # of a stream for each symbol at most; the longest escape takes 6.5
SCALES = 64  # of the Gaussians that are told apart
SCALE_RANGE = 0.11, 256.0
# Means are brought to this grid, and with them the latent, in float64: machines, batches and threads then agree.
GRID = 64
# A stream of one symbol has a second one, 0 under the table's first row. CompressAI's coder could not do without.
FILLER = np.zeros((2, 1), np.int64)
SAME = "decode it on the machine that encoded it, and report this: a latent should not depend on the machine"
OTHER_MODEL = "decode it with the checkpoint that encoded it"
KNOWN = {b"TACO": "TACO", b"SIC_": "SIC", b"SMIC": "SMIC"}


@dataclass(frozen=True)
class Tables:
    """Cumulative frequencies `cdfs` (models, longest) int32 of some symbols' models, 16 bits each, the last entry of
    each the escape; `sizes` say how much of each row counts, `offsets` the symbol of its first entry.
    """

    cdfs: np.ndarray
    sizes: np.ndarray
    offsets: np.ndarray

    @classmethod
    def from_model(cls, model: EntropyBottleneck | GaussianConditional) -> "Tables":
        """The tables of an entropy model after its `update`."""
        parts = model._quantized_cdf, model._cdf_length, model._offset
        return cls(*(part.cpu().numpy().astype(np.int32) for part in parts))

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of all three."""
        rows = [row[:size].tolist() for row, size in zip(self.cdfs, self.sizes, strict=True)]
        return sha256_json([rows, self.offsets.tolist()])


def scale_table() -> np.ndarray:
    """The 64 scales of ELIC's Gaussians, geometric from 0.11 to 256, (64,) float64."""
    return np.exp(np.linspace(*np.log(SCALE_RANGE), SCALES))


def gaussian_tables() -> Tables:
    """The tables of zero-mean Gaussians of the 64 scales, from the package's own file.

    They are kept, not computed: the error function differs in its last digit between machines.
    """
    return load_tables("gaussian_tables.safetensors")[0]


def load_tables(name: str) -> tuple[Tables, dict[str, np.ndarray]]:
    """Tables from one of the package's files, whose rows stand one after another without their padding, and what else
    is in it.
    """
    from safetensors.numpy import load_file

    stored = load_file(folder() / name)
    sizes = stored.pop("sizes").astype(np.int32)
    cdfs = np.zeros((len(sizes), sizes.max()), np.int32)
    for row, (size, values) in enumerate(zip(sizes, np.split(stored.pop("cdfs"), np.cumsum(sizes)[:-1]), strict=True)):
        cdfs[row, :size] = values
    return Tables(cdfs, sizes, stored.pop("offsets").astype(np.int32)), stored


def scale_indexes(scales: np.ndarray) -> np.ndarray:
    """The number of each scale's table, the nearest in ratio; int64 of the same shape.

    CompressAI takes the first that is not below; on Kodak files are then 1.3 % above the estimate instead of 0.1 %.
    """
    table = scale_table()
    return np.searchsorted(np.sqrt(table[1:] * table[:-1]), scales)


class Writer:
    """Symbols to one stream of `rans`."""

    def __init__(self) -> None:
        self._puts: list[tuple[np.ndarray, np.ndarray, Tables]] = []

    def put(self, symbols: np.ndarray, rows: np.ndarray, tables: Tables) -> None:
        """Add whole numbers of any shape and type, each under the table that its row, of the same shape, names.

        Raises:
            IntegrityError: one is larger than `LARGEST`, as of weights that were never trained.
        """
        # As float64: the lowest int64, which a cast makes of what is no number, has no counterpart and is its own size.
        if symbols.size and not (largest := np.abs(symbols, dtype=np.float64).max()) <= LARGEST:
            raise IntegrityError(f"found a latent of {largest:.3g}", f"at most {LARGEST}, as trained")
        self._puts.append((_flatten(symbols), _flatten(rows), tables))

    def bytes(self) -> bytes:
        """The stream of all that was put."""
        count, puts = sum(symbols.size for symbols, _, _ in self._puts), self._puts
        if count == 1:
            puts = [*puts, (*FILLER, puts[-1][2])]
        words = np.empty(2 * count + 4, np.uint32)
        state, place = rans.LOWEST, len(words)
        for symbols, rows, tables in reversed(puts):
            parts = tables.cdfs, tables.sizes, tables.offsets
            state, place = rans.encode(symbols, rows, *parts, np.uint64(state), words, place)
        words[place - 2 : place] = state & 0xFFFFFFFF, state >> 32
        return words[place - 2 :].astype("<u4").tobytes()


class Reader:
    """One stream of `rans` to symbols.

    Args:
        stream: the words of `Writer.bytes`.
        symbols: number of symbols that will be taken from it in all.
        part: the part of a file that has this stream, as errors name it.

    Raises:
        IntegrityError: no encoder wrote this stream for so many symbols.
    """

    def __init__(self, stream: bytes, symbols: int, part: str = "the file"):
        whole = 8 <= len(stream) <= SYMBOL_BYTES * (symbols + 4) and len(stream) % 4 == 0
        self._words = np.frombuffer(stream, "<u4").astype(np.uint32) if whole else np.zeros(2, np.uint32)
        self._at = np.array([int(self._words[0]) | int(self._words[1]) << 32, 2], np.uint64)  # of `rans.decode`
        self._count, self._left, self._length, self._part = symbols, symbols, len(stream), part
        if self._at[0] < rans.LOWEST:
            raise self._forged_error()

    def take(self, rows: np.ndarray, tables: Tables) -> np.ndarray:
        """The next symbols, int64 in the shape of the rows of their tables.

        Raises:
            IntegrityError: the stream ends before, or with the last symbol does not end as an encoder's.
        """
        symbols = self._next(_flatten(rows), tables)
        self._left -= len(symbols)
        if not self._left:
            if self._count == 1:
                self._next(FILLER[1], tables)
            if self._at.tolist() != [rans.LOWEST, len(self._words)]:
                raise self._forged_error()
        return symbols.reshape(rows.shape)

    def _next(self, rows: np.ndarray, tables: Tables) -> np.ndarray:
        symbols = np.empty(len(rows), np.int64)
        if not rans.decode(self._words, self._at, rows, tables.cdfs, tables.sizes, tables.offsets, symbols):
            raise self._forged_error()
        return symbols

    def _forged_error(self) -> IntegrityError:
        found = f"the {self._length} bytes of the stream of {self._part} do not decode to {self._count} symbols"
        return IntegrityError(found, "a stream that an encoder wrote, and the same arithmetic on both sides", SAME)


def _flatten(numbers: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(numbers, np.int64).reshape(-1)


@dataclass(frozen=True)
class File:
    """What stands in the file of a learned codec beside its stream.

    Args:
        magic: the codec's first bytes.
        model: the first bytes of the model's hash.
        width, height: the image's size, in pixels.
        latent_crc: CRC-32 of the decoded latent.
        stream: the words of rANS.
    """

    magic: bytes
    model: bytes
    width: int
    height: int
    latent_crc: int
    stream: bytes

    def pack(self) -> bytes:
        """The file's bytes."""
        head = self.magic + bytes([VERSION]) + self.model + leb128.pack(self.width) + leb128.pack(self.height)
        tail = self.latent_crc.to_bytes(4, "little") + self.stream
        return head + zlib.crc32(head + tail).to_bytes(4, "little") + tail

    @classmethod
    def unpack(cls, data: bytes, magic: bytes, model: bytes) -> "File":
        """Read and check a file's bytes.

        Args:
            data: a file's bytes.
            magic: first bytes of the codec that is to decode it.
            model: the first bytes of that codec's hash.

        Raises:
            IntegrityError: not such a file, damaged, or of another model.
        """
        name = KNOWN[magic]
        theirs, width, height, position = read_head(data, magic)
        if len(data) < position + 8 or zlib.crc32(data[:position] + data[position + 4 :]) != int.from_bytes(
            data[position : position + 4], "little"
        ):
            raise IntegrityError(f"found a {name} file that is damaged or cut short", "a file whose checksum holds")
        check_model(theirs, model, name)
        check_size(width, height)
        crc = int.from_bytes(data[position + 4 : position + 8], "little")
        return cls(magic, theirs, width, height, crc, data[position + 8 :])


def read_head(data: bytes, magic: bytes) -> tuple[bytes, int, int, int]:
    """Hash of the model, width and height of a file that begins with this magic, and the place behind them.

    Raises:
        IntegrityError: another file, or of another version.
    """
    name = KNOWN[magic]
    if data[:4] != magic:
        found = f"a file of {KNOWN[data[:4]]}" if data[:4] in KNOWN else "something else"
        raise IntegrityError(f"found {found}", f"a file of {name}")
    if len(data) < 5 or data[4] != VERSION:
        raise IntegrityError(f"found a {name} file of another version", f"version {VERSION}")
    width, position = leb128.read(data, 5 + MODEL_BYTES)
    height, position = leb128.read(data, position)
    return model_of(data), width, height, position


def check_model(theirs: bytes, model: bytes, name: str) -> None:
    """Raise IntegrityError where a file's model is not the one that was loaded, by the hashes' beginnings."""
    if theirs != model:
        raise IntegrityError(
            f"found a file of the {name} model {theirs.hex()}",
            f"one of {model.hex()}, the model that was loaded",
            OTHER_MODEL,
        )


def model_of(data: bytes) -> bytes:
    """The model's hash that a file of any learned codec names; empty where it is too short."""
    return data[5 : 5 + MODEL_BYTES]


def check_kind(data: bytes) -> None:
    """Raise IntegrityError for what is no file of a learned codec, by its first bytes."""
    kind, whole = data[:4], len(data) >= 5 + MODEL_BYTES
    if kind in (b"TACO", b"SIC_") and whole:
        return
    if kind in KNOWN:
        found = f"a file of {KNOWN[kind]}" + ("" if whole else " that is cut short in its header")
        raise IntegrityError(f"found {found}", "a whole file of TACO or SIC")
    begins = f"a file that begins with {kind.hex()}" if data else "an empty file"
    raise IntegrityError(f"found {begins}", "a file that 'smicnb encode' wrote")


def check_size(width: int, height: int, filled: int = FILLED, most: int = MAX_PIXELS) -> None:
    """Raise SmicnbError where an image, its sides filled up to multiples of `filled`, has no pixel or more than `most`:
    a row of one pixel takes the memory of so many.
    """
    if not (width >= 1 and height >= 1 and -(-width // filled) * -(-height // filled) * filled**2 <= most):
        needed = f"1 to {most} pixels, sides counted as multiples of {filled}"
        raise SmicnbError(f"found an image of {width}×{height}", needed, "cut it, or make it smaller")


def list_channels(shape: tuple[int, ...]) -> np.ndarray:
    """The number of its channel at every place of (1, C, h, w): the prior has one table for each."""
    return np.broadcast_to(np.arange(shape[1])[None, :, None, None], shape)


def to_pixels(image: np.ndarray, device: torch.device, filled: int = FILLED, most: int = MAX_PIXELS) -> Tensor:
    """Pixels (1, 3, H, W) float32 in [0, 1] of an RGB uint8 image; errors of `check_size`, or ImageError."""
    check_rgb(image)
    check_size(image.shape[1], image.shape[0], filled, most)
    return torch.from_numpy(np.array(image)).to(device).permute(2, 0, 1)[None].float() / 255


def to_image(pixels: Tensor) -> np.ndarray:
    """The RGB uint8 image H×W×3 of pixels (3, H, W) about [0, 1]."""
    return (pixels.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().cpu().numpy()


def latent_crc(latent: Tensor) -> int:
    """CRC-32 of a latent of multiples of 1/64, as int32 in little-endian order."""
    grid = torch.round(latent * GRID).to(torch.int64).cpu().numpy().astype("<i4")
    return zlib.crc32(np.ascontiguousarray(grid).tobytes())


def check_latent(latent: Tensor, promised: int) -> None:
    """Raise IntegrityError where a decoded latent is not the one that was encoded."""
    if latent_crc(latent) != promised:
        raise IntegrityError(
            "the decoded latent differs from the encoded one",
            "the same arithmetic on both sides",
            SAME,
        )


def round_to_grid(means: Tensor) -> Tensor:
    """Means at the nearest multiple of 1/64."""
    return torch.round(means * GRID) / GRID
