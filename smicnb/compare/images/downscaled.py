"""A codec that is given a reduced image and enlarges what it decoded: how a classical codec reaches lower rates."""

from collections.abc import Iterable

import numpy as np

from smicnb.base.errors import IntegrityError, SmicnbError, format_value
from smicnb.compare.images.classical import ladder
from smicnb.compare.images.evaluate import ImageCodec
from smicnb.semantics.photographs.images import check_rgb, resize

FACTORS = (2, 4, 8)
COARSE = (16, 32)  # of thumbnails: how little of an image a codec of pixels can be asked to keep
MARK = ", 1/"  # between a codec's name and the factor
STRIDE = 2  # every other rung of a family's ladder, from the lowest, at each factor


class Downscaled:
    """An image codec between a Lanczos filter down and one up, both Pillow's.

    The reduced sides are rounded up. One byte before the file holds the factor's logarithm (2 bits) and by how much
    factor times reduced height and width exceed the true ones (3 bits each). Of the factors of `COARSE` there are two
    bytes, the first two bits 0: the logarithm less 4 (4 bits), and 5 bits for each excess. They are counted.

    Args:
        codec: a codec at one operating point; "image" of its file is the reduced one.
        factor: divisor of both sides, one of `FACTORS` or `COARSE`.

    Raises:
        SmicnbError: another factor.
    """

    def __init__(self, codec: ImageCodec, factor: int):
        from PIL import __version__

        if factor not in (*FACTORS, *COARSE):
            known = ", ".join(map(str, (*FACTORS, *COARSE)))
            raise SmicnbError(f"found a factor of {format_value(factor)}", f"one of {known}")
        self._codec, self._factor = codec, factor
        self.name, self.setting = f"{codec.name}{MARK}{factor}", codec.setting
        self.fingerprint = {**codec.fingerprint, "reduced by": factor, "resized by": f"pillow {__version__}, Lanczos"}

    def encode(self, image: np.ndarray, caption: str | None = None) -> bytes:
        """The byte of sizes and the file of the reduced image of an RGB uint8 image H×W×3."""
        check_rgb(image)
        small = [-(-side // self._factor) for side in image.shape[:2]]
        rows, columns = (self._factor * less - side for less, side in zip(small, image.shape[:2], strict=True))
        power = self._factor.bit_length() - 1
        head = [power << 6 | rows << 3 | columns] if power < 4 else divmod((power - 4) << 10 | rows << 5 | columns, 256)
        return bytes(head) + self._codec.encode(resize(image, *small[::-1]), caption)

    def decode(self, data: bytes) -> np.ndarray:
        """The RGB uint8 image H×W×3 of a file; raises IntegrityError where it does not begin as one of ours."""
        coarse = not data or data[0] < 64
        head, rest = (data[:2], data[2:]) if coarse else (data[:1], data[1:])
        bits = 5 if coarse else 3
        power, excess = divmod(int.from_bytes(head), 1 << 2 * bits)
        factor, (rows, columns) = 1 << (power + 4 if coarse else power), divmod(excess, 1 << bits)
        if len(head) < 1 + coarse or factor not in (*FACTORS, *COARSE) or max(rows, columns) >= factor:
            raise IntegrityError(f"found {head!r} before the file", "sizes that an encoder writes")
        image = self._codec.decode(rest)
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
