"""Measure SIC and its twin, trained on equal terms, on a collection, and write the tables of figures/sic_equal_terms.

`python tools/measure_equal_terms.py FOLDER --data kodak:PATH`, where FOLDER holds what recipes/train/sic-equal.yaml
trains. The models do not ship: the sidecars name their hashes, and `smicnb train` makes them again from the plan.
Points of models that are not in FOLDER stay in the tables: each seed can be trained and measured on its own.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from smicnb.drawing import style
from smicnb.learned.files import checkpoints
from smicnb.repro import figures
from smicnb.repro.checkout import root, versions
from smicnb.semantics.photographs import image_collections
from smicnb.studies import learned_plots
from smicnb.studies.sic import equal

SEED = 0  # of the bootstrap and of what SIC draws
MOST_BPP = 0.8
PLAN = "Trained on equal terms (recipes/train/sic-equal.yaml)"
RULE = f"{PLAN}, with 95 % intervals over scenes."


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, draw, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, default=root() / "figures" / "sic_equal_terms")
    chosen = parser.parse_args(arguments)
    paths, photographs = equal.find_compared(chosen.folder), image_collections.load(chosen.data)
    data, losses = chosen.out / "rates.csv", chosen.out / "losses.csv"
    made_from = {"collection": photographs.fingerprint}
    for found in map(checkpoints.load, paths):
        made_from[f"model {found.name}"] = found.sha256
    kept, made_from = figures.read_kept(data, equal.NAMES, made_from)
    points = equal.measure(paths, photographs, jpeg=kept is None)
    points = equal.sort_points(figures.add_rows(points, kept, equal.NAMES))
    kept, _ = figures.read_kept(losses, ["model"], made_from)
    trainings = figures.add_rows(equal.list_trainings(paths), kept, ["model"]).sort_values("model")
    origin = {"tool": Path(__file__).name, "seed": SEED, "made_from": made_from, "versions": versions()}
    chosen.out.mkdir(parents=True, exist_ok=True)
    rates, where = equal.bd_rates(points, SEED, equal.METRICS), f"on {photographs.name}"
    bits = f"BD-rate of SIC against its twin in percent {where} (above 0: more bits), seed by seed. {RULE}"
    gaps = f"PSNR of SIC's levels and of the twins {where} beside JPEG's at equal rate. {RULE}"
    for path, table, said in (
        (chosen.out / "bd_rates.csv", rates, bits),
        (chosen.out / "beside_jpeg.csv", equal.beside_jpeg(points, SEED), gaps),
        (losses, trainings, f"Loss on validation crops before the learning rate first fell, and at the end. {PLAN}."),
    ):
        figures.write_table(path, table, said, origin)
    style.use_style()
    caption = f"SIC, a file for all rates, and its twin, a model a rate, {where}. Thin: further seeds. {RULE}"
    picture = data.with_suffix(".png")
    figures.write_data(data, points)
    figure = learned_plots.rate_curves_of(points, equal.METRICS, MOST_BPP, SEED)
    figures.write_picture(picture, figure, caption, origin)
    figures.write_sidecar(picture.with_suffix(".json"), origin, caption, [picture, data])
    print(rates.to_string(index=False, float_format=lambda value: f"{value:.2f}"))


if __name__ == "__main__":
    main()
