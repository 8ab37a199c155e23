"""The Gaussian reference: what a test channel designed on the training covariance would need for latents it meets.

No coder and no file: rates are mutual informations. It tells how much of a coder's rate is the coder's own, given what
the same training latents let one know of the source.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from smicnb.base.errors import DimensionError
from smicnb.compare.latents.transforms import normalise
from smicnb.semantics.metrics.pairs import latent_cosine

LEAST = 1e-12  # variance, as a share of the largest, that is not rounding


@dataclass(frozen=True)
class Measured:
    """What a test channel at one water level comes to.

    Args:
        bits: rate of the design in bits per image, Σ ½ log2(σ²/D) over the components above water.
        used_bits: what the design costs on the latents given: mean relative entropy, in bits, between the channel's
            output for a latent and the output distribution of the design. Equal to `bits` for latents of the
            training covariance.
        latent_cosine: (n,) expected cosine of each latent and its reconstruction, by Monte Carlo.
        cosine_error: standard error of the mean of these that the Monte Carlo leaves.
        image_bits: (n,) what the design costs on each latent, `used_bits` in the mean.
    """

    bits: float
    used_bits: float
    latent_cosine: np.ndarray
    cosine_error: float
    image_bits: np.ndarray


@dataclass(frozen=True)
class GaussianReference:
    """Mean, axes and variances of training latents, as a Gaussian source.

    Args:
        mean: (L,) of the latents at norm 20.
        axes: (K, L) orthonormal, those of variance.
        variances: (K,) falling.
        shrinkage: share of the covariance that was replaced by its mean eigenvalue times the identity.

    Source: Cover and Thomas, Elements of Information Theory, 2nd edition 2006, Sec. 10.3.2 and 10.3.3 (test channel,
    reverse water-filling); Berger, Rate Distortion Theory, 1971, Sec. 4.5.
    """

    mean: np.ndarray
    axes: np.ndarray
    variances: np.ndarray
    shrinkage: float

    @classmethod
    def fit(cls, Z: np.ndarray, shrinkage: float | None = None) -> Self:
        """The reference of latents Z (n, L) of any norm.

        With fewer latents than dimensions their covariance is singular, and a channel designed on it leaves out what
        of other latents lies outside their span. Shrinking spreads variance over it: at low rates nothing changes,
        since none of it is above water; at high rates it is the better design.

        Args:
            shrinkage: 0 for the covariance as it is, 1 for a multiple of the identity; None for Ledoit and Wolf's
                estimate (2004, A well-conditioned estimator for large-dimensional covariance matrices).
        """
        Z = normalise(Z)
        mean, centred = Z.mean(axis=0), Z - Z.mean(axis=0)
        if shrinkage is None:
            from sklearn.covariance import ledoit_wolf_shrinkage

            shrinkage = float(ledoit_wolf_shrinkage(Z)) if len(Z) > 1 else 0.0
        if not 0 <= shrinkage <= 1:
            raise DimensionError(f"found a shrinkage of {shrinkage}", "0 to 1")
        return cls.from_moments(mean, centred.T @ centred / len(Z), shrinkage)

    @classmethod
    def from_moments(cls, mean: np.ndarray, covariance: np.ndarray, shrinkage: float = 0.0) -> Self:
        """The reference of a Gaussian of this mean (L,) and covariance (L, L), at norm 20."""
        variances, axes = np.linalg.eigh(covariance)
        variances = (1 - shrinkage) * np.maximum(variances, 0) + shrinkage * max(0.0, variances.mean())
        kept = np.flatnonzero(variances > LEAST * max(variances[-1], 1))[::-1]
        return cls(mean, axes.T[kept], variances[kept], shrinkage)

    def measure(self, Z: np.ndarray, water: float, seed: int, draws: int = 16) -> Measured:
        """The forward test channel at one water level, applied to latents (n, L) of any norm.

        A component of variance σ² above the water level θ is sent as aσ-scaled signal and noise, ĉ = a·c + w with
        a = 1 − θ/σ² and w of variance aθ; the others are decoded as zero.

        Args:
            water: θ, the distortion of every component above it, in squared units of latents of norm 20.
            seed: seed of the noise.
            draws: draws of the noise for each latent.
        """
        Z = normalise(Z)
        above = self.variances > water
        variances, axes = self.variances[above], self.axes[above]
        bits = 0.5 * float(np.log2(variances / water).sum())
        gain, sent = 1 - water / variances, (Z - self.mean) @ axes.T
        # Relative entropy of N(ac, aθ) and N(0, aσ²), of which the second is the design's output distribution.
        second = np.square(sent).mean(axis=0)
        excess = float((water / variances + gain * second / variances - 1).sum()) / (2 * np.log(2))
        shares = (water / variances + gain * np.square(sent) / variances - 1).sum(axis=1) / (2 * np.log(2))
        rng, cosines = np.random.default_rng(seed), np.empty((draws, len(Z)))
        for draw in range(draws):
            noise = rng.standard_normal(sent.shape) * np.sqrt(gain * water)
            cosines[draw] = latent_cosine(Z, self.mean + (gain * sent + noise) @ axes)
        error = float(cosines.mean(axis=1).std(ddof=1) / np.sqrt(draws)) if draws > 1 else float("nan")
        return Measured(bits, bits + excess, cosines.mean(axis=0), error, bits + shares)
