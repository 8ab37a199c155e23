"""Files of our own codecs as coders of latents: the paper's dictionary and the coder beyond it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from sklearn.utils.validation import validate_data

from smicnb.base import leb128
from smicnb.codec import quantise
from smicnb.codec.container import ENTRY, SmicFile
from smicnb.codec.priors import Prior
from smicnb.codec.pursuit import PursuitCodec, mixed_covariance, spectrum
from smicnb.codec.rate import MODELS
from smicnb.codec.reader import decode
from smicnb.codec.smic import SMICCodec
from smicnb.codec.transforms import KLT
from smicnb.compare.latent import LatentCoder, QuantisedCoder, Spent
from smicnb.compare.latent_scalar import SteppedScalar
from smicnb.compare.latent_vector import ProductQuantiser, ResidualQuantiser

OURS, OURS_PRIOR, OURS_BARE = "ours, own axes", "ours, prior's axes", "ours, prior's axes, nothing sent"
KLT_PRIOR = "KLT, dead zone, given the prior"
SINGLE = "ours, one image by itself"
PAPER, PAPER_ENTROPY = "paper's tuples", "paper's, entropy coded"
FIDELITIES = tuple(range(76, 124, 2))
PENALTIES = (0.2, 0.4, 0.8, 1.2, 1.6, 2.0, 2.8, 4.0)  # of the paper's dictionary, with its medium model's bits


@dataclass
class SmicCoder:
    """A codec of .smic files as a `LatentCoder`.

    Args:
        name, setting: of the curve and of the point on it.
        codec: with `fit`, `encode` and `decode`.
        prepared: latents -> a fitted codec, where fitting is shared with other settings; else `codec.fit`.
    """

    name: str
    setting: str
    codec: SMICCodec | PursuitCodec
    prepared: Callable[[np.ndarray], SMICCodec | PursuitCodec] | None = field(default=None, repr=False)

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
        """What the bytes are for; the blocks' entries of the index, which find them, are payload."""
        with SmicFile(data) as opened:
            payload = opened.spent["payload"] + opened.blocks * ENTRY.itemsize
            return Spent(len(data) - payload, payload, len(opened))


@dataclass
class SingleCoder:
    """Every image a code by itself, on the prior's axes: only records count, so that no file is in its way.

    Args:
        name, setting: of the curve and of the point on it.
        codec: that needs nothing of a collection.
    """

    name: str
    setting: str
    codec: PursuitCodec

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
        """The records of all images; headers and index are left out, in favour of this coder."""
        files, payload = list(_files(data)), 0
        for file in files:
            with SmicFile(file) as opened:
                payload += opened.spent["payload"]
        return Spent(0, payload, len(files))


def _files(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        length, place = leb128.read(data, place)
        yield data[place : place + length]
        place += length


class PriorKLT(KLT):
    """The KLT of a covariance that is mixed with a prior's: what our coder knows, for a rival to know too.

    Args:
        n_components, bits: as of `KLT`.
        prior: whose covariance.
        share: of the prior, 0 to 1.
    """

    def __init__(self, n_components=None, bits=8, prior: Prior | None = None, share=0.35):
        super().__init__(n_components, bits)
        self.prior = prior
        self.share = share

    def fit(self, Z, y=None) -> Self:
        """Find mean and axes of latents Z (n, L) of norm 20."""
        Z = validate_data(self, Z, dtype=np.float64)
        mean = Z.mean(axis=0)
        covariance, _ = mixed_covariance(Z - mean, self.prior.covariance, 0.0, self.share)
        variances, axes = spectrum(covariance)
        self._set_mean(mean)
        self.variances_ = variances[: self.n_components]
        self._set_rows(quantise.atom_levels(axes[: self.n_components], self.bits))
        return self


def rivals(dim: int, images: int, steps: Sequence[float], seed: int, prior: Prior | None = None) -> list[LatentCoder]:
    """KLT, product and residual quantisers, entropy coded, from dear ones to those of little side information.

    With a prior there is also a KLT, under a name of its own, that is given the prior's covariance.
    """
    transforms = [KLT(None, 8), KLT(32, 4), KLT(12, 3)]
    coders: list[LatentCoder] = [
        QuantisedCoder(SteppedScalar(name, transform, step, rounding))
        for name, rounding in (("KLT", 0.5), ("KLT, dead zone", 0.4), ("KLT, dead zone", 0.3))
        for transform in transforms
        for step in steps
    ]
    if prior is not None:
        given = PriorKLT(prior=prior)
        coders += [QuantisedCoder(SteppedScalar(KLT_PRIOR, given, step, 0.4)) for step in steps]
    for bits in (b for b in (4, 6, 7) if 1 << b <= images):
        coders += [
            QuantisedCoder(ResidualQuantiser("residual quantiser", count, bits, 8, seed)) for count in (2, 4, 8, 16)
        ]
        counts = [count for count in (4, 16, 64) if dim % count == 0]
        coders += [QuantisedCoder(ProductQuantiser("product quantiser", count, bits, 8, seed)) for count in counts]
    return coders


def paper_coders(n_atoms: int = MODELS["medium"].n_atoms, seed: int = 0) -> list[LatentCoder]:
    """The paper's code at the bits and atoms of its medium model over λ, as tuples and entropy coded."""
    medium = MODELS["medium"]
    return [
        SmicCoder(
            name,
            f"{n_atoms} atoms, λ {penalty:g}",
            SMICCodec(n_atoms, penalty, medium.b_dict, medium.b_coef, coding, random_state=seed),
        )
        for name, coding in ((PAPER, "tuple"), (PAPER_ENTROPY, "entropy"))
        for penalty in PENALTIES
    ]


def our_coders(prior: Prior | None, images: int | None = None) -> list[LatentCoder]:
    """The coder beyond the paper over fidelities: own axes, the prior's, and those with nothing sent at all.

    Args:
        prior: of the latents' encoder, or None: then there are own axes only.
        images: of the collection that shares the prior's mean; None for as many as are fitted.
    """
    coders = _over_fidelities(OURS, PursuitCodec(prior=prior))
    if prior is not None:
        coders += _over_fidelities(OURS_PRIOR, PursuitCodec("prior", prior=prior, images=images))
        coders += _over_fidelities(OURS_BARE, PursuitCodec("prior", prior=prior, centre=False))
        coders += [
            SingleCoder(SINGLE, f"fidelity {fidelity}", PursuitCodec("prior", fidelity, prior=prior, centre=False))
            for fidelity in FIDELITIES[::2]
        ]
    return coders


def _over_fidelities(name: str, codec: PursuitCodec) -> list[LatentCoder]:
    """One coder for each fidelity; the covariance is fitted once for all that meet the same latents."""
    fitted: dict[bytes, PursuitCodec] = {}

    def at(Z: np.ndarray, fidelity: int) -> PursuitCodec:
        if (key := Z.tobytes()) not in fitted:
            fitted.clear()
            fitted[key] = PursuitCodec(**codec.get_params(deep=False)).fit(Z)
        return fitted[key].at(Z, fidelity=fidelity)

    return [SmicCoder(name, f"fidelity {f}", codec, prepared=lambda Z, fidelity=f: at(Z, fidelity)) for f in FIDELITIES]


def part_coders(prior: Prior | None, steps: Sequence[float]) -> list[LatentCoder]:
    """Our coder built up part by part, from the plain KLT on: a curve for each part added.

    Args:
        prior: as in `our_coders`.
        steps: of the scalar quantisers, in the unit of latents of norm 20.
    """
    plain = KLT()
    coders: list[LatentCoder] = [
        QuantisedCoder(SteppedScalar("KLT, scalar", plain, step, rounding)) for rounding in (0.5, 0.4) for step in steps
    ]
    coders += _over_fidelities("trellis, mean not removed", PursuitCodec(share=0.0, centre=False))
    coders += _over_fidelities("trellis in place of scalars", PursuitCodec(share=0.0))
    coders += _over_fidelities("covariance shrunk to the identity", PursuitCodec())
    if prior is not None:
        coders += _over_fidelities(OURS, PursuitCodec(prior=prior))
    return coders
