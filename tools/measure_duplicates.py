"""Measure how near duplicates are told from others in coded latents, and from which cosine on, by a file's fidelity.

`python tools/measure_duplicates.py [BSDS500]`, where BSDS500 is the folder of that data set. Thresholds are chosen on
the 79 whole photographs of the embedded collection, each saved again as JPEG of quality 50, halved, and cut by 5 %:
that of the best F1, two photographs of one scene being no duplicates. They are written to smicnb/codec/search/data, and
the tables to docs/search.md; without BSDS500 the rows of the check, on photographs that nothing was chosen on, stay.
"""

import io
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.isotonic import IsotonicRegression

from smicnb.base.cache import ArrayCache
from smicnb.base.files import write_json, write_text
from smicnb.codec.coders.axes import AxesCodec
from smicnb.codec.coders.smic import SMICCodec
from smicnb.codec.format import priors
from smicnb.codec.format.reader import SmicReader
from smicnb.codec.rate import POINTS
from smicnb.codec.search import duplicates
from smicnb.codec.search.index import SemanticIndex
from smicnb.repro.checkout import root
from smicnb.semantics.encoders.encoders import encoder
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.photographs.image_collections import Item
from smicnb.semantics.photographs.views import WHOLE, View

QUALITY, CUT = 50, 0.05  # of JPEG; share of the longer side
FIDELITIES = {"prior": (86, 90, 94, 98, 102), "own": (88, 92, 96, 100, 104)}
STEPS = np.linspace(0.5, 1, 1001)  # thresholds that are tried
CHECKED = 200  # photographs of BSDS500 that have near duplicates among all 500
CORNERS = (View("tl", 50), View("br", 50))  # of each of those 500: 1000 pictures, of which no two share a pixel
PAGE = root() / "docs" / "search.md"


def saved_again(image: np.ndarray) -> np.ndarray:
    """The photograph after JPEG."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=QUALITY)
    return np.asarray(Image.open(stream).convert("RGB"))


def halved(image: np.ndarray) -> np.ndarray:
    """The photograph with half as many rows and columns."""
    whole = Image.fromarray(image)
    return np.asarray(whole.resize((whole.width // 2, whole.height // 2), Image.Resampling.LANCZOS))


def cut(image: np.ndarray) -> np.ndarray:
    """The photograph without a strip at the beginning of its longer side."""
    height, width = image.shape[:2]
    strip = round(CUT * max(height, width))
    return np.ascontiguousarray(image[:, strip:] if width >= height else image[strip:])


VARIANTS = {"again": saved_again, "halved": halved, "cut": cut}


def latents(items: Sequence[Item], variant: str = "") -> np.ndarray:
    """Latents (n, L) of items, or of one variant of each, every one encoded once ever."""
    model, cache = encoder("lite0-minilm"), ArrayCache("variants")
    keys = [[model.name, model.weights_hash, variant, QUALITY, CUT, *item.read] for item in items]
    found = [cache.get(key) for key in keys]
    missing = [row for row, latent in enumerate(found) if latent is None]
    change = VARIANTS.get(variant, np.asarray)
    encoded = model.encode_images(change(items[row].image()) for row in missing) if missing else ()
    for row, latent in zip(missing, encoded, strict=True):
        cache.put(keys[row], latent)
        found[row] = latent
    return np.stack(found)


def with_duplicates(items: Sequence[Item], varied: int) -> tuple[np.ndarray, np.ndarray]:
    """Latents of items and of the variants of the first of them, and of which item each is."""
    rows = [latents(items), *(latents(items[:varied], name) for name in VARIANTS)]
    return np.vstack(rows), np.concatenate([np.arange(len(items)), *[np.arange(varied)] * len(VARIANTS)])


def files(Z: np.ndarray) -> Iterable[tuple[str, bytes]]:
    """The latents under codings of both kinds of axes, and by the paper's medium model."""
    (prior,) = priors.list_priors()
    for axes, fidelities in FIDELITIES.items():
        for fidelity in fidelities:
            yield f"axes: {axes}", AxesCodec(axes, fidelity, prior=prior).fit(Z).encode(Z)
    medium = POINTS["medium"]
    codec = SMICCodec(min(len(Z), medium.n_atoms), medium.penalty, medium.b_dict, medium.b_coef)
    yield "the paper's medium model", codec.fit(Z).encode(Z)


def measured(data: bytes, Z: np.ndarray, which: np.ndarray) -> tuple[dict, np.ndarray, np.ndarray]:
    """A file's facts, and the cosines of its pairs: those of one photograph, and all others."""
    with SmicReader(data) as opened:
        found, bits = opened.latents(), 8 * opened.file.spent["payload"] / len(opened)
    index = SemanticIndex.open(data)
    cosines = index.scores(found)[np.triu_indices(len(Z), 1)]
    same = (which[:, None] == which)[np.triu_indices(len(Z), 1)]
    units = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (found, Z)]
    facts = {
        "bits": bits,
        "cosine": float((units[0] * units[1]).sum(axis=1).mean()),
        "said": index.fidelity(),
    }
    return facts, cosines[same], cosines[~same]


def counts(same: np.ndarray, other: np.ndarray, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall of pairs at thresholds."""
    right = (same[:, None] >= threshold).sum(axis=0)
    wrong = len(other) - np.searchsorted(np.sort(other), threshold)
    return right / np.maximum(1, right + wrong), right / len(same)


def choose(items: Sequence[Item]) -> tuple[list[dict], list[tuple[float, float]]]:
    """Rows of the table of the choice, and the chosen thresholds as (fidelity, cosine), both rising."""
    Z, which = with_duplicates(items, len(items))
    rows = []
    for way, data in files(Z):
        facts, same, other = measured(data, Z, which)
        precision, recall = counts(same, other, STEPS)
        best = int(np.argmax(2 * precision * recall / np.maximum(1e-9, precision + recall)))
        rows.append(
            {"way": way, **facts, "threshold": STEPS[best], "precision": precision[best], "recall": recall[best]}
        )
    axes = sorted((row["said"], row["threshold"]) for row in rows if row["way"].startswith("axes"))
    said, thresholds = np.array(axes).T
    smooth = IsotonicRegression().fit(said, thresholds).predict(said)
    return rows, [(round(float(a), 3), round(float(b), 3)) for a, b in zip(said, smooth, strict=True)]


def check(items: Sequence[Item]) -> list[dict]:
    """Rows of a check: pairs at the default threshold; `aside` leaves out pairs of one photograph's parts."""
    Z, which = with_duplicates(items, CHECKED)
    photographs = [item.path for item in items]
    parts = np.array([photographs.index(item.path) for item in items])[which]
    upper = np.triu_indices(len(Z), 1)
    of_one = (parts[:, None] == parts)[upper][(which[:, None] != which)[upper]]
    rows = []
    for way, data in files(Z):
        facts, same, other = measured(data, Z, which)
        index = SemanticIndex.open(data)
        threshold = duplicates.threshold(index)
        precision, recall = counts(same, other, np.array([threshold]))
        aside, _ = counts(same, other[~of_one], np.array([threshold]))
        found = {"threshold": threshold, "precision": precision[0], "recall": recall[0], "aside": aside[0]}
        rows.append({"way": way, **facts, **found})
    return rows


def corners(items: Sequence[Item]) -> list[Item]:
    """Two opposite corners of each photograph, those of the first photographs first."""
    return [
        replace(item, id=f"{item.id}#{view.name}", view=view, content_hash=f"{item.content_hash}#{view.name}")
        for item in items
        for view in CORNERS
    ]


HEAD = {
    "way": "coded by", "bits": "bits an image", "cosine": "cosine", "said": "as the file says",
    "threshold": "threshold", "precision": "precision", "recall": "recall",
}  # fmt: skip
ASIDE = {**HEAD, "aside": "precision, parts of one photograph aside"}


def table(rows: Sequence[dict], head: dict[str, str] = HEAD) -> str:
    """Rows as Markdown, with the columns of `head`."""
    lines = [f"| {' | '.join(head.values())} |", "|---" * len(head) + "|"]
    for row in sorted(rows, key=lambda row: (row["way"], row["bits"])):
        numbers = [f"{row[name]:.0f}" if name == "bits" else f"{row[name]:.3f}" for name in list(head)[1:]]
        lines.append(f"| {' | '.join([row['way'], *numbers])} |")
    return "\n".join(lines)


def put(page: str, mark: str, text: str) -> str:
    """The page with a table between its marks."""
    begin, end = f"<!-- {mark}: written by tools/measure_duplicates.py -->", f"<!-- end of {mark} -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL)


def main(arguments: Sequence[str]) -> None:
    """Measure and write."""
    items = [item for item in image_collections.load("embedded") if item.view == WHOLE]
    rows, chosen = choose(items)
    write_json(duplicates.THRESHOLDS, {"fidelity": [a for a, _ in chosen], "threshold": [b for _, b in chosen]})
    duplicates.chosen.cache_clear()
    page = put(PAGE.read_text(encoding="utf-8"), "choice", table(rows))
    for folder in arguments[:1]:
        loaded = image_collections.load(f"bsds500:{Path(folder).expanduser()}")
        items = sorted((item for item in loaded if item.view == WHOLE), key=lambda item: item.id)
        page = put(page, "check", table(check(items)))
        page = put(page, "corners", table(check(corners(items)), ASIDE))
    write_text(PAGE, page)
    print(json.dumps(chosen))


if __name__ == "__main__":
    main(sys.argv[1:])
