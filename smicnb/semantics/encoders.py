"""Images and texts to latents: the encoder's protocol, its two families, and the cache of latents."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from smicnb.base import names
from smicnb.base.cache import ArrayCache
from smicnb.base.digests import sha256_of
from smicnb.base.errors import DimensionError, SmicnbError
from smicnb.base.progress import progress_bar
from smicnb.base.shards import completed
from smicnb.semantics import devices, inception, lite0_minilm, weights
from smicnb.semantics.collections import Collection, Item
from smicnb.semantics.selection import parse
from smicnb.semantics.towers import BATCH, ImageTower, in_text_batches

if TYPE_CHECKING:
    import torch

# open_clip's (model, tag) -> the registered part that holds its weights
OPEN_CLIP_PARTS = {
    ("ViT-L-14", "openai"): "clip-vit-l-14-openai",
    ("ViT-B-32", "openai"): "clip-vit-b-32-openai",
}
BLOCK = 8 * BATCH  # images that are encoded, then remembered
ENCODERS = (lite0_minilm.NAME, *(f"open_clip:{model}/{tag}" for model, tag in OPEN_CLIP_PARTS))  # known by name


class ImageEncoder(Protocol):
    """Photographs to a space of `dim` dimensions."""

    name: str
    dim: int
    weights_hash: str

    def encode_images(self, images: Iterable[np.ndarray], done: Callable[[int], None] | None = None) -> np.ndarray:
        """Un-normalised latents (n, dim) float32 of RGB uint8 images H×W×3 (or functions returning one)."""


class SemanticEncoder(ImageEncoder, Protocol):
    """Photographs and texts to one latent space of `dim` dimensions (f in the paper's Eq. 4)."""

    mean: np.ndarray  # (dim,): what the encoder's own centring takes from a latent; zeros for CLIP

    def encode_text(self, texts: Iterable[str]) -> np.ndarray:
        """Latents (n, dim) float32 of texts, in the images' space."""

    def text_tokens(self, texts: list[str]) -> "tuple[torch.Tensor, torch.Tensor]":
        """Per-token embeddings (n, T, W) of texts, and the mask (n, T) of real tokens."""

    def token_strings(self, text: str) -> list[str]:
        """What each token of a text stands for, in the order of `text_tokens`."""

    def image_latents(self, pixels: "torch.Tensor", side: int | None = None) -> "torch.Tensor":
        """Latents (n, dim) of float pixels (n, 3, H, W) in [0, 1], differentiable, for losses.

        A convolutional tower may be shown squares of another `side` than its own, at less cost.
        """


class OpenClipEncoder:
    """CLIP through open_clip: un-normalised projections of either tower.

    Args:
        model: an architecture that open_clip knows ("ViT-L-14").
        pretrained: a registered tag ("openai"), or the path of a weights file for that architecture.
        device: a torch device name.
    """

    def __init__(self, model: str, pretrained: str, device: str = "cpu"):
        import open_clip

        if model not in open_clip.list_models():
            raise names.unknown("open_clip model", model, open_clip.list_models())
        # A record keeps the name and the hash of a file, not the folders of this machine.
        self.name = f"open_clip:{model}/{Path(pretrained).name}"
        self._model_name, self._pretrained, self._device = model, pretrained, device
        part = OPEN_CLIP_PARTS.get((model, pretrained))
        # OpenAI's weights were trained with the quick approximation of GELU.
        self._quick_gelu = part is not None or pretrained == "openai"
        self._file = weights.resolve(part) / "open_clip_model.safetensors" if part else Path(pretrained)
        if not self._file.is_file():
            tags = ", ".join(f"{m}/{tag}" for m, tag in OPEN_CLIP_PARTS)
            raise SmicnbError(
                f"found neither a registered tag nor a file '{pretrained}' for open_clip's {model}",
                f"one of {tags}, or the path of a .safetensors or .pt file",
            )
        self.dim = int(open_clip.get_model_config(model)["embed_dim"])
        self.mean = np.zeros(self.dim, np.float32)

    def __reduce__(self) -> tuple:  # to another process goes the name: the network is loaded there, once
        return encoder, (f"open_clip:{self._model_name}/{self._pretrained}?device={self._device}",)

    @cached_property
    def weights_hash(self) -> str:
        """SHA-256 of the weights file."""
        return sha256_of(self._file)

    @cached_property
    def _network(self) -> "torch.nn.Module":
        import open_clip

        try:
            network = open_clip.create_model(
                self._model_name,
                pretrained=str(self._file),
                device=self._device,
                force_quick_gelu=self._quick_gelu,
                weights_only=True,
            )
        except Exception as error:  # open_clip raises whatever torch or safetensors raised
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise SmicnbError(
                f"'{self._file.name}' could not be loaded as open_clip's {self._model_name} ({reason})",
                f"the weights of a {self._model_name}",
            ) from error
        return network.eval().requires_grad_(False)

    @cached_property
    def _images(self) -> ImageTower:
        preprocess = self._network.visual.preprocess_cfg
        size = preprocess["size"]
        side = size if isinstance(size, int) else size[0]
        mean, std = tuple(preprocess["mean"]), tuple(preprocess["std"])
        return ImageTower(self._network.encode_image, side, mean, std, self._device)

    @cached_property
    def _tokenizer(self) -> Callable:
        import open_clip

        return open_clip.get_tokenizer(self._model_name)

    def _tokenize(self, texts: list[str]) -> "torch.Tensor":
        return self._tokenizer(texts).to(self._device)

    def encode_images(self, images: Iterable[np.ndarray], done: Callable[[int], None] | None = None) -> np.ndarray:
        """Un-normalised image projections (n, dim) float32; with ViT-L/14 their norm is about 20."""
        return self._images(images, done)

    def encode_text(self, texts: Iterable[str]) -> np.ndarray:
        """Un-normalised text projections (n, dim) float32."""
        return in_text_batches(texts, lambda batch: self._network.encode_text(self._tokenize(batch)), self.dim)

    def text_tokens(self, texts: list[str]) -> "tuple[torch.Tensor, torch.Tensor]":
        """States (n, 77, W) of the text transformer's last layer after its norm, and the tokens' mask."""
        tokens = self._tokenize(texts)
        states = self._network.forward_intermediates(
            text=tokens, text_indices=1, normalize_intermediates=True, intermediates_only=True
        )
        return states["text_intermediates"][-1], tokens != 0

    def token_strings(self, text: str) -> list[str]:
        """What each of CLIP's tokens of a text stands for: pieces of words, one at the start, one at the end."""
        return [self._tokenizer.decode([token]).strip() for token in self._tokenize([text])[0].tolist() if token]

    def image_latents(self, pixels: "torch.Tensor", side: int | None = None) -> "torch.Tensor":
        """Latents (n, dim) of float pixels (n, 3, H, W) in [0, 1]; `side` is the tower's own or None."""
        if side not in (None, self._images.side):
            raise SmicnbError(f"found side={side} for {self.name}", f"{self._images.side}, its positions' own")
        return self._images.differentiable(pixels)


@lru_cache(maxsize=4)
def encoder(name: str) -> SemanticEncoder:
    """The encoder of a name: "lite0-minilm" or "open_clip:MODEL/TAG-OR-FILE", with "?device=…" where wanted."""
    selection = parse(name)
    model, slash, pretrained = selection.source.partition("/")
    if selection.family == lite0_minilm.NAME and not selection.source:
        return lite0_minilm.Lite0MiniLM(devices.checked(**selection.settings(device="cpu")))
    if selection.family == "open_clip" and selection.source:
        if not slash or not pretrained:
            raise SmicnbError(
                f"found '{name}'", "open_clip:MODEL/TAG or open_clip:MODEL/FILE", "say for example "
                "open_clip:ViT-L-14/openai",
            )  # fmt: skip
        return OpenClipEncoder(model, pretrained, devices.checked(**selection.settings(device="cpu")))
    raise names.unknown("encoder", name, ENCODERS)


@lru_cache(maxsize=4)
def image_encoder(name: str) -> ImageEncoder:
    """The encoder of a name, or "inception-fid", of images only: to judge images by a model that made none.

    Args:
        name: as in `encoder`.
    """
    selection = parse(name)
    if selection.family == inception.NAME and not selection.source:
        return inception.InceptionFeatures(devices.checked(**selection.settings(device="cpu")))
    if selection.family not in (lite0_minilm.NAME, "open_clip"):
        raise names.unknown("image encoder", name, [*ENCODERS, inception.NAME])
    return encoder(name)


def encode_collection(encoder: ImageEncoder, collection: Collection, executor: Executor | None = None) -> np.ndarray:
    """Latents (n, dim) float32 of a collection's items, in their order, each computed once ever.

    The cache knows a latent by the encoder's name and weights, the batch it ran in, and the image's hash. It is
    filled block by block, so that what was interrupted goes on where it was.

    Args:
        encoder: whose latents.
        collection: of images.
        executor: encodes one block of `BLOCK` images per task; here and now where absent.
    """
    cache, items = ArrayCache("latents"), collection.items
    keys = [[encoder.name, encoder.weights_hash, BATCH, item.content_hash] for item in items]
    found = [cache.get(key) for key in keys]
    missing = [row for row, latent in enumerate(found) if latent is None or latent.shape != (encoder.dim,)]
    blocks = [missing[start : start + BLOCK] for start in range(0, len(missing), BLOCK)]
    with progress_bar(f"encoding {collection.name} with {encoder.name}", len(missing) or 1) as advance:
        task = partial(_encode, encoder, None if executor else advance)
        for block, latents in completed(task, [{row: items[row] for row in rows} for rows in blocks], executor):
            for (row, item), latent in zip(block.items(), latents, strict=True):
                if not np.isfinite(latent).all():
                    raise DimensionError(f"the latent of '{item.id}' is not finite", "finite numbers")
                cache.put(keys[row], latent)
                found[row] = latent
            if executor:
                advance(len(block))
    return np.stack(found) if found else np.zeros((0, encoder.dim), np.float32)


def _encode(encoder: ImageEncoder, done: Callable[[int], None] | None, block: dict[int, Item]) -> np.ndarray:
    return encoder.encode_images((item.image for item in block.values()), done)
