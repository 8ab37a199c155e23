"""Verdicts on the rate model and its audit: notebook 05."""

import pandas as pd

from smicnb.studies.committed import Verdict, verdict

GAINS = "bsds500/05_rate_model/table3_gain"
# First word of a verdict in the table of contradictions -> outcome here.
AUDITED = {"contradicted": "differs", "reading found": "under a reading"}


@verdict("bsds500/05_rate_model/rate_contradictions")
def audit(table: pd.DataFrame, number: str) -> Verdict:
    """Row `number` of the contradictions found on BSDS500: its verdict, then its evidence."""
    row = table[table["no"].astype(str) == number].iloc[0]
    kind, _, finding = row["verdict"].partition(": ")
    return Verdict(AUDITED[kind], f"{finding} ({row['evidence']})")


@verdict(GAINS)
def gains(table: pd.DataFrame) -> Verdict:
    """Table III: printed gains and break-even sizes against Eq. 10 to 15."""
    sizes = table["column"] == "n*"
    exact = int((table.loc[~sizes, "published is (cut)"] != "neither").sum())
    even = int((table.loc[sizes, "deviation %"] == 0).sum())
    worst = table.loc[~sizes & (table["digits"] >= 3), "deviation %"].abs().max()
    total, evens = int((~sizes).sum()), int(sizes.sum())
    outcome = "agrees" if (exact, even) == (total, evens) else "partly"
    ideal = table[(table["row"] == "medium") & (table["column"] == "n = inf")].iloc[0]
    return Verdict(
        outcome,
        f"the formulas give the digits of {exact} of {total} gains once rates are cut to three digits, "
        f"are within {worst:.2f} % uncut where three digits are printed, and give {even} of {evens} n*; "
        f"but a code of tuples gains {ideal['corrected']:.1f} for medium, not {ideal['as published']:.1f}",
    )


@verdict("bsds500/05_rate_model/table4_rates")
def break_even(table: pd.DataFrame) -> Verdict:
    """Table IV: printed break-even sizes against Eq. 15."""
    rows = table[table["column"] == "n*"]
    printed = rows["as published"].astype(float)
    same = int((printed == rows["Eq. 10-15"]).sum())
    outcome = "agrees" if same == len(rows) else "partly" if same else "differs"
    pairs = ", ".join(
        f"{row} {ours:.0f} (as published {theirs:.0f})"
        for row, ours, theirs in zip(rows["row"], rows["Eq. 10-15"], printed, strict=True)
    )
    return Verdict(outcome, f"n* by Eq. 15: {pairs}")


def _pays_back(table: pd.DataFrame, model: str) -> Verdict:
    cell = table[(table["row"] == model) & (table["column"] == "n*")].iloc[0]
    columns = ("Eq. 10-15", "corrected", "corrected, P of train", "corrected, P of heldout")
    printed, tuples, train, heldout = (
        "never" if cell[name] == float("inf") else f"from {cell[name]:.0f}" for name in columns
    )
    holds = [float(cell[name]) == float(cell["as published"]) for name in columns]
    outcome = "agrees" if all(holds) else "differs"
    sentence = f"{printed} by Eq. 15; {tuples} with a code of tuples"
    return Verdict(
        outcome, f"{sentence}, {train} with the measured share of coefficients, {heldout} on held-out images"
    )


@verdict(GAINS)
def medium_pays_back(table: pd.DataFrame) -> Verdict:
    """From which size on the model medium is cheaper than single-item coding."""
    return _pays_back(table, "medium")


@verdict(GAINS)
def high_pays_back(table: pd.DataFrame) -> Verdict:
    """From which size on the model high is cheaper than single-item coding."""
    return _pays_back(table, "high")


@verdict("bsds500/05_rate_model/fig12_laws")
def null_law(laws: pd.DataFrame) -> Verdict:
    """Fig. 12: errors of the printed law in both readings, and of the best law found."""
    parts = []
    for split, label in (("train", "the collection"), ("heldout", "held-out images")):
        here = laws[laws["split"] == split]
        printed, best = here[here["free numbers"] == 0], here["rms error"].min()
        errors = " or ".join(f"{error:.2f}" for error in printed["rms error"])
        parts.append(f"on {label} the printed law misses the share by {errors} (rms, two readings), ours by {best:.3f}")
    fits = laws.loc[laws["free numbers"] == 0, "rms error"].min() <= laws["rms error"].min()
    return Verdict("agrees" if fits else "differs", "; ".join(parts))
