"""The coder beyond the paper: trellis-coded coefficients on axes of the collection's own, or of a prior.

Its parts, each measured in notebook 10: the mean removed; axes and variances from the collection's covariance mixed
with what is known beforehand (`priors`), the share by cross-validation; trellis codes in place of scalar
quantisers, found by their rate–distortion cost. The latents' norm is free, so that nothing is spent on it.
"""

from numbers import Integral
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from smicnb.base.errors import SmicnbError, format_value
from smicnb.base.names import lookup
from smicnb.base.work.recall import FITTED, recall_by_content
from smicnb.codec.coders.smic import UNNAMED, Files, normalise
from smicnb.codec.format import container, priors, quantise
from smicnb.codec.format.container import Header
from smicnb.codec.format.priors import Prior
from smicnb.codec.format.trellis import quantisation
from smicnb.codec.format.trellis.codebook import TrellisCodebook, choose_codes, least_squares

SHARES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0)  # of the prior in the covariance, tried by cross-validation
FOLDS = 5
MEAN_BITS = 6  # of a code of the mean at most
STATE_BITS = 8  # log2 of the trellis's states
LEAST_COSINE, MOST_STRETCH = 0.1, 2.0  # bounds on what the second search takes from the first
MOST_TILT = 4.0
# Of files that are made to be searched: their tilt, and the code of 7/8 bit, below which own axes are left out; both
# were chosen on training scenes (notebook 11).
FOR_SEARCH, LEAST_FOR_SEARCH = 0.5, 6


def price_of(fidelity: float, norm: float) -> float:
    """−dD/dR of a Gaussian at distortion θ, in squared units of latents of this norm; `fidelity` is the scale of √θ."""
    return 2 * np.log(2) * (2 ** (fidelity / priors.PER_OCTAVE) * norm / quantise.COEFFICIENT_UNIT) ** 2


class AxesCodec(Files, BaseEstimator):
    """Latents to the bytes of a .smic file and back, coded on axes.

    Args:
        axes: "own", which the file holds, or "prior", which both sides have.
        fidelity: scale of √θ, the distortion that coded axes end up with: 0 to `priors.MOST_SCALE`; 8 less of it is
            a bit more for every axis. Useful values are from 60 to 120.
        thrift: factor of the price of a bit, about 1: for what lies between two fidelities.
        b_dict: bits of a dimension of an own axis and of the mean, 1 to 16.
        most_axes: own axes at most.
        share: weight of the prior's covariance in that of the own axes, 0 to 1; None: cross-validation chooses.
        prior: what is known of the encoder's latents, or None; "prior" axes need it.
        centre: whether the mean is removed, and sent.
        growth: how fast frequencies follow the images of a block: 0, not at all, to `quantisation.MOST_GROWTH`.
        images: number of images that share the mean of "prior" axes, and its bits; None: as many as are fitted.
        tilt: how much more errors on large axes count, −`MOST_TILT` to `MOST_TILT`: on an axis of standard deviation σ
            in proportion to σ^tilt. 0 is for the cosine. A query has most of its own length along the large axes, so
            that an error there moves its scores the most. Only the choice of levels changes, no reader has to know.
        least_code: least code of own axes, `quantisation.FIRST_CODE` to `quantisation.CODES` − 1.
        norm, encoder, weights_hash: those of `SMICCodec`; "prior" axes have the prior's weights if none are named.

    Attributes:
        codebook_: what encoder and decoder share.
        share_: share of the prior in the covariance; NaN for "prior" axes.
    """

    _book = TrellisCodebook

    def __init__(
        self,
        axes="own",
        fidelity=90,
        thrift=1.0,
        b_dict=6,
        most_axes=None,
        share=None,
        prior: Prior | None = None,
        centre=True,
        growth=quantisation.GROWTH,
        images=None,
        tilt=0.0,
        least_code=quantisation.FIRST_CODE,
        norm=20.0,
        encoder="unnamed",
        weights_hash=UNNAMED,
    ):
        self.axes = axes
        self.fidelity = fidelity
        self.thrift = thrift
        self.b_dict = b_dict
        self.most_axes = most_axes
        self.share = share
        self.prior = prior
        self.centre = centre
        self.growth = growth
        self.images = images
        self.tilt = tilt
        self.least_code = least_code
        self.norm = norm
        self.encoder = encoder
        self.weights_hash = weights_hash

    def fit(self, Z, y=None) -> Self:
        """Fit axes, scales and mean to latents Z (n, L) of any norm.

        Raises:
            SmicnbError: "prior" axes without a prior, or one of other dimensions or weights; a parameter out of range.
        """
        Z = normalise(validate_data(self, Z, dtype=np.float64), self.norm)
        lookup("axes", self.axes, dict.fromkeys(("own", "prior")))
        self._check()
        if self.axes == "prior":
            self.codebook_, self.share_ = self._fit_prior(Z), float("nan")
        else:
            water = price_of(self.fidelity, self.norm) / (2 * np.log(2))
            known = self._prior_covariance(Z.shape[1])
            covariance, self.share_ = mixed_covariance(Z - self._mean_of(Z), known, water, self.share)
            self._spectrum, self._quantised_axes = spectrum(covariance), {}
            self.codebook_ = self._fit_own(Z)
        return self

    def _check(self) -> None:
        ranges = (
            ("fidelity", 0, priors.MOST_SCALE),
            ("b_dict", 1, 16),
            ("growth", 0, quantisation.MOST_GROWTH),
            ("least_code", quantisation.FIRST_CODE, quantisation.CODES - 1),
        )
        for what, least, most in ranges:
            value = getattr(self, what)
            if not (isinstance(value, Integral) and least <= value <= most):
                raise SmicnbError(f"found {what} = {format_value(value)}", f"{least} to {most}, a whole number")
        if not (self.share is None or 0 <= self.share <= 1):
            raise SmicnbError(f"found share = {format_value(self.share)}", "0 to 1, or None")
        if not -MOST_TILT <= self.tilt <= MOST_TILT:
            raise SmicnbError(f"found tilt = {format_value(self.tilt)}", f"{-MOST_TILT:g} to {MOST_TILT:g}")

    def at(self, Z, **changes) -> "AxesCodec":
        """The codec of the same latents Z at another fidelity, thrift, b_dict, most_axes, tilt or least_code.

        Own axes keep the covariance that was found; the mean and all that depends on the changes is made anew.
        """
        other = type(self)(**{**self.get_params(deep=False), **changes})
        other._check()
        if self.axes == "prior":
            return other.fit(Z)
        Z = normalise(validate_data(other, Z, dtype=np.float64), self.norm)
        other.share_, other._spectrum, other._quantised_axes = self.share_, self._spectrum, self._quantised_axes
        other.codebook_ = other._fit_own(Z)
        return other

    def _prior_covariance(self, dim: int) -> np.ndarray | None:
        if self.prior is None or self.prior.dim != dim:
            return None
        return self.prior.covariance

    def _mean_of(self, Z: np.ndarray) -> np.ndarray:
        return Z.mean(axis=0) if self.centre else np.zeros(Z.shape[1])

    def _header(self, dim: int, n_atoms: int, coding: str, b_dict: int) -> Header:
        price = self.thrift * price_of(self.fidelity, self.norm)
        weights_hash = self.weights_hash
        if coding == "prior":
            weights_hash = self.prior.weights_hash if weights_hash == UNNAMED else weights_hash
            priors.check_weights(self.prior, weights_hash)
        about = self.encoder, weights_hash, dim, self.norm
        return Header(*about, n_atoms, price, b_dict, STATE_BITS, coding)

    def _fit_own(self, Z: np.ndarray) -> TrellisCodebook:
        variances, axes = self._spectrum
        scales = priors.scale_of(np.sqrt(variances), self.norm)
        count = int((choose_codes(scales, self.fidelity) >= self.least_code).sum())
        count = count if self.most_axes is None else min(count, self.most_axes)
        if self.b_dict not in self._quantised_axes:
            self._quantised_axes[self.b_dict] = quantise.atom_levels(axes, self.b_dict)
        levels = self._quantised_axes[self.b_dict][:count]
        mean = self._mean_of(Z)
        norm = int(np.rint(np.linalg.norm(mean) / self.norm * quantise.COEFFICIENT_UNIT))
        packed = quantise.pack_levels(quantise.atom_levels(mean[None], self.b_dict), self.b_dict) if norm else b""
        header = self._header(Z.shape[1], count, "trellis", self.b_dict)
        return self._book(header, levels, scales[:count], self.fidelity, self.growth, packed, (norm,))

    def _fit_prior(self, Z: np.ndarray) -> TrellisCodebook:
        if self.prior is None or self.prior.dim != Z.shape[1]:
            known = ", ".join(prior.name for prior in priors.list_priors())
            needed = f"'own' axes, or an encoder that a prior is known of: {known}"
            raise SmicnbError(f"found no prior for latents of {Z.shape[1]} dimensions of '{self.encoder}'", needed)
        header = self._header(Z.shape[1], len(self.prior.scales), "prior", priors.BITS)
        plain = self._book.from_prior(header, self.prior, self.fidelity, self.growth)
        images = self.images or len(Z)
        mean = self._mean_of(Z)
        if images < 2 or not mean.any():
            return plain
        coefficients = mean @ least_squares(plain.atoms)
        # An error of the mean is made n times: it gets the n-th part of the distortion, where images share it.
        fidelity = int(np.clip(self.fidelity - priors.PER_OCTAVE / 2 * np.log2(images), 0, priors.MOST_SCALE))
        spread = priors.deviation(plain.scales) * plain.unit
        ratio = np.sqrt(np.square(coefficients).sum() / np.square(spread).sum())
        shift = int(np.clip(np.rint(-priors.PER_OCTAVE * np.log2(ratio)), 0, priors.MOST_SCALE))
        scales = np.maximum(0, plain.scales - shift)
        fidelity = max(fidelity, int(scales.max()) - MEAN_BITS * priors.PER_OCTAVE)
        codes = choose_codes(scales, fidelity)
        deviations = priors.deviation(scales[: len(codes)]) * plain.unit
        levels = quantisation.search_levels(
            coefficients[None, : len(codes)], deviations, codes, price_of(fidelity, self.norm)
        )
        record = quantisation.encode(levels, codes, growth=0)
        return self._book.from_prior(header, self.prior, self.fidelity, self.growth, record, (fidelity, shift))

    @classmethod
    def from_codebook(cls, codebook: TrellisCodebook) -> Self:
        """A fitted codec around a codebook, which is kept."""
        header = codebook.header
        codec = cls(
            axes="prior" if codebook.prior else "own",
            fidelity=codebook.fidelity,
            thrift=header.penalty / price_of(codebook.fidelity, header.norm),
            b_dict=header.b_dict,
            prior=codebook.prior,
            growth=codebook.growth,
            norm=header.norm,
            encoder=header.encoder,
            weights_hash=header.weights_hash,
        )
        codec.codebook_, codec.n_features_in_, codec.share_ = codebook, header.dim, float("nan")
        return codec

    def levels(self, Z) -> np.ndarray:
        """Levels (n, n_atoms) int32 of latents Z (n, L) of any norm, block by block."""
        check_is_fitted(self)
        Z = normalise(validate_data(self, Z, dtype=np.float64, reset=False), self.norm)
        most = container.most_images(self.codebook_.header)
        return np.concatenate([self._searched(Z[start : start + most]) for start in range(0, len(Z), most)])

    def _searched(self, Z: np.ndarray) -> np.ndarray:
        """Levels of a block of latents (n, L) of norm `norm`: of the least cost in cosines and bits that is found.

        A second search knows what the first one came to. A squared error also counts what a decoded latent's norm is
        off by, which its cosine does not: so every latent has the length at which its decoded norm is the best, and
        errors the weight of what they take from the cosine: where 1 − c² changes, 1 − c does by a 2c-th of it. And a
        bit is counted under frequencies that have grown with the block. A latent of zero has no cosine, and no say.
        """
        book, some, plain = self.codebook_, Z.any(axis=1), self._searched_once(Z)
        cosines, long = self._measure_cosines(Z, plain)
        if not some.any():
            return plain
        clipped = np.maximum(cosines, LEAST_COSINE)
        usual = clipped[some].mean()
        stretch = np.where(some, np.clip(long / clipped, 1 / MOST_STRETCH, MOST_STRETCH), 1)
        weights = np.where(some, usual / clipped / np.square(stretch), 1)
        coefficients = stretch[:, None] * (Z @ book.analysis) - book.mean_latent @ book.analysis
        aimed = book.quantise(coefficients, book.header.penalty, weights, plain, self._axis_weights())
        gain = 2 * usual * self.norm**2 * (self._measure_cosines(Z, aimed)[0] - cosines).sum()
        return aimed if gain > book.header.penalty * (self.lengths(aimed) - self.lengths(plain)).sum() else plain

    def _searched_once(self, Z: np.ndarray) -> np.ndarray:
        """Levels of a block of the least squared error at the price of a bit."""
        book = self.codebook_
        coefficients = Z @ book.analysis - book.mean_latent @ book.analysis
        return book.quantise(coefficients, book.header.penalty, axis_weights=self._axis_weights())

    def _axis_weights(self) -> np.ndarray | None:
        """(K,) of the axes that are coded, 1 in the geometric mean: a bit keeps about its price. None for ones."""
        deviations = self.codebook_.deviations
        if not self.tilt or not len(deviations):
            return None
        logs = np.log(deviations)
        return np.exp(self.tilt * (logs - logs.mean()))

    def _measure_cosines(self, Z: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) cosines of what levels decode to with latents Z (n, L), and (n,) the norms of the former over `norm`."""
        book = self.codebook_
        decoded = book.mean_latent + book.coefficients(levels) @ book.atoms[: len(book.codes)]
        long = np.linalg.norm(decoded, axis=1)
        norms = np.linalg.norm(Z, axis=1) * long
        return (Z * decoded).sum(axis=1) / np.where(norms == 0, 1, norms), long / self.norm

    def lengths(self, levels: np.ndarray) -> np.ndarray:
        """(n,) ideal bits of levels (n, n_atoms), block by block: an estimate, which bytes come close to."""
        book, most = self.codebook_, container.most_images(self.codebook_.header)
        blocks = (levels[start : start + most, : len(book.codes)] for start in range(0, len(levels), most))
        return np.concatenate([quantisation.lengths(block, book.codes, book.growth, book.known) for block in blocks])


@recall_by_content(FITTED)
def spectrum(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances (L,), falling, and axes (L, L), each with its largest entry positive; not to be written to."""
    variances, axes = np.linalg.eigh(covariance)
    axes = np.ascontiguousarray(axes.T[::-1])
    largest = np.abs(axes).argmax(axis=1, keepdims=True)
    return np.maximum(variances[::-1], 0), axes * np.sign(np.take_along_axis(axes, largest, axis=1))


def mixed_covariance(
    centred: np.ndarray, known: np.ndarray | None, water: float, share: float | None = None
) -> tuple[np.ndarray, float]:
    """The covariance of latents and what is known beforehand, and the share of the latter.

    Args:
        centred: (n, L) latents, their mean removed.
        known: (L, L) covariance of a prior, at any scale; the identity where there is none.
        water: θ, distortion of what is coded: variances below it do not matter.
        share: 0 to 1; None for the one of `SHARES` under which latents of other folds (fifths, in their order) are
            likeliest, as Gaussians whose variances are at least θ.
    """
    dim = centred.shape[1]
    known = np.eye(dim) if known is None else known
    known = known / np.trace(known)
    if share is None:
        share = 1.0 if len(centred) < 2 * FOLDS else _choose_share(centred, known, water)
    return _mix(_covariance(centred), known, share), float(share)


def _covariance(centred: np.ndarray) -> np.ndarray:
    return centred.T @ centred / max(1, len(centred))


def _mix(own: np.ndarray, known: np.ndarray, share: float) -> np.ndarray:
    return (1 - share) * own + share * np.trace(own) * known


def _choose_share(centred: np.ndarray, known: np.ndarray, water: float) -> float:
    variances, squares, counts = _judge_folds(centred, known)
    variances = np.maximum(variances, water)
    losses = (squares / variances + counts[:, None, None] * np.log(variances)).sum(axis=(0, 2))
    return SHARES[int(np.argmin(losses))]


@recall_by_content(FITTED)
def _judge_folds(centred: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each fold and share, the variances on the axes of all others, (folds, shares, L), and the squares of the
    fold's own latents on these axes, summed up; and the latents of each fold. The same for every fidelity.
    """
    # Neighbours stay together: views of one scene in two folds would make the collection look better known than it is.
    folds = np.arange(len(centred)) * FOLDS // len(centred)
    shape = FOLDS, len(SHARES), centred.shape[1]
    variances, squares = np.empty(shape), np.empty(shape)
    for fold in range(FOLDS):
        others, own = _covariance(centred[folds != fold]), centred[folds == fold]
        for place, share in enumerate(SHARES):
            variances[fold, place], axes = np.linalg.eigh(_mix(others, known, share))
            squares[fold, place] = np.square(own @ axes).sum(axis=0)
    return variances, squares, np.bincount(folds, minlength=FOLDS)
