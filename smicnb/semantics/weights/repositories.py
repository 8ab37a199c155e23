"""From a source to a local folder with a model's files: a folder, a repository of the hub, or a list to try."""

import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smicnb.base.cache import sha256_of
from smicnb.base.errors import IntegrityError, MissingWeightsError, SmicnbError, reason
from smicnb.base.files import sha256_json

if TYPE_CHECKING:
    import torch

AUTO = "auto"
NOTE = "smicnb.json"  # what a folder says of itself; tools/tiny_models.py writes one
LONGEST_NOTE = 60  # characters of it that are shown
_REPOSITORY = re.compile(r"(?P<id>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>\w[\w./-]*))?", re.ASCII)
HALF = "fp16"  # how makers' file names say that numbers are in half precision
_IN_HALF = re.compile(rf"\.{HALF}[.-]")
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Located:
    """Where a model's files are.

    Args:
        folder: a folder on this machine.
        source: what a record keeps: "owner/name" of the hub, or a folder's own name without where it lies.
        revision: the commit of the hub's repository, or None for a folder.
    """

    folder: Path
    source: str
    revision: str | None = None

    @property
    def stand_in(self) -> str:
        """How the folder says that it only stands in for a model ("random weights"), or "".

        One printable line of at most 60 characters, for the folder may be anyone's.
        """
        path = self.folder / NOTE
        told = str(config(path).get("stand_in", "")) if path.is_file() else ""
        return " ".join("".join(each if each.isprintable() else " " for each in told).split())[:LONGEST_NOTE].rstrip()


@dataclass(frozen=True)
class Sources:
    """Where the models of one family can come from.

    Args:
        candidates: sources that "auto" tries, in order.
        variable: the environment variable whose source is tried before them.
        patterns: the files wanted, as `locate` takes them.
        licence: licence of every candidate, as its makers state it.
        family: the family's name on the command line.
    """

    candidates: tuple[str, ...]
    variable: str
    patterns: tuple[str, ...]
    licence: str
    family: str

    def locate(self, source: str, fetch: bool = False) -> Located:
        """`locate` with all this; no source is "auto"."""
        return locate(source or AUTO, self.candidates, self.variable, self.patterns, fetch, self.family)


def locate(
    source: str,
    candidates: Sequence[str],
    variable: str,
    patterns: Sequence[str],
    fetch: bool = False,
    family: str = "FAMILY",
) -> Located:
    """The folder that holds a model's files.

    Args:
        source: a folder, "owner/name" or "owner/name@revision" of the hub, or "auto".
        candidates: the sources that "auto" stands for, in the order in which they are tried.
        variable: the environment variable whose source "auto" tries before the candidates.
        patterns: the files wanted, as globs relative to the folder. One without a star names a file that must
            be there; of one that ends in ".safetensors" there must be at least one.
        fetch: ask the hub; without it only what is on this machine counts.
        family: the family's name on the command line.

    Raises:
        MissingWeightsError: no source has the files; it lists every one with its reason, on one line.
    """
    own = os.environ.get(variable, "").strip()
    sources = ([own] if own else []) + list(candidates) if source == AUTO else [source]
    tried = []
    for each in sources:
        try:
            return _locate(each, patterns, fetch)
        except MissingWeightsError as error:
            tried.append(f"{each} ({error.found})")
    # "auto" finds what was fetched by its name, and fetched as "auto" it would be that of one dimension only.
    wanted = next(iter(candidates), "") if source == AUTO else source
    fetched = not fetch and _REPOSITORY.fullmatch(wanted)
    raise MissingWeightsError(
        f"tried: {', '.join(tried) or 'nothing, for no source is registered'}",
        "a folder or a repository of the hub (owner/name) with safetensors weights",
        f"name one instead of '{source}'"
        + (f", or set {variable}" if source == AUTO else "")
        + (f", or fetch it with 'smicnb weights fetch {family}:{wanted}'" if fetched else ""),
    )


def weights_hash(folder: Path, patterns: Sequence[str]) -> str:
    """SHA-256 over the names and contents of the files in `folder` that match `patterns`."""
    files = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return sha256_json({path.relative_to(folder).as_posix(): sha256_of(path) for path in files})


@contextlib.contextmanager
def silence_bars() -> Iterator[None]:
    """Without transformers' bars for every part that it reads, which would fill a log."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def load(kind: type, folder: Path, label: str, **settings: Any) -> Any:
    """What `kind`, a class of diffusers or transformers, reads from a folder and from nowhere else.

    Args:
        kind: a class with `from_pretrained`, which gets `settings`.
        folder: a folder on this machine.
        label: how errors call what is in it.

    Raises:
        SmicnbError: the class cannot read it; with its reason.
    """
    try:
        with silence_bars():
            return kind.from_pretrained(str(folder), local_files_only=True, **settings)
    except Exception as error:  # the libraries raise whatever they met first: json, safetensors, torch, their own
        raise SmicnbError(
            f"{label} could not be loaded as a {kind.__name__} ({reason(error)})",
            f"the files of a {kind.__name__} that belong to its configuration",
        ) from error


def load_network(kind: type, folder: Path, label: str, **settings: Any) -> "torch.nn.Module":
    """`load` for a network, in evaluation mode and without gradients, every array of which is in the folder.

    The arrays may be in one file or in shards; those in half precision are read where there are no others.

    Raises:
        SmicnbError: as `load`; or arrays are absent or of another shape, which the libraries would replace by
            random numbers.
    """
    names = [path.name for path in folder.glob("*.safetensors")]
    variant = HALF if names and all(map(_IN_HALF.search, names)) else None
    settings |= {"use_safetensors": True, "variant": variant}
    network, report = load(kind, folder, label, output_loading_info=True, **settings)
    mismatched = [each[0] if isinstance(each, tuple) else each for each in report["mismatched_keys"]]
    wrong = sorted(map(str, [*report["missing_keys"], *mismatched]))
    if wrong:
        raise SmicnbError(
            f"the weights in {label} are of another architecture: they lack {len(wrong)} arrays that its "
            f"configuration wants, such as {wrong[0]}",
            f"the weights of the {kind.__name__} that its config.json describes",
        )
    return network.eval().requires_grad_(False)


def config(path: Path) -> dict:
    """A JSON object from a model's folder.

    Raises:
        IntegrityError: the file is absent or holds something else.
    """
    place = f"{path.parent.name}/{path.name}"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise IntegrityError(f"'{place}' cannot be read as JSON ({reason(error)})", "a JSON object") from error
    if not isinstance(value, dict):
        raise IntegrityError(f"'{place}' holds a {type(value).__name__}", "a JSON object")
    return value


def _locate(source: str, patterns: Sequence[str], fetch: bool) -> Located:
    folder = Path(source).expanduser()
    if folder.is_dir():
        located = Located(folder.resolve(), folder.resolve().name)
    else:
        repository = _REPOSITORY.fullmatch(source)
        if repository is None:
            raise MissingWeightsError("no such folder, and not a name of the hub")
        located = _fetch(repository["id"], repository["revision"], patterns, fetch)
    missing = _list_missing(located.folder, patterns)
    if missing:
        raise MissingWeightsError(f"lacks {', '.join(missing)}")
    return located


def _fetch(repository: str, revision: str | None, patterns: Sequence[str], fetch: bool) -> Located:
    import huggingface_hub

    try:
        wanted = [*patterns, NOTE]
        twice = _list_twice(repository, revision) if fetch else []
        folder = Path(
            huggingface_hub.snapshot_download(
                repository,
                revision=revision,
                allow_patterns=wanted,
                ignore_patterns=twice,
                local_files_only=not fetch,
            )
        )
    except Exception as error:  # its own, its transport's (which has changed before) and the disk's
        raise MissingWeightsError(_reason(error) if fetch else "not on this machine") from error
    if fetch:
        _discard_damaged(folder, wanted)
    return Located(folder, repository, folder.name)


def _list_twice(repository: str, revision: str | None) -> list[str]:
    """Weights in half precision that a repository has beside the same in single precision; none without the hub."""
    import huggingface_hub

    hub = huggingface_hub.HfApi()
    try:
        commit = hub.repo_info(repository, revision=revision).sha  # fails at once, a listing after a minute
        files = hub.list_repo_files(repository, revision=commit)
    except Exception:  # what was fetched before may serve; if not, it is told then
        return []
    weights = [name for name in files if name.endswith(".safetensors")]
    single = {name.rpartition("/")[0] for name in weights if not _IN_HALF.search(name)}
    return [name for name in weights if _IN_HALF.search(name) and name.rpartition("/")[0] in single]


def _discard_damaged(folder: Path, patterns: Sequence[str]) -> None:
    """Delete files whose bytes are not those that the hub names, which the client compares by length alone.

    Its cache names a large file by its SHA-256 and links to it. Where a file system has no links, nothing is known.

    Raises:
        MissingWeightsError: there was such a file; the next fetch brings it again.
    """
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
        kept = path.resolve()
        if path.is_symlink() and _SHA256.fullmatch(kept.name) and sha256_of(kept) != kept.name:
            kept.unlink()
            raise MissingWeightsError(f"what came as {path.relative_to(folder).as_posix()} was damaged: fetch it again")


def _reason(error: BaseException) -> str:
    """In a few words why the hub gave nothing; its own messages run over many lines."""
    from huggingface_hub import errors

    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    for each in chain:
        if isinstance(each, errors.HfHubHTTPError) and each.response is not None:
            status = each.response.status_code
            meaning = {401: "not found, or not for everyone", 403: "not for everyone", 404: "not found"}
            if isinstance(each, errors.GatedRepoError):
                return f"the hub answered {status}: its licence must be accepted there first"
            return f"the hub answered {status}" + (f": {meaning[status]}" if status in meaning else "")
    if any(isinstance(each, errors.OfflineModeIsEnabled) for each in chain):
        return "not on this machine, and HF_HUB_OFFLINE keeps the hub away"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return "not on this machine, and the hub cannot be reached"
    return f"fetching it failed with {type(error).__name__}"


def _list_missing(folder: Path, patterns: Sequence[str]) -> list[str]:
    required = [pattern for pattern in patterns if "*" not in pattern or pattern.endswith(".safetensors")]
    lacking = [pattern for pattern in required if not any(path.is_file() for path in folder.glob(pattern))]
    indexes = {path for pattern in patterns for path in folder.glob(pattern) if ".index." in path.name}
    return lacking + [name for path in sorted(indexes) for name in _list_missing_shards(folder, path)]


def _list_missing_shards(folder: Path, index: Path) -> list[str]:
    """The files that an index of shards names and that are not beside it."""
    shards = config(index).get("weight_map")
    if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
        raise IntegrityError(f"'{index.parent.name}/{index.name}' has no 'weight_map'", "an index of shards")
    lacking = sorted(name for name in set(shards.values()) if not (index.parent / Path(name).name).is_file())
    return [(index.parent / name).relative_to(folder).as_posix() for name in lacking]
