"""Measure whether TACO sees text: what a sentence is worth that names the part of a picture that counts, and what a
picture's own caption is worth to a codec that was trained with text from the first step.

`python tools/measure_text_control.py FOLDER --data bsds500:PATH --data kodak:PATH`, where FOLDER holds what
recipes/train/taco-control.yaml trains. Of a collection that was trained on, the held-out split is taken. Pictures of
controls are the middles of photographs, as large as the crops that were trained on; `--side 0` takes whole photographs,
as those with captions always are. Writes to figures/taco_control what controls gain ("gains"), what captions do
("captions", a picture with a row for each image, and "caption_gains"), with 95 % intervals over scenes, how each
training of the folder ended, and what contrastive terms come to beside guessing; with `--rows FILE` a row for each
picture, part and arm of controls too. The models do not ship: the sidecars name their hashes, and `smicnb train` makes
them again from the plan. Rows of models that are not in FOLDER stay: each seed can be trained and measured on its own.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from smicnb.base.errors import SmicnbError
from smicnb.base.files import check_target, write_text
from smicnb.drawing import style
from smicnb.learned.files import checkpoints
from smicnb.learned.files.shipped import read_facts
from smicnb.learned.files.taco_codec import TacoCodec
from smicnb.learned.training.curves import contrast_table, training_table
from smicnb.repro import figures
from smicnb.repro.checkout import root, versions
from smicnb.semantics.metrics.captions import NearestWords
from smicnb.semantics.photographs import image_collections
from smicnb.studies import learned_plots
from smicnb.studies.taco import arms, control, measures

SEED = 0  # of the bootstrap
NAMES = ("dataset", "model", "part", "against", "value")  # of a row
TABLES = ("gains", "captions", "caption_gains", "trainings", "contrast")
PLAN = "Trained by recipes/train/taco-control.yaml."
INTERVALS = "with 95 % intervals over scenes."
GAINS = "What the sentence that names the part that counts is worth, against the wrong sentence and against a model "
GAINS += f"without text: mean differences over pictures, {INTERVALS}"
CAPTIONS = f"TACO with a picture's own caption, less other arms, image by image, {INTERVALS}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, draw, write and print."""
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
    if not found:
        raise SmicnbError(f"found no model of TACO in '{chosen.folder}'", "checkpoints of taco-control.yaml")
    collections = [image_collections.load(name) for name in chosen.data]
    made_from = {collection.name: collection.fingerprint for collection in collections}
    made_from |= {f"model {one.name}": one.sha256 for one in found}
    files = {name: chosen.out / f"{name}.csv" for name in TABLES}
    for name in ("gains", "captions"):  # before hours of measuring: of these collections?
        figures.read_kept(files[name], ["dataset"], made_from)
    gains, captions = _measure_controls(paths, collections, chosen), _measure_captions(paths, collections)
    chosen.out.mkdir(parents=True, exist_ok=True)

    def origin(hashes: dict) -> dict:
        return {"tool": Path(__file__).name, "seed": SEED, "made_from": hashes, "versions": versions()}

    for name, rows, caption in (
        ("gains", gains, GAINS),
        ("trainings", training_table(found), "How the trainings ended, on validation crops."),
        ("contrast", contrast_table(found), "The contrastive term of trainings in nats, beside guessing in a batch."),
    ):
        if len(rows):
            names = [name for name in NAMES if name in rows]
            kept, all_from = figures.read_kept(files[name], names, made_from)
            rows = figures.add_rows(rows, kept, names).sort_values(names[:2], kind="stable")
            _write_table(files[name], rows, f"{caption} {PLAN}", origin(all_from))
    if len(captions):
        kept, all_from = figures.read_kept(files["captions"], arms.NAMES, made_from)
        points = figures.add_rows(captions, kept, arms.NAMES).sort_values([*arms.NAMES[:2]], kind="stable")
        judged, about = arms.judge_captions(points, SEED), f"{CAPTIONS} {PLAN}"
        _write_table(files["caption_gains"], judged, about, origin(all_from))
        style.use_style()
        picture = files["captions"].with_suffix(".png")
        figures.write_data(files["captions"], points)
        figures.write_picture(picture, learned_plots.caption_gains(judged), about, origin(all_from))
        figures.write_sidecar(picture.with_suffix(".json"), origin(all_from), about, [picture, files["captions"]])


def _measure_controls(paths: Sequence[Path], collections: Sequence, chosen: argparse.Namespace) -> pd.DataFrame:
    tables = []
    for with_text, without in arms.pair_arms(paths, controls=True):
        if without is None:  # its other arm is not trained yet
            continue
        codecs = [TacoCodec(with_text), TacoCodec(without)]
        side = codecs[0].checkpoint.facts["run"]["crop"] if chosen.side is None else chosen.side
        tables += [control.measure_control(*codecs, collection, side) for collection in collections]
    if not tables:
        return pd.DataFrame()
    table = pd.concat(tables, ignore_index=True)
    if chosen.rows:
        write_text(chosen.rows, table.to_csv(index=False))
    return control.judge_control(table, SEED)


def _measure_captions(paths: Sequence[Path], collections: Sequence) -> pd.DataFrame:
    tables = []
    for with_text, without in arms.pair_arms(paths, controls=False):
        codecs = TacoCodec(with_text), TacoCodec(without) if without else None
        captioner = NearestWords(codecs[0].encoder(), image_collections.words())
        tables += [
            arms.measure_captions(*codecs, measures.select_tested(collection, control.LONGER_SIDE), captioner)
            for collection in collections
        ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _write_table(path: Path, rows: pd.DataFrame, caption: str, origin: dict) -> None:
    figures.write_table(path, rows, caption, origin)
    print(rows.to_string(index=False, float_format=lambda value: f"{value:+.4f}"))


if __name__ == "__main__":
    main()
