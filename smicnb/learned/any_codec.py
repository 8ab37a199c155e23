"""Any checkpoint of a learned codec as a codec."""

from pathlib import Path

from smicnb.learned.files.shipped import said_by
from smicnb.learned.files.sic_codec import SicCodec
from smicnb.learned.files.taco_codec import TacoCodec


def open_codec(path: Path, device: str = "cpu") -> TacoCodec | SicCodec:
    """The codec of a checkpoint.

    Args:
        path: of the file.
        device: a torch device name.

    Raises:
        MissingWeightsError, IntegrityError, SmicnbError: as `checkpoints.load`.
    """
    return (SicCodec if said_by(path).get("codec") == "sic" else TacoCodec)(path, device)
