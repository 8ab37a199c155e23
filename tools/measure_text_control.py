"""Measure whether TACO sees text: what a sentence that names a half of a picture is worth in files and in that half.

`python tools/measure_text_control.py FOLDER --data bsds500:PATH --data kodak:PATH --out control.csv`, where FOLDER
holds what recipes/train/taco-control.yaml trains. Of a collection that was trained on, the held-out split is taken.
Pictures are the middles of photographs, as large as the crops that were trained on; `--side 0` takes whole photographs.
Writes a row for each picture, half and arm, and prints the mean gains with 95 % intervals over scenes, and what the
contrastive terms of all trainings of the folder come to beside guessing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from smicnb.base.files import check_target, write_text
from smicnb.learned.files import checkpoints
from smicnb.learned.files.shipped import read_facts
from smicnb.learned.files.taco_codec import TacoCodec
from smicnb.learned.training.curves import contrast_table
from smicnb.semantics.photographs import image_collections
from smicnb.studies.taco import control

SEED = 0  # of the bootstrap


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, help="pixels; the side of the crops that were trained on")
    chosen = parser.parse_args(arguments)
    check_target(chosen.out, force=True)
    paths = sorted(path for path in chosen.folder.glob("*.safetensors") if "run" in read_facts(path).get("facts", {}))
    collections, tables = [image_collections.load(name) for name in chosen.data], []
    for with_text, without in control.pair_controls(paths):
        codecs = TacoCodec(with_text), TacoCodec(without)
        side = codecs[0].checkpoint.facts["run"]["crop"] if chosen.side is None else chosen.side
        tables += [control.measure_control(*codecs, collection, side) for collection in collections]
    table = pd.concat(tables, ignore_index=True)
    write_text(chosen.out, table.to_csv(index=False))
    print(control.judge_control(table, SEED).to_string(index=False, float_format=lambda value: f"{value:+.4f}"))
    found = [checkpoints.load(path) for path in paths if read_facts(path)["codec"] == "taco"]
    if len(beside := contrast_table(found)):
        print(beside.to_string(index=False, float_format=lambda value: f"{value:.3f}"))


if __name__ == "__main__":
    main()
