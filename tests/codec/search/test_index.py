"""SemanticIndex: cosines with decoded latents, in the file's order where equal, of files that grow and are damaged."""

import os
import re
import subprocess
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
import smic_mutants
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import DimensionError, ImageError, IntegrityError, SmicnbError
from smicnb.codec.coders.axes import AxesCodec
from smicnb.codec.coders.smic import SMICCodec
from smicnb.codec.format import container
from smicnb.codec.format.container import Block
from smicnb.codec.format.reader import SmicReader, decode
from smicnb.codec.format.trellis.codebook import TrellisCodebook
from smicnb.codec.search import index as module
from smicnb.codec.search.index import SemanticIndex

RNG = np.random.default_rng(8)
LATENTS = RNG.standard_normal((600, 4)) @ RNG.standard_normal((4, 12)) + RNG.standard_normal((600, 12)) / 3
CODEC = AxesCodec(fidelity=85).fit(LATENTS)
NAMES = [f"{year}/IMG_{i:03d}.JPG" for year in (2023, 2024) for i in range(300)]
NEAR = 1e-6  # decoded latents are rounded to float32


@pytest.fixture
def path(tmp_path):
    container.create(tmp_path / "a.smic", *CODEC.sections, CODEC.blocks(LATENTS, NAMES))
    return tmp_path / "a.smic"


def cosines(queries, latents):
    with np.errstate(invalid="ignore"):
        units = latents / np.linalg.norm(latents, axis=1, keepdims=True)
    return queries / np.linalg.norm(queries, axis=1, keepdims=True) @ units.T.astype(float)


@pytest.mark.parametrize("place", range(len(smic_mutants.originals())))
def test_scores_are_cosines_with_the_decoded_latents_whatever_the_coding(place):
    data = smic_mutants.originals()[place]
    with SmicReader(data) as opened:
        latents = opened.latents()
    queries = np.random.default_rng(place).standard_normal((3, latents.shape[1]))
    index = SemanticIndex.open(data)
    scores = index.scores(queries)
    np.testing.assert_allclose(scores, cosines(queries, latents), atol=NEAR, rtol=0)
    for query, row, hits in zip(queries, scores, index.search(queries, k=5), strict=True):
        want = [i for i in np.argsort(-row, kind="stable") if not np.isnan(row[i])][:5]
        assert [hit.image for hit in hits] == want
        assert [hit.score for hit in hits] == row[want].tolist()
        assert [hit.image for hit in index.search(query, k=5)[0]] == want
    assert not index.damage


@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 700), st.integers(1, 300))
@settings(deadline=None, max_examples=25)
def test_the_best_are_those_of_a_whole_sort_however_the_file_is_cut(seed, kinds, k, slab):
    rng = np.random.default_rng(seed)
    Z = LATENTS[rng.integers(kinds, size=rng.integers(1, 600))]  # many that are equal
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SLAB", slab)
        patch.setattr(module, "MOST_BYTES", int(rng.choice([0, 20_000, 1 << 30])))
        index = SemanticIndex.open(container.dump(*CODEC.sections, CODEC.blocks(Z)))
        scores = index.scores(LATENTS[0])[0]
        above = float(rng.choice(scores))
        for least in (None, above):
            order = [i for i in np.argsort(-scores, kind="stable").tolist() if least is None or scores[i] >= least]
            hits = index.search(LATENTS[0], k, least)[0]
            assert [hit.image for hit in hits] == order[:k]
        assert index.nbytes <= module.MOST_BYTES


def test_equal_photographs_are_in_the_order_of_the_files(tmp_path):
    sections, one = CODEC.sections, LATENTS[:1]
    for name in ("b", "a"):
        container.create(tmp_path / name, *sections, CODEC.blocks(one)[:1] * 3)  # three blocks of the same bytes
    with SemanticIndex.open([tmp_path / "b", tmp_path / "a"]) as index:
        hits = index.search(one, 9)[0]
    assert [(hit.file[-1], hit.image) for hit in hits] == [(name, image) for name in "ba" for image in range(3)]
    assert len({hit.score for hit in hits}) == 1


FROZEN = {  # scores of the query (−2.5, −1.5, … 3.5, −2.5, …) in the files of docs/format.md, digit by digit
    "vector-1": ["-0x1.5555555555555p-1", "nan", "-0x1.5555555555555p-1"],
    "vector-2": ["-0x1.a006ed271e407p-1", "0x1.c71c8bda11554p-2", "nan", "0x1.97d39c39d3bbep-1"],
    "vector-3": [
        "-0x1.5555555555555p-1",
        "nan",
        "-0x1.5555555555555p-1",
        "0x1.c82037e4ae6f0p-1",
        "-0x1.1111111111110p-3",
    ],
    "vector-4": ["-0x1.945952aec4979p-3", "0x1.b344886598ef1p-2", "-0x1.4852d79605fffp-2"],
    "vector-5": ["0x1.057e77189e999p-5"],
    "vector-6": ["-0x1.e0924d1499fcep-7", "-0x1.1d5d2251c8175p-5"],
}


def test_scores_have_these_very_bits_on_every_machine(repository):
    page = (repository / "docs" / "format.md").read_text(encoding="utf-8")
    found = {}
    for name, text in re.findall(r"^```hex (vector-\d)\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        index = SemanticIndex.open(bytes.fromhex(text))
        query = np.arange(index.header.dim) % 7 - 2.5
        found[name] = [score.hex() for score in index.scores(query)[0].tolist()]
    assert found == FROZEN


def test_a_query_is_alone_or_among_others_with_the_same_bits(path):
    with SemanticIndex.open(path) as index:
        together = index.scores(LATENTS[:9])
        assert all((index.scores(latent) == row).all() for latent, row in zip(LATENTS[:9], together, strict=True))
        np.testing.assert_array_equal(index.scores(LATENTS[:9] * 2.0**600), together)
        np.testing.assert_array_equal(index.scores(list(LATENTS[:9])), together)


def test_names_are_given_and_choose(path):
    with SemanticIndex.open(path) as index:
        assert len(index) == 600
        (hits,) = index.search(LATENTS[450], 600, names="2024/*.jpg")  # regardless of case
        assert len(hits) == 300
        assert hits[0] == (pytest.approx(hits[0].score), str(path), 450, "2024/IMG_150.JPG")
        assert index.search(LATENTS[450], names="2025/*") == [[]]
        assert [hit.name for hit in index.search(LATENTS[450], 1, names="*_15[0-9].jpg")[0]] == ["2024/IMG_150.JPG"]


def test_a_file_that_grows_or_is_replaced_is_noticed(path):
    with SemanticIndex.open(path) as index:
        kept, new = index.nbytes, LATENTS[:1] - 9
        container.append(path, CODEC.blocks(new, ["new.jpg"]))
        assert index.search(new, 1)[0][0][2:] == (600, "new.jpg")
        assert len(index) == 601
        assert kept < index.nbytes < 1.2 * kept
        with path.open("ab") as file:
            file.write(b"SEG\n was cut off")
        assert index.search(new, 1)[0][0].image == 600
        container.create(path, *CODEC.sections, CODEC.blocks(LATENTS[5:8]))
        assert index.scores(new).shape == (1, 3)
        wider = AxesCodec(fidelity=85).fit(np.hstack([LATENTS, LATENTS]))
        container.create(path, *wider.sections, [])
        with pytest.raises(SmicnbError, match="was replaced by a file of 'unnamed'"):
            index.scores(new)
        path.unlink()
        with pytest.raises(SmicnbError, match="cannot read"):
            index.scores(new)


def test_a_damaged_block_is_named_and_the_others_are_searched(path):
    data = bytearray(path.read_bytes())
    place = data.index(CODEC.blocks(LATENTS, NAMES)[1].payload)
    data[place + 9] ^= 1
    path.write_bytes(data)
    with SemanticIndex.open(path) as index:
        (damage,) = index.damage
        assert damage[:4] == (str(path), 1, 255, 509)
        assert "block 1 does not match its checksum" in str(damage)
        scores = index.scores(LATENTS[:2])
        assert np.isnan(scores[:, 255:510]).all()
        assert np.isfinite(scores[:, :255]).all()
        assert {hit.image for hit in index.search(LATENTS[0], 600)[0]} == {*range(255), *range(510, 600)}
        assert not any(255 <= number < 510 for number, *_ in index.pairs(0.99))


def test_names_that_are_none_leave_their_photographs_numbers():
    blocks = [Block(block.count, block.payload, b"\x01..\0b") for block in CODEC.blocks(LATENTS[:2])]
    index = SemanticIndex.open(container.dump(*CODEC.sections, blocks))
    assert [hit.name for hit in index.search(LATENTS[0])[0]] == [None, None]
    assert "leads out of its folder" in index.damage[0].error
    assert index.search(LATENTS[0], names="*") == [[]]


def test_more_values_than_latents_gives_are_searched():
    header = container.Header("any", "0" * 64, 8192, 20.0, 2, 1.0, 1, 8, "trellis")
    axes = np.random.default_rng(0).bytes(2 * 8192 // 8)
    deflate = zlib.compressobj(9, wbits=-15)
    tables = bytes([90, 0, 0, 0, 0, 0]) + deflate.compress(bytes([120, 110])) + deflate.flush()
    book = TrellisCodebook.from_sections(header, axes, tables)
    levels = book.quantise(np.random.default_rng(1).standard_normal((255, 2)) * [1, 0.4], 1e-3)
    data = container.dump(header, axes, tables, [Block(255, book.encode_payload(levels), b"")] * 130)
    with SmicReader(data) as opened, pytest.raises(DimensionError, match="read it block by block"):
        opened.latents()
    index, query = SemanticIndex.open(data), book.reconstruct(levels)[3]
    scores = index.scores(query)[0]
    assert scores.size * header.dim > 1 << 28
    assert (scores.reshape(130, 255) == scores[:255]).all()
    assert [hit.image for hit in index.search(query, 300)[0]] == np.argsort(-scores, kind="stable")[:300].tolist()


def test_few_bytes_that_stand_for_many_images_take_bounded_memory(monkeypatch):
    header = container.Header("any", "0" * 64, 64, 20.0, 1024, 1.0, 1, 8, "trellis")
    deflate = zlib.compressobj(9, wbits=-15)
    scales = bytes([90]) * 1024
    tables = bytes([80, 0, 0, 0, 0, 0]) + deflate.compress(scales) + deflate.flush()
    data = container.dump(header, bytes(1024 * 64 // 8), tables, [Block(255, bytes(2), b"")] * 50)
    monkeypatch.setattr(module, "MOST_BYTES", 1 << 22)
    tracemalloc.start()
    index = SemanticIndex.open(data)
    index.search(np.ones(64))
    assert index.nbytes <= 1 << 22
    assert tracemalloc.get_traced_memory()[1] < 100 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("queries", "needed"),
    [
        (np.zeros(12), "have a direction"),
        (np.full(12, np.nan), "have a direction"),
        (np.ones(11), r"latents \(Q, 12\)"),
        (np.ones((1, 2, 12)), r"latents \(Q, 12\)"),
    ],
)
def test_queries_that_are_none(path, queries, needed):
    with SemanticIndex.open(path) as index, pytest.raises(DimensionError, match=needed):
        index.search(queries)


def test_no_query_finds_nothing_and_no_photograph_is_found(tmp_path):
    index = SemanticIndex.open(container.dump(*CODEC.sections, []))
    assert index.search(LATENTS[0]) == [[]]
    assert index.scores(LATENTS[:2]).shape == (2, 0)
    assert list(index.pairs(0.5)) == []
    assert index.search(np.zeros((0, 12))) == []
    for k in (0, -1, 2.5):
        with pytest.raises(DimensionError, match=f"k = {k}"):
            index.search(LATENTS[0], k)
    with pytest.raises(DimensionError, match="above = nan"):
        index.search(LATENTS[0], above=float("nan"))
    for queries in (5, None, [LATENTS[0], LATENTS[0, :3]], np.ones((1, 12), complex)):
        with pytest.raises((DimensionError, ImageError)):
            index.search(queries)
    with pytest.raises(SmicnbError, match="no file"):
        SemanticIndex.open([])
    with pytest.raises(DimensionError, match="no photograph of number 0"):
        index.hit(0)


def test_files_of_different_encoders_are_refused(path, tmp_path):
    other = AxesCodec(fidelity=85, encoder="other", weights_hash="1" * 64).fit(LATENTS)
    container.create(tmp_path / "b.smic", *other.sections, other.blocks(LATENTS[:5]))
    with pytest.raises(SmicnbError, match=r"different encoders: '.*a.smic' is of 'unnamed'.*b.smic' of 'other'"):
        SemanticIndex.open([path, tmp_path / "b.smic"])
    with pytest.raises(IntegrityError, match=r"no whole \.smic file"):
        SemanticIndex.open([path, b"not one"])


def test_files_of_one_encoder_are_searched_together_whatever_their_coding(path, tmp_path):
    paper = SMICCodec(8, 0.3).fit(LATENTS)
    container.create(tmp_path / "b.smic", *paper.sections, paper.blocks(LATENTS[:70]))
    with SemanticIndex.open([path, tmp_path / "b.smic"]) as index:
        latents = np.vstack([decode(file) for file in (path, tmp_path / "b.smic")])
        np.testing.assert_allclose(index.scores(LATENTS[:2]), cosines(LATENTS[:2], latents), atol=NEAR, rtol=0)
        found = {(number, later) for number, laters, _ in index.pairs(0.97) for later in laters.tolist()}
        exact = cosines(latents, latents)
        sure, possible = (
            {(i, j) for i, j in np.argwhere(exact >= 0.97 + slack).tolist() if i < j} for slack in (NEAR, -NEAR)
        )
        assert sure <= found <= possible
        assert sure


def test_importing_the_index_compiles_nothing():
    code = "import smicnb.codec, smicnb.cli.main, sys; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "False"
