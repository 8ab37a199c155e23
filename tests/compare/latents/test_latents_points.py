"""Points of coders, mixtures of them, and the Gaussian references."""

import numpy as np
import pytest
from prior_latents import PRIOR, images

from smicnb.compare.latents import points
from smicnb.compare.latents.points import Point, count_bits
from smicnb.compare.latents.protocol import QuantisedCoder
from smicnb.compare.latents.quantisers.scalar import FixedScalar, SteppedScalar
from smicnb.compare.latents.transforms import KLT, Truncation


def test_bits_are_read_from_the_hull_of_all_that_are_named():
    """(20, 0.55) lies below the line from (10, 0.5) to (30, 0.8); sides count at a finite n."""
    made = [Point("a", str(bits), bits, 1000.0, np.array([cosine - 0.1, cosine + 0.1]))
            for bits, cosine in ((10.0, 0.5), (20.0, 0.55), (30.0, 0.8))]  # fmt: skip
    assert count_bits(made, ("a",), 0.65) == pytest.approx(20)
    assert count_bits(made, ("a",), 0.65, n=100) == pytest.approx(30)
    assert count_bits(made, ("a",), 0.8) == pytest.approx(30)
    beyond = (("a", 0.81), ("a", 0.4), ("b", 0.65))
    assert np.isnan([count_bits(made, (name,), cosine) for name, cosine in beyond]).all()
    made.append(Point("b", "0", 12.0, 0.0, np.array([0.8, 0.8])))
    assert count_bits(made, ("a", "b"), 0.65) == pytest.approx(11)


def test_references_are_what_held_out_latents_cost():
    Z, test = images(80), images(40, seed=1)
    some = points.reference(Z, test, [8.0, 1.0], 0, PRIOR)
    assert [p.coder for p in some[::2]] == list(points.REFERENCES)
    assert len(points.reference(Z, test, [8.0], 0)) == 2
    coarse, fine = some[-2:]
    assert coarse.payload_bits < fine.payload_bits
    assert coarse.cosines.mean() < fine.cosines.mean()
    # The prior is what these latents were drawn from: it knows them better than eighty of them do.
    assert points.count_bits(some, points.REFERENCES[2:], 0.7) < points.count_bits(some, points.REFERENCES[:1], 0.7)


def test_drawn_images_bring_their_own_payload():
    """Half of the images cost 10 bits and half 30; drawing one half only is drawing its cosines and its bits."""
    made = [Point("a", f"{scale}", 20.0 * scale, 0.0, np.array([0.5, 0.7]) + 0.1 * scale,
                  image_bits=scale * np.array([10.0, 30.0])) for scale in (1.0, 2.0)]  # fmt: skip
    weights = np.array([[0.5, 0.5], [1, 0], [0, 1]])
    asked = made, ("a",), np.inf, weights, np.array([[0.7, 0.6, 0.8]])
    assert points.count_bits_along(*asked, payloads=True)[0] == pytest.approx([20, 10, 30])
    assert points.count_bits_along(*asked)[0] == pytest.approx([20, 20, 20])  # unless it is asked for
    assert points.share_out(20.0, np.array([1.0, 3.0])) == pytest.approx([10, 30])
    assert points.share_out(20.0, np.zeros(2)) == pytest.approx([20, 20])


def test_points_share_their_payload_out_where_that_is_asked_for():
    Z, test = images(40), images(12, seed=1)
    coders = [
        QuantisedCoder(SteppedScalar("KLT", KLT(), 3.0)),
        QuantisedCoder(FixedScalar("f", Truncation(), 2), False),
    ]
    assert [p.image_bits for p in points.measure(coders, Z, test)] == [None, None]
    some = points.measure(coders, Z, test, shares=True) + points.reference(Z, test, [4.0], 0)
    for point in some:
        assert point.payloads.mean() == pytest.approx(point.payload_bits)
    assert some[0].payloads.std() > 0
    assert some[1].payloads.std() == 0
