"""The codebook of every operating point of a sweep, fitted once and kept: coding a further image then takes no fit."""

from collections.abc import Mapping
from functools import lru_cache, partial

import numpy as np

from smicnb.base.cache import ArrayCache
from smicnb.base.files import sha256_array
from smicnb.base.progress import progress
from smicnb.codec.coders import sparse
from smicnb.codec.coders.coefficients import Codes
from smicnb.codec.format import quantise
from smicnb.codec.format.codebook import Codebook
from smicnb.codec.format.container import Header
from smicnb.codec.format.payload import MODELLED, EntropyModels
from smicnb.codec.format.quantise import CoefficientQuantiser
from smicnb.codec.rate import OperatingPoint
from smicnb.semantics.encoders.encoders import SemanticEncoder
from smicnb.studies.frontier import operating_points, sweep
from smicnb.studies.frontier.sweep import Grid, learn

VALUES = 1 << MODELLED  # entries of the longest table of values


class Codebooks:
    """Dictionaries and tables of a whole grid: `atoms`, n_a -> (n_a, L) as learned, and `tables`, n_a -> (b_dict, λ,
    b_coef, numbers) int32, in the grid's order (see `_table`).
    """

    def __init__(
        self, grid: Grid, encoder: SemanticEncoder, atoms: Mapping[int, np.ndarray], tables: Mapping[int, np.ndarray]
    ):
        self.grid, self.encoder, self.atoms, self.tables = grid, encoder, atoms, tables
        self.find = lru_cache(maxsize=64)(self._codebook)

    def _codebook(self, point: OperatingPoint) -> Codebook:
        """The entropy-coded file's codebook of a point of the grid: what `fit_codebook` refits to the collection."""
        grid, n_atoms = self.grid, point.n_atoms
        place = grid.b_dict.index(point.b_dict), grid.penalties.index(point.penalty), grid.b_coef.index(point.b_coef)
        row = self.tables[n_atoms][place]
        parts = np.split(row[2:].astype(np.uint8), np.cumsum([n_atoms + 1, n_atoms]))
        models = EntropyModels(parts[0], parts[1], parts[2][: 1 << min(point.b_coef, MODELLED)])
        header = Header(
            encoder=self.encoder.name,
            weights_hash=self.encoder.weights_hash,
            dim=self.atoms[n_atoms].shape[1],
            norm=grid.norm,
            n_atoms=n_atoms,
            penalty=point.penalty,
            b_dict=point.b_dict,
            b_coef=point.b_coef,
            coding="entropy",
        )
        levels = quantise.atom_levels(self.atoms[n_atoms], point.b_dict)
        return Codebook(header, levels, CoefficientQuantiser(point.b_coef, int(row[0]), int(row[1])), models)


def codebooks(collection: np.ndarray, grid: Grid, encoder: SemanticEncoder) -> Codebooks:
    """Codebooks for all points of a grid, fitted to latents (n, L) of norm `grid.norm`; what was fitted before, by the
    same code to the same latents, is read.
    """
    dictionaries, fitted = ArrayCache("dictionaries"), ArrayCache("codebooks")
    atoms, tables = {}, {}
    for size in progress(grid.n_atoms, "dictionaries and tables"):
        key = _key(collection, grid, size)
        atoms[size] = dictionaries.get_or_make(key, partial(learn, collection, size, grid))
        tables[size] = fitted.get_or_make(key, partial(fit_tables, collection, grid, atoms[size]))
    return Codebooks(grid, encoder, atoms, tables)


def fit_tables(collection: np.ndarray, grid: Grid, atoms: np.ndarray) -> np.ndarray:
    """Ranges and frequencies of all points with these atoms, (b_dict, penalties, b_coef, numbers) int32."""
    norms, tables = np.linalg.norm(collection, axis=1), []
    for b_dict in grid.b_dict:
        decoder = quantise.unit_atoms(quantise.atom_levels(atoms, b_dict), b_dict) / quantise.ATOM_UNIT
        gram, correlations = decoder @ decoder.T, collection @ decoder.T
        path = sparse.path_from_gram(gram, correlations, grid.penalties)
        for place in range(len(grid.penalties)):
            codes = Codes(np.ascontiguousarray(path[:, place]), correlations, norms, gram)
            measured = operating_points.measure(codes, (), grid.b_coef, grid.norm)
            tables += [_table(each.quantiser, each.models) for (each,) in measured]
    return np.array(tables, np.int32).reshape(len(grid.b_dict), len(grid.penalties), len(grid.b_coef), -1)


def _table(quantiser: CoefficientQuantiser, models: EntropyModels) -> np.ndarray:
    """Range, then frequencies of counts, atoms and values, the last filled up with zeros."""
    values = np.pad(models.values, (0, VALUES - len(models.values)))
    return np.concatenate([[quantiser.low, quantiser.high], models.counts, models.weights, values])


def _key(collection: np.ndarray, grid: Grid, n_atoms: int) -> dict:
    return {
        "code": sweep.code(__file__, sweep.__file__),
        "latents": sha256_array(collection),
        "n_atoms": n_atoms,
        **{part: list(getattr(grid, part)) for part in ("b_dict", "b_coef", "penalties")},
        **{part: getattr(grid, part) for part in ("learning_penalty", "norm", "seed")},
    }
