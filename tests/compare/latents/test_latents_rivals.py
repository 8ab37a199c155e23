"""The rivals of our coder of latents: all are told apart, work, and have the prior where they are to have it."""

import numpy as np
from prior_latents import PRIOR, images

from smicnb.compare.latents import points as latent_points
from smicnb.compare.latents import rivals
from smicnb.compare.latents.protocol import QuantisedCoder
from smicnb.compare.latents.quantisers.scalar import SteppedScalar
from smicnb.compare.latents.transforms import PriorAxes, normalise
from smicnb.semantics.metrics.pairs import latent_cosine


def test_rivals_are_told_apart_and_work():
    Z, test = images(60), images(9, seed=1)
    known, new = rivals.rivals(PRIOR.dim, len(Z), (8.0, 2.0), 1, PRIOR), rivals.today(PRIOR.dim, len(Z), 1, PRIOR)
    coders = known + new
    named = [(coder.name, coder.setting) for coder in coders]
    assert len(set(named)) == len(named)
    assert {*rivals.BEST, *rivals.GIVEN, *rivals.UNTRAINED} == {coder.name for coder in known}
    assert {*rivals.TODAY, *rivals.VECTORS_GIVEN} == {coder.name for coder in new}
    assert not set(rivals.GIVEN) & {coder.name for coder in rivals.rivals(64, 60, (2.0,), 1)}
    assert set(rivals.TODAY) == {coder.name for coder in rivals.today(64, 60, 1)}
    quick = {coder.name: coder for coder in coders if "quantiser" not in coder.name}  # those have tests of their own
    points = latent_points.measure(quick.values(), Z, test)
    assert np.isfinite([p.cosines.mean() for p in points]).all()
    bits = {p.coder: p.side_bits for p in points}
    assert bits["scalars on the prior's axes"] < bits["KLT, dead zone, given the prior"]


def test_a_rival_on_the_priors_axes_is_read_by_a_decoder_that_has_the_prior():
    Z, test = images(60), images(9, seed=1)
    coder = QuantisedCoder(SteppedScalar("any", PriorAxes(PRIOR), 1.0, 0.4)).fit(Z)
    data = coder.encode(test)
    reader = QuantisedCoder(SteppedScalar("any", PriorAxes(PRIOR), 1.0))
    assert reader.decode(data).tobytes() == coder.reconstruct(test).tobytes()
    assert latent_cosine(test, reader.decode(data)).mean() > 0.9


def test_a_covariance_with_the_prior_is_the_better_known_where_latents_are_few():
    Z, test = images(40), normalise(images(200, seed=1))

    def left(transform):
        first = transform.fit(normalise(Z)).first(20)
        return np.square(test - first.inverse_transform(first.transform(test))).sum()

    assert left(rivals.PriorKLT(prior=PRIOR)) < left(rivals.KLT())


def test_the_vector_quantisers_of_today_have_the_sizes_that_are_asked_for():
    coders = rivals.today(PRIOR.dim, 60, 1, PRIOR, [2], 64)
    today = [
        coder.setting for coder in coders if coder.name in rivals.TODAY + rivals.VECTORS_GIVEN and "×" in coder.setting
    ]
    assert today
    assert all(setting.startswith("2 × ") for setting in today)
    fewer = {setting.split(" bit")[0] for setting in today}
    assert fewer == {"2 × 4", "2 × 6"}  # 64 draws are too few for more codewords
