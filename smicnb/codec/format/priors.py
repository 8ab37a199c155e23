"""What encoder and decoder know of an encoder's latents beforehand: it costs no bits, so it is listed.

A prior is a file of the package and belongs to the weights that it was made from. It has seen no collection that a
coder is measured on: axes and scales come from the encoder's own classifier, words from the project's word list.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np

from smicnb.base.errors import IntegrityError
from smicnb.codec.format import quantise

FOLDER = Path(__file__).with_name("data")
FILES = ("lite0_minilm.safetensors",)
BITS = 8  # of a dimension of an axis or a word
NORM = 20.0  # of the latents that scales are of
PER_OCTAVE = 8  # scales for a doubling of the standard deviation
MANTISSAS = np.array([65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194])  # 2^16 · 2^(i/8)
MOST_SCALE = 144  # twice the norm: a level of 8 times that is at `quantise.LIMIT`


def deviation(scales: np.ndarray) -> np.ndarray:
    """Standard deviations, whole numbers in units of norm/2^17, of scales 0 to `MOST_SCALE`: 2^(scale/8) about."""
    scales = np.asarray(scales, np.int64)
    return (MANTISSAS[scales % PER_OCTAVE] << (scales // PER_OCTAVE)) >> 16


def scale_of(deviations: np.ndarray, norm: float = NORM) -> np.ndarray:
    """The nearest scale of standard deviations in the unit of latents of this norm."""
    fixed = np.maximum(1.0, np.asarray(deviations) * (quantise.COEFFICIENT_UNIT / norm))
    return np.clip(np.rint(PER_OCTAVE * np.log2(fixed)), 0, MOST_SCALE).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Prior:
    """What is known of the latents of one encoder.

    Args:
        name: the encoder's name.
        weights_hash: hash of the encoder's weights.
        axis_levels: (K, L) uint8, levels of orthonormal axes, by falling scale.
        scales: (K,) uint8 of the latents' coefficients on them, at any norm.
        word_levels: (W, L) uint8, levels of the words' embeddings.
        words: names of the words.
        what: what it was made from.
        identity: the first 8 bytes of its file's SHA-256, which stand in the files that use it.
        size: bytes of its file.
    """

    name: str
    weights_hash: str
    axis_levels: np.ndarray
    scales: np.ndarray
    word_levels: np.ndarray
    words: tuple[str, ...]
    what: str
    identity: bytes
    size: int

    @property
    def dim(self) -> int:
        """L."""
        return self.axis_levels.shape[1]

    @cached_property
    def axes(self) -> np.ndarray:
        """(K, L) float64, whole numbers: unit norm in units of 1/`quantise.ATOM_UNIT`."""
        return quantise.unit_atoms(self.axis_levels, BITS)

    @cached_property
    def covariance(self) -> np.ndarray:
        """(L, L) of latents of norm `NORM`, their mean included."""
        rows = self.axes / quantise.ATOM_UNIT
        variances = np.square(deviation(self.scales) * (NORM / quantise.COEFFICIENT_UNIT))
        return rows.T @ (variances[:, None] * rows)


@cache
def _read(file: str) -> Prior:
    from safetensors.numpy import load

    data = (FOLDER / file).read_bytes()
    tensors = load(data)
    about = _metadata(data)
    return Prior(
        about["encoder"], about["weights"], tensors["axes"], tensors["scales"], tensors["words"],
        tuple(about["words"].split("\n")), about["what"], sha256(data).digest()[:8], len(data),
    )  # fmt: skip


def _metadata(data: bytes) -> dict[str, str]:
    import json

    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]


def list_priors() -> tuple[Prior, ...]:
    """All priors of the package."""
    return tuple(_read(file) for file in FILES)


def find_by_weights(weights_hash: str) -> Prior | None:
    """The prior of an encoder's weights, None where there is none."""
    return next((prior for prior in list_priors() if prior.weights_hash == weights_hash), None)


def find_by_identity(identity: bytes, weights_hash: str | None = None) -> Prior:
    """The prior that a file names; raises IntegrityError where there is none such, or latents are of other weights."""
    for prior in list_priors():
        if prior.identity == identity:
            if weights_hash is not None:
                check_weights(prior, weights_hash)
            return prior
    raise IntegrityError(
        f"found a file that was coded with the prior {identity.hex()}",
        " or ".join(prior.identity.hex() for prior in list_priors()) + ", which this version has",
        "use the version of smicnb that wrote it",
    )


def check_weights(prior: Prior, weights_hash: str) -> None:
    """Raise IntegrityError where latents are of other weights than the prior."""
    if prior.weights_hash != weights_hash:
        raise IntegrityError(
            f"found latents of the weights {weights_hash[:12]}… with the prior '{prior.name}'",
            f"its own weights {prior.weights_hash[:12]}…",
        )
