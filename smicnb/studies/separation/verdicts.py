"""Verdicts on separation: notebook 04."""

import pandas as pd

from smicnb.studies.committed import Verdict, verdict


@verdict("bsds500/04_semantic_separation/separation_verdicts", "bsds500/04_semantic_separation/separation_scores")
def separation(table: pd.DataFrame, scores: pd.DataFrame) -> Verdict:
    """Fig. 10: whether each part holds more of its own, by more than in a random subspace, and nothing else."""
    parts, done = [], []
    for statement, rows in table.groupby("statement"):
        learned, random = (rows[rows["by"] == by].iloc[0] for by in ("learned atoms", "random subspace"))
        done.append(learned["verdict"] == "holds" and learned["low"] > random["high"])
        cells = [f"{row['difference']:+.3f} [{row['low']:.3f}, {row['high']:.3f}]" for row in (learned, random)]
        parts.append(f"{statement}: {learned['verdict']} ({cells[0]}), in a random subspace {cells[1]}")
    left = scores[(scores["part"] == "residual") & (scores["words"] == "inside")].iloc[0]
    chance = f"{left['rank']:.2f}, other images' words at {left['shuffled']:.2f}"
    parts.append(f"yet the residual ranks what is inside at {chance}")
    only = left["low"] <= left["shuffled"]
    outcome = "agrees" if all(done) and only else "partly" if any(done) else "undecided"
    if ((table["by"] == "learned atoms") & (table["verdict"] == "reversed")).any() and not any(done):
        outcome = "differs"
    return Verdict(outcome, f"differences of ranks, {'; '.join(parts)}")
