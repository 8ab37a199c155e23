"""A named list of plain words for things and scenes, and which of them the embedded collection shows."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any


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


def list_words(
    scenes: Iterable[str], vocabulary: Iterable[str]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]] | None:
    """What scenes of the embedded collection show, found by looking at the photographs.

    Args:
        scenes: names of scenes (`Item.scene`).
        vocabulary: the words that count.

    Returns:
        (words, for each scene those of them that it shows), in the vocabulary's order and without the words
        that are true only in some reading (a palace? a bay?); None where a scene is of another collection, of
        which nobody has listed the words.
    """
    stored = embedded_scenes()
    shown = {scene["scene"]: set(scene["words"]) for scene in stored["scenes"]}
    scenes = list(scenes)
    if any(scene not in shown for scene in scenes):
        return None
    sure = tuple(word for word in vocabulary if word not in stored["doubtful"])
    return sure, [tuple(word for word in sure if word in shown[scene]) for scene in scenes]


@cache
def embedded_scenes() -> dict[str, Any]:
    """The embedded collection's scenes with their files and words, as they are stored."""
    return _read("embedded_scenes.json")


def _read(name: str) -> dict[str, Any]:
    return json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
