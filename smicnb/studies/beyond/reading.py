"""What the tables of notebook 10 come to, in sentences that are made from them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from smicnb.compare.images import floors
from smicnb.compare.latents import smic
from smicnb.compare.verdicts import UNDECIDED, judge_interval
from smicnb.studies.beyond.kinds import PAPERS_NAME
from smicnb.studies.sentences import NOT_TOLD, count, join, judge, name_data, show, tell_size, tell_value

BEST = "best of all rivals"
FEWER, MORE = "fewer", "more"
WAYS = {"mean": "its mean", "axes": "its own axes"}
# What a part is called, the row of `measures.parts` that has it, and the row that is the same but for it.
PARTS = (
    ("a trellis in place of scalars", "trellis in place of scalars", "KLT, scalar"),
    ("removing the mean", "trellis in place of scalars", "trellis, mean not removed"),
    ("shrinking the covariance to the identity", "covariance shrunk to the identity", "trellis in place of scalars"),
    ("the prior in its place", "covariance mixed with the prior", "covariance shrunk to the identity"),
    ("searching again for the cosine", "searched again for the cosine", "covariance mixed with the prior"),
    ("frequencies that grow", smic.OURS, "searched again for the cosine"),
)


def tell_times(row: "pd.Series", stem: str = "times") -> str:
    """A ratio with the ends of its interval, where there is one, from the columns that begin with `stem`."""
    return tell_value(row, stem, f"{stem}_low", f"{stem}_high", ".2f")


def judge_times(row: "pd.Series", stem: str = "times") -> str:
    """The word for a ratio of bits, by its interval: more, fewer, or not told apart."""
    word = judge_interval(row[f"{stem}_low"] - 1, row[f"{stem}_high"] - 1, MORE, FEWER)
    return word.replace(UNDECIDED, NOT_TOLD)


def tell(
    checks: pd.DataFrame,
    sizes: pd.DataFrame,
    repaid: pd.DataFrame,
    parts: pd.DataFrame,
    beside: pd.DataFrame,
    collection: str,
) -> Iterator[str]:
    """Our coder beside rivals and the paper's code, what parts, sharing and prior are worth or cost, and floors.

    Args:
        checks: rows of `measures.checks`.
        sizes: rows of `sharing.by_size`.
        repaid: rows of `sharing.repaid`.
        parts: rows of `measures.parts`.
        beside: rows of `floors.measure`.
        collection: the name of the coded one.
    """
    where = name_data(collection)
    yield from tell_rivals(checks, where)
    yield tell_parts(parts, where)
    yield f"{tell_sharing(sizes, where)}; {tell_repaid(repaid)}."
    yield from floors.tell(beside, f"held-out scenes of {where}")


def tell_rivals(checks: pd.DataFrame, where: str) -> Iterator[str]:
    """A sentence for payload and one for each size on the strongest rivals, one on the paper's code.

    Args:
        checks: rows of `measures.checks`.
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


def tell_parts(parts: pd.DataFrame, where: str) -> str:
    """By how many percent each part of our coder changes its payload, at each fidelity.

    Args:
        parts: rows of `measures.parts`; a part whose rows are missing is left out.
        where: the data set.
    """
    bits = parts.set_index("coder")
    cosines = join(column.removeprefix("bits at ") for column in bits)
    told = join(
        f"{join(map(tell_change, bits.loc[row] / bits.loc[without] - 1))} % with {name}"
        for name, row, without in PARTS
        if {row, without} <= {*bits.index}
    )
    return f"At latent cosine {cosines} on {where}, payload changes (no intervals) by {told}."


def tell_change(share: float) -> str:
    """A change as a share of what was there before, in percent: "-4"; "?" where it is not known."""
    return show(100 * share, "+.0f") if np.isfinite(share) else "?"


def tell_sharing(sizes: pd.DataFrame, where: str) -> str:
    """What a collection saves at the highest fidelity by what it sends once, at the second size and at the largest; a
    sentence without its full stop.

    Args:
        sizes: rows of `sharing.by_size`.
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
    return (
        f"Bits over those with nothing sent, at latent cosine {last['latent_cosine'].iloc[0]:.3f} on {where}, are "
        f"{'; '.join(said)}"
    )


def tell_repaid(repaid: pd.DataFrame) -> str:
    """From how many images on the prior would pay at each fidelity, were it sent; the second half of a sentence.

    Args:
        repaid: rows of `sharing.repaid`.
    """
    rows = repaid[repaid["against"] == "best rival without it"]
    # Three digits: the table has six, and what is told from it has to be what is told from the numbers themselves.
    images = (f"{float(f'{n:.3g}'):.0f}" if np.isfinite(n) else "∞" for n in rows[repaid.columns[-1]])
    at = join(f"{cosine:.3f}" for cosine in rows["latent_cosine"])
    against = "against the best rival without it"
    return f"the prior's file, were it sent, pays {against} from {join(images)} images on (at {at})"
