"""DISTS against its authors' values, CLIP-IQA against the library's own formula."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image

from smicnb.base.errors import DimensionError, ImageError
from smicnb.semantics.metrics import perception
from smicnb.semantics.metrics.pairs import psnr


@pytest.fixture(scope="module")
def china():
    return load_sample_image("china.jpg")[:256, :384]


@pytest.fixture(scope="module")
def clip_iqa(tiny_models, tmp_path_factory):
    return perception.quality_model(f"clip-iqa:{tiny_models.clip_iqa(tmp_path_factory.mktemp('quality') / 'clip_iqa')}")


def noisy(image, deviation, seed=0):
    noise = np.random.default_rng(seed).normal(0, deviation, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def test_dists_is_that_of_its_authors(china):
    flower = load_sample_image("flower.jpg")[:256, :384]
    # Computed by DISTS_pytorch 0.1 with the same convolutions; its factors are not ours.
    expected = [0.4731428623, 0.1942953467]
    found = perception.dists([china, china], [flower, noisy(china, 20)])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_dists_is_a_symmetric_distance_that_grows_with_noise(china):
    image = china[:96, :80]
    values = [perception.dists([image], [noisy(image, deviation)])[0] for deviation in (0, 10, 30, 80)]
    assert values[0] == pytest.approx(0, abs=1e-4)
    assert np.all(np.diff(values) > 0.02)
    np.testing.assert_allclose(perception.dists([noisy(image, 30)], [image])[0], values[2], rtol=1e-4)


def test_dists_forgives_the_same_texture_elsewhere_and_psnr_does_not():
    texture = np.random.default_rng(3).integers(0, 256, (96, 224, 3)).astype(np.uint8)
    one, elsewhere = texture[:, :128], texture[:, 96:]
    grey = np.full_like(one, 127)
    distances = perception.dists([one, one], [elsewhere, grey])
    decibels = psnr([one, one], [elsewhere, grey])
    assert distances[0] < 0.5 * distances[1]
    assert decibels[0] < decibels[1]


def test_pairs_that_dists_cannot_compare_are_refused(china):
    assert perception.dists([], []).shape == (0,)
    with pytest.raises(DimensionError, match="1 images and 0 decoded images"):
        perception.dists([china], [])
    with pytest.raises(DimensionError, match="384×256, its decoded counterpart 384×200; needed: equal sizes"):
        perception.dists([china], [china[:200]])
    with pytest.raises(ImageError, match="image 0 is 31×64; needed: both sides at least 32 for DISTS"):
        perception.dists([china[:64, :31]], [china[:64, :31]])
    with pytest.raises(ImageError, match="RGB uint8"):
        perception.dists([china / 255], [china])


def test_clip_iqa_is_the_formula_of_torchmetrics(clip_iqa, photographs):
    from torchmetrics.functional.multimodal.clip_iqa import _PROMPTS, _clip_iqa_compute
    from transformers import CLIPModel, CLIPProcessor

    folder = clip_iqa.located.folder
    model, processor = CLIPModel.from_pretrained(folder).eval(), CLIPProcessor.from_pretrained(folder)
    inputs = processor(images=photographs, text=list(_PROMPTS["quality"]), return_tensors="pt", padding=True)
    with torch.inference_mode():
        outputs = model(**inputs)
        expected = _clip_iqa_compute(outputs.image_embeds, outputs.text_embeds, ["quality"]).numpy()
    found = clip_iqa.quality(photographs)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.ptp(found) > 1e-3
    assert found.min() >= 0
    assert found.max() <= 1


def test_quality_does_not_depend_on_the_company(clip_iqa, photographs):
    together = clip_iqa.quality(photographs)
    np.testing.assert_array_equal(clip_iqa.quality(photographs[3:4]), together[3:4])
    assert clip_iqa.quality([]).shape == (0,)
