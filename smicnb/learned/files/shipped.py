"""The trained models that ship with the package: by name, or by the file that they have written. No torch is needed."""

import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from smicnb.base.errors import IntegrityError, MissingWeightsError
from smicnb.base.names import unknown

OWN = "file:"
META = "smicnb"  # the entry of a checkpoint's metadata that says what it is


def folder() -> Path:
    """Where what ships with the package lies."""
    return Path(str(resources.files("smicnb.learned.files"))) / "data"


@cache
def models() -> dict[str, Path]:
    """Name (RUN/RATE/SEED) -> checkpoint, of all that ship."""
    return {read_facts(path)["name"]: path for path in sorted(folder().glob("*-*.safetensors"))}


def read_facts(path: Path) -> dict[str, Any]:
    """What a checkpoint says of itself, without its weights; nothing where that cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            said = json.loads((file.metadata() or {})[META])
    except (SafetensorError, OSError, KeyError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def choose_models(prefixes: Sequence[str]) -> dict[str, Path]:
    """Name -> checkpoint of models, in the order asked for.

    Args:
        prefixes: RUN, RUN/RATE or RUN/RATE/SEED of models that ship, or "file:PATH" of one's own checkpoint.

    Raises:
        UnknownNameError: a prefix that names none. MissingWeightsError: no such file. IntegrityError: no checkpoint.
    """
    found = {}
    for prefix in prefixes:
        if prefix.startswith(OWN):
            path = Path(prefix.removeprefix(OWN)).expanduser()
            if not path.is_file():
                raise MissingWeightsError(f"found no file '{path}'", "a checkpoint", "give its path from the root")
            if "name" not in (said := read_facts(path)):
                raise IntegrityError(f"'{path.name}' does not name its model", "a checkpoint by smicnb train")
            found[said["name"]] = path
            continue
        some = {name: path for name, path in models().items() if f"{name}/".startswith(f"{prefix}/")}
        if not some:
            raise unknown("model", prefix, models())
        found |= some
    return found


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
