"""Table I of SMIC: the printed values beside what was measured here."""

import pandas as pd

from smicnb.codec.smic_paper import TABLE_1

COLUMNS = ("CC", "CSS", "BSS", "MSE-SS")
NOT_COMPUTED = COLUMNS[1:]  # they need a captioner or a segmenter


def table1(summary: pd.DataFrame) -> pd.DataFrame:
    """One row per n_a: CC, CSS, BSS, MSE-SS as published, then ours with intervals, for learned atoms.

    Args:
        summary: rows of `smicnb.compare.reconstruction.summarise`.

    Returns:
        Columns n_a (first the latent without a dictionary, [21]), "… as published" and,
        per split, "latent cosine", "image cosine (CC)" as "mean [low, high]", and empty "… ours".
    """
    ours = summary[summary["kind"].isin(["learned", "none"])]
    rows = []
    for n_atoms in sorted(ours["n_atoms"].unique()):
        printed = TABLE_1.get(int(n_atoms) or None, (None,) * len(COLUMNS))
        row = {"n_a": str(n_atoms) if n_atoms else "no dictionary ([21])"}
        row |= {f"{name} as published": value for name, value in zip(COLUMNS, printed, strict=True)}
        for split, word in (("train", "collection"), ("heldout", "held-out")):
            for metric, title in (("latent_cosine", "latent cosine"), ("image_cosine", "image cosine (CC)")):
                wanted = {"n_atoms": n_atoms, "split": split, "metric": metric}
                cell = ours[(ours[list(wanted)] == pd.Series(wanted)).all(axis=1)].iloc[0]
                row[f"{title}, {word}"] = f"{cell['mean']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]"
        row |= {f"{name} ours": None for name in NOT_COMPUTED}
        rows.append(row)
    return pd.DataFrame(rows)
