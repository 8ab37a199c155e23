"""The trained models that ship with the package: by name, or by the file that they have written."""

from functools import cache
from pathlib import Path

from smicnb.base.errors import IntegrityError
from smicnb.base.names import unknown
from smicnb.learned import checkpoints, coding


@cache
def models() -> dict[str, Path]:
    """Name (RUN/RATE/SEED) -> checkpoint, of all that ship."""
    return {checkpoints.name_of(path): path for path in sorted(checkpoints.shipped().glob("*-*.safetensors"))}


def model_path(name: str) -> Path:
    """The checkpoint of a shipped model's name, or of a path.

    Raises:
        UnknownNameError: neither.
    """
    if name in models():
        return models()[name]
    if Path(name).is_file():
        return Path(name)
    raise unknown("model", name, models())


def model_of_file(data: bytes) -> Path:
    """The shipped checkpoint that wrote a file.

    Raises:
        IntegrityError: none of them did.
    """
    for path in models().values():
        if bytes.fromhex(checkpoints.load(path).sha256)[: coding.MODEL_BYTES] == coding.model_of(data):
            return path
    raise IntegrityError(
        f"found a file of the model {coding.model_of(data).hex()}",
        "one of a model that ships",
        "name its checkpoint with --model",
    )
