"""How far the images of one set look from those of another as sets: FID, KID and CMMD on feature vectors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from smicnb.base.errors import DimensionError
from smicnb.base.names import lookup

FID_ENOUGH = 10_000  # images of either set, as its authors advise
KID_SUBSETS, KID_SUBSET = 100, 1000  # as its authors drew them
CMMD_SIGMA, CMMD_SCALE = 10.0, 1000.0  # as its authors set them


@dataclass(frozen=True)
class Realism:
    """One distance between two sets of images.

    Args:
        metric: a name of `METRICS`.
        value: the distance; lower is better.
        spread: standard deviation of KID over its subsets, which is not the error of `value`; else None.
        n, n_hat: images in either set.
        warning: what the sample sizes do to the value, or "" where they are large enough.
    """

    metric: str
    value: float
    spread: float | None
    n: int
    n_hat: int
    warning: str


def realism(metric: str, features: np.ndarray, features_hat: np.ndarray, seed: int) -> Realism:
    """The distance between two sets of images, given their features.

    Args:
        metric: "fid" or "kid", defined on the features of `inception.InceptionFeatures`; or "cmmd", defined on
            CLIP's image latents (its authors take ViT-L/14 at 336 pixels). On other features a distance keeps
            its formula and loses its name's numbers: nothing published can be compared with it.
        features: (n, d) of photographs, any number of rows from 2 on.
        features_hat: (m, d) of generated images.
        seed: seed of KID's subsets; the others draw nothing.

    Raises:
        UnknownNameError: no such metric. DimensionError: not (n, d) and (m, d), fewer than 2 rows, or numbers
        that are not finite.
    """
    measure = lookup("realism metric", metric, METRICS)
    X, Y = np.asarray(features, dtype=np.float64), np.asarray(features_hat, dtype=np.float64)
    if X.ndim != 2 or Y.ndim != 2 or X.shape[1] != Y.shape[1]:
        raise DimensionError(f"features of shape {X.shape} and {Y.shape}", "(n, d) and (m, d)")
    if min(len(X), len(Y)) < 2:
        raise DimensionError(f"{len(X)} and {len(Y)} images", "at least 2 in either set")
    if not (np.isfinite(X).all() and np.isfinite(Y).all()):
        raise DimensionError("features that are not finite", "finite numbers")
    value, spread, warning = measure(X, Y, seed)
    return Realism(metric, value, spread, len(X), len(Y), warning)


def _fid(X: np.ndarray, Y: np.ndarray, seed: int) -> tuple[float, None, str]:
    """Fréchet distance of two Gaussians (Heusel et al., 2017).

    With centred and scaled features A and B the covariances are AᵀA and BᵀB, and the trace of the root of
    their product is the sum of the singular values of ABᵀ: exact also where few images leave the covariances
    singular, and quick there.
    """
    roots = [_root(X), _root(Y)]
    cross = np.linalg.norm(roots[0] @ roots[1].T, "nuc")
    distance = np.sum((X.mean(axis=0) - Y.mean(axis=0)) ** 2) + sum(np.sum(root**2) for root in roots) - 2 * cross
    fewest, dim = min(len(X), len(Y)), X.shape[1]
    warning = ""
    if fewest < FID_ENOUGH:
        warning = f"FID of {len(X)} and {len(Y)} images is too large, the more so the fewer they are; "
        if fewest <= dim:
            warning += f"so few cannot fill a covariance of {dim} dimensions; "
        warning += "compare it only with an FID of equally many images"
    return max(float(distance), 0.0), None, warning


def _root(X: np.ndarray) -> np.ndarray:
    """A with AᵀA the covariance of X, in no more rows than columns."""
    centred = (X - X.mean(axis=0)) / np.sqrt(len(X) - 1)
    return centred if len(X) <= X.shape[1] else np.linalg.qr(centred, mode="r")


def _kid(X: np.ndarray, Y: np.ndarray, seed: int) -> tuple[float, float, str]:
    """Unbiased squared MMD with the kernel (xᵀy/d + 1)³, the mean over subsets (Bińkowski et al., 2018)."""
    import torch
    from torchmetrics.image.kid import poly_mmd

    # Half of a set at most: subsets that were the whole set would be all the same and have no spread.
    size = max(2, min(KID_SUBSET, len(X) // 2, len(Y) // 2))
    rng = np.random.default_rng(seed)

    def subset(Z: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(Z[rng.choice(len(Z), size, replace=False)])

    values = [poly_mmd(subset(X), subset(Y)).item() for _ in range(KID_SUBSETS)]
    warning = ""
    if size < KID_SUBSET:
        warning = (
            f"KID of {len(X)} and {len(Y)} images is drawn in subsets of {size} instead of {KID_SUBSET}: "
            "unbiased but uncertain, and near zero also negative"
        )
    return float(np.mean(values)), float(np.std(values)), warning


def _cmmd(X: np.ndarray, Y: np.ndarray, seed: int) -> tuple[float, None, str]:
    """A thousand times the squared MMD of unit latents, Gaussian kernel (Jayasumana et al., 2024).

    Like its authors' code it keeps each image's kernel with itself, which makes it non-negative and too large
    by an amount that can be estimated from the same features.
    """
    X, Y = (Z / np.maximum(np.linalg.norm(Z, axis=1, keepdims=True), np.finfo(float).tiny) for Z in (X, Y))

    def kernel(A: np.ndarray, B: np.ndarray) -> np.ndarray:
        squares = (A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1) - 2 * A @ B.T
        return np.exp(-np.maximum(squares, 0) / (2 * CMMD_SIGMA**2))

    within, within_hat, across = kernel(X, X), kernel(Y, Y), kernel(X, Y)
    value = CMMD_SCALE * (within.mean() + within_hat.mean() - 2 * across.mean())
    bias = CMMD_SCALE * sum((1 - K.mean()) / (len(K) - 1) for K in (within, within_hat))
    warning = ""
    if bias > 0.01 * value:
        warning = f"CMMD of {len(X)} and {len(Y)} images is too large by about {bias:.2g}"
    return max(float(value), 0.0), None, warning


METRICS: dict[str, Callable[[np.ndarray, np.ndarray, int], tuple[float, float | None, str]]] = {
    "fid": _fid,
    "kid": _kid,
    "cmmd": _cmmd,
}
