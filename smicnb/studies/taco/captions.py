"""Captions and TACO: what other sentences cost the codec, and what captions of decoded images keep."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np
import pandas as pd

from smicnb.compare.images import curves
from smicnb.compare.images.evaluate import ImageCodec, evaluate, points
from smicnb.semantics.metrics import caption_scores
from smicnb.semantics.metrics.captions import Captioner
from smicnb.semantics.photographs.image_collections import Collection


def replace_captions(collection: Collection, captions: Sequence[str]) -> Collection:
    """The collection with other captions, in its order."""
    items = [replace(item, caption=caption) for item, caption in zip(collection.items, captions, strict=True)]
    return replace(collection, items=tuple(items))


def caption_sources(collection: Collection, captioner: Captioner, seed: int) -> dict[str, list[str]]:
    """Captions of every image by source: published with the data set (where it has them), the captioner's, and wrong.

    Returns:
        Source -> a caption for each image: "published", the captioner's name, "another image's" (the next one's),
        "shuffled words", "none".
    """
    own = captioner.caption([item.image() for item in collection])
    published = [item.caption for item in collection]
    found = {"published": published} if all(published) else {}
    found[captioner.name] = own
    best = found.get("published", own)
    rng = np.random.default_rng(seed)
    shuffled = [" ".join(rng.permutation(caption.split())) for caption in best]
    return found | {"another image's": [*best[1:], best[0]], "shuffled words": shuffled, "none": [""] * len(best)}


def evaluate_captions(
    codecs: Sequence[ImageCodec],
    collection: Collection,
    sources: dict[str, list[str]],
    executor: Executor | None = None,
    metrics: Sequence[str] = ("psnr", "lpips"),
) -> pd.DataFrame:
    """Table 4: the same codecs, at one operating point each, and images with captions from each source.

    Returns:
        `evaluate.points`' rows with a column source: bpp and the metrics.
    """
    parts = []
    for source, captions in sources.items():
        table = points(evaluate(codecs, replace_captions(collection, captions), metrics, executor=executor))
        parts.append(table.assign(source=source)[["source", *table.columns]])
    kept = ["source", "codec", "setting", "dataset", "scene", "image", "bpp", *metrics]
    return pd.concat(parts, ignore_index=True)[kept]


def summary_by_caption(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Table 4 in means, and image by image against the first source, of `evaluate_captions`'s table.

    Returns:
        codec, setting, source, bpp, psnr, lpips (means), and for psnr and lpips the difference from the first source
        with its 95 % interval.
    """
    rows = []
    for (codec, setting), cell in table.groupby(["codec", "setting"], sort=False):
        sources = dict(iter(cell.groupby("source", sort=False)))
        first = next(iter(sources.values()))
        for source, one in sources.items():
            row = {"codec": codec, "setting": setting, "source": source}
            row |= {metric: one[metric].mean() for metric in ("bpp", "psnr", "lpips")}
            for metric in ("psnr", "lpips"):
                about = curves.difference(one, first, metric, seed)
                row |= {f"{metric}_difference": about["mean"], f"{metric}_low": about["low"]}
                row[f"{metric}_high"] = about["high"]
            rows.append(row)
    return pd.DataFrame(rows)


def caption_decoded(codecs: Sequence[ImageCodec], collection: Collection, captioner: Captioner) -> pd.DataFrame:
    """Captions of the images and of what was decoded, by one captioner.

    Returns:
        codec, setting, dataset, scene, image, bpp, before, after (the captions), cider_d of the second against the
        first: its rare words count by how many of the collection's first captions have them.
    """
    images = [item.image() for item in collection]
    before = captioner.caption(images)
    tables = []
    for codec in codecs:
        files = [codec.encode(image, item.caption) for image, item in zip(images, collection, strict=True)]
        after = captioner.caption([codec.decode(data) for data in files])
        bits = [8 * len(data) / (image.shape[0] * image.shape[1]) for data, image in zip(files, images, strict=True)]
        whose = {"scene": [item.scene for item in collection], "image": [item.id for item in collection]}
        about = {"codec": codec.name, "setting": codec.setting, "dataset": collection.name}
        said = {"before": before, "after": after, "cider_d": caption_scores.cider_d(after, before)}
        tables.append(pd.DataFrame({**about, **whose, "bpp": bits, **said}))
    return pd.concat(tables, ignore_index=True)


def caption_similarity(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Table 1: how alike captions of the images and of what was decoded are, of `caption_decoded`'s table.

    Returns:
        codec, setting, bpp (mean), bleu4 (of all captions together), cider_d with its 95 % interval.
    """
    rows = []
    for (codec, setting), cell in table.groupby(["codec", "setting"], sort=False):
        (about,) = curves.means(cell, "cider_d", ["codec"], seed).to_dict("records")
        row = {"codec": codec, "setting": setting, "bpp": cell["bpp"].mean()}
        row["bleu4"] = caption_scores.bleu4(cell["after"].tolist(), cell["before"].tolist())
        rows.append({**row, "cider_d": about["mean"], "low": about["low"], "high": about["high"]})
    return pd.DataFrame(rows)
