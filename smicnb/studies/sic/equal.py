"""SIC and its twin on equal terms (recipes/train/sic-equal.yaml): bits for equal quality, seed by seed and over seeds.

The shipped twin was trained for two and a half times SIC's steps. Here both have equal steps, schedules, crops and, of
a seed, weights at the start, so that what differs is the method.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from pathlib import Path

import pandas as pd

from smicnb.base.errors import SmicnbError
from smicnb.compare.images import classical, curves, evaluate
from smicnb.compare.images.ablations import judge_seeds, seed_of
from smicnb.learned.files import sic_levels
from smicnb.learned.files.shipped import read_facts
from smicnb.semantics.photographs.image_collections import Collection
from smicnb.studies.sic import measures
from smicnb.studies.sic.verdicts import FEWER, MORE

PAIRS = {"sic": "twin", "sic-lpips": "twin-lpips"}  # what is trained alike but for the method
RUNS = (*PAIRS, *PAIRS.values())
METRICS = ("psnr", "lpips", "dists")
NAMES = ("codec", "setting", "dataset", "scene", "image")  # of a point


def find_compared(folder: Path) -> list[Path]:
    """The checkpoints of `RUNS` in a folder, in this order; pilots are left out.

    Raises:
        SmicnbError: none.
    """
    found = {}
    for path in folder.glob("*.safetensors"):
        facts = read_facts(path)
        run, _, rest = facts.get("name", "").partition("/")
        if facts.get("codec") == "sic" and run in RUNS:
            found[RUNS.index(run), rest] = path
    if not found:
        raise SmicnbError(f"found no model of {', '.join(RUNS)} in '{folder}'", "checkpoints of sic-equal.yaml")
    return [path for _, path in sorted(found.items())]


def measure(
    paths: Iterable[Path], collection: Collection, jpeg: bool = True, executor: Executor | None = None
) -> pd.DataFrame:
    """`measures.points` of every level of checkpoints, and of JPEG where asked for, on the images of a collection."""
    codecs = [level for path in paths for level in sic_levels.levels_of(path)]
    codecs += classical.ladder("jpeg") if jpeg else []
    return measures.points(evaluate.evaluate(codecs, collection, METRICS, None, executor))


def list_trainings(paths: Iterable[Path]) -> pd.DataFrame:
    """How far from their end trainings stopped: model, steps, loss_before (on validation crops, as logged last before
    the learning rate first fell), loss (at the end), and fall, the share of the first that went after it.

    Raises:
        OSError: a checkpoint has no log (.parquet) beside it.
    """
    rows = []
    for path in paths:
        facts, log = read_facts(path), pd.read_parquet(path.with_suffix(".parquet"))
        run = facts["facts"]["run"]
        loss = log[log["part"] == "validated"].set_index("step")["loss"]
        before = loss[loss.index <= run["milestones"][0] * run["steps"]].iloc[-1]
        about = {"model": facts["name"], "steps": run["steps"], "loss_before": before, "loss": loss.iloc[-1]}
        rows.append(about | {"fall": 1 - loss.iloc[-1] / before})
    return pd.DataFrame(rows)


def sort_points(points: pd.DataFrame) -> pd.DataFrame:
    """Points of `measure`, of several calls too, by run and seed, JPEG's last."""

    def place(codec: str) -> tuple[int, int]:
        run, seed = seed_of(codec) if codec.startswith(measures.FAMILY) else ("", 0)
        return (RUNS.index(run) if run else len(RUNS)), seed

    return points.sort_values("codec", key=lambda codecs: codecs.map(place), kind="stable", ignore_index=True)


def bd_rates(points: pd.DataFrame, seed: int, metrics: Sequence[str]) -> pd.DataFrame:
    """BD-rate of SIC against its twin of the same seed, in percent: above 0 SIC takes more bits. Seeds count whose twin
    has a model for every rate.

    Args:
        points: `measure`'s table.
        seed: seed of the bootstrap over scenes.
        metrics: qualities that are to be equal.

    Returns:
        codec, against (runs), metric, and what `ablations.judge_seeds` says.
    """
    measured = points.groupby("codec")["setting"].agg(set)
    trained = {seed_of(codec): codec for codec in measured.index if codec.startswith(measures.FAMILY)}
    rows = []
    for ours, twin in PAIRS.items():
        whole = set().union(*(measured[codec] for (run, _), codec in trained.items() if run == twin))
        seeds = sorted(
            number
            for run, number in trained
            if run == ours and (twin, number) in trained and measured[trained[twin, number]] == whole
        )
        for metric in metrics if seeds else ():
            each = {}
            for number in seeds:
                pair = [trained[ours, number], trained[twin, number]]
                each[number] = curves.bd_rates(points[points["codec"].isin(pair)], metric, pair[1])
            about = {"codec": ours, "against": twin, "metric": metric}
            rows += [about | row for row in judge_seeds(each, seed, MORE, FEWER)]
    return pd.DataFrame(rows)


def beside_jpeg(points: pd.DataFrame, seed: int) -> pd.DataFrame:
    """`curves.compare_at_rate`'s table of every level of SIC and of every twin, beside JPEG in PSNR."""
    ours = [codec for codec in points["codec"].unique() if codec.startswith(measures.FAMILY)]
    return curves.compare_at_rate(points, ours, ["JPEG"], ["psnr"], seed)
