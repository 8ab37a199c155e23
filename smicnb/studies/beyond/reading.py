"""What the tables of notebook 10 come to, in sentences that are made from them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from smicnb.compare.verdicts import judge_interval

BEST = "best of all rivals"


def tell_times(row: "pd.Series", stem: str = "times") -> str:
    """A ratio with the ends of its interval, where there is one, from the columns that begin with `stem`."""
    low, high = row[f"{stem}_low"], row[f"{stem}_high"]
    ends = f" [{low:.2f}, {high:.2f}]" if np.isfinite(low) else ""
    return f"{row[stem]:.2f}{ends}"


def tell_rivals(checks: pd.DataFrame, best: str = BEST) -> Iterator[str]:
    """A sentence for payload and one for each size: our bits beside those of the strongest rival, at each fidelity.

    Args:
        checks: of `measures.checks`.
        best: whose rows.
    """
    for against, own in checks[checks["against"].str.startswith(f"{best}, ")].groupby("against", sort=False):
        said = []
        for _, row in own.iterrows():
            if np.isfinite(row["times"]):
                word = judge_interval(row["times_low"] - 1, row["times_high"] - 1, "more than ours", "fewer than ours")
                told = f"{row['our_bits']:.1f} against {row['their_bits']:.1f} bits, {tell_times(row)} times: {word}"
                said.append(f"at {row['latent_cosine']:.3f} {told} ({row['strongest']})")
        yield f"{against}: {'; '.join(said)}."


def tell_sharing(worth: pd.DataFrame) -> Iterator[str]:
    """A sentence for each fidelity: what is cheapest at each size, and how many times the bits of nothing sent.

    Args:
        worth: of `sharing.worth`.
    """
    for cosine, own in worth.groupby("latent_cosine"):
        said = []
        for n, rows in own.groupby("n"):
            best = rows.loc[rows["bits"].idxmin()]
            told = "" if best["times"] == 1 else f", {tell_times(best)} times the bits of nothing sent"
            said.append(f"of {n} images {best['sent']} is cheapest{told}")
        yield f"At {cosine:.3f}, {'; '.join(said)}."
