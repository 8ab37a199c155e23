"""Operating points as files: written, read back, and what their images look like (Fig. 14, Tables II and III)."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from smicnb.base.progress import progress
from smicnb.codec.coders.coefficients import spread_rows
from smicnb.codec.coders.smic import SMICCodec, fit_codebook, learn_atoms
from smicnb.codec.format import quantise
from smicnb.codec.format.container import Header
from smicnb.codec.format.payload import CODINGS
from smicnb.codec.format.reader import SmicReader
from smicnb.codec.rate import INDEX_IMAGE, INDEX_ONCE, POINTS, FileRate
from smicnb.semantics.encoders.encoders import SemanticEncoder
from smicnb.semantics.metrics.intervals import bootstrap_cells
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.spaces import SemanticSpace
from smicnb.studies.frontier.sweep import PARAMETERS, Grid, learn
from smicnb.studies.readings import Readings
from smicnb.studies.reconstruction.measures import ReEncoder


def hull_files(
    hulls: pd.DataFrame,
    collection: np.ndarray,
    others: Mapping[str, np.ndarray],
    grid: Grid,
    encoder: SemanticEncoder,
    name: str = "train",
) -> pd.DataFrame:
    """Write and read files at every setting of the hulls of the codings that a file can have.

    Args:
        hulls: `sweep.hulls`'.
        collection: latents (n, L) that the sweep was fitted on.
        others: split -> latents (m, L) that get files of their own, coded with what was fitted on the collection.
        grid: the sweep's grid.
        encoder: encoder of the latents.
        name: the collection's name in `hulls`.

    Returns:
        One row per coding, setting and split: PARAMETERS, latent_cosine (of what was decoded), model_bits (what the
        sweep said an image takes), payload_bits and index_bits per image of the file, and overhead_bits (header,
        dictionary, tables).
    """
    setting = ["accounting", *PARAMETERS]
    wanted = hulls[hulls["accounting"].isin(CODINGS)].drop_duplicates(["split", *setting])
    sizes = list(wanted["n_atoms"].unique())
    learned = {size: learn(collection, size, grid) for size in progress(sizes, "learning")}
    rows = []
    for key, points in progress(list(wanted.groupby(setting, sort=False)), "writing and reading files"):
        about = dict(zip(setting, key, strict=True))
        header = Header(
            encoder=encoder.name,
            weights_hash=encoder.weights_hash,
            dim=collection.shape[1],
            norm=grid.norm,
            coding=about["accounting"],
            **{parameter: about[parameter] for parameter in PARAMETERS},
        )
        levels = quantise.atom_levels(learned[header.n_atoms], header.b_dict)
        codec = SMICCodec.from_codebook(fit_codebook(header, levels, collection, refit=True), refit=True)
        said = points.set_index("split")[f"{header.coding}_bits"]
        for split, latents in {name: collection, **others}.items():
            measured, decoded = code_file(codec, latents)
            row = {"split": split, **about, "latent_cosine": latent_cosine(latents, decoded).mean()}
            rows.append(row | {"model_bits": said[split]} | _list_bits(measured))
    return pd.DataFrame(rows)


def file_bits(files: pd.DataFrame, n: float) -> np.ndarray:
    """Bits of an image of a file of `n` images like those of each row of `hull_files`, everything counted."""
    once = 0.0 if math.isinf(n) else (files["overhead_bits"].to_numpy() + INDEX_ONCE) / n
    return files["payload_bits"].to_numpy() + INDEX_IMAGE + once


def code_file(codec: SMICCodec, latents: np.ndarray) -> tuple[FileRate, np.ndarray]:
    """The bits of the file of latents (n, L), and what is read back from it, (n, L) float32."""
    with SmicReader(codec.encode(latents)) as opened:
        return FileRate.from_spent(opened.file.spent, len(opened)), opened.latents()


def _list_bits(measured: FileRate) -> dict[str, float]:
    """What is paid once for a file, and payload and index of an image."""
    each = {part: getattr(measured, part) / measured.images for part in ("payload_bits", "index_bits")}
    return {"overhead_bits": measured.overhead_bits, **each}


def file_rates(
    collection: np.ndarray, others: Mapping[str, np.ndarray], seed: int, name: str = "train"
) -> tuple[pd.DataFrame, dict[tuple[str, str], np.ndarray]]:
    """The paper's three operating points as files, their dictionaries learned on the collection at the point's own λ.

    Args:
        collection: latents (n, L).
        others: name -> latents (m, L) that are coded with what was fitted on the collection.
        seed: seed of the dictionaries.
        name: the collection's name.

    Returns:
        A table with a row per model, coding and set of images: `model`, `coding`, `split`, `images`, `overhead_bits`
        (header, dictionary, tables), `payload_bits` and `index_bits` per image. And (model, split) -> decoded latents:
        those of either coding, which are the same.
    """
    rows, decoded = [], {}
    atoms = {
        model: learn_atoms(collection, point.n_atoms, point.penalty, seed)
        for model, point in progress(list(POINTS.items()), "learning dictionaries")
    }
    cells = [(model, coding) for model in POINTS for coding in CODINGS]
    for model, coding in progress(cells, "models as files"):
        point = POINTS[model]
        shape = point.n_atoms, point.penalty, point.b_dict, point.b_coef, coding
        codec = SMICCodec(*shape, random_state=seed, refit=True).fit(collection, atoms=atoms[model])
        for split, latents in {name: collection, **others}.items():
            measured, back = code_file(codec, latents)
            decoded[model, split] = back
            about = {"model": model, "coding": coding, "split": split, "images": measured.images}
            rows.append(about | _list_bits(measured))
    return pd.DataFrame(rows), decoded


def fidelity(
    space: SemanticSpace,
    splits: Mapping[str, tuple[np.ndarray, Sequence[str]]],
    decoded: Mapping[tuple[str, str], np.ndarray],
    generated: int,
    seed: int,
    readings: Readings,
) -> pd.DataFrame:
    """Every metric of Table II for every model and split, in long form.

    Args:
        space: encoder and generator.
        splits: split -> (latents (n, L), scene of each).
        decoded: (model, split) -> latents (n, L) as decoded; the model "no codec" is added here.
        generated: number of latents of a split that images are made of at most, evenly spread over it.
        seed: the generator's seed.
        readings: further measures of the images.

    Returns:
        Columns split, model, scene, item, metric, value.
    """
    frames, encode = [], ReEncoder(space.encoder)
    everything = {**{("no codec", split): latents for split, (latents, _) in splits.items()}, **decoded}
    for (model, split), version in progress(list(everything.items()), "generating"):
        latents, scenes = splits[split]
        rows = spread_rows(len(latents), generated)
        images = space.generate(version[rows], seed)
        seen = encode(images)
        values = {"image_cosine": latent_cosine(latents[rows], seen)}
        values |= readings(split, rows.tolist(), images, seen)
        about = {"split": split, "model": model}
        kept = {"metric": "latent_cosine", "value": latent_cosine(latents, version)}
        frames.append(pd.DataFrame({**about, "scene": scenes, "item": range(len(latents)), **kept}))
        some = {**about, "scene": np.asarray(scenes)[rows], "item": rows}
        frames += [pd.DataFrame({**some, "metric": metric, "value": value}) for metric, value in values.items()]
    return pd.concat(frames, ignore_index=True)


def summarise(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Mean and 95 % interval, bootstrapped over scenes, of every split, model and metric of `fidelity`."""
    return bootstrap_cells(table, ["split", "model", "metric"], "value", seed)


def entropy_bits(rates: pd.DataFrame, split: str = "train") -> list[float]:
    """Payload and index bits per image of each point's entropy-coded file, in the order of `rate.POINTS`."""
    rows = rates[(rates["coding"] == "entropy") & (rates["split"] == split)].set_index("model")
    return [float(rows.loc[model, ["payload_bits", "index_bits"]].sum()) for model in POINTS]
