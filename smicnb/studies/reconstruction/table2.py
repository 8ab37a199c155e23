"""Table II of SMIC: the printed values beside what was measured on the files of the three operating points."""

import pandas as pd

from smicnb.codec.published import TABLE_2
from smicnb.codec.rate import POINTS
from smicnb.studies.reconstruction.table1 import TITLES

PRINTED = ("CC", "CSS", "BSS")
ROWS = {**{model: model for model in POINTS}, "no codec": "single item"}  # our name -> the paper's row
NAMES = {"no codec": "no codec (as published: single item [21])"}


def table2(summary: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """One row per model: as published, then bits and every metric with its interval, for both splits.

    Args:
        summary: `point_files.summarise`'s; "no codec" stands for latents that were not coded.
        rates: `point_files.file_rates`' table.
    """
    metrics = [metric for metric in TITLES if metric in set(summary["metric"])]
    coded = rates[rates["coding"] == "entropy"].set_index(["model", "split"])
    rows = []
    for model, published in ROWS.items():
        row = {"model": NAMES.get(model, model)}
        printed = dict(zip(PRINTED, TABLE_2[published], strict=True))
        row |= {f"{name} as published": value for name, value in printed.items()}
        for split, word in (("train", "collection"), ("heldout", "held-out")):
            bits = coded.loc[(model, split), ["payload_bits", "index_bits"]].sum() if model in POINTS else float("nan")
            row[f"bits per image, {word}"] = bits
            for metric in metrics:
                wanted = {"model": model, "split": split, "metric": metric}
                cell = summary[(summary[list(wanted)] == pd.Series(wanted)).all(axis=1)].iloc[0]
                row[f"{TITLES[metric]}, {word}"] = f"{cell['mean']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]"
        rows.append(row)
    return pd.DataFrame(rows)
