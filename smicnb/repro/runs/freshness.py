"""Whether a notebook has to run again, and why: everything that it was made from, by the name people read."""

import ast
import json
import re
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from smicnb.base.cache import sha256_of
from smicnb.base.errors import MissingWeightsError, SmicnbError
from smicnb.base.files import sha256_file, sha256_json
from smicnb.repro import imports
from smicnb.repro.checkout import figures_of, root
from smicnb.repro.runs import records
from smicnb.repro.runs.jobs import Job, collection_of
from smicnb.semantics import hub_models
from smicnb.semantics.encoders import encoders
from smicnb.semantics.selection import parse
from smicnb.semantics.weights import store

NETWORKS = ("generator", "captioner", "segmenter", "quality")
# Modules that name every part there is; which of them is used, parameters and other modules say.
REGISTERS = ("semantics/weights/registry.py", "semantics/encoders/encoders.py")
REDRAWN = ("take_measured", "name_models")  # of a session: read what is committed of the data set that is named first
NOT_HERE = "not on this machine"  # in place of the hash of weights that a notebook may use
LONGEST = 40  # characters of a value in a reason
MOST = 4  # reasons on one line
KEPT = ("cells", "error", "queued", "started", "seconds", "attempts", "commit", "modified", "executed")


def inputs(job: Job) -> dict[str, str]:
    """Name -> hash (or version) of everything that decides a notebook's result.

    Raises:
        SmicnbError: a collection or model that does not exist or is not here.
    """
    notebook = json.loads(job.place.source.read_text(encoding="utf-8"))
    sources = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    sources = [source if isinstance(source, str) else "".join(source) for source in sources]
    kernel = notebook.get("metadata", {}).get("kernelspec", {}).get("name")
    code = _code(sources)
    files = imports.find_reached(code, job.place.source.parent)
    return {
        "notebook": sha256_json([kernel, sources]),  # prose and saved outputs decide nothing
        "parameters": sha256_json(job.parameters),
        **{name: sha256_of(file) for name, file in files.items()},
        **{f"lock: {name}": version for name, version in read_lock().items()},
        **{
            f"installed: {name}": here
            for name, version in read_lock().items()
            if (here := _other_version(name, version))
        },
        **_data(job, code),
        **_weights(job, files),
    }


def reasons(job: Job, now: dict[str, str] | None = None) -> list[str]:
    """Why a notebook is to run again, each in a few words; empty where its results are those of `now`, its `inputs`."""
    record = records.read(job.place.record)
    if record is None:
        return ["never run"]
    if record["state"] != "done":
        return [_describe_end(record)]
    now = inputs(job) if now is None else now
    found = _differences(record, now, job.parameters)
    if record["parameters"] == job.parameters:  # else its figures are other ones, and may lie elsewhere
        found += _list_touched(record, job.place.out)
    return found


def _describe_end(record: dict[str, Any]) -> str:
    """How a run that is not done ended: "dead in cell 4 of 9: …"."""
    error = record["error"] or {}
    cell = error.get("cell")
    where = "" if cell is None else f" in cell {cell + 1} of {len(record['cells'])}"
    return f"{record['state']}{where}{': ' if error else ''}{error.get('text', '')}"


def read_lock() -> dict[str, str]:
    """Package -> version, of the lock files; empty where there are none."""
    files = sorted(root().glob("requirements*.lock"))
    return _pins("\n".join(file.read_text(encoding="utf-8") for file in files))


@cache
def _pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\\n]+)", text, flags=re.MULTILINE))


@cache
def _installed_version(name: str) -> str | None:
    try:
        return metadata.version(name).partition("+")[0]  # what follows the plus sign is the build's name
    except metadata.PackageNotFoundError:  # of another platform, or not needed to run
        return None


def _other_version(name: str, version: str) -> str | None:
    """The installed version of a package, where it is another one than the locked one."""
    here = _installed_version(name)
    return None if here == version.partition("+")[0] else here


def _code(sources: list[str]) -> str:
    """The code of a notebook's cells, without IPython's own lines."""
    lines = [line for source in sources for line in source.splitlines()]
    return "\n".join("pass" if line.startswith(("%", "!", "?")) else line for line in lines)


def _data(job: Job, code: str) -> dict[str, str]:
    """The collection, and the committed tables of other data sets that are redrawn."""
    found, name = {}, job.parameters.get("collection")
    if name is not None:
        found["collection"] = collection_of(name).fingerprint
    for data_set, stem in find_redrawn(code):
        folder = figures_of(data_set, job.notebook)
        if folder != job.place.out and not str(name).startswith(f"{data_set}:"):
            for file in (folder / f"{stem}.csv", folder / f"{stem}.json"):
                found[file.relative_to(root()).as_posix()] = sha256_file(file) if file.is_file() else "absent"
    return found


def find_redrawn(code: str) -> list[tuple[str, str]]:
    """Data set and name of every committed table that a notebook's code asks for."""
    try:
        calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    except SyntaxError:
        return []
    found = set()
    for call in calls:
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        words = [word.value for word in call.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        if method in REDRAWN and len(words) > 1:
            found.add((words[0], words[1]))
    return sorted(found)


def _weights(job: Job, files: dict[str, Path]) -> dict[str, str]:
    """What stands for the models that parameters name, and the bytes of all weight files that are used."""
    found, parameters, dim = {}, job.parameters, None
    parts = imports.texts_of({name: file for name, file in files.items() if name not in REGISTERS}) & set(store.PARTS)
    if "encoder" in parameters:
        encoder = encoders.encoder(parameters["encoder"])
        found["weights"], dim = encoder.weights_hash, encoder.dim
    if "judge" in parameters:
        found["judge"] = encoders.image_encoder(parameters["judge"]).weights_hash
    for kind in NETWORKS:
        if kind in parameters:
            found[kind] = hub_models.weights_hash(parameters[kind], dim)
    if "models" in parameters:
        from smicnb.learned.files import shipped  # it imports torch

        found |= {
            f"model {name}": sha256_of(path) for name, path in shipped.choose_models(parameters["models"]).items()
        }
    for kind in ("encoder", "judge"):
        selection = parse(str(parameters.get(kind, "")))
        model, _, tag = selection.source.partition("/")
        parts |= {part for part in [encoders.OPEN_CLIP_PARTS.get((model, tag))] if part}
    for part in sorted(parts):
        try:
            held = store.files(part)
        except MissingWeightsError:  # it is not used, or the notebook will say so
            found[f"weights: {part}"] = NOT_HERE
            continue
        found[f"weights: {part}"] = sha256_json({file.name: sha256_of(file) for file in held if file.is_file()})
    return found


def _differences(record: dict[str, Any], now: dict[str, str], parameters: dict[str, Any]) -> list[str]:
    before, found = record["inputs"], []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if old == new or (old is None and new == NOT_HERE):
            continue
        if name == "parameters":
            found += _list_changes(record["parameters"], parameters)
        elif name.startswith("lock: "):
            found.append(f"{name} {old or 'absent'} → {new or 'absent'}")
        elif name.startswith("installed: "):
            found.append(f"{name} {new}, not as locked" if new else f"{name} as locked again")
        elif new is None:
            found.append(f"{name} no longer used")
        elif new == NOT_HERE:
            found.append(f"{name} not on this machine")
        elif old == NOT_HERE:
            found.append(f"{name} is new")
        else:
            found.append(f"{name} {'changed' if old else 'is new'}")
    return found


def _list_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    names = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    return [f"{name} {_short(old.get(name))} → {_short(new.get(name))}" for name in names] or ["parameters changed"]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _list_touched(record: dict[str, Any], out: Path) -> list[str]:
    """Files that the notebook wrote and that are no longer as written."""
    shown = out.relative_to(root()) if out.is_relative_to(root()) else out
    found = []
    for name, digest in record["outputs"].items():
        file = out / name
        if not file.is_file():
            found.append(f"{(shown / name).as_posix()} is absent")
        elif sha256_file(file) != digest:
            found.append(f"{(shown / name).as_posix()} changed")
    return found


def status_of(job: Job) -> dict[str, Any]:
    """Everything of one notebook: `state`, `stale` (reasons, empty where it is fresh), and parts of its record."""
    record = records.read(job.place.record) or {}
    try:
        stale = reasons(job)
    except SmicnbError as error:  # a model that is not here, say
        stale = [f"cannot tell: {error}"]
    kept = {name: record.get(name) for name in KEPT}
    return {
        "notebook": job.notebook,
        "recipe": job.recipe,
        "state": record.get("state", "absent"),
        "stale": stale,
        **kept,
    }


def status_line(row: dict[str, Any]) -> str:
    """One line for a person."""
    stale = row["stale"]
    more = f"; and {len(stale) - MOST} more" if len(stale) > MOST else ""
    what = f"stale: {'; '.join(stale[:MOST])}{more}" if stale else "fresh"
    about = [row["started"], row["commit"] and row["commit"][:7] + ("+" if row["modified"] else "")]
    about += [None if row["seconds"] is None else f"{row['seconds']:.0f} s"]
    about = ", ".join(each for each in about if each)
    return f"{row['notebook']}: {row['state']}, {what}{f' ({about})' if about else ''}"
