"""Verdicts on linearity: notebook 01."""

from smicnb.compare.verdicts import judge_parts
from smicnb.studies.committed import Tables, Verdict, count_rises, verdict


@verdict
def linearity(tables: Tables) -> Verdict:
    """Eq. 4: whether adding a latent brings its image without losing the other, and removing takes it alone."""
    table = tables("bsds500/01_clip_linearity/linearity_wins")
    parts, outcomes = [], []
    for operation, rows in table.groupby("operation"):
        moved, specific = ((rows[name] == "concept ahead").sum() for name in ("verdict", "specific_verdict"))
        low, high = 100 * rows["wins"].min(), 100 * rows["wins"].max()
        what = "both images are there" if operation == "add" else "x₂ is lost more than x₁"
        parts.append(
            f"{operation}: the picture follows x₂ at {moved} of {len(rows)} weights ({low:.0f} to {high:.0f} % of "
            f"pairs), {what} at {specific}"
        )
        outcomes.append(specific / len(rows))
    outcome = "agrees" if min(outcomes) == 1 else "partly" if max(outcomes) > 0 else "differs"
    return Verdict(outcome, f"against a random latent of equal norm, {'; '.join(parts)}")


@verdict
def linearity_progressive(tables: Tables) -> Verdict:
    """Whether the lead over a random latent grows with the weight."""
    table = tables("bsds500/01_clip_linearity/linearity_wins").sort_values("factor")
    parts, all_rise = [], []
    for operation, rows in table.groupby("operation"):
        steps, ends = len(rows) - 1, rows["gain"].iloc[[0, -1]]
        all_rise.append(count_rises(rows["gain"]) == steps)
        parts.append(
            f"{operation}: at {count_rises(rows['gain'])} of {steps} steps, {ends.iloc[0]:.3f} to {ends.iloc[1]:.3f}"
        )
    outcome = judge_parts(all_rise)
    return Verdict(outcome, f"the gain over a random latent rises with the weight, {'; '.join(parts)}")
