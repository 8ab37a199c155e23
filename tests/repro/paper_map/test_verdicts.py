"""Every verdict is computed from its tables: change them, and the sentence changes."""

import contextlib
import shutil

import pandas as pd
import pytest

from smicnb.base.errors import SmicnbError, UnknownNameError
from smicnb.compare.verdicts import OUTCOMES
from smicnb.repro.paper_map.verdicts import VERDICTS, verdict
from smicnb.studies.committed import Tables

OF_ONE = ("audit", "taco_part", "sic_claims")  # what they are about stands behind the name
ABOUT_ONE = ("audit 1", "audit 7d", "taco_part without-adapter", "taco_part frozen-base")
NAMES = [*(name for name in VERDICTS if name not in OF_ONE), *ABOUT_ONE]


@pytest.fixture
def figures(repository, tmp_path):
    return shutil.copytree(
        repository / "figures", tmp_path / "figures", ignore=shutil.ignore_patterns("*.png", "*.pdf", "*.json", "*.md")
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_verdict_is_one_sentence(figures, name):
    found = verdict(name, Tables(figures))
    assert found.outcome in OUTCOMES
    assert found.sentence.isprintable()
    assert "nan" not in found.sentence
    assert not found.sentence.endswith(".")


def _others(column):
    """The column with other values of the same kind."""
    if pd.api.types.is_numeric_dtype(column):
        return [column * 1.5 + 1]
    text = column.fillna("").astype(str)
    return [text.map(lambda value: value.translate(str.maketrans("123456789", "234567891"))), text.iloc[0]]


@pytest.mark.parametrize("name", NAMES)
def test_changed_numbers_change_the_sentence(figures, name):
    before = verdict(name, tables := Tables(figures))
    assert tables.read
    for table in tables.read:
        path = figures / f"{table}.csv"
        good = path.read_text()
        data = pd.read_csv(path)
        changed = any(_changes(name, figures, path, data, column, before) for column in data.columns)
        path.write_text(good)
        assert changed, f"no column of {table} matters to {name}"


def _changes(name, figures, path, data, column, before):
    """Whether other values in one column give another sentence."""
    sentences = []
    for values in _others(data[column]):
        data.assign(**{column: values}).to_csv(path, index=False)
        with contextlib.suppress(SmicnbError):  # other names of rows: nothing is said, which is no new sentence
            sentences.append(verdict(name, Tables(figures)).sentence)
    return any(sentence != before.sentence for sentence in sentences)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_without_its_columns_or_rows_is_an_error(figures, name):
    tables = Tables(figures)
    verdict(name, tables)
    for table in sorted(tables.read):
        path = figures / f"{table}.csv"
        good = path.read_text()
        for bad in ("a,b\n1,2\n", "", good.partition("\n")[0] + "\n"):
            path.write_text(bad)
            try:
                found = verdict(name, Tables(figures))
            except SmicnbError:
                continue
            pytest.fail(f"{name} made '{found.sentence}' of {bad!r}")
        path.unlink()
        with pytest.raises(SmicnbError, match="cannot read the table"):
            verdict(name, Tables(figures))
        path.write_text(good)


@pytest.mark.parametrize(
    ("name", "table", "old", "new", "outcome"),
    [
        ("gains", "bsds500/05_rate_model/table3_gain", "0.00833403,either", "0.00833403,neither", "partly"),
        ("break_even", "bsds500/05_rate_model/table4_rates", "n*,38,2,149,", "n*,149,2,149,", "partly"),
        ("coefficient_sum", "02_dictionary_atoms/fig06_learning", "19.9077", "1e9", "partly"),
        (
            "dictionary_beside_none",
            "bsds500/03_reconstruction/table1",
            '"0.567 [0.545, 0.588]"',
            '"0.667 [0.645, 0.688]"',
            "differs",
        ),
        (
            "dictionary_beside_none",
            "bsds500/03_reconstruction/table1",
            '"0.567 [0.545, 0.588]"',
            '"0.467 [0.445, 0.488]"',
            "agrees",
        ),
        (
            "fidelity_grows",
            "bsds500/03_reconstruction/table1",
            '"0.561 [0.540, 0.583]"',
            '"0.661 [0.640, 0.683]"',
            "agrees",
        ),
        ("null_law", "bsds500/05_rate_model/fig12_laws", 'P(non-null)",0,0.357894', 'P(non-null)",0,0.01', "agrees"),
        (
            "audit 1",
            "bsds500/05_rate_model/rate_contradictions",
            "contradicted: a tuple",
            "reading found: a tuple",
            "under a reading",
        ),
    ],
)
def test_outcomes_turn_with_the_tables(figures, name, table, old, new, outcome):
    path = figures / f"{table}.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert verdict(name, Tables(figures)).outcome == outcome


@pytest.mark.parametrize(
    ("verdicts", "outcome"),
    [
        (["concept ahead", "concept ahead"], "agrees"),
        (["concept ahead", "concept behind"], "partly"),
        (["undecided", "concept behind"], "differs"),
    ],
)
def test_a_sum_has_to_hold_both_images(tmp_path, verdicts, outcome):
    rows = {"operation": "add", "factor": [1.0, 2.0], "gain": [0.1, 0.3], "wins": [0.5, 0.75]}
    rows |= {"verdict": "concept ahead", "specific_verdict": verdicts}
    folder = tmp_path / "bsds500" / "01_clip_linearity"
    folder.mkdir(parents=True)
    third = pd.DataFrame(rows).assign(against="third")
    pd.concat([third, third.assign(against="random", specific_verdict="concept ahead")]).to_csv(
        folder / "linearity_wins.csv"
    )
    found = verdict("linearity", Tables(tmp_path))
    assert found.outcome == outcome
    count = verdicts.count("concept ahead")
    assert f"follows x₂ at 2 of 2 weights (50 to 75 % of pairs), both images are there at {count}" in found.sentence
    assert verdict("linearity_progressive", Tables(tmp_path)).outcome == "agrees"


@pytest.mark.parametrize(
    ("learned", "random", "left", "outcome"),
    [
        ((0.3, "holds"), (0.1, "holds"), 0.5, "agrees"),
        ((0.3, "holds"), (0.1, "holds"), 0.9, "partly"),  # the residual holds what is inside too
        ((0.3, "holds"), (0.4, "holds"), 0.5, "undecided"),  # a random subspace does it better
        ((-0.3, "reversed"), (0.1, "holds"), 0.5, "differs"),
        ((0.0, "undecided"), (-0.1, "reversed"), 0.5, "undecided"),
    ],
)
def test_separation_has_to_beat_chance_and_to_be_clean(tmp_path, learned, random, left, outcome):
    rows = [
        {"statement": "it does", "by": by, "difference": d, "low": d - 0.01, "high": d + 0.01, "verdict": word}
        for by, (d, word) in (("learned atoms", learned), ("random subspace", random))
    ]
    scores = {"part": ["residual"], "words": "inside", "rank": left, "low": left - 0.01, "shuffled": 0.5}
    folder = tmp_path / "bsds500" / "04_semantic_separation"
    folder.mkdir(parents=True)
    pd.DataFrame(rows).to_csv(folder / "separation_verdicts.csv")
    pd.DataFrame(scores).to_csv(folder / "separation_scores.csv")
    assert verdict("separation", Tables(tmp_path)).outcome == outcome


def test_unknown_verdicts_are_refused(figures):
    with pytest.raises(UnknownNameError, match="did you mean 'gains'"):
        verdict("gain", Tables(figures))
    with pytest.raises(SmicnbError, match="audit 99"):
        verdict("audit 99", Tables(figures))
