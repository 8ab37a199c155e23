"""This build's coder of latents beside that of another checkout of the project, in pairs of processes on one thread.

`git worktree add ../other COMMIT`, then `python benchmarks/builds.py ../other`: CPU time of encoding latents on the
prior's axes, of reading them all and of choosing a way, anonymous memory beyond the process after its imports, and
whether the bytes are equal. Both run in this environment; names that a module had at 7bde932 are known.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
from latents import latents

FIDELITY, COSINE = 98, 0.9
# Where each thing is now, and where it was.
PLACES = {
    "AxesCodec": ("smicnb.codec.coders.axes:AxesCodec", "smicnb.codec.pursuit:PursuitCodec"),
    "SmicReader": ("smicnb.codec.format.reader:SmicReader", "smicnb.codec.reader:SmicReader"),
    "ways": ("smicnb.codec.coders.choice:ways", "smicnb.codec.choice:ways"),
    "find_prior": ("smicnb.codec.format.priors:find_by_weights", "smicnb.codec.priors:of_weights"),
}
MEASURED = {"encode": "encoding", "read": "reading all", "choose": "choosing"}


def _find(name: str):
    for place in PLACES[name]:
        module, _, attribute = place.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError):
            continue
    raise SystemExit(f"builds: found no {name} in this checkout; needed: one of {', '.join(PLACES[name])}")


def _anonymous() -> float:
    """Mebibytes of memory that is no file's; NaN where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return float("nan")
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


def measure(stored: Path, weights: str) -> dict:
    """Seconds of CPU time for each latent (n, L) of an .npy file, and what the build at hand made of them."""
    Z = np.load(stored, mmap_mode="r")
    codec_class, reader, ways, find_prior = (_find(name) for name in PLACES)
    codec = codec_class("prior", FIDELITY, prior=find_prior(weights)).fit(Z[:500])
    reader(codec.encode(Z[:300])).latents()  # compiles
    before, found, clock = _anonymous(), {}, time.process_time()
    data = codec.encode(Z)
    found["encode"], clock = (time.process_time() - clock) / len(Z), time.process_time()
    found |= {"bytes": sha256(data).hexdigest(), "memory of encoding": _anonymous() - before}
    reader(data).latents()
    found["read"], clock = (time.process_time() - clock) / len(Z), time.process_time()
    best, *_ = ways(Z, cosine=COSINE, encoder="lite0-minilm", weights_hash=weights)
    return {**found, "choose": (time.process_time() - clock) / len(Z), "bits": best.bits}


def beside(other: Path, count: int, pairs: int) -> dict:
    """Both builds, taking turns; the fastest of each."""
    from smicnb.semantics.encoders.encoders import encoder

    here, weights = Path(__file__).parents[1], encoder("lite0-minilm").weights_hash
    found = {"this build": [], "the other": []}
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder, "latents.npy")
        np.save(stored, latents(count).astype(np.float32))
        for _ in range(pairs):
            for name, checkout in (("this build", here), ("the other", other.resolve())):
                paths = os.pathsep.join([str(checkout), str(here / "benchmarks")])
                environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
                words = [sys.executable, __file__, "--measure", str(stored), "--weights", weights]
                done = subprocess.run(words, env=environment, cwd=checkout, capture_output=True, text=True, check=True)
                found[name].append(json.loads(done.stdout))
    return {
        name: {**rows[0], **{what: min(row[what] for row in rows) for what in MEASURED}} for name, rows in found.items()
    }


def main() -> None:
    """Measure and print ratios; a process of its own measures each build."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("other", type=Path, nargs="?", help="another checkout")
    parser.add_argument("--latents", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--weights", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure, given.weights)))
        return
    if given.other is None or not (given.other / "smicnb").is_dir():
        raise SystemExit("builds: found no other checkout; needed: its folder, as `git worktree add` makes one")
    rows = beside(given.other, given.latents, given.pairs)
    ours, theirs = rows.values()
    for what, words in MEASURED.items():
        print(f"{words}: {1e6 * ours[what]:.1f} µs a latent, {ours[what] / theirs[what]:.2f} of the other's")
    equal = "equal" if ours["bytes"] == theirs["bytes"] else "NOT equal"
    print(f"bytes: {equal}; chosen: {ours['bits']:.1f} bits here, {theirs['bits']:.1f} there")
    print(f"memory of encoding: {ours['memory of encoding']:.0f} MiB here, {theirs['memory of encoding']:.0f} there")


if __name__ == "__main__":
    main()
