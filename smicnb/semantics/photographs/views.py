"""Views: named parts of a photograph, cut out the same way on every machine."""

from typing import NamedTuple

import numpy as np

MIN_CROP = 64  # pixels


class View(NamedTuple):
    """A part of a photograph.

    Args:
        anchor: place of the part: "c", or of "t", "b", "l", "r" one or two ("tl").
        percent: size of the part, of either side; 100 is the whole photograph.
        mirrored: whether it is mirrored from left to right.
    """

    anchor: str = "c"
    percent: int = 100
    mirrored: bool = False

    @property
    def name(self) -> str:
        """The name in an item's id: "full", "crop-tl-70", "crop-br-50-mirror"."""
        base = "full" if self.percent == 100 else f"crop-{self.anchor}-{self.percent}"
        return base + "-mirror" * self.mirrored

    def box(self, height: int, width: int) -> tuple[slice, slice]:
        """The rows and columns of the view in a photograph; no side below `MIN_CROP` or the photograph's."""
        rows = _span(height, self.percent, "t" in self.anchor, "b" in self.anchor)
        columns = _span(width, self.percent, "l" in self.anchor, "r" in self.anchor)
        return rows, columns

    def cut(self, photograph: np.ndarray) -> np.ndarray:
        """The view of a photograph H×W×3, as a new array."""
        rows, columns = self.box(*photograph.shape[:2])
        part = photograph[rows, columns]
        return np.array(part[:, ::-1] if self.mirrored else part, order="C")


WHOLE = View()
# A scene of one photograph shows all of them, one of several the first few of each photograph.
EMBEDDED_VIEWS = (
    WHOLE,
    View("c", 70),
    View("tl", 70),
    View("br", 70),
    View("tr", 70),
    View("bl", 70),
    View("c", 50),
    View(mirrored=True),
    View("l", 60),
    View("r", 60),
    View("tl", 50, mirrored=True),
    View("br", 50, mirrored=True),
)


def _span(side: int, percent: int, first: bool, last: bool) -> slice:
    length = min(side, max(MIN_CROP, (side * percent + 50) // 100))
    start = 0 if first else side - length if last else (side - length) // 2
    return slice(start, start + length)
