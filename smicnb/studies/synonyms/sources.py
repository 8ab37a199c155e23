"""Discrete sources with synonyms: semantic entropy, semantic mutual information, partial semantic KL divergence.

All is exact and in bits. A synonymous mapping is a partition of the alphabet into synsets; a synset is as probable as
its members together, so that a semantic variable is a function of the syntactic one.

Source: Liang et al., Synonymous Variational Inference for Perceptual Image Compression, ICML 2025 ("the paper");
Niu and Zhang, A mathematical theory of semantic communication, Journal on Communications 45(6), 2024.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from smicnb.base.errors import DimensionError, SmicnbError

TOLERANCE = 1e-9  # of probabilities' sum


def entropy(p: np.ndarray) -> float:
    """Shannon entropy in bits of a distribution of any shape; 0 log 0 is 0."""
    from scipy.special import entr

    return max(0.0, float(entr(p).sum() / np.log(2)))


def relative_entropy(q: np.ndarray, p: np.ndarray) -> float:
    """Σ q log2(q/p) in bits, ∞ where q has what p lacks; the KL divergence if both are distributions."""
    from scipy.special import rel_entr

    return float(rel_entr(q, p).sum() / np.log(2))


def mutual_information(joint: np.ndarray) -> float:
    """I(A; B) in bits of a joint distribution (a, b)."""
    return entropy(joint.sum(axis=1)) + entropy(joint.sum(axis=0)) - entropy(joint)


def distributions(values: np.ndarray, shape: tuple[int, ...], what: str) -> np.ndarray:
    """The values as float64 if they have this shape and each last axis is a distribution.

    Raises:
        DimensionError: another shape.
        SmicnbError: a negative value, or a sum that is not 1.
    """
    values = np.asarray(values, np.float64)
    if values.shape != shape:
        raise DimensionError(f"found {what} of shape {values.shape}", f"{shape}")
    if not (values >= 0).all() or np.abs(values.sum(axis=-1) - 1).max() > TOLERANCE:
        raise SmicnbError(f"found {what} that are no probabilities", "values of at least 0 whose sum is 1")
    return values


@dataclass(frozen=True)
class Source:
    """A source and its synonymous mapping.

    Args:
        probabilities: (n,) of the symbols.
        synsets: (n,) number of each symbol's synset, 0 to N − 1, each with a member.

    Raises:
        DimensionError: two lengths.
        SmicnbError: no probabilities, or a synset without members.
    """

    probabilities: np.ndarray
    synsets: np.ndarray

    def __post_init__(self):
        synsets, size = np.asarray(self.synsets), np.size(self.probabilities)
        object.__setattr__(self, "probabilities", distributions(self.probabilities, (size,), "symbols"))
        if synsets.shape != (size,):
            raise DimensionError(f"found synsets of shape {synsets.shape}", f"one for each of {size} symbols")
        if not np.array_equal(np.unique(synsets), np.arange(synsets.max() + 1)):
            raise SmicnbError("found synsets without members", "the numbers 0 to N − 1, each at least once")
        object.__setattr__(self, "synsets", synsets.astype(np.int64))

    @property
    def members(self) -> np.ndarray:
        """(n, N) whether a symbol belongs to a synset, as 0 and 1."""
        return np.eye(self.synsets.max() + 1)[self.synsets]

    @property
    def synset_probabilities(self) -> np.ndarray:
        """(N,) sum of the members' probabilities."""
        return self.probabilities @ self.members

    @property
    def conditionals(self) -> np.ndarray:
        """(N, n) distribution of the symbols of each synset; uniform in a synset of probability 0."""
        weights = self.members.T * self.probabilities
        weights = np.where(self.synset_probabilities[:, None] > 0, weights, self.members.T)
        return weights / weights.sum(axis=1, keepdims=True)

    @property
    def entropy(self) -> float:
        """H(U) in bits."""
        return entropy(self.probabilities)

    @property
    def semantic_entropy(self) -> float:
        """H_s in bits: entropy of the synset, and the rate of an ideal semantically lossless code (Eq. 5, 40).

        H(U) − H_s is the entropy of the symbol given its synset, so that H_s ≤ H(U), with equality if no synset has
        two members of positive probability.
        """
        return entropy(self.synset_probabilities)

    def merge(self, synsets: Sequence[int] | np.ndarray) -> Self:
        """The source's symbols under another mapping (n,)."""
        return type(self)(self.probabilities, np.asarray(synsets))


def partial_semantic_kl(q: np.ndarray, source: Source) -> float:
    """D_KL,s[q‖p_s] = Σ q(u) log2(q(u) / p(synset of u)) in bits (Eq. 6), for a distribution q (n,) over the source's
    symbols.

    It is D_KL[q‖p] minus the q-mean of −log2 p(u | synset), so at most the KL divergence (footnote 2 of the paper).
    It is also D_KL[q_s‖p_s], of the synsets alone, minus the entropy that q has inside synsets: below zero when that
    is larger. What stands below the fraction is no distribution over symbols; its sum is Σ |synset| p(synset) ≥ 1.
    """
    q = distributions(q, source.probabilities.shape, "symbols")
    return relative_entropy(q, source.synset_probabilities[source.synsets])


def tilt(source: Source, t: float) -> np.ndarray:
    """q_t (n,) ∝ p(u) / p(u | synset)^t: p itself at 0, the least D_KL,s at 1; probabilities above 0 are needed."""
    within = source.conditionals[source.synsets, np.arange(len(source.synsets))]
    q = source.probabilities * within**-t
    return q / q.sum()


def down_semantic_information(joint: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """I_s = H_s(U) + H_s(V) − H(U, V) in bits (Eq. 42); often below zero.

    Args:
        joint: (n, k) distribution of U and V.
        first: (n, N) members of U's synsets, as `Source.members`.
        second: (k, K) of V's.
    """
    return entropy(joint.sum(axis=1) @ first) + entropy(joint.sum(axis=0) @ second) - entropy(joint)


@dataclass(frozen=True)
class Codec:
    """A toy codec: x is coded as y_s, from which the decoder draws x̂ over the same alphabet.

    Args:
        source: a source of n symbols.
        encoder: (n, m) q(y_s | x).
        decoder: (m, n) p(x̂ | y_s); sampled details make it stochastic.
        prior: (m,) what the entropy coder takes for the distribution of y_s; None for the true one.
        synsets: (n,) reconstructed synset of each x̂; None for the ideal ones, the source's.
    """

    source: Source
    encoder: np.ndarray
    decoder: np.ndarray
    prior: np.ndarray | None = None
    synsets: np.ndarray | None = None

    def __post_init__(self):
        n, m = len(self.source.synsets), len(self.decoder)
        object.__setattr__(self, "encoder", distributions(self.encoder, (n, m), "rows of the encoder"))
        object.__setattr__(self, "decoder", distributions(self.decoder, (m, n), "rows of the decoder"))
        prior = self.latents if self.prior is None else self.prior
        object.__setattr__(self, "prior", distributions(prior, (m,), "latents"))
        object.__setattr__(self, "synsets", self.source.synsets if self.synsets is None else self.synsets)

    @classmethod
    def ideal(cls, source: Source) -> Self:
        """Codes the synset and draws one of its members as the source would."""
        return cls(source, source.members, source.conditionals)

    @property
    def latents(self) -> np.ndarray:
        """(m,) true distribution of y_s."""
        return self.source.probabilities @ self.encoder

    @property
    def rate(self) -> float:
        """E[−log2 p(y_s)] in bits under the prior: H of y_s and what a wrong prior adds."""
        return entropy(self.latents) + relative_entropy(self.latents, self.prior)

    @property
    def joint(self) -> np.ndarray:
        """(n, n) distribution of x and x̂."""
        return self.source.probabilities[:, None] * (self.encoder @ self.decoder)

    @property
    def reconstructed(self) -> Source:
        """x̂ as a source, under the reconstructed synsets."""
        return Source(self.latents @ self.decoder, self.synsets)


WORDS = ("big", "large", "great", "small", "little", "quick", "fast", "red")
EIGHT = Source(np.array([30, 10, 5, 20, 10, 12, 8, 5]) / 100, np.array([0, 0, 0, 1, 1, 2, 2, 3]))  # of WORDS
SIDE = 8  # of the grid
BLOCKS = ((1, 1), (1, 2), (2, 2), (2, 4), (4, 4), (4, 8), (8, 8))  # rows and columns of a synset, level by level
CENTRE, WIDTH = (2.5, 4.0), 2.2  # of the bell over the grid, in cells


def grid(block: tuple[int, int] = (1, 1)) -> Source:
    """8×8 cells under a bell, row by row, with blocks of cells as synsets: the levels of a progressive code.

    The blocks of `BLOCKS` are nested, so that each level refines the next and H_s falls from H to 0. Coding level by
    level costs no more than coding the finest at once: what a level adds is its entropy given the coarser one.
    """
    if block not in BLOCKS:
        raise SmicnbError(f"found blocks of {block[0]}×{block[1]} cells", f"one of {BLOCKS}")
    rows, columns = np.mgrid[:SIDE, :SIDE]
    bell = np.exp(-((rows - CENTRE[0]) ** 2 + (columns - CENTRE[1]) ** 2) / (2 * WIDTH**2))
    synsets = rows // block[0] * (SIDE // block[1]) + columns // block[1]
    return Source((bell / bell.sum()).ravel(), synsets.ravel())


def squared_distance() -> np.ndarray:
    """(64, 64) squared distance of the grid's cells, in squared cells."""
    places = np.stack(np.mgrid[:SIDE, :SIDE], axis=-1).reshape(-1, 2)
    return np.square(places[:, None] - places).sum(axis=-1).astype(np.float64)
