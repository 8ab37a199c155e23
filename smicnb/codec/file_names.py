"""Names of photographs as a .smic file keeps them, and names of the files that images are decoded to."""

import re
from collections.abc import Sequence

from smicnb.base.names import fold_case
from smicnb.codec.format import details

LONGEST_PART = 200  # bytes of a part of a path: systems allow 255, and ".png" and a temporary file's prefix are added
MARKER = ".smicnb-decompress.json"  # what an unfinished folder of decoded images is made from


def make_portable(name: str) -> str:
    """A file's name as every system can write it: what some cannot is replaced by an underscore."""
    parts = [re.sub(r'[\x00-\x1f\x7f<>:"|?*\\]', "_", part).rstrip(". ") or "_" for part in name.split("/")]
    shortened = "/".join(parts).encode("utf-8", "replace")[-240:].decode("utf-8", "ignore").lstrip("/")
    return "/".join(
        f"_{part}" if not part or details.DEVICES.fullmatch(part) else part for part in shortened.split("/")
    )


def make_unique(names: Sequence[str]) -> list[str]:
    """Names that differ by more than their case and the composition of their letters: later ones get a number."""
    taken: set[str] = set()
    return [_take_name(name, "", taken) for name in names]


def _take_name(name: str, suffix: str, taken: set[str]) -> str:
    """The name with its suffix, or with the first number between them that is not taken; it is taken then."""
    number, candidate = 2, f"{name}{suffix}"
    while fold_case(candidate) in taken:
        candidate, number = f"{name}~{number}{suffix}", number + 1
    taken.add(fold_case(candidate))
    return candidate


def name_images(names: Sequence[str | None]) -> list[str]:
    """Where each image goes: names that a folder can hold at once, with room for what a temporary file adds."""
    width = len(str(max(1, len(names) - 1)))
    plain = [_shorten_parts(f"{place:0{width}d}" if name is None else name) for place, name in enumerate(names)]
    taken = {folder for name in plain for folder in _folders(name)}
    return [_take_name(name, ".png", taken) for name in plain]


def _shorten_parts(name: str) -> str:
    """A name of a file whose parts are short enough; what is a device when cut, or the marker, begins with _."""
    parts = [part.encode()[:LONGEST_PART].decode("utf-8", "ignore").rstrip(". ") or "_" for part in name.split("/")]
    taken = [details.DEVICES.fullmatch(part) or fold_case(part) == MARKER for part in parts]
    return "/".join(f"_{part}" if other else part for part, other in zip(parts, taken, strict=True))


def _folders(name: str) -> list[str]:
    """The folders that a file is in, the outermost first, as systems see them that take some names for one."""
    parts = fold_case(name).split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
