"""Transform coding as JPEG does it: colour transform, block DCT, scaled rounding, and an estimate of the rate.

The encoder is ẑ = ⌊D A C x⌉ (Eq. 1.1 of Yang, Mandt and Theis, "An Introduction to Neural Data Compression") and the
decoder x̂ = C⁻¹ Aᵀ D⁻¹ ẑ (Eq. 1.2). Chroma keeps its full resolution (4:4:4), so that both are one linear map each, up
to JPEG's level shift by 128.
"""

import io

import numpy as np
from PIL import Image
from scipy.fft import dctn, idctn

from smicnb.base.errors import DimensionError, format_value
from smicnb.semantics.metrics.pairs import psnr

BLOCK = 8  # pixels along a side
SHIFT = 128  # centres each component, so that zero is the middle of its range
COMPONENTS = ("Y", "Cb", "Cr")

# ITU-T T.81, Tables K.1 and K.2: step sizes of luma and chroma at quality 50, rows by vertical frequency.
LUMA_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
CHROMA_STEPS = np.full((BLOCK, BLOCK), 99)
CHROMA_STEPS[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]

# The matrix C: ITU-R BT.601 over the full range 0 to 255, as JFIF prescribes.
RED, BLUE = 0.299, 0.114
GREEN = 1 - RED - BLUE
COLOUR = np.array(
    [
        [RED, GREEN, BLUE],
        [-RED / (2 - 2 * BLUE), -GREEN / (2 - 2 * BLUE), 0.5],
        [0.5, -GREEN / (2 - 2 * RED), -BLUE / (2 - 2 * RED)],
    ]
)
CHROMA_OFFSET = np.array([0, SHIFT, SHIFT])


def centre_crop(image: np.ndarray, side: int) -> np.ndarray:
    """The middle of an image H×W×3, at most `side` pixels high and wide, cut to whole blocks."""
    height, width = (min(length, side) // BLOCK * BLOCK for length in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def to_ycbcr(image: np.ndarray) -> np.ndarray:
    """The colour transform C, pixel by pixel.

    Args:
        image: (..., 3) RGB in 0 to 255.

    Returns:
        (..., 3) float64 Y, Cb, Cr in 0 to 255.5, not rounded; a grey has Cb = Cr = 128.
    """
    return image @ COLOUR.T + CHROMA_OFFSET


def to_rgb(planes: np.ndarray) -> np.ndarray:
    """The inverse colour transform, rounded and clipped to RGB uint8 of the same shape (..., 3)."""
    colours = (planes - CHROMA_OFFSET) @ np.linalg.inv(COLOUR).T
    return np.clip(np.rint(colours), 0, 255).astype(np.uint8)


def transform(planes: np.ndarray) -> np.ndarray:
    """The block- and channelwise DCT A, orthonormal, after the level shift (T.81, A.3.1 and A.3.3).

    Args:
        planes: (H, W, K) in 0 to 255, H and W multiples of 8.

    Returns:
        (H/8, W/8, K, 8, 8) float64 in −1024 to 1024; the first of the last two axes is the vertical frequency.

    Raises:
        DimensionError: a side is no multiple of 8.
    """
    height, width, count = planes.shape
    if height % BLOCK or width % BLOCK:
        raise DimensionError(f"an image of {height}×{width} pixels", f"sides that are multiples of {BLOCK}")
    blocks = planes.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, count).transpose(0, 2, 4, 1, 3)
    return dctn(blocks - float(SHIFT), axes=(-2, -1), norm="ortho")  # a float, as uint8 would wrap around


def inverse_transform(coefficients: np.ndarray) -> np.ndarray:
    """Planes (H, W, K) of coefficients (H/8, W/8, K, 8, 8): the transpose of A, and the shift undone."""
    rows, columns, count = coefficients.shape[:3]
    blocks = idctn(coefficients, axes=(-2, -1), norm="ortho") + SHIFT
    return blocks.transpose(0, 3, 1, 4, 2).reshape(rows * BLOCK, columns * BLOCK, count)


def steps(quality: int) -> np.ndarray:
    """Step sizes, the inverse of D's diagonal: the tables of Annex K scaled as libjpeg scales them.

    Args:
        quality: 1 (coarse) to 100.

    Returns:
        (3, 8, 8) integers in 1 to 255, for Y, Cb and Cr.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"quality={format_value(quality)}; needed: 1 to 100")
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((np.stack([LUMA_STEPS, CHROMA_STEPS, CHROMA_STEPS]) * percent + 50) // 100, 1, 255)


def encode(image: np.ndarray, quality: int) -> np.ndarray:
    """Eq. 1.1: the quantised coefficients, integers (H/8, W/8, 3, 8, 8), of RGB uint8 H×W×3."""
    return np.rint(transform(to_ycbcr(image)) / steps(quality)).astype(np.int64)


def decode(quantised: np.ndarray, quality: int) -> np.ndarray:
    """Eq. 1.2: the RGB uint8 image H×W×3 of quantised coefficients (H/8, W/8, 3, 8, 8)."""
    return to_rgb(inverse_transform(quantised * steps(quality)))


def to_symbols(quantised: np.ndarray) -> np.ndarray:
    """What is coded of integers (rows, columns, K, 8, 8): the coefficients, but each DC as the difference from the
    block to its left.

    Each row of blocks starts anew from 0, as in a JPEG file with restart markers after every row.
    """
    symbols = quantised.copy()
    symbols[:, 1:, :, 0, 0] -= quantised[:, :-1, :, 0, 0]
    return symbols


def from_symbols(symbols: np.ndarray) -> np.ndarray:
    """The inverse of `to_symbols`."""
    quantised = symbols.copy()
    quantised[..., 0, 0] = symbols[..., 0, 0].cumsum(axis=1)
    return quantised


def entropy(values: np.ndarray) -> float:
    """Empirical entropy of integers of any shape, in bits per value: 0 to log2 of their number."""
    counts = np.unique(values, return_counts=True)[1]
    share = counts / counts.sum()
    return max(0.0, float(-(share * np.log2(share)).sum()))  # -0.0 of a constant reads badly


def entropies(quantised: np.ndarray) -> np.ndarray:
    """Empirical entropy of each frequency of each component over all blocks of integers (rows, columns, K, 8, 8).

    Returns:
        (K, 8, 8) bits per coefficient; the first of each component is that of the DC differences.
    """
    symbols = to_symbols(quantised)
    frequencies = symbols.reshape(-1, symbols[0, 0].size).T
    return np.array([entropy(values) for values in frequencies]).reshape(symbols.shape[2:])


def estimated_rate(quantised: np.ndarray) -> float:
    """Bits per pixel of an ideal code that knows each frequency's own distribution.

    An estimate, not a file: the distributions are fitted to the very image and are not paid for. Nor can it use what
    frequencies or blocks tell of each other, which a JPEG file's run lengths do use.
    """
    return float(entropies(quantised).sum()) / BLOCK**2


def busy_block(quantised: np.ndarray, share: float) -> tuple[int, int]:
    """Row and column of the first block of integers (rows, columns, K, 8, 8) that has as many non-null luma
    coefficients as a share of all blocks: 0 is the smoothest, 0.5 a median block, 1 the busiest.
    """
    counts = np.count_nonzero(quantised[:, :, 0], axis=(-2, -1))
    row, column = np.argwhere(counts == np.quantile(counts, share, method="nearest"))[0]
    return int(row), int(column)


def jpeg_bytes(image: np.ndarray, quality: int, subsampling: str = "4:4:4", fitted: bool = True, **options) -> bytes:
    """The JPEG file that Pillow writes.

    Args:
        image: RGB H×W×3 or grey H×W, uint8.
        quality: 1 to 100.
        subsampling: "4:4:4" keeps the chroma, "4:2:0" halves its height and width.
        fitted: Huffman tables made for this image; otherwise those of Annex K.
        options: more of Pillow's, such as restart_marker_rows=1.
    """
    file = io.BytesIO()
    chroma = {"subsampling": subsampling} if image.ndim == 3 else {}
    Image.fromarray(image).save(file, "JPEG", quality=quality, optimize=fitted, **chroma, **options)
    return file.getvalue()


def jpeg_pixels(data: bytes) -> np.ndarray:
    """The uint8 pixels that Pillow decodes from a JPEG file."""
    return np.asarray(Image.open(io.BytesIO(data)))


def rate_distortion(image: np.ndarray, qualities: list[int]) -> list[dict]:
    """One row per codec and quality: bits per pixel and PSNR, of the transform code and of Pillow's files.

    Args:
        image: RGB uint8 H×W×3, sides multiples of 8.
        qualities: JPEG qualities, 1 to 100.

    Returns:
        Rows with codec, quality, kind of the rate ("estimate" or "file"), bits_per_pixel, and psnr in dB over RGB.
    """
    files = {
        "Pillow 4:4:4, Huffman tables of Annex K": {"fitted": False},
        "Pillow 4:4:4, fitted Huffman tables": {},
        "Pillow 4:2:0, fitted Huffman tables": {"subsampling": "4:2:0"},
    }
    pixels = image.shape[0] * image.shape[1]
    rows = []
    for quality in qualities:
        quantised = encode(image, quality)
        decoded = {"Eq. 1.1–1.2, 4:4:4": ("estimate", estimated_rate(quantised), decode(quantised, quality))}
        for codec, options in files.items():
            data = jpeg_bytes(image, quality, **options)
            decoded[codec] = ("file", 8 * len(data) / pixels, jpeg_pixels(data))
        rows += [
            {"codec": codec, "quality": quality, "rate": kind, "bits_per_pixel": rate, "psnr": psnr([image], [seen])[0]}
            for codec, (kind, rate, seen) in decoded.items()
        ]
    return rows
