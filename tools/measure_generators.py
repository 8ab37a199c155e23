"""Measure the embedded generators against retrieval, and write the table of figures/generators.

`python tools/measure_generators.py [BSDS500]`, where BSDS500 is the folder of its 500 images. Without it the committed
rows of BSDS500 stay as they are. Nothing was chosen on the photographs that it measures: those of the split "heldout".
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from smicnb.base.errors import SmicnbError
from smicnb.drawing import style
from smicnb.drawing.parts import draw_thumbnail
from smicnb.repro import figures
from smicnb.repro.checkout import root, versions
from smicnb.semantics.encoders import lite0_minilm
from smicnb.semantics.encoders.encoders import encode_collection, encoder
from smicnb.semantics.encoders.inception import InceptionFeatures
from smicnb.semantics.generators.generators import LatentGenerator, generator
from smicnb.semantics.generators.inversion import PART
from smicnb.semantics.metrics.intervals import bootstrap_mean
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.photographs.data_sets import DATA_SETS
from smicnb.semantics.photographs.image_collections import Collection
from smicnb.semantics.spaces import normalise
from smicnb.semantics.weights import store
from smicnb.studies.reconstruction.measures import pick_scenes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TABLE = root() / "figures" / "generators" / "generators_against_retrieval.csv"
SHEET = TABLE.with_name("generators_sheet.png")
SHEET_CAPTION = "Held-out photographs of the embedded collection, each the first of its scene, and what each generator "
SHEET_CAPTION += "makes of their latents, which were not coded."
RETRIEVAL = "retrieval"
COMPARED = (RETRIEVAL, "inversion", "inversion?photographs=1", "inversion?steps=0")
SHOWN = 6  # held-out photographs of the sheet, each of another scene
EMBEDDED, BSDS500 = "embedded", "bsds500"
EVERY = 3  # of the held-out photographs
SEED = 0  # of the pictures and of the bootstrap
OPTIMISED, INDEPENDENT = "image_cosine (lite0-minilm)", "image_cosine (inception-fid, centred)"
CAPTION = (
    "Pictures of the embedded generators for latents of held-out photographs (every third), against the photographs: "
    "cosine by lite0-minilm and by Inception, with 95 % intervals over scenes; ahead: generator minus retrieval, image "
    "by image."
)


def measured(name: str, collection: Collection) -> list[dict]:
    """Rows for one data set: every generator under both judges, the lead over retrieval beside it."""
    gallery, heldout = collection.split("gallery"), collection.split("heldout")
    items = heldout.items[::EVERY]
    model, judge = encoder(lite0_minilm.NAME), InceptionFeatures()
    latents = normalise(encode_collection(model, heldout)[::EVERY])
    centre = encode_collection(judge, gallery).mean(axis=0)
    judged = encode_collection(judge, heldout)[::EVERY] - centre
    groups = np.array([item.scene for item in items])
    rows, base = [], {}
    for selected in COMPARED:
        images, seconds = timed(generator(selected, model, gallery), latents)
        cosines = {
            OPTIMISED: latent_cosine(latents, model.encode_images(images)),
            INDEPENDENT: latent_cosine(judged, judge.encode_images(images) - centre),
        }
        for metric, values in cosines.items():
            base.setdefault(metric, values)  # retrieval comes first
            ahead = values - base[metric]
            lead = bootstrap_mean(ahead, groups, SEED) if selected != RETRIEVAL else (np.nan,) * 3
            numbers = np.round([*bootstrap_mean(values, groups, SEED), *lead], 3)
            rows.append({
                "data set": name, "generator": selected, "metric": metric, "n": len(items),
                "scenes": len(np.unique(groups)),
                **dict(zip(("value", "low", "high", "ahead", "ahead low", "ahead high"), numbers, strict=True)),
                "core seconds": seconds,
            })  # fmt: skip
            print(*rows[-1].values(), sep="  ", flush=True)
    return rows


def sheet(embedded: Collection) -> tuple["Figure", list[str]]:
    """Held-out photographs of the embedded collection, and what each generator makes of their latents, with the cosine
    that inversion optimises; their names.
    """
    import matplotlib.pyplot as plt

    heldout, model = embedded.split("heldout"), encoder(lite0_minilm.NAME)
    rows = pick_scenes(heldout, SHOWN)
    latents = normalise(encode_collection(model, heldout)[rows])
    lines = {"input": [heldout.items[row].image() for row in rows]}
    for name in COMPARED[:3]:
        lines[name] = generator(name, model, embedded.split("gallery")).generate(latents, [SEED] * len(rows))
    size = (style.PAGE, style.PAGE * 1.12 * len(lines) / len(rows))
    figure, grid = plt.subplots(len(lines), len(rows), figsize=size)
    for line, (name, images) in zip(grid, lines.items(), strict=True):
        line[0].set_ylabel(name.replace("?", "\n"), fontsize=7)
        cosines = latent_cosine(latents, model.encode_images(images))
        for axes, image, cosine in zip(line, images, cosines, strict=True):
            draw_thumbnail(axes, image, below="" if name == "input" else f"{cosine:.2f}")
    said = f"below each: cosine of its latent and the input's by {lite0_minilm.NAME}, which inversion itself optimises"
    figure.supxlabel(said, fontsize=7)
    return figure, [heldout.items[row].id for row in rows]


def timed(maker: LatentGenerator, latents: np.ndarray) -> tuple[list[np.ndarray], float]:
    """The generator's images, and core seconds for each after a first one that loads what is needed."""
    maker.generate(latents[:1], [SEED])
    start = time.process_time()
    images = maker.generate(latents, [SEED] * len(latents))
    return images, float(f"{(time.process_time() - start) / len(images):.2g}")


def kept() -> list[dict]:
    """The committed rows of BSDS500, where they were measured with these weights."""
    sidecar = TABLE.with_suffix(".json")
    stored = json.loads(sidecar.read_text(encoding="utf-8"))["made_from"] if sidecar.is_file() else {}
    if any(stored.get(name) != used for name, used in weights_used().items()):
        raise SmicnbError(
            f"'{TABLE.name}' is absent, or its rows of BSDS500 were measured with other weights",
            "the 500 images of BSDS500",
            "give their folder: tools/measure_generators.py FOLDER",
        )
    data = pd.read_csv(TABLE)
    return data[data["data set"] == BSDS500].to_dict("records")


def weights_used() -> dict[str, str]:
    """Hashes of the encoder, the judge and the generator's part."""
    judge, painter = InceptionFeatures().weights_hash, store.weights_hash(PART)
    return {"encoder": encoder(lite0_minilm.NAME).weights_hash, "judge": judge, PART: painter}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bsds500", nargs="?", type=Path, help="folder of the images of BSDS500")
    folder = parser.parse_args().bsds500
    others = measured(BSDS500, image_collections.load(f"bsds500:{folder}")) if folder else kept()
    embedded = image_collections.load("embedded")
    data = pd.DataFrame([*measured(EMBEDDED, embedded), *others])
    made_from = {**weights_used(), EMBEDDED: embedded.fingerprint, BSDS500: DATA_SETS[BSDS500].sha256}
    origin = {"tool": Path(__file__).name, "seed": SEED, "made_from": made_from, "versions": versions()}
    figures.write_table(TABLE, data, CAPTION, origin)
    style.use_style()
    figure, names = sheet(embedded)
    figures.write_data(SHEET.with_suffix(".csv"), pd.DataFrame({"image": names}))
    figures.write_picture(SHEET, figure, SHEET_CAPTION, origin)
    figures.write_sidecar(SHEET.with_suffix(".json"), origin, SHEET_CAPTION, [SHEET, SHEET.with_suffix(".csv")])


if __name__ == "__main__":
    try:
        main()
    except SmicnbError as error:
        sys.exit(f"measure_generators: {error}")
