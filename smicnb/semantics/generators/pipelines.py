"""What is particular to each diffusion pipeline: its parts, its configuration, and how it is called.

A pipeline is put together part by part, each of the class that is expected of it: the list of classes that a
repository brings along (model_index.json) could name anything, and is not read.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from smicnb.base.errors import DimensionError, IntegrityError
from smicnb.semantics.encoders.encoders import SemanticEncoder
from smicnb.semantics.weights.repositories import config, load, load_network

if TYPE_CHECKING:
    import torch

# One file or shards with their index, in single or half precision.
WEIGHTS = "diffusion_pytorch_model*.safetensors"
NETWORK = ("config.json", WEIGHTS, "diffusion_pytorch_model*.index*.json")


class Pipeline(Protocol):
    """A folder's models, once their configurations were found to belong together."""

    label: str  # how its makers call it
    patterns: tuple[str, ...]  # the files that `repositories.locate` is asked for
    dim: int  # of the latents it takes
    scheduler: str  # class that walks from noise to image
    longest: int  # most steps that the scheduler can take

    def __init__(self, folder: Path, encoder: SemanticEncoder): ...

    def load(self, dtype: str, device: str) -> None:
        """Read the weights, which `images` and `save_memory` need."""

    def images(self, latents: np.ndarray, seeds: Sequence[int], steps: int, guidance: float) -> np.ndarray:
        """Images (n, H, W, 3), float32 in [0, 1], of latents (n, dim), one seed for each."""

    def save_memory(self, attention: bool) -> None:
        """Decode one image at a time; with `attention`, compute that in slices too, which is slower."""


class StableUnclip:
    """Stable Diffusion 2.1 finetuned on CLIP latents: diffusers' StableUnCLIPImg2ImgPipeline.

    It takes un-normalised CLIP projections: of ViT-L/14 (768; their norm is about 20) or of OpenCLIP's ViT-H/14
    (1024). The prompt is empty and noise level 0, at which the pipeline still adds noise to the latent, as in
    its training: with the initial noise it comes from the image's own seed. The repository's scheduler is kept.
    """

    label = "Stable unCLIP"
    patterns = (
        *(f"{part}/{name}" for part in ("unet", "vae", "image_normalizer") for name in NETWORK),
        "text_encoder/config.json",
        "text_encoder/model*.safetensors",
        "text_encoder/model*.index*.json",
        "tokenizer/*.json",
        "tokenizer/*.txt",
        "scheduler/scheduler_config.json",
        "image_noising_scheduler/scheduler_config.json",
    )

    def __init__(self, folder: Path, encoder: SemanticEncoder):
        self._folder = folder  # the encoder is not needed here
        unet = config(folder / "unet" / "config.json")
        self.dim = _whole_number(config(folder / "image_normalizer" / "config.json"), "embedding_dim", 768)
        self.scheduler, self.longest = _schedule(folder)
        _demand(folder, "unet", unet, {"class_embed_type": "projection"})
        # A normaliser of another dimension would be broadcast, or fail only after all the weights were read.
        if _whole_number(unet, "projection_class_embeddings_input_dim") != 2 * self.dim:
            raise DimensionError(
                f"the UNet of '{folder.name}' takes {unet['projection_class_embeddings_input_dim']} numbers for "
                f"latents of {self.dim} dimensions",
                "twice as many numbers as dimensions, since the noise level is embedded beside the latent",
            )
        width = _whole_number(config(folder / "text_encoder" / "config.json"), "hidden_size", 512)
        if unet.get("cross_attention_dim") != width:
            raise DimensionError(
                f"the text encoder of '{folder.name}' and its UNet differ in width", f"{width} in both"
            )

    def load(self, dtype: str, device: str) -> None:
        """Read the weights; the text encoder only says what the empty prompt is, and is let go."""
        import torch
        from diffusers import AutoencoderKL, StableUnCLIPImg2ImgPipeline, UNet2DConditionModel
        from diffusers.pipelines.stable_diffusion import StableUnCLIPImageNormalizer
        from transformers import CLIPTextModel, CLIPTokenizer, CLIPVisionConfig, CLIPVisionModelWithProjection

        # The pipeline insists on an image encoder of this class, but reads only its number type.
        unused = CLIPVisionModelWithProjection(
            CLIPVisionConfig(hidden_size=4, intermediate_size=4, num_hidden_layers=1, num_attention_heads=1)
        )
        self.pipe = StableUnCLIPImg2ImgPipeline(
            feature_extractor=None,
            image_encoder=unused.to(getattr(torch, dtype)),
            image_normalizer=_network(StableUnCLIPImageNormalizer, self._folder, "image_normalizer", dtype),
            image_noising_scheduler=_scheduler(self._folder, "image_noising_scheduler"),
            tokenizer=_read(CLIPTokenizer, self._folder, "tokenizer"),
            text_encoder=_network(CLIPTextModel, self._folder, "text_encoder", dtype),
            unet=_network(UNet2DConditionModel, self._folder, "unet", dtype),
            scheduler=_scheduler(self._folder, "scheduler"),
            vae=_network(AutoencoderKL, self._folder, "vae", dtype),
        )
        place_pipe(self.pipe, device)
        self._prompt, _ = self.pipe.encode_prompt("", self.pipe.device, 1, False)
        self.pipe.text_encoder = self.pipe.tokenizer = None

    def images(self, latents: np.ndarray, seeds: Sequence[int], steps: int, guidance: float) -> np.ndarray:
        """Images (n, H, W, 3), float32 in [0, 1], of latents (n, dim), one seed for each."""
        unet, scheduler = self.pipe.unet, self.pipe.scheduler
        side = unet.config.sample_size
        generators, noise = _noise(seeds, (unet.config.in_channels, side, side), unet)
        scheduler.set_timesteps(steps)  # on which the next factor may depend; the pipeline does not apply it
        prompts = self._prompt.expand(len(seeds), -1, -1)
        return self.pipe(
            image=None,
            image_embeds=_tensor(latents, unet),
            prompt_embeds=prompts,
            negative_prompt_embeds=prompts,
            latents=noise * scheduler.init_noise_sigma,
            generator=generators,
            noise_level=0,
            num_inference_steps=steps,
            guidance_scale=guidance,
            output_type="np",
        ).images

    def save_memory(self, attention: bool) -> None:
        """Decode one image at a time; with `attention`, compute that in slices too, which is slower."""
        self.pipe.vae.enable_slicing()
        if attention:
            self.pipe.enable_attention_slicing()


class Kandinsky22:
    """The decoder of Kandinsky 2.2: diffusers' KandinskyV22Pipeline, without its prior.

    It takes un-normalised projections of OpenCLIP's ViT-bigG/14 (1280). Latents are given norm 20, which was
    measured for ViT-L/14; for ViT-bigG/14 it is not known to be right. Guidance is
    away from the latent of a picture that is nothing but CLIP's mean colour, which stood for "no picture" in its
    training (dataset_unclip_2_1.py of ai-forever/Kandinsky-2), so that the encoder is asked once. DDIM replaces
    the repository's DDPM: with 20 steps it comes further, and it draws no noise on the way.
    """

    label = "Kandinsky 2.2"
    patterns = (
        *(f"{part}/{name}" for part in ("unet", "movq") for name in NETWORK),
        "scheduler/scheduler_config.json",
    )
    scheduler = "DDIMScheduler"

    def __init__(self, folder: Path, encoder: SemanticEncoder):
        self._folder, self._encoder = folder, encoder
        unet = config(folder / "unet" / "config.json")
        self.dim = _whole_number(unet, "encoder_hid_dim")
        _, self.longest = _schedule(folder)
        _demand(folder, "unet", unet, {"addition_embed_type": "image", "encoder_hid_dim_type": "image_proj"})

    def load(self, dtype: str, device: str) -> None:
        """Read the weights."""
        from diffusers import DDIMScheduler, KandinskyV22Pipeline, UNet2DConditionModel, VQModel

        schedule = config(self._folder / "scheduler" / "scheduler_config.json")
        # The UNet predicts a variance that only DDPM uses; while this is set, the pipeline would hand it to DDIM.
        schedule.pop("variance_type", None)
        self.pipe = KandinskyV22Pipeline(
            unet=_network(UNet2DConditionModel, self._folder, "unet", dtype),
            scheduler=DDIMScheduler.from_config(schedule),
            movq=_network(VQModel, self._folder, "movq", dtype),
        )
        place_pipe(self.pipe, device)

    def images(self, latents: np.ndarray, seeds: Sequence[int], steps: int, guidance: float) -> np.ndarray:
        """Images (n, H, W, 3), float32 in [0, 1], of latents (n, dim), one seed for each."""
        from diffusers.pipelines.kandinsky2_2.pipeline_kandinsky2_2 import downscale_height_and_width

        unet, factor = self.pipe.unet, self.pipe.movq_scale_factor
        side = unet.config.sample_size * factor
        generators, noise = _noise(
            seeds, (unet.config.in_channels, *downscale_height_and_width(side, side, factor)), unet
        )
        # Without guidance it is not looked at, and the encoder need not be loaded.
        unwanted = np.tile(self._no_picture, (len(latents), 1)) if guidance > 1 else latents
        return self.pipe(
            image_embeds=_tensor(latents, unet),
            negative_image_embeds=_tensor(unwanted, unet),
            height=side,
            width=side,
            latents=noise,
            generator=generators,
            num_inference_steps=steps,
            guidance_scale=guidance,
            output_type="np",
        ).images

    @cached_property
    def _no_picture(self) -> np.ndarray:
        """The latent (1, dim) of CLIP's mean colour."""
        from open_clip import OPENAI_DATASET_MEAN

        colour = np.round(255 * np.array(OPENAI_DATASET_MEAN)).astype(np.uint8)
        return self._encoder.encode_images([np.tile(colour, (224, 224, 1))])

    def save_memory(self, attention: bool) -> None:
        """With `attention`, compute that in slices, which is slower; its decoder has no other way."""
        if attention:
            self.pipe.enable_attention_slicing()


def _whole_number(values: dict, name: str, default: int | None = None) -> int:
    value = values.get(name, default)
    if type(value) is not int or value < 1:
        raise IntegrityError(f"found '{name}': {value!r} in a generator's configuration", "a whole number above 0")
    return value


def _demand(folder: Path, part: str, values: dict, wanted: dict[str, str]) -> None:
    for name, value in wanted.items():
        if values.get(name) != value:
            raise IntegrityError(
                f"'{folder.name}/{part}' has {name} {values.get(name)!r}: it is of another architecture", f"'{value}'"
            )


def _schedule(folder: Path, part: str = "scheduler") -> tuple[str, int]:
    """The scheduler's class and how many steps it was trained with."""
    values = config(folder / part / "scheduler_config.json")
    return str(values.get("_class_name")), _whole_number(values, "num_train_timesteps", 1000)


def _scheduler(folder: Path, part: str) -> Any:
    import diffusers
    from diffusers.schedulers import KarrasDiffusionSchedulers

    name, _ = _schedule(folder, part)
    # The one left out draws noise by itself, which no image's seed would reach.
    usable = {each.name for each in KarrasDiffusionSchedulers} - {"DPMSolverSDEScheduler"}
    if name not in usable:
        raise IntegrityError(f"'{folder.name}/{part}' names the class '{name}'", f"one of {', '.join(sorted(usable))}")
    return _read(getattr(diffusers, name), folder, part)


def _read(kind: type, folder: Path, part: str) -> Any:
    return load(kind, folder / part, f"'{folder.name}/{part}'")


def _network(kind: type, folder: Path, part: str, dtype: str) -> "torch.nn.Module":
    import torch

    wanted = getattr(torch, dtype)
    # diffusers converts while it reads, and warns of converting later; transformers calls the setting otherwise
    settings = {"torch_dtype": wanted} if kind.__module__.startswith("diffusers.") else {}
    network = load_network(kind, folder / part, f"'{folder.name}/{part}'", **settings)
    return network if settings else network.to(wanted)


def place_pipe(pipe: Any, device: str) -> None:
    """Move a pipeline of diffusers to a device, without its progress bar."""
    pipe.set_progress_bar_config(disable=True)
    pipe.to(device)


def _tensor(latents: np.ndarray, unet: "torch.nn.Module") -> "torch.Tensor":
    import torch

    return torch.from_numpy(np.asarray(latents, np.float32)).to(unet.device, unet.dtype)


def _noise(
    seeds: Sequence[int], shape: tuple[int, ...], unet: "torch.nn.Module"
) -> tuple[list["torch.Generator"], "torch.Tensor"]:
    """A generator for each seed, and the noise (n, *shape) that each starts with.

    They are the processor's: a GPU's draw other numbers, which change with its kind.
    """
    import torch

    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    noise = torch.stack([torch.randn(shape, generator=generator) for generator in generators])
    return generators, noise.to(unet.device, unet.dtype)
