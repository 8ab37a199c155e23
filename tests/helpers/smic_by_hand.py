"""A second reader of .smic files, written from docs/format.md alone: struct, zlib and Python's own numbers."""

import hashlib
import itertools
import json
import math
import re
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

DATA = Path(__file__).resolve().parents[2] / "smicnb" / "codec" / "format" / "data"


class ByHand(NamedTuple):
    """What a file holds, image after image."""

    header: dict[str, Any]
    atoms: list[list[int]]  # levels
    levels: list[list[int]]
    latents: list[list[float]]
    names: list[str | None]
    sizes: list[tuple[int, int] | None]
    end: int  # byte behind the last whole segment


def need(holds: bool) -> None:
    if not holds:
        raise ValueError("the file is damaged")


def read(data: bytes) -> ByHand:
    need(data[:8] == bytes.fromhex("89534d49430d0a1a"))
    version, length = struct.unpack_from("<HH", data, 8)
    need(version == 3 and len(data) >= 12 + length + 4 and length > 71)
    need(struct.unpack_from("<I", data, 12 + length)[0] == zlib.crc32(data[: 12 + length]))
    fields = ["weights", "dim", "n_atoms", "b_dict", "b_coef", "coding", "norm", "penalty"]
    *values, size, crc, tables_size, tables_crc = struct.unpack_from("<32sHHBBBddIIII", data, 12)
    header = dict(zip(fields, values, strict=True)) | {"encoder": data[12 + 72 : 12 + length].decode()}
    n, bits, b_coef = header["n_atoms"], header["b_dict"], header["b_coef"]
    need(not re.search("[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", header["encoder"]))
    need(data[12 + 71] == length - 72 and 1 <= bits <= 16 and 1 <= b_coef <= 16 and header["coding"] in range(5))
    need(
        (header["coding"] != 2) <= n <= 4096
        and header["dim"] >= 1
        and n * header["dim"] <= 1 << 23
        and 2**-64 <= header["norm"] <= 2**64
    )

    start = 12 + length + 4
    dictionary, tables = data[start : start + size], data[start + size : start + size + tables_size]
    need((zlib.crc32(dictionary), zlib.crc32(tables)) == (crc, tables_crc) and len(tables) == tables_size)
    if header["coding"] in (3, 4):
        prior = prior_of(dictionary)
        name, need_bits = ("axes", 8) if header["coding"] == 3 else ("words", 8)
        atoms = prior[name]
        need(prior["weights"] == header["weights"].hex())
        need(n == len(atoms) and header["dim"] == len(atoms[0]) and bits == need_bits)
    else:
        levels = Bits(dictionary)
        atoms = [[levels.take(bits) for _ in range(header["dim"])] for _ in range(n)]
        need(len(dictionary) == math.ceil(n * header["dim"] * bits / 8))
    unit = [unit_atom(row, bits) for row in atoms]
    if header["coding"] in (2, 3):
        read_tables = own_tables if header["coding"] == 2 else shared_tables
        scales = None if header["coding"] == 2 else prior["scales"]
        codes, growth, deviations, mean = read_tables(tables, header, unit, scales)

        def decoded(payload: bytes, count: int) -> tuple[list, list]:
            records = trellis(payload[2:], count, codes, growth, n)
            need(payload[:2] == check(records) and len(payload) >= 2)
            return records, [on_axes(row, codes, deviations, unit, mean, header["norm"]) for row in records]
    else:
        low, high = struct.unpack_from("<ii", tables)
        need(-(1 << 21) < low < high < 1 << 21)
        models = split_models(tables[8:], n, b_coef) if header["coding"] else None

        def decoded(payload: bytes, count: int) -> tuple[list, list]:
            records = entropy(payload, count, n, b_coef, *models) if models else tuples(payload, count, n, b_coef)
            return records, [latent(row, unit, low, high, b_coef, header["norm"]) for row in records]

    blocks, end = walk(data, start + size + tables_size, 255 if header["coding"] in (2, 3) else 64, n)
    found = ByHand(header, atoms, [], [], [], [], end)
    for count, payload, details in blocks:
        records, latents = decoded(payload, count)
        names, sizes = about(details, count)
        found.levels.extend(records)
        found.latents.extend(latents)
        found.names.extend(names)
        found.sizes.extend(sizes)
    known = [name.casefold() for name in found.names if name is not None]
    need(len(set(known)) == len(known))
    return found


def walk(data: bytes, start: int, most: int, n: int) -> tuple[list[tuple[int, bytes, bytes]], int]:
    """Images, records and details of every block, and where the last whole segment ends."""
    blocks, images, front = [], 0, start
    while len(data) - start >= 20:
        length, count = struct.unpack_from("<QI", data, start + 4)
        crc = struct.unpack_from("<I", data, start + 16)[0]
        need(data[start : start + 4] == b"SEG\n" and crc == zlib.crc32(data[start : start + 16]))
        if length > len(data) - start:
            break
        end = start + length
        index = end - 12 - 13 * count
        need(index >= start + 20)
        total, crc = struct.unpack_from("<QI", data, end - 12)
        need(crc == zlib.crc32(struct.pack("<Q", start) + data[index : end - 4]))
        place = start + 20
        for entry in struct.iter_unpack("<BIII", data[index : end - 12]):
            many, payload, details, crc = entry
            need(1 <= many <= most and many * n <= 1 << 18 and payload <= 1 << 24 and details <= 1 << 20)
            need(crc == zlib.crc32(data[place : place + payload + details]))
            blocks.append((many, data[place : place + payload], data[place + payload : place + payload + details]))
            place, images = place + payload + details, images + many
        need(place == index and images == total)
        start = end
    need(start > front)
    return blocks, start


class Bits:
    """Numbers of some bits each, the most significant first."""

    def __init__(self, data: bytes):
        self.text = "".join(f"{byte:08b}" for byte in data)

    def take(self, width: int) -> int:
        need(width <= len(self.text))
        number, self.text = int(self.text[:width] or "0", 2), self.text[width:]
        return number


def tuples(data: bytes, images: int, n: int, b_coef: int) -> list[list[int]]:
    bits, records = Bits(data), []
    for _ in range(images):
        record, last = [-1] * n, -1
        for _ in range(bits.take(n.bit_length())):
            atom = bits.take((n - 1).bit_length())
            need(last < atom < n)
            record[atom], last = bits.take(b_coef), atom
        records.append(record)
    need(len(bits.text) < 8 and "1" not in bits.text)
    return records


def inflate(data: bytes, most: int) -> bytes:
    stream = zlib.decompressobj(wbits=-15)
    raw = stream.decompress(data, most + 1)
    need(stream.eof and not stream.unused_data and len(raw) <= most)
    return raw


def split_models(data: bytes, n: int, b_coef: int) -> tuple[bytes, bytes, bytes]:
    size = 2 * n + 1 + (1 << min(b_coef, 6))
    raw = inflate(data, size)
    need(len(raw) == size and 0 not in raw)
    return raw[: n + 1], raw[n + 1 : 2 * n + 1], raw[2 * n + 1 :]


class RangeDecoder:
    def __init__(self, data: bytes):
        data += bytes(-len(data) % 4)
        self.words = iter(struct.unpack(f">{len(data) // 4}I", data))
        self.lower, self.range = 0, (1 << 64) - 1
        self.point = next(self.words, 0) << 32 | next(self.words, 0)

    def decode(self, bounds: list[int]) -> int:
        scale = self.range >> 24
        place = (self.point - self.lower) % (1 << 64) // scale
        need(place < 1 << 24)
        symbol = max(s for s, bound in enumerate(bounds) if bound <= place)
        self.lower = (self.lower + scale * bounds[symbol]) % (1 << 64)
        self.range = scale * (bounds[symbol + 1] - bounds[symbol])
        if self.range < 1 << 32:
            self.range, self.lower = self.range << 32, (self.lower << 32) % (1 << 64)
            self.point = (self.point << 32) % (1 << 64) | next(self.words, 0)
        return symbol


def of_frequencies(frequencies: list[int]) -> list[int]:
    scale = ((1 << 24) - len(frequencies)) / sum(frequencies)
    return [s + int(sum(frequencies[:s]) * scale) for s in range(len(frequencies))] + [1 << 24]


def of_probability(chance: float) -> list[int]:
    return [0, 1 + int((1 - chance) * ((1 << 24) - 2)), 1 << 24]


def entropy(data: bytes, images: int, n: int, b_coef: int, counts: bytes, weights: bytes, values: bytes) -> list:
    need(len(data) >= 2)
    coder, records = RangeDecoder(data[2:]), [[-1] * n for _ in range(images)]
    frequencies, left = list(counts), []
    for _ in records:
        left.append(coder.decode(of_frequencies(frequencies)))
        frequencies[left[-1]] += 16
    used = []
    for atom in range(n):
        for image in range(images):
            chance = left[image] * weights[atom] / sum(weights[atom:])
            chance = min(max(chance, 1 / 4096), 1 - 1 / 4096)
            if left[image] == 0 or left[image] > n - 1 - atom:
                chance = float(left[image] > 0)
            if coder.decode(of_probability(chance)):
                left[image] -= 1
                used.append((image, atom))
    need(not any(left))
    used.sort()
    low_bits, frequencies = b_coef - min(b_coef, 6), list(values)
    for image in range(images):
        bounds = of_frequencies(frequencies)
        for _, atom in (place for place in used if place[0] == image):
            leading = coder.decode(bounds)
            frequencies[leading] += 8
            records[image][atom] = leading << low_bits
    if low_bits:
        for image, atom in used:
            records[image][atom] += coder.decode([i << 24 - low_bits for i in range((1 << low_bits) + 1)])
    need(data[:2] == check(records))
    return records


def check(records: list[list[int]]) -> bytes:
    flat = [level for record in records for level in record]
    return struct.pack("<H", zlib.crc32(struct.pack(f"<{len(flat)}i", *flat)) & 0xFFFF)


def prior_of(identity: bytes) -> dict[str, Any]:
    """Axes, scales, words and weights of a prior: a safetensors file whose tensors are bytes."""
    files = [path.read_bytes() for path in DATA.glob("*.safetensors")]
    data = next((data for data in files if hashlib.sha256(data).digest()[:8] == identity), b"")
    need(len(data) > 8)
    start = 8 + struct.unpack_from("<Q", data)[0]
    found = {}
    for name, tensor in json.loads(data[8:start]).items():
        if name == "__metadata__":
            found["weights"] = tensor["weights"]
        else:
            need(tensor["dtype"] == "U8")
            begin, end = tensor["data_offsets"]
            values, shape = list(data[start + begin : start + end]), tensor["shape"]
            width = shape[-1]
            found[name] = values if len(shape) == 1 else [values[i : i + width] for i in range(0, len(values), width)]
    return found


def trellis_tables() -> list[tuple[int, list[int], list[int]]]:
    """Of each code: levels of a branch, levels, frequencies."""
    data = (DATA / "trellis.bin").read_bytes()
    widths, total = data[:48], 4 * sum(data[:48])
    levels = struct.unpack_from(f"<{total}h", data, 48)
    frequencies = struct.unpack_from(f"<{total}H", data, 48 + 2 * total)
    starts = [4 * sum(widths[:c]) for c in range(49)]
    return [(widths[c], levels[a:b], frequencies[a:b]) for c, (a, b) in enumerate(itertools.pairwise(starts))]


def deviation(scale: int) -> int:
    return (65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194)[scale % 8] << scale // 8 >> 16


def codes_of(scales: list[int], fidelity: int) -> list[int]:
    codes = [min(scale - fidelity - 1, 47) for scale in scales]
    return [code for code in codes if code >= 1]


def trellis(words: bytes, images: int, codes: list[int], growth: int, n: int) -> list[list[int]]:
    coder, state, known, records = RangeDecoder(words), 0, trellis_tables(), []
    frequencies = {code: list(known[code][2]) for code in set(codes)}
    for image in range(images):
        if image <= 16 or image % 8 == 0:
            bounds = {}
            for code, grown in frequencies.items():
                size = 2 * known[code][0]
                bounds[code] = [of_frequencies(grown[:size]), of_frequencies(grown[size:])]
        record = []
        for code in codes:
            width, book = known[code][0], state % 2
            symbol = coder.decode(bounds[code][book])
            record.append(book * 2 * width + symbol)
            state = state // 2 ^ (166 if state % 2 else 0) ^ (121 if symbol >= width else 0)
        for code, level in zip(codes, record, strict=True):
            frequencies[code][level] += 2**growth // (128 + code**3)
        records.append(record + [-1] * (n - len(codes)))
    return records


def values(record: list[int], codes: list[int], deviations: list[int]) -> list[int]:
    known = trellis_tables()
    return [
        known[code][1][level] * sigma + 2048 >> 12
        for level, code, sigma in zip(record, codes, deviations, strict=False)
    ]


def own_tables(tables: bytes, header: dict, unit: list, _: None) -> tuple[list[int], int, list[int], list[tuple]]:
    fidelity, growth, norm = struct.unpack_from("<BBI", tables)
    length = math.ceil(header["dim"] * header["b_dict"] / 8) if norm else 0
    scales = list(inflate(tables[6 + length :], header["n_atoms"]))
    need(len(scales) == header["n_atoms"] and scales == sorted(scales, reverse=True) and max(scales, default=0) <= 144)
    need(norm < 1 << 21 and growth <= 24)
    mean = []
    if norm:
        bits = Bits(tables[6 : 6 + length])
        mean = [(norm, unit_atom([bits.take(header["b_dict"]) for _ in range(header["dim"])], header["b_dict"]))]
    codes = codes_of(scales, fidelity)
    return codes, growth, [deviation(scale) for scale in scales[: len(codes)]], mean


def shared_tables(
    tables: bytes, header: dict, unit: list, scales: list[int]
) -> tuple[list[int], int, list[int], list[tuple]]:
    fidelity, growth, mean_fidelity, shift = struct.unpack_from("<BBBB", tables)
    need(growth <= 24)
    codes, mean = codes_of(scales, fidelity), []
    if len(tables) > 4:
        lower = [max(0, scale - shift) for scale in scales]
        of_mean = codes_of(lower, mean_fidelity)
        (record,) = trellis(tables[4:], 1, of_mean, growth, len(of_mean))
        mean = list(zip(values(record, of_mean, [deviation(scale) for scale in lower]), unit, strict=False))
    return codes, growth, [deviation(scale) for scale in scales[: len(codes)]], mean


def on_axes(
    record: list[int], codes: list[int], deviations: list[int], unit: list, mean: list, norm: float
) -> list[float]:
    sums = [0] * len(mean[0][1] if mean else unit[0])
    terms = [*mean, *zip(values(record, codes, deviations), unit, strict=False)]
    for coefficient, axis in terms:
        sums = [s + coefficient * a for s, a in zip(sums, axis, strict=True)]
    return of_norm(sums, norm)


def unit_atom(levels: list[int], bits: int) -> list[int]:
    midpoints = [2 * level + 1 - (1 << bits) for level in levels]
    norm = math.sqrt(sum(u * u for u in midpoints))
    return [round((u << 19) / norm) for u in midpoints]


def latent(record: list[int], atoms: list[list[int]], low: int, high: int, b_coef: int, norm: float) -> list[float]:
    sums = [0] * len(atoms[0])
    for level, atom in zip(record, atoms, strict=True):
        if level >= 0:
            coefficient = low + ((2 * level + 1) * (high - low) >> b_coef + 1)
            sums = [s + coefficient * a for s, a in zip(sums, atom, strict=True)]
    return of_norm(sums, norm)


def of_norm(sums: list[int], norm: float) -> list[float]:
    spare = max(0, max(abs(s) for s in sums).bit_length() - 22)
    rounded = [round(s / (1 << spare)) for s in sums]
    scale = norm / math.sqrt(float(max(1, sum(r * r for r in rounded))))
    return [struct.unpack("<f", struct.pack("<f", r * scale))[0] for r in rounded]


def about(data: bytes, count: int) -> tuple[list, list]:
    """Names and sizes of the images of a block, None for those without."""
    if not data:
        return [None] * count, [None] * count
    kind, body, place = data[0], data[1:], 0
    need(kind < 16 and kind & 3)
    if kind & 8:
        body = inflate(body, 67831)
    names, sizes = [None] * count, [None] * count
    if kind & 2:
        sides = []
        while len(sides) < (2 if kind & 4 else 2 * count):
            groups = re.compile(rb"[\x80-\xff]{0,4}[\0-\x7f]", re.DOTALL).match(body, place)
            need(groups is not None)
            place = groups.end()
            sides.append(sum((group & 127) << 7 * i for i, group in enumerate(groups[0])))
            need(1 <= sides[-1] < 1 << 31)
        sizes = list(zip(sides[::2], sides[1::2], strict=True)) * (count if kind & 4 else 1)
    if kind & 1:
        names = body[place:].decode().split("\0")
        need(len(names) == count and all(map(writable, names)))
    else:
        need(place == len(body))
    return names, sizes


def writable(name: str) -> bool:
    device = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE | re.ASCII)
    parts = name.split("/")
    return (
        1 <= len(name.encode()) <= 255
        and not any(ord(sign) < 32 or ord(sign) == 127 or sign in '<>:"|?*\\' for sign in name)
        and all(part not in ("", ".", "..") and part[-1] not in ". " for part in parts)
        and not any(device.fullmatch(part) for part in parts)
    )
