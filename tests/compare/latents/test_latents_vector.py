"""Product and residual quantisers: codewords near what they stand for, decoded without faiss."""

import contextlib
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import DimensionError, IntegrityError, SmicnbError
from smicnb.compare.latents.protocol import QuantisedCoder
from smicnb.compare.latents.transforms import NORM
from smicnb.compare.latents.vector import ProductQuantiser, ResidualQuantiser
from smicnb.semantics.metrics.pairs import latent_cosine

faiss = pytest.importorskip("faiss")


def latents(images, dim, seed):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((images, dim)) * np.geomspace(3, 0.3, dim)).astype(np.float32)


@given(
    st.sampled_from([ProductQuantiser, ResidualQuantiser]),
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


@pytest.mark.parametrize("kind", [ProductQuantiser, ResidualQuantiser])
def test_training_latents_that_are_codewords_come_back(kind):
    Z = latents(4, 8, 0)
    coder = QuantisedCoder(kind("", 1, 2, 16), entropy=False).fit(Z)
    data = coder.encode(Z)
    assert latent_cosine(Z, coder.decode(data)).min() > 0.9999
    assert coder.spent(data).payload == 1 + 1  # a length, and four indices of two bits


@pytest.mark.parametrize("kind", [ProductQuantiser, ResidualQuantiser])
def test_more_codebooks_are_closer(kind):
    Z_train, Z = latents(300, 16, 0), latents(50, 16, 1)
    cosines = []
    for count in (1, 4, 16):
        coder = QuantisedCoder(kind("", count, 4)).fit(Z_train)
        cosines.append(latent_cosine(Z, coder.decode(coder.encode(Z))).mean())
    assert cosines == sorted(cosines)
    assert cosines[-1] > 0.95


def test_the_search_is_in_the_codebooks_that_are_sent():
    """Among all sums of two codewords none is nearer than the one that a wide beam finds."""
    Z = latents(60, 6, 0)
    quantiser = ResidualQuantiser("", 2, 2, codebook_bits=3)
    coder = QuantisedCoder(quantiser).fit(Z)
    from smicnb.compare.latents.transforms import normalised

    Z = normalised(Z)
    first, second = quantiser._midpoints * quantiser._unit
    sums = (first[:, None] + second[None]).reshape(-1, 6)
    nearest = np.square(Z[:, None] - sums[None]).sum(axis=2).argmin(axis=1)
    symbols = coder.quantiser.quantise(Z)
    assert np.array_equal(4 * symbols[:, 0] + symbols[:, 1], nearest)


@pytest.mark.parametrize("kind", [ProductQuantiser, ResidualQuantiser])
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


@pytest.mark.parametrize("kind", [ProductQuantiser, ResidualQuantiser])
def test_damaged_bytes_are_an_integrity_error_and_nothing_else(kind):
    import zlib

    Z = latents(8, 6, 0)
    coder, rng = QuantisedCoder(kind("", 2, 2)).fit(Z), np.random.default_rng(0)
    data = coder.encode(Z)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 + rng.integers(255)
        with pytest.raises(IntegrityError):
            coder.decode(bytes(damaged))
        damaged = damaged[:-4] + zlib.crc32(damaged[:-4]).to_bytes(4, "little")
        # Under a true checksum another codebook is as good as the one that was meant.
        with contextlib.suppress(SmicnbError):
            coder.decode(bytes(damaged))
