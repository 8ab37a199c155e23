"""What else could be made for neighbours at equal bits: other levels, readings, scores and allocations.

All is measured on halves, by scene, of what coders are fitted to (`searches.folds`), in ideal bits of an image. Levels
are those of our files on axes of their own, and so are ways to read and to score, which all take files with the tilt of
`FOR_SEARCH`. Allocations and dithers are of uniform scalar quantisers on its axes, since they ask for another format.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtr

from smicnb.codec.coders.axes import FOR_SEARCH, LEAST_FOR_SEARCH, AxesCodec
from smicnb.codec.format.priors import Prior
from smicnb.codec.format.trellis.codebook import TrellisCodebook
from smicnb.compare.latents.smic import FIDELITIES
from smicnb.compare.latents.transforms import normalise
from smicnb.compare.verdicts import judge_interval
from smicnb.semantics.metrics.intervals import bootstrap_mean
from smicnb.studies.retrieval.matched import BITS, Curve
from smicnb.studies.retrieval.measures import FIRST, RECALL, Found, K, ranked, shared
from smicnb.studies.retrieval.searches import Search, unit_rows

TILTED, SCALARS = "ours, tilted, on all axes", "scalars of one step"
CHOSEN = "ours for search: tilted, axes of less than 7/8 bit left out"
ON_FOLDS, HELD_OUT = "folds of what is fitted", "held out"
BETTER, WORSE = "better", "worse"
STEPS = tuple(np.geomspace(16, 1, 13))  # of scalars, in the unit of latents of norm 20
MOST_STRETCH = 4.0  # of an axis whose decoded variance is too small
LEAST_SHARE = 2.0**-22  # of a cell
POWERS = (0.5, 0.75, 1.25, 1.5)  # of the variances that bits are allocated by
COUNTS = (48, 96)  # axes at most
# (queries (q, L), coefficients (m, K), codebook) -> scores (q, m)
Scores = Callable[[np.ndarray, np.ndarray, TrellisCodebook], np.ndarray]
# (coefficients (m, K), deviations (K,), step, seed) -> decoded coefficients (m, K), bits of an image
Allocation = Callable[[np.ndarray, np.ndarray, float, int], tuple[np.ndarray, float]]


def tried(folds: Sequence[Search], held_out: Sequence[Search], prior: Prior | None, seed: int) -> pd.DataFrame:
    """Recall of each way at `BITS`, less that of what it stands beside, photograph by photograph: on folds, and of the
    ways that are better there somewhere also held out.

    Args:
        folds: folds of `searches.folds`.
        held_out: searches of other photographs.
        prior: prior of the latents' encoder, or None.
        seed: seed of dithers and of draws of scenes.

    Returns:
        on, way, beside, bits, then for recall@10 and, ending on " at 1", for recall@1: recall (of the latter),
        difference, low, high (its 95 % interval over scenes), verdict.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return _tried(folds, held_out, prior, seed)


def _tried(folds: Sequence[Search], held_out: Sequence[Search], prior: Prior | None, seed: int) -> pd.DataFrame:
    first = _compared(folds, prior, seed, (*FILES, *READINGS, *ALLOCATIONS), ON_FOLDS)
    better = dict.fromkeys(first[first["verdict"] == BETTER]["way"])
    if not better:
        return first
    return pd.concat([first, _compared(held_out, prior, seed, (*better, TILTED, SCALARS), HELD_OUT)], ignore_index=True)


def _compared(searches: Sequence[Search], prior: Prior | None, seed: int, ways: Sequence[str], on: str) -> pd.DataFrame:
    parts = [list(_found(search, prior, seed, ways)) for search in searches]
    found = [_joined(some) for some in zip(*parts, strict=True)]
    scenes = np.concatenate([np.array(search.scenes)[search.asking] for search in searches])
    rows = []
    for way in dict.fromkeys(each.coder for each in found):
        beside = SCALARS if way in ALLOCATIONS else TILTED
        for bits in BITS if way != beside else ():
            row: list = [on, way, beside, bits]
            for measure in (RECALL, FIRST):
                theirs, own = (Curve(found, (name,), np.inf, measure).at(bits) for name in (beside, way))
                if theirs is not None and own is not None:
                    difference = bootstrap_mean(own - theirs, scenes, seed)
                    row += [theirs.mean(), *difference, judge_interval(*difference[1:], BETTER, WORSE)]
            rows += [row] if len(row) > 4 else []  # few axes do not reach many bits
    names = ["recall", "difference", "low", "high", "verdict"]
    columns = ["on", "way", "beside", "bits", *names, *(f"{name} at 1" for name in names)]
    return pd.DataFrame(rows, columns=columns)


def _joined(parts: Sequence[Found]) -> Found:
    payload = float(np.mean([part.payload_bits for part in parts]))
    values = {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values}
    return Found(parts[0].coder, parts[0].setting, payload, 0.0, values)


def _found(search: Search, prior: Prior | None, seed: int, ways: Sequence[str]) -> Iterator[Found]:
    """The ways at all their settings, in one search."""
    exact = _neighbours(search.queries @ unit_rows(search.stored).T, search)

    def judge(way: str, setting: str, bits: float, scores: np.ndarray) -> Found:
        found = _neighbours(scores, search)
        values = {RECALL: shared(exact, found), FIRST: shared(exact[:, :1], found[:, :1])}
        return Found(way, setting, bits, 0.0, values)

    codec = AxesCodec(prior=prior, tilt=FOR_SEARCH, fidelity=FIDELITIES[0]).fit(search.fitted)
    for fidelity in FIDELITIES:
        for name, changes in FILES.items():
            readings = [way for way in READINGS if way in ways] if name == TILTED else []
            if name not in ways and not readings:
                continue
            at = codec.at(search.fitted, fidelity=fidelity, **changes)
            levels, book = at.levels(search.stored), at.codebook_
            bits, coefficients = float(at.lengths(levels).mean()), book.coefficients(levels)
            yield judge(name, f"fidelity {fidelity}", bits, cosines(search.queries, coefficients, book))
            for way in readings:
                yield judge(way, f"fidelity {fidelity}", bits, READINGS[way](search.queries, coefficients, book))
    book = codec.codebook_
    mean, atoms, sigma = book.mean_latent, book.atoms[: len(book.codes)], book.deviations * book.unit
    C = (normalise(search.stored) - mean) @ book.analysis
    for way, step in ((way, step) for way in ALLOCATIONS if way in ways for step in STEPS):
        decoded, bits = ALLOCATIONS[way](C, sigma, step, seed)
        yield judge(way, f"step {step:.3g}", bits, search.queries @ unit_rows(mean + decoded @ atoms).T)


def _neighbours(scores: np.ndarray, search: Search) -> np.ndarray:
    scores = scores.copy()
    scores[np.arange(len(scores)), search.asking] = -np.inf
    return ranked(scores, search.places)[:, :K]


FILES: dict[str, dict] = {
    TILTED: {},
    "ours, not tilted": {"tilt": 0.0},
    "ours, tilt 1 and bits twice as dear": {"tilt": 1.0, "thrift": 2.0},
    CHOSEN: {"least_code": LEAST_FOR_SEARCH},
}


def _decoded(coefficients: np.ndarray, book: TrellisCodebook) -> np.ndarray:
    return book.mean_latent + coefficients @ book.atoms[: coefficients.shape[1]]


def cosines(queries: np.ndarray, coefficients: np.ndarray, book: TrellisCodebook) -> np.ndarray:
    """(q, m) of queries (q, L) of norm 1 with decoded latents, as a search has them."""
    return queries @ unit_rows(_decoded(coefficients, book)).T


def unshrunk(part: float) -> Scores:
    """Every axis stretched until decoded coefficients have the deviation that the file knows of it, or that much of the
    way there, from 0 to 1."""

    def scores(queries, coefficients, book):
        seen = np.sqrt(np.square(coefficients).mean(axis=0))
        stretch = np.clip(book.deviations * book.unit / np.maximum(seen, 1e-9), 1, MOST_STRETCH) ** part
        return cosines(queries, stretch * coefficients, book)

    return scores


def _symmetric(queries, coefficients, book):
    # Those that ask are stored first.
    decoded = unit_rows(_decoded(coefficients, book))
    return decoded[: len(queries)] @ decoded.T


def _plain(queries, coefficients, book):
    return queries @ _decoded(coefficients, book).T


def _lengthened(queries, coefficients, book):
    """Divided by the length that a latent has with what is not coded of it, as much for all: what the decoded ones lack
    in the mean."""
    decoded = _decoded(coefficients, book)
    squared = np.square(decoded).sum(axis=1)
    missing = max(0.0, book.header.norm**2 - squared.mean())
    return queries @ (decoded / np.sqrt(squared + missing)[:, None]).T


READINGS: dict[str, Scores] = {
    "unshrunk: axes of the latents' own variance": unshrunk(1.0),
    "half unshrunk": unshrunk(0.5),
    "queries coded too": _symmetric,
    "scores: lengths as decoded": _plain,
    "scores: lengths with what is not coded": _lengthened,
}


def scalars(
    C: np.ndarray, sigma: np.ndarray, steps: np.ndarray, reading: str = "centroids", seed: int = 0
) -> tuple[np.ndarray, float]:
    """Coefficients by uniform scalar quantisers, and their ideal bits under Gaussians.

    Args:
        C: (n, K) coefficients.
        sigma: (K,) their standard deviations, as both sides know them.
        steps: (K,) of the quantisers; an axis whose variance is below that of its errors, Δ²/12, is not coded.
        reading: "centroids" or "midpoints" of cells; or "dithered", with a dither that both sides draw added before and
            subtracted after; or "dithered, shrunk", where the latter is shrunk as its errors ask for.
        seed: seed of the dither.

    Returns:
        Decoded coefficients (n, K), and the mean bits of an image.

    Source: Schuchman, Dither signals and their effect on quantization noise, 1964 (subtractive dither).
    """
    decoded, bits = np.zeros_like(C), 0.0
    for k in np.flatnonzero(np.square(sigma) > np.square(steps) / 12):
        step, deviation = steps[k], sigma[k]
        random = np.random.default_rng((seed, int(k)))
        drawn = random.uniform(-step / 2, step / 2, len(C)) if reading.startswith("dithered") else 0.0
        middles = step * np.rint((C[:, k] + drawn) / step) - drawn
        low, high = (middles - step / 2) / deviation, (middles + step / 2) / deviation
        left, right = np.where(low > 0, -high, low), np.where(low > 0, -low, high)  # where tails have more digits
        share = np.maximum(ndtr(right) - ndtr(left), LEAST_SHARE)
        bits -= np.log2(share).mean()
        if reading == "centroids":
            density = (np.exp(-np.square(low) / 2) - np.exp(-np.square(high) / 2)) / np.sqrt(2 * np.pi)
            middles = np.where(share > LEAST_SHARE, deviation * density / share, middles)
        elif reading == "dithered, shrunk":
            middles = middles / (1 + step**2 / (12 * deviation**2))
        decoded[:, k] = middles
    return decoded, float(bits)


def _read(reading: str) -> Allocation:
    return lambda C, sigma, step, seed: scalars(C, sigma, np.full(len(sigma), step), reading, seed)


def _spectrum(power: float) -> Allocation:
    """Water-filling of variances to a power: errors on an axis of deviation σ in proportion to σ^(2 − 2 power)."""

    def allocate(C, sigma, step, seed):
        middle = np.exp(np.log(sigma).mean())
        return scalars(C, sigma, step * (sigma / middle) ** (1 - power))

    return allocate


def _few(count: int) -> Allocation:
    return lambda C, sigma, step, seed: scalars(C, sigma, np.where(np.arange(len(sigma)) < count, step, np.inf))


ALLOCATIONS: dict[str, Allocation] = {
    SCALARS: _read("centroids"),
    "scalars, midpoints of cells": _read("midpoints"),
    "scalars, dithered": _read("dithered"),
    "scalars, dithered and shrunk": _read("dithered, shrunk"),
    **{f"scalars, variances to the power {power:g}": _spectrum(power) for power in POWERS},
    **{f"scalars, {count} axes at most": _few(count) for count in COUNTS},
}
