"""Coders of latents at all their settings, measured on files; and their bits at equal fidelity."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from smicnb.base.progress import progress
from smicnb.codec.transforms import KLT, RandomRotation, Truncation
from smicnb.compare.frontier import upper_hull
from smicnb.compare.latent import LatentCoder, QuantisedCoder
from smicnb.compare.latent_reference import GaussianReference
from smicnb.compare.latent_scalar import FixedScalar, SteppedScalar
from smicnb.compare.latent_vector import ProductQuantiser, ResidualQuantiser
from smicnb.semantics.metrics import latent_cosine
from smicnb.semantics.statistics import bootstrap_mean

REFERENCE = "Gaussian reference"
STEPS = tuple(np.geomspace(8, 0.7, 13).round(2).tolist())  # in the unit of latents of norm 20
COLUMNS = (
    *("coder", "setting", "part", "images", "payload_bits", "side_bits", "latent_cosine", "cosine_low", "cosine_high"),
)


def sweep(
    coders: Iterable[LatentCoder],
    Z_train: np.ndarray,
    Z_test: np.ndarray,
    scenes: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Fit every coder to the training part, and code both parts with it; all numbers are of files, decoded again.

    Args:
        coders: each at one setting.
        Z_train, Z_test: latents (n, L) and (m, L) of any norm.
        scenes: "train" and "heldout" -> scene of each latent; each its own where absent.
        seed: of the bootstrap over scenes.

    Returns:
        One row per coder and part: `coder`, `setting`, `part`, `images`, `payload_bits` per image, `side_bits` of the
        whole file, mean `latent_cosine` and the ends of its 95 % interval.
    """
    parts, rows = {"train": Z_train, "heldout": Z_test}, []
    for coder in progress(list(coders), "coders of latents"):
        coder.fit(Z_train)
        for part, Z in parts.items():
            data = coder.encode(Z)
            spent, cosines = coder.spent(data), latent_cosine(Z, coder.decode(data))
            groups = np.asarray(scenes[part]) if scenes else np.arange(len(Z))
            bits = 8 * spent.payload / spent.images, 8 * spent.side
            about = coder.name, coder.setting, part, len(Z)
            rows.append((*about, *bits, *bootstrap_mean(cosines, groups, seed)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def reference(
    Z_train: np.ndarray,
    Z_test: np.ndarray,
    waters: Iterable[float],
    scenes: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
    shrinkage: float | None = 0.0,
) -> pd.DataFrame:
    """The Gaussian reference in `sweep`'s columns: rates of the design as payload, no side information.

    Args:
        waters: water levels, in squared units of latents of norm 20.
        shrinkage: of the covariance; see `GaussianReference.fit`.

    Returns:
        `sweep`'s columns, and `used_bits` (see `Measured`) and `cosine_error` of the Monte Carlo.
    """
    channel, rows = GaussianReference.fit(Z_train, shrinkage), []
    for water in waters:
        for part, Z in {"train": Z_train, "heldout": Z_test}.items():
            found = channel.measure(Z, water, seed)
            groups = np.asarray(scenes[part]) if scenes else np.arange(len(Z))
            means = bootstrap_mean(found.latent_cosine, groups, seed)
            about = REFERENCE, f"water level {water:.3g}", part, len(Z)
            rows.append((*about, found.bits, 0.0, *means, found.used_bits, found.cosine_error))
    return pd.DataFrame(rows, columns=[*COLUMNS, "used_bits", "cosine_error"])


def bits_at(points: pd.DataFrame, cosines: Iterable[float], n: float = np.inf) -> pd.DataFrame:
    """Bits of an image that each coder needs for given mean cosines, along its upper convex hull.

    Linear in bits between two points of the hull: what a collection comes to of which one share of the images is coded
    at one setting and the rest at the other. Settings are chosen for n images, side information included; the side
    information of a mixture is taken to mix too, so that at finite n this is an interpolation, not a file.

    Args:
        points: rows of `sweep` or `reference`, of one part.
        cosines: wanted.
        n: images of the collection; at infinity the payload alone counts.

    Returns:
        coder, latent_cosine, n, bits; bits are NaN where no setting reaches the cosine, or all exceed it.
    """
    wanted, rows = list(cosines), []
    for coder, own in points.groupby("coder", sort=False):
        total = total_bits(own, n)
        hull = upper_hull(total, own["latent_cosine"].to_numpy())
        bits = np.interp(wanted, own["latent_cosine"].to_numpy()[hull], total[hull], np.nan, np.nan)
        rows += [(coder, cosine, n, each) for cosine, each in zip(wanted, bits, strict=True)]
    return pd.DataFrame(rows, columns=["coder", "latent_cosine", "n", "bits"])


def total_bits(points: pd.DataFrame, n: float) -> np.ndarray:
    """Bits of an image of a collection of n, its share of the side information included, at each point."""
    return points["payload_bits"].to_numpy() + points["side_bits"].to_numpy() / n


def standard_coders(dim: int, images: int, seed: int = 0) -> list[LatentCoder]:
    """The other ways to code a latent, each at the settings that its curve is drawn from.

    Args:
        dim: L, dimensions of the latents.
        images: of the training part: codebooks have at most as many codewords.
        seed: of the rotation and of k-means.
    """
    fixed = [FixedScalar("CLIP-intra", Truncation(), bits) for bits in (2, 3, 4, 6)]
    fixed += [FixedScalar("signs", Truncation(), 1)]
    fixed += [FixedScalar("random rotation, b bit", RandomRotation(seed), bits) for bits in (1, 2, 3, 4)]
    kept = [d for d in (dim * share // 16 for share in (1, 2, 3, 4, 6, 8, 12)) if d]
    fixed += [FixedScalar("matryoshka, b bit", Truncation(d, centre=True), bits) for d in kept for bits in (1, 2, 4)]
    for bits in (b for b in (2, 3, 4, 5, 6, 7) if 1 << b <= images):
        for codebook_bits in (4, 8):  # the cheaper for small collections
            shape = bits, codebook_bits, seed
            counts = [count for count in (2, 4, 8, 16, 32, 64, 96) if dim % count == 0]
            fixed += [ProductQuantiser("product quantiser", count, *shape) for count in counts]
            counts = (2, 4, 6, 8, 12, 16, 24)
            fixed += [ResidualQuantiser("residual quantiser", count, *shape) for count in counts]
    # Few axes of few bits are for small collections.
    axes = [(None, 8), (None, 5), *((count, bits) for bits in (3, 4) for count in (8, 16, 24, 32, 48, 64, 96))]
    transforms, rotation = [KLT(*shape) for shape in axes], RandomRotation(seed)
    stepped = [
        SteppedScalar(name, transform, step, rounding)
        for name, rounding in (("KLT", 0.5), ("KLT, dead zone", 0.4))
        for transform in transforms
        for step in STEPS
    ]
    stepped += [SteppedScalar("KLT, dead zone", transforms[0], step, 0.2) for step in STEPS]
    stepped += [SteppedScalar("random rotation", rotation, step, 0.3) for step in STEPS]
    for shorter in (Truncation(d, centre=True) for d in kept):
        stepped += [SteppedScalar("matryoshka", shorter, step, 0.2) for step in STEPS]
    return [
        *(QuantisedCoder(quantiser, entropy) for quantiser in fixed for entropy in (False, True)),
        *(QuantisedCoder(quantiser) for quantiser in stepped),
    ]
