"""The published TACO weights under our names; only names and shapes of the tensors are known of their file."""

from pathlib import Path

from torch import Tensor

from smicnb.learned.authors import foreign
from smicnb.learned.networks.taco import FULL, Taco

# The layers of g_a in the order in which the authors number them.
_ANALYSIS = (
    *(f"fine.{position}" for position in range(8)),
    "inject_fine",
    *(f"middle.{position}" for position in range(5)),
    "extract",
    "inject_coarse",
    *(f"coarse.{position}" for position in range(2)),
)
_FUSIONS = {
    "channel": "channel_context.{}.fushion",
    "anchors": "entropy_parameters_anchor.{}.fusion",
    "others": "entropy_parameters_nonanchor.{}.fusion",
}
_PLACES = {
    # The one layer whose name depends on where it is stands before its surroundings.
    "g_a.extract.project": f"g_a.analysis_transform.{_ANALYSIS.index('extract')}.image_feature_dim_proj",
    **{f"g_a.{part}": f"g_a.analysis_transform.{number}" for number, part in enumerate(_ANALYSIS)},
    "g_s": "g_s.synthesis_transform",
    "h_a": "h_a.reduction",
    "context.h_s": "h_s.increase",
    "context.local": "local_context",
    **{
        f"context.{ours}.{group}": theirs.format(group)
        for ours, theirs in _FUSIONS.items()
        for group in range(len(FULL.groups))
    },
    "prior": "entropy_bottleneck",
    "gaussian": "gaussian_conditional",
}
_PARTS = {
    "conv1": "branch.0",
    "conv2": "branch.2",
    "conv3": "branch.4",
    "project": "text_feature_dim_proj",
    "norm_image": "image_norm",
    "norm_text": "text_norm",
    "attention": "cross_attn",
}


def from_authors(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dictionary of the authors' TACO (effl-lab/TACO) as one of `Taco(FULL)`.

    Args:
        state: their parameters and buffers, all with or all without the prefix "module."; the entropy bottleneck's
            names may be those of either generation of CompressAI. Tables of the entropy coder are left out, since
            ours are recomputed.

    Returns:
        What `Taco(FULL).load_state_dict` takes; the parameters share their memory with `state`.

    Raises:
        SmicnbError: unknown, doubled or missing tensors. DimensionError: tensors of other shapes.
    """
    model = Taco(FULL)
    parameters = {foreign.authors_name(name, _PLACES, _PARTS): name for name, _ in model.named_parameters()}
    buffers = {foreign.authors_name(name, _PLACES, _PARTS) for name, _ in model.named_buffers()}
    converted = model.state_dict()
    shapes = {theirs: tuple(converted[ours].shape) for theirs, ours in parameters.items()}
    needed = "the tensors of the published TACO with its text adapter"
    given = foreign.check_state(state, shapes, buffers.__contains__, "TACO", needed)
    return converted | {ours: given[theirs] for theirs, ours in parameters.items()}


def from_authors_file(path: Path) -> dict[str, Tensor]:
    """`from_authors` of a checkpoint of theirs, {"state_dict": …} by `torch.save`; nothing but tensors and plain values
    is read from it.

    Raises:
        IntegrityError: no checkpoint, or one that holds other things. SmicnbError, DimensionError: as `from_authors`.
    """
    return from_authors(foreign.read(path))
