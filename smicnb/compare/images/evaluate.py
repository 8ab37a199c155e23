"""One protocol for every image codec: encode → bytes → decode → metrics, over the true pixels, in long-form rows."""

import ast
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import pandas as pd

from smicnb.base import names
from smicnb.base.cache import ArrayCache
from smicnb.base.errors import SmicnbError, StoppedError, one_line
from smicnb.base.files import sha256_json
from smicnb.base.progress import progress_bar
from smicnb.base.work.shards import run_pieces
from smicnb.semantics.encoders.encoders import ImageEncoder
from smicnb.semantics.encoders.towers import BATCH
from smicnb.semantics.metrics import pairs, perception
from smicnb.semantics.photographs.image_collections import Collection, Item

COLUMNS = ("codec", "setting", "dataset", "scene", "image", "metric", "value", "unit", "rate_kind", "note")
MEASURED, ESTIMATED, FAILED = "measured", "estimated", "failed"


class ImageCodec(Protocol):
    """An image codec at one operating point; to be given to other processes it has to be picklable.

    A codec may also have a method `estimate(image, caption) -> float`: the bits it expects, such as those of its
    entropy model. They become rows of their own and never replace those of the bytes.
    """

    name: str  # the family: "JPEG XL", "TACO"
    setting: str  # the operating point: "quality 50"
    fingerprint: Mapping[str, str | float]  # all that the bytes depend on: versions, hashes of weights, options

    def encode(self, image: np.ndarray, caption: str | None) -> bytes:
        """The whole file of an RGB uint8 image H×W×3, whose caption may be known."""

    def decode(self, data: bytes) -> np.ndarray:
        """The RGB uint8 image H×W×3, of the size that was encoded, from these bytes and nothing else."""


@dataclass(frozen=True)
class Metric:
    """A measure of pairs of equal size.

    Args:
        measure: images and decoded images to (n,) values.
        side: least side in pixels; smaller images are left out.
        higher: whether higher is better.
        unit: the values' unit.
    """

    measure: Callable[[Sequence[np.ndarray], Sequence[np.ndarray]], np.ndarray] | None
    side: int = 1
    higher: bool = False
    unit: str = ""


PIXEL_METRICS = {
    "psnr": Metric(pairs.psnr, higher=True, unit="dB"),
    "ms_ssim": Metric(pairs.ms_ssim, pairs.MS_SSIM_SIDE, higher=True),
    "lpips": Metric(partial(pairs.lpips, net="alex"), pairs.LPIPS_NETS["alex"][1]),
    "lpips_vgg": Metric(partial(pairs.lpips, net="vgg"), pairs.LPIPS_NETS["vgg"][1]),
    "dists": Metric(perception.dists, perception.DISTS_SIDE),
}
IMAGE_COSINE = "image_cosine"
METRICS = {**PIXEL_METRICS, IMAGE_COSINE: Metric(None, higher=True)}  # that one needs an encoder to measure it

RECORD = 1  # count it up when what is kept, or how it is measured here, changes: numbers are remembered
# What is kept of one image at one operating point, before the metrics.
_KEPT = ("height", "width", "bytes", "encode_seconds", "decode_seconds", "bits")
_UNITS = {"bytes": "byte", "bpp": "bit/pixel", "bits": "bit", "encode_seconds": "s", "decode_seconds": "s"}

Outcome: TypeAlias = np.ndarray | str  # the numbers, or why there are none


@dataclass(frozen=True)
class _Measures:
    """The metrics of a run, and the encoder of `image_cosine`."""

    names: tuple[str, ...]
    encoder: ImageEncoder | None

    def measure(self, image: np.ndarray, decoded: Sequence[np.ndarray]) -> np.ndarray:
        """(decoded images, metrics): NaN where the image is too small for a metric."""
        values = np.full((len(decoded), len(self.names)), np.nan)
        for column, name in enumerate(self.names):
            if decoded and min(image.shape[:2]) >= METRICS[name].side:
                measure = METRICS[name].measure or self._cosine
                values[:, column] = measure([image] * len(decoded), decoded)
        return values

    def _cosine(self, images: Sequence[np.ndarray], decoded: Sequence[np.ndarray]) -> np.ndarray:
        """`pairs.image_cosine` where the images are all the same one: it is encoded once, in the others' batch."""
        latents = self.encoder.encode_images([images[0], *decoded])
        return pairs.latent_cosine(np.repeat(latents[:1], len(decoded), axis=0), latents[1:])


@dataclass(frozen=True)
class _Piece:
    """One image and the operating points of as many families as the encoder sees in one batch."""

    row: int
    item: Item
    codecs: dict[int, ImageCodec]


def evaluate(
    codecs: Sequence[ImageCodec],
    collection: Collection,
    metrics: Sequence[str] = tuple(PIXEL_METRICS),
    encoder: ImageEncoder | None = None,
    executor: Executor | None = None,
) -> pd.DataFrame:
    """Encode every image with every codec, decode the bytes, and measure.

    What was measured before is read from the cache, its seconds too: the key is a codec's name, setting and
    fingerprint, the image and its caption, the metrics with the code that measures them, and the encoder. Results are
    kept image by image, so that what was interrupted goes on. Failures are not kept.

    Args:
        codecs: operating points; no two have the same name and setting.
        collection: images; an item's caption is offered to the encoder, never to the decoder.
        metrics: names in `PIXEL_METRICS`. One that an image is too small for has no row for it.
        encoder: an encoder that measures `image_cosine` besides.
        executor: runs one image and a few families of codecs per task; here and now where absent. Seconds are by the
            wall clock: those of tasks that shared a machine are longer.

    Returns:
        A row for each codec, setting, image and metric, in this order: `COLUMNS`. Metrics are "bytes" (of the whole
        file), "bpp" (bits of it, over the true pixels H·W), "encode_seconds", "decode_seconds", then `metrics`. Their
        `rate_kind` is "measured": they are those of a file. An estimate's "bits" and "bpp" are "estimated".
        Where a codec raised an error or did not return an image of the same size, the only row is the metric "failed"
        with the value 1 and the reason as `note`. The note of "image_cosine" is the encoder's name.

    Raises:
        UnknownNameError: no such metric. SmicnbError: two codecs of one name and setting.
        MissingWeightsError: a metric's network was not fetched.
    """
    for name in metrics:
        names.lookup("metric of pixels", name, PIXEL_METRICS)
    seen = [(codec.name, codec.setting) for codec in codecs]
    twice = sorted({f"{name}, {setting}" for name, setting in seen if seen.count((name, setting)) > 1})
    if twice:
        raise SmicnbError(f"found two codecs called '{twice[0]}'", "a name and a setting for each of their own")
    measures = _Measures((*metrics, *([IMAGE_COSINE] if encoder else [])), encoder)
    cache = ArrayCache("evaluate")
    code = [RECORD, *(statements_hash(Path(module.__file__)) for module in (pairs, perception))]
    found: dict[tuple[int, int], Outcome | None] = {}
    keys = {}
    for row, item in enumerate(collection.items):
        for number, codec in enumerate(codecs):
            keys[row, number] = _key(code, codec, item, measures)
            found[row, number] = cache.get(keys[row, number])
    pieces = _pieces(codecs, collection, {at for at, outcome in found.items() if outcome is None})
    missing = sum(len(piece.codecs) for piece in pieces)
    with progress_bar(f"coding {collection.name}: {missing} files", missing or 1) as advance:
        for piece, outcomes in run_pieces(partial(_measure, measures), pieces, executor):
            for number, outcome in outcomes.items():
                at = piece.row, number
                found[at] = outcome
                if not isinstance(outcome, str):
                    cache.put(keys[at], outcome)
            advance(len(outcomes))
    table = [
        (codec.name, codec.setting, collection.name, item.scene, item.id, *about)
        for number, codec in enumerate(codecs)
        for row, item in enumerate(collection.items)
        for about in _rows(found[row, number], measures)
    ]
    return pd.DataFrame(table, columns=list(COLUMNS))


def statements_hash(source: Path) -> str:
    """SHA-256 of a module's statements: comments, docstrings and layout change no number."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return sha256_json(ast.dump(tree))


def _key(code: list[int | str], codec: ImageCodec, item: Item, measures: _Measures) -> dict:
    encoder = measures.encoder
    return {
        "code": code,
        "codec": [codec.name, codec.setting, dict(codec.fingerprint), hasattr(codec, "estimate")],
        "image": [*item.read, item.caption],
        "metrics": measures.names,
        "encoder": [encoder.name, encoder.weights_hash] if encoder else None,
    }


def _pieces(codecs: Sequence[ImageCodec], collection: Collection, missing: set[tuple[int, int]]) -> list[_Piece]:
    """What is still to be done: `missing` has rows of the collection and numbers of codecs."""
    groups: list[list[int]] = [[]]
    for _, family in groupby(range(len(codecs)), key=lambda number: codecs[number].name):
        family = list(family)
        if len(groups[-1]) + len(family) < BATCH:  # the image itself is in the batch too
            groups[-1] += family
        else:
            groups.append(family)
    pieces = []
    for row, item in enumerate(collection.items):
        for group in groups:
            wanted = {number: codecs[number] for number in group if (row, number) in missing}
            if wanted:
                pieces.append(_Piece(row, item, wanted))
    return pieces


def _measure(measures: _Measures, piece: _Piece) -> dict[int, Outcome]:
    image = piece.item.image()
    outcomes: dict[int, Outcome] = {}
    decoded = {}
    for number, codec in piece.codecs.items():
        try:
            outcomes[number], decoded[number] = _code_image(codec, image, piece.item.caption)
        except StoppedError:
            raise
        except Exception as error:  # codecs are anyone's, and fail with anything
            outcomes[number] = _reason(error)
    for number, values in zip(decoded, measures.measure(image, list(decoded.values())), strict=True):
        outcomes[number] = np.concatenate([outcomes[number], values])
    return outcomes


def _code_image(codec: ImageCodec, image: np.ndarray, caption: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of `_KEPT`, and the decoded image."""
    given = image.copy()  # what a codec does to its input must not come into the measurement
    start = time.perf_counter()
    data = codec.encode(given, caption)
    coded = time.perf_counter()
    if not isinstance(data, bytes):
        raise SmicnbError(f"encode returned {type(data).__name__}", "bytes")
    ready = time.perf_counter()
    decoded = np.asarray(codec.decode(data))
    end = time.perf_counter()
    if decoded.dtype != np.uint8 or decoded.shape != image.shape:
        raise SmicnbError(f"decode returned {decoded.dtype} of shape {decoded.shape}", f"uint8 of shape {image.shape}")
    bits = codec.estimate(image.copy(), caption) if hasattr(codec, "estimate") else np.nan
    return np.array([*image.shape[:2], len(data), coded - start, end - ready, bits], np.float64), decoded


def _reason(error: Exception) -> str:
    said = one_line(str(error))
    return said if isinstance(error, SmicnbError) else f"{type(error).__name__}: {said}".removesuffix(": ")


def _rows(outcome: Outcome, measures: _Measures) -> list[tuple[str, float, str, str, str]]:
    """Metric, value, unit, rate_kind and note of every row of one image at one operating point."""
    if isinstance(outcome, str):
        return [(FAILED, 1.0, "", MEASURED, outcome)]
    kept = dict(zip(_KEPT, outcome.tolist(), strict=False))
    pixels = kept["height"] * kept["width"]
    numbers = {
        "bytes": kept["bytes"],
        "bpp": 8 * kept["bytes"] / pixels,
        "encode_seconds": kept["encode_seconds"],
        "decode_seconds": kept["decode_seconds"],
    }
    rows = [(name, value, _UNITS[name], MEASURED, "") for name, value in numbers.items()]
    for name, value in zip(measures.names, outcome[len(_KEPT) :].tolist(), strict=True):
        if min(kept["height"], kept["width"]) >= METRICS[name].side:
            note = measures.encoder.name if name == IMAGE_COSINE else ""
            rows.append((name, value, METRICS[name].unit, MEASURED, note))
    if not np.isnan(kept["bits"]):
        bits = {"bits": kept["bits"], "bpp": kept["bits"] / pixels}
        rows += [(name, value, _UNITS[name], ESTIMATED, "") for name, value in bits.items()]
    return rows


def failures(table: pd.DataFrame) -> pd.DataFrame:
    """How often each operating point failed, of `evaluate`'s table: codec, setting, images, failed, and one reason as
    `note`.
    """
    groups = table[table["rate_kind"] == MEASURED].groupby(["codec", "setting"], sort=False)
    rows = []
    for (codec, setting), cell in groups:
        failed = cell[cell["metric"] == FAILED]
        if len(failed):
            rows.append((codec, setting, cell["image"].nunique(), len(failed), failed["note"].iloc[0]))
    return pd.DataFrame(rows, columns=["codec", "setting", "images", "failed", "note"])


def points(table: pd.DataFrame) -> pd.DataFrame:
    """What was measured, of `evaluate`'s table: one row per codec, setting and image with a column per metric; failures
    have none.

    Returns:
        codec, setting, dataset, scene, image and the metrics; NaN where an image is too small for one.
    """
    first = ["codec", "setting", "dataset", "scene", "image"]
    kept = table[(table["rate_kind"] == MEASURED) & (table["metric"] != FAILED)]
    metrics = list(dict.fromkeys(kept["metric"]))
    wide = kept.set_index([*first, "metric"])["value"].unstack("metric")
    order = pd.MultiIndex.from_frame(kept[first].drop_duplicates())
    return wide.reindex(order)[metrics].reset_index().rename_axis(columns=None)
