"""What docs take from the committed data: reproduction.md whole, a part of results.md and of which_codec.md."""

import itertools
from pathlib import Path

from smicnb.base.errors import SmicnbError
from smicnb.compare.verdicts import OUTCOMES
from smicnb.repro.paper_map.items import ITEM, KINDS, ROWS, STATES, Group, Reproduction, load

# Where what is written begins and ends in a document that has more.
MARKS = ("<!-- map: begin -->", "<!-- map: end -->")
TOTALS = Path("figures", "bsds500", "10_beyond_the_paper", "beyond_totals.csv")


def items(found: list[str]) -> str:
    """Names of items on one line: "Fig. 8, 10–12, Table I (CC), C1".

    A part in brackets is that of all numbers since the last kind.
    """
    matches = [ITEM.fullmatch(item) for item in found]
    chunks = []
    for kind in KINDS:
        here = [match for match in matches if match["kind"] == kind]
        for part in dict.fromkeys(match["part"] for match in here):
            numbers = [match["number"] for match in here if match["part"] == part]
            chunks.append(kind + ", ".join(_runs(numbers)) + (f" ({part})" if part else ""))
    return ", ".join(chunks)


def _runs(numbers: list[str]) -> list[str]:
    """Three or more consecutive whole numbers become a range."""
    plain = sorted(int(number) for number in numbers if number.isdigit())
    keyed = itertools.groupby(enumerate(plain), lambda pair: pair[1] - pair[0])
    runs = [[number for _, number in run] for _, run in keyed]
    shown = [f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return shown + [number for number in numbers if not number.isdigit()]


def _list_items(groups: tuple[Group, ...], paper: str, state: str) -> list[str]:
    return [row.item for group in groups for row in group.rows if (group.paper, group.state) == (paper, state)]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table; columns that are empty in every row are left out."""
    kept = [index for index in range(len(head)) if any(row[index] for row in rows)]
    lines = [[head[index] for index in kept], ["---"] * len(kept)]
    lines += [[row[index].replace("|", "\\|") or " " for index in kept] for row in rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _code(text: str | None) -> str:
    return f"`{text}`" if text else ""


def _link(root: Path, name: str) -> str:
    suffix = "md" if (root / "figures" / f"{name}.md").is_file() else "csv"
    suffix = "png" if (root / "figures" / f"{name}.png").is_file() else suffix
    label = [part for part in name.split("/") if not (root / "notebooks" / f"{part}.ipynb").is_file()]
    return f"[{'/'.join(label)}](../figures/{name}.{suffix})"


def _summary(found: Reproduction) -> list[str]:
    """How many items are in which state, and which verdict each outcome has."""
    counts = []
    for state, meaning in STATES.items():
        by_paper = [len(_list_items(found.groups, paper, state)) for paper in found.papers]
        counts.append([state, meaning, *map(str, by_paper), str(sum(by_paper))])
    lines = [*_table(["state", "meaning", *found.papers, "all"], counts), "", "## Verdicts at a glance", ""]
    for outcome in OUTCOMES:
        by_paper = {paper: [] for paper in found.papers}
        for group in found.groups:
            by_paper[group.paper] += [row.item for row in group.rows if row.verdict and row.verdict.outcome == outcome]
        here = [f"{paper} {items(of_paper)}" for paper, of_paper in by_paper.items() if of_paper]
        lines.append(f"- **{outcome}**: {'; '.join(here) or 'none'}")
    return lines


def _section(root: Path, group: Group) -> list[str]:
    """A group: its state, notebook and command, its reason, and a line for each row."""
    lines = ["", f"### {group.name}", ""]
    lines.append(" · ".join(filter(None, [f"**{group.state}**", _code(group.notebook), _code(group.command)])))
    lines += ["", f"{group.gist[0].upper()}{group.gist[1:]}. {group.why}", ""]
    rows = [
        [
            row.item,
            row.what,
            f"**{row.verdict.outcome}**: {row.verdict.sentence}" if row.verdict else "",
            row.why,
            ", ".join(_link(root, name) for name in row.files),
        ]
        for row in group.rows
    ]
    return lines + _table(["item", "what", "verdict", "remark", "held in"], rows)


def _attacks(root: Path, found: Reproduction) -> list[str]:
    """The objections, each with what was done and the numbers as the tables have them now."""
    rows = [
        [
            str(number),
            attack.finding,
            attack.answer,
            "; ".join(verdict.sentence for verdict in attack.verdicts),
            attack.open,
            ", ".join(_link(root, name) for name in attack.files),
        ]
        for number, attack in enumerate(found.attacks, start=1)
    ]
    lines = ["", "## Attacks", "", "What a referee may say against our conclusions, and what stands against it.", ""]
    return lines + _table(["", "objection", "what was done", "the number now", "still open", "held in"], rows)


def page(root: Path, found: Reproduction) -> str:
    """docs/reproduction.md: counts by state, what agrees and what does not, then every row by paper and group."""
    total = sum(len(group.rows) for group in found.groups)
    lines = [
        "# What matches the papers, what does not, and why",
        "",
        f"<!-- Made by `make map` from {ROWS} and the tables under figures/. -->",
        "",
        f"{total} figures, tables, claims (C1, C2, …, numbered by us) and equations that are used.",
        "A verdict is computed from the tables that its row links; none of its numbers is typed in.",
        "Tables under `figures/bsds500` are measured again by `make bsds500 BSDS500=PATH`, those under `figures/kodak`",
        "by `make kodak KODAK=PATH`. What another run draws of them is kept beside them and nowhere else.",
        "",
        *_summary(found),
    ]
    lines += _attacks(root, found)
    for paper, title in found.papers.items():
        lines += ["", f"## {paper}", "", f"{title}."]
        lines += [line for group in found.groups if group.paper == paper for line in _section(root, group)]
    lines += ["", "## Supplementary tables", "", "Of no paper's item:", ""]
    lines += [f"- {_link(root, name)}: {what}" for name, what in found.supplementary.items()]
    return "\n".join(lines) + "\n"


def _picture(root: Path, group: Group) -> str:
    """The group's first picture as Markdown, measured on BSDS500 or Kodak where there is one; "" if none."""
    names = [name for row in group.rows for name in row.files if (root / "figures" / f"{name}.png").is_file()]
    # Stable: otherwise in the order of the rows.
    names.sort(key=lambda name: not name.startswith(("bsds500/", "kodak/")))
    return f"![{group.name}](../figures/{names[0]}.png)" if names else ""


def judged_items(root: Path, found: Reproduction) -> str:
    """Of docs/results.md: paper by paper what was computed came to, a picture and the verdicts of each group."""
    lines = []
    for paper, title in found.papers.items():
        lines += ["", f"### {paper}", "", f"{title}."]
        for group in found.groups:
            judged = [row for row in group.rows if row.verdict]
            if group.paper != paper or not judged:
                continue
            lines += [
                "",
                f"#### {group.name}",
                "",
                f"{group.gist[0].upper()}{group.gist[1:]} ({group.state}). {group.why}",
            ]
            if picture := _picture(root, group):
                lines += ["", picture]
            lines += [
                "",
                *(f"- **{row.item}**, {row.what}. *{row.verdict.outcome}*: {row.verdict.sentence}." for row in judged),
            ]
    return "\n".join(lines[1:]) + "\n"


def cheapest_table(root: Path) -> str:
    """The table of docs/which_codec.md: the code of the fewest bits for each size of a collection, at each fidelity."""
    import pandas as pd

    totals = pd.read_csv(root / TOTALS)
    best = totals.loc[totals.groupby(["n", "fidelity"])["bits"].idxmin()]
    cells = best.set_index(["n", "fidelity"]).apply(lambda row: f"{row['coder']}: {row['bits']:.0f}", axis=1)
    fidelities = list(dict.fromkeys(totals["fidelity"]))
    rows = [[f"{n}", *(cells[n, fidelity] for fidelity in fidelities)] for n in sorted(set(totals["n"]))]
    return "\n".join(_table(["images", *fidelities], rows)) + "\n"


def documents(root: Path) -> dict[Path, str]:
    """What docs/reproduction.md, results.md and which_codec.md below `root` should hold now."""
    found, docs = load(root), root / "docs"
    parts = {docs / "results.md": judged_items(root, found), docs / "which_codec.md": cheapest_table(root)}
    return {docs / "reproduction.md": page(root, found), **{path: _between_marks(path, parts[path]) for path in parts}}


def _between_marks(path: Path, text: str) -> str:
    """A document with `text` between its marks."""
    old = path.read_text(encoding="utf-8")
    if [old.count(mark) for mark in MARKS] != [1, 1] or old.index(MARKS[0]) > old.index(MARKS[1]):
        raise SmicnbError(f"{path.name} has no place for the map", f"one line {MARKS[0]} and below it one {MARKS[1]}")
    before, rest = old.split(MARKS[0])
    return f"{before}{MARKS[0]}\n{text}{MARKS[1]}{rest.split(MARKS[1])[1]}"


def first_difference(path: Path, wanted: str) -> str | None:
    """The first line in which a file differs from `wanted`, or None where it does not."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pairs = itertools.zip_longest(lines, wanted.splitlines())
    for number, (old, new) in enumerate(pairs, start=1):
        if old != new:
            return f"{path.name}, line {number}: found {old!r}, the data say {new!r}"
    return None
