"""Make tiny models with random weights: every real loader and pipeline then runs, and means nothing.

`python tools/tiny_models.py FOLDER` writes stable-unclip, kandinsky22, open_clip, blip, segformer and clip-iqa
into FOLDER. They are seeded, so that the same libraries write the same bytes. Each folder says in smicnb.json
that it is a stand-in, and whatever shows its results repeats that.
"""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

from smicnb.base.files import write_json

OPEN_CLIP = "ViT-S-32-alt"  # the smallest architecture that open_clip has without another library's towers
DIM = 256  # of its latents, and of those that the tiny generators take
SIDE = 32  # pixels of what the tiny generators make
CLASSES = ("sky", "tree", "grass", "water", "rock", "building", "road", "person")
STAND_IN = {"stand_in": "random weights"}


def seeded(make: Callable) -> Callable:
    """`make` with random weights that are the same each time, and the caller's random numbers left alone."""

    @wraps(make)
    def seeded(*arguments, **settings):
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return make(*arguments, **settings)

    return seeded


def _clip_tokenizer():
    """A CLIP tokenizer that knows all bytes and merges none: its ids are below 514 for any text."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    characters = sorted(ByteLevel.alphabet())
    entries = [*characters, *(f"{character}</w>" for character in characters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={entry: index for index, entry in enumerate(entries)}, merges=[], model_max_length=77)


def _text_settings(width: int) -> dict:
    return {
        "vocab_size": 514,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 77,
        "projection_dim": width,
        "bos_token_id": 512,
        "eos_token_id": 513,
        "pad_token_id": 513,
    }


@seeded
def stable_unclip(folder: Path, dim: int = DIM) -> Path:
    """A Stable unCLIP of latents (n, dim) in the layout of its repositories; makes 32×32 pixels."""
    from diffusers import AutoencoderKL, DDPMScheduler, PNDMScheduler, UNet2DConditionModel
    from diffusers.pipelines.stable_diffusion import StableUnCLIPImageNormalizer
    from transformers import CLIPTextConfig, CLIPTextModel

    width = 32
    unet = UNet2DConditionModel(
        sample_size=SIDE // 2,
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        norm_num_groups=8,
        attention_head_dim=(2, 4),
        cross_attention_dim=width,
        class_embed_type="projection",
        projection_class_embeddings_input_dim=2 * dim,
        use_linear_projection=True,
    )
    normalizer = StableUnCLIPImageNormalizer(embedding_dim=dim)
    normalizer.mean.data.normal_(0, 0.5)
    normalizer.std.data.uniform_(0.5, 1.5)
    schedule = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    parts = {
        "unet": unet,
        "vae": AutoencoderKL(
            block_out_channels=(16, 16),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4,
            norm_num_groups=8,
            sample_size=SIDE,
        ),
        "text_encoder": CLIPTextModel(CLIPTextConfig(**_text_settings(width))),
        "tokenizer": _clip_tokenizer(),
        "image_normalizer": normalizer,
        "image_noising_scheduler": DDPMScheduler(beta_schedule="squaredcos_cap_v2"),
        "scheduler": PNDMScheduler(skip_prk_steps=True, steps_offset=1, prediction_type="v_prediction", **schedule),
    }
    return _save(folder, parts)


@seeded
def kandinsky22(folder: Path, dim: int = DIM) -> Path:
    """A Kandinsky 2.2 decoder of latents (n, dim) in the layout of its repository; makes 32×32 pixels."""
    from diffusers import DDPMScheduler, UNet2DConditionModel, VQModel

    unet = UNet2DConditionModel(
        sample_size=SIDE // 2,
        in_channels=4,
        out_channels=8,  # noise, and the variance that a learned range wants
        block_out_channels=(16, 32),
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        layers_per_block=1,
        norm_num_groups=8,
        attention_head_dim=4,
        cross_attention_dim=32,
        encoder_hid_dim=dim,
        encoder_hid_dim_type="image_proj",
        addition_embed_type="image",
        resnet_time_scale_shift="scale_shift",
    )
    movq = VQModel(
        block_out_channels=(32, 32),  # the spatial norm has 32 groups whatever is asked for
        down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=4,
        num_vq_embeddings=12,
        vq_embed_dim=4,
        norm_num_groups=8,
        norm_type="spatial",
        sample_size=SIDE,
    )
    # Its maker predicts noise; with random weights that doubles any rounding error at each step, which velocity
    # does not, so that 20 steps give the same picture on every machine.
    scheduler = DDPMScheduler(
        prediction_type="v_prediction",
        beta_start=0.00085,
        beta_end=0.012,
        variance_type="learned_range",
        clip_sample=False,
        thresholding=True,
        sample_max_value=2.0,
    )
    return _save(folder, {"unet": unet, "movq": movq, "scheduler": scheduler})


def _save(folder: Path, parts: dict) -> Path:
    for name, part in parts.items():
        part.save_pretrained(folder / name)
    write_json(folder / "smicnb.json", STAND_IN)
    return folder


@seeded
def open_clip_weights(folder: Path) -> Path:
    """A weights file for open_clip's ViT-S-32-alt: `open_clip:ViT-S-32-alt/FILE` names the encoder."""
    import open_clip
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    weights = open_clip.create_model(OPEN_CLIP, pretrained=None).half().state_dict()
    path = folder / "random-weights.safetensors"  # the encoder's name holds it, so that every caption says so
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, path)
    write_json(folder / "smicnb.json", STAND_IN)
    return path


@seeded
def blip(folder: Path) -> Path:
    """An image captioner (BLIP) with a vocabulary of a few words."""
    from transformers import (
        BertTokenizer,
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessor,
        BlipProcessor,
    )

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]"]
    entries = [*special, "a", "of", "the", "picture", "photo", "on", "in", "under", *CLASSES]
    vocabulary = {word: index for index, word in enumerate(entries)}
    tokenizer = BertTokenizer(vocab=vocabulary, model_max_length=32, extra_special_tokens=["[DEC]"])
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    ids = {"pad_token_id": 0, "bos_token_id": 5, "eos_token_id": 3, "sep_token_id": 3}
    text = {**size, **ids, "vocab_size": len(entries), "max_position_embeddings": 32, "encoder_hidden_size": 32}
    # The usual small initial weights would make every image's caption the same.
    config = BlipConfig(
        text_config={**text, "initializer_range": 0.5},
        vision_config={**size, "image_size": SIDE, "patch_size": 8, "initializer_range": 0.3},
        projection_dim=32,
        image_text_hidden_size=32,
    )
    model = BlipForConditionalGeneration(config).eval()
    images = BlipImageProcessor(size={"height": SIDE, "width": SIDE})
    return _save_model(folder, model, BlipProcessor(images, tokenizer))


@seeded
def segformer(folder: Path) -> Path:
    """A semantic segmenter (SegFormer) of eight classes."""
    from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessor

    config = SegformerConfig(
        hidden_sizes=(8, 8, 16, 16),
        depths=(1, 1, 1, 1),
        num_attention_heads=(1, 1, 2, 2),
        decoder_hidden_size=16,
        initializer_range=0.3,
        id2label=dict(enumerate(CLASSES)),
        label2id={name: index for index, name in enumerate(CLASSES)},
    )
    model = SegformerForSemanticSegmentation(config).eval()
    return _save_model(folder, model, SegformerImageProcessor(size={"height": 64, "width": 64}))


@seeded
def clip_iqa(folder: Path) -> Path:
    """A CLIP in transformers' layout, as torchmetrics' CLIP-IQA takes it."""
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor

    vision = {**_text_settings(32), "image_size": SIDE, "patch_size": 8, "initializer_factor": 4.0}
    vision = {name: value for name, value in vision.items() if not name.endswith("token_id") and name != "vocab_size"}
    vision.pop("max_position_embeddings")
    text = {**_text_settings(32), "initializer_factor": 4.0}
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=32)).eval()
    images = CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    return _save_model(folder, model, CLIPProcessor(images, _clip_tokenizer()))


def _save_model(folder: Path, model, processor) -> Path:
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    write_json(folder / "smicnb.json", STAND_IN)
    return folder


def build(folder: Path) -> None:
    """All of them."""
    stable_unclip(folder / "stable-unclip")
    kandinsky22(folder / "kandinsky22")
    open_clip_weights(folder / "open_clip")
    blip(folder / "blip")
    segformer(folder / "segformer")
    clip_iqa(folder / "clip-iqa")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/tiny_models.py FOLDER")
    build(Path(sys.argv[1]))
