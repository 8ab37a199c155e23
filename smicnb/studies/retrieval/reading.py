"""What the tables of notebook 11 come to, in sentences that are made from them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from smicnb.studies.retrieval.kinds import BEST_NAME, FIXED_NAME, OURS_NAME, PAPERS_NAME
from smicnb.studies.retrieval.matched import AHEAD, BEHIND, FAR, SIZES
from smicnb.studies.retrieval.measures import FIRST, INDEX, RANDOM, RECALL
from smicnb.studies.retrieval.tried import BETTER, HELD_OUT, ON_FOLDS, WORSE
from smicnb.studies.sentences import count, join, name_data, tell_size, tell_value

PAYLOAD = next(iter(SIZES))


def tell(
    table: pd.DataFrame, checks: pd.DataFrame, rates: pd.DataFrame, others: pd.DataFrame, collection: str
) -> Iterator[str]:
    """Ours for search beside rivals, ours for the cosine and the paper's code; half the bits; other ways; floors.

    Args:
        table: rows of `matched.matched`.
        checks: rows of `matched.checks`.
        rates: rows of `measures.table`.
        others: rows of `tried.tried`.
        collection: the name of that which is searched.
    """
    where = name_data(collection)
    for against, size in ((OURS_NAME, PAYLOAD), *((BEST_NAME, size) for size in SIZES), (PAPERS_NAME, PAYLOAD)):
        yield from tell_rivals(table, against, size, where)
    yield " ".join(tell_half(checks, where))
    yield tell_tried(others, where)
    yield tell_floors(rates, where)


def tell_rivals(table: pd.DataFrame, against: str, size: str, where: str) -> Iterator[str]:
    """A sentence on ours for search beside one kind of coders at all bits, where these were reached.

    Args:
        table: rows of `matched.matched`.
        against: the kind.
        size: a key of `SIZES`.
        where: the data set.
    """
    own = table[(table["size"] == size) & (table["against"] == against)]
    name = {OURS_NAME: "ours for the cosine", PAPERS_NAME: f"the {against}"}.get(against, f"the {against}")
    best = against == BEST_NAME and size == PAYLOAD  # the others' names stand in the table
    said = [
        f"{tell_value(row, 'difference')} at {row['bits']:.0f} bits" + (f" ({row['strongest']})" if best else "")
        for _, row in own.iterrows()
    ]
    if said:
        yield (
            f"By recall@10 on {where}, {tell_size(size)}, ours for search is "
            f"{count(own['verdict'], 'rates', AHEAD, BEHIND)} against {name}: {join(said)}."
        )


def tell_half(table: pd.DataFrame, where: str) -> Iterator[str]:
    """A sentence for each size: bits of the best quantiser that is made for search over those of ours at its recall.

    Args:
        table: rows of `matched.checks`.
        where: the data set.
    """
    for _, row in table[(table["against"] == FIXED_NAME) & (table["bits"] == FAR)].iterrows():
        needed = f"{tell_value(row, 'value', form='.2f')} times our bits"
        times = needed if np.isfinite(row["value"]) else "a recall that ours lacks"
        yield (
            f"At {row['bits']:.0f} bits, {tell_size(row['size'])}, on {where} the {row['against']} "
            f"({row['strongest']}) needs {times} for its recall@10, where {row['level']:g} were hoped for: "
            f"{row['verdict']}."
        )


def tell_tried(table: pd.DataFrame, where: str) -> str:
    """How many ways find more on folds at some rate, and what these do held out.

    Args:
        table: rows of `tried.tried`.
        where: the data set.
    """
    ways = list(dict.fromkeys(table["way"]))
    better = list(dict.fromkeys(table[(table["on"] == ON_FOLDS) & (table["verdict"] == BETTER)]["way"]))
    if not better:
        return f"Of {len(ways)} other ways, none finds more of recall@10 on folds of {where} at any rate."
    held_out = table[table["on"] == HELD_OUT]
    said = []
    for verdict, word in ((WORSE, "behind:"), (BETTER, "ahead:")):
        found = [(way, held_out[held_out["way"] == way]["verdict"].eq(verdict)) for way in better]
        rates = [f"{way} at {told.sum()} of {len(told)} rates" for way, told in found if told.any()]
        said.append(f"{word} {'; '.join(rates) or 'none'}")
    return (
        f"Of {len(ways)} other ways, {len(better)} find more of recall@10 on folds of {where} at some rate; of these "
        f"held out {', '.join(said)}."
    )


def tell_floors(table: pd.DataFrame, where: str) -> str:
    """What recall comes to without a code.

    Args:
        table: rows of `measures.table`.
        where: the data set.
    """
    said = []
    for name in (INDEX, RANDOM):
        own = table[table["coder"] == name].set_index("measure")["mean"]
        said.append(f"the {name} finds {own[RECALL]:.3f} of the ten and {own[FIRST]:.3f} of the first")
    return f"Of floors on {where}, {join(said)}."
