"""Images and texts to latents: the encoder's protocol, its two families, and the cache of latents."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from smicnb.base import names
from smicnb.base.cache import ArrayCache, sha256_of
from smicnb.base.errors import DimensionError, SmicnbError, reason
from smicnb.base.files import sha256_json
from smicnb.base.progress import progress_bar
from smicnb.base.work.shards import run_pieces
from smicnb.semantics import devices
from smicnb.semantics.encoders import inception, lite0_minilm
from smicnb.semantics.encoders.preparation import Preparation, preparation
from smicnb.semantics.encoders.towers import BATCH, ImageTower, encode_texts, resize_and_crop
from smicnb.semantics.photographs.image_collections import Collection, Item
from smicnb.semantics.selection import parse
from smicnb.semantics.weights import store

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
    side: int  # pixels of the square that the network sees
    weights_hash: str

    def square(self, image: np.ndarray) -> np.ndarray:
        """The part of an RGB uint8 image H×W×3 that the network sees, as it sees it: side×side×3, itself encoded alike.
        The network is not needed for it.
        """

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
        tag: open_clip's name of a file's weights, where it knows them: preparation and quick GELU go with it.

    Raises:
        UnknownNameError: no such architecture, or no such tag of it.
        SmicnbError: no such file; or one whose architecture was published with weights that want different images.
    """

    def __init__(self, model: str, pretrained: str, device: str = "cpu", tag: str = ""):
        import open_clip

        if model not in open_clip.list_models():
            raise names.unknown("open_clip model", model, open_clip.list_models())
        # A record keeps the name and the hash of a file, not the folders of this machine.
        self.name = f"open_clip:{model}/{Path(pretrained).name}" + (f"?tag={tag}" if tag else "")
        self._model_name, self._pretrained, self._device, self._tag = model, pretrained, device, tag
        part = OPEN_CLIP_PARTS.get((model, pretrained))
        self._file = store.resolve(part) / "open_clip_model.safetensors" if part else Path(pretrained)
        if not self._file.is_file():
            tags = ", ".join(f"{m}/{tag}" for m, tag in OPEN_CLIP_PARTS)
            raise SmicnbError(
                f"found neither a registered tag nor a file '{pretrained}' for open_clip's {model}",
                f"one of {tags}, or the path of a .safetensors or .pt file",
            )
        if part and tag:
            raise SmicnbError(f"found tag={tag} with open_clip:{model}/{pretrained}", "no tag but that of the name")
        self._prepared = preparation(model, pretrained if part else tag)
        config = open_clip.get_model_config(model)
        size = config["vision_cfg"]["image_size"]
        self.dim, self.side = int(config["embed_dim"]), size if isinstance(size, int) else max(size)
        self._side = size if isinstance(size, int) else size[0]
        self.mean = np.zeros(self.dim, np.float32)

    def __reduce__(self) -> tuple:  # to another process goes the name: the network is loaded there, once
        tag = f"&tag={self._tag}" if self._tag else ""
        known = (self._model_name, self._pretrained) in OPEN_CLIP_PARTS
        source = self._pretrained if known else Path(self._pretrained).absolute()  # it may be in another folder
        return encoder, (f"open_clip:{self._model_name}/{source}?device={self._device}{tag}",)

    @cached_property
    def weights_hash(self) -> str:
        """SHA-256 of the weights file, and of what else decides a latent where it is not as for CLIP."""
        import open_clip

        whole = sha256_of(self._file)
        if (self._model_name, self._pretrained) in OPEN_CLIP_PARTS:
            return whole
        # Latents of CoCa were once normalised, under the hash of the file alone.
        coca = "multimodal_cfg" in open_clip.get_model_config(self._model_name)
        return sha256_json([whole, self._prepared]) if coca or self._prepared != Preparation() else whole

    @cached_property
    def _network(self) -> "torch.nn.Module":
        import open_clip

        try:
            network = open_clip.create_model(
                self._model_name,
                pretrained=str(self._file),
                device=self._device,
                force_quick_gelu=self._prepared.quick_gelu,
                weights_only=True,
            )
        except Exception as error:  # open_clip raises whatever torch or safetensors raised
            raise SmicnbError(
                f"'{self._file.name}' could not be loaded as open_clip's {self._model_name} ({reason(error)})",
                f"the weights of a {self._model_name}",
            ) from error
        return network.eval().requires_grad_(False)

    @cached_property
    def _images(self) -> ImageTower:
        size, wanted = self._network.visual.preprocess_cfg["size"], self._prepared
        side = size if isinstance(size, int) else size[0]
        project = partial(self._network.encode_image, normalize=False)  # CoCa would normalise
        squash = wanted.resize_mode == "squash"
        return ImageTower(project, side, wanted.mean, wanted.std, self._device, squash, wanted.interpolation)

    @cached_property
    def _tokenizer(self) -> Callable:
        import open_clip

        try:
            return open_clip.get_tokenizer(self._model_name)
        except Exception as error:  # whatever the hub's client and its tokenizers raise
            raise SmicnbError(
                f"the tokenizer of open_clip's {self._model_name} could not be loaded ({reason(error)})",
                "its files in the hub's cache",
            ) from error

    def _tokenize(self, texts: list[str]) -> "torch.Tensor":
        return self._tokenizer(texts).to(self._device)

    def square(self, image: np.ndarray) -> np.ndarray:
        """The square that the network sees of an image."""
        return resize_and_crop(image, self._side, self._prepared.resize_mode == "squash", self._prepared.interpolation)

    def encode_images(self, images: Iterable[np.ndarray], done: Callable[[int], None] | None = None) -> np.ndarray:
        """Un-normalised image projections (n, dim) float32; with ViT-L/14 their norm is about 20."""
        return self._images(images, done)

    def encode_text(self, texts: Iterable[str]) -> np.ndarray:
        """Un-normalised text projections (n, dim) float32."""
        project = partial(self._network.encode_text, normalize=False)
        return encode_texts(texts, lambda batch: project(self._tokenize(batch)), self.dim)

    def text_tokens(self, texts: list[str]) -> "tuple[torch.Tensor, torch.Tensor]":
        """States (n, T, W) of the text transformer's last layer after its norm, and the tokens' mask; CLIP: T = 77."""
        tokens = self._tokenize(texts)
        states = self._network.forward_intermediates(
            text=tokens, text_indices=1, normalize_intermediates=True, intermediates_only=True
        )
        return states["text_intermediates"][-1], tokens != self._padding

    def token_strings(self, text: str) -> list[str]:
        """What each token of a text stands for; CLIP's are pieces of words, one at the start, one at the end."""
        decode = getattr(self._tokenizer, "tokenizer", self._tokenizer).decode
        tokens = self._tokenize([text])[0].tolist()
        return [decode([token]).strip() for token in tokens if token != self._padding]

    @property
    def _padding(self) -> int:
        """The token that fills a text up: CLIP's is 0, a tokenizer of the hub says its own."""
        return getattr(getattr(self._tokenizer, "tokenizer", None), "pad_token_id", 0)

    def image_latents(self, pixels: "torch.Tensor", side: int | None = None) -> "torch.Tensor":
        """Latents (n, dim) of float pixels (n, 3, H, W) in [0, 1]; `side` is the tower's own or None."""
        if side not in (None, self._images.side):
            raise SmicnbError(f"found side={side} for {self.name}", f"{self._images.side}, its positions' own")
        return self._images.encode_pixels(pixels)


@lru_cache(maxsize=4)
def encoder(name: str) -> SemanticEncoder:
    """The encoder of a name: "lite0-minilm" or "open_clip:MODEL/TAG-OR-FILE", with "?device=…" where wanted.

    A file whose architecture does not say how images are prepared for it also needs "?tag=…".
    """
    selection = parse(name)
    model, slash, pretrained = selection.source.partition("/")
    if selection.family == lite0_minilm.NAME and not selection.source:
        return lite0_minilm.Lite0MiniLM(devices.check_device(**selection.settings(device="cpu")))
    if selection.family == "open_clip" and selection.source:
        if not slash or not pretrained:
            raise SmicnbError(
                f"found '{name}'", "open_clip:MODEL/TAG or open_clip:MODEL/FILE", "say for example "
                "open_clip:ViT-L-14/openai",
            )  # fmt: skip
        settings = selection.settings(device="cpu", tag="")
        return OpenClipEncoder(model, pretrained, devices.check_device(settings["device"]), settings["tag"])
    raise names.unknown("encoder", name, ENCODERS)


def image_encoder(name: str) -> ImageEncoder:
    """The encoder of a name as in `encoder`, or "inception-fid", of images only: to judge images by a model that made
    none.
    """
    selection = parse(name)
    if selection.family == inception.NAME and not selection.source:
        return inception.shared_encoder(devices.check_device(**selection.settings(device="cpu")))
    if selection.family not in (lite0_minilm.NAME, "open_clip"):
        raise names.unknown("image encoder", name, [*ENCODERS, inception.NAME])
    return encoder(name)


def encode_collection(encoder: ImageEncoder, collection: Collection, executor: Executor | None = None) -> np.ndarray:
    """Latents (n, dim) float32 of a collection's items, in their order, each computed once ever.

    The cache knows a latent by the encoder's name and weights, the batch it ran in, the rules by which files
    are read, and the image's hash. It is filled block by block, so that what was interrupted goes on where it was.

    Args:
        encoder: the encoder that makes the latents.
        collection: images to encode.
        executor: encodes one block of `BLOCK` images per task; here and now where absent.
    """
    cache, items = ArrayCache("latents"), collection.items
    keys = [cache_key(encoder, item.read) for item in items]
    found = [cache.get(key) for key in keys]
    missing = [row for row, latent in enumerate(found) if latent is None or latent.shape != (encoder.dim,)]
    blocks = [missing[start : start + BLOCK] for start in range(0, len(missing), BLOCK)]
    with progress_bar(f"encoding {collection.name} with {encoder.name}", len(missing) or 1) as advance:
        task = partial(encode_block, encoder, None if executor else advance)
        for block, latents in run_pieces(task, [{row: items[row] for row in rows} for rows in blocks], executor):
            for (row, item), latent in zip(block.items(), latents, strict=True):
                if not np.isfinite(latent).all():
                    raise DimensionError(f"the latent of '{item.id}' is not finite", "finite numbers")
                cache.put(keys[row], latent)
                found[row] = latent
            if executor:
                advance(len(block))
    return np.stack(found) if found else np.zeros((0, encoder.dim), np.float32)


def cache_key(encoder: ImageEncoder, read: list[int | str]) -> list[int | str]:
    """What the cache knows a latent by; `read` is what stands for the pixels."""
    return [encoder.name, encoder.weights_hash, BATCH, *read]


def encode_block(encoder: ImageEncoder, done: Callable[[int], None] | None, block: dict[int, Item]) -> np.ndarray:
    """Latents (n, L) of a block of items; a worker of an executor calls this."""
    return encoder.encode_images((partial(item.image, side=encoder.side) for item in block.values()), done)
