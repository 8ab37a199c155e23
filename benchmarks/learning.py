"""Learning a dictionary, and the whole rate–fidelity sweep, beside scikit-learn."""

import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

LEARNING_PENALTY = 0.5
BITS = (1, 2, 4, 8, 16)
SIZES = (2, 4, 8, 16, 32, 64, 128)
SWEPT = (0.04, 0.05, 0.063, 0.08, 0.1, 0.125, 0.16, 0.2, 0.25, 0.315, 0.4)
SWEPT += (0.5, 0.63, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0)
TIMED = SWEPT[::4]  # the λ at which the loop over scikit-learn is timed, all rows; the others are projected


def dictionary_learning(Z: np.ndarray, n_atoms: int, threads: int) -> dict:
    """Seconds until the objective of Eq. 7 is no worse than what MiniBatchDictionaryLearning ends with."""
    from sklearn.decomposition import MiniBatchDictionaryLearning

    from smicnb.codec.coders.dictionary import SemanticDictionary, mean_objective, sparse_codes

    start = time.perf_counter()
    peer = MiniBatchDictionaryLearning(
        n_atoms, alpha=LEARNING_PENALTY, fit_algorithm="cd", n_jobs=threads, random_state=0
    ).fit(Z)
    row = {"scikit-learn": time.perf_counter() - start}
    codes = sparse_codes(Z, peer.components_, LEARNING_PENALTY)
    row["objective of scikit-learn"] = mean_objective(Z, peer.components_, codes, LEARNING_PENALTY)
    row["objective"], rounds = np.inf, 0
    while row["objective"] > row["objective of scikit-learn"]:
        rounds += 1
        row |= _fitted(Z, SemanticDictionary(n_atoms, LEARNING_PENALTY, max_iter=rounds, random_state=0))
    to_the_end = _fitted(Z, SemanticDictionary(n_atoms, LEARNING_PENALTY, random_state=0))
    return row | {"rounds": rounds} | {f"{name} at the end": value for name, value in to_the_end.items()}


def _fitted(Z: np.ndarray, model) -> dict:
    start = time.perf_counter()
    model.fit(Z)
    return {"seconds": time.perf_counter() - start, "objective": model.objective_}


def whole_sweep(Z: np.ndarray, threads: int) -> dict:
    """Seconds and peak memory of Fig. 13's grid in a process of its own, and the projected loop over scikit-learn."""
    from sklearn.decomposition import sparse_encode

    from smicnb.codec.coders.dictionary import SemanticDictionary

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        points, seconds, peak = alone.submit(_swept, Z).result()
    loop = 0.0
    for size in SIZES:
        atoms = SemanticDictionary(size, LEARNING_PENALTY, max_iter=10, random_state=0).fit(Z[: 3 * size]).atoms_
        start = time.perf_counter()
        for penalty in TIMED:
            sparse_encode(Z, atoms, algorithm="lasso_cd", alpha=penalty, n_jobs=threads)
        loop += (time.perf_counter() - start) / len(TIMED) * len(SWEPT) * len(BITS) ** 2
    return {"points": points, "seconds": seconds, "peak bytes": peak, "projected seconds of scikit-learn": loop}


def _swept(Z: np.ndarray) -> tuple[int, float, int]:
    """(points, seconds, peak bytes) of one sweep without a cache: dictionaries learned, everything measured."""
    from smicnb.studies.frontier import sweep

    grid = sweep.Grid(SIZES, BITS, BITS, SWEPT, LEARNING_PENALTY, 20.0, 1, "bench")
    with tempfile.TemporaryDirectory() as empty:
        os.environ["XDG_CACHE_HOME"] = empty
        start = time.perf_counter()
        table = sweep.sweep(Z, {}, grid)
        seconds = time.perf_counter() - start
    return len(table), seconds, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
