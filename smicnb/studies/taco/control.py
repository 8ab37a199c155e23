"""TACO's positive controls, measured: what a sentence that names a part of a picture is worth in files.

Three arms are compared: the codec with text and the right sentence, the same with the sentence of the opposite part,
and the codec that was trained for the same without text.
"""

import numpy as np
import pandas as pd
import torch

from smicnb.base.progress import progress_bar
from smicnb.compare.images import curves
from smicnb.compare.images.ablations import ALL
from smicnb.learned.files.taco_codec import TacoCodec
from smicnb.learned.training.control import OPPOSITE, PARTS, SENTENCES, Task, split_error
from smicnb.semantics.photographs.image_collections import Collection
from smicnb.studies.taco.measures import select_tested

RIGHT, WRONG, WITHOUT = "right sentence", "wrong sentence", "without text"
LONGER_SIDE = 768  # of a photograph, in pixels, before its middle is cut out: BSDS500's and Kodak's stay as they are
VALUES = ("cost", "bpp", "psnr_named", "psnr_other")


def measure_control(with_text: TacoCodec, without: TacoCodec, collection: Collection, side: int) -> pd.DataFrame:
    """Files of photographs that were not trained on, by each sentence and arm.

    Args:
        with_text, without: codecs of one control, as `arms.pair_arms` finds them.
        collection: its held-out split is taken where the models saw the others (`measures.select_tested`).
        side: the middle of each photograph, so many pixels high and wide, or fewer where it is smaller, is the picture;
            0: the whole photograph, in which the networks cannot tell everywhere where they are.

    Returns:
        A row for each picture, part and arm: dataset, scene, image, model, arm, part (that counts), sentence (that the
        encoder read), height, width, bytes (of the file), bpp, mse_named and mse_other (in the part that counts and
        outside it, of values in [0, 255]), psnr_named and psnr_other (dB), cost (bpp + λ mse_named, which the control
        was trained for, with the λ of the model with text).
    """
    rows = []
    task: Task = with_text.checkpoint.facts["run"]["control"]
    photographs, weight = select_tested(collection, LONGER_SIDE), with_text.checkpoint.facts["loss"]["distortion"]
    with progress_bar(f"coding {photographs.name}", len(photographs)) as advance:
        for item in photographs:
            picture = cut_middle(item.image(), side)
            height, width = picture.shape[:2]
            told = dict.fromkeys(named for part in PARTS[task] for named in (part, OPPOSITE[part]))
            coded = {named: _code(with_text, picture, SENTENCES[named]) for named in told}
            plain = _code(without, picture, "")
            for number, part in enumerate(PARTS[task]):
                opposite = OPPOSITE[part]
                arms = {
                    RIGHT: (SENTENCES[part], *coded[part]),
                    WRONG: (SENTENCES[opposite], *coded[opposite]),
                    WITHOUT: ("", *plain),
                }
                for arm, (sentence, size, decoded) in arms.items():
                    errors = split_error(_pixels(decoded), _pixels(picture), task, [number])
                    named, elsewhere = (error.item() for error in errors)
                    bpp = 8 * size / (height * width)
                    about = {"dataset": photographs.name, "scene": item.scene, "image": item.id}
                    about |= {"model": with_text.checkpoint.name, "arm": arm, "part": part, "sentence": sentence}
                    about |= {"height": height, "width": width, "bytes": size, "bpp": bpp}
                    about |= {"mse_named": named, "mse_other": elsewhere}
                    about |= {"psnr_named": _psnr(named), "psnr_other": _psnr(elsewhere)}
                    rows.append(about | {"cost": bpp + weight * named})
            advance(1)
    return pd.DataFrame(rows)


def cut_middle(image: np.ndarray, side: int) -> np.ndarray:
    """The middle of an image H×W×3, `side` pixels high and wide or as many as there are; 0: all of it."""
    if not side:
        return image
    top, left = (max(0, (size - side) // 2) for size in image.shape[:2])
    return np.ascontiguousarray(image[top : top + side, left : left + side])


def judge_control(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """What the right sentence is worth, picture by picture, of `measure_control`'s table.

    Args:
        table: rows of one or several models and data sets.
        seed: seed of the bootstrap over scenes.

    Returns:
        dataset, model, part (that counts; `ALL`: of each picture the mean over parts), against (the other arm), value,
        mean (of the right sentence less the other arm: what is below 0 is a gain in cost and bpp, what is above 0 in
        psnr), low and high (95 %, by a bootstrap over scenes), images, left_out (images without a finite difference).
    """
    rows = []
    for (dataset, model), cell in table.groupby(["dataset", "model"], sort=False):
        for part in (ALL, *cell["part"].unique()):
            some = cell if part == ALL else cell[cell["part"] == part]
            by_arm = some.groupby("arm")
            means = {arm: one.groupby(curves.WHOSE, as_index=False)[[*VALUES]].mean() for arm, one in by_arm}
            for against in (WITHOUT, WRONG):
                for value in VALUES:
                    found = curves.difference(means[RIGHT], means[against], value, seed)
                    about = {"dataset": dataset, "model": model, "part": part, "against": against, "value": value}
                    rows.append(about | found)
    return pd.DataFrame(rows)


def _code(codec: TacoCodec, picture: np.ndarray, sentence: str) -> tuple[int, np.ndarray]:
    """The length in bytes of a picture's file, and what it decodes to."""
    data = codec.encode(picture, sentence)
    return len(data), codec.decode(data)


def _pixels(image: np.ndarray) -> torch.Tensor:
    """(1, 3, H, W) float64 in [0, 1] of an image H×W×3."""
    return torch.from_numpy(image.astype(float)).permute(2, 0, 1)[None] / 255


def _psnr(error: float) -> float:
    """PSNR in dB of a mean squared error of pixels in [0, 255]; inf of none."""
    return 10 * np.log10(255**2 / error) if error else np.inf
