"""Compiled decoding of blocks: the reader's levels or the reader's error, whoever wrote the block."""

import sys

import numpy as np
import pytest
import smic_mutants
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import IntegrityError, SmicnbError
from smicnb.codec.coders.axes import AxesCodec
from smicnb.codec.coders.smic import SMICCodec
from smicnb.codec.format import container, payload, priors, reader
from smicnb.codec.format.container import Block
from smicnb.codec.format.reader import SmicReader
from smicnb.codec.format.symbols import Symbols
from smicnb.codec.format.trellis import quantisation

(PRIOR,) = priors.list_priors()
NONE = "found a block that holds no image records; needed: the bytes that an encoder wrote"


def outcome(decode, block):
    """Levels, or what an error says."""
    try:
        return decode(block).tolist()
    except IntegrityError as error:
        return str(error)


def both(codebook, block):
    """The outcome, which is the reader's and the compiled one's."""
    found = outcome(Symbols(codebook).levels, block)
    assert found == outcome(codebook.decode_payload, block)
    return found


def test_damaged_and_forged_blocks_end_alike():
    rng, sound, refused = np.random.default_rng(5), 0, 0
    for _ in range(400):
        data = smic_mutants.mutant(rng, mended=True)
        try:
            with SmicReader(data) as opened:
                for number in range(opened.file.blocks):
                    found = both(opened.codebook, opened.file.block(number))
                    sound, refused = sound + (found != NONE), refused + (found == NONE)
        except SmicnbError:
            continue
    assert sound > 100
    assert refused > 20


def codecs():
    """A codec of each coding, and of what bounds it."""
    rng = np.random.default_rng(1)
    narrow, wide = rng.standard_normal((80, 3)) @ rng.standard_normal((3, 6)), rng.standard_normal((80, PRIOR.dim))
    made = [(SMICCodec(5, 0.5, 3, b_coef, coding), narrow) for coding in ("tuple", "entropy") for b_coef in (1, 4, 11)]
    made += [(SMICCodec(1, 0.5, 3, 4, coding), narrow) for coding in ("tuple", "entropy")]
    made += [(AxesCodec(most_axes=4, growth=growth), narrow) for growth in (0, quantisation.MOST_GROWTH)]
    made += [(AxesCodec("prior", fidelity, prior=PRIOR), wide) for fidelity in (90, 110)]
    made += [(SMICCodec(penalty=4.0, b_coef=7, coding="words", weights_hash=PRIOR.weights_hash), wide)]
    return [(codec.fit(latents), latents) for codec, latents in made]


CODECS = codecs()
places = st.integers(0, len(CODECS) - 1)


@given(places, st.integers(1, 64), st.integers(0, 2**31))
@settings(deadline=None, max_examples=40)
def test_what_is_coded_is_decoded(place, images, seed):
    codec, latents = CODECS[place]
    chosen = latents[np.random.default_rng(seed).integers(len(latents), size=images)]
    levels = codec.levels(chosen)
    block = Block(images, codec.codebook_.encode_payload(levels), b"")
    assert both(codec.codebook_, block) == levels.tolist()
    assert Symbols(codec.codebook_).levels(block).dtype == np.int32


@given(places, st.integers(1, 64), st.binary(max_size=60), st.booleans())
@settings(deadline=None, max_examples=150)
def test_any_bytes_end_alike(place, images, data, checked):
    book = CODECS[place][0].codebook_
    if checked and book.header.coding != "tuple":  # words whose check holds, so that levels count and not the check
        levels = np.full((images, book.header.n_atoms), payload.NULL, np.int32)
        if book.header.coding in container.ON_AXES:
            try:
                levels[:, : len(book.codes)] = quantisation.decode(data, images, book.codes, book.growth)
            except IntegrityError:
                assert both(book, Block(images, payload.check(levels) + data, b"")) == NONE
                return
            data = payload.check(levels) + data
            assert both(book, Block(images, data, b"")) == levels.tolist()
            return
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(payload, "check", lambda levels: b"ok")
            found = outcome(book.decode_payload, Block(images, b"ok" + data, b""))
        if found != NONE:
            data = payload.check(np.array(found, np.int32)) + data
            assert both(book, Block(images, data, b"")) == found
            return
    both(book, Block(images, data, b""))


@pytest.mark.parametrize("place", range(len(CODECS)))
def test_a_changed_bit_of_a_block_ends_alike(place):
    codec, latents = CODECS[place]
    data = bytearray(codec.codebook_.encode_payload(codec.levels(latents[:7])))
    for bit in range(0, 8 * len(data), max(1, len(data) // 4)):
        data[bit >> 3] ^= 1 << (bit & 7)
        both(codec.codebook_, Block(7, bytes(data), b""))
        data[bit >> 3] ^= 1 << (bit & 7)


def test_a_file_without_axes_has_images_without_symbols():
    header = container.Header("any", "0" * 64, 3, 20.0, 0, 1.0, 1, 8, "trellis")
    data = container.dump(header, b"", bytes(6) + bytes([3, 0]), [Block(255, bytes(2), b"")])
    with SmicReader(data) as opened:
        assert Symbols(opened.codebook).levels(opened.file.block(0)).shape == (255, 0)


def test_a_reader_of_many_images_takes_the_compiled_decoder_where_there_is_one(monkeypatch):
    Z = np.random.default_rng(0).standard_normal((300, 16))
    data = AxesCodec("own", 90).fit(Z).encode(Z)
    plain = SmicReader(data).latents()
    asked = []
    monkeypatch.setattr(reader, "MANY", 300)
    monkeypatch.setattr(Symbols, "levels", lambda *known, levels=Symbols.levels: asked.append(1) or levels(*known))
    assert SmicReader(data).latents().tobytes() == plain.tobytes()
    assert len(asked) == SmicReader(data).file.blocks
    monkeypatch.setitem(sys.modules, "smicnb.codec.format.symbols", None)  # as without numba
    assert SmicReader(data).latents().tobytes() == plain.tobytes()
    assert len(asked) == SmicReader(data).file.blocks
