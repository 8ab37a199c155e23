"""Groups of near duplicates: photographs every two of which are alike, by their coded latents alone.

How alike near duplicates stay depends on how finely their latents are coded, so the default threshold follows the
file's fidelity, which the file itself tells: its distortion for files on axes, and the optimality conditions of the
sparse code for files of atoms. What threshold belongs to which fidelity was measured by tools/measure_duplicates.py.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from smicnb.base.errors import SmicnbError
from smicnb.codec.search.index import Hit, SemanticIndex

THRESHOLDS = Path(__file__).with_name("data") / "thresholds.json"
MOST_PAIRS = 1 << 22  # that are kept while groups are made


@cache
def chosen() -> tuple[np.ndarray, np.ndarray]:
    """Fidelities and the least cosine of near duplicates at each, both rising."""
    found = json.loads(THRESHOLDS.read_text(encoding="utf-8"))
    return np.array(found["fidelity"]), np.array(found["threshold"])


def threshold(index: SemanticIndex) -> float:
    """The least cosine of near duplicates in these files: what was chosen for the nearest fidelities, in between."""
    return float(np.interp(index.fidelity(), *chosen()))


def is_fine_enough(index: SemanticIndex) -> bool:
    """Whether the files keep as much as the coarsest one on which thresholds were chosen."""
    return index.fidelity() >= chosen()[0][0]


class Group(NamedTuple):
    """Photographs that are near duplicates of one another.

    Args:
        least: the lowest cosine of any two of them.
        hits: the photographs, in the order of the files; the score of each is its lowest cosine to the others.
    """

    least: float
    hits: list[Hit]


def find_groups(index: SemanticIndex, above: float | None = None) -> list[Group]:
    """Groups in which every two photographs are at least so much alike, in the order of their first photographs.

    Pairs are joined from the most alike on (complete linkage); a photograph is in one group at most.

    Args:
        index: index of the files.
        above: least cosine; None for `threshold`.

    Raises:
        SmicnbError: so many pairs are alike that nothing is told apart.
    """
    least = threshold(index) if above is None else above
    alike = _pairs(index, least)
    group_of: dict[int, list[int]] = {}
    for first, second in sorted(alike, key=lambda pair: (-alike[pair], pair)):
        ours, others = group_of.setdefault(first, [first]), group_of.setdefault(second, [second])
        if ours is others or any((min(a, b), max(a, b)) not in alike for a in ours for b in others):
            continue
        ours += others
        for member in others:
            group_of[member] = ours
    distinct = {id(group): sorted(group) for group in group_of.values() if len(group) > 1}
    return [_group(index, members, alike) for members in sorted(distinct.values())]


def _pairs(index: SemanticIndex, least: float) -> dict[tuple[int, int], float]:
    alike: dict[tuple[int, int], float] = {}
    for first, seconds, scores in index.pairs(least):
        alike.update(zip(((first, second) for second in seconds.tolist()), scores.tolist(), strict=True))
        if len(alike) > MOST_PAIRS:
            raise SmicnbError(
                f"found more than {MOST_PAIRS} pairs of cosine {least:.3f} and more", "fewer", "say a larger --above"
            )
    return alike


def _group(index: SemanticIndex, members: Sequence[int], alike: dict[tuple[int, int], float]) -> Group:
    lowest = {a: min(alike[min(a, b), max(a, b)] for b in members if b != a) for a in members}
    return Group(min(lowest.values()), [index.hit(member, lowest[member]) for member in members])
