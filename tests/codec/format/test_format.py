"""docs/format.md says what the files are: its vectors, its tables and a reader written from it alone."""

import hashlib
import json
import re
import struct

import numpy as np
import pytest
import smic_by_hand
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import SmicnbError
from smicnb.codec.coders.axes import AxesCodec
from smicnb.codec.coders.smic import SMICCodec
from smicnb.codec.format import codebook, container, details, payload, priors, quantise
from smicnb.codec.format.codebook import Codebook
from smicnb.codec.format.container import Block, Header
from smicnb.codec.format.payload import EntropyModels
from smicnb.codec.format.quantise import CoefficientQuantiser
from smicnb.codec.format.reader import SmicReader
from smicnb.codec.format.trellis import codebook as trellis_codebook
from smicnb.codec.format.trellis import quantisation

VECTORS = ("vector-1", "vector-2", "vector-3")
BEYOND = ("vector-4", "vector-5", "vector-6")  # trellis, prior, words
FIELDS = ("encoder", "weights", "dim", "norm", "n_atoms", "penalty", "b_dict", "b_coef", "coding")
TYPES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i32": "i", "f64": "d"}
# Constants that no reader meets.
WRITERS_OWN = {
    "container.SPOOLED",
    "payload.NULL",
    "payload.TOTAL",
    "quantise.BINS",
    "quantisation.TOTAL",
    "quantisation.SHORT",
    "quantisation.GROWTH",
}


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "format.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def vectors(page):
    """name -> (the file, what it holds)."""
    blocks = re.findall(r"^```(hex|json) (vector-\d)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    found = {(kind, name): text for kind, name, text in blocks}
    names = sorted({name for _, name in found})
    return {name: (bytes.fromhex(found["hex", name]), json.loads(found["json", name])) for name in names}


def test_every_vector_is_tried(vectors):
    assert tuple(vectors) == VECTORS + BEYOND


def images_of(about, what):
    """What a vector says of each image; None for each where it says nothing."""
    values = []
    for block in (block for segment in about["segments"] for block in segment):
        values += block[what] or [None] * len(block["levels"])
    return [tuple(value) if what == "sizes" and value else value for value in values]


@pytest.mark.parametrize("name", VECTORS)
def test_the_package_and_a_reader_written_from_the_page_read_what_it_says(vectors, name):
    data, about = vectors[name]
    found = smic_by_hand.read(data)
    assert found.header["encoder"] == about["encoder"]
    assert found.header["weights"].hex() == about["weights"]
    with SmicReader(data) as opened:
        assert opened.header == Header(*(about[field] for field in FIELDS))
        assert opened.codebook.levels.tolist() == found.atoms == about["atoms"]
        assert opened.codebook.quantiser.low == about["tables"]["low"]
        assert opened.codebook.quantiser.high == about["tables"]["high"]
        for table in ("counts", "weights", "values"):
            if opened.header.coding == "entropy":
                assert getattr(opened.codebook.models, table).tolist() == about["tables"][table]
        blocks = list(opened)
        assert np.concatenate([block.levels for block in blocks]).tolist() == found.levels == images_of(about, "levels")
        assert same_latents(opened.latents(), about)
        assert same_latents(found.latents, about)
        assert opened.names == found.names == images_of(about, "names")
        sizes = [size for block in blocks for size in block.sizes or [None] * len(block.levels)]
        assert sizes == found.sizes == images_of(about, "sizes")
        assert opened.file.spent == about["spent"]
        assert sum(about["spent"].values()) == found.end == len(data)


@pytest.mark.parametrize("name", VECTORS)
def test_the_package_writes_the_same_bytes_again(vectors, name, tmp_path):
    data, about = vectors[name]
    header = Header(*(about[field] for field in FIELDS))
    tables = about["tables"]
    models = None
    if header.coding == "entropy":
        models = EntropyModels(*(np.array(tables[table], np.uint8) for table in ("counts", "weights", "values")))
    quantiser = CoefficientQuantiser(header.b_coef, tables["low"], tables["high"])
    book = Codebook(header, np.array(about["atoms"], np.uint16), quantiser, models)
    first, *others = [
        [
            Block(
                len(block["levels"]),
                book.encode_payload(np.array(block["levels"], np.int32)),
                details.pack(block["names"], block["sizes"] and [tuple(size) for size in block["sizes"]]),
            )
            for block in segment
        ]
        for segment in about["segments"]
    ]
    path = tmp_path / "again.smic"
    container.create(path, header, book.dictionary, book.tables, first)
    for blocks in others:
        container.append(path, blocks)
    assert path.read_bytes() == data


def levels_beyond(about):
    """The levels of a vector of axes or words, a row for each image, with those that it leaves out."""
    rows = []
    for levels in images_of(about, "levels"):
        if isinstance(levels, dict):
            rows.append([levels.get(word, payload.NULL) for word in priors.list_priors()[0].words])
        else:
            rows.append(levels + [payload.NULL] * (about["n_atoms"] - len(levels)))
    return rows


def same_latents(latents, about):
    latents = np.array(latents, "<f4")
    if "latents" in about:
        return latents.tobytes() == np.array(about["latents"], "<f4").tobytes()
    first = latents[:, : len(about["first"][0])].tobytes() == np.array(about["first"], "<f4").tobytes()
    return first and hashlib.sha256(latents.tobytes()).hexdigest() == about["latents_sha256"]


def tables_of(book):
    """The tables of a codebook, as the page writes them."""
    if isinstance(book, Codebook):
        models = b"".join(table.tobytes() for table in (book.models.counts, book.models.weights, book.models.values))
        return {"low": book.quantiser.low, "high": book.quantiser.high, "models": hashlib.sha256(models).hexdigest()}
    if book.prior is not None:
        shape = dict(zip(("mean_fidelity", "shift"), book.mean_shape, strict=True))
        return {"fidelity": book.fidelity, "growth": book.growth, **shape, "mean": book.mean.hex()}
    mean = quantise.unpack_levels(book.mean, book.header.dim, book.header.b_dict).tolist()
    about = {"fidelity": book.fidelity, "growth": book.growth, "norm": book.mean_shape[0]}
    return about | {"mean": mean, "scales": book.scales.tolist()}


@pytest.mark.parametrize("name", BEYOND)
def test_both_readers_read_axes_and_words_as_the_page_says_and_the_package_writes_them_again(vectors, name):
    data, about = vectors[name]
    found = smic_by_hand.read(data)
    assert found.levels == levels_beyond(about)
    assert same_latents(found.latents, about)
    assert (found.names, found.sizes, found.end) == (images_of(about, "names"), images_of(about, "sizes"), len(data))
    with SmicReader(data) as opened:
        header, book = opened.header, opened.codebook
        assert header == Header(*(about[field] for field in FIELDS))
        assert tables_of(book) == about["tables"]
        blocks = list(opened)
        assert np.concatenate([block.levels for block in blocks]).tolist() == found.levels
        assert same_latents(opened.latents(), about)
        assert opened.names == found.names
        assert opened.file.spent == about["spent"]
        if "atoms" in about:
            assert found.atoms == book.axis_levels.tolist() == about["atoms"]
    written = [
        Block(len(block.levels), book.encode_payload(block.levels), details.pack(block.names, block.sizes))
        for block in blocks
    ]
    assert container.dump(header, book.dictionary, book.tables, written) == data


def test_an_append_that_was_cut_off_anywhere_leaves_the_images_before_it(vectors):
    before, after = vectors["vector-1"][0], vectors["vector-3"][0]
    assert after.startswith(before)
    whole = smic_by_hand.read(before)
    for length in range(len(before), len(after)):
        assert smic_by_hand.read(after[:length]) == whole
        with SmicReader(after[:length]) as opened:
            assert opened.file.unfinished == length - len(before)
            assert len(opened) == len(whole.levels)
    for length in range(len(before)):
        with pytest.raises((ValueError, struct.error)):
            smic_by_hand.read(before[:length])


def test_both_readers_notice_a_change_of_any_byte(vectors):
    for data, _ in (vectors[name] for name in (*VECTORS, "vector-4")):
        for place in range(len(data)):
            damaged = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            with pytest.raises(SmicnbError), SmicReader(damaged) as opened:
                _ = opened.names
            with pytest.raises((ValueError, struct.error)):
                smic_by_hand.read(damaged)


def random_book(n_atoms, dim, b_dict, b_coef, coding, norm, seed):
    rng = np.random.default_rng(seed)
    low, high = sorted(rng.choice(np.arange(1 - quantise.LIMIT, quantise.LIMIT), 2, replace=False).tolist())
    levels = rng.integers(0, 1 << b_dict, (n_atoms, dim)).astype(np.uint16)
    models = None
    if coding == "entropy":
        sizes = (n_atoms + 1, n_atoms, 1 << min(b_coef, payload.MODELLED))
        models = EntropyModels(*(rng.integers(1, 256, size).astype(np.uint8) for size in sizes))
    header = Header("random", "0" * 64, dim, norm, n_atoms, 0.5, b_dict, b_coef, coding)
    return Codebook(header, levels, CoefficientQuantiser(b_coef, low, high), models)


@given(
    st.builds(
        random_book,
        st.integers(1, 20),
        st.integers(1, 12),
        st.integers(1, 16),
        st.integers(1, 16),
        st.sampled_from(payload.CODINGS),
        st.floats(2**-64, 2**64),
        st.integers(0, 2**32 - 1),
    ),
    st.lists(st.integers(1, 5), max_size=3),
    st.floats(0, 1),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_both_readers_agree_on_files_that_nobody_chose(book, counts, density, sized):
    rng, blocks, levels = np.random.default_rng(len(counts)), [], []
    for count in counts:
        values = rng.integers(0, 1 << book.header.b_coef, (count, book.header.n_atoms))
        rows = np.where(rng.random(values.shape) < density, values, payload.NULL).astype(np.int32)
        names = [f"{len(levels) + row}/é.png" for row in range(count)]
        sizes = [tuple(rng.integers(1, 1 << 31, 2).tolist()) for _ in range(count)] if sized else None
        blocks.append(Block(count, book.encode_payload(rows), details.pack(names, sizes)))
        levels += rows.tolist()
    data = container.dump(book.header, book.dictionary, book.tables, blocks)
    found = smic_by_hand.read(data)
    assert found.levels == levels
    assert found.atoms == book.levels.tolist()
    with SmicReader(data) as opened:
        latents = np.array(found.latents, "<f4").reshape(-1, book.header.dim)
        assert opened.latents().tobytes() == latents.tobytes()
        assert opened.names == found.names
        sizes = [size for block in opened for size in block.sizes or [None] * len(block.levels)]
        assert sizes == found.sizes


def latents_of(count, dim, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, dim)) * np.geomspace(3, 0.05, dim) + rng.standard_normal(dim)


@pytest.mark.parametrize("axes", ["own", "prior", "words"])
@pytest.mark.parametrize(("count", "fidelity"), [(1, 100), (3, 80), (70, 108), (5, 144)])
def test_both_readers_agree_on_axes_and_words(axes, count, fidelity):
    (prior,) = priors.list_priors()
    about = {"encoder": prior.name, "weights_hash": prior.weights_hash}
    if axes == "words":
        codec = SMICCodec(coding="words", penalty=fidelity / 40, **about)
    else:
        growth = {3: 0, 5: quantisation.MOST_GROWTH}.get(count, quantisation.GROWTH)
        codec = AxesCodec(axes, fidelity, prior=prior if axes == "prior" else None, b_dict=5, growth=growth, **about)
    Z = latents_of(count, 12 if axes == "own" else prior.dim, count)
    data = codec.fit(Z).encode(Z)
    found = smic_by_hand.read(data)
    latents = np.array(found.latents, "<f4").reshape(Z.shape)
    with SmicReader(data) as opened:
        assert np.concatenate([block.levels for block in opened]).tolist() == found.levels
        assert opened.latents().tobytes() == latents.tobytes() == codec.reconstruct(Z).tobytes()
        assert opened.latent(count - 1).tobytes() == latents[-1].tobytes()
    for place in range(95, len(data), max(1, len(data) // 40)):
        damaged = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(SmicnbError), SmicReader(damaged) as opened:
            _ = opened.names


def number(text):
    """A constant as the page writes it: 64, 2^23, 2^31 − 1."""
    power, _, less = text.partition(" − ")
    base, _, exponent = power.partition("^")
    return int(base) ** int(exponent or 1) - int(less or 0)


def test_the_constants_of_the_page_are_those_of_the_code(page):
    modules = {"container": container, "payload": payload, "quantise": quantise, "details": details}
    modules |= {"quantisation": quantisation, "priors": priors}
    said = dict(re.findall(r"^\| `(\w+\.[A-Z_]+)` \| (.+) \|$", page, re.MULTILINE))
    whole = {
        f"{module}.{name}": value
        for module, code in modules.items()
        for name, value in vars(code).items()
        if name.isupper() and isinstance(value, int)
    }
    whole["container.MOST_NORM"] = container.MOST_NORM
    assert {name: number(text) for name, text in said.items()} == {
        name: value for name, value in whole.items() if name not in WRITERS_OWN
    }


@pytest.mark.parametrize(
    ("table", "structure", "start"),
    [
        ("preamble", container.PREAMBLE, 0),
        ("header", container.FIELDS, container.PREAMBLE.size),
        ("range", codebook.RANGE, 0),
        ("own", trellis_codebook.OWN, 0),
        ("shared", trellis_codebook.SHARED, 0),
        ("head", container.HEAD, 0),
        ("end", container.TRAILER, 0),
        ("entry", struct.Struct("<BIII"), 0),
    ],
)
def test_the_fields_of_the_page_are_those_of_the_code(page, table, structure, start):
    rows = re.search(rf"^\| offset \| `{table}` \|.*\n\|[-|]+\n((?:\|.*\n)+)", page, re.MULTILINE)[1]
    place, types = start, ""
    for offset, kind in re.findall(r"^\| (\d+) \| \w+ \| `(\w+)` \|", rows, re.MULTILINE):
        assert int(offset) == place
        types += TYPES.get(kind, kind)
        place += struct.calcsize("<" + TYPES.get(kind, kind))
    assert structure.format == "<" + types
    assert len(re.findall(r"^\|", rows, re.MULTILINE)) == len(re.findall(r"[a-zA-Z]", types))


def test_an_index_entry_is_packed_as_the_page_says():
    assert container.ENTRY.names == ("count", "payload", "details", "crc")
    entry = np.array([(1, 2, 3, 4)], container.ENTRY)
    assert entry.tobytes() == struct.pack("<BIII", 1, 2, 3, 4)


def test_the_words_of_the_page_hold(page):
    assert page.count(" ".join(f"{byte:02x}" for byte in container.MAGIC)) == 1
    assert page.count(" ".join(f"{byte:02x}" for byte in container.SEGMENT)) == 1
    said = re.search(r"^Version (\d+)\.", page, re.MULTILINE)[1], re.search(r"\| version \| `u16` \| (\d+) \|", page)[1]
    assert said == (str(container.VERSION),) * 2
    assert ", ".join(f"{number}: `{coding}`" for number, coding in enumerate(container.CODINGS)) in page
    assert container.CODINGS[:2] == payload.CODINGS == ("tuple", "entropy")
    assert f"`{hashlib.sha256(quantisation.TABLES.read_bytes()).hexdigest()}`" in page
    for file in priors.FILES:
        data = (priors.FOLDER / file).read_bytes()
        assert f"{len(data)} bytes of SHA-256 `{hashlib.sha256(data).hexdigest()}`" in page
    example = payload.encode_tuples(np.array([[-1, 2, -1, 1], [-1] * 4], np.int32), 2)
    assert f"`{example.hex(' ')}`" in page


def test_the_page_counts_the_overhead_as_files_do(page):
    book = random_book(4, 6, 3, 5, "entropy", 20.0, 0)
    said = re.search(r"an image in a file of one segment: ([\d.]+) for 100 images, ([\d.]+) for 1000, ([\d.]+)", page)
    for images, bits in zip((100, 1000, 64_000), said.groups(), strict=True):
        sizes = [64] * (images // 64) + [images % 64] * (images % 64 > 0)
        blocks = [Block(size, b"record", b"") for size in sizes]
        with container.SmicFile(container.dump(book.header, book.dictionary, book.tables, blocks)) as opened:
            assert f"{8 * opened.spent['index'] / images:.2f}" == bits.rstrip(".")
            assert 8 * opened.spent["header"] == 704 + 8 * len("random")
