"""TACO with text and without, trained alike from the first step: what a picture's own caption is worth in files.

The shipped arms start from one base without text and learn to read in a quarter of their steps. Those of
recipes/train/taco-control.yaml differ in nothing but the text, so that a gain is the text's. One λ each: what both were
trained for is compared as it is, without a curve between rates.
"""

from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path

import pandas as pd

from smicnb.compare.images import evaluate
from smicnb.compare.images.ablations import judge_seeds, seed_of
from smicnb.compare.images.curves import WHOSE
from smicnb.learned.files.shipped import read_facts
from smicnb.learned.files.taco_codec import TacoCodec
from smicnb.semantics.metrics.captions import Captioner
from smicnb.semantics.photographs.image_collections import Collection
from smicnb.studies.taco.captions import caption_sources, evaluate_captions, replace_captions
from smicnb.studies.taco.verdicts import HIGHER, LOWER

OWN, ANOTHER, WITHOUT = "own caption", "another image's caption", "without text"
METRICS = ("psnr", "lpips", "lpips_vgg", "dists")
VALUES = ("cost", "bpp", *METRICS)
NAMES = ("codec", "arm", *WHOSE)  # of a row


def pair_arms(paths: Iterable[Path], controls: bool) -> list[tuple[Path, Path | None]]:
    """Checkpoints of TACO with text, each with that of the same run without: equal in run, loss, seed, start and
    photographs, but for the text and the name of the run; None where there is no such checkpoint.

    Args:
        paths: checkpoints of any codec.
        controls: whether runs of a control are paired, or those with captions.
    """
    arms: dict[bool, list[tuple[list, Path]]] = {True: [], False: []}
    for path in sorted(paths):
        said = read_facts(path)
        facts = said.get("facts", {})
        run = dict(facts.get("run", {}))
        if said.get("codec") == "taco" and bool(run.get("control")) == controls:
            text = run.pop("text")
            arms[text != "none"].append(([run, *(facts[key] for key in ("loss", "seed", "start", "data"))], path))
    return [(one, next((other for same, other in arms[False] if about == same), None)) for about, one in arms[True]]


def measure_captions(
    with_text: TacoCodec,
    without: TacoCodec | None,
    collection: Collection,
    captioner: Captioner,
    executor: Executor | None = None,
) -> pd.DataFrame:
    """Files of the images of a collection by three arms: the codec with text and the image's own caption (published, or
    the captioner's), the same with another image's, and the codec without text where there is one.

    Returns:
        codec (with text), arm, dataset, scene, image, bpp, `METRICS`, and cost: bpp + λ · squared error + k_p · LPIPS,
        which both were trained for, the joint loss aside.
    """
    captions = caption_sources(collection, captioner, 0)
    sources = {OWN: next(iter(captions.values())), ANOTHER: captions["another image's"]}
    tables = [evaluate_captions([with_text], collection, sources, executor, METRICS)]
    if without:
        blind = replace_captions(collection, [""] * len(collection))
        plain = evaluate.points(evaluate.evaluate([without], blind, METRICS, executor=executor))
        tables.append(plain.assign(source=WITHOUT))
    rows = pd.concat(tables, ignore_index=True)
    loss = with_text.checkpoint.facts["loss"]
    squares = 255**2 / 10 ** (rows["psnr"] / 10)
    rows["cost"] = rows["bpp"] + loss["distortion"] * squares + loss["lpips"] * rows["lpips"]
    return rows.assign(codec=with_text.name, arm=rows["source"])[[*NAMES, "bpp", *METRICS, "cost"]]


def judge_captions(points: pd.DataFrame, seed: int) -> pd.DataFrame:
    """What the own caption is worth, picture by picture, seed by seed and over seeds.

    Args:
        points: `measure_captions`' tables of several models and data sets.
        seed: seed of the bootstrap over scenes.

    Returns:
        run, dataset, against (the other arm), value, and what `ablations.judge_seeds` says of the own caption less the
        other arm: what is below 0 is a gain but in PSNR.
    """
    rows = []
    seeds = points["codec"].map(seed_of)
    for (run, dataset), cell in points.groupby([seeds.str[0].rename("run"), "dataset"], sort=False):
        for against in (arm for arm in (WITHOUT, ANOTHER) if arm in cell["arm"].array):
            for value in (name for name in VALUES if name in points):
                each = {
                    number: _difference(one, against, value)
                    for number, one in cell.groupby(seeds[cell.index].str[1], sort=True)
                }
                about = {"run": run, "dataset": dataset, "against": against, "value": value}
                rows += [about | row for row in judge_seeds(each, seed, HIGHER, LOWER)]
    return pd.DataFrame(rows)


def _difference(cell: pd.DataFrame, against: str, value: str) -> pd.DataFrame:
    arms = cell.pivot(index=WHOSE, columns="arm", values=value)
    return (arms[OWN] - arms[against]).rename("value").reset_index()
