"""TurboQuant and RaBitQ: what is predicted is decoded, and they are what their makers, and faiss, have."""

import itertools

import numpy as np
import pytest
from damaged_bytes import count_decoded
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import SmicnbError
from smicnb.compare.latents.protocol import QuantisedCoder
from smicnb.compare.latents.quantisers.rotated import LEVEL_UNIT, RaBitQ, TurboQuant, lloyd_levels
from smicnb.compare.latents.transforms import KLT, NORM, Truncation
from smicnb.semantics.metrics.pairs import latent_cosine

KINDS = [TurboQuant, RaBitQ]


def latents(images, dim, seed):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((images, dim)) * np.geomspace(3, 0.3, dim) + 1).astype(np.float32)


@given(
    st.sampled_from(KINDS),
    st.sampled_from([1, 2, 5]),
    st.sampled_from([1, 3, 8]),
    st.sampled_from(["all", "few", "centred"]),
    st.sampled_from([1, 2, 20]),
    st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=60)
def test_what_was_predicted_is_decoded_from_the_bytes_alone(kind, bits, dim, transform, images, seed):
    Z_train, Z = latents(images, dim, seed), latents(5, dim, seed + 1)
    make = {"all": Truncation, "few": lambda: KLT(2), "centred": lambda: Truncation(centre=True)}[transform]
    coder = QuantisedCoder(kind("", make(), bits, seed)).fit(Z_train)
    data = coder.encode(Z)
    decoded = QuantisedCoder(kind("fresh", Truncation(), 1)).decode(data)
    assert np.array_equal(decoded, coder.reconstruct(Z))
    norms = np.linalg.norm(decoded, axis=1)
    assert (np.isclose(norms, NORM, rtol=1e-6) | (norms == 0)).all()
    assert coder.spent(data).side + coder.spent(data).payload == len(data)
    assert QuantisedCoder(kind("", make(), bits, seed)).fit(Z_train).encode(Z) == data


@pytest.mark.parametrize("kind", KINDS)
def test_more_bits_are_closer_and_all_of_them_close(kind):
    Z_train, Z = latents(200, 48, 0), latents(50, 48, 1)
    cosines = []
    for bits in (1, 2, 3, 4, 6):
        coder = QuantisedCoder(kind("", Truncation(centre=True), bits)).fit(Z_train)
        cosines.append(latent_cosine(Z, coder.decode(coder.encode(Z))).mean())
    assert cosines == sorted(cosines)
    assert cosines[-1] > 0.995


def test_the_levels_are_those_of_lloyd_and_max():
    """Max, Quantizing for minimum distortion, 1960, table I."""
    np.testing.assert_allclose(lloyd_levels(1) / LEVEL_UNIT, [-0.7979, 0.7979], atol=3e-4)
    np.testing.assert_allclose(lloyd_levels(2) / LEVEL_UNIT, [-1.510, -0.4528, 0.4528, 1.510], atol=5e-4)
    np.testing.assert_allclose(lloyd_levels(3)[4:] / LEVEL_UNIT, [0.2451, 0.7560, 1.344, 2.152], atol=5e-4)


def test_the_levels_are_those_of_faiss_at_the_scale_that_it_wants():
    """Its TurboQuant takes unit vectors and no other: so the levels are read off what it decodes unit vectors to."""
    faiss = pytest.importorskip("faiss")
    units = np.random.default_rng(0).standard_normal((400, 256)).astype(np.float32)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    for bits in (1, 2, 3):
        theirs = faiss.ScalarQuantizer(256, getattr(faiss.ScalarQuantizer, f"QT_{bits}bit_tqmse"))
        theirs.train(units)
        decoded = theirs.decode(theirs.compute_codes(units))
        np.testing.assert_allclose(16 * np.unique(decoded), lloyd_levels(bits) / LEVEL_UNIT, atol=0.02)
        ours = lloyd_levels(bits)[TurboQuant("", Truncation(), bits)._levels(units.astype(float))]
        assert abs(latent_cosine(units, ours).mean() - latent_cosine(units, decoded).mean()) < 2e-3


def test_one_bit_of_rabitq_is_what_faiss_reads_back_and_more_are_nearer():
    """Faiss reads the signs back whatever the number of bits; ours reads all."""
    faiss = pytest.importorskip("faiss")
    turned = np.random.default_rng(0).standard_normal((50, 64)).astype(np.float32)
    theirs = faiss.RaBitQuantizer(64, faiss.METRIC_L2, 1)
    theirs.train(turned)
    decoded = theirs.decode(theirs.compute_codes(turned))
    kept = []
    for bits in (1, 2, 4):
        quantiser = RaBitQ("", Truncation(), bits)
        kept.append(latent_cosine(turned, quantiser._values(quantiser._levels(turned.astype(float)))).mean())
    assert kept[0] == pytest.approx(latent_cosine(turned, decoded).mean(), abs=0.02)
    assert kept[0] + 0.1 < kept[1] < kept[2] - 0.02


def test_no_vector_of_the_grid_is_nearer_in_angle():
    rng = np.random.default_rng(1)
    grid = np.array(list(itertools.product([-3, -1, 1, 3], repeat=4)))
    grid = grid / np.linalg.norm(grid, axis=1, keepdims=True)
    quantiser = RaBitQ("", Truncation(), 2)
    for turned in rng.standard_normal((60, 4)) * [1, 2, 0.1, 1]:
        found = quantiser._values(quantiser._levels(turned[None]))[0]
        assert found @ turned / np.linalg.norm(found) == pytest.approx((grid @ turned).max())
    assert set(quantiser._levels(np.zeros((1, 4)))[0]) <= {1, 2}


def test_without_a_rotation_a_falling_spectrum_is_kept_badly():
    """Signs keep √(2/π) of a vector that is turned at random."""
    rng = np.random.default_rng(7)
    Z = rng.standard_normal((60, 128)) * np.geomspace(10, 0.01, 128)
    coder = QuantisedCoder(RaBitQ("", Truncation(), 1)).fit(Z)
    assert latent_cosine(Z, coder.decode(coder.encode(Z))).mean() == pytest.approx(np.sqrt(2 / np.pi), abs=0.02)
    assert latent_cosine(Z, np.sign(Z)).mean() < 0.45


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_bytes_are_an_integrity_error_and_nothing_else(kind):
    coder = QuantisedCoder(kind("", KLT(3), 2)).fit(latents(20, 6, 0))
    count_decoded(coder, coder.encode(latents(9, 6, 1)))  # other axes are as good as those that were meant


def test_bits_out_of_range_are_refused():
    for bits in (0, 9):
        with pytest.raises(SmicnbError, match="1 to 8"):
            RaBitQ("", Truncation(), bits)
