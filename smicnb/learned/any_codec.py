"""A codec by the name of a model that ships, by a checkpoint, or by a file that a model has written."""

from pathlib import Path

from smicnb.base.errors import IntegrityError
from smicnb.learned.files import checkpoints, coding
from smicnb.learned.files.shipped import model_path, models, read_facts
from smicnb.learned.files.sic_codec import SicCodec
from smicnb.learned.files.taco_codec import TacoCodec


def open_codec(model: str | Path, device: str = "cpu") -> TacoCodec | SicCodec:
    """The codec of a model.

    Args:
        model: name of one that ships, RUN/RATE/SEED ("full/high/0"), or a checkpoint's path.
        device: a torch device name.

    Raises:
        UnknownNameError: neither. MissingWeightsError, IntegrityError, SmicnbError: as `checkpoints.load`.

    >>> import numpy as np
    >>> codec = open_codec("full/low/0")
    >>> image = np.full((64, 96, 3), 128, np.uint8)
    >>> codec.decode(codec.encode(image, "a grey wall")).shape
    (64, 96, 3)
    """
    path = model if isinstance(model, Path) else model_path(model)
    return (SicCodec if read_facts(path).get("codec") == "sic" else TacoCodec)(path, device)


def model_of_file(data: bytes) -> Path:
    """The shipped checkpoint that wrote a file.

    Raises:
        IntegrityError: none of them did, or it is no file of a learned codec.
    """
    coding.check_kind(data)
    for path in models().values():
        if bytes.fromhex(checkpoints.load(path).sha256)[: coding.MODEL_BYTES] == coding.model_of(data):
            return path
    raise IntegrityError(
        f"found a file of the model {coding.model_of(data).hex()}",
        "one of a model that ships",
        "name its checkpoint with --model",
    )
