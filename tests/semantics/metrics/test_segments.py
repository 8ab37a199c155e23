"""Segmentation distances: by heart on known probabilities, and on a tiny segmenter."""

import numpy as np
import pytest

from smicnb.base.errors import DimensionError
from smicnb.semantics.metrics import segments


class Shades:
    """A segmenter whose probabilities can be said by heart: red is class 0, the rest of 255 class 1."""

    name = "shades"

    def probabilities(self, images):
        return [np.stack([image[..., 0] / 255, 1 - image[..., 0] / 255]).astype(np.float32) for image in images]


@pytest.fixture(scope="module")
def segformer(tiny_models, tmp_path_factory):
    return segments.segmenter(f"segformer:{tiny_models.segformer(tmp_path_factory.mktemp('segments') / 'segformer')}")


def plain(red, size=(4, 6)):
    return np.full((*size, 3), (red, 0, 0), np.uint8)


def test_distance_by_heart():
    half = plain(0)
    half[:, :3, 0] = 255
    images_hat = [plain(0), plain(255), plain(51), half]
    found = segments.segmentation_mse(Shades(), [plain(0)] * 4, images_hat)
    np.testing.assert_allclose(found, [0, 1, 0.04, 0.5], atol=1e-7)
    assert segments.segmentation_mse(Shades(), [], []).shape == (0,)


def test_pairs_that_cannot_be_compared_are_refused():
    with pytest.raises(DimensionError, match="2 images and 1 decoded images; needed: equally many"):
        segments.segmentation_mse(Shades(), [plain(0)] * 2, [plain(0)])
    with pytest.raises(
        DimensionError, match=r"shades gave probabilities \(2, 4, 6\) and \(2, 5, 5\); needed: one grid"
    ):
        segments.segmentation_mse(Shades(), [plain(0)], [plain(0, (5, 5))])


def test_probabilities_are_those_of_every_class_on_one_grid(segformer, photographs):
    found = segformer.probabilities([photographs[0], photographs[2], photographs[4][:50, :200]])
    for p in found:
        assert p.shape == (8, 16, 16)
        assert p.dtype == np.float32
        np.testing.assert_allclose(p.sum(axis=0), 1, atol=1e-5)
        assert p.min() >= 0
    assert np.abs(found[0] - found[1]).max() > 0.01


def test_probabilities_are_the_library_s(segformer, photographs):
    import torch
    from transformers import AutoImageProcessor, AutoModelForSemanticSegmentation

    folder = segformer.located.folder
    model, processor = (
        AutoModelForSemanticSegmentation.from_pretrained(folder),
        AutoImageProcessor.from_pretrained(folder),
    )
    with torch.inference_mode():
        logits = model.eval()(**processor(images=photographs[0], return_tensors="pt")).logits[0]
    expected = torch.exp(logits) / torch.exp(logits).sum(dim=0)
    np.testing.assert_allclose(segformer.probabilities(photographs[:1])[0], expected.numpy(), atol=1e-6)


def test_an_image_of_another_size_is_compared_on_the_same_grid(segformer, photographs):
    image = photographs[0]
    images_hat = [image, image[::2, ::2], photographs[2]]
    found = segments.segmentation_mse(segformer, [image] * 3, images_hat)
    assert found[0] == 0
    assert found[0] < found[1] < found[2] <= 1
    np.testing.assert_allclose(segments.segmentation_mse(segformer, images_hat, [image] * 3), found, atol=1e-12)
