"""A named list of plain words for things and scenes, and which of them the embedded collection shows."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from smicnb.base.errors import UnknownNameError


@dataclass(frozen=True)
class WordList:
    """Words that name what a photograph shows.

    Args:
        name: names the list together with its version.
        categories: category -> words, each word once.
    """

    name: str
    categories: dict[str, tuple[str, ...]]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """All words, in the order of the file."""
        return tuple(word for words in self.categories.values() for word in words)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the words, one per line, in UTF-8: what a reader must share to use them as a prior."""
        return hashlib.sha256("\n".join(self.words).encode()).hexdigest()


@cache
def words() -> WordList:
    """The project's own word list, written for it and taken from no data set."""
    stored = _read("words.json")
    return WordList(stored["name"], {category: tuple(some) for category, some in stored["words"].items()})


def in_and_out(scenes: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words that scenes of the embedded collection show, and words that none of all its scenes shows.

    Found by looking at the photographs. Words that are true only in some reading (a palace? a bay?)
    are in neither.

    Args:
        scenes: names of scenes of the embedded collection (`Collection.scenes`).

    Returns:
        (in, out), both in the order of `words()`.

    Raises:
        UnknownNameError: a scene of another collection, of which nobody has listed the words.
    """
    stored = embedded_scenes()
    shown = {scene["scene"]: set(scene["words"]) for scene in stored["scenes"]}
    scenes = list(scenes)
    if strange := [scene for scene in scenes if scene not in shown]:
        raise UnknownNameError(f"no words are listed for scene '{strange[0]}'", "scenes of the embedded collection")
    inside = set().union(*(shown[scene] for scene in scenes))
    known = set().union(*shown.values(), stored["doubtful"])
    every = words().words
    return tuple(word for word in every if word in inside), tuple(w for w in every if w not in known)


@cache
def embedded_scenes() -> dict[str, Any]:
    """The embedded collection's scenes with their files and words, as they are stored."""
    return _read("embedded_scenes.json")


def _read(name: str) -> dict[str, Any]:
    return json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
