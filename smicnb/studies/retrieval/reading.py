"""What the tables of notebook 11 come to, in sentences that are made from them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from smicnb.compare.verdicts import UNDECIDED
from smicnb.studies.retrieval.matched import AHEAD, BEHIND, SIZES
from smicnb.studies.retrieval.measures import FIRST, INDEX, RANDOM, RECALL

WORDS = {AHEAD: "more than it", BEHIND: "less than it", UNDECIDED: UNDECIDED}


def tell_difference(row: pd.Series) -> str:
    """A difference of recall with the ends of its interval."""
    ends = f" [{row['low']:+.3f}, {row['high']:+.3f}]" if np.isfinite(row["low"]) else ""
    return f"{row['difference']:+.3f}{ends}"


def tell_times(row: pd.Series) -> str:
    """A ratio of bits with the ends of its interval."""
    if not np.isfinite(row["times"]):
        return "a recall that ours does not reach"
    ends = f" [{row['times_low']:.2f}, {row['times_high']:.2f}]" if np.isfinite(row["times_low"]) else ""
    return f"{row['times']:.2f}{ends} times our bits for its recall"


def tell_rivals(table: pd.DataFrame, against: str) -> Iterator[str]:
    """A sentence for each size: ours for search beside one kind of coders, at all bits.

    Args:
        table: of `matched.matched`.
        against: the kind.
    """
    for size in SIZES:
        own = table[(table["size"] == size) & (table["against"] == against)]
        said = [
            f"at {row['bits']:.0f} bits {row['ours']:.3f} against {row['recall']:.3f} of {row['strongest']}, "
            f"{tell_difference(row)}, {WORDS[row['verdict']]}, {tell_times(row)}"
            for _, row in own.iterrows()
        ]
        if said:
            yield f"Ours for search beside the {against}, {size}: {'; '.join(said)}."


def tell_checks(table: pd.DataFrame) -> Iterator[str]:
    """A sentence for each row of `matched.checks`."""
    for _, row in table.iterrows():
        ends = f" [{row['low']:.3f}, {row['high']:.3f}]" if np.isfinite(row["low"]) else ""
        yield (
            f"{row['size']}, {row['bits']:.0f} bits, {row['against']}: {row['asked']}: {row['value']:.3f}{ends}, "
            f"asked {row['level']:g}: {row['verdict']}."
        )


def tell_floors(table: pd.DataFrame) -> str:
    """What recall comes to without a code.

    Args:
        table: of `measures.table`.
    """
    said = []
    for name in (INDEX, RANDOM):
        own = table[table["coder"] == name].set_index("measure")["mean"]
        said.append(f"{name} {own[RECALL]:.3f} of ten and {own[FIRST]:.3f} of the first")
    return f"Floors: {'; '.join(said)}."
