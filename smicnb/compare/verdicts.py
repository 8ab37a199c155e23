"""All words of verdicts: on an interval, on a paper's statement, and on a row of the map."""

from collections.abc import Collection
from typing import Literal, get_args

# Of an interval that holds zero; one that does not has a word for each side (`judge_interval`).
UNDECIDED = "undecided"
# Of a statement about codecs or parts of latents: by `ablations.judge`, and "reversed" by notebook 04.
HOLDS, DOES_NOT, REVERSED = "holds", "does not hold", "reversed"
TOO_FEW, NOT_TRAINED = "not decidable at this size", "not trained"
# Of a row of the map. "undecided": intervals overlap; "measured": the paper has no number or claim to compare with.
Outcome = Literal["agrees", "partly", "under a reading", "differs", "undecided", "measured"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


def judge_interval(low: float, high: float, above: str, below: str) -> str:
    """The word for an interval: `above` zero, `below` it, or `UNDECIDED`, also where an end is not a number."""
    return above if low > 0 else below if high < 0 else UNDECIDED


def judge_parts(held: Collection, none: Outcome = "differs") -> Outcome:
    """The outcome of what holds in all parts, in some ("partly"), or in none, for which `none` is the outcome; at least
    one part.
    """
    return "agrees" if all(held) else "partly" if any(held) else none
