"""A codec that is given a reduced image and enlarges what it decoded: how a classical codec reaches lower rates."""

from collections.abc import Iterable

import numpy as np

from smicnb.base.errors import IntegrityError, SmicnbError, format_value
from smicnb.compare.images.classical import ladder
from smicnb.compare.images.evaluate import ImageCodec
from smicnb.semantics.photographs.images import check_rgb, resize

FACTORS = (2, 4, 8)
MARK = ", 1/"  # between a codec's name and the factor
STRIDE = 2  # every other rung of a family's ladder, from the lowest, at each factor


class Downscaled:
    """An image codec between a Lanczos filter down and one up, both Pillow's.

    The reduced sides are rounded up. One byte before the file holds the factor's logarithm (2 bits) and by how much
    factor times reduced height and width exceed the true ones (3 bits each); it is counted.

    Args:
        codec: a codec at one operating point; "image" of its file is the reduced one.
        factor: divisor of both sides, one of `FACTORS`.

    Raises:
        SmicnbError: another factor.
    """

    def __init__(self, codec: ImageCodec, factor: int):
        from PIL import __version__

        if factor not in FACTORS:
            raise SmicnbError(f"found a factor of {format_value(factor)}", f"one of {', '.join(map(str, FACTORS))}")
        self._codec, self._factor = codec, factor
        self.name, self.setting = f"{codec.name}{MARK}{factor}", codec.setting
        self.fingerprint = {**codec.fingerprint, "reduced by": factor, "resized by": f"pillow {__version__}, Lanczos"}

    def encode(self, image: np.ndarray, caption: str | None = None) -> bytes:
        """The byte of sizes and the file of the reduced image of an RGB uint8 image H×W×3."""
        check_rgb(image)
        small = [-(-side // self._factor) for side in image.shape[:2]]
        rows, columns = (self._factor * less - side for less, side in zip(small, image.shape[:2], strict=True))
        head = (self._factor.bit_length() - 1) * 64 + rows * 8 + columns
        return bytes([head]) + self._codec.encode(resize(image, *small[::-1]), caption)

    def decode(self, data: bytes) -> np.ndarray:
        """The RGB uint8 image H×W×3 of a file; raises IntegrityError where its first byte is none of ours."""
        power, rest = divmod(data[0] if data else 0, 64)
        factor, (rows, columns) = 1 << power, divmod(rest, 8)
        if factor not in FACTORS or max(rows, columns) >= factor:
            raise IntegrityError(f"found {data[:1]!r} as the byte of sizes", "a byte that an encoder writes")
        image = self._codec.decode(data[1:])
        return resize(image, factor * image.shape[1] - columns, factor * image.shape[0] - rows)


def family(name: str) -> tuple[str, int]:
    """The codec's own name and the factor by which images were reduced for it (1: not at all)."""
    own, _, factor = name.partition(MARK)
    return own, int(factor or 1)


def reduce_families(families: Iterable[str], factors: Iterable[int] = FACTORS) -> list[ImageCodec]:
    """Operating points of several families of `classical` on reduced images: `STRIDE`'s rungs at every factor.

    Which rungs and factors was settled before anything was measured, and none is left out afterwards.
    """
    factors = tuple(factors)
    return [Downscaled(codec, factor) for name in families for factor in factors for codec in ladder(name)[::STRIDE]]
