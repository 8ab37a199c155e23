"""Codebooks that both sides train on draws of a prior: no codebook is sent, and a decoder has the same."""

import numpy as np
import pytest
from prior_latents import PRIOR, images
from threadpoolctl import threadpool_limits

from smicnb.base.errors import IntegrityError
from smicnb.compare.latents.protocol import QuantisedCoder
from smicnb.compare.latents.quantisers import shared
from smicnb.compare.latents.quantisers.additive import LocalSearchQuantiser, ResidualQuantiser
from smicnb.compare.latents.quantisers.shared import SharedCodebooks, draws
from smicnb.compare.latents.quantisers.vector import OptimizedProductQuantiser, ProductQuantiser
from smicnb.compare.latents.transforms import NORM, Truncation
from smicnb.semantics.metrics.pairs import latent_cosine

pytest.importorskip("faiss")
DRAWN = 96


def test_draws_have_the_covariance_of_the_prior():
    drawn = draws(PRIOR, 3000, 0)
    assert np.sqrt(np.square(drawn).sum(axis=1).mean()) == pytest.approx(NORM, rel=0.02)
    known = PRIOR.covariance / np.trace(PRIOR.covariance)
    found = drawn.T @ drawn / np.trace(drawn.T @ drawn)
    assert (known * found).sum() / np.linalg.norm(known) / np.linalg.norm(found) > 0.97


@pytest.mark.parametrize("kind", [ProductQuantiser, ResidualQuantiser, OptimizedProductQuantiser, LocalSearchQuantiser])
def test_what_was_predicted_is_decoded_from_the_bytes_alone(kind):
    Z_train, Z = images(30), images(20, seed=1)
    with threadpool_limits(1):  # as where coders are measured
        coder = QuantisedCoder(SharedCodebooks(kind("some", 2, 4, seed=3), PRIOR, DRAWN)).fit(Z_train)
    data = coder.encode(Z)
    fresh = QuantisedCoder(SharedCodebooks(ProductQuantiser("fresh", 1, 1)))
    decoded = fresh.decode(data)
    assert np.array_equal(decoded, coder.reconstruct(Z))
    assert latent_cosine(Z, decoded).mean() > 0.15
    assert coder.spent(data).side < 800  # the mean and the tables alone
    np.testing.assert_allclose(fresh.image_bits(data), coder.model_bits(Z))


@pytest.mark.parametrize(
    ("field", "value"), [(0, 200), (1, 65), (2, 9), (3, 17), (4, 1 << 40), (5, 1 << 30), (7, 0.0), (7, float("nan"))]
)
def test_a_file_cannot_ask_a_decoder_to_train_what_is_none_or_too_much(field, value, monkeypatch):
    monkeypatch.setattr(shared, "_known_to_both", lambda *shape: pytest.fail("trained"))
    head = [3, 2, 3, 8, 4, DRAWN, 0, 1.0]
    head[field] = value
    mean = Truncation(centre=True).fit(images(9)).side_information()
    with pytest.raises(IntegrityError):
        SharedCodebooks.from_bytes(shared.HEAD.pack(*head) + PRIOR.identity + mean, PRIOR.dim)


def test_codebooks_that_come_out_otherwise_are_an_error_and_not_other_latents(monkeypatch):
    coder = QuantisedCoder(SharedCodebooks(ProductQuantiser("some", 2, 3, seed=4), PRIOR, DRAWN)).fit(images(30))
    data = coder.encode(images(3, seed=1))
    other = ProductQuantiser("", 2, 3, seed=5).fit(draws(PRIOR, DRAWN, 5))
    monkeypatch.setattr(shared, "_known_to_both", lambda *shape: other)
    with pytest.raises(IntegrityError, match="other codebooks"):
        coder.decode(data)
