"""How images are prepared for a model of open_clip's, which keeps that with the weights and not with the architecture.

A weights file brings none of it. Where all published weights of its architecture want the same images, so does the
file; where they differ, the user has to say which of them the file is like, by their tag.
"""

from typing import NamedTuple

from smicnb.base import names
from smicnb.base.errors import SmicnbError


class Preparation(NamedTuple):
    """What open_clip keeps with a tag; the defaults are its own, which are CLIP's.

    Args:
        mean, std: the channels' mean and deviation, for values in [0, 1].
        interpolation: "bicubic" or "bilinear".
        resize_mode: "shortest" (side, then the centre) or "squash" (both sides).
        quick_gelu: whether the weights were trained with the quick approximation of GELU.
    """

    mean: tuple[float, ...] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, ...] = (0.26862954, 0.26130258, 0.27577711)
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    quick_gelu: bool = False


def preparation(model: str, tag: str = "") -> Preparation:
    """What a model is given.

    Args:
        model: an architecture that open_clip knows; one without published weights is taken to be as CLIP.
        tag: name of its weights. Without one the activation is the architecture's own (ViT-L-14-quickgelu).

    Raises:
        UnknownNameError: no such tag.
        SmicnbError: no tag was given, and published weights of this architecture want different images.
    """
    import open_clip
    from open_clip.pretrained import get_pretrained_cfg

    tags = open_clip.list_pretrained_tags_by_model(model)
    if tag and tag not in tags:
        raise names.unknown(f"tag of open_clip's {model}", tag, tags)
    found: dict[Preparation, str] = {}  # and the first tag of each
    for each in [tag] if tag else tags:
        kept = get_pretrained_cfg(model, each)
        said = {name: kept[name] for name in Preparation._fields if kept.get(name) is not None}
        said = {name: tuple(value) if isinstance(value, list | tuple) else value for name, value in said.items()}
        found.setdefault(Preparation(**said)._replace(**({} if tag else {"quick_gelu": False})), each)
    if len(found) > 1:
        ways = " or ".join(f"'{each}'" for each in found.values())
        raise SmicnbError(
            f"found a file for open_clip's {model}, whose weights want images prepared as for {ways}",
            "the tag of the weights that the file is, or was trained from",
            f"say ?tag={next(reversed(found.values()))} behind its name, or another of open_clip's tags",
        )
    return next(iter(found), Preparation())
