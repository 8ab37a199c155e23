"""Make models with random weights at the sizes that the paper profile's have: what it takes is measured on them.

`python tools/full_size_models.py FOLDER` writes open_clip (ViT-L/14), stable-unclip, kandinsky22, blip, segformer and
clip-iqa into FOLDER: architectures of the published configuration files, seeded weights in half precision, laid out as
repositories of the hub are (shards with an index, files of a variant, model_index.json). Their pictures mean nothing;
each folder says so in smicnb.json. Disk and memory are told first, and nothing is begun where they lack.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tiny_models import STAND_IN, seeded

from smicnb.base.errors import SmicnbError
from smicnb.base.files import write_json

SHARD = "1GB"  # of a UNet, which so comes in two
HALF = 2  # bytes of a number in the files; made are they in single precision
SPARE = 1.1  # of the disk: configurations, tokenizers, what a file system adds
OPEN_CLIP = "ViT-L-14"
OPEN_CLIP_FILE = "random-weights.safetensors"  # the encoder's name holds it, so that every caption says so
TEXTS = 49408  # entries of CLIP's tokenizer


def stable_unclip_networks() -> dict[str, Callable]:
    """Stable Diffusion 2.1 unCLIP for ViT-L/14: part -> what makes its network."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from diffusers.pipelines.stable_diffusion import StableUnCLIPImageNormalizer
    from transformers import CLIPTextConfig, CLIPTextModel

    text = {
        "vocab_size": TEXTS,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 23,
        "num_attention_heads": 16,
        "hidden_act": "gelu",
        "projection_dim": 512,
    }
    return {
        "unet": lambda: UNet2DConditionModel(
            sample_size=96,
            block_out_channels=(320, 640, 1280, 1280),
            cross_attention_dim=1024,
            attention_head_dim=[5, 10, 20, 20],
            use_linear_projection=True,
            class_embed_type="projection",
            projection_class_embeddings_input_dim=2 * 768,
        ),
        "vae": lambda: AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            sample_size=768,
        ),
        "text_encoder": lambda: CLIPTextModel(CLIPTextConfig(**text)),
        "image_normalizer": lambda: StableUnCLIPImageNormalizer(embedding_dim=768),
    }


def kandinsky22_networks() -> dict[str, Callable]:
    """Kandinsky 2.2's decoder for ViT-bigG/14: part -> what makes its network."""
    from diffusers import UNet2DConditionModel, VQModel

    down, up = "SimpleCrossAttnDownBlock2D", "SimpleCrossAttnUpBlock2D"
    return {
        "unet": lambda: UNet2DConditionModel(
            sample_size=64,
            in_channels=4,
            out_channels=8,
            block_out_channels=(384, 768, 1152, 1536),
            down_block_types=("ResnetDownsampleBlock2D", down, down, down),
            mid_block_type="UNetMidBlock2DSimpleCrossAttn",
            up_block_types=(up, up, up, "ResnetUpsampleBlock2D"),
            layers_per_block=3,
            cross_attention_dim=768,
            attention_head_dim=64,
            encoder_hid_dim=1280,
            encoder_hid_dim_type="image_proj",
            addition_embed_type="image",
            resnet_time_scale_shift="scale_shift",
        ),
        "movq": lambda: VQModel(
            latent_channels=4,
            vq_embed_dim=4,
            num_vq_embeddings=16384,
            block_out_channels=(128, 256, 256, 512),
            layers_per_block=2,
            norm_type="spatial",
            down_block_types=(*("DownEncoderBlock2D",) * 3, "AttnDownEncoderBlock2D"),
            up_block_types=("AttnUpDecoderBlock2D", *("UpDecoderBlock2D",) * 3),
        ),
    }


def judge_networks() -> dict[str, Callable]:
    """BLIP base, SegFormer b0 of 150 classes, and the CLIP of CLIP-IQA: family -> what makes its network."""
    from transformers import (
        BlipConfig,
        BlipForConditionalGeneration,
        CLIPConfig,
        CLIPModel,
        SegformerConfig,
        SegformerForSemanticSegmentation,
    )

    blip = BlipConfig(vision_config={"image_size": 384}, text_config={"vocab_size": 30524})
    clip = CLIPConfig(text_config={}, vision_config={"patch_size": 16})
    segformer = SegformerConfig(id2label={number: f"class {number}" for number in range(150)})
    return {
        "blip": lambda: BlipForConditionalGeneration(blip),
        "segformer": lambda: SegformerForSemanticSegmentation(segformer),
        "clip-iqa": lambda: CLIPModel(clip),
    }


@seeded
def stable_unclip(folder: Path) -> None:
    """All parts in the variant fp16, the UNet in shards."""
    from diffusers import DDPMScheduler, PNDMScheduler

    for name, make in stable_unclip_networks().items():
        network = make().half()
        if name == "image_normalizer":
            network.std.data.uniform_(0.5, 1.5)
        network.save_pretrained(folder / name, variant="fp16", max_shard_size=SHARD)
    clip_tokenizer().save_pretrained(folder / "tokenizer")
    schedule = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    PNDMScheduler(skip_prk_steps=True, steps_offset=1, prediction_type="v_prediction", **schedule).save_pretrained(
        folder / "scheduler"
    )
    DDPMScheduler(beta_schedule="squaredcos_cap_v2").save_pretrained(folder / "image_noising_scheduler")
    _finish(folder, "StableUnCLIPImg2ImgPipeline")


@seeded
def kandinsky22(folder: Path) -> None:
    """Both parts without a variant, the UNet in shards."""
    from diffusers import DDPMScheduler

    for name, make in kandinsky22_networks().items():
        make().half().save_pretrained(folder / name, max_shard_size=SHARD)
    DDPMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        variance_type="learned_range",
        clip_sample=False,
        thresholding=True,
        sample_max_value=2.0,
    ).save_pretrained(folder / "scheduler")
    _finish(folder, "KandinskyV22Pipeline")


@seeded
def open_clip_weights(folder: Path) -> None:
    """A file of weights for open_clip's ViT-L/14: `open_clip:ViT-L-14/FILE` names the encoder."""
    import open_clip
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    weights = open_clip.create_model(OPEN_CLIP, pretrained=None).half().state_dict()
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, folder / OPEN_CLIP_FILE)
    write_json(folder / "smicnb.json", STAND_IN)


@seeded
def judges(folder: Path) -> None:
    """BLIP in shards, SegFormer and CLIP-IQA in a file each."""
    from transformers import (
        BertTokenizer,
        BlipImageProcessor,
        BlipProcessor,
        CLIPImageProcessor,
        CLIPProcessor,
        SegformerImageProcessor,
    )

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]"]
    words = [*special, *(f"word{number}" for number in range(30524 - len(special)))]
    tokenizer = BertTokenizer(vocab={word: index for index, word in enumerate(words)}, extra_special_tokens=["[DEC]"])
    processors = {
        "blip": BlipProcessor(BlipImageProcessor(size={"height": 384, "width": 384}), tokenizer),
        "segformer": SegformerImageProcessor(size={"height": 512, "width": 512}),
        "clip-iqa": CLIPProcessor(CLIPImageProcessor(), clip_tokenizer()),
    }
    for name, make in judge_networks().items():
        make().half().save_pretrained(folder / name, max_shard_size="200MB")
        processors[name].save_pretrained(folder / name)
        write_json(folder / name / "smicnb.json", STAND_IN)


def clip_tokenizer():
    """CLIP's tokenizer, from the merges that open_clip brings along."""
    from open_clip.tokenizer import SimpleTokenizer
    from transformers import CLIPTokenizer

    ours = SimpleTokenizer()
    named = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    vocabulary = {named.get(entry, entry): number for entry, number in ours.encoder.items()}
    return CLIPTokenizer(vocab=vocabulary, merges=list(ours.bpe_ranks), model_max_length=77)


def _finish(folder: Path, pipeline: str) -> None:
    write_json(folder / "model_index.json", {"_class_name": pipeline})
    write_json(folder / "smicnb.json", STAND_IN)


def count_needs() -> tuple[int, int]:
    """Bytes of disk that all files take, and bytes of memory while the largest network is made."""
    import open_clip
    import torch

    with torch.device("meta"):
        makers = stable_unclip_networks(), kandinsky22_networks(), judge_networks()
        networks = [make() for made in makers for make in made.values()]
        networks.append(open_clip.create_model(OPEN_CLIP, pretrained=None, device="meta"))
    counts = [sum(array.numel() for array in network.state_dict().values()) for network in networks]
    return int(SPARE * HALF * sum(counts)), (4 + HALF) * max(counts)


def build(folder: Path) -> None:
    """All of them, one after the other.

    Raises:
        SmicnbError: the disk or the memory lacks room for them.
    """
    import psutil

    folder.mkdir(parents=True, exist_ok=True)
    disk, memory = count_needs()
    found = shutil.disk_usage(folder).free, psutil.virtual_memory().available
    told = [f"{each / 1e9:.1f} GB" for each in (disk, memory, *found)]
    print(f"full-size models: {told[0]} of disk and {told[1]} of memory, of {told[2]} and {told[3]} that are free")
    if disk > found[0] or memory > found[1]:
        raise SmicnbError(
            f"found {told[2]} of disk and {told[3]} of memory free",
            f"{told[0]} and {told[1]}",
            "make room, or leave it",
        )
    steps = {
        "open_clip": open_clip_weights,
        "stable-unclip": stable_unclip,
        "kandinsky22": kandinsky22,
        ".": judges,
    }
    for name, make in steps.items():
        print(f"full-size models: {'judges' if name == '.' else name}", flush=True)
        make(folder / name)


def main() -> None:
    """Build into the folder that is named; one line and status 2 where that cannot be."""
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/full_size_models.py FOLDER")
    try:
        build(Path(sys.argv[1]))
    except SmicnbError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main()
