"""Verdicts on searching coded latents: notebook 11, on BSDS500, on the embedded collection and on Kodak."""

import numpy as np
import pandas as pd

from smicnb.compare.verdicts import UNDECIDED, judge_parts
from smicnb.studies.committed import Verdict, verdict
from smicnb.studies.retrieval.kinds import BEST_NAME, FIXED_NAME, OURS_NAME
from smicnb.studies.retrieval.matched import AHEAD, BEHIND
from smicnb.studies.sentences import tell_value

COLLECTIONS = {"bsds500/": "BSDS500", "": "embedded", "kodak/": "Kodak"}
CHECKS = tuple(f"{folder}11_retrieval/retrieval_checks" for folder in COLLECTIONS)
NAMES = tuple(COLLECTIONS.values())


def _rows(table: pd.DataFrame, against: str) -> pd.DataFrame:
    """Rows in payload against one kind of coders, by rising bits."""
    rows = table[(table["against"] == against) & (table["size"] == "payload")]
    if rows.empty:
        raise KeyError(against)
    return rows.sort_values("bits")


def _differences(rows: pd.DataFrame) -> str:
    return ", ".join(f"{tell_value(row, 'value')} at {row['bits']:.0f}" for _, row in rows.iterrows())


@verdict(*CHECKS)
def recall_beside_rivals(*tables: pd.DataFrame) -> Verdict:
    """Recall of ours for search less that of the best of all rivals, at equal bits."""
    parts, held = [], []
    for name, table in zip(NAMES, tables, strict=True):
        rows = _rows(table, BEST_NAME)
        held += list(rows["verdict"])
        parts.append(f"{name} {_differences(rows)}")
    outcome = "differs" if BEHIND in held else judge_parts([word == AHEAD for word in held], UNDECIDED)
    return Verdict(outcome, f"recall@10 less that of the best of all rivals at equal payload: {'; '.join(parts)} bits")


@verdict(*CHECKS)
def half_the_bits(*tables: pd.DataFrame) -> Verdict:
    """Bits of the best quantiser made for search over ours for its recall, where half was hoped for."""
    parts, held = [], []
    for name, table in zip(NAMES, tables, strict=True):
        ((_, row),) = _rows(table, FIXED_NAME).iterrows()
        held.append(bool(row["value"] >= row["level"]))
        ends = f" [{row['low']:.2f}, {row['high']:.2f}]" if np.isfinite(row["low"]) else ""
        told = (
            f"{row['value']:.2f}{ends} times" if np.isfinite(row["value"]) else "at a recall that ours does not reach"
        )
        parts.append(f"{name} {told} ({row['strongest']})")
    return Verdict(
        judge_parts(held),
        f"bits over ours of the best that is made for search at {row['bits']:.0f} bits: {'; '.join(parts)}",
    )


@verdict(*CHECKS)
def tilt_for_search(*tables: pd.DataFrame) -> Verdict:
    """What weighing errors by axes gains of recall at equal bits."""
    parts, held = [], []
    for name, table in zip(NAMES, tables, strict=True):
        rows = _rows(table, OURS_NAME)
        held += [word == AHEAD for word in rows["verdict"]]
        parts.append(f"{name} {_differences(rows)}")
    return Verdict(
        judge_parts(held, UNDECIDED),
        f"recall@10 for search less that for the cosine at equal payload: {'; '.join(parts)} bits",
    )
