"""Small folders of real photographs, and a command line that answers as a shell's would."""

import contextlib
import io
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

ORIENTATION = 0x0112  # the EXIF tag


def scenes(count: int) -> list[np.ndarray]:
    """The first photograph of each of `count` scenes of the embedded collection, RGB uint8."""
    from smicnb.semantics.photographs import image_collections

    first = {item.scene: item for item in reversed(image_collections.load("embedded").items)}
    return [first[scene].image() for scene in sorted(first)[:count]]


def save(image: np.ndarray, path: Path, width: int, orientation: int = 1) -> tuple[int, int]:
    """Write a photograph `width` pixels wide; returns (width, height) as a viewer shows it.

    With orientation 6 the file holds the photograph turned to its side, and says so in its EXIF data.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(image)
    picture = picture.resize((width, max(16, round(width * picture.height / picture.width))))
    size = picture.size
    if orientation == 6:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    picture.save(path, **({} if orientation == 1 else {"exif": exif}))
    return size


@contextlib.contextmanager
def own_cache(folder: Path) -> Iterator[Path]:
    """An empty cache in `folder` that still finds the fetched weights."""
    from smicnb.base.cache import cache_root

    weights = cache_root() / "weights"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        cache_root().mkdir(parents=True)
        (cache_root() / "weights").symlink_to(weights)
        yield folder


class Answer(NamedTuple):
    """What a command says."""

    status: int
    out: str
    err: str


def smicnb(*words: str | Path) -> Answer:
    """Run the command line in this process, from its arguments to its exit status."""
    from smicnb.cli import main

    out, err, argv, handler = io.StringIO(), io.StringIO(), sys.argv, signal.getsignal(signal.SIGTERM)
    sys.argv = ["smicnb", *map(os.fspath, words)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main.main()
    finally:
        sys.argv = argv
        signal.signal(signal.SIGTERM, handler)
    return Answer(ended.value.code or 0, out.getvalue(), err.getvalue())


def done(*words: str | Path) -> Answer:
    """What a command says that has to succeed."""
    answer = smicnb(*words)
    assert answer.status == 0, (words, answer.err)
    return answer


def refused(*words: str | Path) -> str:
    """What is said of a command that has to be refused, with exit status 2."""
    answer = smicnb(*words)
    assert answer.status == 2, (words, answer.out, answer.err)
    return answer.err


def commands(group: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command of the command line, groups too, as its words."""
    import typer

    from smicnb.cli import main

    group = group or typer.main.get_command(main.app)
    yield words
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name)
