"""Named collections of photographs: items in a fixed hashed order, split by scene, never by view."""

import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from smicnb.base.errors import ImageError, IntegrityError
from smicnb.base.files import sha256_file, sha256_json
from smicnb.base.names import fold_case, unknown
from smicnb.semantics.photographs.data_sets import DATA_SETS, DataSet
from smicnb.semantics.photographs.folders import Look, list_images
from smicnb.semantics.photographs.images import RULES, box_of, describe, frame, read_image
from smicnb.semantics.photographs.views import EMBEDDED_VIEWS, WHOLE, View
from smicnb.semantics.photographs.words import WordList, embedded_scenes, words
from smicnb.semantics.weights import store

__all__ = ["SPLITS", "Collection", "Item", "View", "WordList", "load", "words"]

SPLITS = ("train", "heldout", "gallery")  # 50 %, 20 % and 30 % of the scenes
VIEWS_PER_SCENE = len(EMBEDDED_VIEWS)


@dataclass(frozen=True)
class Item:
    """One view of one photograph.

    Args:
        id: unique in its collection, stable, free of the machine's paths.
        scene: what is photographed; all its views are on one side of a split.
        split: "train", "heldout" or "gallery".
        caption: a sentence about the photograph, where the data set has one.
        content_hash: SHA-256 of the file's bytes and the view.
        path: the file.
        view: the part of it.
    """

    id: str
    scene: str
    split: str
    caption: str | None
    content_hash: str
    path: Path = field(repr=False)
    view: View = field(default=WHOLE, repr=False)

    def image(self, profiles: bool = True, side: int | None = None) -> np.ndarray:
        """Read the view: RGB uint8 H×W×3; `profiles` and `side` as in `read_image`, but that parts of photographs are
        not reduced. ImageError where the file can no longer be read.
        """
        if self.view != WHOLE:
            return self.view.cut(read_photograph(self.path, profiles, None))
        photograph = read_photograph(self.path, profiles, side)
        return frame(self.view.cut(photograph), box_of(photograph))

    @property
    def read(self) -> list[int | str]:
        """What stands for the view's pixels in a cache's key: the number of the rules of reading, and the content."""
        return read_key(self.content_hash)


@dataclass(frozen=True)
class Collection:
    """Items in a fixed order, and where they come from.

    Args:
        name: "embedded", "kodak", "folder:NAME"; a split adds "/train".
        items: images, by the hash of their scene, then as listed.
        licence, page: the data set's licence and page; the page may be "".
        skipped: reason -> number of files that were left out.
        notes: what else a reader should know, in words.
        left_out: (name, reason) of each file or folder that was skipped or passed over.
    """

    name: str
    items: tuple[Item, ...]
    licence: str
    page: str
    skipped: dict[str, int]
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    @cached_property
    def scenes(self) -> list[str]:
        """The names of the scenes, sorted."""
        return sorted({item.scene for item in self.items})

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the items' content hashes, scenes, splits and captions, in their order."""
        return sha256_json([[item.content_hash, item.scene, item.split, item.caption] for item in self.items])

    def split(self, name: str) -> "Collection":
        """The items of one split.

        Args:
            name: "train", "heldout" or "gallery".

        Raises:
            UnknownNameError: another name.
            ImageError: the collection has too few scenes for this split.
        """
        if name not in SPLITS:
            raise unknown("split", name, SPLITS)
        items = tuple(item for item in self.items if item.split == name)
        if not items:
            raise ImageError(
                f"'{self.name}' has no scene in its split '{name}' ({len(self.scenes)} in all)",
                f"at least {len(SPLITS)} scenes",
            )
        return replace(self, name=f"{self.name}/{name}", items=items)

    def summary(self) -> str:
        """One line: scenes and views, per split scenes/views, files skipped with reasons, notes."""
        parts = []
        for split, word in zip(SPLITS, ("train", "held-out", "gallery"), strict=True):
            chosen = [item.scene for item in self.items if item.split == split]
            parts.append(f"{word} {len(set(chosen))}/{len(chosen)}")
        skipped = sum(self.skipped.values())
        line = f"{self.name}: {_count(len(self.scenes), 'scene')}, {_count(len(self), 'view')}; "
        line += f"{', '.join(parts)}; {_count(skipped, 'file')} skipped"
        if skipped:
            line += f" ({describe(self.skipped)})"
        return "; ".join([line, *self.notes])


def names() -> list[str]:
    """What the name of a collection begins with: "embedded", "folder", "kodak"."""
    return ["embedded", *DATA_SETS]


def load(name: str, look: Look | None = None) -> Collection:
    """Load a collection by its name.

    Args:
        name: "embedded", or "KIND:PATH" with KIND one of "folder", "kodak", "bsds500", "landscape",
            "coco", "clic", "div2k", "openimages".
        look: reads the files of a folder, as in `list_images`; the embedded photographs need none.

    Returns:
        The collection; what was skipped is in its `skipped` and its `summary()`.

    Raises:
        UnknownNameError: no such name.
        ImageError: no such folder, or none of its files is a usable image.
        MissingWeightsError, IntegrityError: the embedded photographs are not here, or not those promised.
    """
    if name == "embedded":
        return _load_embedded()
    kind, _, path = name.partition(":")
    if kind not in DATA_SETS:
        if os.path.exists(os.path.expanduser(name)):
            raise ImageError(
                f"'{name}' is a path, not the name of a collection",
                "KIND:PATH",
                f"did you mean 'folder:{name}'?",
            )
        if _is_path(name):
            raise ImageError(f"found no folder '{name}'", "an existing folder, or the name of a collection")
        raise unknown("collection", name if kind == "embedded" else kind, names())
    if not path:
        raise ImageError(
            f"'{name}' names no folder",
            f"'{kind}:PATH'",
            f"give the folder that holds {DATA_SETS[kind].layout}",
        )
    return _load_folder(DATA_SETS[kind], Path(os.path.expanduser(path)), look)


def _is_path(name: str) -> bool:
    """Whether a text that names no collection was meant as a path: no collection's name has a separator."""
    kind, drive = name.partition(":")[0], os.path.splitdrive(name)[0]
    return name.startswith(("~", ".")) or "/" in kind or os.sep in kind or bool(drive)


def _load_folder(data_set: DataSet, root: Path, look: Look | None) -> Collection:
    listing = list_images(root, data_set.parts, look)
    captions = data_set.captions(root) if data_set.captions else {}
    by_folded = {fold_case(name): caption for name, caption in captions.items()}  # a copy may be named in other letters
    splits = assign_splits([data_set.scene(file.name) for file in listing.files])
    items = []
    for file in listing.files:
        scene = data_set.scene(file.name)
        file_name = Path(file.name).name
        caption = captions.get(file_name, by_folded.get(fold_case(file_name)))
        content = hash_content(file.sha256, WHOLE)
        items.append(Item(escape_name(file.name), scene, splits[scene], caption, content, file.path))
    notes = [f"{reason}: {count}" for reason, count in listing.notes.items()]
    if data_set.captions:
        notes.append(f"{sum(item.caption is not None for item in items)} of {len(items)} have captions")
    if data_set.sha256:
        whole = hashlib.sha256("".join(sorted(file.sha256 for file in listing.files)).encode()).hexdigest()
        if whole != data_set.sha256:
            notes.append(f"not the {data_set.files} files that {data_set.name} was exercised with")
    name = f"folder:{escape_name(root.resolve().name)}" if data_set.name == "folder" else data_set.name
    left_out = tuple((escape_name(file), reason) for file, reason in listing.left_out)
    about = (data_set.licence, data_set.page, listing.skipped, tuple(notes), left_out)
    return Collection(name, _order_items(items), *about)


def _load_embedded() -> Collection:
    scenes = embedded_scenes()["scenes"]
    splits = assign_splits([scene["scene"] for scene in scenes])
    folders = {package: PACKAGES[package]() for package in dict.fromkeys(scene["package"] for scene in scenes)}
    items = []
    for scene in scenes:
        folder = folders[scene["package"]]
        files = _thin_out(scene["files"], VIEWS_PER_SCENE)
        for index, file in enumerate(files):
            path = folder / file["name"]
            _verify(path, file["sha256"], scene["package"])
            # Views go round: photograph 0 gets views 0, n, 2n … of the scene's twelve.
            for view in EMBEDDED_VIEWS[: len(range(index, VIEWS_PER_SCENE, len(files)))]:
                name = f"{scene['scene']}/{file['name']}#{view.name}"
                split, content = splits[scene["scene"]], hash_content(file["sha256"], view)
                items.append(Item(name, scene["scene"], split, None, content, path, view))
    return Collection(
        "embedded",
        _order_items(items),
        "MIT (mvtb-data), as documented for each (scikit-image), CC BY 2.0 (scikit-learn)",
        "https://github.com/petercorke/machinevision-toolbox-python",
        {},
    )


def _load_installed(package: str, folder: str) -> Callable[[], Path]:
    def find() -> Path:
        # Found without importing it: scikit-learn takes a second, and only its files are wanted.
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ImageError(
                f"the package '{package}' is not installed",
                "its photographs, for the embedded collection",
                "install smicnb with its dependencies",
            )
        return Path(spec.submodule_search_locations[0]) / folder

    return find


PACKAGES: dict[str, Callable[[], Path]] = {
    "mvtb-data": lambda: store.resolve("mvtb-photographs"),
    "scikit-image": _load_installed("skimage", "data"),
    "scikit-learn": _load_installed("sklearn", "datasets/images"),
}


def _verify(path: Path, promised: str, package: str) -> None:
    try:
        if sha256_file(path) == promised:
            return
        found = f"'{path.name}' of {package} is not the photograph that was promised"
    except OSError:
        found = f"'{path.name}' of {package} is missing or cannot be read"
    part = package == "mvtb-data"
    do = "run 'smicnb weights fetch mvtb-photographs'" if part else f"install {package} as smicnb locks it"
    raise IntegrityError(found, f"SHA-256 {promised[:12]}…", do)


def assign_splits(scenes: Sequence[str]) -> dict[str, str]:
    """scene -> split: the scenes sorted by their hash, then cut by number."""
    ranked = sorted(set(scenes), key=_name_hash)
    train = max(1, len(ranked) // 2)
    heldout = train + min(max(1, (2 * len(ranked) + 5) // 10), len(ranked) - train)
    return {scene: SPLITS[(rank >= train) + (rank >= heldout)] for rank, scene in enumerate(ranked)}


def _order_items(items: Sequence[Item]) -> tuple[Item, ...]:
    """Items by scene, so that a photograph's views follow one another and it is decoded once."""
    return tuple(sorted(items, key=lambda item: _name_hash(item.scene)))


def _name_hash(name: str) -> str:
    # A file name may hold bytes that are no UTF-8; Python keeps them as surrogates.
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()


def escape_name(name: str) -> str:
    """A file name as it can be written anywhere: bytes that are no UTF-8 as \\xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def hash_content(file: str, view: View = WHOLE) -> str:
    """An item's content hash, from the SHA-256 of its file."""
    return sha256_json([file, *view])


def read_key(content_hash: str) -> list[int | str]:
    """What stands for the pixels of a content hash in a cache's key."""
    return [RULES[0], content_hash]


def _thin_out(files: Sequence, count: int) -> list:
    """At most `count` of `files`, the first and the last among them."""
    if len(files) <= count:
        return list(files)
    return [files[index * (len(files) - 1) // (count - 1)] for index in range(count)]


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


@lru_cache(maxsize=1)
def read_photograph(path: Path, profiles: bool, side: int | None) -> np.ndarray:
    return read_image(path, profiles, side)
