"""Table I: the published digits as printed, ours beside them, and nothing invented for what was not computed."""

import pandas as pd
import pytest

from smicnb.codec.published import TABLE_1
from smicnb.studies.reconstruction.tables import table1

SCORES = ["CC", "CSS", "BSS", "MSE-SS"]
OURS = [
    "latent cosine, collection",
    "image cosine (CC), collection",
    "latent cosine, held-out",
    "image cosine (CC), held-out",
]


def summary(sizes, kinds=("learned", "exemplars", "pca")):
    """Cells as `summarise` gives them, of invented means that say which cell they are."""
    rows = []
    for s, split in enumerate(("train", "heldout")):
        for m, metric in enumerate(("latent_cosine", "image_cosine")):
            rows += [(split, "none", 0, metric, 0.9 + s / 100 + m / 1000)]
            rows += [
                (split, kind, size, metric, k / 10 + s / 100 + m / 1000 + size / 10000)
                for k, kind in enumerate(kinds)
                for size in sizes
            ]
    table = pd.DataFrame(rows, columns=["split", "kind", "n_atoms", "metric", "mean"])
    return table.assign(low=table["mean"] - 0.05, high=table["mean"] + 0.0504, images=12, scenes=3)


@pytest.fixture(scope="module")
def full():
    return table1(summary([2, 4, 8, 16, 32, 64, 128])).set_index("n_a")


def test_published_digits_are_the_printed_ones(full):
    printed = full[[f"{name} as published" for name in SCORES]]
    assert list(printed.loc["2"]) == ["0.806", "0.525", "0.393", "0.545"]
    assert list(printed.loc["16"]) == ["0.859", "0.680", "0.473", "0.431"]  # a number would lose the last zero
    assert list(printed.loc["128"]) == ["0.893", "0.732", "0.516", "0.382"]
    for size, row in TABLE_1.items():
        name = str(size) if size else "no dictionary ([21])"
        assert [value if isinstance(value, str) else None for value in printed.loc[name]] == list(row)


def test_without_a_dictionary_there_is_a_row_of_its_own_that_comes_first(full):
    assert list(full.index) == ["no dictionary ([21])", "2", "4", "8", "16", "32", "64", "128"]
    row = full.loc["no dictionary ([21])"]
    assert [row[f"{name} as published"] for name in SCORES[:3]] == ["0.891", "0.751", "0.512"]
    assert pd.isna(row["MSE-SS as published"])
    assert row["latent cosine, collection"] == "0.900 [0.850, 0.950]"


def test_ours_are_learned_atoms_in_the_column_of_their_split_and_metric(full):
    assert list(full.loc["8", OURS]) == [
        "0.001 [-0.049, 0.051]",
        "0.002 [-0.048, 0.052]",
        "0.011 [-0.039, 0.061]",
        "0.012 [-0.038, 0.062]",
    ]
    without_rivals = table1(summary([2, 4, 8, 16, 32, 64, 128], kinds=("learned",))).set_index("n_a")
    pd.testing.assert_frame_equal(full, without_rivals)


def test_what_was_not_computed_stays_empty(full):
    empty = [f"{name} ours" for name in SCORES[1:]]
    assert full[empty].isna().all(axis=None)
    assert "CC ours" not in full.columns  # that one was computed: the image cosine
    assert list(full.columns) == [*(f"{name} as published" for name in SCORES), *OURS, *empty]
    assert full[OURS].notna().all(axis=None)


def test_sizes_that_the_paper_has_not_got_no_published_digits():
    table = table1(summary([256, 3, 16])).set_index("n_a")
    assert list(table.index) == ["no dictionary ([21])", "3", "16", "256"]
    for size in ("3", "256"):
        assert table.loc[size, [f"{name} as published" for name in SCORES]].isna().all()
        assert table.loc[size, OURS].notna().all()
    assert table.loc["16", "CC as published"] == "0.859"


def test_the_order_of_the_cells_does_not_matter():
    cells = summary([2, 4, 8])
    pd.testing.assert_frame_equal(table1(cells), table1(cells.sample(frac=1, random_state=0)))


def test_one_scene_has_no_interval_and_says_so():
    cells = summary([2]).assign(low=float("nan"), high=float("nan"))
    assert table1(cells)["latent cosine, collection"].tolist() == ["0.900 [nan, nan]", "0.000 [nan, nan]"]
