"""Which way to code a collection, at the fidelity or the size that one asks for: the one of the fewest bits in all.

Every way is tried on the collection at hand: axes of its own, which cost their bits once; the axes of a prior, which
cost none; words, which cost none and have names. What is sent once is shared by as many images as there are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np

from smicnb.base.errors import SmicnbError
from smicnb.codec.coders.axes import LEAST_FOR_SEARCH, AxesCodec
from smicnb.codec.coders.coefficients import spread_rows
from smicnb.codec.coders.smic import SMICCodec, blocks_of, parts
from smicnb.codec.format import container, priors
from smicnb.codec.format.codebook import Codebook
from smicnb.codec.format.payload import CHECK_BYTES
from smicnb.codec.format.trellis import quantisation
from smicnb.codec.format.trellis.codebook import OWN_BITS, TrellisCodebook

LEARNED = 5000  # images that axes, dictionaries and models are learned on at most, evenly spread
MEASURED = 100_000  # that the best way is measured on at most, evenly spread
TRIED = 128  # that settings are searched on
WORDS_TRIED = 32  # and those of words, which take longer and seldom pay
FIDELITIES = range(30, 131)  # scales of √θ
THRIFTS = np.linspace(1, 1.4, 5)
PENALTIES = np.geomspace(0.05, 16, 31)  # λ of words
WORD_BITS = 5  # of a word's coefficient
KINDS = ("own", "prior", "words")
# Bits of a dimension and most axes that are tried. Of near duplicates the mean is enough; where nothing is known
# beforehand, few axes of few bits pay as well.
OWN_BESIDE_PRIOR = ((OWN_BITS, None), (6, None), (OWN_BITS, 0), (OWN_BITS, 8))
OWN_ALONE = tuple((b_dict, most) for b_dict in (3, 5, 8) for most in (None, 32, 8, 0))
Codec = AxesCodec | SMICCodec


@dataclass(frozen=True)
class Way:
    """A way to code the collection, at the setting that meets the target, or comes nearest.

    Args:
        name: the way's name in messages.
        codec: fitted.
        latent_cosine: mean over the images it was measured on.
        bits: bits of an image of the collection, its share of what is sent once included; names and sizes apart. Of the
            blocks' bytes where it was measured on all latents, else of ideal lengths and the framing.
        meets: whether the target is met.
        measured: images that it was measured on: all `at_hand` for the first way, or `MEASURED` of them.
        at_hand: latents that there were to choose by.
    """

    name: str
    codec: Codec
    latent_cosine: float
    bits: float
    meets: bool
    measured: int
    at_hand: int


def check_target(
    cosine: float | None, bits: float | None, only: Sequence[str] = KINDS, weights_hash: str | None = None
) -> None:
    """Raise SmicnbError for a target that can be refused before there is a latent; arguments as in `ways`, with the
    hash of the encoder's weights where it is known.
    """
    if (cosine is None) == (bits is None):
        raise SmicnbError("found neither or both of a target cosine and a number of bits", "exactly one of them")
    if cosine is not None and not 0 < cosine < 1:
        raise SmicnbError(f"found a target cosine of {cosine}", "more than 0 and less than 1")
    if bits is not None and not 0 < bits < float("inf"):
        raise SmicnbError(f"found a target of {bits:g} bits", "a positive number")
    if weights_hash is not None and "own" not in only and priors.find_by_weights(weights_hash) is None:
        raise _no_way(only)


def _no_way(only: Sequence[str]) -> SmicnbError:
    known = ", ".join(prior.name for prior in priors.list_priors())
    return SmicnbError(
        f"found no way of {', '.join(only)} for this encoder", f"axes of its own, or an encoder with a prior: {known}"
    )


def ways(
    Z: np.ndarray,
    cosine: float | None = None,
    bits: float | None = None,
    images: int | None = None,
    only: Sequence[str] = KINDS,
    tilt: float = 0.0,
    **about,
) -> list[Way]:
    """All ways to code latents Z (n, L) at a target, the best first, which meets it on all of Z (`MEASURED` of more).

    Settings are searched on a sample. The best way is then measured on `LEARNED` latents, and on all of them or
    `MEASURED`, and made finer, or cheaper, while it misses; the others keep the numbers of the sample, and say so.

    Args:
        Z: latents (n, L) of any norm; n at least 1. Axes and models are learned on `LEARNED` of them at most.
        cosine: mean `latent_cosine` that is wanted, 0 to 1 without the ends; or
        bits: bits of an image, its share of all but names and sizes included, that are to spend.
        images: size of the collection; None for n.
        only: kinds of ways: "own" axes, "prior" axes, "words"; the last two only where a prior is known.
        tilt: tilt of `AxesCodec`, `FOR_SEARCH` for files that are made to be searched, whose own axes then begin at
            `LEAST_FOR_SEARCH`; words have none.
        about: `norm`, `encoder` and `weights_hash`, as of `SMICCodec`.

    Raises:
        SmicnbError: not exactly one target, one out of range, or one that no way meets; says which comes nearest.
    """
    check_target(cosine, bits)
    task = _Task(Z, thin_out(Z, LEARNED), images or len(Z), cosine, bits)
    prior = priors.find_by_weights(about.get("weights_hash", ""))
    prior = prior if prior is not None and prior.dim == Z.shape[1] else None
    found: list[_Trial] = []
    if "prior" in only and prior:
        for centre in (False, True) if task.images > 1 else (False,):
            base = AxesCodec("prior", prior=prior, centre=centre, images=task.images, tilt=tilt, **about).fit(
                task.learned
            )
            name = f"axes of the prior, {'its mean sent' if centre else 'nothing sent'}"
            found.append(_try_axes(task, name, base))
    if "own" in only:
        least = LEAST_FOR_SEARCH if tilt else quantisation.FIRST_CODE
        base = AxesCodec(prior=prior, tilt=tilt, least_code=least, **about).fit(task.learned)
        for b_dict, most in OWN_BESIDE_PRIOR if prior else OWN_ALONE:
            few = {None: "", 0: ", the mean alone"}.get(most, f", {most} at most")
            found.append(_try_axes(task, f"own axes at {b_dict} bits{few}", base, b_dict=b_dict, most_axes=most))
    if "words" in only and prior:
        found.append(_try_words(task, about))
    if not found:
        raise _no_way(only)
    return _settle_first(task, found)


def thin_out(Z: np.ndarray, most: int) -> np.ndarray:
    """Latents (n, L), or `most` of them, evenly spread."""
    return Z[spread_rows(len(Z), most)]


@dataclass(frozen=True)
class _Task:
    """Latents and target, and what a codec comes to on them."""

    latents: np.ndarray
    learned: np.ndarray
    images: int
    cosine: float | None
    bits: float | None

    def way(self, name: str, codec: Codec, latents: np.ndarray, exact: bool = False) -> Way:
        """A codec measured on some of the latents; `exact` takes the bytes of the blocks that a file would have."""
        cosines, spent, levels = [], 0, None
        chosen = spread_rows(len(latents), MEASURED)
        for rows in parts(codec.codebook_.header, len(chosen)):
            some = latents[chosen[rows]]  # a part at a time: latents may lie in a file
            levels = codec.levels(some)
            decoded = codec.codebook_.reconstruct(levels)
            norms = np.linalg.norm(some, axis=1) * np.linalg.norm(decoded, axis=1)
            cosines.append((some * decoded).sum(axis=1) / np.where(norms == 0, 1, norms))
            if exact or isinstance(codec, SMICCodec):
                spent += sum(len(block.payload) for block in blocks_of(codec.codebook_, levels, None, None))
        cosine = float(np.concatenate(cosines).mean())
        if exact or isinstance(codec, SMICCodec):
            payload = 8 * spent / len(chosen)
        else:  # of a sample, which is one part
            payload = _ideal(codec, levels, self.images)
        header, dictionary, tables = codec.sections
        side = container.header_bytes(header.encoder) + len(dictionary) + len(tables)
        index = container.index_bytes(self.images, container.most_images(header))
        bits = float(payload + 8 * (side + index) / self.images)
        meets = cosine >= self.cosine if self.bits is None else bits <= self.bits
        return Way(name, codec, cosine, bits, meets, len(chosen), len(self.latents))

    def order(self, way: Way) -> tuple[bool, float]:
        """The smaller the better: ways that meet the target by what is left open, others by how near they come."""
        return not way.meets, way.bits if way.meets == (self.bits is None) else -way.latent_cosine


def _ideal(codec: AxesCodec, levels: np.ndarray, images: int) -> float:
    """Bits of an image: of the words where one block holds all images, else as ideal lengths and framing."""
    book = codec.codebook_
    most = container.most_images(book.header)
    if images == len(levels) <= most:
        words = quantisation.encode(levels[:, : len(book.codes)], book.codes, book.growth, shortest=False)
        return 8 * (CHECK_BYTES + len(words)) / images
    return float(codec.lengths(levels).mean()) + 8 * (CHECK_BYTES + 2) / min(images, most)


class _Trial(NamedTuple):
    """A way at the best of its settings, which are numbered from the finest on."""

    way: Way
    place: int
    count: int
    codec_at: Callable[[int], Codec]  # fitted to all that is learned on
    settled: bool = False


def _settle_first(task: _Task, found: list[_Trial]) -> list[Way]:
    """The ways in their order, the first one measured on all latents."""
    trials = sorted(found, key=lambda trial: task.order(trial.way))
    while not trials[0].settled:
        trials[0] = _settle(task, trials[0])
        trials.sort(key=lambda trial: task.order(trial.way))
    if not trials[0].way.meets:
        raise _no_setting(task, trials[0].way)
    return [trial.way for trial in trials]


def _settle(task: _Task, trial: _Trial) -> _Trial:
    """A way measured on all latents, at the next setting that meets the target there; where there are very many, at
    the one that meets it on those that were learned on, unless that misses.
    """
    if len(task.latents) > len(task.learned):
        trial = _settle(replace(task, latents=task.learned), trial)

    @cache
    def way_at(place: int) -> Way:
        return task.way(trial.way.name, trial.codec_at(place), task.latents, exact=True)

    forward, end = (-1, 0) if task.bits is None else (1, trial.count - 1)
    missed, place, step = trial.place, trial.place, 1
    while not way_at(place).meets and place != end:
        missed, place, step = place, forward * min(forward * end, forward * place + step), 2 * step
    while way_at(place).meets and abs(place - missed) > 1:
        middle = (place + missed) // 2
        missed, place = (missed, middle) if way_at(middle).meets else (middle, place)
    return trial._replace(way=way_at(place), place=place, settled=True)


def _no_setting(task: _Task, nearest: Way) -> SmicnbError:
    if task.bits is None:
        return SmicnbError(
            f"no setting reaches a mean cosine of {task.cosine} on this collection",
            f"at most {np.floor(1e4 * nearest.latent_cosine) / 1e4:g} ({nearest.name}, {nearest.bits:.0f} bits each)",
        )
    return SmicnbError(
        f"no setting keeps to {task.bits:g} bits an image on this collection",
        f"at least {np.ceil(nearest.bits):.0f} ({nearest.name}); most of it is what is sent once",
    )


def _search(count: int, holds: Callable[[int], bool]) -> int:
    """The largest place below `count` for which `holds`, which is true up to some place; −1 where there is none."""
    low, high = -1, count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _nearest_place(task: _Task, places: Sequence[int], way_at: Callable[[int], Way]) -> int:
    """Of places from the finest on, the cheapest that still meets a cosine, or the finest that keeps to bits."""
    if task.bits is None:
        return places[max(0, _search(len(places), lambda i: way_at(places[i]).meets))]
    back = places[::-1]
    return back[max(0, _search(len(back), lambda i: way_at(back[i]).meets))]


def _try_axes(task: _Task, name: str, base: AxesCodec, **changes) -> _Trial:
    finer, tried = len(THRIFTS), thin_out(task.latents, TRIED)

    def codec_at(place: int) -> AxesCodec:
        fidelity, thrift = divmod(place, finer)
        thrifty = {"fidelity": FIDELITIES[fidelity], "thrift": float(THRIFTS[thrift])}
        return base.at(task.learned, **thrifty, **changes)

    @cache
    def way_at(place: int) -> Way:
        return task.way(name, codec_at(place), tried)

    count = finer * len(FIDELITIES)
    place = _nearest_place(task, range(0, count, finer), way_at)
    if way_at(place).meets and task.bits is None:
        place = _nearest_place(task, range(place, place + finer), way_at)
    elif way_at(place).meets and place:  # the next finer one, and thrift on it
        other = _nearest_place(task, range(place - finer, place), way_at)
        place = min(place, other, key=lambda place: task.order(way_at(place)))
    return _Trial(way_at(place), place, count, codec_at)


def _try_words(task: _Task, about: dict) -> _Trial:
    tried = thin_out(task.latents, WORDS_TRIED)

    def fitted(place: int, latents: np.ndarray) -> SMICCodec:
        return SMICCodec(penalty=float(PENALTIES[place]), b_coef=WORD_BITS, coding="words", **about).fit(latents)

    @cache
    def way_at(place: int) -> Way:
        return task.way("words of the prior", fitted(place, tried), tried)

    place = _nearest_place(task, range(len(PENALTIES)), way_at)
    return _Trial(way_at(place), place, len(PENALTIES), lambda place: fitted(place, task.learned))


def codec_of(codebook: Codebook | TrellisCodebook) -> Codec:
    """A fitted codec around the codebook of a file."""
    return (AxesCodec if isinstance(codebook, TrellisCodebook) else SMICCodec).from_codebook(codebook)


def lines(found: Sequence[Way]) -> list[str]:
    """Ways for a person, the chosen one first."""
    text = []
    for place, way in enumerate(found):
        line = f"{'  not' if place else 'chosen'}: {way.name}: "
        line += f"cosine {way.latent_cosine:.4f} at {way.bits:.1f} bits an image"
        line += "" if way.measured == way.at_hand else f", on {way.measured} of {way.at_hand} images"
        text.append(line + ("" if way.meets else " (does not meet the target)"))
    return text
