"""Files and streams: every damage is found, and a forged stream stays within what it was given."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smicnb.base.errors import IntegrityError, SmicnbError
from smicnb.learned import coding
from smicnb.learned.coding import File, Reader, Tables, Writer

MODEL = bytes(range(6))
FILE = File(b"TACO", MODEL, 768, 512, 123456789, b"stream of some bytes")


@given(
    width=st.integers(1, 4096),
    height=st.integers(1, 4096),
    crc=st.integers(0, 2**32 - 1),
    stream=st.binary(max_size=50),
)
def test_a_file_comes_back(width, height, crc, stream):
    file = File(b"TACO", MODEL, width, height, crc, stream)
    assert File.unpack(file.pack(), b"TACO", MODEL) == file


def test_its_overhead_is_small():
    assert len(FILE.pack()) - len(FILE.stream) == 23


@pytest.mark.parametrize("bit", range(8 * len(FILE.pack())))
def test_every_flipped_bit_is_found(bit):
    data = bytearray(FILE.pack())
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(IntegrityError):
        File.unpack(bytes(data), b"TACO", MODEL)


@pytest.mark.parametrize("length", range(len(FILE.pack())))
def test_every_truncation_is_found(length):
    with pytest.raises(IntegrityError):
        File.unpack(FILE.pack()[:length], b"TACO", MODEL)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"SMIC" + bytes(40), "found a file of SMIC; needed: a file of TACO"),
        (b"\x89PNG" + bytes(40), "found something else"),
        (File(b"TACO", b"others", 1, 1, 0, b"").pack(), "--model|checkpoint that encoded it"),
        (File(b"TACO", MODEL, 2**20, 2**20, 0, b"").pack(), "1048576×1048576"),
        (File(b"TACO", MODEL, 0, 5, 0, b"").pack(), "0×5"),
        (FILE.pack() + b"x", "damaged"),
    ],
)
def test_what_is_wrong_is_said(data, message):
    with pytest.raises(SmicnbError, match=message):
        File.unpack(data, b"TACO", MODEL)


@pytest.fixture(scope="module")
def tables():
    return coding.gaussian_tables()


def test_the_gaussians_tables_are_those_of_their_scales(tables):
    from scipy.stats import norm

    assert len(tables.sizes) == coding.SCALES
    for scale, row, size, offset in zip(coding.scale_table(), tables.cdfs, tables.sizes, tables.offsets, strict=True):
        edges = offset + np.arange(size - 1) - 0.5
        exact = norm.cdf(edges, scale=scale) - norm.cdf(edges[0], scale=scale)
        # 16 bits and at least one count for each symbol, which are many where the scale is large
        np.testing.assert_allclose(row[: size - 1] / 2**16, exact, atol=size / 2**16)


def test_a_table_made_anew_is_the_same_here_or_the_kept_one_counts(tables, load_tool, tmp_path, monkeypatch):
    monkeypatch.setattr(load_tool("build_gaussian_tables"), "folder", lambda: tmp_path)
    load_tool("build_gaussian_tables").main()
    monkeypatch.setattr(coding, "folder", lambda: tmp_path)
    again = coding.gaussian_tables()
    np.testing.assert_array_equal(again.sizes, tables.sizes)
    assert np.abs(again.cdfs - tables.cdfs).max() <= 1


@given(seed=st.integers(0, 2**32 - 1), spread=st.floats(0.01, 300))
def test_any_symbols_come_back_even_far_outside_the_tables(seed, spread, tables):
    rng = np.random.default_rng(seed)
    scales = torch.from_numpy(rng.uniform(0.05, 300, 200))
    symbols = torch.from_numpy(np.rint(rng.normal(0, spread, 200)))
    indexes = coding.scale_indexes(scales)
    writer = Writer()
    writer.put(symbols.int(), indexes, tables)
    reader = Reader(writer.bytes(), 200)
    assert torch.equal(reader.take(indexes[:50], tables), symbols[:50])
    assert torch.equal(reader.take(indexes[50:], tables), symbols[50:])


@pytest.mark.parametrize("symbol", [0, 1, -7, 100_000])
@pytest.mark.parametrize("row", [0, 63])
def test_a_single_symbol_comes_back(symbol, row, tables):
    writer, index = Writer(), torch.tensor([row])
    writer.put(torch.tensor([symbol]), index, tables)
    assert Reader(writer.bytes(), 1).take(index, tables).tolist() == [symbol]


@given(stream=st.binary(max_size=200))
def test_a_forged_stream_gives_numbers_and_no_crash(stream, tables):
    indexes = torch.arange(640) % coding.SCALES
    assert Reader(stream, 640).take(indexes, tables).shape == (640,)


def test_a_stream_that_is_too_long_for_its_symbols_is_refused_before_it_is_read():
    with pytest.raises(IntegrityError, match="found a stream of 1665 bytes for 100 symbols"):
        Reader(bytes(1665), 100)


def test_the_dearest_symbols_are_within_what_is_read(tables):
    symbols = torch.tensor([coding.LARGEST, -coding.LARGEST] * 50)
    writer, index = Writer(), torch.zeros(100, dtype=torch.int64)
    writer.put(symbols, index, tables)
    stream = writer.bytes()
    assert len(stream) < coding.SYMBOL_BYTES * 100 / 2
    assert torch.equal(Reader(stream, 100).take(index, tables).long(), symbols)
    with pytest.raises(IntegrityError, match=r"found a latent of 1.34e[+]08; needed: at most 134217728"):
        writer.put(torch.tensor([coding.LARGEST + 1]), index[:1], tables)


def test_a_thin_image_is_as_large_as_what_fills_it_up():
    coding.check_size(2**13, 2**12)
    coding.check_size(2**19, 1)
    for width, height in ((2**19 + 1, 1), (2**13, 2**12 + 1), (0, 1)):
        with pytest.raises(SmicnbError, match=f"found an image of {width}×{height}"):
            coding.check_size(width, height)


def test_the_worst_forged_stream_stays_within_its_zeros(tables):
    for byte in (0x00, 0xFF, 0x55):
        Reader(bytes([byte]) * 4096, 100_000).take(torch.zeros(100_000, dtype=torch.int64), tables)


def test_scales_are_given_the_nearest_table():
    table = coding.scale_table()
    step = table[1] / table[0]
    scales = torch.tensor([0.0, table[0], table[0] * step**0.6, table[10] * step**0.4, 1e9], dtype=torch.float64)
    assert coding.scale_indexes(scales).tolist() == [0, 0, 1, 10, 63]


def test_the_latents_checksum_knows_one_step():
    latent = torch.arange(64, dtype=torch.float64).reshape(1, 4, 4, 4) / coding.GRID
    crc = coding.latent_crc(latent)
    coding.check_latent(latent + 1e-9, crc)  # a difference of arithmetic that rounding forgives
    latent[0, 0, 0, 1] += 1 / coding.GRID
    with pytest.raises(IntegrityError, match="same arithmetic"):
        coding.check_latent(latent, crc)


def test_tables_have_a_hash_that_knows_their_values(tables):
    other = Tables(tables.cdfs.copy(), tables.sizes, tables.offsets)
    assert other.sha256 == tables.sha256
    other = Tables(tables.cdfs + 1, tables.sizes, tables.offsets)
    assert other.sha256 != tables.sha256
