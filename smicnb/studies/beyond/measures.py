"""Where the coder beyond the paper stands: bits at equal cosine against all others, and break-even sizes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from smicnb.base.progress import progress
from smicnb.codec.coders import choice
from smicnb.codec.format.priors import Prior
from smicnb.compare.latents import rivals, smic
from smicnb.compare.latents.points import REFERENCES, Point, count_bits, count_bits_along
from smicnb.semantics.metrics.intervals import bootstrap_mean
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.spaces import SemanticSpace
from smicnb.studies.beyond.kinds import ALL, CODES, OURS, PAPERS, PAPERS_BEST, RIVALS, SEARCHED_NAME, WITHOUT_OURS
from smicnb.studies.reconstruction.measures import ReEncoder

DRAWS = 500  # of scenes, for intervals of ratios
MOST_BEYOND = 0.05  # of these on which a curve does not reach the fidelity: with more there is no interval
SINGLE_BITS = 708  # an image by itself, as the paper has it (R_SIC of 1.2e-3 bpp at 768 × 768)
SIZES = (1, 2, 5, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
FIDELITIES = {"lowest": 4.0, "lower": 2.0, "medium": 0.2}  # λ of the paper's code that others are compared at


def fidelities(points: Sequence[Point]) -> dict[str, float]:
    """Mean held-out cosines of the paper's code at `FIDELITIES`, the last of which is its medium model's."""
    return {name: float(cosines.mean()) for name, cosines in _papers_cosines(points).items()}


def _papers_cosines(points: Sequence[Point]) -> dict[str, np.ndarray]:
    """Of each image, at each of `FIDELITIES`."""
    own = {p.setting.rpartition(" ")[2]: p.cosines for p in points if p.coder == smic.PAPER}
    return {name: own[f"{penalty:g}"] for name, penalty in FIDELITIES.items()}


def ratios(
    points: Sequence[Point],
    ours: Sequence[str],
    theirs: Sequence[str],
    scenes: Sequence[str],
    n: float = np.inf,
    seed: int = 0,
) -> dict[str, tuple[float, float, float]]:
    """How many times the bits of ours the others need at each fidelity, and the ends of the 95 % interval over scenes.

    Scenes are drawn, and with them the cosines and the payloads of their images. A fidelity is, on drawn scenes, what
    the paper's code reaches on these.

    Args:
        scenes: scene of each held-out image.
        n: images of the collection.
        seed: seed of the draws.
    """
    drawn = draw_bits(points, theirs, scenes, n, seed) / draw_bits(points, ours, scenes, n, seed)
    return dict(zip(FIDELITIES, map(interval, drawn), strict=True))


def draw_bits(points: Sequence[Point], names: Sequence[str], scenes: Sequence[str], n: float, seed: int) -> np.ndarray:
    """(fidelities, 1 + DRAWS) bits of an image that the named coders need: of all images, then of drawn scenes'."""
    weights = _weights(scenes, seed)
    wanted = np.stack([weights @ cosines for cosines in _papers_cosines(points).values()])
    return count_bits_along(points, names, n, weights, wanted, payloads=True)


def interval(drawn: np.ndarray) -> tuple[float, float, float]:
    """The value of all images, and the ends of its 95 % interval: of (1 + DRAWS,) values, the first that of all."""
    centre, *others = drawn
    if np.isnan(others).mean() > MOST_BEYOND:
        return float(centre), float("nan"), float("nan")
    low, high = np.nanquantile(others, [0.025, 0.975])
    return float(centre), float(low), float(high)


def strongest(points: Sequence[Point], names: Sequence[str], cosine: float, n: float = np.inf) -> str:
    """The one of the named coders that needs fewest bits by itself; "" where none of them reaches the cosine."""
    needed = {name: count_bits(points, (name,), cosine, n) for name in names}
    reached = {name: bits for name, bits in needed.items() if np.isfinite(bits)}
    return min(reached, key=reached.__getitem__) if reached else ""


def _weights(scenes: Sequence[str], seed: int) -> np.ndarray:
    """(1 + DRAWS, images) by which a mean over images counts each: all alike, then as often as its scene was drawn."""
    names, index = np.unique(np.asarray(scenes), return_inverse=True)
    members = [np.flatnonzero(index == i) for i in range(len(names))]
    rng, rows = np.random.default_rng(seed), [np.ones(len(index))]
    for _ in range(DRAWS):
        chosen = np.concatenate([members[i] for i in rng.integers(0, len(names), len(names))])
        rows.append(np.bincount(chosen, minlength=len(index)).astype(float))
    return np.stack([row / row.sum() for row in rows])


# Against whom, and the least ratio that is asked for at each fidelity (lowest, lower, medium): in payload, at n = 1000.
NOTHING, SIZE = (None, None, None), 1000.0
Asked = tuple[float | None, float | None, float | None]
CHECKS: tuple[tuple[str, tuple[str, ...], Asked, Asked], ...] = (
    ("best of all rivals", ALL, NOTHING, NOTHING),
    (f"best of all but {SEARCHED_NAME}", WITHOUT_OURS, NOTHING, NOTHING),
    *((name, names, NOTHING, NOTHING) for name, names in RIVALS.items() if names not in (rivals.BEST, PAPERS_BEST)),
    ("best of KLT, PQ, RQ", rivals.BEST, (1.15, 1.15, 0.99), NOTHING),
    ("paper's code at its best", PAPERS_BEST, NOTHING, NOTHING),
    (smic.PAPER_ENTROPY, (smic.PAPER_ENTROPY,), NOTHING, NOTHING),
    (smic.ENTROPY_REFITTED, (smic.ENTROPY_REFITTED,), NOTHING, NOTHING),
    (smic.PAPER_REFITTED, (smic.PAPER_REFITTED,), NOTHING, NOTHING),
    (smic.PAPER_BEST, PAPERS, (3.0, 3.0, 4.0), (None, None, 3.0)),
    (smic.PAPER, PAPERS[:1], (3.0, 3.0, 4.0), (None, None, 3.0)),
    ("Gaussian reference of the covariance", REFERENCES[:1], (1 / 1.3, 1 / 1.3, 1 / 1.3), NOTHING),
    ("best of three Gaussian references", REFERENCES, NOTHING, NOTHING),
)


def checks(points: Sequence[Point], scenes: Sequence[str], seed: int = 0) -> pd.DataFrame:
    """What the coder is asked to show, the strongest rivals first: how many times its bits the others need.

    Returns:
        against, fidelity, latent_cosine, our_bits, their_bits, times (theirs over ours) with the ends of its interval,
        strongest (of them, by itself), asked (NaN where nothing is), holds ("" also where their curve does not reach
        that fidelity).
    """
    rows, wanted = [], fidelities(points)
    for n, size, place in ((np.inf, "payload", 2), (SIZE, f"n = {SIZE:.0f}", 3)):
        ours = draw_bits(points, OURS, scenes, n, seed)
        for check in CHECKS:
            theirs = draw_bits(points, check[1], scenes, n, seed)
            all_of = zip(wanted.items(), check[place], ours, theirs, strict=True)
            for (fidelity, cosine), asked, our_bits, their_bits in all_of:
                times, low, high = interval(their_bits / our_bits)
                told = asked is not None and np.isfinite(times)
                holds = ("yes" if times >= asked else "no") if told else ""
                level, best = np.nan if asked is None else asked, strongest(points, check[1], cosine, n)
                bits = our_bits[0], their_bits[0]
                rows.append((f"{check[0]}, {size}", fidelity, cosine, *bits, times, low, high, best, level, holds))
    names = ["against", "fidelity", "latent_cosine", "our_bits", "their_bits", "times", "times_low", "times_high"]
    return pd.DataFrame(rows, columns=[*names, "strongest", "asked", "holds"])


STARS = ("latent_cosine", "single_bits", "n_star_708", "n_star_single", "n_star_file")
MOST_IMAGES = 10**7  # of which a break-even size is looked for


def break_even(points: Sequence[Point], cosines: Iterable[float]) -> pd.DataFrame:
    """n*: images from which on coding a collection together takes fewer bits than coding each by itself.

    Against the paper's 708 bits, and against the best single-item coder of the same latents at the same cosine: the
    prior's axes, each image's symbols in as few bytes as decode, without header, index or check. Together means
    whichever of our codes is cheapest at that size.

    Returns:
        latent_cosine, single_bits, n_star_708 and n_star_single: n* where of the collection too only the code counts
        (dictionary, tables, records with their checks); n_star_file: n* against single_bits where header and index of
        its file count. Infinite where a code is never cheaper.
    """
    bare, rows = [replace(p, side_bits=p.side_bits - p.container_bits) for p in points], []
    for cosine in cosines:
        single = count_bits(points, (smic.SINGLE,), cosine)
        stars = [_first_cheaper(some, cosine, level) for some, level in
                 ((bare, SINGLE_BITS), (bare, single), (points, single))]  # fmt: skip
        rows.append((cosine, single, *stars))
    return pd.DataFrame(rows, columns=[*STARS])


def _first_cheaper(points: Sequence[Point], cosine: float, level: float) -> float:
    """The least n at which our best code takes fewer bits than `level`; bits of an image fall as n grows."""
    return first(lambda n: count_bits(points, OURS, cosine, n) < level, MOST_IMAGES)


def first(holds: Callable[[int], bool], most: int) -> float:
    """The least n at which `holds`, which then stays so; infinite where it does not at `most`."""
    low, high = 0, most
    if not holds(high):
        return float("inf")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return float(high)


def totals(points: Sequence[Point], cosine: float, sizes: Iterable[int] = SIZES) -> pd.DataFrame:
    """Total bits of an image at a cosine against the size of the collection: coder, n, bits."""
    rows = [(name, n, count_bits(points, group, cosine, n)) for name, group in CODES.items() for n in sizes]
    return pd.DataFrame(rows, columns=["coder", "n", "bits"])


def parts(points: Sequence[Point], cosines: Mapping[str, float]) -> pd.DataFrame:
    """Payload of each step of `smic.part_coders` at some fidelities: coder, one column for each."""
    names = list(dict.fromkeys(p.coder for p in points))
    rows = [(name, *(count_bits(points, (name,), cosine) for cosine in cosines.values())) for name in names]
    return pd.DataFrame(rows, columns=["coder", *(f"bits at {cosine:.3f}" for cosine in cosines.values())])


def nearest_points(points: Sequence[Point], names: Sequence[str], cosine: float) -> list[Point]:
    """The point of each coder whose mean latent cosine is nearest to a fidelity."""
    return [min((p for p in points if p.coder == name), key=lambda p: abs(p.cosines.mean() - cosine)) for name in names]


def image_cosines(
    points: Sequence[Point],
    names: Sequence[str],
    cosine: float,
    space: SemanticSpace,
    Z: np.ndarray,
    scenes: Sequence[str],
    seed: int,
) -> pd.DataFrame:
    """Latent cosine and, after generation, image cosine of coders at their points nearest to a fidelity.

    Returns:
        coder, setting, payload_bits, latent_cosine, and image_cosine with the ends of its 95 % interval; first what the
        generator makes of latents that were not coded.
    """
    chosen = [Point("not coded", "", float("nan"), 0.0, np.ones(len(Z)), Z)]
    chosen += nearest_points(points, names, cosine)
    rows, encode = [], ReEncoder(space.encoder)
    for p in progress(chosen, "generating"):
        seen = latent_cosine(Z, encode(space.generate(p.decoded, seed)))
        about = p.coder, p.setting, p.payload_bits, float(p.cosines.mean())
        rows.append((*about, *bootstrap_mean(seen, np.asarray(scenes), seed)))
    names = [
        "coder",
        "setting",
        "payload_bits",
        "latent_cosine",
        "image_cosine",
        "image_cosine_low",
        "image_cosine_high",
    ]
    return pd.DataFrame(rows, columns=names)


def named(Z: np.ndarray, prior: Prior, cosine: float, shown: int) -> tuple[pd.DataFrame, float, float]:
    """What some latents are made of in the prior's words, as a file of them says.

    Args:
        Z: (n, L) of any norm.
        prior: the prior whose words are meant.
        cosine: mean latent cosine that the file is to reach.
        shown: words of each image, those of the largest coefficients.

    Returns:
        Columns image, word, coefficient; bits of an image in the blocks; latent cosine.
    """
    (way, *_) = choice.ways(Z, cosine=cosine, only=("words",), encoder=prior.name, weights_hash=prior.weights_hash)
    levels, rows = way.codec.levels(Z), []
    quantiser, norm = way.codec.codebook_.quantiser, way.codec.norm
    for image, row in enumerate(levels):
        used = np.flatnonzero(row >= 0)
        values = quantiser.dequantise(row[used], norm)
        for place in np.argsort(-np.abs(values), kind="stable")[:shown]:
            rows.append((image, prior.words[used[place]], float(values[place])))
    bits = 8 * sum(len(block.payload) for block in way.codec.blocks(Z)) / len(Z)
    found = float(latent_cosine(Z, way.codec.reconstruct(Z)).mean())
    return pd.DataFrame(rows, columns=["image", "word", "coefficient"]), bits, found
