"""Verdicts on SMIC beside other codecs: notebook 07, on the Kodak images."""

import numpy as np
import pandas as pd

from smicnb.compare.images import floors
from smicnb.compare.images.evaluate import IMAGE_COSINE
from smicnb.compare.images.generated import BEYOND, CLIP_INTRA
from smicnb.compare.verdicts import judge_parts
from smicnb.studies.committed import Verdict, verdict
from smicnb.studies.state_of_the_art.measures import AS_PUBLISHED, OURS

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


LATENTS = (OURS, BEYOND, CLIP_INTRA)  # coders of latents, among codecs at one rate


def _codecs_of_pixels(table: pd.DataFrame) -> pd.DataFrame:
    return table[~table["shown"].isin([*floors.FLOORS, floors.CEILING, *LATENTS])]


@verdict("kodak/07_sota_comparison/sota_floors")
def floors_at_one_rate(table: pd.DataFrame) -> Verdict:
    """What coders of latents and the best codec of pixels keep at the rate of medium's records, beside floors."""
    pixels = _codecs_of_pixels(table)
    best = dict.fromkeys(pixels.loc[pixels[cosine].idxmax(), "shown"] for cosine in floors.COSINES)
    said = floors.tell_briefly(table, [*LATENTS, *best])
    return Verdict(floors.judge_floor(table), f"Kodak, files of one image with width and height, {said}")


@verdict("kodak/07_sota_comparison/sota_floors")
def codecs_beside_chance(table: pd.DataFrame) -> Verdict:
    """How many codecs are told apart from a random photograph, and from a grey frame, by either judge."""
    levels, count, parts, told = table.set_index("shown"), len(_codecs_of_pixels(table)), [], []
    for cosine, who in zip(floors.COSINES, floors.JUDGES, strict=True):
        said = []
        for floor in (floors.RANDOM, floors.GREY):
            level = floors.show(levels.loc[floor, cosine])
            above, below = floors.told_apart(table, cosine, floor)
            ours = [name for name in LATENTS if name in above]
            told.append(len(ours) == len(LATENTS))
            said.append(
                f"ahead of a {floor} ({level}) are {len(ours)} of {len(LATENTS)} coders "
                f"of latents and {len(above) - len(ours)} of {count} codecs of pixels, behind it {len(below)} of all"
            )
        parts.append(f"by {who} {'; '.join(said)}")
    return Verdict(judge_parts(told), f"Kodak, at the rate of medium's records, {'; '.join(parts)}")
