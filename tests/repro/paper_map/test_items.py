"""The map of the reproduction is complete, is what the command writes, and refuses what is not there."""

import functools
import operator
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from smicnb.base.errors import SmicnbError
from smicnb.repro.paper_map.items import COMPUTED, ITEM, STATES, load, tables
from smicnb.repro.paper_map.page import MARKS, documents, first_difference, items

ROMAN = ("I", "II", "III", "IV")
# What the papers number, counted by hand.
NUMBERED = {
    "SMIC": [f"Fig. {n}" for n in range(1, 15)] + [f"Table {n}" for n in ROMAN] + [f"Eq. {n}" for n in range(1, 16)],
    "TACO": [f"Fig. {n}" for n in (*range(1, 12), "A1", "A2", "A3", "A4")] + [f"Table {n}" for n in range(1, 5)],
    "SIC": [f"Fig. {n}" for n in range(1, 21)] + ["Table 1", "Definition 3.1", "Lemma 3.2", "Theorem 3.3"],
    "Neural Data Compression": ["Fig. 1.1", "Fig. 1.2"],
}
CLAIMS = {"SMIC": 24, "TACO": 12, "SIC": 12, "Neural Data Compression": 0}


@pytest.fixture(scope="module")
def found(repository):
    return load(repository)


def copied(repository, folder):
    """What the map is made of and written to, once more in `folder`."""
    for part in ("docs", "notebooks", "recipes"):
        shutil.copytree(repository / part, folder / part, ignore=shutil.ignore_patterns(".*"))
    for name in tables(repository):
        for source in (repository / "figures" / name).parent.glob(f"{Path(name).name}.*"):
            target = folder / source.relative_to(repository)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target) if source.suffix == ".csv" else target.symlink_to(source)
    return folder


@pytest.fixture
def copy(repository, tmp_path):
    return copied(repository, tmp_path)


@pytest.fixture(scope="module")
def rows_alone(repository, tmp_path_factory):
    """A copy of which tests change the rows alone: each test writes them anew."""
    return copied(repository, tmp_path_factory.mktemp("rows"))


def named(line):
    """The items that a line such as "Fig. 8, 10–12, Table I (CC), C1" names, apart again."""
    kinds = r"(?:Fig\. |Table |Eq\. |Definition |Lemma |Theorem |C(?=\d))"
    for chunk in re.findall(rf"{kinds}.*?(?=, {kinds}|$)", line):
        kind, numbers, part = re.fullmatch(rf"({kinds})([^()]*?)( \([^()]*\))?", chunk).groups()
        for number in numbers.split(", "):
            first, dash, last = number.partition("–")
            for one in range(int(first), int(last) + 1) if dash else [number]:
                yield f"{kind}{one}{part or ''}"


def test_the_committed_documents_are_what_the_command_writes(repository):
    for path, text in documents(repository).items():
        assert first_difference(path, text) is None


@pytest.mark.parametrize("paper", NUMBERED)
def test_every_numbered_figure_table_and_claim_has_its_row(found, paper):
    rows = [row.item for group in found.groups if group.paper == paper for row in group.rows]
    numbers = {item.partition(" (")[0] for item in rows}
    assert [item for item in NUMBERED[paper] if item not in numbers] == []
    claims = [item for item in rows if re.fullmatch(r"C\d+", item)]
    assert sorted(claims, key=lambda claim: int(claim[1:])) == [f"C{n}" for n in range(1, CLAIMS[paper] + 1)]
    figures = {item for item in numbers if item.startswith(("Fig.", "Table"))}
    assert figures <= set(NUMBERED[paper]), "a row for what the paper does not have"


def test_every_attack_has_its_number_or_says_what_is_open(found, repository):
    assert len(found.attacks) == 12
    assert all(attack.verdicts or attack.open for attack in found.attacks)
    section = (repository / "docs/reproduction.md").read_text().partition("## Attacks\n")[2].partition("\n## ")[0]
    for attack in found.attacks:
        assert attack.finding in section
        assert all(verdict.sentence in section for verdict in attack.verdicts)


def test_the_pages_links_lead_to_files(repository):
    links = re.findall(r"\]\(([^)]*)\)", (repository / "docs" / "reproduction.md").read_text())
    assert len(links) > 30
    assert [link for link in links if not (repository / "docs" / link).is_file()] == []


def test_computed_rows_name_what_holds_them(found):
    for group in found.groups:
        assert group.state in STATES
        if group.state in COMPUTED:
            assert group.notebook in group.command
            assert all(row.files for row in group.rows)


def test_items_on_one_line():
    found = ["Fig. 10", "Fig. 8", "Fig. 11", "Fig. 12", "Table I (CC)", "Table II", "C2", "C1", "Fig. A1", "Eq. 1.2"]
    line = items(found)
    assert line == "Eq. 1.2, Fig. 8, 10–12, A1, Table I (CC), Table II, C1, 2"
    assert sorted(named(line)) == sorted(found)
    assert [text for text in ("Fig 8", "Table", "C", "Fig. 8 ()", "D1") if ITEM.fullmatch(text)] == []


def command(copy, *words):
    script = shutil.copy(sys.modules["smicnb"].__path__[0] + "/../tools/write_reproduction.py", copy)
    return subprocess.run([sys.executable, script, *words], cwd=copy, capture_output=True, text=True)


def test_the_command_follows_the_tables_and_check_tells_the_first_difference(copy):
    assert command(copy, "--check").returncode == 0
    table = copy / "figures/bsds500/05_rate_model/table4_rates.csv"
    text = table.read_text()
    assert ",150,3,562," in text
    table.write_text(text.replace(",150,3,562,", ",150,3,563,"))
    before = (copy / "docs" / "reproduction.md").read_text()
    done = command(copy, "--check")
    assert done.returncode == 2
    assert "562 (as published 150)" in done.stderr
    assert "563 (as published 150)" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (copy / "docs" / "reproduction.md").read_text() == before, "--check writes nothing"
    assert command(copy).returncode == 0
    assert "563 (as published 150)" in (copy / "docs" / "reproduction.md").read_text()
    assert command(copy, "--check").returncode == 0


def results(copy):
    return documents(copy)[copy / "docs" / "results.md"]


def test_an_outcome_follows_its_table(copy):
    table = copy / "figures/bsds500/05_rate_model/table3_gain.csv"
    assert "- **Table III**, gain over single-item coding for four sizes, and n*. *agrees*" in results(copy)
    table.write_text(table.read_text().replace("low,n*,5,1,5,0,", "low,n*,5,1,6,20,"))
    assert "- **Table III**, gain over single-item coding for four sizes, and n*. *partly*" in results(copy)


GONE = object()  # as a value: its key is taken away


def at(*keys):
    """What stands in the map below these keys."""
    return lambda content: functools.reduce(operator.getitem, keys, content)


def with_item(content, item):
    return next((group, row) for group in content["groups"] for row in group["rows"] if row["item"] == item)


def group_of(item):
    return lambda content: with_item(content, item)[0]


def row_of(item):
    return lambda content: with_item(content, item)[1]


TABLE_1, FIG_8, FIG_9, TABLE_3 = group_of("Table I (CC)"), *map(row_of, ("Fig. 8", "Fig. 9", "Table III"))
DECOMPOSITION = "03_reconstruction/fig09_decomposition"
VERDICTS_READ = "what its verdicts read: ['kodak/09_sic_ablations/sic_bd_rates', 'sic_equal_terms/bd_rates', "
PLACED = "01_clip_linearity/fig04_addition"
BAD = [  # the part of the map that is changed, other values of its keys, and what is said of them
    (at("attacks", 0), {"files": ["kodak/09_sic_ablations/sic_rates"]}, VERDICTS_READ),
    (at("attacks", 0), {"answer": GONE}, "attack 1 of docs/reproduction.yaml has no 'answer'"),
    (at("groups", 0, "rows", 0), {"colour": "red"}, "unknown key of a row of"),
    (at("groups", 0), {"gist": GONE}, "has no 'gist'"),
    (at("groups", 0), {"state": "regnerated"}, "did you mean 'regenerated'"),
    (at("groups", 0), {"paper": "SMIK"}, "did you mean 'SMIC'"),
    (at("groups", 0), {"why": "one\ntwo"}, "text on one line"),
    (TABLE_1, {"notebook": "03_reconstructions"}, "did you mean '03_reconstruction'"),
    (TABLE_1, {"command": "make reproduce"}, "a command that runs it"),
    (TABLE_1, {"notebook": None, "command": None}, "has no notebook"),
    (TABLE_1, {"state": "not yet"}, "is not yet, and has the notebook"),
    (group_of("C8"), {"command": ".venv/bin/smicnb run --recipe paper --recipe papers"}, "did you mean 'paper'"),
    (FIG_9, {"files": [DECOMPOSITION, f"{DECOMPOSITION}s"]}, f"needed: figures/{DECOMPOSITION}s.csv"),
    (FIG_9, {"files": [DECOMPOSITION, "../figures/table1"]}, "a name below figures/"),
    (FIG_9, {"item": "Fig. 8"}, "the item 'SMIC Fig. 8' stands twice"),
    (FIG_9, {"item": "Figure 9"}, "no name of an item"),
    (FIG_8, {"files": []}, "names no file"),
    (FIG_8, {"why": GONE}, "has no verdict"),
    (TABLE_3, {"verdict": "gain"}, "did you mean 'gains'"),
    (TABLE_3, {"files": ["05_rate_model/table3_gain"]}, "has a verdict on 'bsds500/05_rate_model/table3_gain'"),
    (row_of("Eq. 12"), {"verdict": "audit 99"}, "verdict 'audit 99' met"),
    (row_of("C20 (cause)"), {"verdict": "gains"}, "is not obtainable and has a verdict"),
    (at("supplementary"), {PLACED: "again"}, f"supplementary names '{PLACED}', which a row of"),
    (at("supplementary"), {"lite0_minilm/worth": GONE}, "figures/lite0_minilm/worth.csv has no place in the map"),
]


@pytest.mark.parametrize(("part", "values", "message"), BAD, ids=[message for *_, message in BAD])
def test_bad_rows_are_refused(repository, rows_alone, part, values, message):
    content = yaml.safe_load((repository / "docs" / "reproduction.yaml").read_text())
    changed = part(content)
    changed |= values
    for key in [key for key in values if values[key] is GONE]:
        del changed[key]
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    (rows_alone / "docs" / "reproduction.yaml").write_text(text)
    with pytest.raises(SmicnbError) as caught:
        load(rows_alone)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_that_are_no_yaml_or_hold_a_key_twice_are_refused(copy):
    path = copy / "docs" / "reproduction.yaml"
    good = path.read_text()
    for bad, message in (
        (good.replace("  - item: Eq. 4\n", "  - item: Eq. 4\n    item: Eq. 3\n"), "'item' stands twice"),
        (good + "\t", "cannot read docs/reproduction.yaml"),
        ("- 1\n", "is no mapping"),
    ):
        path.write_text(bad)
        with pytest.raises(SmicnbError, match=message):
            load(copy)


def test_a_page_without_its_place_is_refused(copy):
    page = copy / "docs" / "results.md"
    page.write_text(page.read_text().replace(MARKS[1], ""))
    with pytest.raises(SmicnbError, match="has no place for the map"):
        documents(copy)


def test_a_table_that_git_ignores_needs_no_place(copy):
    stray = copy / "figures/bsds500/01_clip_linearity/fig04_addition.csv"
    stray.write_text("a\n1\n")
    with pytest.raises(SmicnbError, match=r"bsds500/01_clip_linearity/fig04_addition\.csv has no place"):
        load(copy)
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    (copy / ".gitignore").write_text("figures/bsds500/**/fig0[4-9]*\n")
    assert "bsds500/01_clip_linearity/fig04_addition" not in tables(copy)
    assert "bsds500/03_reconstruction/table1" in tables(copy)
    load(copy)
