"""What a search in coded latents finds of what it finds in the uncoded ones: recall, precision, labels; and floors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from smicnb.base.progress import progress
from smicnb.compare.latents.protocol import LatentCoder
from smicnb.semantics.metrics.intervals import bootstrap_mean, upper_hull
from smicnb.studies.retrieval.searches import Search, Texts, unit_rows

RECALL, FIRST = "recall@10", "recall@1"
VIEWS, TEXT, FITS, LABELS, COSINE = "mAP of views", "text: recall@10", "text: mAP", "labels kept", "latent cosine"
MEASURES = (RECALL, FIRST, VIEWS, TEXT, FITS, LABELS, COSINE)
K = 10
SIZE = 1000.0  # images that share what is sent once
SAME = 9  # digits to which scores are compared: what is closer is equal, and ordered at random
NONE, INDEX, RANDOM = "not coded", "index of the gallery", "random order"


@dataclass(frozen=True)
class Found:
    """What a coder at a setting keeps, in all searches together.

    Args:
        coder, setting: names.
        payload_bits: bits of a stored image.
        side_bits: bits of the collection, sent once.
        values: measure -> one value for each photograph that asks, or for each text, or for each stored photograph.
    """

    coder: str
    setting: str
    payload_bits: float
    side_bits: float
    values: dict[str, np.ndarray]

    def bits(self, n: float) -> float:
        """Bits of an image of n, its share of what is sent once included; n may be infinite."""
        return self.payload_bits + self.side_bits / n


class Asked:
    """A `Search`, with what uncoded latents find in it.

    Args:
        search: photographs.
        texts: further queries.
    """

    def __init__(self, search: Search, texts: Texts):
        self.search, self.texts = search, texts
        scenes, asking = np.array(search.scenes), search.asking
        self._same = scenes[asking][:, None] == scenes
        self._same[np.arange(len(asking)), asking] = False
        fits = [np.isin(scenes, sorted(some)) for some in texts.fits]
        self._fits = np.array(fits, bool).reshape(len(fits), len(scenes))
        self._stored, self._queries = unit_rows(search.stored), unit_rows(texts.queries)
        self._words = unit_rows(texts.labels)
        self._exact = ranked(self.scores(self._stored), search.places)[:, :K]
        self._exact_texts = ranked(self._queries @ self._stored.T, search.places)[:, :K]
        self._labels = (self._stored @ self._words.T).argmax(axis=1)

    def scores(self, decoded: np.ndarray) -> np.ndarray:
        """(q, m) cosines of those that ask with decoded latents (m, L) of norm 1, that of each with itself −∞."""
        found = self.search.queries @ decoded.T
        found[np.arange(len(found)), self.search.asking] = -np.inf
        return found

    def values(self, decoded: np.ndarray) -> dict[str, np.ndarray]:
        """Measure -> values (`Found.values`) of decoded latents (m, L); a measure that nobody asks for is left out."""
        decoded = unit_rows(decoded)
        order = ranked(self.scores(decoded), self.search.places)
        texts = ranked(self._queries @ decoded.T, self.search.places)
        found = {
            RECALL: shared(self._exact, order[:, :K]),
            FIRST: shared(self._exact[:, :1], order[:, :1]),
            TEXT: shared(self._exact_texts, texts[:, :K]),
            LABELS: (self._labels == (decoded @ self._words.T).argmax(axis=1)).astype(float),
            COSINE: (self._stored * decoded).sum(axis=1),
        }
        some = self._same.any(axis=1)
        if some.all():
            found[VIEWS] = average_precision(self._same, order)
        if self._fits.any():
            told = self._fits.any(axis=1)
            found[FITS] = average_precision(self._fits[told], texts[told])
        return found

    def groups(self) -> dict[str, np.ndarray]:
        """Measure -> what is drawn for intervals: the scene of each value, or the text itself."""
        scenes, texts = np.array(self.search.scenes), np.arange(len(self.texts.queries)).astype(str)
        asking = scenes[self.search.asking]
        told = texts[: len(self._fits)][self._fits.any(axis=1)]
        return {RECALL: asking, FIRST: asking, VIEWS: asking, TEXT: texts, FITS: told, LABELS: scenes, COSINE: scenes}


def ranked(scores: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(q, m) rows of the stored by falling scores (q, m); equal ones, to `SAME` digits, by their places (m,)."""
    by_place = np.argsort(places)
    order = np.argsort(-np.round(scores[:, by_place], SAME), axis=1, kind="stable")
    return by_place[order]


def shared(wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(q,) share of the rows wanted (q, k) that are among those found (q, j)."""
    return (wanted[:, :, None] == found[:, None, :]).any(axis=2).mean(axis=1)


def average_precision(relevant: np.ndarray, order: np.ndarray) -> np.ndarray:
    """(q,) mean of the precision at each relevant one, of rows in their order (q, m); relevant (q, m) by row, one at
    least for each query."""
    hits = np.take_along_axis(relevant, order, axis=1)
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    return (precision * hits).sum(axis=1) / hits.sum(axis=1)


def measure(coders: Iterable[LatentCoder], asked: Sequence[Asked]) -> list[Found]:
    """Every coder fitted, its file decoded again and searched, in all searches: the values of all are put together,
    bits are means over the stored photographs. On one thread, as `points.measure`."""
    from threadpoolctl import threadpool_limits

    coders = list(coders)
    parts: list[list[Found]] = [[] for _ in coders]
    with threadpool_limits(1):
        for number, each in enumerate(asked, 1):
            for place, coder in enumerate(progress(coders, f"coders of latents, search {number} of {len(asked)}")):
                data = coder.fit(each.search.fitted).encode(each.search.stored)
                spent, values = coder.spent(data), each.values(coder.decode(data))
                bits = 8 * spent.payload / spent.images, 8.0 * spent.side
                parts[place].append(Found(coder.name, coder.setting, *bits, values))
    return [put_together(some, asked) for some in parts]


def floors(asked: Sequence[Asked], seed: int) -> list[Found]:
    """What needs no coder: latents that are not coded; each replaced by the nearest one that coders are fitted to,
    which its number names; and random ones, which know nothing."""
    made: dict[str, list[Found]] = {NONE: [], INDEX: [], RANDOM: []}
    for each in asked:
        stored, fitted = each.search.stored, each.search.fitted
        nearest = (unit_rows(stored) @ unit_rows(fitted).T).argmax(axis=1)
        drawn = np.random.default_rng(seed).standard_normal(stored.shape)
        for name, payload, decoded in (
            (NONE, np.nan, stored),
            (INDEX, np.log2(len(fitted)), fitted[nearest]),
            (RANDOM, 0.0, drawn),
        ):
            made[name].append(Found(name, "", payload, 0.0, each.values(decoded)))
    return [put_together(some, asked) for some in made.values()]


def put_together(parts: Sequence[Found], asked: Sequence[Asked]) -> Found:
    """One of a coder's several, of one search each."""
    weights = [len(each.search.stored) for each in asked]
    payload, side = (
        float(np.average([getattr(p, name) for p in parts], weights=weights)) for name in ("payload_bits", "side_bits")
    )
    values = {name: np.concatenate([p.values[name] for p in parts]) for name in parts[0].values}
    return Found(parts[0].coder, parts[0].setting, payload, side, values)


def groups(asked: Sequence[Asked]) -> dict[str, np.ndarray]:
    """Measure -> what is drawn for its intervals, of all searches."""
    each = [some.groups() for some in asked]
    return {name: np.concatenate([some[name] for some in each]) for name in each[0]}


def hull_of(found: Sequence[Found], names: Sequence[str], n: float) -> list[Found]:
    """The settings of the named coders on the upper hull of bits, of an image of n, and recall, by rising bits."""
    mine = [each for each in found if each.coder in names]
    if not mine:
        return []
    bits = np.array([each.bits(n) for each in mine])
    return [mine[row] for row in upper_hull(bits, np.array([each.values[RECALL].mean() for each in mine]))]


def table(found: Sequence[Found], drawn: dict[str, np.ndarray], seed: int) -> pd.DataFrame:
    """Recall of all settings, and all measures of those on the hull of each coder.

    Returns:
        coder, setting, payload_bits, bits_at_1000, measure, mean, low, high (the 95 % interval over scenes, for texts
        over texts).
    """
    names = dict.fromkeys(each.coder for each in found)
    shown = {id(each) for name in names for each in hull_of(found, (name,), np.inf)}
    rows = []
    for each in found:
        for name, values in each.values.items():
            if name == RECALL or id(each) in shown or np.isnan(each.payload_bits):
                interval = bootstrap_mean(values, drawn[name], seed)
                rows.append((each.coder, each.setting, each.payload_bits, each.bits(SIZE), name, *interval))
    columns = ["coder", "setting", "payload_bits", "bits_at_1000", "measure", "mean", "low", "high"]
    return pd.DataFrame(rows, columns=columns)
