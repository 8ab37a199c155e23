"""Features are computed once for what comes again, and the metrics stay what they were."""

import numpy as np
import torch

from smicnb.semantics.metrics import pairs, perception
from smicnb.semantics.metrics.remembered import Remembered


def counted():
    seen = []
    return seen, Remembered(lambda x: seen.append(x) or x * 2)


def test_a_reference_is_computed_once_while_others_pass():
    seen, features = counted()
    reference = torch.ones(3)
    with torch.no_grad():
        for number in range(5):
            assert torch.equal(features(reference.clone()), 2 * reference)
            assert torch.equal(features(torch.full((3,), number + 2.0)), torch.full((3,), 2 * number + 4.0))
    assert len(seen) == 6


def test_other_shapes_and_values_are_other_inputs():
    seen, features = counted()
    with torch.no_grad():
        for pixels in (torch.ones(3), torch.ones(1, 3), torch.ones(3) + 1e-6):
            features(pixels)
    assert len(seen) == 3


def test_gradients_are_never_remembered():
    _, features = counted()
    pixels = torch.ones(3)
    with torch.no_grad():
        features(pixels)
    pixels.requires_grad_()
    features(pixels).sum().backward()
    assert pixels.grad.tolist() == [2, 2, 2]


def test_metrics_of_a_reference_and_many_are_those_of_each_pair(photographs):
    image = photographs[0][:96, :96]
    rng = np.random.default_rng(0)
    others = [np.clip(image + rng.normal(0, 10, image.shape), 0, 255).astype(np.uint8) for _ in range(3)]
    for metric in (pairs.lpips, perception.dists):
        together = metric([image] * 3, others)
        swapped = metric(others[::-1], [image] * 3)[::-1]
        np.testing.assert_allclose(together, swapped, rtol=1e-4)
        assert len(set(together)) == 3
