"""Every number that docs/results.md tells before "Paper by paper" comes from a committed table under figures/, and so
do its verdicts: a function for each finding. What follows there is written by a tool."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from claims import Page

from smicnb.compare.images import curves
from smicnb.compare.images.ablations import ALL
from smicnb.semantics.metrics.intervals import upper_hull

ROOT = Path(__file__).resolve().parent.parent
RESULTS = (ROOT / "docs/results.md").read_text(encoding="utf-8").partition("## Paper by paper")[0]
NAMED = (r"Eq\. 1[234](?!\d)", r"U\(−2, 2\)")  # equations of one paper, a distribution of another
WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
THREE, RATIO, RECALL = "{:.2f}, {:.2f} and {:.2f}", "{:.2f} [{:.2f}, {:.2f}]", "{:.3f} [{:.3f}, {:.3f}]"
TIMES, LESS, MEAN = ["times", "times_low", "times_high"], ["difference", "low", "high"], ["mean", "low", "high"]
RATES, IMPORTANCE = "bsds500/05_rate_model", "bsds500/06_rsf_convex_hull"
KODAK, TACO, SIC = "kodak/07_sota_comparison", "kodak/08_taco_ablations", "kodak/09_sic_ablations"
BEYOND, RETRIEVAL = "10_beyond_the_paper", "11_retrieval"
ONE_FILE, TWIN = "SIC one-sample (seed 0)", "SIC twin (seed 0)"
INTRA, SMIC, INDEX = "CLIP-intra [21]", "SMIC, entropy coded", "gallery index"
BEST, FOR_COSINE, MADE = "best of all rivals", "ours, best of three", "best made for search, without our prior"
UNDECIDED = "not decidable at this size"  # of a statement on parts of a codec


def table(name, *index, **where):
    """A committed table: the rows whose columns have these values, sorted by an index."""
    rows = pd.read_csv(ROOT / "figures" / f"{name}.csv")
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows.set_index(list(index)).sort_index() if index else rows


def beside_table(name):
    """What is told beside a table: its caption, and the parameters that it was made with."""
    return json.loads((ROOT / "figures" / f"{name}.json").read_text(encoding="utf-8"))


def count(name, pattern):
    """A whole number of a table's caption."""
    return int(re.search(pattern, beside_table(name)["caption"])[1])


def spaced(number):
    return f"{number:,.0f}".replace(",", " ").replace("inf", "never")


def alike(values, spec=""):
    """What several numbers are as printed, which is one."""
    (text,) = {format(value, spec) for value in values}
    return text


def above(value, digits):
    """The next number of so few digits, which the value is less than."""
    return np.ceil(value * 10**digits) / 10**digits


def published_bits():
    return table(f"{KODAK}/sota_table4", "competitor", rate="as published").loc["Clip intra [21]", "bits"]


def images_of_medium():
    """From so many images on, medium is cheaper on Kodak than one bit a dimension."""
    return spaced(table(f"{KODAK}/sota_table4", "competitor").loc[INTRA, "n* of records, medium"])


def finding_learned_atoms(page):
    name = "bsds500/03_reconstruction/atoms_against_baselines"
    held = table(name, "against", "metric", "n_atoms", split="heldout")
    latent = held.loc[("pca", "latent_cosine")]
    ahead, behind, undecided = (
        latent.index[latent["verdict"] == verdict] for verdict in ("learned ahead", "learned behind", "undecided")
    )
    first, last = behind[0], behind[-1]
    assert behind.tolist() == latent.loc[first:].index.tolist()
    page.says("beat random photographs as atoms, and from {} on not PCA", first)
    page.says("On {} held-out images of BSDS500, at the", alike(held["images"]))
    page.says("at the paper's λ = {}, learned atoms", beside_table(name)["parameters"]["penalty"])
    page.says("behind PCA with as many vectors from n_a = {} on, by", first)
    page.says("on, by {:.2f} at {}, not told apart", -latent.loc[last, "mean"], last)
    most = above(latent.loc[ahead, "mean"].max(), 2)
    page.says("not told apart at {} and {}, and ahead at {} and {}, by less than {};", *undecided, *ahead, most)
    page.says("in image cosine they are ahead of PCA at no n_a. They are ahead of random photographs in both at every")
    assert "learned ahead" not in set(held.loc[("pca", "image_cosine"), "verdict"])
    latent = held.loc[("pca, debiased codes", "latent_cosine")]
    ahead, behind = (latent.index[latent["verdict"] == f"learned {side}"] for side in ("ahead", "behind"))
    assert behind.tolist() == latent.loc[behind[0] :].index.tolist()
    page.says("with debiased codes they are behind PCA in latent cosine from {} on", behind[0])
    page.says("from {} on, by {:.2f} at {}, and ahead at", behind[0], -latent.loc[last, "mean"], last)
    page.says("and ahead at {}, {} and {} (figure", *ahead)
    assert set(held.loc["exemplars", "verdict"]) == {"learned ahead"}


def finding_rate_model(page):
    gains = table(f"{RATES}/table3_gain", "row", "column")
    page.says("*medium* gains {:.1f} instead of {}", *gains.loc[("medium", "n = inf"), ["corrected", "as published"]])
    page.says("over the {:.0f} bits published for single-item coding", published_bits())
    page.says("with the coefficients that held-out images of BSDS500 have, that code never pays back")
    assert gains.loc[("medium", "n*"), "corrected, P of heldout"] == float("inf")
    assert gains[gains["digits"] >= 3]["deviation %"].abs().max() <= 0.4
    page.says("charges *low* and *medium* less than a byte")
    printed = table(f"{RATES}/rate_models", "model")["R(z) as printed"]
    assert set(printed.index[printed < 8]) == {"low", "medium"}


def finding_linearity(page):
    name = "bsds500/01_clip_linearity/linearity_wins"
    wins = table(name)
    by = wins.groupby(["operation", "against"])
    ahead = by[["verdict", "specific_verdict"]].agg(lambda column: sum(column == "concept ahead"))
    factors = alike(by["factor"].nunique())
    (there, both), random = ahead.loc[("add", "third")], ahead.loc[("add", "random")]
    page.says("on {} pairs of BSDS500 each", alike(wins["pairs"]))
    page.says("brings x₂ into the picture at {} of {} λ, and at {} both x₁ and x₂ are there", there, factors, both)
    page.says("both x₁ and x₂ are there (against a random latent, at {} and {}).", *random)
    away = ahead.loc["remove"]
    page.says("takes x₂ away at {} of {}, but at none more of x₂", away.loc["third", "verdict"], factors)
    page.says("than of x₁ (against a random latent, at {} and none)", away.loc["random", "verdict"])
    assert set(away["specific_verdict"]) == {0}
    page.says("the scenes of both images, {} % for all λ together", count(name, r"(\d+) % for all λ together"))


def finding_separation(page):
    rows = table("bsds500/04_semantic_separation/separation_verdicts").set_index("by")
    learned, random = rows.loc["learned atoms"], rows.loc["random subspace"]
    page.says(f"both of the paper's statements hold, by {RATIO} and {RATIO} in rank", *learned[LESS].stack())
    page.says("does not show ({:.2f} and {:.2f}, both undecided)", *random["difference"].abs())
    assert (set(learned["verdict"]), set(random["verdict"])) == ({"holds"}, {"undecided"})
    assert (learned["low"].to_numpy() > random["high"].to_numpy()).all()


def finding_medium_in_files(page):
    gains, n, published = table(f"{RATES}/table3_gain", "row", "column"), 1000, published_bits()
    files = gains["file (entropy), heldout"]
    gain, of_many, first = files["medium"][["n = inf", f"n = {n}", "n*"]]
    page.says("In files, medium gains {:.1f}, not {}.", gain, gains.loc[("medium", "n = inf"), "as published"])
    cosine = float(table(f"{IMPORTANCE}/table2", "model").loc["medium", "latent cosine, held-out"].split()[0])
    rows = table(f"{IMPORTANCE}/model_files", "coding", model="medium", split="heldout")
    coded, tuples = rows[["payload_bits", "index_bits"]].sum(axis=1)[["entropy", "tuple"]]
    page.says("at a latent cosine of {:.2f}, an entropy-coded image of *medium* takes {:.0f} bits", cosine, coded)
    page.says("bits in its file, as tuples {:.0f} (", tuples)
    coders = ["paper's, entropy coded", "paper's tuples"]
    rounded = table(f"bsds500/{BEYOND}/beyond_rates", "coder", "latent_cosine").loc[coders, "payload_bits"]
    rounded = rounded.unstack("coder")[coders].iloc[-1]  # at the λ of medium, as at its atoms and bits
    page.says(
        "(coefficients rounded, not searched: {:.0f} and {:.0f} at {:.2f}, without index)", *rounded, rounded.name
    )
    page.says("gains {:.1f} over the {:.0f} bits that were published for single-item coding where no", gain, published)
    page.says("{:.2f} where {} images share it, and is cheaper from {:.0f} images on, *high* never", of_many, n, first)
    assert files["high", "n*"] == float("inf")
    page.says("The published {:.0f} bits flatter *medium*", published)
    page.says("our latents have {} dimensions", count(f"{RATES}/table3_gain", r"latents of (\d+) dimensions"))
    claim = table(f"{RATES}/rate_contradictions", "no").loc["9", "claim as published"]
    page.says("dimensions, the published rate is for {}", re.search(r"ViT-L/14 of (\d+) dimensions", claim)[1])
    shown = table(f"{KODAK}/sota_floors", "shown")["image_cosine"]
    assert images_of_medium() == "never"
    page.says("one bit a dimension, *medium* never pays back on Kodak, at an image cosine of")
    page.says("at an image cosine of {:.2f} against {:.2f}, where one byte", *shown[[SMIC, INTRA]])
    page.says("where one byte, the number of a gallery's photograph, keeps {:.2f}", shown[INDEX])


def finding_entropy_coding(page):
    n, cosine = 10_000, 0.8
    hulls = table(f"{IMPORTANCE}/fig13_hulls_heldout", n=n).query("latent_cosine >= @cosine")
    hull = hulls.groupby("accounting")["bits"].min()
    page.says("the collection's hull for {} images, an image keeps a latent cosine of {} at", spaced(n), cosine)
    page.says("at {:.0f} bits as tuples and at {:.0f} entropy-coded, its share", *hull[["tuple", "entropy"]])
    page.says("The printed accounting says {:.1f} for a cosine of {}", hull["as printed"], cosine)
    coders = ["paper's tuples", "paper's, entropy coded"]
    rows = table(f"bsds500/{BEYOND}/beyond_rates", "coder", "latent_cosine").loc[coders]
    page.says("not counted, {} atoms take", alike(rows["setting"].str.split(" atoms ").str[0]))
    bits = rows["payload_bits"].unstack("coder")[coders]
    (low, at_low), *_, (high, at_high) = bits.iterrows()
    page.says("atoms take {:.0f} and {:.0f} bits at {:.2f}", *at_high, high)
    page.says("and {:.0f} and {:.0f} at {:.2f} (table)", *at_low, low)
    left = sorted(coded / tuples for tuples, coded in (hull[["tuple", "entropy"]], at_low, at_high))
    least, most = (WORDS[round(10 * (1 - share))] for share in (left[-1], left[0]))
    page.says(f"Entropy coding takes {least} to {most} tenths off the text's tuples.")


def finding_order_of_importance(page):
    files = "accounting in ['tuple', 'entropy']"
    rows = table(f"{IMPORTANCE}/parameter_importance").query(files)
    changes = rows.pivot(index=["split", "accounting", "n"], columns="parameter", values="changes")
    changes = changes[["penalty", "n_atoms", "b_coef", "b_dict"]]  # as the paper orders them
    lost = table(f"{IMPORTANCE}/parameter_ranking").query(files)
    first, above_all = (lost[column].str.split(" > ").str[0].value_counts() for column in ("order", "order_above"))
    most = changes.idxmax(axis=1).value_counts()
    page.says("along {} hulls of files, λ changes most often on {}, as the paper says;", len(changes), most["penalty"])
    page.says("the order λ ≫ n_a > b_coef ≫ b_dict is that of changes on none. By what a hull loses it is the order on")
    assert not (changes.diff(axis=1).iloc[:, 1:] < 0).all(axis=1).any()
    page.says("By what a hull loses it is the order on none either: held at its best value, the number of atoms costs")
    assert not lost["as_claimed"].any()
    page.says("the number of atoms costs most on all {};", first["n_atoms"])
    assert first["n_atoms"] == len(lost) == len(changes)
    page.says("over the rates that every value reaches, n_a on {} and λ on {}", *above_all[["n_atoms", "penalty"]])
    page.says("and the order holds on {} (figure", sum(lost["as_claimed_above"]))


def finding_text_of_taco(page):
    rows = table(f"{TACO}/taco_verdicts", "worse", "metric")
    text = rows.loc["without-adapter"].loc[["lpips", "lpips_vgg", "dists"]]
    page.says("Whether text helps TACO as shipped is undecided at the small size; trained with")
    assert set(text["verdict"]) == {UNDECIDED}
    assert (text["gap"].abs() < text["spread"]).all()
    assert ((text["low"] < 0) & (text["high"] > 0)).all()
    page.says(f"On the {{}} Kodak images, {WORDS[int(alike(text['seeds']))]} seeds each", alike(rows["images"]))
    lpips, others = text["gap"].iloc[0], alike(text["gap"].iloc[1:], "+.3f")
    page.says("differ at equal rate by {:+.3f} in LPIPS, {} in LPIPS on VGG and in DISTS (positive", lpips, others)
    page.says("(positive where text helps), all within the intervals and the spread over seeds")
    captions = table(f"{TACO}/taco_caption_sources").set_index("source")["lpips_difference"]
    most = captions[["another image's", "shuffled words", "none"]].abs().max()
    page.says("another image's caption, shuffled words or none move LPIPS by less than {:.3f}", above(most, 3))
    gains = table("taco_control/gains", "model", "part", "against", "value", "dataset")
    datasets = ["bsds500/heldout", "kodak"]
    planes, halves = (gains.loc[f"{run}/low/0"] for run in ("planes", "control"))
    seen = planes.loc[("all", "wrong sentence", "psnr_named")].loc[datasets]
    said = (
        "of what counts is {} dB on the {{}} held-out photographs of BSDS500",
        "and {} dB on the {{}} Kodak images,",
    )
    for (_, row), sentence in zip(seen.iterrows(), said, strict=True):
        page.says(sentence.format("{:+.1f} [{:+.1f}, {:+.1f}]"), *row[MEAN], int(row["images"]))
    fewer = -planes.loc[("colours", "wrong sentence", "bpp"), "mean"][datasets]
    page.says("smaller by {:.3f} and {:.3f} bits per pixel where colours count than where brightness does", *fewer)
    cost = planes.loc[("all", "without text", "cost")].loc[datasets, MEAN]
    page.says("a codec without text: {:+.3f} [{:+.3f}, {:+.3f}] and {:+.3f} [{:+.3f}, {:+.3f}].", *cost.stack())
    assert (cost["high"] > 0).all()
    seen = halves.loc[("all", "wrong sentence", "psnr_named")].loc[datasets, MEAN]
    for (_, row), where in zip(seen.iterrows(), ("BSDS500 and", "Kodak, and"), strict=True):
        page.says(f"by {{:+.4f}} [{{:+.4f}}, {{:+.4f}}] dB on {where}", *row)
    away = halves.loc[("all", "without text", "psnr_named"), "mean"][datasets]
    page.says("against the codec without text by {:.2f} and {:.2f} dB", *away)
    left = table("taco_control/trainings", "model").loc["position/low/0"]
    page.says("it leaves the other {:.1f} times the squared error", left["mse_other"] / left["mse"])
    gains = table("taco_control/caption_gains", "against", "seed", "value", "dataset", run="full")
    behind, own = (gains.loc[(of, "all")] for of in ("without text", "another image's caption"))
    weight = table("taco_control/trainings", "model").loc["full/low/0", "lambda"]
    page.says("equal (λ {}, two seeds)", weight)
    said = behind.loc["cost"].loc[datasets, MEAN].stack()
    page.says("trained for by {:.3f} [{:.3f}, {:.3f}] on BSDS500 and {:.3f} [{:.3f}, {:.3f}] on Kodak", *said)
    fewer = [*-behind.loc["bpp", "mean"][datasets], *-behind.loc["psnr", "mean"][datasets]]
    page.says("with {:.3f} and {:.3f} bits per pixel fewer and {:.2f} and {:.2f} dB less;", *fewer)
    worth = -own.loc["cost"].loc[datasets, MEAN[:1] + MEAN[:0:-1]].stack()
    page.says("own caption is worth {:.4f} [{:.4f}, {:.4f}] and {:.4f} [{:.4f}, {:.4f}] of that", *worth)
    assert behind.loc["cost", "verdict"][datasets].tolist() == ["higher", "higher"]
    page.says("on Kodak, decided on both,")
    assert own.loc["cost", "verdict"][datasets].tolist() == ["lower", "undecided"]
    page.says("of that against another image's, decided on BSDS500 alone;")
    ends = table("taco_control/contrast", "model").loc[["full/low/0", "full/low/1"]]
    page.says("contrastive term ends at {:.1f} and {:.1f}, where", *ends["contrast"])
    page.says("where guessing comes to {}", alike(ends["guessing"], ".1f"))
    scaled = table("taco_control/contrast", "model").loc["full-code-scale/low/0"]
    page.says("(one seed) the term ends at {:.1f}, below guessing", scaled["contrast"])
    assert scaled["above"] < 0 < (ends["contrast"] - ends["guessing"]).min()
    one = table("taco_control/caption_gains", "value", "seed", "dataset", run="full-code-scale")
    assert set(one["against"]) == {"another image's caption"}
    cost = one.loc[("cost", "all")].loc[datasets]
    worth = -cost[MEAN[:1] + MEAN[:0:-1]].stack()
    page.says("worth {:.4f} [{:.4f}, {:.4f}] on BSDS500 and {:.4f} [{:.4f}, {:.4f}] on Kodak against another", *worth)
    assert set(cost["verdict"]) == {UNDECIDED}
    page.says("With one seed each, by our rule, neither joint loss, TGIC's module nor the frozen base model")
    alone = rows.loc[["without-joint-loss", "tgic", "frozen-base"]]
    assert (set(alone["seeds"]), set(alone["verdict"])) == ({1}, {UNDECIDED})
    page.says("the frozen base model ({:.2f} in LPIPS behind)", rows.loc[("frozen-base", "lpips"), "gap"])


def finding_small_codec(page):
    sizes = table("08_taco_ablations/taco_parameters", "size").loc["mini"] / 1e6
    page.says("A codec of {:.1f} million weights, and a text tower", sizes["backbone"] + sizes["adapter"])
    page.says("and a text tower of {:.1f} million at the encoder", sizes["text_tower"])
    rows = table(f"{TACO}/taco_beside", "metric", "rival", "bpp", codec="TACO full (seed 0)").drop("JPEG XL", level=1)
    low, high = rows.loc[("lpips", "JPEG")].index
    page.says("At {:.2f} and {:.2f} bits per pixel on Kodak its LPIPS is", low, high)
    ratio, behind = rows.loc["lpips", "ratio"], -rows.loc["psnr", "difference"]
    vvenc, avif = alike(behind["VVenC intra"], ".0f"), alike(behind["AVIF"], ".1f")
    page.says("is {:.2f} and {:.2f} of VVenC's at equal rate, {} dB behind", *ratio["VVenC intra"], vvenc)
    page.says("dB behind, {:.2f} and {:.2f} of AVIF's, {} dB behind, and", *ratio["AVIF"], avif)
    page.says("and {:.2f} and {:.2f} of JPEG's, with {:.1f} and {:.1f} dB more.", *ratio["JPEG"], *-behind["JPEG"])
    page.says("DISTS and LPIPS on VGG, which were not trained on, see no difference from VVenC, AVIF or x265 there")
    others = rows.loc[["dists", "lpips_vgg"]].drop("JPEG", level="rival")
    assert set(others.index.get_level_values("rival")) == {"VVenC intra", "AVIF", "x265 intra"}
    assert ((others["low"] < 0) & (others["high"] > 0)).all()


def finding_latents(page):
    bsds, kodak = (table(f"{of}/{BEYOND}/beyond_checks", "against", "latent_cosine") for of in ("bsds500", "kodak"))
    best, n, times = bsds.loc[f"{BEST}, payload"], 1000, bsds["times"]
    page.says("The same latents in an eighth fewer bits than the strongest of all rivals, on BSDS500.")
    assert (1 - 1 / best["times"] - 1 / 8).abs().max() < 0.01
    rates = table(f"bsds500/{BEYOND}/beyond_rates").set_index("coder")
    papers = rates.loc["paper's tuples"].set_index("latent_cosine")["setting"].str.split("λ ").str[1]
    page.says("the paper's code at λ = {}, {} and {} ({:.2f}, {:.2f}, {:.2f})", *papers[best.index], *best.index)
    page.says(f"given our prior, takes {RATIO}, {RATIO} and {RATIO} times our", *best[TIMES].stack())
    page.says("times our {:.0f}, {:.0f} and {:.0f} bits an image", *best["our_bits"])
    page.says("the best of all rivals, which are scalars given our prior, takes")
    assert set(best["strongest"]) == {"KLT, dead zone, given the prior"}
    today = times["best of OPQ, LSQ, RaBitQ, TurboQuant, payload"]
    page.says(f"the best of OPQ, LSQ, RaBitQ and TurboQuant {THREE} times", *today)
    page.says(f"(entropy coded, coefficients refitted) {THREE}, its", *times["paper's code at its best, payload"])
    page.says(f"its tuples {THREE}.", *times["paper's tuples, payload"])
    page.says("all that a collection of {} sends, the best of all rivals takes", n)
    page.says(f"sends, the best of all rivals takes {THREE} times our bits.", *times[f"{BEST}, n = {n}"])
    best = kodak.loc[f"{BEST}, payload"]
    page.says("(cosines {:.2f}, {:.2f}, {:.2f}), the best of all rivals takes", *best.index)
    page.says(f"rivals takes {RATIO} and {RATIO} times our bits, both undecided, and {RATIO}; of", *best[TIMES].stack())
    assert ((best["times_low"] < 1) & (best["times_high"] > 1)).tolist() == [True, True, False]
    page.says(f"of {{}} images {THREE}. On held-out", n, *kodak.loc[f"{BEST}, n = {n}", "times"])
    at = np.arange(0.3, 0.9, 0.01).round(2)
    ours = along(rates.loc[["ours, own axes", "ours, prior's axes", "ours, prior's axes, nothing sent"]], at)
    names = ("local search quantiser + entropy", "residual quantiser + entropy")
    times = pd.DataFrame({name: along(rates.loc[name], at) / ours for name in names}, index=at).dropna()
    fewer = times[(times < 1).all(axis=1)]
    assert fewer.index.tolist() == times.index[: len(fewer)].tolist()
    ends = fewer.index[[0, -1]]
    page.says("On held-out BSDS500 at cosines of {:.2f} to {:.2f}, where ours takes", *ends)
    page.says("where ours takes {:.0f} to {:.0f} bits an image, local search", *pd.Series(ours, index=at)[ends])
    page.says("residual quantisers both take fewer, by up to {:.0f} %, with nothing", 100 * (1 - times.min(axis=None)))


def along(points, cosines):
    """Payload of an image along the upper convex hull of points; NaN where it does not reach."""
    bits, reached = points["payload_bits"].to_numpy(), points["latent_cosine"].to_numpy()
    hull = upper_hull(bits, reached)
    return np.interp(cosines, reached[hull], bits[hull], np.nan, np.nan)


def matched(of):
    """Recall beside others' at equal bits, for sizes and rivals."""
    return table(f"{of}/{RETRIEVAL}/retrieval_matched", "size", "against", "bits")


def finding_search(page):
    bsds, embedded, kodak, n, bits = matched("bsds500"), matched("."), matched("kodak"), 1000, 384
    searched, sent = bsds.loc["payload"], bsds.loc[f"n = {n}"]
    made, best, gained = (searched.loc[name] for name in (MADE, BEST, FOR_COSINE))
    best, gained = best.loc[:256], gained.loc[:256]
    page.says("From {} bits an image on, a bit buys more neighbours here than in what is made for", made.index[0])
    assert set(made["verdict"]) == {"ours ahead"}
    name = f"bsds500/{RETRIEVAL}/retrieval_matched"
    fitted = count(name, r"fitted to (\d+) of 'bsds500'")
    page.says("On {} photographs of BSDS500", count(name, r"searched in (\d+) of other scenes"))
    page.says("of BSDS500, with all fitted to {} others", fitted)
    page.says("finds {:.3f}, {:.3f} and {:.3f} of the ten at {}, {} and {} bits", *best["ours"], *best.index)
    undecided = best.index[best["verdict"] == "undecided"]
    page.says(f"finds {RECALL}, {RECALL} and {RECALL} less, undecided at {{}}.", *best[LESS].stack(), *undecided)
    assert set(best["verdict"]) == {"ours ahead", "undecided"}
    page.says("the best of all rivals, a KLT with scalars")
    assert set(best["strongest"]) <= {"KLT", "KLT, dead zone"}
    page.says(f"signs needs {RATIO} times our bits for what it finds at {{}}", *made.loc[bits, TIMES], bits)
    page.says("for what it finds at 384 ({}), and", made.loc[bits, "strongest"])
    others = sent.loc[MADE].loc[bits]
    page.says(f"and {RATIO} times with what {{}} images send once ({{}})", *others[TIMES], n, others["strongest"])
    page.says("half its bits was hoped for")
    checks = table(f"bsds500/{RETRIEVAL}/retrieval_checks", "size", asked="its bits over ours at its recall")
    assert checks.loc["payload", ["bits", "level", "verdict"]].tolist() == [bits, 2, "not reached"]
    page.says("adds {:.3f}, {:.3f} and {:.3f} of recall to ours at", *gained["difference"])
    page.says("of recall to ours at {}, {} and {} bits, all three decided, and nothing", *gained.index)
    assert set(gained["verdict"]) == {"ours ahead"}
    page.says("and nothing decided where {} images share what is sent", n)
    for alone in (sent, embedded.loc["payload"], kodak.loc["payload"]):
        assert set(alone.loc[FOR_COSINE].loc[:256, "verdict"]) == {"undecided"}
    best = embedded.loc[("payload", BEST)].loc[:256]
    (only,) = best.index[best["verdict"] == "ours ahead"]
    page.says(f"is ahead of the best of all rivals at {{}} bits alone, by {RECALL}", only, *best.loc[only, LESS])
    asking = count(f"kodak/{RETRIEVAL}/retrieval_matched", r"(\d+) photographs of 'kodak'")
    page.says("and on Kodak's {} at none of these rates; there and the file for the cosine are not told apart.", asking)
    assert set(kodak.loc[("payload", BEST)].loc[:256, "verdict"]) == {"undecided"}
    page.says("Unshrunk or dithered values, flatter spectra, other scores and coded queries find no more at equal bits")
    page.says("on halves of the {} that are fitted, or, where they do there, not on the others", fitted)
    tried = table(f"bsds500/{RETRIEVAL}/retrieval_tried").pivot(index=["way", "bits"], columns="on", values="verdict")
    for way in ("unshrunk", "dithered", "variances to the power 0", "scores", "queries coded"):
        verdicts = tried[tried.index.get_level_values("way").str.contains(way)]
        assert len(verdicts) >= 3
        assert not (verdicts == "better").all(axis=1).any()


def test_the_page_on_search_tells_the_same_recall():
    more = matched("bsds500").loc[("payload", FOR_COSINE)].loc[:256, "difference"]
    page = Page.of(ROOT / "docs/search.md")
    page.says("it finds {:.3f} to {:.3f} more of the ten nearest at", *more.agg(["min", "max"]))
    page.says("more of the ten nearest at {} to {} bits", *more.index[[0, -1]])


def finding_sharing(page):
    of, some, many = ("bsds500", "kodak"), 1000, 100_000
    bsds, kodak = (table(f"{one}/{BEYOND}/beyond_sharing_sizes", "n", "latent_cosine") for one in of)
    page.says(f"{{}} images that send their mean take {THREE} times", some, *bsds.loc[some, "mean_times"])
    page.says("axes of their own cost {:.1f}, {:.1f} and {:.1f} times as much there", *bsds.loc[some, "axes_times"])
    page.says(f"and come to {THREE} at {{}} images.", *bsds.loc[many, "axes_times"], spaced(many))
    page.says("On Kodak no gain can be told from none.")
    assert (kodak[["mean_times_high", "axes_times_high"]] > 1).all(axis=None)
    prior = [table(f"{one}/{BEYOND}/beyond_prior", "latent_cosine", against="best rival without it") for one in of]
    (column,) = (name for name in prior[0] if name.endswith(" bytes of file"))
    page.says("a prior of {:.2f} MB that both sides hold", int(re.search(r"\d+", column)[0]) / 1e6)
    repaid, never = (map(spaced, rows[column]) for rows in prior)
    page.says("against the best rival without it after {}, {} and {} images, and on Kodak", *repaid)
    page.says("images, and on Kodak {}, after {} and after {} (figure", *never)


def finding_floors(page):
    rows = table(f"{KODAK}/sota_floors", "shown")
    beyond, aom, words = "SMIC, beyond the paper", "AV1 (libaom), 1/16 or 1/32", "3 words"
    grey, random = "grey frame", "random photograph"
    told, judged, byte = rows["image_cosine"], rows["judge_cosine"].abs(), rows["bits"] - rows.loc[grey, "bits"]
    codecs = rows.drop([random, grey, INDEX, "not coded", *rows.filter(regex="word", axis=0).index])
    equal = table(f"{KODAK}/sota_matched", "against", metric="psnr")
    page.says("At {:.3f} bits per pixel pixels", table(f"{KODAK}/sota_table4", "competitor").loc[INTRA, "bpp"])
    page.says("keeps an image cosine of {:.2f}, the coder beyond the paper {:.2f} at three", *told[[INTRA, beyond]])
    page.says("at three fifths of the bits, SMIC {:.2f}, and AV1", told[SMIC])
    assert abs(equal.loc[beyond, "times"] - 3 / 5) < 0.02
    page.says("AV1 (libaom) on images reduced to {}, the best codec of pixels", aom.partition(", ")[2])
    page.says("the best codec of pixels within a tenth of that rate, {:.2f}, where one byte", told[aom])
    pixels = codecs.drop([INTRA, beyond, SMIC])
    near = pixels[(pixels["bits"] / rows.loc[SMIC, "bits"] - 1).abs() <= 0.1]
    assert set(near[["image_cosine", "judge_cosine"]].idxmax()) == {aom}
    held = int(alike(table("03_reconstruction/atoms_against_baselines", split="heldout")["images"]))
    others = count(f"{RETRIEVAL}/retrieval_matched", r"searched in (\d+) of other scenes")  # held out, or the gallery's
    page.says("one byte that numbers a photograph of the gallery of {}, which both sides hold", others - held)
    page.says("which both sides hold, keeps {:.2f}, three words", told[INDEX])
    page.says(f"three words in {WORDS[int(byte[words] / 8)]} bytes {{:.2f}}, a grey", told[words])
    assert byte[INDEX] == 8
    page.says("a grey frame {:.2f} and a random photograph {:.2f}: no codec", *told[[grey, random]])
    page.says("no codec of {} is ahead of that byte, and SMIC is not told apart from the grey frame", len(codecs))
    assert not rows.loc[SMIC, ["image_cosine_ahead_of", "image_cosine_behind"]].str.contains(grey).any()
    page.says("SMIC keeps {:.2f}, one bit a dimension {:.2f}, that byte {:.2f}, AV1", *judged[[SMIC, INTRA, INDEX]])
    page.says("AV1 {:.2f}, a grey frame {:.2f} and a random photograph {:.2f}, and", *judged[[aom, grey, random]])
    page.says("and no codec is ahead of the byte or of the grey frame.")
    assert not codecs["image_cosine_ahead_of"].str.contains(INDEX).any()
    assert not codecs["judge_cosine_ahead_of"].str.contains(f"{INDEX}|{grey}").any()
    equal = equal.drop([beyond, INTRA])
    assert set(equal["verdict"]) == {"SMIC behind"}
    gaps, times = -equal["difference"], equal["times"]
    page.says(f"In PSNR all {WORDS[len(equal)]} codecs of pixels are ahead of SMIC on Kodak")
    page.says("ahead of SMIC on Kodak, by {:.1f} to {:.1f} dB at", gaps.min(), gaps.max())
    page.says("dB at {:.2f} to {:.1f} times its bits.", times.min(), times.max())
    page.says("*medium* is never cheaper on Kodak than one bit a dimension (floors")


def finding_floors_on_held_out_photographs(page):
    names = ("03_reconstruction/table1", "06_rsf_convex_hull/table2", "10_beyond_the_paper/beyond")
    rows = pd.concat([table(f"bsds500/{name}_floors") for name in names]).set_index("shown")
    codes = rows.drop(["random photograph", "grey frame", "1 word", "3 words", "8 words", INDEX, "not coded"])
    byte = rows.loc[INDEX, ["image_cosine", "judge_cosine"]].iloc[0]
    page.says("Nor is any of the {} dictionaries, models and coders that are shown so on held-out BSDS500", len(codes))
    page.says("ahead of a byte there ({:.2f}, and {:.2f} by Inception)", *byte)
    for cosine in byte.index:
        assert not codes[f"{cosine}_ahead_of"].str.contains(INDEX).any()


def beside(codec, rival, metric):
    """Mean difference of each setting of SIC's at the rival's equal rate, where all images have one."""
    rates = table(f"{SIC}/sic_rates")
    mine, theirs = (dict(list(rates[rates["codec"] == name].groupby("image"))) for name in (codec, rival))
    gaps = [
        own.set_index("setting")[metric] - curves.interpolate(theirs[image], metric, own["bpp"])["value"].to_numpy()
        for image, own in mine.items()
    ]
    return pd.concat(gaps, axis=1).mean(axis=1, skipna=False).dropna()


def finding_progressive_file(page):
    rates = table(f"{SIC}/sic_level_rates", codec=ONE_FILE)["bpp"]
    page.says("One file of {:.2f} to {:.2f} bits per pixel gets better with every level", rates.min(), rates.max())
    rho = table(f"{SIC}/sic_ranks", "metric", codec=ONE_FILE)["rho"]
    page.says("(Spearman's ρ {} in PSNR and DISTS", alike(rho[["psnr", "dists"]], ".2f"))
    page.says("in PSNR and DISTS, {:.2f} in LPIPS, {:.2f} in image cosine)", *rho[["lpips", "image_cosine"]])
    for rival, metric, sign, phrase in (
        ("AVIF", "psnr", -1, "at equal rate on Kodak it is {:.1f} to {:.1f} dB below AVIF in PSNR"),
        ("AVIF", "lpips", 1, "in PSNR, and {:.2f} to {:.2f} behind in LPIPS, which it is trained for"),
        ("JPEG", "psnr", -1, "it is {:.1f} to {:.1f} dB below JPEG, and"),
        ("JPEG", "lpips", -1, "below JPEG, and {:.2f} to {:.2f} better in LPIPS"),
    ):
        gaps = sign * beside(ONE_FILE, rival, metric)
        page.says(phrase, gaps.min(), gaps.max())


def finding_parts_of_sic(page):
    rows = table(f"{SIC}/sic_verdicts", "better", "worse", "metric")
    page.says("With one seed each, by our rule none of this is decided.")
    assert (set(rows["seeds"]), set(rows["verdict"])) == ({1}, {UNDECIDED})
    page.says("scale, or none at all, beat those of U(−2, 2) in DISTS, LPIPS and PSNR;")
    assert rows.loc[("scale-detail", "one-sample", "dists"), "low"] > 0
    assert rows.loc[("one-sample", "zero-detail", "dists"), "high"] < 0
    spent = table(f"{SIC}/sic_bd_rates", "codec", "metric")["mean"]
    for detail in ("scale-detail", "zero-detail"):
        assert (spent[f"SIC {detail} (seed 0)"] < spent[ONE_FILE]).all()
    page.says("help in neither PSNR nor DISTS; the adversary makes DISTS worse for both M; groups of channels that")
    page.says("are worse in DISTS at low rates")
    for better, worse, metrics in (
        ("one-sample", "without-constraints", ["psnr", "dists"]),
        ("one-sample-adversarial", "one-sample", ["dists"]),
        ("five-samples-adversarial", "five-samples", ["dists"]),
        ("growing", "one-sample", ["dists"]),
    ):
        assert (rows.loc[(better, worse), "high"][metrics] < 0).all()


def finding_twin_of_sic(page):
    runs = yaml.safe_load((ROOT / "recipes/train/sic-mini.yaml").read_text(encoding="utf-8"))["runs"]
    steps = table(f"{SIC}/sic_training", "model")["steps"]
    before = {name: runs[runs[name]["start"]]["steps"] for name in ("twin", "one-sample")}
    times = (steps["twin/low/0"] + before["twin"]) / (steps["one-sample/all/0"] + before["one-sample"])
    page.says("a model for each rate and {} times the steps, is on Kodak", times)
    rows = table(f"{SIC}/sic_twin_jpeg", "metric", "bpp", codec=TWIN)
    jpeg = rows.loc["psnr"]
    low, medium, high = jpeg.index
    avif = -beside(TWIN, "AVIF", "psnr")[["medium", "high"]]
    page.says("is on Kodak {:.1f} and {:.1f} dB below AVIF at {:.2f} and {:.2f} bits per pixel", *avif, medium, high)
    page.says("bits per pixel, {:.1f} and {:.1f} dB above JPEG, and", *jpeg.loc[[medium, high], "difference"])
    images, left_out = jpeg.loc[low, ["images", "left_out"]].astype(int)
    page.says("and {:.1f} dB on the {} of {} images on", jpeg.loc[low, "difference"], images, images + left_out)
    page.says("at {:.2f} its LPIPS is behind JPEG's", high)
    assert rows.loc[("lpips", high), "low"] > 0
    more = table(f"{SIC}/sic_bd_rates", "metric", codec=ONE_FILE)[MEAN]
    times, interval = 1 + more / 100, "{:.1f} [{:.1f}, {:.1f}]"
    page.says(f"SIC's single file takes on Kodak {interval} times the twin's bits at equal PSNR", *times.loc["psnr"])
    page.says(f"equal PSNR, {interval} times at equal DISTS and", *times.loc["dists"])
    page.says(f"DISTS and {RATIO} times, not told apart, at equal LPIPS", *times.loc["lpips"])
    assert more.loc["lpips", "low"] < 0 < more.loc["lpips", "high"]
    every, percent = table("sic_equal_terms/bd_rates", "seed", "metric", codec="sic"), "{:.0f} % [{:.0f}, {:.0f}] more"
    rows, each = every.loc[ALL], every.drop(ALL).xs("psnr", level="metric")["mean"]
    ended = table("sic_equal_terms/losses")
    page.says("on equal terms, for {} steps each with one schedule", alike(ended["steps"]))
    page.says(
        f"SIC takes on Kodak, over {WORDS[len(each)]} seeds, {percent} bits than its twin", *rows.loc["psnr", MEAN]
    )
    listed = ", ".join(["{:.0f} %"] * (len(each) - 1))
    page.says(f"than its twin at equal PSNR ({listed} and {{:.0f}} %),", *each)
    page.says(f"{percent} at equal DISTS and", *rows.loc["dists", MEAN])
    page.says(f"at equal DISTS and {percent} at equal LPIPS: decided", *rows.loc["lpips", MEAN])
    assert set(rows["verdict"]) == {"more bits"}
    one = table("sic_equal_terms/bd_rates", "seed", "metric", codec="sic-lpips")
    rows = one.loc[ALL]
    assert list(one.index.unique("seed")) == ["0", ALL]
    assert set(rows["verdict"]) == {UNDECIDED}
    page.says(f"objectives, one seed, SIC takes {percent} bits at equal PSNR", *rows.loc["psnr", MEAN])
    page.says(f"bits at equal PSNR, {percent} at equal LPIPS and", *rows.loc["lpips", MEAN])
    page.says(f"at equal LPIPS and {percent} at equal DISTS than a twin", *rows.loc["dists", MEAN])
    runs = table("sic_equal_terms/beside_jpeg").assign(run=lambda rows: rows["codec"].str.split(" ").str[1])
    ends = runs.groupby("run")["difference"].agg(["min", "max"])
    (least, most), twin = ends.loc["sic"], ends.loc["twin"]
    page.says("without LPIPS are {:.1f} dB below JPEG to {:.1f} dB above it", -least, most)
    page.says("its twin's models {:.1f} dB below to {:.1f} dB above; with", -twin["min"], twin["max"])
    (least, most), twin = ends.loc["sic-lpips"], ends.loc["twin-lpips"]
    page.says("with LPIPS they are {:.1f} dB to {:.1f} dB below, and", -least, -most)
    page.says("that twin's {:.1f} dB below to {:.1f} dB above. None", -twin["min"], twin["max"])
    falls = 100 * ended["fall"]
    page.says("fell by {:.0f} % to {:.0f} % after the learning rate first did", falls.min(), falls.max())


FINDINGS = [check for name, check in list(globals().items()) if name.startswith("finding_")]


@pytest.mark.parametrize("check", FINDINGS, ids=lambda check: check.__name__)
def test_a_finding_is_that_of_the_tables(check):
    check(Page(RESULTS, *NAMED))


def test_no_number_is_left_without_a_table():
    page = Page(RESULTS, *NAMED)
    for check in FINDINGS:
        check(page)
    assert page.unproved() == []
