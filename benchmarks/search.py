"""Search in a .smic file beside a product with all latents, and beside Faiss; one thread, compiled code warm, CPU time.

The file is of 2550 latents at a mean cosine of 0.9 on the prior's axes, whose blocks are repeated forty times; peers
have the decoded latents. A cold search is a whole command, beside one that only imports and loads the encoder.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from timing import fastest

COSINE, DISTINCT, TIMES, TOP = 0.9, 2550, 40, 20
CALLS = 9  # of everything short; the fastest counts
COLD = 1000  # photographs of the file that is searched cold
WORDS = "a red barn by a lake"
LOAD = (
    "from smicnb.codec.photographs import encoder_of; from smicnb.semantics.encoders.encoders import encoder; "
    f"encoder('lite0-minilm').encode_text(['{WORDS}'])"
)


def cpu(function: Callable[[], object], calls: int = CALLS) -> tuple[float, object]:
    """`fastest` by the time of this process."""
    return fastest(function, calls, time.process_time)


def of_command(*words: str) -> float:
    """Seconds of a Python command, of all its threads."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def write(Z: np.ndarray, folder: Path) -> tuple[Path, Path]:
    """A large file, and one of `COLD` latents, both of the fewest bits that reach the cosine."""
    from smicnb.codec.coders.axes import AxesCodec
    from smicnb.codec.format import container, priors

    (prior,) = priors.list_priors()
    Z = Z[:DISTINCT]
    for fidelity in range(110, 60, -1):
        codec = AxesCodec("prior", fidelity, prior=prior, encoder=prior.name, weights_hash=prior.weights_hash).fit(Z)
        sample = codec.reconstruct(Z[:255]).astype(float)
        if ((sample * Z[:255]).sum(axis=1) / np.linalg.norm(sample, axis=1)).mean() >= COSINE * np.linalg.norm(Z[0]):
            break
    blocks, paths = codec.blocks(Z), (folder / "large.smic", folder / "cold.smic")
    container.create(paths[0], *codec.sections, blocks * TIMES)
    container.create(paths[1], *codec.sections, codec.blocks(Z[:COLD], [f"{i}.jpg" for i in range(COLD)]))
    return paths


def measure(Z: np.ndarray, folder: Path) -> dict:
    """Seconds and bytes, ours and theirs."""
    import faiss
    from threadpoolctl import threadpool_limits

    from smicnb.codec.format.reader import SmicReader
    from smicnb.codec.search.index import SemanticIndex

    large, cold = write(Z, folder)
    query = Z[-1]
    with threadpool_limits(1):
        faiss.omp_set_num_threads(1)
        SemanticIndex.open(large).search(query, TOP)  # compiles
        opening, index = cpu(lambda: SemanticIndex.open(large), 3)
        reading, latents = cpu(lambda: SmicReader(large).latents(), 1)
        searching, hits = cpu(lambda: index.search(query, TOP))
        scoring, _ = cpu(lambda: index.scores(query))
        unit = (query / np.linalg.norm(query)).astype(np.float32)
        product, _ = cpu(lambda: latents @ unit)
        flat = faiss.IndexFlatIP(latents.shape[1])
        quantised = faiss.IndexPQ(latents.shape[1], 16, 8, faiss.METRIC_INNER_PRODUCT)  # 128 bits
        filling, _ = cpu(lambda: flat.add(latents), 1)
        training, _ = cpu(lambda: (quantised.train(latents[:DISTINCT]), quantised.add(latents)), 1)
        of_flat, _ = cpu(lambda: flat.search(unit[None], TOP))
        of_quantised, _ = cpu(lambda: quantised.search(unit[None], TOP))
    n = len(index)
    assert len(hits[0]) == TOP
    ours, alone = of_command("-m", "smicnb.cli.main", "search", str(cold), WORDS), of_command("-c", LOAD)
    found = {
        "photographs": n, "bits": 8 * large.stat().st_size / n, "opening": opening, "latents()": reading,
        "search": searching, "scores": scoring, "numpy product": product,
        "bytes": index.nbytes, "bytes of latents": latents.nbytes,
        "faiss flat, adding": filling, "faiss flat": of_flat,
        "faiss PQ of 128 bits, training and adding": training, "faiss PQ of 128 bits": of_quantised,
        "cold search": ours, "importing and loading alone": alone,
    }  # fmt: skip
    index.close()
    large.unlink()
    cold.unlink()
    return found


def report(results: dict, Z: np.ndarray, folder: Path) -> None:
    """Measure, print, and keep in `results`."""
    results["search"] = row = measure(Z, folder)
    n = row["photographs"]
    print(
        f"search, {n} photographs of {row['bits']:.0f} bits: opened in {1e6 * row['opening'] / n:.1f} µs each, "
        f"{row['opening'] / row['latents()']:.2f} of latents() ({1e6 * row['latents()'] / n:.0f} µs); "
        f"{row['bytes'] / row['bytes of latents']:.2f} of their memory"
    )
    print(
        f"one query, all scores and the top {TOP}: {1e3 * row['search']:.2f} ms; numpy's product alone "
        f"{1e3 * row['numpy product']:.2f} ms (ours {row['search'] / row['numpy product']:.2f} of it), Faiss flat "
        f"{1e3 * row['faiss flat']:.2f} ms, Faiss PQ of 128 bits {1e3 * row['faiss PQ of 128 bits']:.2f} ms"
    )
    print(
        f"a cold search of {COLD} photographs: {row['cold search']:.1f} s, importing and loading alone "
        f"{row['importing and loading alone']:.1f} s"
    )
