"""Files of our own codecs as coders of latents: the paper's dictionary and the coder beyond it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from itertools import product
from typing import Self

import numpy as np

from smicnb.base import leb128
from smicnb.codec.coders.axes import LEAST_FOR_SEARCH, AxesCodec
from smicnb.codec.coders.dictionary import SemanticDictionary
from smicnb.codec.coders.smic import SMICCodec, normalise
from smicnb.codec.format import payload
from smicnb.codec.format.codebook import Codebook
from smicnb.codec.format.container import ON_AXES, SmicFile, most_images
from smicnb.codec.format.payload import CHECK_BYTES
from smicnb.codec.format.priors import Prior
from smicnb.codec.format.reader import decode
from smicnb.codec.format.trellis import quantisation
from smicnb.codec.format.trellis.codebook import TrellisCodebook
from smicnb.codec.rate import POINTS, FileRate
from smicnb.compare.latents.protocol import LatentCoder, QuantisedCoder, Spent
from smicnb.compare.latents.quantisers.scalar import SteppedScalar
from smicnb.compare.latents.transforms import KLT

OURS, OURS_PRIOR, OURS_BARE = "ours, own axes", "ours, prior's axes", "ours, prior's axes, nothing sent"
OURS_ALONE = "ours, own axes, without the prior"
SINGLE = "ours, one image by itself"
PAPER, PAPER_ENTROPY = "paper's tuples", "paper's, entropy coded"
PAPER_BEST = "paper's tuples, best atoms and bits"
REFITTED = ", refitted"  # of the paper's code, where range and levels are searched for the latent's cosine
PAPER_REFITTED, ENTROPY_REFITTED, BEST_REFITTED = (f"{name}{REFITTED}" for name in (PAPER, PAPER_ENTROPY, PAPER_BEST))
FOR_SEARCH = ", for search"  # of ours, where errors on large axes count more
FIDELITIES = tuple(range(76, 124, 2))
PENALTIES = (0.2, 0.4, 0.8, 1.2, 1.6, 2.0, 2.8, 4.0)  # of the paper's dictionary
ATOMS, BITS, ATOM_BITS = (4, 8, 16, 32, 64, 128), (2, 3, 4), (4, 8)  # of the paper's code where they are free
# Our coder with scalars in place of the trellis: own axes, the prior's, and those with nothing sent.
SEARCHED = tuple(f"scalars searched as {name}" for name in (OURS, OURS_PRIOR, OURS_BARE))
WIDEST = 5.5  # standard deviations that scalar quantisers reach
ROUNDS, LEAST_SHARE = 200, 2.0**-22  # of the iteration that makes them, and of a cell that is kept
FEW_IMAGES = 30  # that share the mean of the prior's axes, for small collections


@dataclass
class SmicCoder:
    """A codec of .smic files as a `LatentCoder`, at a point (`setting`) of a curve (`name`). `prepared` makes a fitted
    codec of latents, where fitting is shared with other settings; else `codec.fit` does.
    """

    name: str
    setting: str
    codec: SMICCodec | AxesCodec
    prepared: Callable[[np.ndarray], SMICCodec | AxesCodec] | None = field(default=None, repr=False)

    def fit(self, Z: np.ndarray) -> Self:
        """Fit to training latents Z (n, L) of any norm."""
        self.codec = self.prepared(Z) if self.prepared else self.codec.fit(Z)
        return self

    def encode(self, Z: np.ndarray) -> bytes:
        """One file that holds latents Z (n, L) of any norm."""
        return self.codec.encode(Z)

    def decode(self, data: bytes) -> np.ndarray:
        """The latents (n, L) float32 of a file."""
        return decode(data)

    def spent(self, data: bytes) -> Spent:
        """What the bytes are for; of the index an image has its part of a whole block's entry as payload."""
        with SmicFile(data) as opened:
            rate = FileRate.from_spent(opened.spent, len(opened), most_images(opened.header))
            container = rate.once_bits / 8 - opened.spent["dictionary"] - opened.spent["tables"]
            return Spent(rate.once_bits / 8, rate.image_bits * len(opened) / 8, len(opened), container)

    def image_bits(self, data: bytes) -> np.ndarray:
        """(n,) ideal bits of each image, block by block."""
        with SmicFile(data) as opened:
            book = self._book(opened)
            blocks = [book.decode_payload(opened.block(number)) for number in range(opened.blocks)]
        return np.concatenate([measure_lengths(book, levels) for levels in blocks])

    @staticmethod
    def _book(opened: SmicFile) -> Codebook | TrellisCodebook:
        kind = TrellisCodebook if opened.header.coding in ON_AXES else Codebook
        return kind.from_sections(opened.header, opened.dictionary, opened.tables)


def measure_lengths(book: Codebook | TrellisCodebook, levels: np.ndarray) -> np.ndarray:
    """(n,) ideal bits of a block's levels (n, n_atoms): tuples exactly, entropies under frequencies as they grow."""
    if isinstance(book, TrellisCodebook):
        return quantisation.lengths(levels[:, : len(book.codes)], book.codes, book.growth, book.known)
    b_coef, used = book.header.b_coef, levels >= 0
    if book.models is None:
        return payload.tuple_lengths(used.sum(axis=1), levels.shape[1], b_coef)
    rest = b_coef - min(b_coef, payload.MODELLED)
    found = payload.subset_lengths(used, book.models.weights) + rest * used.sum(axis=1)
    counts, values = (table.astype(np.int64) for table in (book.models.counts, book.models.values))
    for image, (row, mask) in enumerate(zip(levels, used, strict=True)):
        many, leading = mask.sum(), row[mask] >> rest
        found[image] += np.log2(counts.sum() / counts[many]) + np.log2(values.sum() / values[leading]).sum()
        counts[many] += payload.COUNT_STEP
        values += payload.VALUE_STEP * np.bincount(leading, minlength=len(values))
    return found


@cache
def scalar_tables() -> quantisation.Tables:
    """Scalar quantisers in the place of the trellis: for each of its codes the best one of its price for a Gaussian.

    The state never changes, so that a level is chosen for itself alone: rate–distortion optimised quantisation. Levels
    are centroids, frequencies those of the cells, both by iteration on the normal distribution.

    Source: Chou, Lookabaugh and Gray, Entropy-constrained vector quantization, 1989 (the iteration); Sullivan,
    Efficient scalar quantization of exponential and Laplacian random variables, 1996.
    """
    levels, frequencies = zip(*(_scalar_code((code + 1) / quantisation.PER_BIT) for code in range(quantisation.CODES)),
                              strict=True)  # fmt: skip
    return quantisation.Tables(levels, frequencies, np.zeros((1, 2), np.int64))


def _scalar_code(rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Levels and frequencies (BOOKS, 2, m) of a code for log2(σ/√θ) = rate."""
    from scipy.special import ndtr

    water = 2.0 ** (-2 * rate)
    price, step = 2 * np.log(2) * water, np.sqrt(12 * water)
    most = int(np.ceil(WIDEST / step))
    points = step * np.arange(-most, most + 1)
    bits = np.full(len(points), np.log2(len(points)))
    for _ in range(ROUNDS):
        ends = (points[1:] + points[:-1]) / 2 + price * np.diff(bits) / (2 * np.diff(points))
        ends = np.concatenate([[-np.inf], np.maximum.accumulate(ends), [np.inf]])
        shares = np.diff(ndtr(ends))
        density = np.exp(-np.square(ends) / 2) / np.sqrt(2 * np.pi)
        seen = shares > LEAST_SHARE
        points = np.where(seen, -np.diff(density) / np.where(seen, shares, 1), points)
        bits = -np.log2(np.maximum(shares, LEAST_SHARE))
        kept = seen | (np.abs(points) < step / 2)  # levels that nothing is nearest to are given up, from the ends on
        points, bits = points[kept], bits[kept]
    shares = np.append(2.0**-bits, 0)  # one more, so that the two branches have as many
    points = np.append(points, points[-1] + step)
    table = np.rint(points * quantisation.LEVEL_UNIT).astype(np.int16).reshape(2, -1)
    counts = np.maximum(1, np.rint(shares * quantisation.TOTAL)).astype(np.uint16).reshape(2, -1)
    return np.stack([table] * quantisation.BOOKS), np.stack([counts] * quantisation.BOOKS)


class ScalarCodebook(TrellisCodebook):
    """A codebook of axes whose coefficients are scalars; its payload is no .smic file's."""

    @property
    def known(self) -> quantisation.Tables:
        """The scalar quantisers."""
        return scalar_tables()


class ScalarAxes(AxesCodec):
    """Our coder in all but the trellis: scalars by rate–distortion cost, growing frequencies, both searches."""

    _book = ScalarCodebook


@dataclass
class ScalarCoder(SmicCoder):
    """Files of `ScalarAxes`, which are counted as ours are, and read here alone."""

    def decode(self, data: bytes) -> np.ndarray:
        """The latents (n, L) float32 of a file."""
        with SmicFile(data) as opened:
            book = self._book(opened)
            blocks = [book.decode_payload(opened.block(number)) for number in range(opened.blocks)]
        return np.concatenate([book.reconstruct(levels) for levels in blocks])

    @staticmethod
    def _book(opened: SmicFile) -> TrellisCodebook:
        return ScalarCodebook.from_sections(opened.header, opened.dictionary, opened.tables)


@dataclass
class SingleCoder:
    """Every image a code by itself, on the prior's axes, by a codec that needs nothing of a collection: only its
    symbols count, so that no file is in its way.
    """

    name: str
    setting: str
    codec: AxesCodec

    def fit(self, Z: np.ndarray) -> Self:
        """Learn the dimensions; nothing of the latents Z (n, L) is kept."""
        self.codec.fit(Z)
        return self

    def encode(self, Z: np.ndarray) -> bytes:
        """A file for each of the latents Z (n, L), each behind its length."""
        files = [self.codec.encode(Z[i : i + 1]) for i in range(len(Z))]
        return b"".join(leb128.pack(len(file)) + file for file in files)

    def decode(self, data: bytes) -> np.ndarray:
        """The latents (n, L) float32."""
        return np.concatenate([decode(file) for file in _files(data)])

    def spent(self, data: bytes) -> Spent:
        """The symbols of all images; headers, index and the records' checks are left out, in favour of this coder."""
        files, length = list(_files(data)), 0
        for file in files:
            with SmicFile(file) as opened:
                length += opened.spent["payload"] - CHECK_BYTES
        return Spent(0, length, len(files))

    def image_bits(self, data: bytes) -> np.ndarray:
        """(n,) bits of each image's symbols, which are whole bytes here."""
        found = []
        for file in _files(data):
            with SmicFile(file) as opened:
                found.append(8.0 * (opened.spent["payload"] - CHECK_BYTES))
        return np.array(found)


def _files(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        length, place = leb128.read(data, place)
        yield data[place : place + length]
        place += length


def paper_coders(n_atoms: int = POINTS["medium"].n_atoms, seed: int = 0, refitted: bool = False) -> list[LatentCoder]:
    """The paper's code over λ: at the bits and atoms of its medium model as tuples and entropy coded, then as tuples
    at other numbers of atoms and bits of a coefficient.

    Args:
        n_atoms: size of the first two.
        seed: seed of the dictionaries.
        refitted: whether all of them follow once more with `SMICCodec`'s refit, their names ending on `REFITTED`.
    """
    medium, fitted = POINTS["medium"], _learn_once()
    shapes = [(name, n_atoms, medium.b_dict, medium.b_coef) for name in (PAPER, PAPER_ENTROPY)]
    shapes += [(PAPER_BEST, *shape) for shape in product(ATOMS, ATOM_BITS, BITS)]
    coders: list[LatentCoder] = []
    for refit, shape, penalty in product((False, True) if refitted else (False,), shapes, PENALTIES):
        name, atoms, b_dict, b_coef = shape
        coding = "entropy" if name == PAPER_ENTROPY else "tuple"
        codec = SMICCodec(atoms, penalty, b_dict, b_coef, coding, random_state=seed, refit=refit)
        name = f"{name}{REFITTED}" if refit else name
        setting = f"{atoms} atoms of {b_dict} bits, {b_coef} bits, λ {penalty:g}"
        coders.append(SmicCoder(name, setting, codec, prepared=lambda Z, codec=codec: fitted(Z, codec)))
    return coders


def _learn_once() -> Callable[[np.ndarray, SMICCodec], SMICCodec]:
    """Fits codecs of the paper's code to latents; what differs in bits alone shares its dictionary."""
    learned: dict[tuple, np.ndarray] = {}

    def fitted(Z: np.ndarray, codec: SMICCodec) -> SMICCodec:
        key = sha256(Z.tobytes()).digest(), codec.n_atoms, codec.penalty, codec.random_state
        if key not in learned:
            model = SemanticDictionary(codec.n_atoms, codec.penalty, random_state=codec.random_state)
            learned[key] = model.fit(normalise(Z, codec.norm)).atoms_
        return codec.fit(Z, atoms=learned[key])

    return fitted


def our_coders(prior: Prior | None, images: int | None = None) -> list[LatentCoder]:
    """The coder beyond the paper over fidelities: own axes, the prior's, those with nothing sent at all, and own axes
    of one to whom the prior is not known.

    Args:
        prior: the prior of the latents' encoder, or None: then there are own axes only.
        images: how many images share the prior's mean; None for as many as are fitted.
    """
    coders = _over_fidelities(OURS, AxesCodec(prior=prior))
    if prior is not None:
        coders += _over_fidelities(OURS_PRIOR, AxesCodec("prior", prior=prior, images=images))
        few = _over_fidelities(OURS_PRIOR, AxesCodec("prior", prior=prior, images=FEW_IMAGES))
        coders += [replace(coder, setting=f"{coder.setting}, for {FEW_IMAGES} images") for coder in few]
        coders += _over_fidelities(OURS_BARE, AxesCodec("prior", prior=prior, centre=False))
        coders += [
            SingleCoder(SINGLE, f"fidelity {fidelity}", AxesCodec("prior", fidelity, prior=prior, centre=False))
            for fidelity in FIDELITIES
        ]
        coders += _over_fidelities(OURS_ALONE, AxesCodec())
    return coders


def searched_coders(prior: Prior | None, images: int | None = None) -> list[LatentCoder]:
    """Our coder over fidelities with scalars in place of the trellis: all that it does but for that; arguments as in
    `our_coders`.
    """
    coders = _over_fidelities(SEARCHED[0], ScalarAxes(prior=prior), ScalarCoder)
    if prior is not None:
        coders += _over_fidelities(SEARCHED[1], ScalarAxes("prior", prior=prior, images=images), ScalarCoder)
        coders += _over_fidelities(SEARCHED[2], ScalarAxes("prior", prior=prior, centre=False), ScalarCoder)
    return coders


def retrieval_coders(prior: Prior | None, images: int, tilt: float, every: int = 1) -> list[LatentCoder]:
    """Our three codes over fidelities, and with scalars in place of the trellis, at half as many: each as it is, and
    for search.

    What is fitted to the same latents is fitted once for all of them.

    Args:
        prior: the prior of the latents' encoder, or None: then there are own axes only.
        images: how many images share the prior's mean.
        tilt: tilt of `AxesCodec`, of those for search, whose names end on `FOR_SEARCH`; their own axes begin at
            `LEAST_FOR_SEARCH`.
        every: so many of `FIDELITIES` are gone on by.
    """
    shares: dict[bytes, float] = {}
    coders: list[LatentCoder] = []
    for kind, wrapped, names in (
        (AxesCodec, SmicCoder, (OURS, OURS_PRIOR, OURS_BARE)),
        (ScalarAxes, ScalarCoder, SEARCHED),
    ):
        for suffix, about in (("", {}), (FOR_SEARCH, {"tilt": tilt})):
            least = LEAST_FOR_SEARCH if about else quantisation.FIRST_CODE
            shapes = [kind(prior=prior, least_code=least, **about)]
            if prior is not None:
                shapes += [
                    kind("prior", prior=prior, images=images, **about),
                    kind("prior", prior=prior, centre=False, **about),
                ]
            for name, codec in zip(names, shapes, strict=False):
                some = _over_fidelities(f"{name}{suffix}", codec, wrapped, shares)
                coders += some[::every] if wrapped is SmicCoder else some[:: 2 * every]
    return coders


def _over_fidelities(
    name: str, codec: AxesCodec, kind: type[SmicCoder] = SmicCoder, shares: dict[bytes, float] | None = None
) -> list[LatentCoder]:
    """One coder for each fidelity; the covariance is fitted once for all that meet the same latents. `shares` of the
    prior are remembered, and known to all that are given the same ones."""
    fitted: dict[bytes, AxesCodec] = {}
    shares = {} if shares is None else shares

    def at(Z: np.ndarray, fidelity: int) -> AxesCodec:
        if (key := Z.tobytes()) not in fitted:
            fitted.clear()
            about = codec.get_params(deep=False)
            if codec.axes == "own" and codec.share is None:
                about["share"] = shares.get(key)
            fitted[key] = type(codec)(**about).fit(Z)
            if codec.axes == "own":
                shares[key] = fitted[key].share_
        return fitted[key].at(Z, fidelity=fidelity)

    return [kind(name, f"fidelity {f}", codec, prepared=lambda Z, fidelity=f: at(Z, fidelity)) for f in FIDELITIES]


class SearchedOnce(AxesCodec):
    """Our coder with the first of its two searches alone: the least squared error at the price of a bit."""

    _searched = AxesCodec._searched_once


def part_coders(prior: Prior | None, steps: Sequence[float]) -> list[LatentCoder]:
    """Our coder built up part by part, from the plain KLT on: a curve for each part added.

    Args:
        prior: the same as in `our_coders`.
        steps: steps of the scalar quantisers, in the unit of latents of norm 20.
    """
    plain = KLT()
    coders: list[LatentCoder] = [
        QuantisedCoder(SteppedScalar("KLT, scalar", plain, step, rounding)) for rounding in (0.5, 0.4) for step in steps
    ]
    still = {"share": 0.0, "growth": 0}
    coders += _over_fidelities("trellis, mean not removed", SearchedOnce(**still, centre=False))
    coders += _over_fidelities("trellis in place of scalars", SearchedOnce(**still))
    coders += _over_fidelities("covariance shrunk to the identity", SearchedOnce(growth=0))
    if prior is not None:
        coders += _over_fidelities("covariance mixed with the prior", SearchedOnce(prior=prior, growth=0))
        coders += _over_fidelities("searched again for the cosine", AxesCodec(prior=prior, growth=0))
        coders += _over_fidelities(OURS, AxesCodec(prior=prior))
    return coders
