"""Make smicnb/codec/format/data/trellis.bin: a trellis code's levels and frequencies, trained on drawn Gaussians.

No latents go into it. docs/format.md has the file's layout. Takes some ten minutes; the file is committed, so nobody
needs to. Floating point decides what comes out, so that another machine makes a slightly different, equally good file.
"""

import sys
from pathlib import Path

import numpy as np

from smicnb.codec.format.trellis.quantisation import BOOKS, CODES, FOLLOWING, LEVEL_UNIT, PER_BIT, TABLES, TOTAL, Tables
from smicnb.codec.format.trellis.search import search

DRAWN, ROUNDS, LENGTH = 40_000, 9, 4_000
GRANULAR = 0.245  # distortion of 256 states in squared steps of the lattice
REACH = 4.5  # standard deviations that the levels cover


def lattice(rate: float) -> np.ndarray:
    """Levels (2, 2, m): Ungerboeck's four subsets of a lattice, of about the distortion 2^(−2 rate)."""
    step = 2.0**-rate / np.sqrt(GRANULAR)
    per_branch = max(2, int(np.ceil(2 * REACH / (4 * step))) + 1)
    levels = np.empty((BOOKS, 2, per_branch))
    for book in range(BOOKS):
        for branch in range(2):
            line = (4 * np.arange(-per_branch - 1, per_branch + 2) + book + 2 * branch) * step
            levels[book, branch] = np.sort(line[np.argsort(np.abs(line), kind="stable")[:per_branch]])
    return levels


def train(rate: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels (2, 2, m) and their probabilities (2, 2m) at `rate` bits, by Lloyd's algorithm with the trellis inside."""
    rng, levels = np.random.default_rng(seed), lattice(rate)
    per_branch = levels.shape[2]
    likely = np.exp(-np.square(levels).reshape(BOOKS, -1) / 2)
    likely /= likely.sum(axis=1, keepdims=True)
    price = 2 * np.log(2) * 4.0**-rate  # −dD/dR of a Gaussian of unit variance
    for turn in range(ROUNDS):
        drawn = rng.standard_normal(DRAWN * (4 if turn == ROUNDS - 1 else 1))
        symbols, states = np.empty(len(drawn), np.int64), np.empty(len(drawn), np.int64)
        bits = -np.log2(likely).ravel()
        for start in range(0, len(drawn), LENGTH):
            part = slice(start, start + LENGTH)
            ones, none = np.ones(LENGTH), np.zeros(LENGTH, np.int64)
            shape = np.zeros(1, np.int64), np.array([per_branch])
            search(drawn[part], ones, price, none, *shape, levels.ravel(), bits, FOLLOWING, symbols[part], states[part])
        place = (states % BOOKS) * 2 * per_branch + symbols
        seen = np.bincount(place, minlength=levels.size).astype(float)
        total = np.bincount(place, drawn, minlength=levels.size)
        levels = ((total + levels.ravel()) / (seen + 1)).reshape(levels.shape)
        seen = seen.reshape(BOOKS, -1) + 0.1
        likely = seen / seen.sum(axis=1, keepdims=True)
    error = np.square(drawn - levels.ravel()[place]).mean()
    print(f"{rate:5.3f} bits: {bits[place].mean():.3f}, distortion {error:.4g} of {4.0**-rate:.4g}", flush=True)
    return levels, likely


def main(target: Path) -> None:
    """Train all codes and write the file."""
    levels, frequencies = [], []
    for code in range(CODES):
        trained, likely = train((code + 1) / PER_BIT, code)
        levels.append(np.rint(trained * LEVEL_UNIT).astype(np.int16))
        frequencies.append(np.maximum(1, np.rint(likely * TOTAL)).astype(np.uint16).reshape(trained.shape))
    target.write_bytes(Tables(tuple(levels), tuple(frequencies)).to_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TABLES)
