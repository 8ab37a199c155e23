"""Metrics on real photographs, against independent computations and at the ends of their ranges."""

from pathlib import Path

import lpips as lpips_package
import numpy as np
import pytest
import torch
import torchvision
from pytorch_msssim import ms_ssim as reference_ms_ssim
from real_photographs import scenes
from safetensors.torch import load_file
from scipy.ndimage import uniform_filter
from scipy.signal import oaconvolve
from skimage.metrics import peak_signal_noise_ratio
from sklearn.datasets import load_sample_image

from smicnb.base.errors import DimensionError, ImageError, MissingWeightsError, UnknownNameError
from smicnb.compare.images.classical import Jpeg
from smicnb.semantics.metrics import pairs, perception
from smicnb.semantics.weights import store

TAPS = {"alex": (1, 4, 7, 9, 11), "vgg": (3, 8, 15, 22, 29)}  # the rectified layers that LPIPS compares


@pytest.fixture(scope="module")
def photographs():
    return [load_sample_image("china.jpg")[:224, :256], load_sample_image("flower.jpg")[100:300, 100:290]]


def noisy(images, deviation, seed=0):
    rng = np.random.default_rng(seed)
    return [np.clip(i + rng.normal(0, deviation, i.shape), 0, 255).round().astype(np.uint8) for i in images]


class MeanColour:
    """An encoder whose latents can be said by heart: an image's mean colour, a text's length."""

    def encode_images(self, images):
        return np.stack([image.mean(axis=(0, 1)) for image in images]).astype(np.float32)

    def encode_text(self, texts):
        return np.array([[len(text), 0, 0] for text in texts], dtype=np.float32)


def plain(*colour):
    return np.full((5, 4, 3), colour, dtype=np.uint8)


def lpips_by_hand(image, image_hat, net, low):
    """LPIPS from torchvision's layers and the published heads, for a range from `low` to 1."""
    layers = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"])
    if net == "alex":
        layers = torchvision.models.AlexNet().features
    layers.load_state_dict(load_file(store.resolve(pairs.LPIPS_NETS[net][0]) / "model.safetensors"))
    folder = Path(lpips_package.__file__).parent
    heads = torch.load(folder / "weights" / "v0.1" / f"{net}.pth", map_location="cpu", weights_only=True)
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    features = []
    for each in (image, image_hat):
        values = torch.tensor(each / 255 * (1 - low) + low, dtype=torch.float32)
        values = ((values - shift) / scale).permute(2, 0, 1)[None]
        kept = []
        for number, layer in enumerate(layers):
            with torch.no_grad():
                values = layer(values)
            if number in TAPS[net]:
                kept.append(torch.nn.functional.normalize(values, dim=1))
        features.append(kept)
    total = 0
    for number, (one, other) in enumerate(zip(*features, strict=True)):
        head = heads[f"lin{number}.model.1.weight"]
        total += ((one - other) ** 2 * head).sum(dim=1).mean().item()
    return total


def decoded_jpeg(image, quality):
    return Jpeg(quality).decode(Jpeg(quality).encode(image))


def ms_ssim_by_hand(image, image_hat):
    """Wang et al., 2003, and their programme in float64: its filter of 2×2 pixels mirrors at the last line."""
    bell = np.exp(-((np.arange(11) - 5) ** 2) / 4.5)
    window = np.outer(bell, bell) / bell.sum() ** 2
    found = []
    for x, y in zip(np.moveaxis(image / 255, 2, 0), np.moveaxis(image_hat / 255, 2, 0), strict=True):
        product = 1
        for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
            if scale:
                x, y = (uniform_filter(each, 2, mode="reflect", origin=-1)[::2, ::2] for each in (x, y))
            mx, my, xx, yy, xy = (oaconvolve(each, window, "valid") for each in (x, y, x * x, y * y, x * y))
            similar = (2 * (xy - mx * my) + 0.03**2) / (xx - mx**2 + yy - my**2 + 0.03**2)
            if scale == 4:
                similar *= (2 * mx * my + 0.01**2) / (mx**2 + my**2 + 0.01**2)
            product *= max(similar.mean(), 0) ** weight
        found.append(product)
    return np.mean(found)


def test_latent_cosine_on_known_angles():
    Z = np.array([[3, 0], [0, 2], [1, 1], [0, 0], [5, 1]], dtype=np.float32)
    Z_hat = np.array([[9, 0], [0, -1], [1, 0], [1, 1], [0, 0]], dtype=np.float32)
    np.testing.assert_allclose(pairs.latent_cosine(Z, Z_hat), [1, -1, np.sqrt(0.5), 0, 0], atol=1e-12)
    assert pairs.latent_cosine(Z[:0], Z_hat[:0]).shape == (0,)


def test_latents_of_different_spaces_are_refused():
    with pytest.raises(DimensionError, match=r"shape \(2, 3\) and \(2, 4\); needed: two equal shapes \(n, L\)"):
        pairs.latent_cosine(np.zeros((2, 3)), np.zeros((2, 4)))


def test_image_cosine_compares_the_latents_of_images():
    images, decoded = [plain(255, 0, 0), plain(9, 9, 9)], [plain(0, 255, 0), plain(8, 8, 8)]
    np.testing.assert_allclose(pairs.image_cosine(MeanColour(), images, decoded), [0, 1], atol=1e-7)
    assert pairs.image_cosine(MeanColour(), [], []).shape == (0,)
    with pytest.raises(DimensionError, match="2 images and 1 decoded images; needed: equally many"):
        pairs.image_cosine(MeanColour(), images, decoded[:1])


def test_text_image_similarity_pairs_by_place():
    images = [plain(1, 0, 0), plain(0, 7, 0), plain(3, 4, 0)]
    found = pairs.text_image_similarity(MeanColour(), ["red", "red", "red"], images)
    np.testing.assert_allclose(found, [1, 0, 0.6], atol=1e-7)
    assert pairs.text_image_similarity(MeanColour(), [], []).shape == (0,)
    with pytest.raises(DimensionError, match="1 texts and 3 images; needed: equally many"):
        pairs.text_image_similarity(MeanColour(), ["red"], images)


def test_psnr_is_that_of_scikit_image(photographs):
    decoded = noisy(photographs, 12)
    expected = [peak_signal_noise_ratio(*pair, data_range=255) for pair in zip(photographs, decoded, strict=True)]
    np.testing.assert_allclose(pairs.psnr(photographs, decoded), expected, rtol=1e-12)


def test_psnr_at_the_ends_of_its_range(photographs):
    assert np.all(pairs.psnr(photographs, photographs) == np.inf)
    np.testing.assert_array_equal(pairs.psnr([plain(0, 0, 0)], [plain(255, 255, 255)]), [0])


def test_ms_ssim_falls_with_noise_and_stays_in_range(photographs):
    values = [pairs.ms_ssim(photographs, noisy(photographs, deviation)) for deviation in (0, 5, 20, 60)]
    np.testing.assert_allclose(values[0], 1, atol=1e-6)
    assert np.all(np.diff(values, axis=0) < -0.005)
    assert np.min(values) > 0
    negative = [255 - photographs[0]]
    assert 0 <= pairs.ms_ssim(photographs[:1], negative)[0] < 0.1


def test_ms_ssim_does_not_depend_on_the_range_it_is_computed_in(photographs):
    decoded = noisy(photographs, 20)
    tensors = [torch.tensor(i[0]).permute(2, 0, 1)[None].float() for i in (photographs, decoded)]
    in_bytes = reference_ms_ssim(*tensors, data_range=255).item()
    wrong = reference_ms_ssim(*(t / 127.5 - 1 for t in tensors), data_range=1).item()
    found = pairs.ms_ssim(photographs[:1], decoded[:1])[0]
    assert found == pytest.approx(in_bytes, abs=1e-5)
    assert abs(found - wrong) > 0.01


def test_ms_ssim_needs_room_for_five_scales(photographs):
    image = photographs[0][:161, :161]
    assert pairs.ms_ssim([image], [image])[0] == pytest.approx(1, abs=1e-6)
    with pytest.raises(ImageError, match="image 0 is 200×160; needed: both sides at least 161 for MS-SSIM"):
        pairs.ms_ssim([photographs[0][:160, :200]], [photographs[0][:160, :200]])


@pytest.mark.parametrize("size", [(161, 161), (178, 255), (321, 383)])
def test_ms_ssim_agrees_with_a_computation_by_hand_at_odd_sides(size):
    image = scenes(1)[0][: size[0], : size[1]]
    assert image.shape[:2] == size
    decoded = decoded_jpeg(image, 5)
    found = pairs.ms_ssim([image], [decoded])[0]
    assert found == pytest.approx(ms_ssim_by_hand(image, decoded), abs=1e-5)
    assert pairs.ms_ssim([decoded], [image])[0] == pytest.approx(found, abs=1e-6)
    assert pairs.ms_ssim([image], [image])[0] == pytest.approx(1, abs=1e-6)


def test_one_line_more_hardly_moves_ms_ssim():
    """By 0.0035 at most here; pytorch_msssim's own function, which pads odd sides in front too, by 0.016 at least."""
    for image in scenes(4):
        image = image[:321, :369]
        decoded = decoded_jpeg(image, 5)
        odd, even = pairs.ms_ssim([image, image[:320, :368]], [decoded, decoded[:320, :368]])
        tensors = (pairs.as_tensor(each, 0, 1) for each in (image, decoded))
        assert odd == pytest.approx(even, abs=0.005)
        assert reference_ms_ssim(*tensors, data_range=1).item() > even + 0.01


def test_ms_ssim_is_that_of_its_package_where_no_scale_has_an_odd_side():
    image = np.tile(scenes(1)[0][:256, :384], (2, 2, 1))  # the size of Kodak's images
    decoded = decoded_jpeg(image, 5)
    tensors = (pairs.as_tensor(each, 0, 1) for each in (image, decoded))
    expected = reference_ms_ssim(*tensors, data_range=1).item()
    assert pairs.ms_ssim([image], [decoded])[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_lpips_agrees_with_a_computation_by_hand(photographs, net):
    image = photographs[0][:96, :80]
    image_hat = noisy([image], 25)[0]
    found = pairs.lpips([image], [image_hat], net)[0]
    assert found == pytest.approx(lpips_by_hand(image, image_hat, net, low=-1), rel=1e-4)
    assert abs(found - lpips_by_hand(image, image_hat, net, low=0)) > 0.01 * found


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_lpips_is_a_symmetric_distance_that_grows_with_noise(photographs, net):
    crops = [image[:96, :96] for image in photographs]
    values = [pairs.lpips(crops, noisy(crops, deviation), net) for deviation in (0, 10, 30, 80)]
    np.testing.assert_array_equal(values[0], 0)
    assert np.all(np.diff(values, axis=0) > 0.01)
    np.testing.assert_allclose(pairs.lpips(noisy(crops, 30), crops, net), values[2], rtol=1e-5)


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_lpips_names_the_smallest_side_that_its_network_takes(photographs, net):
    side = pairs.LPIPS_NETS[net][1]
    image = photographs[0][:side, :side]
    assert pairs.lpips([image], [image], net)[0] == 0
    small = photographs[0][:64, : side - 1]
    with pytest.raises(ImageError, match=f"image 0 is {side - 1}×64; needed: both sides at least {side} for LPIPS"):
        pairs.lpips([small], [small], net)


NETWORKS = pytest.mark.parametrize(
    ("network", "metric", "part"),
    [
        (pairs.lpips_network, pairs.lpips, "alexnet-conv"),
        (perception._dists_network, perception.dists, "vgg16-conv"),
    ],
    ids=["lpips", "dists"],
)


@NETWORKS
def test_a_network_leaves_the_callers_random_numbers_alone(photographs, network, metric, part):
    network.cache_clear()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    metric(photographs, photographs)
    torch.testing.assert_close(torch.rand(3), expected)


@NETWORKS
def test_a_network_without_its_weights_names_the_command(photographs, network, metric, part, monkeypatch, tmp_path):
    network.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(MissingWeightsError, match=f"smicnb weights fetch {part}"):
        metric(photographs, photographs)


def test_an_unknown_lpips_network_gives_the_near_miss(photographs):
    with pytest.raises(UnknownNameError, match="did you mean 'alex'"):
        pairs.lpips(photographs, photographs, net="alexnet")


@pytest.mark.parametrize("measure", [pairs.psnr, pairs.ms_ssim, pairs.lpips])
def test_images_that_cannot_be_compared_are_refused(photographs, measure):
    assert measure([], []).shape == (0,)
    image = photographs[0]
    with pytest.raises(DimensionError, match="2 images and 1 decoded images; needed: equally many"):
        measure([image, image], [image])
    with pytest.raises(DimensionError, match="image 1 is 256×224, its decoded counterpart 190×200; needed: equal"):
        measure([image, image], [image, photographs[1]])
    with pytest.raises(ImageError, match=r"image 0 is float64 of shape \(224, 256, 3\); needed: RGB uint8 H×W×3"):
        measure([image / 255], [image])
    with pytest.raises(ImageError, match=r"image 0 is uint8 of shape \(224, 256\); needed: RGB uint8 H×W×3"):
        measure([image], [image[..., 0]])


def test_read_only_images_are_taken(photographs):
    frozen = [np.array(image) for image in photographs]
    for image in frozen:
        image.flags.writeable = False
    assert np.all(pairs.lpips(frozen, frozen) == 0)
    np.testing.assert_allclose(pairs.ms_ssim(frozen, frozen), 1, atol=1e-6)


def test_one_conversion_sets_the_range():
    image = np.array([[[0, 51, 255]]], dtype=np.uint8)
    np.testing.assert_allclose(pairs.as_tensor(image, 0, 1).numpy().ravel(), [0, 0.2, 1], atol=1e-7)
    np.testing.assert_allclose(pairs.as_tensor(image, -1, 1).numpy().ravel(), [-1, -0.6, 1], atol=1e-7)
    assert pairs.as_tensor(np.zeros((4, 6, 3), np.uint8), 0, 1).shape == (1, 3, 4, 6)
