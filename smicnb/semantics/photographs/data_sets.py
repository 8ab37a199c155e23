"""The public data sets we can read: name, page, licence, folder layout, captions."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from smicnb.base.errors import ImageError

MADE_UP = "folders of the same layout made for the tests"


@dataclass(frozen=True)
class DataSet:
    """What is known of a data set that lies in a folder of the user's.

    Args:
        name: the name in "name:PATH".
        page: the data set's own page, or "".
        licence: terms under which its images come.
        layout: what PATH holds, in words.
        exercised: what of it this project was run on.
        parts: sub-folders of PATH that alone are searched, where any is there.
        by_stem: a scene is named by the file alone, not by the folders above it, so that splits are
            the same in every layout.
        files, sha256: number of images, and SHA-256 over the sorted hashes of their files, of the copy
            exercised, where the set is fixed.
        captions: reads the captions, by file name, from PATH.
    """

    name: str
    page: str
    licence: str
    layout: str
    exercised: str = MADE_UP
    parts: tuple[str, ...] = ()
    by_stem: bool = False
    files: int | None = None
    sha256: str | None = None
    captions: Callable[[Path], dict[str, str]] | None = None

    def scene(self, file: str) -> str:
        """The scene of a file, given by its POSIX path below PATH."""
        path = PurePosixPath(file)
        return path.stem if self.by_stem else path.with_suffix("").as_posix()


def _kodak_captions(root: Path) -> dict[str, str]:
    for folder in (root, root.absolute().parent):
        if (path := folder / "kodak_captions.json").is_file():
            captions = _json(path)
            if not isinstance(captions, dict):
                raise _misread(path)
            return {str(file): str(caption) for file, caption in captions.items()}
    return {}


def _coco_captions(root: Path) -> dict[str, str]:
    """The first caption of each image, by the captions' id."""
    first: dict[str, tuple[int, str]] = {}
    for path in sorted((root / "annotations").glob("captions_*.json")):
        stored = _json(path)
        try:
            names = {image["id"]: image["file_name"] for image in stored["images"]}
            for entry in stored["annotations"]:
                caption = (entry["id"], " ".join(entry["caption"].split()))
                name = names[entry["image_id"]]
                first[name] = min(first.get(name, caption), caption)
        except (KeyError, TypeError, AttributeError) as error:
            raise _misread(path) from error
    return {name: caption for name, (_, caption) in first.items()}


def _json(path: Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _misread(path) from error


def _misread(path: Path) -> ImageError:
    return ImageError(f"the captions in '{path}' cannot be read", "JSON in the data set's own form")


_ALL = (
    DataSet("folder", "", "the user's own", "any folder, searched recursively"),
    DataSet(
        "kodak",
        "https://r0k.us/graphics/kodak/",
        "released by Kodak for unrestricted use, as that page says",
        "kodim01.png to kodim24.png; kodak_captions.json in it or beside it gives captions",
        "the 24 PNG files, 768×512 or 512×768, with the captions published with TACO",
        by_stem=True,
        files=24,
        sha256="f97b10977f7344ea6d328ae0e59232ef493810c7ace2c3a5d4674e30dba989c0",
        captions=_kodak_captions,
    ),
    DataSet(
        "bsds500",
        "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
        "for non-commercial research and education",
        "the official tree (images/train, images/val, images/test at any depth), or all files in one folder",
        "the 500 JPEG files in one folder",
        by_stem=True,
        files=500,
        sha256="a7c539b676f71e026da52b9f319e930af90e41f0e38e3a5dd8d4b5a869511ed0",
    ),
    DataSet(
        "landscape",
        "https://github.com/mahmoudnafifi/HistoGAN",
        "none stated on that page",
        "the folder of about 4000 landscape photographs published with HistoGAN",
    ),
    DataSet(
        "coco",
        "https://cocodataset.org",
        "captions CC BY 4.0; images under the terms of their authors on Flickr",
        "train2014, val2014, train2017 or val2017 with annotations/captions_*.json",
        parts=("train2014", "val2014", "train2017", "val2017"),
        by_stem=True,
        captions=_coco_captions,
    ),
    DataSet(
        "clic",
        "https://www.compression.cc",
        "Unsplash licence for most images",
        "professional_* and mobile_* folders, or any others, of PNG files",
    ),
    DataSet(
        "div2k",
        "https://data.vision.ee.ethz.ch/cvl/DIV2K/",
        "for academic research only",
        "DIV2K_train_HR and DIV2K_valid_HR; the low-resolution folders beside them are passed over",
        parts=("DIV2K_train_HR", "DIV2K_valid_HR"),
        by_stem=True,
    ),
    DataSet(
        "openimages",
        "https://storage.googleapis.com/openimages/web/index.html",
        "images listed as CC BY 2.0, annotations CC BY 4.0",
        "train, validation and test, or one folder of JPEG files",
        parts=("train", "validation", "test"),
        by_stem=True,
    ),
)

DATA_SETS: dict[str, DataSet] = {entry.name: entry for entry in _ALL}
