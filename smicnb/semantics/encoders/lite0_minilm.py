"""lite0-minilm: an image-text space made of two small towers that the package index carries.

EfficientNet-Lite0's classifier holds one 1280-dimensional prototype for each of ImageNet's 1000 classes,
and MiniLM embeds the classes' names. A ridge regression from the prototypes to the names' embeddings maps
image features into MiniLM's space without a single training image (the idea of DeViSE, Frome et al., 2013).
It stands in for CLIP behind the same interface, and is no CLIP: docs/encoders.md says what it is worth.
"""

from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smicnb.base.files import sha256_file, sha256_json
from smicnb.semantics.encoders.towers import ImageTower, encode_texts, resize_and_crop
from smicnb.semantics.weights import store

if TYPE_CHECKING:
    import torch

NAME = "lite0-minilm"
DIM = 384
SIDE = 224
NORM = 20.0  # the mean norm of a photograph's latent, as with CLIP ViT-L/14, so that λ means the same
RIDGE = 1.0  # chosen by cross-validation over classes, never over images: docs/encoders.md
MAX_TOKENS = 128
IMAGE_PART, TEXT_PART = "efficientnet-lite0", "all-minilm-l6-v2"


def projection_path() -> Path:
    """The file with the ridge map and the centring means (tools/build_lite0_minilm.py makes it)."""
    return Path(str(resources.files("smicnb.semantics.encoders"))) / "data" / "lite0_minilm.safetensors"


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows divided by their L2 norm; a zero row stays zero."""
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(norms == 0, 1, norms)


def fit_ridge(prototypes: np.ndarray, texts: np.ndarray, ridge: float = RIDGE) -> np.ndarray:
    """The map (1280, 384) from centred unit class prototypes (classes, 1280) to centred unit text embeddings (classes,
    384); `ridge` is the weight of its squared norm.
    """
    rows = unit_rows(prototypes - prototypes.mean(axis=0)).astype(np.float64)
    targets = unit_rows(texts).astype(np.float64)
    return np.linalg.solve(rows.T @ rows + ridge * np.eye(rows.shape[1]), rows.T @ targets)


def image_features(device: str = "cpu") -> tuple["torch.nn.Module", np.ndarray]:
    """EfficientNet-Lite0 up to its pooled features, and its classifier's rows (1000, 1280)."""
    import timm
    import torch
    from safetensors.torch import load_file

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    stored = load_file(store.resolve(IMAGE_PART) / "model.safetensors")
    network.load_state_dict({ours: stored[theirs] for theirs, ours in _key_map(network, stored).items()})
    prototypes = network.classifier.weight.detach().numpy()
    network.classifier = torch.nn.Identity()
    return network.eval().requires_grad_(False).to(device, memory_format=torch.channels_last), prototypes


def _key_map(network: "torch.nn.Module", stored: Iterable[str]) -> dict[str, str]:
    """The stored file's tensor names -> timm's.

    The stored checkpoint numbers its blocks through and names layers by their role; timm groups the same
    blocks in stages. In either, the layers of the network stand in the order in which they are applied.
    """
    stem = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
    with_expansion = {
        "_expand_conv": "conv_pw",
        "_bn0": "bn1",
        "_depthwise_conv": "conv_dw",
        "_bn1": "bn2",
        "_project_conv": "conv_pwl",
        "_bn2": "bn3",
    }
    without = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    blocks = [f"blocks.{s}.{b}" for s, stage in enumerate(network.blocks) for b, _ in enumerate(stage)]
    stored = list(stored)
    expanded = {name.split(".")[1] for name in stored if "._expand_conv." in name}
    names = {}
    for name in stored:
        if name.startswith("_blocks."):
            _, number, layer, tail = name.split(".")
            layers = with_expansion if number in expanded else without
            names[name] = f"{blocks[int(number)]}.{layers[layer]}.{tail}"
        else:
            layer, tail = name.split(".")
            names[name] = f"{stem[layer]}.{tail}"
    return names


def precise_type(device: str) -> "torch.dtype":
    """What products are computed in, so that no processor's order of sums shows; Apple's GPUs have float32 only."""
    import torch

    return torch.float32 if device.startswith("mps") else torch.float64


class SentenceTower:
    """MiniLM: sentences to unit embeddings (n, 384), and to one embedding per token."""

    def __init__(self, device: str = "cpu"):
        import torch
        from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
        from transformers.utils import logging

        logging.disable_progress_bar()
        folder = store.resolve(TEXT_PART)
        self.device = torch.device(device)
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        config = BertConfig.from_pretrained(folder, local_files_only=True)
        network = BertModel.from_pretrained(folder, config=config, local_files_only=True, use_safetensors=True)
        self.network = network.eval().requires_grad_(False).to(self.device, precise_type(device))

    def tokens(self, texts: list[str]) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Per-token embeddings (n, T, 384) float32 and the mask (n, T) of real tokens, T = 128 at most."""
        states, mask = self._states(texts)
        return states.float(), mask

    def _states(self, texts: list[str]) -> tuple["torch.Tensor", "torch.Tensor"]:
        batch = self.tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt").to(
            self.device
        )
        states = self.network(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        return states, batch["attention_mask"].bool()

    def __call__(self, texts: list[str]) -> "torch.Tensor":
        """Unit embeddings (n, 384) float32: the mean over the real tokens, normalised."""
        from torch.nn import functional

        states, mask = self._states(texts)
        kept = mask.unsqueeze(-1).to(states.dtype)
        return functional.normalize((states * kept).sum(1) / kept.sum(1), dim=1).float()


@lru_cache(maxsize=2)
def sentence_tower(device: str = "cpu") -> SentenceTower:
    """The sentence tower on a device, loaded once for all who need it."""
    return SentenceTower(device)


@lru_cache(maxsize=2)
def shared_encoder(device: str) -> "Lite0MiniLM":
    """The encoder on a device, one for all the work that a process is given."""
    return Lite0MiniLM(device)


class Lite0MiniLM:
    """The embedded `SemanticEncoder`: photographs and sentences to one space of 384 dimensions."""

    name, dim, side = NAME, DIM, SIDE

    def __init__(self, device: str = "cpu"):
        self._device = device

    def __reduce__(self) -> tuple:  # to another process goes the name: the network is loaded there, once
        return shared_encoder, (self._device,)

    @cached_property
    def weights_hash(self) -> str:
        """SHA-256 over both towers' weights, the ridge map and the centring means."""
        parts = [store.weights_hash(IMAGE_PART), store.weights_hash(TEXT_PART)]
        return sha256_json([*parts, sha256_file(projection_path())])

    @cached_property
    def _projection(self) -> dict[str, np.ndarray]:
        from safetensors.numpy import load_file

        return {name: array.astype(np.float32) for name, array in load_file(projection_path()).items()}

    @cached_property
    def mean(self) -> np.ndarray:
        """What centring takes from every latent, (384,): the latent of the mean photograph feature."""
        return self._projection["image_mean"] @ self._projection["map"]

    @cached_property
    def _images(self) -> ImageTower:
        import torch

        network, _ = image_features(self._device)
        dtype = precise_type(self._device)
        mean, matrix = (
            torch.from_numpy(self._projection[name]).to(self._device, dtype) for name in ("image_mean", "map")
        )
        shade = (127 / 255,) * 3, (128 / 255,) * 3
        return ImageTower(
            lambda x: ((network(x).to(dtype) - mean) @ matrix).to(torch.float32), SIDE, *shade, self._device
        )

    @property
    def text_tower(self) -> SentenceTower:
        return sentence_tower(self._device)

    def square(self, image: np.ndarray) -> np.ndarray:
        """The square (224, 224, 3) that the network sees of an image."""
        return resize_and_crop(image, SIDE)

    def encode_images(self, images: Iterable[np.ndarray], done: Callable[[int], None] | None = None) -> np.ndarray:
        """Latents (n, 384) float32 of RGB uint8 images H×W×3; photographs have a norm of about 20."""
        return self._images(images, done)

    def encode_text(self, texts: Iterable[str]) -> np.ndarray:
        """Latents (n, 384) float32 of sentences, norm 20 after centring on the mean class name."""
        unit = encode_texts(texts, self.text_tower, DIM)
        return (NORM * unit_rows(unit - self._projection["text_mean"])).astype(np.float32)

    def text_tokens(self, texts: list[str]) -> tuple["torch.Tensor", "torch.Tensor"]:
        """MiniLM's per-token embeddings (n, T, 384) and their mask (n, T)."""
        return self.text_tower.tokens(texts)

    def token_strings(self, text: str) -> list[str]:
        """What each of MiniLM's tokens of a text stands for: pieces of words, [CLS] and [SEP] around them."""
        tokenizer = self.text_tower.tokenizer
        return tokenizer.convert_ids_to_tokens(tokenizer(text, truncation=True, max_length=MAX_TOKENS)["input_ids"])

    def image_latents(self, pixels: "torch.Tensor", side: int | None = None) -> "torch.Tensor":
        """Latents (n, 384) of float pixels (n, 3, H, W) in [0, 1], seen at 224 pixels or another side."""
        return self._images.encode_pixels(pixels, side)
