"""Verdicts on TACO: notebook 08, its small models on the Kodak images."""

import numpy as np
import pandas as pd

from smicnb.compare.images import curves
from smicnb.compare.images.ablations import ALL, RATES
from smicnb.compare.verdicts import judge_parts
from smicnb.studies.committed import Verdict, outcome_of, verdict
from smicnb.studies.taco.measures import WHOLE

# As published, in millions: Table 3's total, HiFiC's and MS-ILLM's; and of Sec. 4.5 how much fewer that is, in percent.
TOTAL, RIVALS, FEWER = 101.75, 181.72, 80
ENCODING = (10.2, 4.8)  # percent that the text adds at 256², and at 1788×2641: Sec. 4.5
PERCEPTUAL = ("lpips", "lpips_vgg", "dists")
BESIDE = "kodak/08_taco_ablations/taco_beside"
NEAR = 1.0  # dB: "within the 1dB range" of Sec. 4.2
TIMES = 4  # "more than four times": Sec. 4.4
NAMED = {"control": "the half that counts", "planes": "brightness or colours"}  # run of a control -> what counts
CONTROLS = (  # of a control, compared: the other arm, a value, how both are told, and the value's unit
    ("wrong sentence", "psnr_named", "PSNR of that against the wrong sentence", " dB"),
    ("without text", "cost", "bits and λ times its error (a gain is below 0) against a codec without text", ""),
)
HIGHER, LOWER = "higher", "lower"  # with the own caption
BATCH = 8  # images that a caption is told apart from in training: recipes/train/taco-mini.yaml


@verdict("08_taco_ablations/taco_parameters")
def taco_parameters(table: pd.DataFrame) -> Verdict:
    """Table 3: parameters of the full size."""
    row = table.set_index("size").loc["full"] / 1e6
    text = f"backbone {row['backbone']:.2f}, adapter {row['adapter']:.2f}, text tower {row['text_tower']:.2f}"
    outcome = "agrees" if round(row["total"], 2) == TOTAL else "differs"
    return Verdict(outcome, f"{text}, in all {row['total']:.2f} million parameters, counted on the networks")


@verdict("08_taco_ablations/taco_parameters")
def taco_fewer_parameters(table: pd.DataFrame) -> Verdict:
    """C2: fewer parameters than HiFiC and MS-ILLM."""
    total = table.set_index("size").loc["full", "total"] / 1e6
    fewer = 100 * (1 - total / RIVALS)
    outcome = "agrees" if round(fewer) >= FEWER else "differs"
    return Verdict(outcome, f"{fewer:.0f} % fewer: {total:.2f} million counted, {RIVALS} million as published of both")


@verdict("08_taco_ablations/taco_cost")
def taco_cost(table: pd.DataFrame) -> Verdict:
    """Table 2 and C1: what the text adds to the encoder, in operations."""
    full = table[table["size"] == "full"]
    said = [f"{row.adapter:.1f} + {row.text_tower:.1f} % at {row.pixels}" for row in full.itertuples()]
    falls = full["adapter"].add(full["text_tower"]).is_monotonic_decreasing
    printed = f"as published {ENCODING[0]} and {ENCODING[1]} % of the time on the authors' machine"
    return Verdict(
        "under a reading" if falls else "differs", f"operations by adapter + text tower: {'; '.join(said)}; {printed}"
    )


@verdict("08_taco_ablations/taco_cost")
def taco_text_overhead(table: pd.DataFrame) -> Verdict:
    """Q3: whose most of the operations that the text adds to the encoder are, the text tower's or the adapter's."""
    full = table[table["size"] == "full"]
    shares = 100 * full["text_tower"] / (full["text_tower"] + full["adapter"])
    said = [f"{share:.0f} % at {pixels}" for share, pixels in zip(shares, full["pixels"], strict=True)]
    return Verdict(
        judge_parts(shares > 50), f"share of the text tower in what the text adds, in operations: {', '.join(said)}"
    )


@verdict("08_taco_ablations/taco_training")
def taco_joint_loss(table: pd.DataFrame) -> Verdict:
    """Eq. 7: whether its contrastive term got below what guessing among a batch comes to."""
    contrast = table["contrast"]
    guessing = np.log(BATCH)
    return Verdict(
        "measured",
        f"its contrastive term ends at {contrast.min():.1f} to {contrast.max():.1f} over {len(contrast)} trainings, "
        f"above the {guessing:.2f} of guessing among {BATCH} images at {int((contrast > guessing).sum())}",
    )


@verdict("taco_control/gains", "taco_control/trainings")
def taco_text_control(gains: pd.DataFrame, trainings: pd.DataFrame) -> Verdict:
    """Tasks that text alone decides: what the right sentence is worth, and whether the encoder can tell where it is."""
    said = []
    for run, named in NAMED.items():
        whole = gains[gains["model"].str.startswith(f"{run}/") & (gains["part"] == ALL)]
        parts = []
        for against, value, told, unit in CONTROLS:
            rows = whole[(whole["against"] == against) & (whole["value"] == value)]
            found = [
                f"{row.mean:+.4f} [{row.low:+.4f}, {row.high:+.4f}]{unit} on {row.images} of {row.dataset}"
                for row in rows.itertuples()
            ]
            parts.append(f"{told} by {', '.join(found)}")
        if len(whole):
            said.append(f"the sentence that names {named} changes {' and '.join(parts)}")
    left = trainings[trainings["model"].str.startswith("position/")]
    told = [f"{row.mse_other / row.mse:.2f}" for row in left.itertuples()]
    return Verdict(
        "measured",
        f"{'; '.join(said)}; where the left "
        f"half counts throughout, without text, squared error outside it is {', '.join(told)} times that within",
    )


@verdict("taco_control/caption_gains", "taco_control/contrast")
def taco_own_captions(table: pd.DataFrame, contrast: pd.DataFrame) -> Verdict:
    """The paper's comparison, both arms trained alike from the first step: what a picture's own caption is worth."""
    said, decided = [], False
    for (run, dataset, against), rows in table.groupby(["run", "dataset", "against"], sort=False):
        parts = []
        for value, name in (("cost", "what was trained for"), ("lpips", "LPIPS"), ("psnr", "PSNR")):
            cell = rows[rows["value"] == value]
            over = cell[cell["seed"] == ALL].iloc[0]
            each = ", ".join(f"{mean:+.4f}" for mean in cell.loc[cell["seed"] != ALL, "mean"])
            interval = f"[{over['low']:+.4f}, {over['high']:+.4f}]"
            parts.append(f"{name} {over['mean']:+.4f} {interval} (each seed: {each}; {over['verdict']})")
            decided |= over["verdict"] in (HIGHER, LOWER)
        said.append(f"{run} against {against} on {over['images']} of {dataset} {', '.join(parts)}")
    terms = contrast[["model", "contrast", "guessing"]].itertuples(index=False)
    ends = [f"{end:.1f} of {model} beside {guessing:.1f}" for model, end, guessing in terms]
    said.append(f"contrastive terms, of codecs without text too, beside guessing: {', '.join(ends)}")
    return Verdict("measured" if decided else "undecided", f"with a picture's own caption: {'; '.join(said)}")


@verdict("kodak/08_taco_ablations/taco_verdicts")
def taco_part(table: pd.DataFrame, variant: str) -> Verdict:
    """Fig. 9 to 11, A2 and C8: what the whole codec gains over a variant, by all of its judges."""
    rows = table[(table["worse"] == variant) & table["metric"].isin(PERCEPTUAL)]
    said = [
        f"{row.metric} {row.gap:+.4f} [{row.low:+.4f}, {row.high:+.4f}], between seeds {row.spread:.4f}"
        for row in rows.itertuples()
    ]
    return Verdict(
        outcome_of(rows["verdict"]), f"gain at equal rate on {rows['images'].iloc[0]} images: {'; '.join(said)}"
    )


@verdict("kodak/08_taco_ablations/taco_rates")
def taco_four_times(points: pd.DataFrame) -> Verdict:
    """C7: LPIPS more than four times worse without the adapter, and worse without the joint loss."""
    said, far = [], []
    for variant in ("without-adapter", "without-joint-loss"):
        times = _ratio_at_equal_rate(points, f"TACO {variant} (seed 0)", WHOLE, "lpips")
        said.append(f"{variant.replace('-', ' ')} {times:.2f} times")
        far.append(times > (TIMES if variant == "without-adapter" else 1))
    return Verdict(judge_parts(far), f"LPIPS of the whole codec at equal rate, one seed each: {', '.join(said)}")


def _ratio_at_equal_rate(points: pd.DataFrame, first: str, second: str, metric: str) -> float:
    """A mean of the first codec over that of the second, over images and the rates that both reach on each."""
    pairs = []
    for _, image in points.groupby("image"):
        both = [image[image["codec"] == codec] for codec in (first, second)]
        least, most = max(codec["bpp"].min() for codec in both), min(codec["bpp"].max() for codec in both)
        if least < most:
            rates = np.geomspace(least, most, RATES)[1:-1]  # the ends may leave the range by a rounding
            pairs.append([curves.interpolate(codec, metric, rates)["value"].mean() for codec in both])
    if not pairs:
        raise KeyError(f"{first} and {second} at a common rate")
    above, below = np.mean(pairs, axis=0)
    return float(above / below)


def _compare(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The whole codec's rows of `BESIDE`."""
    return table[(table["codec"] == WHOLE) & (table["metric"] == metric)]


@verdict(BESIDE)
def taco_on_kodak(table: pd.DataFrame) -> Verdict:
    """Fig. 7: perceptual distance lower than that of the rivals, and a PSNR near theirs."""
    said, outcomes = [], []
    for metric in ("lpips", "dists"):
        rows = _compare(table, metric)
        ahead = rows["high"] < 0
        outcomes.append(bool(ahead.all()))
        ratios = f"{rows['ratio'].min():.2f} to {rows['ratio'].max():.2f} times theirs"
        said.append(f"{metric} {ratios}, lower in {ahead.sum()} of {len(rows)} comparisons")
    psnr = _compare(table, "psnr")
    outcomes.append(psnr["difference"].min() >= -NEAR)
    said.append(f"PSNR {psnr['difference'].min():+.2f} to {psnr['difference'].max():+.2f} dB")
    outcome = judge_parts(outcomes)
    rivals = ", ".join(psnr["rival"].unique())
    return Verdict(outcome, f"at equal rate beside {rivals}, not the paper's rivals: {'; '.join(said)}")


@verdict(BESIDE)
def taco_psnr_near(table: pd.DataFrame) -> Verdict:
    """C5: PSNR within 1 dB of codecs for PSNR; here of the classical ones."""
    rows = _compare(table, "psnr")
    said = [
        f"{rival} {cell['difference'].min():+.2f} to {cell['difference'].max():+.2f} dB"
        for rival, cell in rows.groupby("rival", sort=False)
    ]
    near = rows["difference"] >= -NEAR
    return Verdict(judge_parts(near), f"at equal rate, against classical codecs: {', '.join(said)}")


@verdict(BESIDE)
def taco_best_lpips(table: pd.DataFrame) -> Verdict:
    """C4: the lowest LPIPS of all codecs; here of classical ones, none of which is made for it."""
    rows = _compare(table, "lpips")
    ahead = rows["high"] < 0
    said = [
        f"{rival} {', '.join(f'{ratio:.2f}' for ratio in cell['ratio'])}"
        for rival, cell in rows.groupby("rival", sort=False)
    ]
    outcome = "under a reading" if ahead.all() else judge_parts(ahead)
    return Verdict(outcome, f"LPIPS as a share of that of classical codecs at equal rate: {'; '.join(said)}")


@verdict("kodak/08_taco_ablations/taco_caption_sources")
def taco_captions(table: pd.DataFrame) -> Verdict:
    """Table 4 and C10: whether it matters whose caption the encoder reads, and whether any."""
    first, others = table["source"].iloc[0], table[table["source"] != table["source"].iloc[0]]
    said = [
        f"{row.source} ({row.setting}) {row.lpips_difference:+.5f} [{row.lpips_low:+.5f}, {row.lpips_high:+.5f}]"
        for row in others.itertuples()
    ]
    machine = others[others["source"].str.startswith("nearest-words")]
    if machine.empty:
        raise KeyError("nearest-words")
    equal = (machine["lpips_low"] <= 0) & (machine["lpips_high"] >= 0)
    return Verdict(judge_parts(equal), f"LPIPS against captions as {first}: {'; '.join(said)}")


@verdict("kodak/08_taco_ablations/taco_caption_similarity")
def taco_captions_kept(table: pd.DataFrame) -> Verdict:
    """Table 1 and C9: captions kept better than by a codec for PSNR, at equal rate."""
    ours = table[table["codec"] == WHOLE].sort_values("bpp")
    said, ahead = [], []
    for rival, cell in table[table["codec"] != WHOLE].groupby("codec", sort=False):
        cell = cell.sort_values("bpp")
        theirs = np.interp(np.log(ours["bpp"]), np.log(cell["bpp"]), cell["cider_d"], np.nan, np.nan)
        for (_, row), value in zip(ours.iterrows(), theirs, strict=True):
            said.append(f"{row['cider_d']:.2f} [{row['low']:.2f}, {row['high']:.2f}] and {value:.2f} of {rival}")
            ahead.append("agrees" if row["low"] > value else "differs" if row["high"] < value else "undecided")
    outcome = ahead[0] if len(set(ahead)) == 1 else "partly" if "agrees" in ahead else "undecided"
    return Verdict(outcome, f"CIDEr-D by the stand-in captioner at equal rate: {'; '.join(said)}")
