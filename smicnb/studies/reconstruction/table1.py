"""Table I of SMIC: the printed values beside what was measured here."""

import pandas as pd

from smicnb.codec.published import TABLE_1
from smicnb.studies.readings import COLUMNS as READINGS

PRINTED = ("CC", "CSS", "BSS", "MSE-SS")
COSINES = {"latent_cosine": "latent cosine", "image_cosine": "image cosine (CC)"}
TITLES = COSINES | {metric: f"{metric.replace('_', ' ')} ({column})" for metric, column in READINGS.items()}


def table1(summary: pd.DataFrame) -> pd.DataFrame:
    """One row per n_a: CC, CSS, BSS, MSE-SS as published, then ours with intervals, for learned atoms.

    Args:
        summary: rows of `smicnb.studies.reconstruction.measures.summarise`.

    Returns:
        Columns n_a (first the latent without a dictionary, [21]), "… as published" and, per split, each metric
        of `TITLES` that was measured, as "mean [low, high]"; for what was not, an empty "… ours".
    """
    ours = summary[summary["kind"].isin(["learned", "none"])]
    measured = [metric for metric in TITLES if metric in set(ours["metric"])]
    missing = [column for metric, column in READINGS.items() if metric not in measured and column in PRINTED]
    rows = []
    for n_atoms in sorted(ours["n_atoms"].unique()):
        printed = TABLE_1.get(int(n_atoms) or None, (None,) * len(PRINTED))
        row = {"n_a": str(n_atoms) if n_atoms else "no dictionary ([21])"}
        row |= {f"{name} as published": value for name, value in zip(PRINTED, printed, strict=True)}
        for split, word in (("train", "collection"), ("heldout", "held-out")):
            for metric in measured:
                wanted = {"n_atoms": n_atoms, "split": split, "metric": metric}
                cell = ours[(ours[list(wanted)] == pd.Series(wanted)).all(axis=1)].iloc[0]
                row[f"{TITLES[metric]}, {word}"] = f"{cell['mean']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]"
        rows.append(row | {f"{name} ours": None for name in missing})
    return pd.DataFrame(rows)
