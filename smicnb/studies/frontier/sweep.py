"""The rate–semantic-fidelity sweep of Fig. 13: every operating point, its upper convex hull, and what matters on it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

import smicnb.codec
from smicnb.base.cache import ArrayCache
from smicnb.base.files import sha256_array, sha256_file, sha256_sources
from smicnb.base.progress import progress_bar
from smicnb.base.work.shards import run_pieces
from smicnb.codec import rate
from smicnb.codec.coders import sparse
from smicnb.codec.coders.coefficients import Codes
from smicnb.codec.coders.dictionary import SemanticDictionary
from smicnb.codec.format import container, quantise
from smicnb.codec.format.codebook import RANGE
from smicnb.codec.rate import OperatingPoint
from smicnb.semantics.metrics.intervals import standard_error, upper_hull
from smicnb.studies.frontier import operating_points
from smicnb.studies.frontier.operating_points import Measured

SIZES = (100, 1000, 10000, 100000, math.inf)  # n of Fig. 13, as Sec. V-C and its caption name them
PARAMETERS = ("penalty", "n_atoms", "b_coef", "b_dict")  # in the order of importance that Sec. V-C claims
# Accounting -> the columns of what is paid once and of what each image costs; files of the last two have an index too.
ACCOUNTINGS = {
    "as printed": ("dictionary_bits", "printed_bits"),
    "corrected": ("dictionary_bits", "corrected_bits"),
    "tuple": ("tuple_side_bits", "tuple_bits"),
    "entropy": ("entropy_side_bits", "entropy_bits"),
}
# cosine_error: standard error of latent_cosine, by how scenes differ.
COLUMNS = (
    *("n_atoms", "b_dict", "b_coef", "penalty", "latent_cosine", "cosine_error", "p_nonzero", "p_empty"),
    *(
        "dictionary_bits",
        "printed_bits",
        "corrected_bits",
        "tuple_side_bits",
        "tuple_bits",
        "entropy_side_bits",
        "entropy_bits",
    ),
)
WHOLE = ("n_atoms", "b_dict", "b_coef", "images")


@dataclass(frozen=True)
class Grid:
    """The operating points of a sweep: every combination.

    Args:
        n_atoms, b_dict, b_coef: values of each.
        penalties: λ of Eq. 8.
        learning_penalty: λ of Eq. 7, the same for every dictionary.
        norm: the latents' norm.
        seed: seed of the dictionaries.
        encoder: encoder of the latents; a file's header holds the name.
    """

    n_atoms: Sequence[int]
    b_dict: Sequence[int]
    b_coef: Sequence[int]
    penalties: Sequence[float]
    learning_penalty: float
    norm: float
    seed: int
    encoder: str

    def __len__(self) -> int:
        return len(self.n_atoms) * len(self.b_dict) * len(self.b_coef) * len(self.penalties)


def learn(collection: np.ndarray, n_atoms: int, grid: Grid) -> np.ndarray:
    """Atoms (n_atoms, L) of the dictionary that all operating points of this size share."""
    model = SemanticDictionary(n_atoms, grid.learning_penalty, random_state=grid.seed)
    return model.fit(collection).atoms_


def shard(sets: Sequence[np.ndarray], scenes: Sequence[np.ndarray], grid: Grid, n_atoms: int) -> np.ndarray:
    """All points of one dictionary, learned on the first set: (sets of images, points, columns of `COLUMNS`)."""
    atoms = learn(sets[0], n_atoms, grid)
    return np.concatenate([_points(sets, scenes, grid, atoms, b_dict) for b_dict in grid.b_dict], axis=1)


def _points(
    sets: Sequence[np.ndarray], scenes: Sequence[np.ndarray], grid: Grid, atoms: np.ndarray, b_dict: int
) -> np.ndarray:
    decoder = quantise.unit_atoms(quantise.atom_levels(atoms, b_dict), b_dict) / quantise.ATOM_UNIT
    gram = decoder @ decoder.T
    correlations = [some @ decoder.T for some in sets]
    norms = [np.linalg.norm(some, axis=1) for some in sets]
    paths = [sparse.path_from_gram(gram, products, grid.penalties) for products in correlations]
    rows = []
    for place, penalty in enumerate(grid.penalties):
        codes = [
            Codes(np.ascontiguousarray(path[:, place]), *about, gram)
            for path, *about in zip(paths, correlations, norms, strict=True)
        ]
        measured = operating_points.measure(codes[0], codes[1:], grid.b_coef, grid.norm)
        for b_coef, each in zip(grid.b_coef, measured, strict=True):
            point = OperatingPoint(len(atoms), b_coef, b_dict, penalty)
            rows.append([_row(point, grid.encoder, atoms.shape[1], *one) for one in zip(each, scenes, strict=True)])
    return np.array(rows).transpose(1, 0, 2)


def _row(point: OperatingPoint, encoder: str, dim: int, measured: Measured, scenes: np.ndarray) -> list[float]:
    images, p_nonzero = len(measured.used), float(measured.used.mean()) / point.n_atoms
    packed = 8 * (container.header_bytes(encoder) + math.ceil(rate.dictionary_bits(point, dim) / 8))
    return [
        *(point.n_atoms, point.b_dict, point.b_coef, point.penalty),
        *(measured.cosines.mean(), standard_error(measured.cosines, scenes), p_nonzero, np.mean(measured.used == 0)),
        *(rate.dictionary_bits(point, dim), rate.image_bits_printed(point)),
        rate.image_bits_corrected(point, p_nonzero),
        *(packed + 8 * RANGE.size, measured.tuple_bits / images),
        *(packed + 8 * (RANGE.size + len(measured.models.to_bytes())), measured.entropy_bits / images),
    ]


def sweep(
    collection: np.ndarray,
    others: Mapping[str, np.ndarray],
    grid: Grid,
    scenes: Mapping[str, Sequence[str]] | None = None,
    name: str = "train",
    executor: Executor | None = None,
) -> pd.DataFrame:
    """Measure every point of a grid; what was measured before, by the same code on the same latents, is not again.

    Args:
        collection: latents (n, L) of norm `grid.norm`, on which dictionaries, ranges and models are fitted.
        others: name -> latents (m, L) that are coded with these.
        scenes: name -> scene of each image, for the collection too; each image its own where absent.
        name: what the collection's own rows are called.
        executor: runs one dictionary per task, the largest first; here and now where absent.

    Returns:
        One row per set of images and point: `split`, `images`, and `COLUMNS`: bits are per image, means over the
        set; side bits are header, dictionary, range and models, paid once.
    """
    cache, splits = ArrayCache("frontier"), {name: collection, **others}
    sets = list(splits.values())
    groups = [
        np.unique(scenes[split], return_inverse=True)[1] if scenes else np.arange(len(latents))
        for split, latents in splits.items()
    ]
    keys = {size: _key(sets, groups, grid, size) for size in grid.n_atoms}
    found = {size: cache.get(key) for size, key in keys.items()}
    missing = sorted((size for size in grid.n_atoms if found[size] is None), reverse=executor is not None)
    task = partial(shard, sets, groups, grid)
    with progress_bar(f"{len(grid)} operating points", sum(missing) or 1) as advance:
        for size, points in run_pieces(task, missing, executor):
            cache.put(keys[size], points)
            found[size] = points
            advance(size)
    tables = []
    for place, (split, latents) in enumerate(splits.items()):
        points = np.concatenate([found[size][place] for size in grid.n_atoms])
        tables.append(pd.DataFrame(points, columns=list(COLUMNS)).assign(split=split, images=len(latents)))
    table = pd.concat(tables, ignore_index=True)
    return table.astype(dict.fromkeys(WHOLE, int))[["split", "images", *COLUMNS]]


def code(*modules: str) -> dict[str, str]:
    """Name -> hash of all that a remembered measurement of files was made by: the codec's modules and those named."""
    own = {Path(name).name: sha256_file(Path(name)) for name in (*modules, operating_points.__file__)}
    return sha256_sources(Path(smicnb.codec.__file__).parent) | own


def _key(sets: Sequence[np.ndarray], scenes: Sequence[np.ndarray], grid: Grid, n_atoms: int) -> dict:
    return {
        "code": code(__file__),
        "latents": [sha256_array(latents) for latents in sets],
        "scenes": [sha256_array(groups) for groups in scenes],
        "n_atoms": n_atoms,
        **{part: list(getattr(grid, part)) for part in ("b_dict", "b_coef", "penalties")},
        **{part: getattr(grid, part) for part in ("learning_penalty", "norm", "seed", "encoder")},
    }


def bits_per_image(points: pd.DataFrame, n: float, accounting: str) -> np.ndarray:
    """Bits of one image of a collection of `n`, its share of what is paid once included, at each point."""
    once, each = ACCOUNTINGS[accounting]
    bits = points[each].to_numpy() + (0.0 if math.isinf(n) else points[once].to_numpy() / n)
    if accounting in container.CODINGS:
        bits = bits + (rate.INDEX_IMAGE if math.isinf(n) else 8 * container.index_bytes(math.ceil(n)) / n)
    return bits


def format_size(n: float) -> str:
    """A size of the collection as a title has it: "n = 10 000", "n = ∞"."""
    return "n = ∞" if math.isinf(n) else f"n = {n:,.0f}".replace(",", " ")


def hulls(table: pd.DataFrame, sizes: Iterable[float] = SIZES, name: str = "train") -> pd.DataFrame:
    """The hull of the collection, `name` in `sweep`'s table, for every size n and accounting, and what its settings
    come to on other images.

    Settings are chosen on the collection alone: on other images they need form no hull.

    Returns:
        The hull's points in every split with `n`, `accounting` and `bits` per image.
    """
    splits = {split: points.reset_index(drop=True) for split, points in table.groupby("split", sort=False)}
    parts, collection = [], splits[name]
    for accounting in ACCOUNTINGS:
        for n in sizes:
            rows = upper_hull(bits_per_image(collection, n, accounting), collection["latent_cosine"].to_numpy())
            for split, points in splits.items():
                bits = bits_per_image(points.iloc[rows], n, accounting)
                parts.append(points.iloc[rows].assign(n=n, accounting=accounting, bits=bits, split=split))
    first = ["split", "accounting", "n", "bits", "latent_cosine", *PARAMETERS]
    table = pd.concat(parts, ignore_index=True)
    return table[[*first, *(name for name in table.columns if name not in first)]]


def effects(table: pd.DataFrame, penalty: float) -> pd.DataFrame:
    """What single parameters do to fidelity: two slices through `sweep`'s points, told apart by `varied`.

    "penalty": all λ and n_a, with the most bits there are. "bits": all b_coef and b_dict, with the most atoms, at the
    λ of the grid that is nearest to `penalty`.

    Returns:
        Columns varied, split, PARAMETERS, latent_cosine, cosine_error.
    """
    most = {name: table[name].max() for name in ("b_dict", "b_coef", "n_atoms")}
    finest = (table["b_dict"] == most["b_dict"]) & (table["b_coef"] == most["b_coef"])
    values = table["penalty"].unique()
    at = (table["penalty"] == values[np.abs(values - penalty).argmin()]) & (table["n_atoms"] == most["n_atoms"])
    both = pd.concat([table[finest].assign(varied="penalty"), table[at].assign(varied="bits")], ignore_index=True)
    return both[["varied", "split", *PARAMETERS, "latent_cosine", "cosine_error"]]
