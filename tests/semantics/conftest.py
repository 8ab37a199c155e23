"""Real encoders, made once for all tests of this room."""

import importlib.util

import pytest
from PIL import Image


@pytest.fixture(scope="session")
def photographs():
    """Six views of four real scenes, RGB uint8."""
    from smicnb.semantics.photographs import image_collections

    items = image_collections.load("embedded").items
    return [items[row].image() for row in (0, 1, 30, 90, 150, 151)]


@pytest.fixture(scope="session")
def lite0():
    from smicnb.semantics.encoders.encoders import encoder

    return encoder("lite0-minilm")


@pytest.fixture
def own_cache(tmp_path_factory, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def jpeg_xl_is_written(monkeypatch):
    """Pillow writes JPEG XL, also after the codec of that name took its plugin out of Pillow's lists."""
    if importlib.util.find_spec("pillow_jxl"):
        plugin = importlib.import_module("pillow_jxl.JpegXLImagePlugin")
        monkeypatch.setitem(Image.SAVE, "JXL", plugin._save)
        monkeypatch.setitem(Image.EXTENSION, ".jxl", "JXL")


@pytest.fixture(scope="session")
def tiny_models(load_tool):
    """The module that builds tiny random models: real classes, in the layout of their repositories."""
    return load_tool("tiny_models")


@pytest.fixture(scope="session")
def clip_file(tmp_path_factory):
    """A real, small open_clip architecture with random weights, saved as its users save theirs."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = open_clip.create_model("ViT-S-32-alt", pretrained=None)
    path = tmp_path_factory.mktemp("clip") / "random.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path)
    return path


@pytest.fixture(scope="session")
def clip(clip_file):
    from smicnb.semantics.encoders.encoders import encoder

    return encoder(f"open_clip:ViT-S-32-alt/{clip_file}")
