"""The .smic file: header, dictionary, tables, then segments of image blocks. docs/format.md has it byte by byte.

A segment is a head that says how long it is, the blocks, and a trailer that finds and checks them. A reader walks
from head to head. What follows the last whole segment is either the beginning of one, left by an append that was cut
off, and is passed over; or it is damage, and an error.
"""

import io
import os
import re
import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from smicnb.base import locks
from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.base.files import atomic_path, name_errors
from smicnb.codec.format import quantise

MAGIC = b"\x89SMIC\r\n\x1a"
VERSION = 3
BLOCK_IMAGES = 64
TRELLIS_BLOCK_IMAGES = 255  # whose records are so short that an index entry weighs; as many as an entry can count
MOST_DIM, MOST_VALUES = (1 << 16) - 1, 1 << 23
MOST_PAYLOAD, MOST_DETAILS = 1 << 24, 1 << 20
SPOOLED = 1 << 24  # bytes of blocks that wait in memory at most
MOST_LEVELS = 1 << 18  # of a block: images · n_atoms
MOST_NORM = 2.0**64  # and at least 1 over it, so that latents are finite in float32
CODINGS = ("tuple", "entropy", "trellis", "prior", "words")
ON_AXES = ("trellis", "prior")  # codings of axes instead of atoms

# Control characters, and those that break lines or turn the direction of writing: none belongs in a terminal.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

PREAMBLE = struct.Struct("<8sHH")  # magic, version, length of the header
FIELDS = struct.Struct("<32sHHBBBddIIII")  # see `_pack`
CHECK = struct.Struct("<I")
HEAD = struct.Struct("<4sQII")  # magic, length of the segment, number of its blocks, CRC-32 of these
TRAILER = struct.Struct("<QI")  # images up to here, CRC-32 of the trailer and of where it stands
SEGMENT = b"SEG\n"
ENTRY = np.dtype([("count", "u1"), ("payload", "<u4"), ("details", "<u4"), ("crc", "<u4")])


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Args:
        encoder: name of the encoder, 1 to 255 bytes of UTF-8, none of them `UNPRINTABLE`.
        weights_hash: SHA-256 of its weights, 64 hexadecimal digits.
        dim: L, 1 to 65535.
        norm: L2 norm that decoded latents are given, 2^-64 to 2^64.
        n_atoms: 1 to 4096, or 0 with "trellis"; n_atoms · dim is at most 2^23.
        penalty: λ that the images were coded with, positive.
        b_dict, b_coef: bits of a dimension of an atom and of a coefficient, 1 to 16.
        coding: one of `CODINGS`.
    """

    encoder: str
    weights_hash: str
    dim: int
    norm: float
    n_atoms: int
    penalty: float
    b_dict: int
    b_coef: int
    coding: str

    def __post_init__(self):
        checks = {
            f"an encoder's name of {len(self.encoder.encode())} bytes": 1 <= len(self.encoder.encode()) <= 255,
            f"an encoder's name {self.encoder!a} that cannot be printed": not UNPRINTABLE.search(self.encoder),
            f"a weights hash '{self.weights_hash}'": len(self.weights_hash) == 64
            and set(self.weights_hash) <= set("0123456789abcdef"),
            f"{self.n_atoms} atoms": (self.coding != "trellis") <= self.n_atoms <= quantise.MOST_ATOMS,
            f"{self.dim} dimensions": 1 <= self.dim <= MOST_DIM,
            f"{self.n_atoms} atoms of {self.dim} dimensions": self.n_atoms * self.dim <= MOST_VALUES,
            f"a norm of {self.norm}": 1 / MOST_NORM <= self.norm <= MOST_NORM,
            f"a penalty of {self.penalty}": 0 < self.penalty < float("inf"),
            f"b_dict = {self.b_dict}": 1 <= self.b_dict <= 16,
            f"b_coef = {self.b_coef}": 1 <= self.b_coef <= 16,
            f"coding '{self.coding}'": self.coding in CODINGS,
        }
        for found, holds in checks.items():
            if not holds:
                raise DimensionError(f"found {found}", "what a .smic file can hold (docs/format.md)")


@dataclass(frozen=True)
class Block:
    """Up to 64 images, with "trellis" and "prior" up to 255 or `MOST_LEVELS` / n_atoms: their `count`, their coded
    records (`payload`), at most 2^24 bytes, and their names and sizes (`details`), at most 2^20 bytes, or none.
    """

    count: int
    payload: bytes
    details: bytes


def _pack(header: Header, dictionary: bytes, tables: bytes) -> bytes:
    name = header.encoder.encode()
    fields = FIELDS.pack(
        bytes.fromhex(header.weights_hash),
        header.dim,
        header.n_atoms,
        header.b_dict,
        header.b_coef,
        CODINGS.index(header.coding),
        header.norm,
        header.penalty,
        len(dictionary),
        zlib.crc32(dictionary),
        len(tables),
        zlib.crc32(tables),
    )
    body = fields + bytes([len(name)]) + name
    front = PREAMBLE.pack(MAGIC, VERSION, len(body)) + body
    return front + CHECK.pack(zlib.crc32(front))


def most_images(header: Header) -> int:
    """Images of a block at most, so that no more than `MOST_LEVELS` are decoded at once."""
    if header.coding not in ON_AXES:
        return BLOCK_IMAGES
    return min(TRELLIS_BLOCK_IMAGES, MOST_LEVELS // max(1, header.n_atoms))


def header_bytes(encoder: str) -> int:
    """Bytes of the header of a file whose latents are of the encoder of this name."""
    return PREAMBLE.size + FIELDS.size + 1 + len(encoder.encode()) + CHECK.size


def index_bytes(images: int, block_images: int = BLOCK_IMAGES) -> int:
    """Bytes that find and check the blocks, of `block_images` each, of `images` images that were written at once."""
    return HEAD.size + -(-images // block_images) * ENTRY.itemsize + TRAILER.size


def _write_blocks(file: BinaryIO, blocks: Iterable[Block], most: int) -> np.ndarray:
    """Write blocks, of `most` images each, as they come; returns their index."""
    entries = []
    for block in blocks:
        if not (1 <= block.count <= most and len(block.payload) <= MOST_PAYLOAD):
            raise DimensionError(f"found a block of {block.count} images and {len(block.payload)} bytes")
        if len(block.details) > MOST_DETAILS:
            raise DimensionError(f"found {len(block.details)} bytes of names and sizes", f"at most {MOST_DETAILS}")
        body = block.payload + block.details
        entries.append((block.count, len(block.payload), len(block.details), zlib.crc32(body)))
        file.write(body)
    return np.array(entries, ENTRY)


def _frame(entries: np.ndarray, start: int, before: int) -> tuple[bytes, bytes]:
    """Head and trailer of a segment at byte `start`, of blocks that were written, after `before` images."""
    body = int(entries["payload"].sum(dtype=np.int64) + entries["details"].sum(dtype=np.int64))
    index = entries.tobytes()
    length = HEAD.size + body + len(index) + TRAILER.size
    head = SEGMENT + struct.pack("<QI", length, len(entries))
    trailer = index + struct.pack("<Q", before + int(entries["count"].sum(dtype=np.int64)))
    place = struct.pack("<Q", start)
    return head + CHECK.pack(zlib.crc32(head)), trailer + CHECK.pack(zlib.crc32(place + trailer))


def _write(file: BinaryIO, header: Header, dictionary: bytes, tables: bytes, blocks: Iterable[Block]) -> None:
    """A whole file of one segment, whose head is written last."""
    start = file.write(_pack(header, dictionary, tables) + dictionary + tables)
    file.write(bytes(HEAD.size))
    head, trailer = _frame(_write_blocks(file, blocks, most_images(header)), start, 0)
    file.write(trailer)
    file.seek(start)
    file.write(head)


def dump(header: Header, dictionary: bytes, tables: bytes, blocks: Iterable[Block]) -> bytes:
    """A whole file of one segment; equal arguments give equal bytes."""
    file = io.BytesIO()
    _write(file, header, dictionary, tables, blocks)
    return file.getvalue()


def create(
    path: Path | str, header: Header, dictionary: bytes, tables: bytes, blocks: Iterable[Block], new: bool = False
) -> None:
    """Write a file atomically, block by block as they come; a `new` one replaces nothing."""
    with atomic_path(path, new) as temporary, name_errors(Path(path)), temporary.open("wb") as file:
        _write(file, header, dictionary, tables, blocks)


class Content(NamedTuple):
    """What a file held when it was looked at: how many images, and the `digest` (SHA-256) of its sections and of the
    index of its blocks, which has their checksums.
    """

    images: int
    digest: str


def check_appendable(path: Path | str) -> None:
    """See, before long work, whether `append` could write to a file now; raises SmicnbError as it does."""
    with locks.locked(path, "another append"):
        pass


def append(path: Path | str, blocks: Iterable[Block], before: Content | None = None) -> None:
    """Write a further segment behind what is there; only when its trailer stands do readers see it.

    A segment begins with its length. So blocks wait in a temporary file until the last of them is there.

    The file is held alone meanwhile, and it is read and written through one handle: what replaces it (`create`) is
    noticed, and nothing that was coded for one file gets into another.

    Args:
        path: the file.
        blocks: blocks of the segment.
        before: what the file held when the caller looked at it; None where that does not matter.

    Raises:
        IntegrityError: the file is damaged; nothing is written then.
        SmicnbError: another append is at work on it, it is not the file that the caller looked at, or it was
            replaced while it was written to.
    """
    path = Path(path)
    with name_errors(path), locks.locked(path, "another append") as file:
        opened = SmicFile(file)
        if before not in (None, opened.content):
            grown = len(opened) > before.images and opened.begins_as(before)
            how = f"has grown from {before.images} to {len(opened)} images" if grown else "was replaced"
            raise SmicnbError(f"'{path}' {how} meanwhile", do="append again")
        with tempfile.SpooledTemporaryFile(SPOOLED) as body:
            entries = _write_blocks(body, blocks, most_images(opened.header))
            head, trailer = _frame(entries, opened.end, len(opened))
            file.truncate(opened.end)  # what an append that was cut off has left
            file.seek(opened.end)
            file.write(head)
            body.seek(0)
            shutil.copyfileobj(body, file)
        _settle(file)
        file.write(trailer)
        _settle(file)
        if not locks.is_at(file, path):
            raise SmicnbError(f"'{path}' was replaced meanwhile, and holds nothing of this append", do="append again")


def _settle(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


class SmicFile:
    """A file opened for reading: its sections are read and checked at once, blocks one by one.

    Args:
        source: a path, a file's bytes, or a binary file that can seek.

    Attributes:
        header, dictionary, tables: the file's sections.
        blocks: number of blocks.
        end: byte behind the last whole segment.
        unfinished: bytes after it, of an append that was cut off.
        spent: bytes by what they are for; they add up to `end`.
    """

    def __init__(self, source: Path | str | bytes | BinaryIO):
        # A path has a name too, which is its last part alone.
        name = source if isinstance(source, Path | str) else getattr(source, "name", None)
        self._name = f"'{name}'" if isinstance(name, Path | str) else "the file"
        if isinstance(source, Path | str):
            if Path(source).is_fifo():  # opening it would wait for a writer, and nobody can seek in it
                raise SmicnbError(f"'{source}' is a pipe", "a .smic file")
            try:
                self._file: BinaryIO = Path(source).open("rb")  # noqa: SIM115 (closed by `close`)
            except OSError as error:
                raise SmicnbError(f"cannot read '{source}' ({error.strerror})", "a .smic file") from error
        else:
            self._file = io.BytesIO(source) if isinstance(source, bytes) else source
        try:
            self._size = self._file.seek(0, io.SEEK_END)
            self._open()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "SmicFile":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    @property
    def content(self) -> Content:
        """What the file holds; two files of equal content decode to the same."""
        return self._content(len(self._entries))

    def begins_as(self, content: Content) -> bool:
        """Whether the file held this before it was appended to."""
        (end,) = np.flatnonzero(self._ends == content.images)[:1].tolist() or [-1]
        return end >= 0 and self._content(end + 1) == content

    def _content(self, blocks: int) -> Content:
        digest = sha256()
        for part in (repr(self.header).encode(), *self._sections, self._entries[:blocks].tobytes()):
            digest.update(struct.pack("<Q", len(part)) + part)
        return Content(int(self._ends[blocks - 1]) if blocks else 0, digest.hexdigest())

    def locate(self, image: int) -> tuple[int, int]:
        """The block that holds an image, 0 to len − 1, and the image's place in it."""
        if not 0 <= image < len(self):
            raise DimensionError(f"found image number {image}", f"0 to {len(self) - 1}, of {self._name}")
        number = int(np.searchsorted(self._ends, image, side="right"))
        return number, int(image - self._ends[number] + self._entries["count"][number])

    def images_until(self, number: int) -> int:
        """How many images the blocks have up to this one, 0 to `blocks` − 1, which is included."""
        return int(self._ends[number])

    def block(self, number: int) -> Block:
        """Read and check one block, 0 to `blocks` − 1."""
        entry = self._entries[number]
        data = self._read(int(self._offsets[number]), int(entry["payload"]) + int(entry["details"]), "a block")
        if zlib.crc32(data) != entry["crc"]:
            raise self._damage(f"block {number} does not match its checksum")
        return Block(int(entry["count"]), data[: entry["payload"]], data[entry["payload"] :])

    def _damage(self, what: str) -> IntegrityError:
        return IntegrityError(f"{self._name} is damaged: {what}", "the file as it was written", "fetch or make it anew")

    def _read(self, start: int, length: int, what: str) -> bytes:
        if length < 0 or start + length > self._size:
            raise self._damage(f"it ends within {what}")
        self._file.seek(start)
        data = self._file.read(length)
        if len(data) != length:
            raise self._damage(f"it ends within {what}")
        return data

    def _open(self) -> None:
        front = self._read(0, min(PREAMBLE.size, self._size), "the preamble")
        if not front.startswith(MAGIC[: len(front)]) or len(front) < PREAMBLE.size:
            mangled = front[1:5] == b"SMIC"
            raise IntegrityError(
                f"{self._name} is no whole .smic file" + (": its first bytes were changed" if mangled else ""),
                "a file that 'smicnb compress' wrote",
                "transfer it as binary" if mangled else "",
            )
        _, version, length = PREAMBLE.unpack(front)
        if version != VERSION:
            age = "an older" if version < VERSION else "a newer"
            do = "compress the photographs again" if version < VERSION else "update smicnb"
            raise SmicnbError(f"{self._name} is of {age} version {version}", f"version {VERSION}", do)
        body = self._read(PREAMBLE.size, length + CHECK.size, "the header")
        if zlib.crc32(front + body[:length]) != CHECK.unpack(body[length:])[0] or length <= FIELDS.size:
            raise self._damage("the header does not match its checksum")
        self._unpack(body[:length])
        self._walk(PREAMBLE.size + length + CHECK.size)

    def _unpack(self, body: bytes) -> None:
        weights, dim, n_atoms, b_dict, b_coef, coding, norm, penalty, *sections = FIELDS.unpack_from(body)
        name = body[FIELDS.size + 1 :]
        if len(name) != body[FIELDS.size] or coding >= len(CODINGS):
            raise self._damage("the header is no header")
        try:
            about = weights.hex(), dim, norm, n_atoms, penalty, b_dict, b_coef, CODINGS[coding]
            self.header = Header(name.decode("utf-8"), *about)
        except (DimensionError, UnicodeDecodeError) as error:
            raise self._damage(f"the header cannot be ({error})") from error
        start, self._sections = PREAMBLE.size + len(body) + CHECK.size, []
        for what, length, crc in zip(("dictionary", "tables"), sections[::2], sections[1::2], strict=True):
            data = self._read(start, length, f"the {what}")
            if zlib.crc32(data) != crc:
                raise self._damage(f"the {what} does not match its checksum")
            self._sections.append(data)
            start += length
        self.dictionary, self.tables = self._sections

    def _walk(self, start: int) -> None:
        """Read every segment's trailer; only the last segment may be unfinished."""
        self.end = start + len(self.dictionary) + len(self.tables)
        front, tables, offsets, images = self.end, [], [], 0
        while self.end < self._size:
            if self._size - self.end < HEAD.size:
                break
            head = self._read(self.end, HEAD.size, "a segment's head")
            magic, length, blocks, crc = HEAD.unpack(head)
            if magic != SEGMENT or zlib.crc32(head[: -CHECK.size]) != crc:
                raise self._damage(f"there is no segment at byte {self.end}")
            if length > self._size - self.end:
                break
            entries = self._trailer(self.end, length, blocks, images)
            sizes = entries["payload"].astype(np.int64) + entries["details"]
            tables.append(entries)
            offsets.append(self.end + HEAD.size + np.cumsum(sizes) - sizes)
            images += int(entries["count"].sum())
            self.end += length
        if self.end == front:
            raise self._damage("it ends before its first trailer")
        self._entries = np.concatenate(tables)
        self._offsets, self._ends = np.concatenate(offsets), np.cumsum(self._entries["count"], dtype=np.int64)
        self.blocks, self.unfinished = len(self._entries), self._size - self.end
        payload, details = (int(self._entries[part].sum(dtype=np.int64)) for part in ("payload", "details"))
        known = {"dictionary": len(self.dictionary), "tables": len(self.tables), "payload": payload, "details": details}
        index = self.end - front - payload - details
        self.spent = {"header": start, **known, "index": index}

    def _trailer(self, start: int, length: int, blocks: int, before: int) -> np.ndarray:
        """The index of the segment at `start`, checked against its place, its length and what came before."""
        trailer = blocks * ENTRY.itemsize + TRAILER.size
        if length < HEAD.size + trailer:
            raise self._damage(f"the segment at byte {start} is too short for its blocks")
        data = self._read(start + length - trailer, trailer, "a trailer")
        images, crc = TRAILER.unpack(data[-TRAILER.size :])
        if zlib.crc32(struct.pack("<Q", start) + data[: -CHECK.size]) != crc:
            raise self._damage(f"the trailer of the segment at byte {start} does not match its checksum")
        entries = np.frombuffer(data, ENTRY, blocks)
        sizes = entries["payload"].astype(np.int64) + entries["details"]
        counts = entries["count"]
        wrong = (counts < 1) | (counts > most_images(self.header))
        wrong |= (entries["payload"] > MOST_PAYLOAD) | (entries["details"] > MOST_DETAILS)
        if wrong.any() or sizes.sum() != length - HEAD.size - trailer or before + counts.sum(dtype=np.int64) != images:
            raise self._damage(f"the index of the segment at byte {start} is none")
        return entries
