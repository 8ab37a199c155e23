"""Verdicts on SMIC beside other codecs: notebook 07, on the Kodak images."""

import numpy as np
import pandas as pd

from smicnb.compare.images.evaluate import IMAGE_COSINE
from smicnb.compare.images.generated import BEYOND, CLIP_INTRA
from smicnb.compare.verdicts import judge_parts
from smicnb.studies.committed import Verdict, verdict
from smicnb.studies.state_of_the_art.measures import AS_PUBLISHED

RECORDS = "n* of records, medium"


def _n(value: float) -> str:
    return "never" if np.isinf(value) else f"from {value:.0f}"


@verdict("kodak/07_sota_comparison/sota_table4")
def break_even_of_records(table: pd.DataFrame) -> Verdict:
    """Table IV: from which n on the records of SMIC's medium model take fewer bits than each competitor."""
    printed, measured = table[table["rate"] == AS_PUBLISHED], table[table["rate"] != AS_PUBLISHED]
    said = [
        f"{row['competitor']} {_n(row[RECORDS])} (as published {row['n* as printed']:.0f})"
        for row in printed.to_dict("records")
    ]
    others = measured.set_index("competitor")
    said += [f"{name} run here {_n(others.loc[name, RECORDS])}" for name in (CLIP_INTRA, "VVenC intra")]
    holds = printed[RECORDS] <= printed["n* as printed"]
    return Verdict(judge_parts(holds), f"fewer bits in records, dictionary included, than {'; '.join(said)} images on")


@verdict("kodak/07_sota_comparison/sota_matched")
def lower_rates(table: pd.DataFrame) -> Verdict:
    """C19: what the picture means, at SMIC's rate, beside codecs of single images."""
    rows = table[(table["metric"] == IMAGE_COSINE) & (table["against"] != BEYOND)].set_index("against")
    counts = rows["verdict"].value_counts()
    intra = rows.loc[CLIP_INTRA]
    own, ahead, behind = rows["SMIC"].iloc[0], counts.get("SMIC ahead", 0), counts.get("SMIC behind", 0)
    text = (
        f"at the rate of medium's records, its dictionary not counted, image cosine {own:.2f}: ahead of {ahead} and "
        f"behind {behind} of {len(rows)} codecs; {CLIP_INTRA} at {intra['times']:.2f} times the bits has "
        f"{intra['other']:.2f}"
    )
    outcome = "agrees" if ahead == len(rows) else "partly" if ahead else "differs"
    return Verdict(outcome, text)
