"""Verdicts on coders of latents: notebook 10, on held-out BSDS500 and on Kodak."""

import pandas as pd

from smicnb.compare.images import floors
from smicnb.compare.latents import smic
from smicnb.compare.verdicts import UNDECIDED, judge_interval, judge_parts
from smicnb.studies.beyond.reading import BEST, tell_times
from smicnb.studies.committed import Tables, Verdict, verdict

NOTEBOOK = "10_beyond_the_paper"
COLLECTIONS = {"bsds500": "BSDS500", "kodak": "Kodak"}
SIZES = ("payload", "n = 1000")
LARGE = 1000  # images of a collection of which the worth of sharing is told


def _checks(tables: Tables, folder: str, against: str) -> pd.DataFrame:
    """Rows of the table of ratios against one kind of coders, by rising fidelity."""
    table = tables(f"{folder}/{NOTEBOOK}/beyond_checks")
    rows = table[table["against"] == against].dropna(subset="times")
    if rows.empty:
        raise KeyError(against)
    return rows.sort_values("latent_cosine")


@verdict()
def latents_beside_rivals(tables: Tables) -> Verdict:
    """How many times our bits the best of all rivals needs, at three fidelities, in payload and at n = 1000."""
    parts, ahead = [], []
    for folder, name in COLLECTIONS.items():
        for size in SIZES:
            rows = _checks(tables, folder, f"{BEST}, {size}")
            ahead += [judge_interval(low - 1, high - 1, "yes", "no") == "yes"
                      for low, high in zip(rows["times_low"], rows["times_high"], strict=True)]  # fmt: skip
            said = ", ".join(f"{tell_times(row)} at {row['latent_cosine']:.2f}" for _, row in rows.iterrows())
            parts.append(f"{name}, {size}: {said}")
    return Verdict(judge_parts(ahead, UNDECIDED), f"bits of the best of all rivals over ours, {'; '.join(parts)}")


@verdict()
def latents_refitted(tables: Tables) -> Verdict:
    """What the paper's coder needs with range and levels searched for the cosine, over ours, beside what it needed."""
    parts = []
    for folder, name in COLLECTIONS.items():
        for coder in (smic.PAPER, smic.PAPER_REFITTED, smic.PAPER_ENTROPY, smic.ENTROPY_REFITTED):
            rows = _checks(tables, folder, f"{coder}, payload")
            said = ", ".join(f"{times:.2f} at {at:.2f}" for times, at in
                             zip(rows["times"], rows["latent_cosine"], strict=True))  # fmt: skip
            parts.append(f"{name}, {coder}: {said}")
    return Verdict("measured", f"payload over ours, {'; '.join(parts)}")


@verdict()
def sharing_alone(tables: Tables) -> Verdict:
    """What sending a mean or axes of a collection's own is worth against sending nothing, at n = 1000."""
    parts, gains = [], []
    for folder, name in COLLECTIONS.items():
        table = tables(f"{folder}/{NOTEBOOK}/beyond_sharing_sizes")
        rows = table[table["n"] == LARGE].sort_values("latent_cosine")
        gains += list(rows[["mean_times_high", "axes_times_high"]].min(axis=1) < 1)
        said = [
            f"{tell_times(row, 'mean_times')} with the mean and {row['axes_times']:.2f} with own axes at "
            f"{row['latent_cosine']:.2f}"
            for _, row in rows.iterrows()
        ]
        parts.append(f"{name}: {', '.join(said)}")
    return Verdict(
        judge_parts(gains), f"times the bits of nothing sent, collections of {LARGE} images, {'; '.join(parts)}"
    )


@verdict()
def index_of_a_gallery(tables: Tables) -> Verdict:
    """What the number of a gallery photograph keeps, which is the floor of a retrieving decoder, beside coders."""
    parts, outcomes = [], []
    for folder, name in COLLECTIONS.items():
        table = tables(f"{folder}/{NOTEBOOK}/beyond_floors")
        outcomes.append(floors.judge_floor(table))
        parts.append(f"{name} {floors.tell_briefly(table, [smic.OURS, smic.PAPER])}")
    outcome = outcomes[0] if len(set(outcomes)) == 1 else "partly"
    return Verdict(outcome, f"coders of latents at the paper's medium fidelity, {'; '.join(parts)}")
