"""Our files, and the paper's, among the coders of latents: every bit is counted and all come back."""

import numpy as np
import pytest
from prior_latents import PRIOR, images

from smicnb.codec.format.trellis import quantisation
from smicnb.compare.latents import smic
from smicnb.semantics.metrics.pairs import latent_cosine


def finest(coders):
    """The first setting of each."""
    return list({coder.name: coder for coder in reversed(coders)}.values())


def test_every_bit_of_our_files_is_counted_and_they_come_back():
    Z, test = images(60), images(9, seed=1)
    papers = smic.paper_coders(8, refitted=True)
    for coder in finest(smic.our_coders(PRIOR, 1000) + papers + smic.searched_coders(PRIOR, 1000)):
        data = coder.fit(Z).encode(test)
        spent, decoded = coder.spent(data), coder.decode(data)
        assert decoded.shape == test.shape
        assert spent.images == len(test)
        shares = coder.image_bits(data)
        assert shares.shape == (len(test),)
        # Bytes are whole ones, with a check before them; range coders end on a word.
        assert 0 < shares.sum() <= 8 * spent.payload
        assert 8 * spent.payload - shares.sum() < 64 + 32 * len(test) * (coder.name == smic.SINGLE) + 8 * 13
        if coder.name == smic.SINGLE:
            assert spent.side == 0
            assert 0 < spent.payload < len(data)
        else:
            # One entry of the index stands in the file, and an image's part of a whole block's is counted besides.
            block = 64 if coder.name.startswith("paper") else 255
            assert spent.side + spent.payload == pytest.approx(len(data) + 13 * len(test) / block)
            assert 0 < spent.container < spent.side
        assert latent_cosine(test, decoded).mean() > (0.2 if coder.name.startswith("paper") else 0.9)


def test_dictionaries_that_differ_in_bits_alone_are_learned_once_and_are_those_that_fit_learns():
    Z = images(40)
    shared = next(c for c in smic.paper_coders(8) if c.setting.startswith("8 atoms of 8 bits, 3 bits"))
    alone = smic.SMICCodec(8, 0.2, 8, 3, "tuple", random_state=0).fit(Z)
    assert shared.fit(Z).encode(Z) == alone.encode(Z)


def test_the_part_coders_add_one_part_after_the_other():
    names = list(dict.fromkeys(coder.name for coder in smic.part_coders(PRIOR, (2.0, 4.0))))
    assert names[0] == "KLT, scalar"
    assert names[-1] == smic.OURS
    assert smic.OURS not in {coder.name for coder in smic.part_coders(None, (2.0,))}


def test_scalars_are_rate_distortion_optimised_and_lose_to_the_trellis_what_scalars_lose():
    """At two bits a scalar quantiser of a Gaussian needs a quarter of a bit more than information theory does."""
    drawn, code = np.random.default_rng(0).standard_normal((4000, 2)), 15
    codes, lost = np.full(2, code), {}
    price = 2 * np.log(2) * 2.0 ** (-2 * (code + 1) / 8)
    for name, known in (("trellis", quantisation.tables()), ("scalar", smic.scalar_tables())):
        levels = quantisation.search_levels(drawn, np.ones(2), codes, price, growth=0, known=known)
        bits = quantisation.lengths(levels, codes, 0, known).mean() / 2
        values = quantisation.values(levels, np.full(2, 1 << 12), codes, known) / (1 << 12)
        lost[name] = bits - 0.5 * np.log2(1 / np.square(values - drawn).mean())
        data = quantisation.encode(levels[:100], codes, 18, known=known)
        assert np.array_equal(quantisation.decode(data, 100, codes, 18, known), levels[:100])
    assert 0.2 < lost["scalar"] < 0.27
    assert lost["trellis"] < 0.1
