"""The map of the reproduction, read strictly: every figure, table and claim, its state and its verdict."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smicnb.base import names, yaml12
from smicnb.base.errors import SmicnbError
from smicnb.repro.paper_map.verdicts import verdict
from smicnb.studies.committed import Tables, Verdict

ROWS = "docs/reproduction.yaml"
# State -> what it means, in the order of the tables.
STATES = {
    "regenerated": "measured here on what the paper measures it on",
    "recomputed": "computed here from formulas, printed settings and counts alone: no photograph, no trained model",
    "with a stand-in": "computed here with another encoder, generator or collection: shapes compare, numbers do not",
    "needs paper profile": "the code is here; the paper's models and photographs are needed",
    "not obtained": "the code is here, and what it measures does not reach the item: nothing is drawn",
    "not yet": "no code here yet",
    "as published": "a diagram, a statement or other people's work: nothing is computed",
    "not obtainable": "something is needed that is not public",
}
COMPUTED = ("regenerated", "recomputed", "with a stand-in")
# Kinds of items, in the order in which a line names them; C is a claim.
KINDS = ("Eq. ", "Fig. ", "Table ", "Definition ", "Lemma ", "Theorem ", "C")
ITEM = re.compile(
    rf"(?P<kind>{'|'.join(map(re.escape, KINDS))})"
    r"(?P<number>[A-Z]?\d+(?:\.\d+)?|[IVX]+)(?: \((?P<part>[^()]+)\))?"
)


@dataclass(frozen=True)
class Row:
    """One item of a paper: its name ("Fig. 8", "C3"), what it is, and where it is held.

    Args:
        files: names below figures/ without suffix ("bsds500/03_reconstruction/table1"); each has a CSV and a sidecar.
        why: a remark on this row, or "".
        verdict: what `verdicts.verdict` said; None where the row has none, or its tables are not there.
    """

    item: str
    what: str
    files: tuple[str, ...]
    why: str
    verdict: Verdict | None


@dataclass(frozen=True)
class Group:
    """Rows of one paper that share a notebook, a command, a state and the reason for it; `gist` says what one gets."""

    name: str
    paper: str
    notebook: str | None
    command: str | None
    state: str
    gist: str
    why: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Attack:
    """What a referee may say against a conclusion, and what stands against it.

    Args:
        finding: the objection, in a sentence.
        answer: what was done, or why the conclusion stands.
        files: tables that `verdicts` are made of, named as in `Row`.
        verdicts: the numbers now.
        open: what is still to be done, or "".
    """

    finding: str
    answer: str
    files: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    open: str


@dataclass(frozen=True)
class Reproduction:
    """The whole map: key of a paper -> its title, the groups, supplementary tables with what they are, objections."""

    papers: dict[str, str]
    groups: tuple[Group, ...]
    supplementary: dict[str, str]
    attacks: tuple[Attack, ...]


def load(root: Path) -> Reproduction:
    """`read` the map below `root`, and see that it is complete.

    Raises:
        SmicnbError: as `read`; a table that is named and not there; and a committed one without a place.
    """
    found = read(root)
    named = [(f"{row.item}, a row of '{group.name}',", row.files) for group in found.groups for row in group.rows]
    for where, files in [*named, ("supplementary", found.supplementary)]:
        for name in files:
            for path in _list_missing(root, name):
                raise SmicnbError(f"{where} names '{name}'", path, "run its notebook, or mend the row")
    if missing := unplaced(root, found):
        raise SmicnbError(
            f"figures/{missing[0]}.csv has no place in the map", f"its name under files of a row of {ROWS}"
        )
    return found


def read(root: Path) -> Reproduction:
    """Read docs/reproduction.yaml below `root` and compute its verdicts, but for those whose tables are not there.

    Raises:
        SmicnbError: a key, state, verdict, notebook, recipe or target that is not there; an item that
            stands twice; a verdict on a table that its row does not name.
    """
    try:
        content = yaml12.read((root / ROWS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SmicnbError(f"cannot read {ROWS} ({error})") from error
    _keys(content, ROWS, {"papers": dict, "groups": list, "supplementary": dict, "attacks": list})
    for name in ("papers", "supplementary"):
        _keys(content[name], f"{name} of {ROWS}", dict.fromkeys(content[name], str))
    groups = tuple(_group(root, entry, content["papers"]) for entry in content["groups"])
    _check_unique("group", [group.name for group in groups])
    _check_unique("item", [f"{group.paper} {row.item}" for group in groups for row in group.rows])
    placed = {file for group in groups for row in group.rows for file in row.files}
    for file in content["supplementary"]:
        if _file(file, "supplementary") in placed:
            raise SmicnbError(f"supplementary names '{file}', which a row of {ROWS} has", "its name once")
    attacks = tuple(_attack(root, entry, number) for number, entry in enumerate(content["attacks"], start=1))
    return Reproduction(content["papers"], groups, content["supplementary"], attacks)


def unplaced(root: Path, found: Reproduction) -> list[str]:
    """Names of committed tables that no row of the map names."""
    placed = {file for group in found.groups for row in group.rows for file in row.files}
    return sorted(tables(root) - placed - set(found.supplementary))


def tables(root: Path) -> set[str]:
    """Names of the tables below figures/ but for those that git is told to ignore, which stay on one machine."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "--", "figures/*.csv"]
    try:
        paths = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):  # no clone: everything counts
        paths = [str(path.relative_to(root)) for path in (root / "figures").rglob("*.csv")]
    found = {Path(path).relative_to("figures").with_suffix("").as_posix() for path in paths}
    return {name for name in found if (root / "figures" / f"{name}.csv").is_file()}


def _keys(entry: Any, where: str, needed: dict[str, Any], optional: dict[str, Any] | None = None) -> None:
    """Refuse an entry that is no mapping, or has unknown, missing, empty or wrongly typed values."""
    known = {**needed, **(optional or {})}
    if not isinstance(entry, dict):
        raise SmicnbError(f"{where} is no mapping", ", ".join(known))
    for key, value in entry.items():
        kind = names.lookup(f"key of {where}", str(key), known)
        if not isinstance(value, kind) or value == "" or (isinstance(value, str) and not value.isprintable()):
            raise SmicnbError(f"'{key}' of {where} is {value!r}", "a list" if kind is list else "text on one line")
    if missing := [key for key in needed if key not in entry]:
        raise SmicnbError(f"{where} has no '{missing[0]}'", ", ".join(needed))


def _check_unique(kind: str, found: list[str]) -> None:
    for name in found:
        if found.count(name) > 1:
            raise SmicnbError(f"the {kind} '{name}' stands twice in {ROWS}", "once")


def _file(name: str, where: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]+(?:/[a-z0-9_]+)*", str(name)):
        raise SmicnbError(f"{where} names the file {name!r}", "a name below figures/ without suffix")
    return name


def _list_missing(root: Path, name: str) -> list[str]:
    """Which files of a table are not there."""
    return [path for path in (f"figures/{name}.csv", f"figures/{name}.json") if not (root / path).is_file()]


def _group(root: Path, entry: Any, papers: dict[str, str]) -> Group:
    texts = dict.fromkeys(("name", "paper", "state", "gist", "why"), str)
    nullable = dict.fromkeys(("notebook", "command"), (str, type(None)))
    _keys(entry, f"a group of {ROWS}", {**texts, **nullable, "rows": list})
    where, notebook, command = f"group '{entry['name']}'", entry["notebook"], entry["command"]
    names.lookup(f"paper of {where}", entry["paper"], papers)
    names.lookup(f"state of {where}", entry["state"], STATES)
    if notebook:
        names.lookup("notebook", notebook, {path.stem: path for path in (root / "notebooks").glob("*.ipynb")})
        if command is None or notebook not in command.split():
            raise SmicnbError(f"{where} has notebook {notebook} and command {command!r}", "a command that runs it")
    if entry["state"] in COMPUTED and not notebook:
        raise SmicnbError(f"{where} is {entry['state']} and has no notebook", "the notebook that computes it")
    if entry["state"] == "not yet" and notebook:
        raise SmicnbError(f"{where} is not yet, and has the notebook {notebook}", "another state")
    for recipe in re.findall(r"--recipe (\S+)", command or ""):
        names.lookup("recipe", recipe, {path.stem: path for path in (root / "recipes").glob("*.yaml")})
    rows = tuple(_row(root, row, entry) for row in entry["rows"])
    return Group(**{key: entry[key] for key in (*texts, *nullable)}, rows=rows)


def _row(root: Path, entry: Any, group: dict[str, Any]) -> Row:
    name = f"row of '{group['name']}'"
    _keys(entry, f"a {name}", {"item": str, "what": str}, {"files": list, "verdict": str, "why": str})
    where = f"{entry['item']}, a {name},"
    if not ITEM.fullmatch(entry["item"]):
        raise SmicnbError(f"{where} has no name of an item", "such as 'Fig. 8', 'Table I (CC)', 'Eq. 4', 'C1'")
    files = tuple(_file(file, where) for file in entry.get("files", []))
    if group["state"] in COMPUTED and not files:
        raise SmicnbError(f"{where} is {group['state']} and names no file", "the tables below figures/ that hold it")
    if group["state"] in COMPUTED and not {"verdict", "why"} & set(entry):
        raise SmicnbError(f"{where} has no verdict", "the name of one, or the reason why there is none under 'why'")
    found = None
    if "verdict" in entry:
        if group["state"] not in COMPUTED:
            raise SmicnbError(f"{where} is {group['state']} and has a verdict", "no verdict, or another state")
        found = _judge(root, entry["verdict"], files, where)
    return Row(entry["item"], entry["what"], files, entry.get("why", ""), found)


def _judge(root: Path, name: str, files: tuple[str, ...], where: str) -> Verdict | None:
    """The verdict called `name` on some tables, or None where one of them is not there."""
    if any(_list_missing(root, file) for file in files):
        return None
    found = verdict(name, held := Tables(root / "figures"))
    if unnamed := held.read - set(files):
        raise SmicnbError(f"{where} has a verdict on '{min(unnamed)}'", "that name among its files")
    return found


def _attack(root: Path, entry: Any, number: int) -> Attack:
    where = f"attack {number} of {ROWS}"
    _keys(entry, where, {"finding": str, "answer": str}, {"files": list, "verdicts": list, "open": str})
    files = tuple(_file(file, where) for file in entry.get("files", []))
    if missing := [path for file in files for path in _list_missing(root, file)]:
        raise SmicnbError(f"{where} names a table", missing[0], "run its notebook, or mend the entry")
    held = Tables(root / "figures")
    verdicts = tuple(verdict(name, held) for name in entry.get("verdicts", []))
    if held.read != set(files):
        raise SmicnbError(f"{where} names {sorted(files)}", f"what its verdicts read: {sorted(held.read)}")
    return Attack(entry["finding"], entry["answer"], files, verdicts, entry.get("open", ""))
