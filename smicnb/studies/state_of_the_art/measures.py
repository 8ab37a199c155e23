"""Where SMIC stands: rates as published and as measured, break-even sizes, and pictures at one rate, judged."""

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from smicnb.base.errors import ImageError
from smicnb.base.progress import progress
from smicnb.codec import published, rate
from smicnb.compare.images import curves, evaluate, floors
from smicnb.compare.images.downscaled import COARSE, MARK, family, reduce_families
from smicnb.compare.images.evaluate import IMAGE_COSINE, MEASURED, METRICS, ImageCodec
from smicnb.compare.images.generated import BEYOND, CODINGS, SMIC, SemanticImages, fit_to_size, pack_size
from smicnb.compare.verdicts import judge_interval
from smicnb.semantics.encoders.encoders import ImageEncoder
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.photographs.image_collections import Collection, Item, load
from smicnb.semantics.spaces import SemanticSpace
from smicnb.studies.rate_model import tables

PUBLISHED = Path(__file__).with_name("published.csv")
AS_PUBLISHED = "as published"
OURS = f"{SMIC}, {CODINGS['entropy']}"
QUALITY = "quality 0.9"  # of the coder beyond the paper, in the table of break-even sizes
LARGEST_CODEBOOK = max(point.n_atoms for point in rate.POINTS.values())


def published_rates() -> pd.DataFrame:
    """Rates of codecs that cannot be run here: codec, variant, bpp, bpp_to (of a range), reading, reported, source.

    Each is on its authors' images with their own measure of quality: none can be compared but by rate.
    """
    return pd.read_csv(PUBLISHED, dtype={"reported": str}, keep_default_na=False, na_values={"bpp_to": [""]})


def coded_collection(photographs: Collection) -> Collection:
    """The collection whose latents the codebooks are fitted to: that of the tested images, where its training part
    has as many images as the largest model has atoms; else the embedded one."""
    try:
        large_enough = len(photographs.split("train")) >= LARGEST_CODEBOOK
    except ImageError:
        large_enough = False
    return photographs if large_enough else load("embedded")


def exclude_fitted(photographs: Collection, coded: Collection) -> Collection:
    """The photographs that nothing was fitted to: the held-out scenes, or all where `coded` is another collection."""
    return photographs.split("heldout") if coded is photographs else photographs


def list_makers(codecs: Sequence[ImageCodec]) -> pd.DataFrame:
    """Each codec's operating points, and the versions and options of the first: codec, points, settings, made by.

    Hashes of programmes are left out, since they differ between platforms of one version.
    """
    rows = []
    for name in dict.fromkeys(codec.name for codec in codecs):
        own = [codec for codec in codecs if codec.name == name]
        about = {key: value for key, value in own[0].fingerprint.items() if key not in ("sha256", "shared", "weights")}
        said = "; ".join(f"{key} {value}" for key, value in about.items())
        settings = own[0].setting + (f" … {own[-1].setting}" if len(own) > 1 else "")
        rows.append((name, len(own), settings, said))
    return pd.DataFrame(rows, columns=["codec", "points", "settings", "made by"])


def summary(points: pd.DataFrame, metrics: Sequence[str], seed: int) -> pd.DataFrame:
    """Every operating point of `evaluate.points`' table, and `generated.add_share`'s, in means over images with 95 %
    intervals over scenes.

    Returns:
        codec, setting, bpp (mean), metric, mean, low, high, images, left_out (`curves.means`).
    """
    by = ["codec", "setting"]
    rates = points.groupby(by, sort=False)["bpp"].mean().reset_index()
    parts = [curves.means(points, metric, by, seed).assign(metric=metric) for metric in metrics]
    order = [*by, "bpp", "metric", "mean", "low", "high", "images", "left_out"]
    return rates.merge(pd.concat(parts, ignore_index=True), on=by)[order]


def lowest_points(points: pd.DataFrame) -> pd.DataFrame:
    """The operating point of least mean rate of each codec in `evaluate.points`' table, its reduced images apart from
    the whole ones.

    Returns:
        codec, reduced by ("1", or the factors that were tried), setting, bits and bpp of an image, image_cosine;
        means over images.
    """
    of = points["codec"].map(family)
    table = points.assign(own=[name for name, _ in of], reduced=[factor > 1 for _, factor in of])
    values = ["bytes", "bpp", IMAGE_COSINE]
    cells = table.groupby(["own", "reduced", "codec", "setting"], sort=False)[values].mean().reset_index()
    best = cells.loc[cells.groupby(["own", "reduced"], sort=False)["bpp"].idxmin()]
    return best.assign(bits=8 * best["bytes"])[["codec", "setting", "bits", "bpp", IMAGE_COSINE]].reset_index(drop=True)


def break_evens(
    points: pd.DataFrame, codecs: Sequence[SemanticImages], others: Sequence[ImageCodec], grey: np.ndarray
) -> pd.DataFrame:
    """Table IV as printed, by Eq. 15, and on records: from which n on SMIC takes fewer bits than each competitor.

    It compares rates and nothing else: what the pictures are worth stands beside it. The first rows are the paper's
    competitors at their published rates, of 768×768 images; the others are measured here at their lowest rates.

    Args:
        points: `evaluate.points`' with SMIC's rows (no share of what is sent once).
        codecs: SMIC's, entropy-coded, at the three points, and the coder beyond the paper at `QUALITY`. An image is a
            record by itself, and what is sent once is a file of no image.
        others: codecs of single images, those of `points` among them.
        grey: an image of one grey, RGB uint8 H×W×3: its file is little but headers, which a collection could share.

    Returns:
        competitor, rate ("as published" or "measured"), setting, bpp, bits of an image, bits of the grey image,
        image_cosine, n* as printed, n* by Eq. 15 (the model of Table IV), and n* of the records of each of these. An
        infinite n* means never.
    """
    ours = [codec for codec in codecs if codec.name == OURS or (codec.name, codec.setting) == (BEYOND, QUALITY)]
    spent = points.groupby(["codec", "setting"])["bytes"].mean() * 8
    table_4 = rate.POINTS[published.TABLE_4_MODEL]
    rows = []
    for name, printed in published.TABLE_4_BREAK_EVEN.items():
        bpp = published.TABLE_4_RATES[name].value
        rows.append((name, AS_PUBLISHED, "", bpp, rate.single_item_bits(bpp), np.nan, np.nan, printed.value))
    made = {(codec.name, codec.setting): codec for codec in [*others, *codecs]}
    for row in lowest_points(points[~points["codec"].str.startswith(f"{SMIC},")]).itertuples():
        bare = 8 * len(made[row.codec, row.setting].encode(grey))
        rows.append((row.codec, MEASURED, row.setting, row.bpp, row.bits, bare, row.image_cosine, np.nan))
    columns = ["competitor", "rate", "setting", "bpp", "bits", "bits of a grey image", IMAGE_COSINE, "n* as printed"]
    table = pd.DataFrame(rows, columns=columns)
    table["n* by Eq. 15"] = [tables.exact_cell(table_4, published.BREAK_EVEN, bits) for bits in table["bits"]]
    for codec in ours:
        own = float(spent[codec.name, codec.setting])
        cells = [tables.cell(published.BREAK_EVEN, codec.once_bits, own, bits) for bits in table["bits"]]
        table[f"n* of records, {codec.setting if codec.name == OURS else codec.name}"] = cells
    return table


def bd_table(points: pd.DataFrame, metrics: Sequence[str], anchor: str, seed: int) -> pd.DataFrame:
    """BD-rates against one codec of `evaluate.points`' table, the anchor, where curves overlap.

    Returns:
        metric, codec, mean, low, high (percent), images, left_out (those whose curves share no quality), and shared:
        what part of the anchor's range of quality, in percent, the curves have in common, mean over all images.
    """
    parts = []
    for metric in metrics:
        rates = curves.bd_rates(points.dropna(subset=[metric]), metric, anchor)
        shared = 100 * rates.groupby("codec")["shared"].mean()
        table = curves.means(rates, "value", ["codec"], seed)
        parts.append(table.assign(metric=metric, shared=table["codec"].map(shared)))
    return pd.concat(parts, ignore_index=True)[["metric", *table.columns, "shared"]]


def relative_seconds(rows: pd.DataFrame, anchor: str) -> pd.DataFrame:
    """How many times as long as the anchor a codec of `evaluate.evaluate`'s table takes: geometric means over its
    operating points and images.

    To be shown and not kept: it differs from run to run, and between machines.

    Returns:
        codec, encode, decode: no unit; the anchor has 1.
    """
    table = {}
    for metric in ("encode_seconds", "decode_seconds"):
        seconds = rows[rows["metric"] == metric]
        log = np.log(seconds["value"]).groupby(seconds["codec"], sort=False).mean()
        table[metric.removesuffix("_seconds")] = np.exp(log - log[anchor])
    return pd.DataFrame(table).rename_axis("codec").reset_index()


def match_rates(points: pd.DataFrame, aim: tuple[str, str]) -> pd.DataFrame:
    """Every codec at the operating point whose rate is nearest to what one of them takes, image by image.

    A codec's reduced images are among its own, and nearness is that of logarithms. Where all its points are above the
    rate, its lowest is taken.

    Args:
        points: `evaluate.points`'.
        aim: codec and setting whose rate is matched.

    Returns:
        Rows of `points`, each image's together and those of the aim first among them, with the columns family (the
        codec's own name) and times (its bits over the aim's). Images on which the aim failed are left out, as are
        codecs on images on which all of their points failed.
    """
    table = points.assign(family=[family(name)[0] for name in points["codec"]])
    ours = table[(table["codec"] == aim[0]) & (table["setting"] == aim[1])]
    rates = ours.set_index(curves.WHOSE)["bpp"].rename("aimed at")
    table = pd.concat([ours, table[table["family"] != aim[0]]]).join(rates, on=curves.WHOSE, how="inner")
    table = table.assign(times=table["bpp"] / table["aimed at"]).drop(columns="aimed at").reset_index(drop=True)
    cells = np.log(table["times"]).abs().groupby([table["image"], table["family"]], sort=False)
    nearest = table.loc[cells.idxmin()]
    order = {image: place for place, image in enumerate(points["image"].unique())}
    return nearest.sort_values("image", key=lambda column: column.map(order), kind="stable").reset_index(drop=True)


def matched_verdicts(table: pd.DataFrame, metrics: Sequence[str], seed: int) -> pd.DataFrame:
    """SMIC against each codec at the rate of `match_rates`, of its table: means, and differences image by image.

    Returns:
        against, times (geometric mean of its bits over SMIC's), metric, SMIC's mean, the other's mean, difference
        (how much better SMIC is, in the metric's unit), low, high (95 %), images, verdict: "SMIC ahead", "SMIC
        behind", or "undecided" where the interval holds zero.
    """
    aim, rows = table["family"].iloc[0], []
    ours = table[table["family"] == aim]
    for name in table["family"].unique()[1:]:
        other = table[table["family"] == name]
        times = float(np.exp(np.log(other["times"]).mean()))
        for metric in metrics:
            sign = 1 if METRICS[metric].higher else -1
            found = curves.difference(ours, other, metric, seed)
            low, high = sorted((sign * found["low"], sign * found["high"]))
            verdict = judge_interval(low, high, "SMIC ahead", "SMIC behind")
            means = ours[metric].mean(), other[metric].mean()
            rows.append((name, times, metric, *means, sign * found["mean"], low, high, found["images"], verdict))
    columns = ["against", "times", "metric", "SMIC", "other", "difference", "low", "high", "images", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def decode_matched(table: pd.DataFrame, codecs: Sequence[ImageCodec], items: Sequence[Item]) -> list[list[np.ndarray]]:
    """Photographs, each with what the codecs of `match_rates`' table made of it: the original, then a picture for each
    row.
    """
    made = {(codec.name, codec.setting): codec for codec in codecs}
    pictures = []
    for item in items:
        image, rows = item.image(), table[table["image"] == item.id]
        used = [made[key] for key in zip(rows["codec"], rows["setting"], strict=True)]
        pictures.append([image, *(codec.decode(codec.encode(image, item.caption)) for codec in used)])
    return pictures


def nearest_in_rate(table: pd.DataFrame, count: int) -> list[str]:
    """The `count` families of `match_rates`' table whose bits are nearest to the aim's, the aim first."""
    times = np.log(table["times"]).groupby(table["family"], sort=False).mean().abs()
    return list(times.sort_values(kind="stable").index[:count])


THUMBNAILS = f"{MARK}{COARSE[0]} or 1/{COARSE[-1]}"  # behind a codec's name


def match_thumbnails(
    matched: pd.DataFrame, families: Sequence[str], tested: Collection, executor: Executor | None = None
) -> tuple[pd.DataFrame, list[ImageCodec]]:
    """Codecs of pixels on images reduced by `COARSE`, at the point nearest to the rate of `match_rates`' table.

    Returns:
        Rows as `match_rates` has them, families with `THUMBNAILS` behind, without the aim and without metrics; and the
        codecs that they name.
    """
    codecs = reduce_families(families, COARSE)
    points = evaluate.points(evaluate.evaluate(codecs, tested, (), None, executor))
    aim = matched[matched["family"] == matched["family"].iloc[0]]
    both = pd.concat([aim[points.columns.intersection(aim.columns)], points], ignore_index=True)
    table = match_rates(both, (aim["codec"].iloc[0], aim["setting"].iloc[0]))
    table = table[table["family"] != aim["family"].iloc[0]]
    return table.assign(family=table["family"] + THUMBNAILS).reset_index(drop=True), codecs


def judge_pictures(
    table: pd.DataFrame,
    codecs: Sequence[ImageCodec],
    tested: Collection,
    space: SemanticSpace,
    gallery: Collection,
    judge: ImageEncoder,
    seed: int,
) -> pd.DataFrame:
    """What codecs decode at one rate, and floors, seen by two judges: a row for each picture, for `floors.summarise`.

    A floor's file has width and height before its record, and its picture is cropped and resized, as a
    `generated.SemanticImages`' are.

    Args:
        table: `match_rates`' and, behind it, `match_thumbnails`'.
        codecs: all that it names.
        tested: the photographs.
        space: encoder and generator.
        gallery: photographs that both sides have.
        judge: who looks at the pictures beside the space's encoder.
        seed: seed of floors and generator.

    Returns:
        shown, scene, image, codec, setting (both "" for floors), bits and `floors.COSINES`; image by image floors, rows
        of the table, ceiling.
    """
    known = floors.Floors(space, gallery, seed).show(space.encode(tested))
    judges = [floors.Judge(space.encoder, tested, gallery, centred=False)]
    judges.append(floors.Judge(judge, tested, gallery, centred=True))
    photograph, rows = lru_cache(maxsize=256)(lambda item: item.image()), []
    for place, item in enumerate(progress(list(tested.items), "judging pictures")):
        own = table[table["image"] == item.id]
        ((original, *decoded),) = decode_matched(own, codecs, [item])
        height, width = original.shape[:2]
        size = 8 * len(pack_size(width, height))
        shown = {}
        for name, (bits, draws) in known.items():
            some = [draw[place] for draw in draws]
            some = [one if isinstance(one, np.ndarray) else photograph(one) for one in some]
            shown[name, "", ""] = size + bits[place], [fit_to_size(one, width, height) for one in some]
        last = {key: shown.pop(key) for key in [(floors.CEILING, "", "")]}
        for row, picture in zip(own.itertuples(), decoded, strict=True):
            shown[row.family, row.codec, row.setting] = 8 * row.bytes, [picture]
        shown |= last
        distinct = {picture.tobytes(): picture for _, some in shown.values() for picture in some}
        seen = [dict(zip(distinct, who.encode(list(distinct.values())), strict=True)) for who in judges]
        for (name, codec, setting), (bits, some) in shown.items():
            about = {"shown": name, "scene": item.scene, "image": item.id, "codec": codec, "setting": setting}
            cosines = {
                cosine: np.mean(
                    [latent_cosine(who.originals[place, None], latents[one.tobytes()][None]) for one in some]
                )
                for cosine, who, latents in zip(floors.COSINES, judges, seen, strict=True)
            }
            rows.append(about | {"bits": bits} | cosines)
    return pd.DataFrame(rows)
