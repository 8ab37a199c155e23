"""Tables I and II of SMIC: the printed values beside what was measured here."""

from collections.abc import Sequence

import pandas as pd

from smicnb.codec.published import TABLE_1, TABLE_2
from smicnb.codec.rate import POINTS
from smicnb.studies.readings import COLUMNS

PRINTED = ("CC", "CSS", "BSS", "MSE-SS")  # Table II has the first three
SPLITS = {"train": "collection", "heldout": "held-out"}
COSINES = {"latent_cosine": "latent cosine", "image_cosine": "image cosine (CC)"}
TITLES = COSINES | {metric: f"{metric.replace('_', ' ')} ({column})" for metric, column in COLUMNS.items()}
ROWS = {**{point: point for point in POINTS}, "no codec": "single item"}  # our name -> the paper's row
NAMES = {"no codec": "no codec (as published: single item [21])"}


def table1(summary: pd.DataFrame) -> pd.DataFrame:
    """One row per n_a: CC, CSS, BSS, MSE-SS as published, then ours with intervals, for learned atoms, of
    `measures.summarise`'s rows.

    Returns:
        Columns n_a (first the latent without a dictionary, [21]), "… as published" and, per split, each metric
        of `TITLES` that was measured, as "mean [low, high]"; for what was not, an empty "… ours".
    """
    ours = summary[summary["kind"].isin(["learned", "none"])]
    missing = [column for metric, column in COLUMNS.items() if metric not in set(ours["metric"]) and column in PRINTED]
    rows = []
    for n_atoms, cells in ours.groupby("n_atoms"):
        row = {"n_a": str(n_atoms) if n_atoms else "no dictionary ([21])"}
        row |= _show_printed(TABLE_1.get(int(n_atoms) or None, (None,) * len(PRINTED)))
        for split in SPLITS:
            row |= _show_measured(cells, split)
        rows.append(row | {f"{name} ours": None for name in missing})
    return pd.DataFrame(rows)


def table2(summary: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """One row per operating point: as published, then bits (`point_files.file_rates`' table) and every metric with its
    interval (`point_files.summarise`'s), for both splits; "no codec" stands for latents that were not coded.
    """
    coded = rates[rates["coding"] == "entropy"].set_index(["model", "split"])
    rows = []
    for point, published in ROWS.items():
        row = {"model": NAMES.get(point, point), **_show_printed(TABLE_2[published])}
        for split, word in SPLITS.items():
            bits = coded.loc[(point, split), ["payload_bits", "index_bits"]].sum() if point in POINTS else float("nan")
            row[f"bits per image, {word}"] = bits
            row |= _show_measured(summary[summary["model"] == point], split)
        rows.append(row)
    return pd.DataFrame(rows)


def _show_printed(values: Sequence) -> dict[str, object]:
    return {f"{name} as published": value for name, value in zip(PRINTED, values, strict=False)}


def _show_measured(cells: pd.DataFrame, split: str) -> dict[str, str]:
    own = cells[cells["split"] == split].set_index("metric")
    return {
        f"{title}, {SPLITS[split]}": "{mean:.3f} [{low:.3f}, {high:.3f}]".format(**own.loc[metric])
        for metric, title in TITLES.items()
        if metric in own.index
    }
