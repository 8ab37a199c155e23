"""What the tables of notebook 10 come to, in sentences that are made from them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from smicnb.compare.images import floors
from smicnb.compare.latents import smic
from smicnb.compare.verdicts import UNDECIDED, judge_interval
from smicnb.studies.beyond.kinds import PAPERS_NAME
from smicnb.studies.sentences import NOT_TOLD, count, join, judge, name_data, tell_size, tell_value

BEST = "best of all rivals"
FEWER, MORE = "fewer", "more"
WAYS = {"mean": "its mean", "axes": "its own axes"}


def tell_times(row: "pd.Series", stem: str = "times") -> str:
    """A ratio with the ends of its interval, where there is one, from the columns that begin with `stem`."""
    return tell_value(row, stem, f"{stem}_low", f"{stem}_high", ".2f")


def judge_times(row: "pd.Series", stem: str = "times") -> str:
    """The word for a ratio of bits, by its interval: more, fewer, or not told apart."""
    word = judge_interval(row[f"{stem}_low"] - 1, row[f"{stem}_high"] - 1, MORE, FEWER)
    return word.replace(UNDECIDED, NOT_TOLD)


def tell(
    checks: pd.DataFrame, sizes: pd.DataFrame, repaid: pd.DataFrame, beside: pd.DataFrame, collection: str
) -> Iterator[str]:
    """Our coder beside rivals and the paper's code, what sharing is worth, what the prior costs, and floors.

    Args:
        checks: of `measures.checks`.
        sizes: of `sharing.by_size`.
        repaid: of `sharing.repaid`.
        beside: of `floors.measure`.
        collection: the name of the coded one.
    """
    where = name_data(collection)
    yield from tell_rivals(checks, where)
    yield from tell_sharing(sizes, where)
    yield from floors.tell(beside, f"held-out scenes of {where}")
    rows = repaid[repaid["against"] == "best rival without it"]
    column = repaid.columns[-1]
    parts = join(
        f"{f'after {row[column]:.0f} images' if np.isfinite(row[column]) else 'never'} at {row['latent_cosine']:.3f}"
        for _, row in rows.iterrows()
    )
    yield f"Were the prior's file sent, it would be repaid against the best rival without it, on {where}, {parts}."


def tell_rivals(checks: pd.DataFrame, where: str) -> Iterator[str]:
    """A sentence for payload and one for each size on the strongest rivals, one on the paper's code.

    Args:
        checks: of `measures.checks`.
        where: the data set.
    """
    for against, own in checks[checks["against"].str.startswith(f"{BEST}, ")].groupby("against", sort=False):
        rows = own[np.isfinite(own["times"])]
        parts = join(
            f"{tell_times(row)} at {row['latent_cosine']:.3f} ({row['strongest']})" for _, row in rows.iterrows()
        )
        size = against.removeprefix(f"{BEST}, ")
        ends = rows[["times_low", "times_high"]] - 1
        if parts:
            yield (
                f"Against the best of all rivals at equal latent cosine on {where}, {tell_size(size)}, ours is "
                f"{count(judge(ends, *ends), 'fidelities')}; it takes {parts} times the bits of ours."
            )
    own = checks[(checks["fidelity"] == checks["fidelity"].iloc[-1]) & np.isfinite(checks["times"])]
    own = own.set_index("against")
    names = [name for name in (smic.PAPER, PAPERS_NAME) if f"{name}, payload" in own.index]
    parts = join(f"{tell_times(own.loc[f'{name}, payload'])} times ({name})" for name in names)
    if names:
        cosine = own["latent_cosine"].iloc[0]
        yield f"The paper's code takes on {where}, at latent cosine {cosine:.3f}, {parts} the payload of ours."


def tell_sharing(sizes: pd.DataFrame, where: str) -> Iterator[str]:
    """What a collection saves at the highest fidelity by what it sends once, at the second size and at the largest.

    Args:
        sizes: of `sharing.by_size`.
        where: the data set.
    """
    last = sizes[sizes["fidelity"] == sizes["fidelity"].iloc[-1]]
    said = [
        f"with n = {row['n']} "
        + join(
            f"{tell_times(row, f'{way}_times')} for {name} ({judge_times(row, f'{way}_times')})"
            for way, name in WAYS.items()
        )
        for _, row in last.iloc[[1, -1]].iterrows()
    ]
    yield (
        f"What a collection sends once is worth, at latent cosine {last['latent_cosine'].iloc[0]:.3f} on {where}, as a "
        f"multiple of the bits with nothing sent, {'; '.join(said)}."
    )
