"""TACO's positive control, measured: what a sentence that names a half of a picture is worth in files and in that half.

Three arms are compared: the codec with text and the right sentence, the same with the sentence of the opposite half,
and the codec that was trained for the same without text.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from smicnb.base.errors import SmicnbError
from smicnb.base.progress import progress_bar
from smicnb.compare.images import curves
from smicnb.learned.files.shipped import read_facts
from smicnb.learned.files.taco_codec import TacoCodec
from smicnb.learned.training.control import HALVES, OPPOSITE, SENTENCES, mark_halves
from smicnb.semantics.photographs.image_collections import Collection
from smicnb.studies.taco.measures import select_tested

RIGHT, WRONG, WITHOUT = "right sentence", "wrong sentence", "without text"
LONGER_SIDE = 768  # of a photograph, in pixels, before its middle is cut out: BSDS500's and Kodak's stay as they are
VALUES = ("cost", "bpp", "psnr_named", "psnr_other")


def pair_controls(paths: Iterable[Path]) -> list[tuple[Path, Path]]:
    """Checkpoints of a control with text, each with that of the same control without: equal in run, loss, seed, start
    and photographs, but for the text and the name of the run.

    Raises:
        SmicnbError: no two belong together.
    """
    arms: dict[bool, list[tuple[list, Path]]] = {True: [], False: []}
    for path in sorted(paths):
        said = read_facts(path)
        facts = said.get("facts", {})
        run = dict(facts.get("run", {}))
        if said.get("codec") == "taco" and run.get("control"):
            text = run.pop("text")
            arms[text != "none"].append(([run, *(facts[key] for key in ("loss", "seed", "start", "data"))], path))
    found = [(one, other) for about, one in arms[True] for same, other in arms[False] if about == same]
    if not found:
        raise SmicnbError(
            f"found {len(arms[True])} controls with text and {len(arms[False])} without, and no two of one plan",
            "checkpoints of one control, rate and seed with text and without",
            "train both: smicnb train taco --config recipes/train/taco-control.yaml",
        )
    return found


def measure_control(with_text: TacoCodec, without: TacoCodec, collection: Collection, side: int) -> pd.DataFrame:
    """Files of photographs that were not trained on, by each sentence and arm.

    Args:
        with_text, without: codecs of one control, as `pair_controls` finds them.
        collection: its held-out split is taken where the models saw the others (`measures.select_tested`).
        side: the middle of each photograph, so many pixels high and wide, or fewer where it is smaller, is the picture;
            0: the whole photograph, in which the networks cannot tell everywhere where they are.

    Returns:
        A row for each picture, half and arm: dataset, scene, image, model, arm, half (that counts), sentence (that the
        encoder read), height, width, bytes (of the file), bpp, mse_named and mse_other (in the half that counts and
        outside it, of pixels in [0, 255]), psnr_named and psnr_other (dB), cost (bpp + λ mse_named, which the control
        was trained for, with the λ of the model with text).
    """
    rows = []
    part, weight = select_tested(collection, LONGER_SIDE), with_text.checkpoint.facts["loss"]["distortion"]
    with progress_bar(f"coding {part.name}", len(part)) as advance:
        for item in part:
            picture = cut_middle(item.image(), side)
            height, width = picture.shape[:2]
            coded = {half: _code(with_text, picture, sentence) for half, sentence in SENTENCES.items()}
            plain = _code(without, picture, "")
            marks = mark_halves(range(len(HALVES)), height, width)[:, 0].numpy()
            for half, mark in zip(HALVES, marks, strict=True):
                arms = {
                    RIGHT: (SENTENCES[half], *coded[half]),
                    WRONG: (SENTENCES[OPPOSITE[half]], *coded[OPPOSITE[half]]),
                    WITHOUT: ("", *plain),
                }
                for arm, (sentence, size, decoded) in arms.items():
                    errors = np.square(picture.astype(float) - decoded).mean(axis=2)
                    named, other = float(errors[mark].mean()), float(errors[~mark].mean())
                    bpp = 8 * size / (height * width)
                    about = {"dataset": part.name, "scene": item.scene, "image": item.id}
                    about |= {"model": with_text.checkpoint.name, "arm": arm, "half": half, "sentence": sentence}
                    about |= {"height": height, "width": width, "bytes": size, "bpp": bpp}
                    about |= {"mse_named": named, "mse_other": other}
                    about |= {"psnr_named": _psnr(named), "psnr_other": _psnr(other)}
                    rows.append(about | {"cost": bpp + weight * named})
            advance(1)
    return pd.DataFrame(rows)


def cut_middle(image: np.ndarray, side: int) -> np.ndarray:
    """The middle of an image H×W×3, `side` pixels high and wide or as many as there are; 0: all of it."""
    if not side:
        return image
    top, left = (max(0, (size - side) // 2) for size in image.shape[:2])
    return np.ascontiguousarray(image[top : top + side, left : left + side])


def judge_control(table: pd.DataFrame, seed: int, halves: Sequence[str] = HALVES) -> pd.DataFrame:
    """What the right sentence is worth, picture by picture, of `measure_control`'s table.

    Args:
        table: rows of one or several models and data sets.
        seed: seed of the bootstrap over scenes.
        halves: halves that count; of each picture the mean over them is compared.

    Returns:
        dataset, model, against (the other arm), value, mean (of the right sentence less the other arm: what is below 0
        is a gain in cost and bpp, what is above 0 in psnr), low and high (95 %, by a bootstrap over scenes), images,
        left_out (images without a finite difference).
    """
    rows = []
    for (dataset, model), cell in table[table["half"].isin(halves)].groupby(["dataset", "model"], sort=False):
        means = {arm: one.groupby(curves.WHOSE, as_index=False)[[*VALUES]].mean() for arm, one in cell.groupby("arm")}
        for against in (WITHOUT, WRONG):
            for value in VALUES:
                found = curves.difference(means[RIGHT], means[against], value, seed)
                rows.append({"dataset": dataset, "model": model, "against": against, "value": value, **found})
    return pd.DataFrame(rows)


def _code(codec: TacoCodec, picture: np.ndarray, sentence: str) -> tuple[int, np.ndarray]:
    """The length in bytes of a picture's file, and what it decodes to."""
    data = codec.encode(picture, sentence)
    return len(data), codec.decode(data)


def _psnr(error: float) -> float:
    """PSNR in dB of a mean squared error of pixels in [0, 255]; inf of none."""
    return 10 * np.log10(255**2 / error) if error else np.inf
