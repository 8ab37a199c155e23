"""Coders of latents measured on held-out latents, each at one setting, and the Gaussian references beside them.

Everything is of files that were decoded again, but for the references, which are no coders.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from smicnb.base.progress import progress
from smicnb.codec.coders.axes import mixed_covariance
from smicnb.codec.format.priors import Prior
from smicnb.compare.latents.protocol import LatentCoder
from smicnb.compare.latents.reference import GaussianReference
from smicnb.compare.latents.rivals import WATER
from smicnb.compare.latents.transforms import normalise
from smicnb.semantics.metrics.intervals import bootstrap_mean, upper_hull
from smicnb.semantics.metrics.pairs import latent_cosine

SAME = 1e-12  # cosines that differ by less are one
REFERENCE = "Gaussian reference"
REFERENCES = (REFERENCE, f"{REFERENCE}, shrunk", f"{REFERENCE}, given the prior")


@dataclass(frozen=True)
class Point:
    """A coder at a setting on held-out latents.

    Args:
        coder, setting: names.
        payload_bits: payload of an image.
        side_bits: bits of the collection, sent once.
        cosines: (n,) `latent_cosine` of each image.
        decoded: (n, L) latents of the file; none of the reference.
        container_bits: the side's bits that hold no code.
        image_bits: (n,) each image's share of the payload, by its ideal length; None where nobody asked for it.
    """

    coder: str
    setting: str
    payload_bits: float
    side_bits: float
    cosines: np.ndarray
    decoded: np.ndarray | None = None
    container_bits: float = 0.0
    image_bits: np.ndarray | None = None

    @property
    def payloads(self) -> np.ndarray:
        """(n,) payload bits of each image, `payload_bits` in the mean; all alike where nobody asked."""
        return np.full(len(self.cosines), self.payload_bits) if self.image_bits is None else self.image_bits


def measure(
    coders: Iterable[LatentCoder], Z_train: np.ndarray, Z_test: np.ndarray, shares: bool = False
) -> list[Point]:
    """Fit every coder to Z_train (n, L) and code Z_test (m, L) with it, as files that are decoded again.

    On one thread: codebooks and axes of several differ in their last digits, and files then in some bytes. `shares`
    asks for `Point.image_bits`.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return _measure(coders, Z_train, Z_test, shares)


def _measure(coders: Iterable[LatentCoder], Z_train: np.ndarray, Z_test: np.ndarray, shares: bool) -> list[Point]:
    points = []
    for coder in progress(list(coders), "coders of latents"):
        data = coder.fit(Z_train).encode(Z_test)
        spent = coder.spent(data)
        decoded = coder.decode(data)
        cosines = latent_cosine(Z_test, decoded)
        bits = 8 * spent.payload / spent.images, 8.0 * spent.side
        own = share_out(bits[0], coder.image_bits(data)) if shares else None
        points.append(Point(coder.name, coder.setting, *bits, cosines, decoded, 8.0 * spent.container, own))
    return points


def share_out(bits: float, ideal: np.ndarray) -> np.ndarray:
    """(n,) a mean of bits of an image, shared out in the proportion of ideal lengths (n,)."""
    mean = ideal.mean()
    return bits * ideal / mean if mean > 0 else np.full(len(ideal), bits)


def reference(
    Z_train: np.ndarray, Z_test: np.ndarray, waters: Iterable[float], seed: int, prior: Prior | None = None
) -> list[Point]:
    """Gaussian references at water levels, as points: what held-out latents cost in each design (`used_bits`).

    Designed on the training covariance as it is, shrunk (Ledoit and Wolf), and mixed with a prior's as our coder does.

    Args:
        Z_train, Z_test: latents (n, L) and (m, L) of any norm.
        waters: θ, in squared units of latents of norm 20.
        seed: seed of the noise.
        prior: the encoder's prior, or None: then there is no third design.
    """
    designs = [GaussianReference.fit(Z_train, 0.0), GaussianReference.fit(Z_train)]
    if prior is not None:
        Z = normalise(Z_train)
        mean = Z.mean(axis=0)
        mixed, _ = mixed_covariance(Z - mean, prior.covariance, WATER)
        designs.append(GaussianReference.from_moments(mean, mixed))
    points = []
    for name, channel in zip(REFERENCES, designs, strict=False):
        for water in waters:
            found = channel.measure(Z_test, water, seed)
            about = f"water level {water:.3g}", found.used_bits, 0.0, found.latent_cosine
            points.append(Point(name, *about, image_bits=found.image_bits))
    return points


def table(points: Sequence[Point], scenes: Sequence[str], seed: int = 0) -> pd.DataFrame:
    """One row per point, with means over held-out images of these scenes; the bootstrap over scenes begins with `seed`.

    Returns:
        coder, setting, payload_bits, side_bits, mean latent_cosine with low and high, the ends of its 95 % interval.
    """
    names = np.asarray(scenes)
    rows = [(p.coder, p.setting, p.payload_bits, p.side_bits, *bootstrap_mean(p.cosines, names, seed)) for p in points]
    columns = ["coder", "setting", "payload_bits", "side_bits", "latent_cosine", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def count_bits(points: Sequence[Point], names: Sequence[str], cosine: float, n: float = np.inf) -> float:
    """Bits of an image, of n in a collection, that the best mixture of the named coders' points needs for a mean
    cosine; NaN beyond their upper convex hull.
    """
    images = len(points[0].cosines)
    return float(count_bits_along(points, names, n, np.full((1, images), 1 / images), np.array([[cosine]])).item())


def count_bits_along(
    points: Sequence[Point],
    names: Sequence[str],
    n: float,
    weights: np.ndarray,
    cosines: np.ndarray,
    payloads: bool = False,
) -> np.ndarray:
    """`count_bits` for several cosines under several weightings of the images.

    Args:
        names, n: the same as in `count_bits`.
        weights: (draws, images), rows that add up to 1.
        cosines: (some, draws) that are wanted.
        payloads: whether payloads are weighted as cosines are (`Point.payloads`); else they stay those of all images.

    Returns:
        Bits (some, draws); NaN beyond the points.
    """
    mine = [p for p in points if p.coder in names]
    found = np.full(cosines.shape, np.nan)
    if not mine:
        return found
    bits = np.array([p.payload_bits + p.side_bits / n for p in mine])
    means = weights @ np.stack([p.cosines for p in mine], axis=1)
    if payloads:
        every_bits = weights @ np.stack([p.payloads for p in mine], axis=1) + [p.side_bits / n for p in mine]
    else:
        every_bits = [bits] * len(means)
    for draw, (own, bits) in enumerate(zip(means, every_bits, strict=True)):
        hull = upper_hull(bits, own)
        at = cosines[:, draw]
        for end in own[hull[[0, -1]]]:  # a curve's own end is on it, whatever the order in which it was summed up
            at = np.where(np.abs(at - end) < SAME, end, at)
        found[:, draw] = np.interp(at, own[hull], bits[hull], np.nan, np.nan)
    return found
