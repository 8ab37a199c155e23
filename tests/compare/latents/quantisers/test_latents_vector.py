"""Product and additive quantisers: codewords near what they stand for, decoded without faiss."""

import sys

import numpy as np
import pytest
from damaged_bytes import count_decoded
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import DimensionError, SmicnbError
from smicnb.compare.latents.protocol import QuantisedCoder
from smicnb.compare.latents.quantisers.additive import LocalSearchQuantiser, ResidualQuantiser
from smicnb.compare.latents.quantisers.vector import OptimizedProductQuantiser, ProductQuantiser
from smicnb.compare.latents.transforms import NORM, normalise
from smicnb.semantics.metrics.pairs import latent_cosine

faiss = pytest.importorskip("faiss")
KINDS = [ProductQuantiser, ResidualQuantiser, OptimizedProductQuantiser, LocalSearchQuantiser]


def latents(images, dim, seed):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((images, dim)) * np.geomspace(3, 0.3, dim)).astype(np.float32)


@given(
    st.sampled_from(KINDS),
    st.sampled_from([1, 2, 3]),
    st.integers(1, 3),
    st.sampled_from([1, 2, 4]),
    st.sampled_from([4, 8, 16]),
    st.booleans(),
    st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=60)
def test_what_was_predicted_is_decoded_from_the_bytes_alone(kind, count, bits, width, codebook_bits, entropy, seed):
    Z_train, Z = latents(8, 6 * width, seed), latents(5, 6 * width, seed + 1)
    coder = QuantisedCoder(kind("", count, bits, codebook_bits), entropy).fit(Z_train)
    data = coder.encode(Z)
    decoded = QuantisedCoder(kind("fresh", 1, 1)).decode(data)
    assert np.array_equal(decoded, coder.reconstruct(Z))
    np.testing.assert_allclose(np.linalg.norm(decoded, axis=1), NORM, rtol=1e-6)
    assert QuantisedCoder(kind("", count, bits, codebook_bits), entropy).fit(Z_train).encode(Z) == data


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not LocalSearchQuantiser])
def test_training_latents_that_are_codewords_come_back(kind):
    """Not by local search, which begins with codes drawn at random and may leave a codeword unused."""
    Z = latents(4, 8, 0)
    coder = QuantisedCoder(kind("", 1, 2, 16), entropy=False).fit(Z)
    data = coder.encode(Z)
    assert latent_cosine(Z, coder.decode(data)).min() > 0.9999
    assert coder.spent(data).payload == 1 + 1  # a length, and four indices of two bits


@pytest.mark.parametrize("kind", KINDS)
def test_more_codebooks_are_closer(kind):
    cosines = [kept(kind, count, latents(300, 16, 0), latents(50, 16, 1)) for count in (1, 4, 16)]
    assert cosines == sorted(cosines)
    assert cosines[-1] > 0.95


def test_the_search_is_in_the_codebooks_that_are_sent():
    """Among all sums of two codewords none is nearer than the one that a wide beam finds."""
    Z = latents(60, 6, 0)
    quantiser = ResidualQuantiser("", 2, 2, codebook_bits=3)
    coder = QuantisedCoder(quantiser).fit(Z)
    Z = normalise(Z)
    first, second = quantiser._midpoints * quantiser._unit
    sums = (first[:, None] + second[None]).reshape(-1, 6)
    nearest = np.square(Z[:, None] - sums[None]).sum(axis=2).argmin(axis=1)
    symbols = coder.quantiser.quantise(Z)
    assert np.array_equal(4 * symbols[:, 0] + symbols[:, 1], nearest)


@pytest.mark.parametrize("kind", KINDS)
def test_without_faiss_files_are_read_and_encoders_name_the_package(kind, monkeypatch):
    Z = latents(8, 6, 0)
    coder = QuantisedCoder(kind("", 2, 2)).fit(Z)
    data, expected = coder.encode(Z), coder.reconstruct(Z)
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert np.array_equal(QuantisedCoder(kind("", 1, 1)).decode(data), expected)
    with pytest.raises(SmicnbError, match=r"faiss-cpu.*pip install 'smicnb\[codecs\]'"):
        QuantisedCoder(kind("", 2, 2)).fit(Z)


def test_what_cannot_be_is_refused():
    with pytest.raises(DimensionError, match="divisor"):
        QuantisedCoder(ProductQuantiser("", 4, 1)).fit(latents(9, 6, 0))
    with pytest.raises(DimensionError, match="take fewer bits"):
        QuantisedCoder(ResidualQuantiser("", 1, 4)).fit(latents(9, 6, 0))
    for count, bits, codebook_bits in ((0, 1, 8), (1, 0, 8), (1, 13, 8), (1, 1, 0), (1, 1, 17)):
        with pytest.raises(SmicnbError, match="1 or more"):
            ProductQuantiser("", count, bits, codebook_bits)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_bytes_are_an_integrity_error_and_nothing_else(kind):
    Z = latents(8, 6, 0)
    coder = QuantisedCoder(kind("", 2, 2)).fit(Z)
    count_decoded(coder, coder.encode(Z))  # another codebook is as good as the one that was meant


def test_a_latent_has_one_code_alone_and_among_others():
    """Faiss' own local search gives a vector another code by its place in a batch."""
    Z_train, Z = latents(200, 16, 0), latents(40, 16, 1)
    for kind in KINDS:
        quantiser = kind("", 4, 4)
        coder = QuantisedCoder(quantiser).fit(Z_train)
        alone = np.concatenate([coder.decode(coder.encode(Z[i : i + 1])) for i in range(len(Z))])
        assert np.array_equal(coder.decode(coder.encode(Z)), alone)


def kept(kind, count, Z_train, Z):
    """Mean cosine of latents and what codebooks of 16 codewords, trained on others, keep of them."""
    coder = QuantisedCoder(kind("", count, 4)).fit(Z_train)
    return latent_cosine(Z, coder.decode(coder.encode(Z))).mean()


def dependent(dim, least):
    """Latents (160, dim) whose dimensions depend on one another."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((dim, dim)) * np.geomspace(3, least, dim)[:, None]
    return rng.standard_normal((160, dim)) @ mixing


def test_a_learned_rotation_keeps_more_than_none_where_dimensions_depend_on_one_another():
    """Also of fewer latents than dimensions, where faiss' own trainer fails."""
    Z = dependent(64, 0.05)
    turned, plain = (kept(kind, 4, Z[:60], Z[60:]) for kind in (OptimizedProductQuantiser, ProductQuantiser))
    assert turned > plain + 0.05


def test_local_search_does_not_learn_few_latents_by_heart():
    """With as many codewords as latents the default of faiss fits all of them, and nothing else."""
    Z = dependent(48, 0.3)
    assert kept(LocalSearchQuantiser, 8, Z[:100], Z[100:]) > kept(ProductQuantiser, 8, Z[:100], Z[100:])


def test_draws_besides_the_training_latents_are_trained_on():
    Z = latents(20, 8, 0)
    asked = []

    def drawn(some):
        asked.append(some.shape)
        return normalise(latents(300, 8, 1))

    with pytest.raises(DimensionError, match="take fewer bits"):
        QuantisedCoder(ProductQuantiser("", 2, 6)).fit(Z)
    coder = QuantisedCoder(ProductQuantiser("", 2, 6, drawn=drawn)).fit(Z)
    assert asked == [(20, 8)]
    others = latents(50, 8, 2)
    assert latent_cosine(others, coder.decode(coder.encode(others))).mean() > 0.8
