"""What TACO's notebook compares: the paper's statements, photographs no model saw, what the adapter costs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from smicnb.base import names
from smicnb.compare.images import curves
from smicnb.compare.images.ablations import Claim
from smicnb.compare.images.evaluate import ImageCodec
from smicnb.semantics.metrics import pairs
from smicnb.semantics.photographs.image_collections import Collection, Item
from smicnb.semantics.photographs.images import shrink

if TYPE_CHECKING:
    from smicnb.learned.networks.taco import TacoConfig

PIXELS = {"low": (256, 256), "high": (1792, 2688)}  # of Table 2; 1788×2641 as it is padded for coding
CAPTION_TOKENS = 77  # that CLIP's text tower is given, whatever the caption

# The paper finds the whole better than each of its parts taken away or replaced. LPIPS is trained on, so it is no
# judge of its own: DISTS and LPIPS on VGG are asked the same.
_STATEMENTS = {
    "without-adapter": "Fig. 10: the text adapter lowers the perceptual distance",
    "without-joint-loss": "Fig. 11: the joint loss lowers the perceptual distance",
    "tgic": "Fig. 9: the adapter beats TGIC's module",
    "frozen-base": "Fig. A2: training everything beats a frozen base model",
}
WHOLE = "TACO full (seed 0)"  # among codecs
_JUDGES = {"lpips": "", "lpips_vgg": ", judged by LPIPS on VGG", "dists": ", judged by DISTS"}
TINY_DB = 0.1  # what “a tiny gain” of PSNR is taken to mean: the papers' curves are not read finer
CLAIMS = (
    *(
        Claim(statement + judge, "full", worse, metric)
        for worse, statement in _STATEMENTS.items()
        for metric, judge in _JUDGES.items()
    ),
    Claim(f"Fig. 10: PSNR stays within {TINY_DB} dB of the codec without text", "full", "without-adapter", "psnr",
          TINY_DB, equal=True),
    Claim(f"Fig. 11: PSNR stays within {TINY_DB} dB of the codec without joint loss", "full", "without-joint-loss",
          "psnr", TINY_DB, equal=True),
    Claim("Fig. 9: the adapter beats TGIC's module in PSNR", "full", "tgic", "psnr"),
)  # fmt: skip


@dataclass(frozen=True)
class _Smaller(Item):
    """An item whose image is reduced so that its longer side has at most `side` pixels."""

    side: int = 0

    def image(self, profiles: bool = True, side: int | None = None) -> np.ndarray:
        """As `Item.image`, but that a file is never decoded at a reduced scale: one size gives the other."""
        image = super().image(profiles)
        return shrink(image, self.side / max(image.shape[:2]))


TRAINED_ON = ("embedded", "bsds500")  # collections of whose splits only the held-out one was not


def select_tested(collection: Collection, side: int) -> Collection:
    """The whole photographs of a collection that no shipped model was trained on, the longer side reduced to `side`
    pixels (Lanczos): its held-out split where the models saw the others, else all of it.
    """
    part = collection.split("heldout") if collection.name in TRAINED_ON else collection
    first = {item.path: item for item in reversed(part.items)}
    items = [
        _Smaller(item.id, item.scene, item.split, item.caption, f"{item.content_hash}/{side}", item.path, side=side)
        for item in part.items
        if first[item.path] is item
    ]
    return replace(part, items=tuple(items))


def compare_whole(points: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The whole codec, of every seed, beside all that are no TACO, at equal rate: `curves.compare_at_rate`'s table of
    `evaluate.points`'.
    """
    names = points["codec"].unique()
    whole = [name for name in names if name.startswith("TACO full")]
    rivals = [name for name in names if not name.startswith("TACO")]
    return curves.compare_at_rate(points, whole, rivals, ["psnr", *_JUDGES], seed)


def decode_nearest(
    items: Sequence[Item], learned: Sequence[ImageCodec], ladder: Sequence[ImageCodec]
) -> tuple[list[list[np.ndarray]], pd.DataFrame]:
    """Photographs as decoded by some codecs at one operating point each, and by the point of another codec's ladder
    that is nearest in rate to the first of them.

    Returns:
        For each image the original and what was decoded; and image, codec, setting, bpp, psnr and lpips of the latter.
    """
    pictures, table = [], []
    for item in items:
        image = item.image()
        files = {codec: codec.encode(image, item.caption) for codec in [*learned, *ladder]}
        aim = len(files[learned[0]])
        used = [*learned, min(ladder, key=lambda codec: abs(np.log(len(files[codec]) / aim)))]
        decoded = [codec.decode(files[codec]) for codec in used]
        values = pairs.psnr([image] * len(used), decoded), pairs.lpips([image] * len(used), decoded)
        for codec, psnr, lpips in zip(used, *values, strict=True):
            bpp = 8 * len(files[codec]) / (image.shape[0] * image.shape[1])
            table.append((item.id, codec.name, codec.setting, bpp, psnr, lpips))
        pictures.append([image, *decoded])
    return pictures, pd.DataFrame(table, columns=["image", "codec", "setting", "bpp", "psnr", "lpips"])


def parameters(sizes: "dict[str, TacoConfig]") -> pd.DataFrame:
    """Table 3: numbers of parameters, counted on the networks.

    Returns:
        size, backbone, adapter, text tower (of CLIP, counted; 0 for a tower that others use too), total.
    """
    import torch

    from smicnb.learned.networks.taco import Taco

    rows = []
    for size, config in sizes.items():
        with torch.device("meta"):
            network = Taco(config)
        adapter = _count(network.g_a.adapter())
        backbone = _count([network]) - adapter
        tower = _text_tower(config)[1]
        rows.append(
            {"size": size, "backbone": backbone, "adapter": adapter, "text_tower": tower,
             "total": backbone + adapter + tower}
        )  # fmt: skip
    return pd.DataFrame(rows)


def cost(sizes: "dict[str, TacoConfig]") -> pd.DataFrame:
    """Table 2 in operations: what the text adds to the encoder's networks, counted on them without running.

    Returns:
        size, pixels, without_text (10⁹ operations of g_a and h_a), adapter and text_tower (percent of these).
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from smicnb.learned.networks.taco import Taco

    rows = []
    for size, config in sizes.items():
        tower = _text_tower(config)[0]
        for height, width in PIXELS.values():
            counted = []
            for text in ("none", "adapter"):
                with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
                    network = Taco(replace(config, text=text)).eval()
                    tokens = torch.empty(1, config.max_tokens, config.text_width)
                    mask = torch.ones(1, config.max_tokens, dtype=torch.bool)
                    network.h_a(network.g_a(torch.empty(1, 3, height, width), tokens, mask))
                counted.append(counter.get_total_flops())
            plain, full = counted
            rows.append(
                {"size": size, "pixels": f"{height}×{width}", "without_text": plain / 1e9,
                 "adapter": 100 * (full / plain - 1), "text_tower": 100 * tower / plain}
            )  # fmt: skip
    return pd.DataFrame(rows)


def _count(modules: Sequence) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def _text_tower(config: "TacoConfig") -> tuple[int, int]:
    """Operations for a caption, and parameters, of the text tower that a config names."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    family, _, source = config.encoder.partition(":")
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        if family == "open_clip":
            import open_clip
            from open_clip import model as clip

            described = open_clip.get_model_config(source.partition("/")[0])
            tower = clip.CLIP(described["embed_dim"], described["vision_cfg"], described["text_cfg"])
            tower.encode_text(torch.zeros(1, CAPTION_TOKENS, dtype=torch.long))
            unused = ("visual.", "text_projection", "logit_scale")  # TACO takes the tokens' states
        elif family == "lite0-minilm":
            from transformers import BertConfig, BertModel

            from smicnb.semantics.encoders.lite0_minilm import TEXT_PART
            from smicnb.semantics.weights.store import resolve

            tower = BertModel(BertConfig.from_pretrained(resolve(TEXT_PART), local_files_only=True))
            tower(input_ids=torch.zeros(1, config.max_tokens, dtype=torch.long))
            unused = ("pooler.",)
        else:
            raise names.unknown("text tower", family, ("open_clip", "lite0-minilm"))
    kept = [value.numel() for name, value in tower.named_parameters() if not name.startswith(unused)]
    return counter.get_total_flops(), sum(kept)
