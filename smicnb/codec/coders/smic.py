"""SMIC as a codec: a dictionary learned on a collection, and every image a few quantised coefficients in it.

Source: Bachard and Maugey, Semantic Multi-Item Compression, Sec. V-A and V-B. Two things differ from the text and
are said in docs/format.md: coefficients are found for the atoms that the decoder has, the quantised ones at unit
norm; and what the text leaves open (ranges, how many tuples follow, padding) is in the file and counted.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from smicnb.base.errors import DimensionError, SmicnbError
from smicnb.base.names import lookup
from smicnb.codec.coders import coefficients
from smicnb.codec.coders.coefficients import Codes
from smicnb.codec.coders.dictionary import SemanticDictionary
from smicnb.codec.coders.sparse import lasso_path
from smicnb.codec.format import container, details, priors, quantise, reader
from smicnb.codec.format.codebook import Codebook
from smicnb.codec.format.container import Block, Header
from smicnb.codec.format.payload import CODINGS, EntropyModels
from smicnb.codec.format.quantise import CoefficientQuantiser
from smicnb.codec.format.trellis.codebook import TrellisCodebook

UNNAMED = "0" * 64  # weights hash of an encoder that nobody named
AT_ONCE = 16  # blocks that are coded at a time
Size = tuple[int, int]


class Files:
    """What a codec with a `codebook_` and `levels` does with files."""

    def blocks(self, Z, names: Sequence[str] | None = None, sizes: Sequence[Size] | None = None) -> list[Block]:
        """Latents Z (n, L) as coded blocks; names and sizes (width, height) of the images go with them."""
        return list(self.stream(Z, names, sizes))

    def stream(self, Z, names: Sequence[str] | None = None, sizes: Sequence[Size] | None = None) -> Iterator[Block]:
        """The blocks as they are coded, `AT_ONCE` at a time: what is mapped from a file is not held in memory."""
        check_is_fitted(self)
        _check_counts(len(Z), names, sizes)
        for rows in parts(self.codebook_.header, len(Z)):
            about = (None if given is None else given[rows] for given in (names, sizes))
            yield from blocks_of(self.codebook_, self.levels(Z[rows]), *about)

    def encode(self, Z, names: Sequence[str] | None = None, sizes: Sequence[Size] | None = None) -> bytes:
        """The .smic file of latents Z (n, L) of any norm, as bytes."""
        return container.dump(*self.sections, self.stream(Z, names, sizes))

    def decode(self, source: Path | str | bytes | BinaryIO) -> np.ndarray:
        """Latents (n, L) float32 of a .smic file, of the norm that it names; any codec reads any file."""
        return reader.decode(source)

    def reconstruct(self, Z) -> np.ndarray:
        """What `decode` will return for latents Z (n, L), bit for bit, without bytes in between."""
        return self.codebook_.reconstruct(self.levels(Z))

    @property
    def sections(self) -> tuple[Header, bytes, bytes]:
        """Header, dictionary and tables of the file."""
        check_is_fitted(self)
        return self.codebook_.header, self.codebook_.dictionary, self.codebook_.tables


class SMICCodec(Files, BaseEstimator):
    """Latents to the bytes of a .smic file and back.

    Args:
        n_atoms: n_a, 1 to 4096; with "words" as many as there are words.
        penalty: λ of Eq. 7 and 8, positive, on latents of norm `norm`.
        b_dict: bits of one dimension of an atom, 1 to 16.
        b_coef: bits of one coefficient, 1 to 16.
        coding: "entropy", or "tuple": the paper's fixed-length (index, value); or "words": as "entropy", but atoms are
            the embeddings of a word list that both sides have (`priors`), so that none are sent and all have names.
        norm: L2 norm that latents are given before they are coded, and again after decoding (the paper: 20).
        encoder, weights_hash: the latents' encoder, kept in the file: a name, and 64 hexadecimal digits.
        random_state: the dictionary's seed, in scikit-learn's sense.
        refit: whether range and levels are searched for the cosine that they leave (`coefficients`); else the range
            is the one that errs least on the coefficients of Eq. 8, and these are rounded.

    Attributes:
        codebook_: what encoder and decoder share.
        n_features_in_: L.
    """

    def __init__(
        self,
        n_atoms=128,
        penalty=0.2,
        b_dict=4,
        b_coef=4,
        coding="entropy",
        norm=20.0,
        encoder="unnamed",
        weights_hash=UNNAMED,
        random_state=0,
        refit=False,
    ):
        self.n_atoms = n_atoms
        self.penalty = penalty
        self.b_dict = b_dict
        self.b_coef = b_coef
        self.coding = coding
        self.norm = norm
        self.encoder = encoder
        self.weights_hash = weights_hash
        self.random_state = random_state
        self.refit = refit

    def fit(self, Z, y=None, atoms=None) -> Self:
        """Learn dictionary, range of the coefficients and entropy models from latents Z (n, L) of any norm.

        Args:
            atoms: (n_atoms, L) that were learned already, of unit norm.

        Raises:
            ValueError: a parameter out of its range, or Z with missing or infinite values.
            UnknownNameError: a `coding` that does not exist.
        """
        lookup("coding", self.coding, dict.fromkeys((*CODINGS, "words")))
        Z = normalise(validate_data(self, Z, dtype=np.float64), self.norm)
        atom_levels = self._words(Z.shape[1]) if self.coding == "words" else None
        header = Header(
            encoder=self.encoder,
            weights_hash=self.weights_hash,
            dim=Z.shape[1],
            norm=self.norm,
            n_atoms=self.n_atoms if atom_levels is None else len(atom_levels),
            penalty=self.penalty,
            b_dict=self.b_dict if atom_levels is None else priors.BITS,
            b_coef=self.b_coef,
            coding=self.coding,
        )
        if atom_levels is None:
            if atoms is None:
                atoms = SemanticDictionary(self.n_atoms, self.penalty, random_state=self.random_state).fit(Z).atoms_
            atom_levels = quantise.atom_levels(atoms, self.b_dict)
        self.codebook_ = fit_codebook(header, atom_levels, Z, self.refit)
        return self

    def _words(self, dim: int) -> np.ndarray:
        prior = priors.find_by_weights(self.weights_hash)
        if prior is None or prior.dim != dim:
            known = ", ".join(each.name for each in priors.list_priors())
            raise SmicnbError(f"found no words for '{self.encoder}' of {dim} dimensions", f"an encoder such as {known}")
        return prior.word_levels

    @classmethod
    def from_codebook(cls, codebook: Codebook, refit: bool = False) -> "SMICCodec":
        """A fitted codec around a codebook: its dictionary, range and models are kept; a file does not say `refit`."""
        codec = cls(**{name: getattr(codebook.header, name) for name in _SHARED}, refit=refit)
        codec.codebook_, codec.n_features_in_ = codebook, codebook.header.dim
        return codec

    def levels(self, Z):
        """Levels (n, n_atoms) int32 of latents Z (n, L) of any norm: Eq. 8 in the decoder's atoms, then quantised.

        With `refit` a level is not the nearest, but the one that serves the latent best (`coefficients`).
        """
        check_is_fitted(self)
        Z = normalise(validate_data(self, Z, dtype=np.float64, reset=False), self.norm)
        if self.refit:
            codes = Codes.from_latents(Z, self.codebook_.atoms, self.penalty)
            return codes.levels(self.codebook_.quantiser, self.norm)[0]
        return self.codebook_.quantise(lasso_path(Z, self.codebook_.atoms, [self.penalty])[:, 0])


def learn_atoms(Z: np.ndarray, n_atoms: int, penalty: float, seed: int, norm: float = 20.0) -> np.ndarray:
    """The atoms (n_atoms, L) that `SMICCodec.fit` would learn from latents Z (n, L), to be shared by several codecs."""
    latents = normalise(np.asarray(Z, np.float64), norm)
    return SemanticDictionary(n_atoms, penalty, random_state=seed).fit(latents).atoms_


def normalise(Z: np.ndarray, norm: float) -> np.ndarray:
    """Latents (n, L) at this norm; zero latents stay zero."""
    norms = np.linalg.norm(Z, axis=1, keepdims=True)
    return Z * (norm / np.where(norms == 0, 1, norms))


def blocks_of(
    codebook: "Codebook | TrellisCodebook",
    levels: np.ndarray,
    names: Sequence[str] | None,
    sizes: Sequence[Size] | None,
) -> list[Block]:
    """Levels (n, n_atoms) as coded blocks of a file, with names and sizes of their images."""
    _check_counts(len(levels), names, sizes)
    blocks, most = [], container.most_images(codebook.header)
    for start in range(0, len(levels), most):
        rows = slice(start, start + most)
        about = details.pack(names and list(names[rows]), sizes and list(sizes[rows]))
        blocks.append(Block(len(levels[rows]), codebook.encode_payload(levels[rows]), about))
    return blocks


def parts(header: Header, count: int) -> Iterator[slice]:
    """The rows of `count` latents that are coded at a time: whole blocks of a file of this header, but for the last.

    Of none there is one part, so that whoever codes it can say that there have to be some.
    """
    step = AT_ONCE * container.most_images(header)
    return (slice(start, start + step) for start in range(0, max(1, count), step))


def _check_counts(count: int, names: Sequence[str] | None, sizes: Sequence[Size] | None) -> None:
    for what, given in (("names", names), ("sizes", sizes)):
        if given is not None and len(given) != count:
            raise DimensionError(f"found {len(given)} {what} for {count} latents", "one for each")


_SHARED = ("n_atoms", "penalty", "b_dict", "b_coef", "coding", "norm", "encoder", "weights_hash")


def fit_codebook(header: Header, atom_levels: np.ndarray, latents: np.ndarray, refit: bool = False) -> Codebook:
    """The codebook of quantised atoms (n_atoms, L): range and models fitted to latents (n, L) of the header's norm.

    With `refit` both are those of searched levels.
    """
    atoms = quantise.unit_atoms(atom_levels, header.b_dict) / quantise.ATOM_UNIT
    if refit:
        searched = Codes.from_latents(latents, atoms, header.penalty)
        quantiser = coefficients.fit_range(searched, header.b_coef, header.norm)
    else:
        codes = lasso_path(latents, atoms, [header.penalty])[:, 0]
        quantiser = CoefficientQuantiser.fit_codes(codes, header.b_coef, header.norm)
    codebook = Codebook(header, atom_levels, quantiser, None)
    if header.coding == "tuple":
        return codebook
    levels = searched.levels(quantiser, header.norm)[0] if refit else codebook.quantise(codes)
    return Codebook(header, atom_levels, quantiser, EntropyModels.fit(levels, header.b_coef))
