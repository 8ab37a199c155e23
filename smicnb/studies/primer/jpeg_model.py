"""JPEG as a generative model: draw the coefficients of an image that JPEG's entropy code takes for likely."""

import numpy as np

from smicnb.base.errors import ImageError
from smicnb.studies.primer.transform_coding import BLOCK, COMPONENTS, from_symbols, to_symbols

TABLES, SCAN = 0xC4, 0xDA  # the markers DHT and SOS of T.81, Table B.1
END_OF_BLOCK = 0  # the symbol (T.81, F.1.2.2)

# T.81, Figure 5: diagonals, the even ones upwards.
ZIGZAG = np.array(sorted(np.ndindex(BLOCK, BLOCK), key=lambda at: (sum(at), at[1] if sum(at) % 2 == 0 else at[0])))

Code = tuple[np.ndarray, np.ndarray]  # symbols, and the length of each one's code word in bits


def huffman_codes(data: bytes) -> dict[tuple[int, int], Code]:
    """The Huffman tables of a JPEG file, by class (0 for DC, 1 for AC) and number (0 for luma, 1 for chroma).

    Source: ITU-T T.81, B.2.4.2.

    Raises:
        ImageError: not a JPEG file with a scan.
    """
    codes, at = {}, 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != SCAN:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == TABLES:
            at += 4
            while at < end:
                kind, counts = divmod(data[at], 16), np.frombuffer(data[at + 1 : at + 17], np.uint8)
                total = int(counts.sum())
                symbols = np.frombuffer(data[at + 17 : at + 17 + total], np.uint8).astype(int)
                codes[kind] = symbols, np.repeat(np.arange(1, 17), counts)
                at += 17 + total
        at = end
    if at + 4 > len(data) or data[at] != 0xFF:
        raise ImageError("bytes without the scan of a JPEG file", "a whole JPEG file")
    return codes


def sample_code(codes: dict[tuple[int, int], Code], rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """What a JPEG decoder makes of fair coin flips: each flip halves the code words that remain.

    A symbol of l bits has the probability 2⁻ˡ, over those of the table; its further bits, sign and value, are uniform.
    So a run of zeros and the size of the next coefficient are drawn together, independently of the ones before; blocks
    are independent but for their DC, which adds up along each row. A run beyond the block's end ends the block.

    Args:
        codes: tables as `huffman_codes` returns them.
        rows, columns: size in blocks.

    Returns:
        Quantised coefficients (rows, columns, 3, 8, 8), integers.
    """
    symbols = np.zeros((rows, columns, 3, BLOCK, BLOCK), dtype=np.int64)
    for component, table in enumerate((0, 1, 1)):
        blocks = np.zeros((rows * columns, BLOCK**2), dtype=np.int64)
        blocks[:, 0] = _value(_draw(codes[0, table], len(blocks), rng), rng)
        open_blocks, last = np.arange(len(blocks)), np.zeros(len(blocks), dtype=np.int64)
        while len(open_blocks):
            drawn = _draw(codes[1, table], len(open_blocks), rng)
            last[open_blocks] += drawn // 16 + 1
            inside = (drawn != END_OF_BLOCK) & (last[open_blocks] < BLOCK**2)
            open_blocks, drawn = open_blocks[inside], drawn[inside]
            blocks[open_blocks, last[open_blocks]] = _value(drawn % 16, rng)
        symbols[:, :, component, ZIGZAG[:, 0], ZIGZAG[:, 1]] = blocks.reshape(rows, columns, -1)
    return from_symbols(symbols)


def _draw(code: Code, count: int, rng: np.random.Generator) -> np.ndarray:
    symbols, lengths = code
    weights = 2.0**-lengths
    return rng.choice(symbols, count, p=weights / weights.sum())  # the word of ones only stays unused


def _value(sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A number of each size in bits, as T.81, Table F.1 defines it: ±2ˢ⁻¹ to ±(2ˢ − 1), and 0 for s = 0."""
    magnitudes = rng.integers((1 << sizes) // 2, 1 << sizes)
    return np.where(rng.random(len(sizes)) < 0.5, -magnitudes, magnitudes)


def sample_frequencies(quantised: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Coefficients (rows, columns, K, 8, 8), each drawn alone from the empirical distribution of its frequency in
    `quantised`, of the same shape.

    This is the model that `transform_coding.estimated_rate` charges for: DC differences add up along each row, all
    else is independent.
    """
    symbols = to_symbols(quantised).reshape(-1, *quantised.shape[2:])
    chosen = rng.integers(len(symbols), size=symbols.shape)
    return from_symbols(np.take_along_axis(symbols, chosen, axis=0).reshape(quantised.shape))


def statistics(quantised: np.ndarray) -> list[dict]:
    """What a sample, integers (rows, columns, K, 8, 8), has in common with its photograph, one row per component.

    Returns:
        Rows with component, null (share of coefficients that are zero), per_block (non-null ones beside the DC), and
        dc_step (root mean square of the DC differences along the rows, in quantiser steps).
    """
    symbols = to_symbols(quantised)
    rows = []
    for number, component in enumerate(COMPONENTS[: quantised.shape[2]]):
        used = np.count_nonzero(quantised[:, :, number], axis=(-2, -1)) - (quantised[:, :, number, 0, 0] != 0)
        step = np.sqrt(np.mean(np.square(symbols[:, 1:, number, 0, 0])))
        null = np.mean(quantised[:, :, number] == 0)
        rows.append({"component": component, "null": null, "per_block": used.mean(), "dc_step": step})
    return rows
