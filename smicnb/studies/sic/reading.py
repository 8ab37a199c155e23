"""What the tables of notebook 09 come to, in sentences that are made from them."""

from collections.abc import Iterator

import pandas as pd

from smicnb.studies.sentences import count, join, judge, name_data, tell_value, tell_verdicts

METRICS = {"psnr": "PSNR", "lpips": "LPIPS", "dists": "DISTS", "image_cosine": "image cosine"}
SIGNS = {"psnr": 1, "lpips": -1, "dists": -1}
ADVERSARIAL = "Fig. 6: "


def tell(
    judged: pd.DataFrame,
    bd_rates: pd.DataFrame,
    twin: pd.DataFrame,
    ranks: pd.DataFrame,
    levels: pd.DataFrame,
    steps: pd.DataFrame,
    collection: str,
    compared_on: str = "kodak",
) -> Iterator[str]:
    """Statements on variants, one model for all rates beside one for each, JPEG, levels, estimates, and Eq. 42.

    Args:
        judged: rows of `measures.judge_claims`.
        bd_rates: rows of `measures.bd_rates`, the first model's rows first.
        twin: rows of `curves.compare_at_rate`, the twin beside JPEG.
        ranks: rows of `measures.ranks`.
        levels: rows of `measures.level_rates`.
        steps: rows of `steps.steps_table`.
        collection: the name of that of `levels`.
        compared_on: the name of that of the tables before.
    """
    there = name_data(compared_on)
    measured = judged.dropna(subset="gap")
    sides = judge(measured)
    counted = tell_verdicts(judged, "SIC's variants", there)
    yield (
        f"{counted}; the interval over images lies against the statement at {sides.count('behind')} and on its side "
        f"at {sides.count('ahead')}."
    )
    rows = measured[measured["claim"].str.startswith(ADVERSARIAL)]
    if len(rows):
        parts = join(f"{tell_value(row, 'gap', form='+.4f')} ({row['better']})" for _, row in rows.iterrows())
        yield (
            f"Adversarial fine-tuning gains {parts} in DISTS along the rate curve on {there}, against the same model "
            f"without it: {count(judge(rows), 'models')}."
        )
    one = bd_rates[bd_rates["codec"] == bd_rates["codec"].iloc[0]].dropna(subset="mean")
    if len(one):
        parts = join(f"{tell_value(row, form='+.0f')} % at equal {METRICS[row['metric']]}" for _, row in one.iterrows())
        yield (
            f"One file for all rates ({one['codec'].iloc[0]}) changes bits against a model for each rate by {parts}, "
            f"on {there}: {count(judge(one, sign=-1), 'metrics')}."
        )
    sides = [word for metric, own in twin.groupby("metric") for word in judge(own, sign=SIGNS[metric])]
    yield (
        f"A model for each rate beside JPEG at the same bits per pixel, on {there}, is "
        f"{count(sides, 'pairs of a rate and a metric')} (PSNR, LPIPS and DISTS)."
    )
    first = ranks[ranks["codec"] == ranks["codec"].iloc[0]]
    parts = join(f"{tell_value(row, 'rho', form='.3f')} for {METRICS[row['metric']]}" for _, row in first.iterrows())
    yield f"Spearman's ρ of level and quality ({first['codec'].iloc[0]}) is on {there} {parts}."
    within, all_of = int(levels["own_within"].sum()), int(levels["images"].sum())
    yield (
        f"Of {all_of} levels of files of {name_data(collection)}, each of an image, {within} are within 1 % and 32 "
        f"bytes of what is estimated; the largest difference of a prefix is {levels['largest_excess'].max():.0f} bytes."
    )
    lower = steps[steps["step"] == "nonnegative"]
    below = lower[~lower["met"].astype(bool)]
    least = lower.loc[lower["left_bits"].idxmin()]
    yield (
        f"I_s of Eq. 42, which is said to be the least rate, is below zero for {len(below)} of {len(lower)} codecs of "
        f"eight words, {least['left_bits']:+.3f} bits at the least ({least['codec']})."
    )
