"""Additive quantisers of latents: a latent is a sum of codewords of full width; trained and searched by faiss."""

from typing import ClassVar

import numpy as np

from smicnb.compare.latents.quantisers.vector import Codebooks, the_faiss

BEAM = 16  # paths that the search of a residual quantiser keeps
FEW, REGULARISED = 2, 1.0  # latents for a codeword below which local search is regularised, and how much


class _Additive(Codebooks):
    """Sums of `count` codewords of full width."""

    def _width(self, dim: int) -> int:
        return dim

    def _sums(self, symbols: np.ndarray) -> np.ndarray:
        return sum(book[symbols[:, place]] for place, book in enumerate(self._midpoints))

    def _train(self, Z: np.ndarray) -> np.ndarray:
        trained = self._of_faiss(Z)
        trained.train(Z)
        return the_faiss().vector_to_array(trained.codebooks).reshape(self.count, 1 << self.bits, -1)

    def _of_faiss(self, Z: np.ndarray):
        """An untrained quantiser of faiss for latents Z (n, L)."""
        raise NotImplementedError

    def _searching(self, Z: np.ndarray):
        """The quantiser of faiss that searches in the codebooks that are sent."""
        search = self._of_faiss(Z)
        books = (self._midpoints * self._unit).astype(np.float32)
        the_faiss().copy_array_to_vector(books.ravel(), search.codebooks)
        search.is_trained = True
        return search

    def _unpacked(self, packed: np.ndarray) -> np.ndarray:
        return the_faiss().unpack_bitstrings(packed, self.count, self.bits).astype(np.int32)


class ResidualQuantiser(_Additive):
    """Sums of `count` codewords, each from a codebook for what those before it leave; found by a beam search.

    Args:
        name: name of the curve.
        count: codebooks.
        bits: bits of an index, 1 to 12.
        codebook_bits: bits of a number in a codebook, 1 to 16.
        seed, drawn: seed of k-means; as of `Codebooks`.

    Source: Chen, Guan and Wang, Approximate nearest neighbor search by residual vector quantization, 2010; Liu, Lu and
    Qu, Improved residual vector quantization, 2015 (the search).
    """

    kind: ClassVar[int] = 4
    training_beam: ClassVar[int] = BEAM  # paths that training keeps at most

    def _of_faiss(self, Z: np.ndarray):
        faiss = the_faiss()
        quantiser = faiss.ResidualQuantizer(Z.shape[1], self.count, self.bits)
        quantiser.cp.seed, quantiser.cp.min_points_per_centroid = self.seed, 1
        # With a beam wider than its first codebook faiss returns a path, not the best one.
        quantiser.max_beam_size = min(self.training_beam, 1 << self.bits)
        quantiser.train_type = faiss.ResidualQuantizer.Train_default  # the other needs more latents than dimensions
        return quantiser

    def quantise(self, Z: np.ndarray) -> np.ndarray:
        """Indices (n, count) int32 of latents (n, L) of norm `NORM`, searched in the codebooks that are sent."""
        search = self._searching(Z)
        search.max_beam_size = min(BEAM, 1 << self.bits)
        return self._unpacked(search.compute_codes(np.ascontiguousarray(Z, np.float32)))


class NarrowResidualQuantiser(ResidualQuantiser):
    """A residual quantiser whose training keeps few paths: more of them make codebooks of few codewords worse."""

    training_beam: ClassVar[int] = 4


class LocalSearchQuantiser(_Additive):
    """Sums of `count` codewords, chosen together and improved one by one (LSQ).

    The search draws numbers along a batch, so that a latent would have another code alone than among others: here each
    is a batch by itself.

    Args:
        name, count, bits, codebook_bits: arguments of `ResidualQuantiser`.
        seed: seed of training and search.

    Source: Martinez, Clement, Hoos and Little, Revisiting additive quantization, 2016; Martinez, Zakhmi, Hoos and
    Little, LSQ++: lower running time and higher recall in multi-codebook quantization, 2018 (as faiss has it).
    """

    kind: ClassVar[int] = 6

    def _of_faiss(self, Z: np.ndarray):
        quantiser = the_faiss().LocalSearchQuantizer(Z.shape[1], self.count, self.bits)
        quantiser.random_seed, quantiser.nperts = self.seed, min(quantiser.nperts, self.count)
        if len(Z) < FEW * (self.count << self.bits):  # as many unknowns as latents: least squares would learn them all
            quantiser.lambd = REGULARISED
        return quantiser

    def quantise(self, Z: np.ndarray) -> np.ndarray:
        """Indices (n, count) int32 of latents (n, L) of norm `NORM`, searched in the codebooks that are sent."""
        search, Z = self._searching(Z), np.ascontiguousarray(Z, np.float32)
        return self._unpacked(np.concatenate([search.compute_codes(Z[i : i + 1]) for i in range(len(Z))]))
