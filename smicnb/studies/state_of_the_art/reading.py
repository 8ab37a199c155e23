"""What the tables of notebook 07 come to, in sentences that are made from them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from smicnb.compare.images import floors
from smicnb.compare.images.evaluate import IMAGE_COSINE
from smicnb.compare.images.generated import BEYOND, CLIP_INTRA
from smicnb.studies.sentences import count, join, name_data, tell_value
from smicnb.studies.state_of_the_art.measures import AS_PUBLISHED

AHEAD, BEHIND = "SMIC ahead", "SMIC behind"
METRICS = {"psnr": "PSNR", "ms_ssim": "MS-SSIM", "lpips": "LPIPS", IMAGE_COSINE: "image cosine"}
RECORDS = "n* of records, medium"


def tell(
    matched: pd.DataFrame,
    table4: pd.DataFrame,
    bd_rates: pd.DataFrame,
    between: pd.DataFrame,
    anchor: str,
    collection: str,
) -> Iterator[str]:
    """SMIC's medium model beside codecs at its rate, coders of latents, Table IV, BD-rates, and floors.

    Args:
        matched: rows of `measures.matched_verdicts`.
        table4: of `measures.break_evens`.
        bd_rates: rows of `measures.bd_table`.
        between: rows of `floors.summarise`.
        anchor: the codec that BD-rates are measured against.
        collection: the name of the tested one.
    """
    where = f"on {name_data(collection)}"
    pixels = matched[~matched["against"].isin([BEYOND, CLIP_INTRA])]
    codecs = pixels["against"].nunique()
    parts = [
        f"by {METRICS[metric]} {count(own['verdict'], 'codecs', AHEAD, BEHIND)}"
        for metric, own in pixels.groupby("metric", sort=False)
    ]
    yield (
        f"At the rate nearest to that of SMIC's medium model, {where}, SMIC against {codecs} codecs of pixels is "
        f"{'; '.join(parts)} (those take {pixels['times'].min():.2f} to {pixels['times'].max():.2f} times its bits)."
    )
    for name in (CLIP_INTRA, BEYOND):
        row = matched[(matched["against"] == name) & (matched["metric"] == IMAGE_COSINE)].iloc[0]
        word = {AHEAD: "ahead of", BEHIND: "behind"}.get(row["verdict"], "not told apart from")
        yield (
            f"By image cosine SMIC's medium model is {word} “{name}”, at {row['times']:.2f} times its bits, {where}: "
            f"{tell_value(row, 'difference')}."
        )
    rows = table4[table4["rate"] == AS_PUBLISHED]
    stars = join(
        f"{f'n = {n:.0f}' if np.isfinite(n) else 'no n'} against {rival} ({printed:.0f} as published)"
        for rival, n, printed in zip(rows["competitor"], rows[RECORDS], rows["n* as printed"], strict=True)
    )
    yield f"Records of the medium model, dictionary included, take fewer bits than the published rates from {stars} on."
    psnr = bd_rates[bd_rates["metric"] == "psnr"]
    shared, alone = psnr.dropna(subset="mean"), psnr.loc[psnr["mean"].isna(), "codec"]
    best = shared[~shared["codec"].str.contains(", 1/")].nsmallest(1, "mean")
    names = join(f"“{name}”" for name in alone)
    told = [f"no PSNR of {names} is one of {anchor} too, so that these have no BD-rate"] if names else []
    told += [
        f"of the other whole codecs {row['codec']} is nearest to {anchor}, at {tell_value(row, form='+.1f')} % of bits "
        "for equal PSNR"
        for _, row in best.iterrows()
    ]
    if told:
        yield f"{where[0].upper()}{where[1:]}, {'; '.join(told)}."
    yield from floors.tell(between, name_data(collection))
