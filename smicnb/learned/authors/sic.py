"""The published SIC weights under our names.

Of the authors' code the names and shapes of the tensors and the order of its operations are known. The order of the
position bias, of the four neighbours of a merging or division, of scales and means, and of the groups is ours, so that
nothing is permuted. The entropy parameters are one convolution in groups there and a network for each group here.
"""

from pathlib import Path

import torch
from torch import Tensor

from smicnb.base.errors import SmicnbError
from smicnb.learned.authors import foreign
from smicnb.learned.networks.sic import FULL, Sic, SicConfig

_PARTS = {"increase": "increment"}
_MLP = {"mlp.0": "mlp.fc1", "mlp.3": "mlp.fc2"}
# Buffers that tell the order in which the tensors are to be read.
_ORDERS = (".relative_position_index", "context.mask")
# Networks of the loss, which lie within the authors' model.
_LOSSES = ("lpips.", "dists.", "msssim.", "distortion.")


def _places(config: SicConfig) -> dict[str, str]:
    """Beginnings of our names and of the authors', who count the layers of each stage anew."""
    analysis, synthesis = [], []
    for stage, (down, up) in enumerate(zip(config.depths, config.depths[::-1], strict=True)):
        analysis += [f"{stage}.downsample"] if stage else []
        analysis += [f"{stage}.blocks.{block}" for block in range(down)]
        synthesis += [*(f"{stage}.blocks.{block}" for block in range(up)), f"{stage}.upsample"]
    layers = {f"g_a.stages.{number}": f"ga.layers.{layer}" for number, layer in enumerate(analysis)}
    layers |= {f"g_s.stages.{number}": f"gs.layers.{layer}" for number, layer in enumerate(synthesis)}
    return {
        **{f"{ours}.{mine}": f"{theirs}.{other}" for ours, theirs in layers.items() for mine, other in _MLP.items()},
        **layers,
        "g_a.embed": "ga.patch_embed.proj",
        "g_a.norm_embed": "ga.patch_embed.norm",
        "g_a.norm": "ga.norm",
        "g_s.pixels": "gs.outconv",
        "h_a": "ha",
        "context.h_s": "hs",
        "context.masked": "context_model.layer",
        "context.mask": "context_model.layer.mask",
        **{f"context.parameters_of.{group}": "entropy_parameters.layer" for group in range(config.levels)},
        "prior": "entropy_bottleneck",
        "gaussian": "gaussian_conditional",
    }


def from_authors(state: dict[str, Tensor], config: SicConfig = FULL) -> dict[str, Tensor]:
    """A state dictionary of the authors' SIC (ZJLiang6412/SynonymousImageCompression) as one of `Sic(config)`.

    Args:
        state: their parameters and buffers, all with or all without the prefix "module."; the entropy bottleneck's
            names may be those of either generation of CompressAI. Left out are tables of the entropy coder and the
            masks of attention, since ours are recomputed, and the networks of the loss.
        config: the size, with equal groups.

    Returns:
        What `Sic(config).load_state_dict` takes; the parameters share their memory with `state`.

    Raises:
        SmicnbError: unknown, doubled or missing tensors, or an index or mask that tells of another order than ours.
        DimensionError: tensors of other shapes.
    """
    model, places = Sic(config), _places(config)
    converted = model.state_dict()
    parameters: dict[str, list[str]] = {}
    for name, _ in model.named_parameters():
        parameters.setdefault(foreign.authors_name(name, places, _PARTS), []).append(name)
    buffers = {foreign.authors_name(name, places, _PARTS): name for name, _ in model.named_buffers()}

    def spare(name: str) -> bool:
        return name in buffers or name.startswith(_LOSSES) or name.endswith(".attn_mask")

    shapes = {
        theirs: (sum(len(converted[name]) for name in ours), *converted[ours[0]].shape[1:])
        for theirs, ours in parameters.items()
    }
    given = foreign.check_state(state, shapes, spare, "SIC", "the tensors of the published SIC")
    orders = {theirs: model.get_buffer(ours) for theirs, ours in buffers.items() if ours.endswith(_ORDERS)}
    if others := [name for name, order in orders.items() if name in given and not _equal_values(given[name], order)]:
        raise SmicnbError(f"found {foreign.list_names(others)} with another content than ours", "tensors in our order")
    for theirs, ours in parameters.items():
        converted |= zip(ours, given[theirs].split([len(converted[name]) for name in ours]), strict=True)
    return converted


def _equal_values(theirs: Tensor, ours: Tensor) -> bool:
    return torch.equal(theirs.flatten().to(ours), ours.flatten())


def from_authors_file(path: Path, config: SicConfig = FULL) -> dict[str, Tensor]:
    """`from_authors` of a checkpoint of theirs; nothing but tensors and plain values is read from it.

    Args:
        path: a file of `torch.save` with a state dictionary.
        config: the same as for `from_authors`.

    Raises:
        IntegrityError: no checkpoint, or one that holds other things. SmicnbError, DimensionError: as `from_authors`.
    """
    return from_authors(foreign.read(path), config)
