"""Which way to code a collection, at the fidelity or the size that one asks for: the one of the fewest bits in all.

Every way is tried on the collection at hand: axes of its own, which cost their bits once; the axes of a prior, which
cost none; words, which cost none and have names. What is sent once is shared by as many images as there are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from smicnb.base.errors import SmicnbError
from smicnb.codec import container, priors
from smicnb.codec.codebook import Codebook
from smicnb.codec.payload import CHECK_BYTES
from smicnb.codec.pursuit import PursuitCodec
from smicnb.codec.smic import SMICCodec
from smicnb.codec.trellis_codebook import TrellisCodebook

TRIED = 128  # images that ways are tried on at most, evenly spread
WORDS_TRIED = 32  # and words, which take longer and seldom pay
FIDELITIES = range(30, 131)  # scales of √θ
THRIFTS = np.linspace(1, 1.4, 5)
PENALTIES = np.geomspace(0.05, 16, 31)  # λ of words
LEAST_BITS = 4  # of a dimension of an own axis, where a prior stands beside them
WORD_BITS = 5  # of a word's coefficient
Codec = PursuitCodec | SMICCodec


@dataclass(frozen=True)
class Way:
    """A way to code the collection, at the setting that meets the target, or comes nearest.

    Args:
        name: for people.
        codec: fitted.
        latent_cosine: mean over the images it was tried on.
        bits: of an image of the collection, its share of what is sent once included; names and sizes apart. Measured
            on blocks where all images are in one, and of words; else ideal lengths, and the framing.
        side_bits: of the collection, sent once.
        meets: whether the target is met.
    """

    name: str
    codec: Codec
    latent_cosine: float
    bits: float
    side_bits: int
    meets: bool


def ways(
    Z: np.ndarray,
    cosine: float | None = None,
    bits: float | None = None,
    images: int | None = None,
    only: Sequence[str] = ("own", "prior", "words"),
    **about,
) -> list[Way]:
    """All ways to code latents Z (n, L) at a target, the best first.

    Args:
        Z: of any norm; n at least 1.
        cosine: mean `latent_cosine` that is wanted, 0 to 1 without the ends; or
        bits: bits of an image, its share of all but names and sizes included, that are to spend.
        images: of the collection; None for n.
        only: kinds of ways: "own" axes, "prior" axes, "words"; the last two only where a prior is known.
        about: `norm`, `encoder` and `weights_hash`, as of `SMICCodec`.

    Raises:
        SmicnbError: not exactly one target, one out of range, or one that no way meets; says which comes nearest.
    """
    if (cosine is None) == (bits is None):
        raise SmicnbError("found neither or both of a target cosine and a number of bits", "exactly one of them")
    if cosine is not None and not 0 < cosine < 1:
        raise SmicnbError(f"found a target cosine of {cosine:g}", "more than 0 and less than 1")
    if bits is not None and not 0 < bits < float("inf"):
        raise SmicnbError(f"found a target of {bits:g} bits", "a positive number")
    images = images or len(Z)
    tried = Z[np.linspace(0, len(Z) - 1, min(len(Z), TRIED)).round().astype(int)]
    prior = priors.of_weights(about.get("weights_hash", ""))
    prior = prior if prior is not None and prior.dim == Z.shape[1] else None
    found: list[Way] = []
    if "prior" in only and prior:
        for centre in (False, True) if images > 1 else (False,):
            base = PursuitCodec("prior", prior=prior, centre=centre, images=images, **about).fit(Z)
            name = f"axes of the prior, {'its mean sent' if centre else 'nothing sent'}"
            found.append(_on_axes(name, base, Z, tried, images, cosine, bits, {}))
    if "own" in only:
        met = min((way for way in found if way.meets), key=lambda way: way.bits, default=None)
        alone = met and _axes_alone(met, images)
        if alone and alone.bits > met.bits:
            found.append(alone)
        else:
            # Where something is known beforehand, few axes of few bits do not pay.
            few = [(b, m) for b in (3, 5, 8) for m in (None, 32, 8, 0)]
            base = PursuitCodec(prior=prior, **about).fit(Z)
            for b_dict, most in [(LEAST_BITS, None), (6, None)] if prior else few:
                name = f"own axes at {b_dict} bits" + ("" if most is None else f", {most} at most")
                changes = {"b_dict": b_dict, "most_axes": most}
                found.append(_on_axes(name, base, Z, tried, images, cosine, bits, changes))
    if "words" in only and prior:
        few = tried[:: max(1, len(tried) // WORDS_TRIED)]
        found.append(_in_words(few, images, cosine, bits, about))
    if not found:
        raise SmicnbError(
            f"found no way of {', '.join(only)} for this encoder", "axes of its own, or an encoder with a prior"
        )
    return _ordered(found, cosine, bits)


def _axes_alone(way: Way, images: int) -> Way:
    """What half the axes of a way would take of each image if they were sent: own axes are no cheaper."""
    side = len(way.codec.codebook_.codes) * way.codec.n_features_in_ * LEAST_BITS // 2
    return Way(f"own axes, which alone take more than {side / images:.0f} bits an image", way.codec, float("nan"),
               side / images, side, False)  # fmt: skip


def best(Z: np.ndarray, *args, **kwargs) -> Way:
    """The first of `ways`."""
    return ways(Z, *args, **kwargs)[0]


def _ordered(found: list[Way], cosine: float | None, bits: float | None) -> list[Way]:
    met = [way for way in found if way.meets]
    if met:
        order = (lambda way: way.bits) if bits is None else (lambda way: -way.latent_cosine)
        return sorted(met, key=order) + [way for way in found if not way.meets]
    if bits is None:
        nearest = max(found, key=lambda way: np.nan_to_num(way.latent_cosine))
        raise SmicnbError(
            f"no setting reaches a mean cosine of {cosine:g} on this collection",
            f"at most {np.floor(1e4 * nearest.latent_cosine) / 1e4:g} ({nearest.name}, {nearest.bits:.0f} bits each)",
        )
    nearest = min(found, key=lambda way: way.bits)
    raise SmicnbError(
        f"no setting keeps to {bits:g} bits an image on this collection",
        f"at least {np.ceil(nearest.bits):.0f} ({nearest.name}); most of it is what is sent once",
    )


def _search(count: int, holds: Callable[[int], bool]) -> int:
    """The largest place below `count` for which `holds`, which is true up to some place; −1 where there is none."""
    low, high = -1, count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _meets(way: Way, cosine: float | None, bits: float | None) -> bool:
    return way.latent_cosine >= cosine if bits is None else way.bits <= bits


def _nearest(count: int, way_at: Callable[[int], Way], cosine: float | None, bits: float | None) -> tuple[int, Way]:
    """The cheapest of settings that still meets a cosine, or the finest that keeps to bits; they fall in both."""
    if bits is None:
        place = _search(count, lambda place: _meets(way_at(place), cosine, bits))
        return max(place, 0), way_at(max(place, 0))
    place = count - 1 - _search(count, lambda back: _meets(way_at(count - 1 - back), cosine, bits))
    return min(place, count - 1), way_at(min(place, count - 1))


def _on_axes(name, base: PursuitCodec, Z, tried, images, cosine, bits, changes: dict) -> Way:
    made: dict[tuple[int, int], Way] = {}

    def way_at(place: int, thrift: int = 0) -> Way:
        if (place, thrift) not in made:
            codec = base.at(Z, fidelity=FIDELITIES[place], thrift=float(THRIFTS[thrift]), **changes)
            levels = codec.levels(tried)
            payload = _payload(codec, levels, images)
            made[place, thrift] = _way(
                name, codec, codec.codebook_.reconstruct(levels), tried, payload, images, cosine, bits
            )
        return made[place, thrift]

    place, way = _nearest(len(FIDELITIES), way_at, cosine, bits)
    if bits is None and way.meets:
        return _nearest(len(THRIFTS), lambda thrift: way_at(place, thrift), cosine, bits)[1]
    if bits is not None and way.meets and place:  # the next finer one, and thrift on it
        finer = _nearest(len(THRIFTS), lambda thrift: way_at(place - 1, thrift), cosine, bits)[1]
        return finer if finer.meets and finer.latent_cosine > way.latent_cosine else way
    return way


def _payload(codec: PursuitCodec, levels: np.ndarray, images: int) -> float:
    """Bits of an image: of the block's bytes where one block holds all images, else as ideal lengths and framing."""
    if images == len(levels) <= container.TRELLIS_BLOCK_IMAGES:
        return 8 * len(codec.codebook_.encode_payload(levels)) / images
    return float(codec.lengths(levels).mean()) + 8 * (CHECK_BYTES + 2) / min(images, container.TRELLIS_BLOCK_IMAGES)


def _in_words(tried, images, cosine, bits, about: dict) -> Way:
    made: dict[int, Way] = {}

    def way_at(place: int) -> Way:
        if place not in made:
            codec = SMICCodec(penalty=float(PENALTIES[place]), b_coef=WORD_BITS, coding="words", **about).fit(tried)
            levels = codec.levels(tried)
            blocks = codec.blocks(tried)
            payload = 8 * sum(len(block.payload) for block in blocks) / len(tried)
            decoded = codec.codebook_.reconstruct(levels)
            made[place] = _way("words of the prior", codec, decoded, tried, payload, images, cosine, bits)
        return made[place]

    return _nearest(len(PENALTIES), way_at, cosine, bits)[1]


def _way(name, codec: Codec, decoded, tried, payload, images, cosine, bits) -> Way:
    header, dictionary, tables = codec.sections
    side = container.header_bytes(header.encoder) + len(dictionary) + len(tables)
    index = container.index_bytes(images, container.most_images(header.coding))
    norms = np.linalg.norm(tried, axis=1) * np.linalg.norm(decoded, axis=1)
    cosines = (tried * decoded).sum(axis=1) / np.where(norms == 0, 1, norms)
    way = Way(name, codec, float(cosines.mean()), float(payload + 8 * (side + index) / images), 8 * side, False)
    return Way(**{**way.__dict__, "meets": _meets(way, cosine, bits)})


def codec_of(codebook: Codebook | TrellisCodebook) -> Codec:
    """A fitted codec around the codebook of a file."""
    return (PursuitCodec if isinstance(codebook, TrellisCodebook) else SMICCodec).of(codebook)


def lines(found: Sequence[Way]) -> list[str]:
    """Ways for a person, the chosen one first."""
    chosen, *others = found
    text = [f"chosen: {chosen.name}: cosine {chosen.latent_cosine:.4f} at {chosen.bits:.1f} bits an image"]
    for way in others:
        met = "" if way.meets else " (does not meet the target)"
        measured = np.isfinite(way.latent_cosine)
        at = f": cosine {way.latent_cosine:.4f} at {way.bits:.1f} bits an image{met}" if measured else ""
        text.append(f"  not: {way.name}{at}")
    return text
