"""Verdicts on linearity: notebook 01."""

import pandas as pd

from smicnb.compare.verdicts import judge_parts
from smicnb.studies.committed import Verdict, count_rises, verdict
from smicnb.studies.linearity.measures import CONTROLS


@verdict("bsds500/01_clip_linearity/linearity_wins")
def linearity(table: pd.DataFrame) -> Verdict:
    """Eq. 4: whether adding a latent brings its image without losing the other, and removing takes it alone.

    A third photograph decides; what a random latent says stands beside it.
    """
    parts, outcomes = [], []
    for against, name in CONTROLS.items():
        said = []
        for operation, rows in table[table["against"] == against].groupby("operation"):
            moved, specific = ((rows[name] == "concept ahead").sum() for name in ("verdict", "specific_verdict"))
            low, high = 100 * rows["wins"].min(), 100 * rows["wins"].max()
            what = "both images are there" if operation == "add" else "x₂ is lost more than x₁"
            said.append(
                f"{operation}: the picture follows x₂ at {moved} of {len(rows)} weights ({low:.0f} to {high:.0f} % of "
                f"pairs), {what} at {specific}"
            )
            if against == "third":
                outcomes.append(specific / len(rows))
        parts.append(f"against {name}: {', '.join(said)}")
    outcome = "agrees" if min(outcomes) == 1 else "partly" if max(outcomes) > 0 else "differs"
    return Verdict(outcome, "; ".join(parts))


def _count_shown(rows: pd.DataFrame, moved: str) -> Verdict:
    """At how many weights the pictures of one pair move as the text says; one pair decides nothing."""
    follows, same = int((rows["gain"] > 0).sum()), int(rows["ties"].astype(bool).sum())
    pair = "{x1} and {x2}".format(**rows.iloc[0])
    return Verdict(
        "measured",
        f"the pair of median gain is {pair}: at {follows} of {len(rows)} weights the picture is {moved} than with a "
        f"third in its place, at {same} both retrieve the same photograph",
    )


@verdict("01_clip_linearity/fig04_addition")
def shown_addition(rows: pd.DataFrame) -> Verdict:
    """Fig. 4: the pictures of one addition."""
    return _count_shown(rows, "nearer to the second")


@verdict("01_clip_linearity/fig05_removal")
def shown_removal(rows: pd.DataFrame) -> Verdict:
    """Fig. 5: the pictures of one removal."""
    return _count_shown(rows, "farther from the second")


@verdict("01_clip_linearity/fig04_failures")
def sums_fail(rows: pd.DataFrame) -> Verdict:
    """C20: sums whose picture is farther from both images than that of a sum with a third photograph's."""
    failed = rows["mean_gain"] < 0
    return Verdict(
        judge_parts(failed),
        f"the {len(rows)} pairs of least gain, over all weights: "
        f"{', '.join(f'{gain:+.2f}' for gain in rows['mean_gain'])}",
    )


@verdict("bsds500/01_clip_linearity/linearity_wins")
def linearity_progressive(table: pd.DataFrame) -> Verdict:
    """Whether the lead over a third photograph grows with the weight."""
    table = table[table["against"] == "third"].sort_values("factor")
    parts, all_rise = [], []
    for operation, rows in table.groupby("operation"):
        steps, ends = len(rows) - 1, rows["gain"].iloc[[0, -1]]
        all_rise.append(count_rises(rows["gain"]) == steps)
        parts.append(
            f"{operation}: at {count_rises(rows['gain'])} of {steps} steps, {ends.iloc[0]:.3f} to {ends.iloc[1]:.3f}"
        )
    return Verdict(judge_parts(all_rise), f"the gain over a third photograph rises with the weight, {'; '.join(parts)}")
