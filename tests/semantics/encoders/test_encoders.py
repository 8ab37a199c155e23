import numpy as np
import pytest

from smicnb.base.errors import MissingWeightsError, SmicnbError
from smicnb.semantics.encoders.encoders import encode_collection, encoder
from smicnb.semantics.photographs import image_collections

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


@pytest.mark.parametrize("size", [(640, 480), (640, 427), (427, 640), (481, 321)])
def test_the_square_is_the_library_s_own_to_the_pixel(clip, size):
    """Of the last three half a pixel is left over, which transformers' CLIPImageProcessor rounds the other way."""
    from open_clip.transform import image_transform
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)
    theirs = image_transform(clip.side, is_train=False, mean=(0, 0, 0), std=(1, 1, 1))(image)
    ours = clip.square(np.asarray(image))
    np.testing.assert_array_equal((255 * theirs.permute(1, 2, 0).numpy()).round().astype(np.uint8), ours)


TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 64, "layers": 1, "width": 64, "patch_size": 32},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
COCA = {
    **TINY,
    "vision_cfg": TINY["vision_cfg"] | {"attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True},
    "text_cfg": TINY["text_cfg"] | {"embed_cls": True, "output_tokens": True},
    "multimodal_cfg": TINY["text_cfg"] | {"attn_pooler_heads": 2},
    "custom_text": True,
}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """(name, its configuration) -> a file of random weights of a real class under the name of a published model."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    def make(name, changed=TINY):
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, changed)
        torch.manual_seed(0)
        weights = open_clip.create_model(name, pretrained=None).state_dict()
        save_file({each: tensor.contiguous() for each, tensor in weights.items()}, tmp_path / f"{name}.safetensors")
        return tmp_path / f"{name}.safetensors"

    yield make
    encoder.cache_clear()


SIGLIP = ("ViT-B-16-SigLIP", {**TINY, "custom_text": True, "init_logit_bias": -10})


@pytest.mark.parametrize(
    ("model", "tag"),
    [
        (("coca_ViT-B-32", COCA), "laion2b_s13b_b90k"),
        (SIGLIP, "webli"),
        (("PE-Core-B-16", {**TINY, "custom_text": True}), "meta"),
        (("MobileCLIP2-B", {**TINY, "custom_text": True}), "dfndr2b"),
        (("ViT-L-14", TINY), "laion2b_s32b_b82k"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_images_are_prepared_as_the_weights_of_an_architecture_want_them(tiny, photographs, model, tag):
    import open_clip
    import torch
    from open_clip.pretrained import get_pretrained_cfg
    from PIL import Image

    file = tiny(*model)
    found = encoder(f"open_clip:{model[0]}/{file}" + (f"?tag={tag}" if model[0] == "ViT-L-14" else ""))
    kept = get_pretrained_cfg(model[0], tag)
    wanted = {f"image_{name}": kept[name] for name in ("mean", "std", "interpolation", "resize_mode")}
    network, _, preprocess = open_clip.create_model_and_transforms(model[0], pretrained=str(file), **wanted)
    with torch.inference_mode():
        pixels = torch.stack([preprocess(Image.fromarray(image)) for image in photographs])
        expected = network.eval().encode_image(pixels, normalize=False).numpy()
    assert np.abs(found.encode_images(photographs) - expected).max() < 1e-4 * np.abs(expected).max()
    pixels = torch.from_numpy(photographs[2].copy()).permute(2, 0, 1)[None].float() / 255
    assert np.abs(found.image_latents(pixels).numpy() - expected[2]).max() < 0.05 * np.abs(expected).max()


def test_latents_of_coca_are_not_normalised_and_its_tokens_come_with_their_mask(tiny, photographs):
    import open_clip
    import torch

    file = tiny("coca_ViT-B-32", COCA)
    coca, texts = encoder(f"open_clip:coca_ViT-B-32/{file}"), ["a cat", "a cat on a red sofa"]
    network = open_clip.create_model("coca_ViT-B-32", pretrained=str(file)).eval()
    with torch.inference_mode():
        expected = network.encode_text(open_clip.get_tokenizer("coca_ViT-B-32")(texts), normalize=False).numpy()
    assert np.abs(coca.encode_text(texts) - expected).max() < 1e-4 * np.abs(expected).max()
    for latents in (coca.encode_images(photographs), coca.encode_text(texts)):
        assert np.abs(np.linalg.norm(latents, axis=1) - 1).min() > 0.01
    states, mask = coca.text_tokens(texts)
    assert states.shape == (2, 12, 32)
    assert mask.sum(1).tolist() == [4, 8]
    assert coca.token_strings("a cat")[1:-1] == ["a", "cat"]


def test_a_file_that_may_want_either_images_needs_its_tag(tiny):
    file = tiny("ViT-L-14")
    with pytest.raises(SmicnbError, match=r"say [?]tag=laion2b_s32b_b82k behind its name") as told:
        encoder(f"open_clip:ViT-L-14/{file}")
    hint = str(told.value).partition("say ")[2].split()[0]
    found = encoder(f"open_clip:ViT-L-14/{file}{hint}")
    assert found.name == f"open_clip:ViT-L-14/{file.name}{hint}"
    assert encoder(f"open_clip:ViT-L-14/{file}?tag=laion400m_e32").weights_hash != found.weights_hash
    with pytest.raises(SmicnbError, match="did you mean 'laion400m_e32'"):
        encoder(f"open_clip:ViT-L-14/{file}?tag=laion400m_e3")


def test_what_is_not_prepared_as_for_clip_has_a_hash_of_its_own(tiny, clip, clip_file):
    from smicnb.base.files import sha256_file

    assert clip.weights_hash == sha256_file(clip_file)
    for model in (SIGLIP, ("coca_ViT-B-32", COCA)):
        file = tiny(*model)
        found = encoder(f"open_clip:{model[0]}/{file}")
        assert found.weights_hash != sha256_file(file)
        again, arguments = found.__reduce__()
        assert again(*arguments).weights_hash == found.weights_hash


def test_a_tokenizer_that_is_not_here_is_one_line(tiny):
    configured = {**SIGLIP[1], "text_cfg": TINY["text_cfg"] | {"hf_tokenizer_name": "timm/ViT-B-16-SigLIP"}}
    found = encoder(f"open_clip:ViT-B-16-SigLIP/{tiny(SIGLIP[0], configured)}")
    with pytest.raises(SmicnbError, match="the tokenizer of open_clip's ViT-B-16-SigLIP could not be loaded") as told:
        found.encode_text(["a cat"])
    assert "\n" not in str(told.value)


def test_lite0_norms_are_near_twenty_on_photographs(lite0):
    latents = encode_collection(lite0, image_collections.load("embedded").split("gallery"))
    assert np.linalg.norm(latents, axis=1).mean() == pytest.approx(20, rel=0.01)


def test_a_sentence_of_lite0_is_the_same_to_the_last_bit_however_its_sums_are_ordered(lite0):
    """Batches of other sizes add in another order, as other processors do."""
    texts = list(image_collections.words().words)[:96]
    in_threes = np.concatenate([lite0.encode_text(texts[k : k + 3]) for k in range(0, len(texts), 3)])
    np.testing.assert_array_equal(lite0.encode_text(texts), in_threes)


def test_lite0_finds_the_words_for_plain_photographs(lite0):
    items = {item.scene: item for item in image_collections.load("embedded") if item.id.endswith("#full")}
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


def test_latents_are_computed_once_ever(lite0, fresh_cache, monkeypatch):
    part = image_collections.load("embedded").split("heldout")
    few = type(part)(part.name, part.items[:5], part.licence, part.page, {})
    calls = []

    class Counting:
        name, dim, side, weights_hash = lite0.name, lite0.dim, lite0.side, "of another file"

        def encode_images(self, images, done=None):
            images = list(images)
            calls.append(len(images))
            return lite0.encode_images(images, done)

    first = encode_collection(Counting(), few)
    more = type(part)(part.name, part.items[:7], part.licence, part.page, {})
    second = encode_collection(Counting(), more)
    assert calls == [5, 2]
    assert np.array_equal(first, second[:5])
    monkeypatch.setattr(image_collections, "RULES", [0])  # by which files are read: pixels may be others
    encode_collection(Counting(), few)
    assert calls == [5, 2, 5]


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


def test_why_a_file_does_not_load_is_said_and_not_only_that_there_were_errors(tiny, photographs):
    from safetensors.torch import load_file, save_file

    file = tiny("ViT-B-32")
    save_file({name: tensor for name, tensor in load_file(file).items() if name != "visual.proj"}, file)
    with pytest.raises(SmicnbError, match=r"Missing key\(s\) in state_dict: .visual\.proj") as caught:
        encoder(f"open_clip:ViT-B-32/{file}").encode_images(photographs[:1])
    assert "\n" not in str(caught.value)
