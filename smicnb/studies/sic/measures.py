"""What SIC's notebook measures: its levels and their rates, members of a synset, the paper's statements."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from smicnb.base.errors import SmicnbError
from smicnb.compare.images import ablations, curves, evaluate
from smicnb.compare.images.ablations import Claim
from smicnb.compare.images.evaluate import ESTIMATED, METRICS
from smicnb.semantics.metrics import pairs, perception
from smicnb.semantics.metrics.intervals import bootstrap_cells
from smicnb.semantics.photographs.image_collections import Collection, Item

if TYPE_CHECKING:
    from smicnb.learned.files.sic_codec import SicCodec
    from smicnb.learned.files.sic_levels import SicLevel
    from smicnb.learned.networks.sic import SicConfig

FAMILY = "SIC"
TWIN = "SIC twin (seed 0)"
TRAINED_WITH = ("samples", "objective")  # what trainings differ in, beside their weights
WHOSE = ["codec", "dataset", "scene", "image"]
ALLOWED_SHARE, ALLOWED_BYTES = 0.01, 32  # what a measured rate may differ from the estimate; the bytes for each part

# The paper's statements on its variants, and questions that its equations leave open: the better one is that which the
# paper has chosen, or hopes for.
CLAIMS = (
    Claim("Fig. 6: adversarial fine-tuning lowers DISTS (M = 1)", "one-sample-adversarial", "one-sample", "dists"),
    Claim("Fig. 6: adversarial fine-tuning lowers DISTS (M = 5)", "five-samples-adversarial", "five-samples", "dists"),
    Claim("Fig. 19: adversarial fine-tuning costs PSNR (M = 1)", "one-sample", "one-sample-adversarial", "psnr"),
    Claim("Fig. 19: adversarial fine-tuning costs PSNR (M = 5)", "five-samples", "five-samples-adversarial", "psnr"),
    *(
        Claim(f"Eq. 44, 45, our question: the constraints help, in {name}", "one-sample", "without-constraints", metric)
        for metric, name in (("dists", "DISTS"), ("psnr", "PSNR"))
    ),
    *(
        Claim(f"Eq. 47, our question: the warm-up helps, in {name}", "one-sample", "without-warm-up", metric)
        for metric, name in (("dists", "DISTS"), ("psnr", "PSNR"))
    ),
    Claim("Eq. 46, our question: Gaussian details of a learned scale lower DISTS against U(−2, 2)", "scale-detail",
          "one-sample", "dists"),
    Claim("Eq. 46, our question: details of U(−2, 2) lower DISTS against none", "one-sample", "zero-detail", "dists"),
)  # fmt: skip
LOW_CLAIMS = (
    *(
        Claim(f"Fig. 5: five samples beat one at low and medium rates, in {name}", "five-samples", "one-sample", metric)
        for metric, name in (("dists", "DISTS"), ("lpips", "LPIPS"))
    ),
    Claim("Sec. 6: another slicing than equal groups lowers DISTS at low rates", "growing", "one-sample", "dists"),
)


def level_of(settings: pd.Series) -> pd.Series:
    """The levels of settings "level NUMBER"; NaN for others."""
    return pd.to_numeric(settings.str.extract(r"^level (\d+)$")[0])


def select_low_levels(points: pd.DataFrame) -> pd.DataFrame:
    """The points of codecs with levels, up to the level in the middle: low and medium rates."""
    levels = level_of(points["setting"])
    highest = levels.groupby(points["codec"]).transform("max")
    return points[levels <= (highest + 1) // 2]


def judge_claims(points: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The paper's statements on variants, as `ablations.judge` judges `evaluate.points`' table: `CLAIMS` along whole
    curves, `LOW_CLAIMS` below.
    """
    low = ablations.judge(select_low_levels(points), LOW_CLAIMS, FAMILY, seed)
    return pd.concat([low, ablations.judge(points, CLAIMS, FAMILY, seed)], ignore_index=True)


def points(rows: pd.DataFrame) -> pd.DataFrame:
    """`evaluate.points` of rows of `evaluate.evaluate`, and estimated_bits of an image; NaN where there are none."""
    found = evaluate.points(rows).drop(columns=["encode_seconds", "decode_seconds"])
    estimates = rows[(rows["rate_kind"] == ESTIMATED) & (rows["metric"] == "bits")]
    which = ["codec", "setting", "dataset", "scene", "image"]
    return found.merge(estimates.rename(columns={"value": "estimated_bits"})[[*which, "estimated_bits"]], "left", which)


def operating_points(paths: Iterable[Path], shown_levels: Sequence[int], seed: int) -> "list[SicLevel]":
    """The levels of some checkpoints, each as a codec (`sic_levels.levels_of`), with that seed of the detail;
    `shown_levels` are to be drawn.

    Raises:
        SmicnbError: no checkpoint but twins, or a level to be shown that one does not have.
    """
    from smicnb.learned.files import sic_levels

    found = [level for path in paths for level in sic_levels.levels_of(path, seed)]
    ladders = list_progressive(found)
    if not ladders:
        raise SmicnbError("found no model with levels", "one beside the twins, which have a single rate each")
    for codec in ladders:
        if max(shown_levels) > codec.levels:
            raise SmicnbError(
                f"found the level {max(shown_levels)} to be shown", f"1 to {codec.levels}, as the models have"
            )
    return found


def list_progressive(levels: "Iterable[SicLevel]") -> "list[SicCodec]":
    """The checkpoints of operating points that have levels, in their order; twins have none."""
    wholes = {level.whole.checkpoint.name: level.whole for level in levels if level.setting == f"level {level.level}"}
    return list(wholes.values())


def level_rates(points: pd.DataFrame) -> pd.DataFrame:
    """How many bits each level takes, by its files and by the likelihoods, of the table of `points`.

    Returns:
        codec, level, bpp and estimated_bpp (means over images, up to this level), own_bpp and own_estimated_bpp (of
        this level alone; of level 1 with header and hyper-latent), largest_excess (bytes, of a file up to the level
        over its estimate), images, and of them within and own_within: the file up to the level, and the level alone,
        are within 1 % and 32 bytes for each part of the estimate.
    """
    wide = points.assign(level=level_of(points["setting"])).dropna(subset="level").astype({"level": int})
    wide = wide.sort_values([*WHOSE, "level"], kind="stable")
    wide["estimated_bpp"] = wide["bpp"] * wide["estimated_bits"] / (8 * wide["bytes"])
    before = wide.groupby(WHOSE)[["bpp", "estimated_bpp"]].shift(fill_value=0)
    wide["own_bpp"], wide["own_estimated_bpp"] = (wide[name] - before[name] for name in before)
    wide["excess"] = wide["bytes"] - wide["estimated_bits"] / 8
    wide["estimated_bytes"], wide["parts"] = wide["estimated_bits"] / 8, wide["level"] + 1  # the header is a part
    alone = wide.groupby(WHOSE)[["excess", "estimated_bytes", "parts"]].diff().fillna(wide)
    for name, cell in (("within", wide), ("own_within", alone)):
        wide[name] = cell["excess"].abs() <= ALLOWED_SHARE * cell["estimated_bytes"] + ALLOWED_BYTES * cell["parts"]
    found = []
    for (codec, level), cell in wide.groupby(["codec", "level"], sort=False):
        means = cell[["bpp", "estimated_bpp", "own_bpp", "own_estimated_bpp"]].mean()
        farthest = cell.loc[cell["excess"].abs().idxmax(), "excess"]
        about = {"largest_excess": farthest, "images": len(cell)}
        about |= {name: int(cell[name].sum()) for name in ("within", "own_within")}
        found.append({"codec": codec, "level": level, **means, **about})
    table, order = pd.DataFrame(found), {codec: number for number, codec in enumerate(points["codec"].unique())}
    return table.iloc[np.lexsort((table["level"], table["codec"].map(order)))].reset_index(drop=True)


def ranks(points: pd.DataFrame, metrics_of: Sequence[str], seed: int) -> pd.DataFrame:
    """Spearman's ρ between level and quality, image by image of `evaluate.points`' table: 1 where each level is better
    than the one before.

    Returns:
        codec, metric, rho (mean over images), low, high (95 % over scenes), images.
    """
    from scipy.stats import rankdata

    points = points.assign(level=level_of(points["setting"])).dropna(subset="level")
    rows = []
    for codec, mine in points.groupby("codec", sort=False):
        for metric in metrics_of:
            for (scene, _), image in mine.groupby(["scene", "image"], sort=False):
                values = image[metric] if METRICS[metric].higher else -image[metric]
                if np.isfinite(values).all() and values.nunique() > 1:
                    rho = np.corrcoef(rankdata(image["level"]), rankdata(values))[0, 1]
                    rows.append((codec, metric, scene, rho))
    found = bootstrap_cells(
        pd.DataFrame(rows, columns=["codec", "metric", "scene", "rho"]), ["codec", "metric"], "rho", seed
    )
    return found.rename(columns={"mean": "rho"}).drop(columns="scenes")


def bd_rates(points: pd.DataFrame, metrics_of: Sequence[str], anchor: str, seed: int) -> pd.DataFrame:
    """BD-rate of every codec of SIC in `evaluate.points`' table against another, the anchor, in percent: means over
    images with 95 % intervals.

    Returns:
        codec, metric, mean, low, high, images, left_out (images on which the two share no quality), and shared: the
        part of the anchor's range of quality that the other reaches, mean over all images. No rows without the anchor.
    """
    if anchor not in set(points["codec"]):
        return pd.DataFrame(columns=["codec", "metric", "mean", "low", "high", "images", "left_out", "shared"])
    ours = points[points["codec"].str.startswith(f"{FAMILY} ") | (points["codec"] == anchor)]
    parts = []
    for metric in metrics_of:
        found = curves.bd_rates(ours, metric, anchor).assign(metric=metric)
        shared = found.groupby(["codec", "metric"], sort=False)["shared"].mean().reset_index()
        parts.append(curves.means(found, "value", ["codec", "metric"], seed).merge(shared, "left"))
    return pd.concat(parts, ignore_index=True)


def loss_weights(levels: int) -> pd.DataFrame:
    """Table 1 in both readings: what multiplies squared error (of pixels in [0, 1]), LPIPS and rate at each level.

    Returns:
        reading, level, mse, lpips, bpp, and lambda: what a squared error of pixels in [0, 255] is worth in bits per
        pixel, which rises with the level where higher levels are to be finer.
    """
    from smicnb.learned.training.sic_losses import SicWeights

    rows = []
    for reading in ("code", "paper"):
        for level in range(1, levels + 1):
            weights = SicWeights(table=reading).weights_at(level, levels)
            row = {name: weights[name] for name in ("mse", "lpips", "bpp")}
            rows.append({"reading": reading, "level": level, **row, "lambda": row["mse"] / row["bpp"] / 255**2})
    return pd.DataFrame(rows)


def parameters(sizes: "Mapping[str, SicConfig]") -> pd.DataFrame:
    """Numbers of parameters, counted on the networks: size, levels, and those of each part."""
    import torch

    from smicnb.learned.networks.sic import Sic

    rows = []
    for size, config in sizes.items():
        with torch.device("meta"):
            network = Sic(config)
        parts = {name: sum(each.numel() for each in part.parameters()) for name, part in network.named_children()}
        parts = {name: count for name, count in parts.items() if count}
        rows.append({"size": size, "levels": config.levels, **parts, "total": sum(parts.values())})
    return pd.DataFrame(rows)


def pick_typical(tested: Collection, points: pd.DataFrame) -> Item:
    """The image whose file is of median length at the highest level of the first codec of `points`."""
    first = points[points["codec"] == points["codec"].iloc[0]]
    highest = first[first["setting"] == first["setting"].iloc[-1]].sort_values(["bpp", "image"])
    chosen = highest["image"].iloc[len(highest) // 2]
    return next(item for item in tested.items if item.id == chosen)


def decode_levels(
    item: Item, codecs: "Sequence[SicCodec]", levels: Sequence[int], seed: int
) -> tuple[list[list[np.ndarray]], pd.DataFrame]:
    """One image as decoded at some levels, 1 to L, by some models with that seed of the detail.

    Returns:
        For each codec the original and the decoded images; and model, level, bpp, psnr, dists of the latter.
    """
    image = item.image()
    pictures, table = [], []
    for codec in codecs:
        files = [codec.prefix(codec.encode(image), level) for level in levels]
        decoded = [codec.decode(data, seed=seed) for data in files]
        beside = [image] * len(levels)
        measured = pairs.psnr(beside, decoded), perception.dists(beside, decoded)
        for level, data, psnr, dists in zip(levels, files, *measured, strict=True):
            bpp = 8 * len(data) / (image.shape[0] * image.shape[1])
            table.append((codec.checkpoint.name, level, bpp, psnr, dists))
        pictures.append([image, *decoded])
    return pictures, pd.DataFrame(table, columns=["model", "level", "bpp", "psnr", "dists"])


def synset(
    item: Item, codec: "SicCodec", levels: Sequence[int], samples: int
) -> tuple[list[tuple[list[np.ndarray], np.ndarray]], pd.DataFrame]:
    """Several images from the same bytes, at some levels.

    Args:
        item: one image of a collection.
        codec: a checkpoint.
        levels: 1 to L.
        samples: how many; their seeds are 0, 1, …

    Returns:
        For each level its images and their spread (H, W): the deviation of each pixel over the samples, the root of
        the mean square over the channels, in steps of 8 bits. And level, bytes, bpp, spread (root of the mean square
        over pixels), psnr (mean over samples), psnr_of_mean (of the samples' mean image).
    """
    image = item.image()
    data = codec.encode(image)
    found, table = [], []
    for level in levels:
        prefix = codec.prefix(data, level)
        coded = codec.read(prefix)
        drawn = [codec.sample(coded, seed=seed) for seed in range(samples)]
        stack = np.stack(drawn).astype(np.float64)
        spread = np.sqrt(stack.var(axis=0).mean(axis=-1))
        centre = np.round(stack.mean(axis=0)).astype(np.uint8)
        psnr = pairs.psnr([image] * samples, drawn).mean(), pairs.psnr([image], [centre])[0]
        bpp = 8 * len(prefix) / (image.shape[0] * image.shape[1])
        table.append((level, len(prefix), bpp, np.sqrt((spread**2).mean()), *psnr))
        found.append((drawn, spread))
    return found, pd.DataFrame(table, columns=["level", "bytes", "bpp", "spread", "psnr", "psnr_of_mean"])
