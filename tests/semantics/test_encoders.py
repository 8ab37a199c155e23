import numpy as np
import pytest

from smicnb.base.errors import MissingWeightsError, SmicnbError
from smicnb.semantics import collections
from smicnb.semantics.encoders import encode_collection, encoder

BOTH = pytest.mark.parametrize("which", ["lite0", "clip"])


@BOTH
def test_latents_have_the_promised_shape_and_type(which, request, photographs):
    model = request.getfixturevalue(which)
    latents = model.encode_images(photographs)
    texts = model.encode_text(["a cat", "a mountain lake at dawn"])
    assert latents.shape == (len(photographs), model.dim)
    assert texts.shape == (2, model.dim)
    assert latents.dtype == texts.dtype == np.float32
    assert np.isfinite(latents).all()
    assert len(np.unique(latents.round(3), axis=0)) == len(photographs)


@BOTH
def test_a_latent_does_not_depend_on_its_company(which, request, photographs):
    model = request.getfixturevalue(which)
    together = model.encode_images(photographs)
    alone = np.concatenate([model.encode_images([image]) for image in photographs])
    scale = np.linalg.norm(together, axis=1).mean()
    assert np.abs(together - alone).max() < 1e-5 * scale
    texts = ["a dog", "a cat on a red sofa", "rain"]
    together = model.encode_text(texts)
    alone = np.concatenate([model.encode_text([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-4 * np.linalg.norm(together, axis=1).mean()


@BOTH
def test_differentiable_path_agrees_and_has_gradients(which, request, photographs):
    import torch

    model = request.getfixturevalue(which)
    pixels = torch.from_numpy(photographs[0].copy()).permute(2, 0, 1)[None].float() / 255
    pixels.requires_grad_(True)
    latent = model.image_latents(pixels)
    expected = model.encode_images([photographs[0]])[0]
    found = latent.detach().numpy()[0]
    # torch resizes without Pillow's rounding to 8 bits
    assert found @ expected / np.linalg.norm(found) / np.linalg.norm(expected) > 0.99
    latent.square().sum().backward()
    assert torch.isfinite(pixels.grad).all()
    assert pixels.grad.abs().sum() > 0


@BOTH
def test_text_tokens_come_with_their_mask(which, request):
    model = request.getfixturevalue(which)
    tokens, mask = model.text_tokens(["a cat", "a cat on a red sofa"])
    assert tokens.shape[:2] == mask.shape
    assert tokens.shape[0] == 2
    assert mask[1].sum() > mask[0].sum() > 2


def test_open_clip_is_the_library_s_own_projection(clip, clip_file, photographs):
    import open_clip
    import torch
    from PIL import Image

    model, _, preprocess = open_clip.create_model_and_transforms("ViT-S-32-alt", pretrained=str(clip_file))
    model.eval()
    with torch.inference_mode():
        pixels = torch.stack([preprocess(Image.fromarray(image)) for image in photographs])
        images = model.encode_image(pixels, normalize=False).numpy()
        texts = model.encode_text(open_clip.get_tokenizer("ViT-S-32-alt")(["a cat"]), normalize=False).numpy()
    scale = np.abs(images).max()
    assert np.abs(clip.encode_images(photographs) - images).max() < 1e-4 * scale
    assert np.abs(clip.encode_text(["a cat"]) - texts).max() < 1e-4 * np.abs(texts).max()


def test_lite0_norms_are_near_twenty_on_photographs(lite0):
    latents = encode_collection(lite0, collections.load("embedded").split("gallery"))
    assert np.linalg.norm(latents, axis=1).mean() == pytest.approx(20, rel=0.01)


def test_lite0_finds_the_words_for_plain_photographs(lite0):
    items = {item.scene: item for item in collections.load("embedded") if item.id.endswith("#full")}
    truth = {"cat": "a cat", "coffee": "a cup of coffee", "rocket": "a rocket", "street": "a street"}
    images = lite0.encode_images([items[scene].image() for scene in truth])
    texts = lite0.encode_text([f"a photo of {word}" for word in truth.values()])
    assert np.argmax(images @ texts.T, axis=1).tolist() == [0, 1, 2, 3]


def test_lite0_mean_is_the_latent_of_its_mean_feature(lite0):
    assert lite0.mean.shape == (384,)
    assert np.linalg.norm(lite0.mean) > 1


def test_weights_hash_tells_files_apart(clip, lite0):
    assert len(clip.weights_hash) == len(lite0.weights_hash) == 64
    assert clip.weights_hash != lite0.weights_hash


def test_latents_are_computed_once_ever(lite0, fresh_cache):
    part = collections.load("embedded").split("heldout")
    few = type(part)(part.name, part.items[:5], part.licence, part.page, {})
    calls = []

    class Counting:
        name, dim, weights_hash = lite0.name, lite0.dim, "of another file"

        def encode_images(self, images, done=None):
            images = list(images)
            calls.append(len(images))
            return lite0.encode_images(images, done)

    first = encode_collection(Counting(), few)
    more = type(part)(part.name, part.items[:7], part.licence, part.page, {})
    second = encode_collection(Counting(), more)
    assert calls == [5, 2]
    assert np.array_equal(first, second[:5])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lite0-minlm", "did you mean 'lite0-minilm'"),
        ("openclip:ViT-L-14/openai", "did you mean 'open_clip:ViT-L-14/openai'"),
        ("open_clip:ViT-L14/openai", "did you mean 'ViT-L-14'"),
        ("open_clip:ViT-L-14", "needed: open_clip:MODEL/TAG"),
        ("open_clip:ViT-L-14/no-such-file", "neither a registered tag nor a file"),
    ],
)
def test_wrong_names_say_what_was_meant(name, message):
    with pytest.raises(SmicnbError, match=message) as caught:
        encoder(name)
    assert "\n" not in str(caught.value)


def test_missing_weights_name_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(MissingWeightsError, match="smicnb weights fetch clip-vit-b-32-openai"):
        encoder("open_clip:ViT-B-32/openai")


def test_a_file_of_another_architecture_is_one_line(clip_file, photographs):
    with pytest.raises(SmicnbError, match="could not be loaded as open_clip's ViT-B-32") as caught:
        encoder(f"open_clip:ViT-B-32/{clip_file}").encode_images(photographs[:1])
    assert "\n" not in str(caught.value)


def test_projection_is_what_its_tool_makes(load_tool):
    """Rebuilt from the towers, map and text mean equal the shipped file to the 16 bits it is stored in."""
    tool = load_tool("build_lite0_minilm")
    from safetensors.numpy import load_file

    from smicnb.semantics import lite0_minilm

    stored = load_file(lite0_minilm.projection_path())
    built = tool.build()
    for name, tolerance in (("map", 2e-3), ("image_mean", 1e-3), ("text_mean", 1e-3)):
        difference = np.abs(built[name].astype(float) - stored[name].astype(float)).max()
        assert difference < tolerance * np.abs(stored[name].astype(float)).max(), name
