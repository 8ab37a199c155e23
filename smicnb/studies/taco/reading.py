"""What the tables of notebook 08 come to, in sentences that are made from them."""

from collections.abc import Iterator

import pandas as pd

from smicnb.compare.verdicts import UNDECIDED, judge_interval
from smicnb.studies.sentences import count, join, judge, name_data, tell_value, tell_verdicts
from smicnb.studies.taco.measures import WHOLE

METRICS = {"lpips": "LPIPS", "lpips_vgg": "LPIPS on VGG", "dists": "DISTS", "psnr": "PSNR"}
ADAPTER, PARTS = "without-adapter", "TACO's parts"


def tell(
    judged: pd.DataFrame,
    beside: pd.DataFrame,
    sources: pd.DataFrame,
    similarity: pd.DataFrame,
    collection: str,
    rivals_on: str = "kodak",
) -> Iterator[str]:
    """What the text is worth, the whole codec beside classical ones, other captions, and captions that are kept.

    Args:
        judged: rows of `ablations.judge`.
        beside: rows of `measures.compare_whole`.
        sources: rows of `captions.summary_by_caption`.
        similarity: rows of `captions.caption_similarity`.
        collection: the name of that of the last two.
        rivals_on: the name of that of the first two.
    """
    where, there = name_data(collection), name_data(rivals_on)
    rows = judged[judged["worse"] == ADAPTER]
    parts = join(f"{tell_value(row, 'gap', form='+.4f')} in {METRICS[row['metric']]}" for _, row in rows.iterrows())
    yield (
        f"The text adapter gains {parts} on {there}, against the same codec without it at equal rates: "
        f"{count(judge(rows), 'metrics')}."
    )
    yield f"{tell_verdicts(judged, PARTS, there)}."
    first = sources["source"].iloc[0]
    others = sources[sources["source"] != first]
    ends = "lpips_low", "lpips_high"
    worst = others.loc[others["lpips_difference"].abs().idxmax()]
    yield (
        f"By LPIPS other sentences than the image's own caption ({first}) are, on {where}, "
        f"{count(judge(others, *ends, -1), 'pairs of a rate and a source')}; they differ by "
        f"{tell_value(worst, 'lpips_difference', *ends, '+.4f')} at most ({worst['source']}, rate {worst['setting']})."
    )
    whole = beside[beside["codec"] == WHOLE]
    for metric, sign, unit in (("psnr", 1, " dB"), ("lpips", -1, ""), ("dists", -1, "")):
        own = whole[whole["metric"] == metric]
        worst = own.loc[(sign * own["difference"]).idxmin()]
        yield (
            f"By {METRICS[metric]} TACO's whole codec on {there}, at equal bits per pixel, is "
            f"{count(judge(own, sign=sign), 'pairs of a rate and a classical codec')}, and worst against "
            f"{worst['rival']} at the {worst['setting']} rate: {tell_value(worst, 'difference')}{unit}."
        )
    own = similarity[similarity["codec"] == WHOLE].sort_values("bpp").iloc[0]
    other = similarity[similarity["codec"] != WHOLE]
    near = other.loc[(other["bpp"] - own["bpp"]).abs().idxmin()]
    word = judge_interval(own["low"] - near["high"], own["high"] - near["low"], "more than", "less than")
    yield (
        f"Captions of decoded images of {where} have a CIDEr-D of {tell_value(own, 'cider_d', form='.2f')} by TACO at "
        f"{own['bpp']:.3f} bits per pixel, {'not told apart from' if word == UNDECIDED else word} the "
        f"{tell_value(near, 'cider_d', form='.2f')} of {near['codec']} at {near['bpp']:.3f}."
    )
