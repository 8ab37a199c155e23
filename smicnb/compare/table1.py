"""Table I of SMIC: the printed values beside what was measured here."""

import pandas as pd

from smicnb.codec.published import TABLE_I

# Printed column -> our metric that we read it as; None where this profile has no way to compute one.
READINGS = {"CC": "image_cosine", "CSS": None, "BSS": None, "MSE-SS": None}


def table1(summary: pd.DataFrame) -> pd.DataFrame:
    """One row per n_a: CC, CSS, BSS, MSE-SS as published, then ours with intervals, for learned atoms.

    Args:
        summary: rows of `smicnb.compare.reconstruction.summarise`.

    Returns:
        Columns n_a (0 stands for [21], the latent not coded through a dictionary), "… as published" and,
        per split, "latent cosine", "image cosine (CC)" as "mean [low, high]", and empty "… ours".
    """
    ours = summary[summary["kind"].isin(["learned", "none"])]
    rows = []
    for n_atoms in sorted(ours["n_atoms"].unique()):
        printed = TABLE_I.get(int(n_atoms), {})
        row = {"n_a": int(n_atoms), **{f"{name} as published": printed.get(name) for name in READINGS}}
        for split, word in (("train", "collection"), ("heldout", "held-out")):
            for metric, title in (("latent_cosine", "latent cosine"), ("image_cosine", "image cosine (CC)")):
                cell = ours.query("n_atoms == @n_atoms and split == @split and metric == @metric").iloc[0]
                row[f"{title}, {word}"] = f"{cell['mean']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]"
        row |= {f"{name} ours": None for name, metric in READINGS.items() if metric is None}
        rows.append(row)
    return pd.DataFrame(rows)
