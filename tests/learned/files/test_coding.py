"""Files and streams: every damage is found, and what no encoder wrote is refused."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smicnb.base.errors import IntegrityError, SmicnbError
from smicnb.learned.files import coding
from smicnb.learned.files.coding import File, Reader, Tables, Writer
from smicnb.learned.networks import frequencies

MODEL, LOWEST = bytes(range(6)), np.iinfo(np.int64).min
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


def coded(symbols, rows, tables) -> bytes:
    writer = Writer()
    writer.put(np.asarray(symbols), np.asarray(rows), tables)
    return writer.bytes()


@given(seed=st.integers(0, 2**32 - 1), spread=st.floats(0.01, 300), count=st.integers(1, 300))
def test_any_symbols_come_back_even_far_outside_the_tables(seed, spread, count, tables):
    rng = np.random.default_rng(seed)
    symbols = np.rint(rng.normal(0, spread, count))
    rows = coding.scale_indexes(rng.uniform(0.05, 300, count))
    reader, some = Reader(coded(symbols, rows, tables), count), count // 3
    np.testing.assert_array_equal(reader.take(rows[:some], tables), symbols[:some])
    np.testing.assert_array_equal(reader.take(rows[some:], tables), symbols[some:])


@given(
    counts=st.lists(st.lists(st.integers(1, 2**12), min_size=1, max_size=40), min_size=1, max_size=4),
    offset=st.integers(-100, 100),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_tables_will_do(counts, offset, seed):
    cdfs = [frequencies.cumulate(np.divide([*row, 1], sum(row) + 1)) for row in counts]
    padded = np.zeros((len(cdfs), max(map(len, cdfs))), np.int32)
    for row, cdf in zip(padded, cdfs, strict=True):
        row[: len(cdf)] = cdf
    sizes = np.array([len(cdf) for cdf in cdfs], np.int32)
    tables = Tables(padded, sizes, np.full(len(cdfs), offset, np.int32))
    rng = np.random.default_rng(seed)
    symbols, rows = rng.integers(-150, 150, 200), rng.integers(0, len(cdfs), 200)
    np.testing.assert_array_equal(Reader(coded(symbols, rows, tables), 200).take(rows, tables), symbols)


@pytest.mark.parametrize("symbol", [0, 1, -7, 100_000])
@pytest.mark.parametrize("row", [0, 63])
def test_a_single_symbol_comes_back(symbol, row, tables):
    row = np.array([row])
    assert Reader(coded([symbol], row, tables), 1).take(row, tables).tolist() == [symbol]


def test_a_stream_has_at_most_its_entropy_and_its_state(tables):
    rng = np.random.default_rng(0)
    rows = rng.integers(10, 50, 20_000)
    symbols = np.rint(rng.normal(0, coding.scale_table()[rows]))
    entries = (symbols - tables.offsets[rows]).astype(int)
    inside = (entries >= 0) & (entries < tables.sizes[rows] - 2)
    rows, symbols, entries = rows[inside], symbols[inside], entries[inside]
    bits = -np.log2((tables.cdfs[rows, entries + 1] - tables.cdfs[rows, entries]) / 2**16).sum()
    assert bits <= 8 * len(coded(symbols, rows, tables)) <= bits + 64


@given(stream=st.binary(max_size=200))
def test_a_forged_stream_is_refused_or_is_an_encoders(stream, tables):
    rows = np.arange(640) % coding.SCALES
    with pytest.raises(IntegrityError, match=r"the \d+ bytes of the stream of the file do not decode to 640"):
        Reader(stream, 640).take(rows, tables)


@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_a_stream_that_was_touched_gives_an_error_or_other_symbols_and_reads_nothing_beyond(data, seed, tables):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, coding.SCALES, 60)
    symbols = np.rint(rng.normal(0, 3 * coding.scale_table()[rows]))
    stream = bytearray(coded(symbols, rows, tables))
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] ^= data.draw(st.integers(1, 255))
    try:
        taken = Reader(bytes(stream), 60).take(rows, tables)
    except IntegrityError:
        return
    # What decodes to the end is the one stream of its symbols.
    assert coded(taken, rows, tables) == bytes(stream)
    assert not np.array_equal(taken, symbols)


@pytest.mark.parametrize("cut", [1, 4, 8])
@pytest.mark.parametrize("more", [b"", b"\0\0\0\0"])
def test_a_stream_that_was_cut_or_goes_on_is_refused(cut, more, tables):
    rows = np.arange(640) % coding.SCALES
    stream = coded(np.zeros(640), rows, tables)
    Reader(stream, 640).take(rows, tables)
    for other in (stream[:-cut] + more if not more else stream + more, stream[cut:]):
        with pytest.raises(IntegrityError, match="do not decode to"):
            Reader(other, 640).take(rows, tables)


def test_a_stream_with_a_symbol_less_or_more_does_not_end_as_an_encoders(tables):
    rows = np.arange(640) % coding.SCALES
    stream = coded(np.arange(640) % 5, rows, tables)
    for count in (638, 639, 641, 642):
        with pytest.raises(IntegrityError, match=f"do not decode to {count} symbols"):
            Reader(stream, count).take(np.arange(count) % coding.SCALES, tables)


def test_a_stream_that_is_too_long_for_its_symbols_is_refused_before_it_is_read():
    with pytest.raises(IntegrityError, match="the 836 bytes of the stream of the file do not decode to 100 symbols"):
        Reader(bytes(836), 100)


def test_the_dearest_symbols_are_within_what_is_read(tables):
    symbols = np.array([coding.LARGEST, -coding.LARGEST] * 50)
    rows = np.zeros(100, np.int64)
    stream = coded(symbols, rows, tables)
    assert len(stream) < coding.SYMBOL_BYTES * 100
    np.testing.assert_array_equal(Reader(stream, 100).take(rows, tables), symbols)
    largest = coding.LARGEST + 1
    for far, told in ((largest, "1.34e[+]08"), (-largest, "1.34e[+]08"), (np.nan, "nan"), (LOWEST, "9.22e[+]18")):
        with pytest.raises(IntegrityError, match=f"found a latent of {told}; needed: at most 134217728"):
            coded(np.full(3, far), np.zeros(3, np.int64), tables)


def test_a_symbol_larger_than_any_that_is_written_is_refused(tables, monkeypatch):
    monkeypatch.setattr(coding, "LARGEST", 2**31)
    rows = np.zeros(3, np.int64)
    for far in (2**27 + 1, -(2**27) - 1, 2**30):
        stream = coded([0, far, 0], rows, tables)
        with pytest.raises(IntegrityError, match="do not decode to"):
            Reader(stream, 3).take(rows, tables)


def by_hand(tables, nibbles) -> bytes:
    """The stream of an escape of the first row with these nibbles behind it, and of a 0 under that row."""
    edges, size = tables.cdfs[0].tolist(), int(tables.sizes[0])
    state, words = 2**31, []
    for entry, nibble in [
        (-tables.offsets[0], None),
        *((None, nibble) for nibble in reversed(nibbles)),
        (size - 2, None),
    ]:
        counts = 1 << 12 if entry is None else edges[entry + 1] - edges[entry]
        if state >= counts << 47:
            words.insert(0, state % 2**32)
            state >>= 32
        state = state << 4 | nibble if entry is None else (state // counts << 16) + state % counts + edges[entry]
    return b"".join(word.to_bytes(4, "little") for word in (state % 2**32, state >> 32, *words))


def test_an_escape_of_more_nibbles_than_it_needs_is_refused(tables):
    rows = np.zeros(2, np.int64)
    symbols = Reader(by_hand(tables, (1, 1)), 2).take(rows, tables)
    assert coded(symbols, rows, tables) == by_hand(tables, (1, 1))
    assert symbols.tolist() == [tables.offsets[0] - 1, 0]
    for nibbles in ((2, 1, 0), (3, 1, 0, 0), (1, 0)):
        with pytest.raises(IntegrityError, match="do not decode to 2 symbols"):
            Reader(by_hand(tables, nibbles), 2).take(rows, tables)


def test_a_thin_image_is_as_large_as_what_fills_it_up():
    coding.check_size(2**13, 2**12)
    coding.check_size(2**19, 1)
    for width, height in ((2**19 + 1, 1), (2**13, 2**12 + 1), (0, 1)):
        with pytest.raises(SmicnbError, match=f"found an image of {width}×{height}"):
            coding.check_size(width, height)


def test_scales_are_given_the_nearest_table():
    table = coding.scale_table()
    step = table[1] / table[0]
    scales = np.array([0.0, table[0], table[0] * step**0.6, table[10] * step**0.4, 1e9])
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
