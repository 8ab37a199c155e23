"""Our files, and the paper's, among the coders of latents: every bit is counted and all come back."""

import pytest
from prior_latents import PRIOR, images

from smicnb.compare.latents import smic
from smicnb.semantics.metrics.pairs import latent_cosine


def finest(coders):
    """The first setting of each."""
    return list({coder.name: coder for coder in reversed(coders)}.values())


def test_every_bit_of_our_files_is_counted_and_they_come_back():
    Z, test = images(60), images(9, seed=1)
    for coder in finest(smic.our_coders(PRIOR, 1000) + smic.paper_coders(8)):
        data = coder.fit(Z).encode(test)
        spent, decoded = coder.spent(data), coder.decode(data)
        assert decoded.shape == test.shape
        assert spent.images == len(test)
        if coder.name == smic.SINGLE:
            assert spent.side == 0
            assert 0 < spent.payload < len(data)
        else:
            # One entry of the index stands in the file, and an image's part of a whole block's is counted besides.
            block = 255 if coder.name.startswith("ours") else 64
            assert spent.side + spent.payload == pytest.approx(len(data) + 13 * len(test) / block)
            assert 0 < spent.container < spent.side
        assert latent_cosine(test, decoded).mean() > (0.9 if coder.name.startswith("ours") else 0.2)


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
