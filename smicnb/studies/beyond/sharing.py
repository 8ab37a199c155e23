"""What sharing is worth by itself, and what the prior costs that both sides have.

The paper's thesis is that images of a collection are coded together for less than one by one. With a prior much of what
a collection could share is known beforehand, so that it is asked here of one coder: with nothing sent, with the mean
sent, with axes of the collection's own sent. And the prior, which costs no bits, is counted once as if it had to be
sent: it is repaid after some number of images, or never.
"""

from collections.abc import Iterable, Sequence

import pandas as pd

from smicnb.codec.format.priors import Prior
from smicnb.compare.latents import smic
from smicnb.compare.latents.points import Point, count_bits
from smicnb.studies.beyond.kinds import OURS, PAPERS_BEST, WITHOUT_PRIOR
from smicnb.studies.beyond.measures import draw_bits, fidelities, first, interval, strongest

NOTHING, MEAN, AXES = "nothing sent", "mean sent", "own axes sent"
WAYS = {
    NOTHING: smic.OURS_BARE,
    MEAN: smic.OURS_PRIOR,
    AXES: smic.OURS,
    "own axes sent, without the prior": smic.OURS_ALONE,
}
SIZES = (100, 1000, 10_000, 100_000)
MOST_IMAGES = 10**9  # after which a prior is no longer looked for to be repaid


def worth(points: Sequence[Point], scenes: Sequence[str], seed: int, sizes: Iterable[int] = SIZES) -> pd.DataFrame:
    """Bits of an image with what is sent once, by what that is, and how many times those of nothing sent they are.

    Args:
        scenes: scene of each held-out image; drawn, with their cosines and payloads, for the intervals.
        seed: seed of the draws.
        sizes: images of the collection.

    Returns:
        fidelity, latent_cosine, n, sent, bits, times (the bits of nothing sent) with the ends of its 95 % interval.
    """
    rows = []
    for n in sizes:
        drawn = {way: draw_bits(points, (name,), scenes, n, seed) for way, name in WAYS.items()}
        for place, (fidelity, cosine) in enumerate(fidelities(points).items()):
            for way, bits in drawn.items():
                times = interval(bits[place] / drawn[NOTHING][place])
                rows.append((fidelity, cosine, n, way, bits[place][0], *times))
    columns = ["fidelity", "latent_cosine", "n", "sent", "bits", "times", "times_low", "times_high"]
    table = pd.DataFrame(rows, columns=columns)
    order = list(dict.fromkeys(table["fidelity"]))
    return table.sort_values(["fidelity", "n"], key=lambda c: c.map(order.index) if c.name == "fidelity" else c,
                             kind="stable", ignore_index=True)  # fmt: skip


def by_size(table: pd.DataFrame) -> pd.DataFrame:
    """`worth` with a row for each fidelity and size: bits of each way, and of the two that send something with the
    prior how many times the bits of nothing sent, with the interval."""
    rows = []
    for (fidelity, cosine, n), own in table.groupby(["fidelity", "latent_cosine", "n"], sort=False):
        ways = own.set_index("sent")
        row = {"fidelity": fidelity, "latent_cosine": cosine, "n": n} | {way: ways.loc[way, "bits"] for way in WAYS}
        for short, way in (("mean", MEAN), ("axes", AXES)):
            row |= {f"{short}_{name}": ways.loc[way, name] for name in ("times", "times_low", "times_high")}
        rows.append(row)
    return pd.DataFrame(rows)


# Those that do without the prior, and by how many images it is repaid against them.
AGAINST = {
    "ours without it": (smic.OURS_ALONE,),
    "best rival without it": WITHOUT_PRIOR,
    "paper's code at its best": PAPERS_BEST,
    smic.PAPER_ENTROPY: (smic.PAPER_ENTROPY,),
    smic.PAPER: (smic.PAPER,),
}


def repaid(points: Sequence[Point], prior: Prior) -> pd.DataFrame:
    """After how many images the prior is repaid, were it sent once, against coders that do without it.

    Returns:
        against, strongest of them in payload, fidelity, latent_cosine, saved (bits of an image in payload), and n from
        which on our file and the prior's are together smaller than theirs: of the axes and scales that our coder reads,
        and of all of the prior's file, which has word atoms besides. Infinite: never.
    """
    axes = prior.axis_levels.nbytes + prior.scales.nbytes
    rows = []
    for against, names in AGAINST.items():
        for fidelity, cosine in fidelities(points).items():
            saved = count_bits(points, names, cosine) - count_bits(points, OURS, cosine)
            sizes = [_first_repaid(points, names, cosine, 8.0 * size) for size in (axes, prior.size)]
            rows.append((against, strongest(points, names, cosine), fidelity, cosine, saved, *sizes))
    names = [f"n for {axes} bytes of axes", f"n for {prior.size} bytes of file"]
    return pd.DataFrame(rows, columns=["against", "strongest", "fidelity", "latent_cosine", "saved", *names])


def _first_repaid(points: Sequence[Point], names: Sequence[str], cosine: float, bits: float) -> float:
    def is_repaid(n: int) -> bool:
        return count_bits(points, OURS, cosine, n) + bits / n < count_bits(points, names, cosine, n)

    return first(is_repaid, MOST_IMAGES)
