"""Ratios against peers, all measured in this one process on the same latents: `make bench`.

Every peer codes all rows with as many threads as we do. spams (GPL) is looked for in `--peers` and called, never
linked; without it its rows are left out.
"""

import argparse
import json
import platform
import sys
from pathlib import Path

import coders
import learned
import numpy as np
import overhead
import photographs
import search
from latents import latents
from learning import dictionary_learning, whole_sweep
from timing import fastest

from smicnb.repro.checkout import find_processor

PENALTIES = np.geomspace(4.0, 0.05, 21)
SIZES = (128, 512)


def violation(Z: np.ndarray, atoms: np.ndarray, codes: np.ndarray) -> float:
    """Largest breach of Eq. 8's optimality conditions over all λ, as a share of λ; codes (n, P, n_atoms)."""
    worst = 0.0
    for place, penalty in enumerate(PENALTIES):
        code = codes[:, place]
        products = (Z - code @ atoms) @ atoms.T
        breach = np.where(code != 0, np.abs(products - penalty * np.sign(code)), np.abs(products) - penalty)
        worst = max(worst, float(breach.max() / penalty))
    return worst


def sparse_path(Z: np.ndarray, n_atoms: int, threads: int) -> dict:
    """All λ of a grid for all latents: ours, 21 calls of spams, 21 calls of scikit-learn."""
    from sklearn.decomposition import sparse_encode

    from smicnb.codec.coders.dictionary import SemanticDictionary
    from smicnb.codec.coders.sparse import lasso_path

    atoms = SemanticDictionary(n_atoms, 0.2, max_iter=10, random_state=0).fit(Z[: 3 * n_atoms]).atoms_
    lasso_path(Z[:2], atoms, PENALTIES)  # compiles
    ours, codes = fastest(lambda: lasso_path(Z, atoms, PENALTIES))
    row = {"seconds": ours, "violation": violation(Z, atoms, codes), "active": float((codes[:, -1] != 0).sum(1).mean())}
    try:
        import spams
    except ImportError:
        print("spams is not there: left out")
    else:
        signals, columns = np.asfortranarray(Z.T), np.asfortranarray(atoms.T)

        def theirs() -> None:
            for penalty in PENALTIES:
                spams.lasso(signals, D=columns, lambda1=float(penalty), mode=2, numThreads=threads)

        row["spams"] = fastest(theirs)[0]
    if n_atoms == SIZES[0]:
        row["scikit-learn"] = fastest(
            lambda: [
                sparse_encode(Z, atoms, algorithm="lasso_cd", alpha=penalty, n_jobs=threads) for penalty in PENALTIES
            ]
        )[0]
    return row


def one_image(Z: np.ndarray, folder: Path) -> dict:
    """One image out of 100 000, opened, located, decoded: seconds."""
    from smicnb.codec.coders.smic import SMICCodec
    from smicnb.codec.format import container
    from smicnb.codec.format.reader import SmicReader

    codec = SMICCodec(128, 0.2, random_state=0).fit(Z[:640])
    blocks = codec.blocks(Z[:640])
    path = folder / "large.smic"
    container.create(path, *codec.sections, blocks * -(-100_000 // 640))

    def read() -> int:
        with SmicReader(path) as opened:
            opened.latent(77_777)
            return len(opened)

    seconds, images = fastest(read, 20)
    size = path.stat().st_size
    path.unlink()
    return {"seconds": seconds, "images": images, "bytes": size}


def machine() -> dict:
    """What the numbers were measured on."""
    model, cores = find_processor()
    return {"processor": model, "cores": cores, "system": platform.system(), "python": platform.python_version()}


def main() -> None:
    """Measure, print ratios, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latents", type=int, default=5000, help="how many")
    parser.add_argument("--collection", default="embedded", help="whose latents are mixed")
    parser.add_argument("--peers", type=Path, default=Path("build/bench"), help="where spams is")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    given = parser.parse_args()
    sys.path.append(str(given.peers))
    from numba.core import config

    threads = config.NUMBA_NUM_THREADS
    Z = latents(given.latents, given.collection)
    results = {"machine": {**machine(), "threads": threads}, "latents": list(Z.shape)}
    for n_atoms in SIZES:
        row = results[f"sparse path, {n_atoms} atoms, {len(PENALTIES)} λ"] = sparse_path(Z, n_atoms, threads)
        ratios = [f"{row[peer] / row['seconds']:.1f}x {peer}" for peer in ("spams", "scikit-learn") if peer in row]
        print(
            f"sparse path, {n_atoms} atoms: {row['seconds']:.2f} s; {', '.join(ratios)}; KKT {row['violation']:.0e} λ"
        )
    row = results[f"dictionary of {SIZES[0]} atoms"] = dictionary_learning(Z, SIZES[0], threads)
    print(
        f"dictionary of {SIZES[0]} atoms: {row['seconds']:.2f} s to an objective of {row['objective']:.1f}; "
        f"{row['scikit-learn'] / row['seconds']:.1f}x scikit-learn's mini-batches, which end at "
        f"{row['objective of scikit-learn']:.1f}; "
        f"{row['seconds at the end']:.0f} s to {row['objective at the end']:.1f}"
    )
    row = results["whole sweep"] = whole_sweep(Z, threads)
    print(
        f"whole sweep, {row['points']} points: {row['seconds']:.0f} s, {row['peak bytes'] / 2**30:.2f} GiB at most; "
        f"a loop over scikit-learn would take {row['projected seconds of scikit-learn'] / 60:.0f} min (projected)"
    )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    row = results["one image of a file"] = one_image(Z, given.out.parent)
    print(f"one of {row['images']} images: {1000 * row['seconds']:.2f} ms")
    coders.report(results, Z)
    search.report(results, Z, given.out.parent)
    photographs.report(results, given.out.parent)
    overhead.report(results)
    learned.report(results)
    given.out.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
