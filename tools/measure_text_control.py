"""Measure whether TACO sees text: what a sentence that names a half of a picture is worth in files and in that half.

`python tools/measure_text_control.py FOLDER --data bsds500:PATH --data kodak:PATH`, where FOLDER holds what
recipes/train/taco-control.yaml trains. Of a collection that was trained on, the held-out split is taken. Pictures are
the middles of photographs, as large as the crops that were trained on; `--side 0` takes whole photographs. Writes to
figures/taco_control the mean gains with 95 % intervals over scenes, how each training of the folder ended, and what
contrastive terms come to beside guessing; with `--rows FILE` a row for each picture, half and arm too. The models do
not ship: the sidecars name their hashes, and `smicnb train` makes them again from the plan. Rows of models that are not
in FOLDER stay in the tables: each seed can be trained and measured on its own.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from smicnb.base.files import check_target, write_text
from smicnb.learned.files import checkpoints
from smicnb.learned.files.shipped import read_facts
from smicnb.learned.files.taco_codec import TacoCodec
from smicnb.learned.training.curves import contrast_table, training_table
from smicnb.repro import figures
from smicnb.repro.checkout import root, versions
from smicnb.semantics.photographs import image_collections
from smicnb.studies.taco import control

SEED = 0  # of the bootstrap
NAMES = ("dataset", "model", "against", "value")  # of a row
PLAN = "Trained by recipes/train/taco-control.yaml."
GAINS = "What the sentence that names the half that counts is worth, against the wrong sentence and against a model "
GAINS += "without text: mean differences over pictures, with 95 % intervals over scenes."


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", action="append", required=True)
    parser.add_argument("--out", type=Path, default=root() / "figures" / "taco_control")
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--side", type=int, help="pixels; the side of the crops that were trained on")
    chosen = parser.parse_args(arguments)
    if chosen.rows:
        check_target(chosen.rows, force=True)
    paths = sorted(path for path in chosen.folder.glob("*.safetensors") if "run" in read_facts(path).get("facts", {}))
    found = [checkpoints.load(path) for path in paths if read_facts(path)["codec"] == "taco"]
    collections, tables = [image_collections.load(name) for name in chosen.data], []
    made_from = {collection.name: collection.fingerprint for collection in collections}
    made_from |= {f"model {one.name}": one.sha256 for one in found}
    figures.read_kept(chosen.out / "gains.csv", NAMES, made_from)  # before hours of measuring: of these collections?
    for with_text, without in control.pair_controls(paths):
        codecs = TacoCodec(with_text), TacoCodec(without)
        side = codecs[0].checkpoint.facts["run"]["crop"] if chosen.side is None else chosen.side
        tables += [control.measure_control(*codecs, collection, side) for collection in collections]
    table = pd.concat(tables, ignore_index=True)
    if chosen.rows:
        write_text(chosen.rows, table.to_csv(index=False))
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name, rows, caption in (
        ("gains", control.judge_control(table, SEED), GAINS),
        ("trainings", training_table(found), "How the controls' trainings ended, on validation crops."),
        ("contrast", contrast_table(found), "The contrastive term of trainings in nats, beside guessing in a batch."),
    ):
        if len(rows):
            path, names = chosen.out / f"{name}.csv", [name for name in NAMES if name in rows]
            kept, all_from = figures.read_kept(path, names, made_from)
            rows = figures.add_rows(rows, kept, names).sort_values(names[:2], kind="stable")
            origin = {"tool": Path(__file__).name, "seed": SEED, "made_from": all_from, "versions": versions()}
            figures.write_table(path, rows, f"{caption} {PLAN}", origin)
            print(rows.to_string(index=False, float_format=lambda value: f"{value:+.4f}"))


if __name__ == "__main__":
    main()
