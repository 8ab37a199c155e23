"""Verdicts on the hull of rate and fidelity and the operating points as files: notebook 06, measured on BSDS500."""

import math

import pandas as pd

from smicnb.codec.rate import POINTS
from smicnb.compare.images import floors
from smicnb.compare.verdicts import UNDECIDED, judge_parts
from smicnb.studies.committed import Tables, Verdict, count_rises, verdict
from smicnb.studies.frontier.point_files import file_bits
from smicnb.studies.frontier.sweep import PARAMETERS

N = 10000  # by whose hull Sec. V-C selects
FIDELITY = 0.8  # at which rates are told


def _hull(tables: Tables, split: str, accounting: str, n: float) -> pd.DataFrame:
    table = tables("bsds500/06_rsf_convex_hull/fig13_hulls" + ("_heldout" if split == "heldout" else ""))
    hull = table[(table["accounting"] == accounting) & (table["n"] == n)]
    if hull.empty:
        raise KeyError(f"{accounting}, n = {n}")
    return hull


def _files(tables: Tables, coding: str, n: float) -> pd.DataFrame:
    """The files at the settings of the collection's hull for n, with the bits of an image at n; both splits."""
    files = tables("bsds500/06_rsf_convex_hull/fig13_files")
    files = files[files["accounting"] == coding]
    chosen = pd.MultiIndex.from_frame(_hull(tables, "train", coding, n)[list(PARAMETERS)])
    files = files.assign(bits=file_bits(files, n))
    return files[pd.MultiIndex.from_frame(files[list(PARAMETERS)]).isin(chosen)]


def _cheapest(points: pd.DataFrame, fidelity: float = FIDELITY) -> float:
    return float(points.loc[points["latent_cosine"] >= fidelity, "bits"].min())


@verdict()
def hull(tables: Tables) -> Verdict:
    """Fig. 13: bits of an image in the cheapest file of each hull that keeps a fidelity."""
    parts = []
    for split, label in (("train", "the collection"), ("heldout", "held-out images")):
        bits = [_cheapest(_hull(tables, split, "as printed", N))]
        for coding in ("tuple", "entropy"):
            files = _files(tables, coding, N)
            bits.append(_cheapest(files[files["split"] == split]))
        parts.append(f"{label} {bits[0]:.1f}, {bits[1]:.0f} and {bits[2]:.0f}")
    return Verdict(
        "measured",
        f"least bits of an image that keep a latent cosine of {FIDELITY:g}, n = {N}, settings of the collection's "
        f"hull, as printed, in a file of tuples and in an entropy-coded file: {'; '.join(parts)}",
    )


@verdict("bsds500/06_rsf_convex_hull/parameter_ranking", "bsds500/06_rsf_convex_hull/parameter_importance")
def importance(table: pd.DataFrame, moves: pd.DataFrame) -> Verdict:
    """Whether λ matters more than n_a, that more than b_coef, and that more than b_dict."""
    files = table[table["accounting"].isin(["tuple", "entropy"])]
    printed = table[table["accounting"] == "as printed"]
    held = [int(part["as_claimed"].astype(str).eq("True").sum()) for part in (files, printed)]
    above = int(files["as_claimed_above"].astype(str).eq("True").sum())
    moves = moves[moves["accounting"].isin(["tuple", "entropy"])]
    moves = moves.pivot(index=["split", "accounting", "n"], columns="parameter", values="changes")[list(PARAMETERS)]
    most = int((moves.idxmax(axis=1) == PARAMETERS[0]).sum())
    walked = int((moves.diff(axis=1).iloc[:, 1:] < 0).all(axis=1).sum())
    first = int(files["order_above"].str.startswith("n_atoms").sum())
    common = files["order"].value_counts()
    losses = files[list(PARAMETERS)].mean()
    order = " > ".join(losses.sort_values(ascending=False).index)
    outcome = "agrees" if walked == len(moves) else "partly" if walked or most > len(moves) / 2 else "differs"
    return Verdict(
        outcome,
        f"walking along the hull, as the paper does, λ changes most often on {most} of {len(moves)} hulls of files (at "
        f"{100 * moves[PARAMETERS[0]].mean():.0f} % of the steps), and the four change in the paper's order on "
        f"{walked}; by what a hull loses when one parameter is held at its best value the order is the paper's on "
        f"{held[0]} of {len(files)} hulls of files and on {held[1]} of {len(printed)} of the printed accounting; "
        f"most often "
        f"({common.iloc[0]} of {len(files)}) it is {common.index[0]}, by mean loss {order}; over the rates that all "
        f"values reach n_atoms comes first on {first}, and the order is the paper's on {above}",
    )


@verdict("bsds500/06_rsf_convex_hull/parameter_effects")
def penalty(table: pd.DataFrame) -> Verdict:
    """Whether fidelity falls as λ grows; of the paper's metrics only the latent cosine is judged."""
    rows = table[(table["varied"] == "penalty") & (table["split"] == "heldout")]
    falls = steps = 0
    for _, line in rows.groupby("n_atoms"):
        cosines = line.sort_values("penalty")["latent_cosine"]
        falls, steps = falls + count_rises(-cosines), steps + len(cosines) - 1
    ends = rows[rows["n_atoms"] == rows["n_atoms"].max()].sort_values("penalty")["latent_cosine"].iloc[[0, -1]]
    return Verdict(
        "partly" if falls else "differs",
        f"the latent cosine of held-out images falls at {falls} of {steps} steps of λ, with the most atoms from "
        f"{ends.iloc[0]:.3f} to {ends.iloc[1]:.3f}; other metrics were not swept",
    )


@verdict("bsds500/06_rsf_convex_hull/parameter_effects")
def coarse(table: pd.DataFrame) -> Verdict:
    """How much of a held-out latent coarse quantisers keep."""
    rows = table[(table["varied"] == "bits") & (table["split"] == "heldout")]
    cosine = rows.set_index(["b_coef", "b_dict"])["latent_cosine"]
    finest = float(cosine.loc[cosine.index.max()])
    kept = [float(cosine.loc[bits, bits]) for bits in (8, 4, 2, 1)]
    outcome = "agrees" if kept[2] > 0.9 * finest else "partly" if kept[1] > 0.9 * finest else "differs"
    values = ", ".join(f"{value:.3f} with {bits}" for value, bits in zip(kept, (8, 4, 2, 1), strict=True))
    return Verdict(
        outcome, f"latent cosine {finest:.3f} with 16 bits for coefficients and dimensions of atoms alike, {values}"
    )


@verdict()
def full_range(tables: Tables) -> Verdict:
    """Whether the hulls' settings move with n and reach both ends of every parameter's range."""
    sizes = sorted(tables("bsds500/06_rsf_convex_hull/fig13_hulls")["n"].unique())
    hulls = {n: _hull(tables, "train", "entropy", n) for n in sizes}
    everything = tables("bsds500/06_rsf_convex_hull/parameter_effects")
    parts, whole = [], []
    for name in PARAMETERS:
        used = pd.concat(hulls.values())[name]
        ends = everything[name].min(), everything[name].max()
        whole.append(set(used) >= set(ends))
        parts.append(f"{name} {used.min():g} to {used.max():g} (of {ends[0]:g} to {ends[1]:g})")
    first, last = (set(map(tuple, hulls[n][list(PARAMETERS)].to_numpy())) for n in (sizes[0], sizes[-1]))
    moves = f"{len(first & last)} of {len(last)} settings at n = ∞ are also on the hull at n = {sizes[0]:.0f}"
    outcome = "agrees" if all(whole) and first != last else "partly" if first != last else "differs"
    return Verdict(outcome, f"on the hulls of the entropy-coded collection: {', '.join(parts)}; {moves}")


@verdict("bsds500/06_rsf_convex_hull/parameter_effects")
def higher_is_better(table: pd.DataFrame) -> Verdict:
    """Sec. V-C: the higher a parameter but λ, the better; on held-out images."""
    table = table[table["split"] == "heldout"]
    parts, rising = [], []
    for name, varied in (("n_atoms", "penalty"), ("b_coef", "bits"), ("b_dict", "bits")):
        rows = table[table["varied"] == varied]
        others = [other for other in PARAMETERS if other != name]
        lines = [line.sort_values(name)["latent_cosine"] for _, line in rows.groupby(others)]
        rises, steps = sum(map(count_rises, lines)), sum(len(line) - 1 for line in lines)
        worst = min(float(line.diff().min()) for line in lines)
        parts.append(f"{name} at {rises} of {steps} steps (largest fall {max(0.0, -worst):.2f})")
        rising.append(rises == steps)
    return Verdict(judge_parts(rising), f"the latent cosine of held-out images rises with {', '.join(parts)}")


@verdict("bsds500/06_rsf_convex_hull/table2_metrics")
def low_loses(table: pd.DataFrame) -> Verdict:
    """Sec. V-D: that low loses what is important; what it keeps of a latent and of the picture."""
    held = table[table["split"] == "heldout"]
    parts, lost = [], []
    for metric in ("latent_cosine", "image_cosine"):
        low, whole = (
            held[(held["metric"] == metric) & (held["model"] == name)].iloc[0] for name in ("low", "no codec")
        )
        parts.append(
            f"{metric.replace('_', ' ')} {low['mean']:.2f} [{low['low']:.2f}, {low['high']:.2f}] of {whole['mean']:.2f}"
        )
        lost.append(low["high"] < whole["low"])
    return Verdict(judge_parts(lost), f"on held-out images low keeps {', '.join(parts)} without a codec")


@verdict("bsds500/06_rsf_convex_hull/table2_metrics", "bsds500/06_rsf_convex_hull/table2")
def models_rank(metrics: pd.DataFrame, table2: pd.DataFrame) -> Verdict:
    """Table II: whether image cosine rises from low to medium to high, as the printed CC does."""
    rows = metrics[(metrics["split"] == "heldout") & (metrics["metric"] == "image_cosine")].set_index("model")
    means = rows.loc[["low", "medium", "high", "no codec"]]
    cells = [f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" for _, row in means.iterrows()]
    apart = [means["low"].iloc[k + 1] > means["high"].iloc[k] for k in range(2)]
    outcome = judge_parts(apart, UNDECIDED)
    published = list(table2["CC as published"].astype(str))
    return Verdict(
        outcome,
        f"image cosine on held-out images {', '.join(cells[:3])} for low, medium, high, {cells[3]} uncoded; CC as "
        f"published {', '.join(published[:3])}, {published[3]} for single-item coding",
    )


@verdict("bsds500/05_rate_model/table3_gain")
def gains_of_files(table: pd.DataFrame) -> Verdict:
    """Table III: gains and break-even sizes of files that were read back, beside the printed ones."""
    parts, same = [], []
    for model in ("low", "medium", "high"):
        rows = table[table["row"] == model].set_index("column")
        gains, sizes = (rows.loc[column] for column in ("n = inf", "n*"))
        ours = [float(gains[f"file (entropy), {split}"]) for split in ("train", "heldout")]
        even = [float(sizes[f"file (entropy), {split}"]) for split in ("train", "heldout")]
        never = ["never" if math.isinf(size) else f"{size:.0f}" for size in even]
        same.append(float(gains["as published"]) <= ours[0])
        parts.append(
            f"{model} {ours[0]:.1f} and {ours[1]:.1f} (as published {gains['as published']:g}), n* {never[0]} and "
            f"{never[1]} (as published {sizes['as published']:g})"
        )
    return Verdict(
        judge_parts(same),
        "gain of entropy-coded files of 384-dimensional latents over the 708 bits published for 768 dimensions, "
        f"without the dictionary, collection and held-out: {'; '.join(parts)}",
    )


@verdict()
def medium_trades(tables: Tables) -> Verdict:
    """Where medium lies between low and high, in held-out bits and fidelity, on files."""
    files = tables("bsds500/06_rsf_convex_hull/model_files")
    metrics = tables("bsds500/06_rsf_convex_hull/table2_metrics")
    held = files[(files["split"] == "heldout") & (files["coding"] == "entropy")].set_index("model")
    bits = held["payload_bits"] + held["index_bits"]
    rows = metrics[(metrics["split"] == "heldout") & (metrics["metric"] == "latent_cosine")].set_index("model")
    shares = [f"{name} {bits[name]:.0f} bits, {rows.loc[name, 'mean']:.3f}" for name in ("low", "medium", "high")]
    files = _files(tables, "entropy", math.inf)
    files = files[files["split"] == "heldout"].assign(bits=lambda some: some["payload_bits"] + some["index_bits"])
    cheapest = _cheapest(files, rows.loc["medium", "mean"])
    found = "none" if math.isnan(cheapest) else f"the cheapest takes {cheapest:.0f}"
    return Verdict(
        "measured",
        f"bits of a held-out image and its latent cosine: {'; '.join(shares)}; of the hull's files with medium's "
        f"fidelity, whose dictionaries are learned at another λ than medium's, {found}",
    )


@verdict("bsds500/06_rsf_convex_hull/table2_floors")
def floors_of_models(table: pd.DataFrame) -> Verdict:
    """Table II between floors and a ceiling: what the three models keep beside the number of a gallery photograph."""
    return Verdict(
        floors.judge_floor(table), f"the paper's models, held-out BSDS500, {floors.tell_briefly(table, list(POINTS))}"
    )
