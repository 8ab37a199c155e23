"""What the tables of notebook 05 come to, in sentences that are made from them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from smicnb.studies.sentences import join, name_data

KINDS = {"contradicted": "are contradicted", "reading found": "hold under a reading", "not specified": "leave it open"}


def tell(
    laws: pd.DataFrame, gains: pd.DataFrame, rates: pd.DataFrame, audit: pd.DataFrame, split: str, collection: str
) -> Iterator[str]:
    """The law of null coefficients, Tables III and IV, gains of files, and the audit.

    Args:
        laws: rows of `null_proportion.compare_laws`.
        gains, rates: rows of `tables.table3` and `tables.table4`.
        audit: rows of `contradictions.contradictions`.
        split: the split that dictionaries were learned on.
        collection: the name of the collection.
    """
    where = name_data(collection)
    held = laws[laws["split"] == "heldout"]
    printed, best = held[held["free numbers"] == 0]["rms error"], held["rms error"].min()
    verb = "no law errs less" if best >= printed.min() else f"the best law that was fitted errs by {best:.3f}"
    yield (
        f"The printed law of P(null) errs by {join((f'{error:.3f}' for error in printed), 'or')} (rms, as Eq. 13 and "
        f"as Eq. 14 use it) on held-out scenes of {where}; {verb}, on numbers of atoms that it was not fitted to."
    )
    found = audit["verdict"].str.partition(":")[0].value_counts()
    counts = join(f"{found[kind]} {told}" for kind, told in KINDS.items() if kind in found)
    yield f"Of {len(audit)} places of the published rate model that were recomputed, {counts}."
    rows = rates[rates["column"] == "n*"]
    same = int((rows["as published"].astype(float) == rows["Eq. 10-15"]).sum())
    parts = join(
        f"{row['Eq. 10-15']:.0f} against {row['row']} ({float(row['as published']):g} as published)"
        for _, row in rows.iterrows()
    )
    yield f"Of the break-even sizes of Table IV Eq. 15 gives {same} of {len(rows)}: {parts}."
    sizes = gains["column"] == "n*"
    exact, even = (
        int((gains.loc[~sizes, "published is (cut)"] != "neither").sum()),
        gains.loc[sizes, "deviation %"].eq(0),
    )
    yield (
        f"Eq. 10 to 14 give the digits of {exact} of {(~sizes).sum()} gains of Table III once rates are cut to three "
        f"digits, and Eq. 15 {int(even.sum())} of {len(even)} of its break-even sizes."
    )
    medium = gains[gains["row"] == "medium"].set_index("column")
    ideal, star = medium.loc["n = inf"], medium.loc["n*"]
    for name, of in (("heldout", f"Held-out scenes of {where}"), (split, f"The coded scenes of {where}")):
        columns = [f"file ({coding}), {name}" for coding in ("tuple", "entropy")]
        never = [f"{star[column]:.0f}" if np.isfinite(star[column]) else "never" for column in columns]
        yield (
            f"{of} gain {ideal[columns[0]]:.2f} (tuples) and {ideal[columns[1]]:.2f} (entropy coded) times over the "
            f"published bits of single-item coding, in files of the medium model without the dictionary, where "
            f"{float(ideal['as published']):g} is published; n* is {join(never)}, "
            f"where {float(star['as published']):g} is."
        )
