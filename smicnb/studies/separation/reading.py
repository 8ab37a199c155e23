"""What the tables of notebook 04 come to, in sentences that are made from them."""

from collections.abc import Iterator, Mapping

import pandas as pd

from smicnb.compare.verdicts import HOLDS, REVERSED, UNDECIDED
from smicnb.studies.sentences import NOT_TOLD, join, judge, name_data, tell_value

STATEMENTS = {
    "projection holds what is inside": "the projection's rank of words that the collection knows, less the residual's",
    "residual holds what is outside": "the residual's rank of foreign words, less the projection's",
}
ORDER = (REVERSED, UNDECIDED, HOLDS)  # of verdicts, the negative first
GENERATED = " as generated"


def tell(verdicts: Mapping[str, pd.DataFrame], scores: pd.DataFrame, collection: str) -> Iterator[str]:
    """The paper's two statements on each collection, and what the generator leaves of them.

    Args:
        verdicts: rows of `measures.verdicts`, by the name of the collection.
        scores: rows of `measures.summarise`.
        collection: the name of that of `scores`.
    """
    for name, table in verdicts.items():
        said = []
        for statement, told in STATEMENTS.items():
            rows = table[table["statement"] == statement]
            parts = join(
                f"{tell_value(row, 'difference')} with {'' if 'learned' in row['by'] else 'a '}{row['by']} "
                f"({row['verdict']})"
                for _, row in rows.iterrows()
            )
            if parts:
                place = ORDER.index(rows["verdict"].iloc[0])
                said.append((place, f"On {name_data(name)}, {told}, is {parts}."))
        yield from (sentence for _, sentence in sorted(said))
    rows = scores[scores["part"].str.endswith(GENERATED)]
    words = (word.replace(UNDECIDED, NOT_TOLD) for word in judge(rows, "above_low", "above_high"))
    parts = [
        f"{tell_value(row, 'above_shuffled', 'above_low', 'above_high')} for {row['words']} words of the "
        f"{row['part'].removesuffix(GENERATED)} ({word})"
        for (_, row), word in zip(rows.iterrows(), words, strict=True)
    ]
    if parts:
        yield (
            f"After generation, an image's own words less those of other images rank {join(parts)}, on "
            f"{name_data(collection)}."
        )
