"""Lengths and cosines of many operating points against the bytes and latents of real files."""

import numpy as np
import pytest

from smicnb.codec.coders.coefficients import Codes
from smicnb.codec.coders.smic import SMICCodec, fit_codebook
from smicnb.codec.format import payload, quantise
from smicnb.codec.format.container import BLOCK_IMAGES, Header
from smicnb.codec.format.reader import SmicReader
from smicnb.studies.frontier import operating_points

NORM, PENALTY, BITS = 20.0, 0.5, (1, 2, 4, 8, 16)


def latents_of(count, seed, dim=24):
    rng = np.random.default_rng(seed)
    codes = rng.laplace(size=(count, 10)) * (rng.random((count, 10)) < 0.4)
    some = codes @ np.random.default_rng(9).standard_normal((10, dim)) + 0.1 * rng.standard_normal((count, dim))
    return NORM * some / np.linalg.norm(some, axis=1, keepdims=True)


@pytest.fixture(scope="module", params=[3, 16], ids=["3 bits an atom", "16 bits an atom"])
def measured(request):
    """b_coef -> what was measured, and the codec of each coding, for a collection and others."""
    collection, others, b_dict = latents_of(300, 0), latents_of(130, 1), request.param
    atoms = np.random.default_rng(2).standard_normal((14, 24))
    levels = quantise.atom_levels(atoms / np.linalg.norm(atoms, axis=1, keepdims=True), b_dict)
    decoder = quantise.unit_atoms(levels, b_dict) / quantise.ATOM_UNIT
    codes = [Codes.from_latents(some, decoder, PENALTY) for some in (collection, others)]
    results = operating_points.measure(codes[0], codes[1:], BITS, NORM)

    def codec(b_coef, coding):
        header = Header("tests", "0" * 64, 24, NORM, 14, PENALTY, b_dict, b_coef, coding)
        return SMICCodec.from_codebook(fit_codebook(header, levels, collection, refit=True), refit=True)

    return (collection, others), dict(zip(BITS, results, strict=True)), codec


@pytest.mark.parametrize("b_coef", BITS)
def test_lengths_and_cosines_are_those_of_the_file(measured, b_coef):
    sets, points, codec = measured
    for coding in payload.CODINGS:
        coder = codec(b_coef, coding)
        for some, point in zip(sets, points[b_coef], strict=True):
            assert point.quantiser == coder.codebook_.quantiser
            with SmicReader(coder.encode(some)) as opened:
                written, blocks = 8 * opened.file.spent["payload"], opened.file.blocks
                decoded = opened.latents().astype(float)
                used = np.concatenate([(block.levels >= 0).sum(axis=1) for block in opened])
            np.testing.assert_array_equal(point.used, used)
            cosines = (some * decoded).sum(axis=1) / NORM**2
            np.testing.assert_allclose(point.cosines, np.where(used > 0, cosines, 0), atol=2e-5)
            bits = point.tuple_bits if coding == "tuple" else point.entropy_bits
            # A block ends on a whole byte; the range coder's state and its rounded frequencies cost up to 8 bytes.
            most = 8 * blocks if coding == "tuple" else 64 * blocks
            assert 0 <= written - bits <= most
            assert blocks == -(-len(some) // BLOCK_IMAGES)


def test_models_are_those_of_the_codec(measured):
    _, points, codec = measured
    for b_coef in BITS:
        assert points[b_coef][0].models.to_bytes() == codec(b_coef, "entropy").codebook_.models.to_bytes()


def test_nothing_coded_has_no_cosine_and_few_bits():
    codes = Codes(np.zeros((70, 3)), np.ones((70, 3)), np.full(70, NORM), np.eye(3))
    (point,) = operating_points.measure(codes, [], [4], NORM)
    assert not point[0].cosines.any()
    assert point[0].entropy_bits < point[0].tuple_bits + 70
