"""Tables III and IV of the paper, every printed cell beside the one that its own equations give."""

import math
from decimal import ROUND_DOWN, Decimal

import pandas as pd

from smicnb.codec import published, rate
from smicnb.codec.published import BREAK_EVEN, Cell
from smicnb.codec.rate import OperatingPoint
from smicnb.studies.rate_model.null_proportion import measured_p_null

CUT_DIGITS = 3


def cut(value: float, digits: int = CUT_DIGITS) -> float:
    """`value` with all but its first significant `digits` cut off, not rounded."""
    exact = Decimal(value)
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() + 1 - digits), ROUND_DOWN))


def cell(size: float | str, overhead_bits: float, image_bits: float, other_bits: float) -> float:
    """A cell of Table III: the gain at `size` images, or n* (infinite: never); NaN where a rate is NaN."""
    if math.isnan(image_bits):
        return math.nan
    if size != BREAK_EVEN:
        return rate.gain(size, overhead_bits, image_bits, other_bits)
    needed = rate.break_even(overhead_bits, image_bits, other_bits)
    return math.inf if needed is None else float(needed)


def exact_cell(point: OperatingPoint, size: float | str, other_bits: float) -> float:
    """Table III's cell by Eq. 10 to 15, nothing rounded."""
    return cell(size, rate.dictionary_bits(point), rate.image_bits_printed(point), other_bits)


def cut_cell(point: OperatingPoint, size: float | str, other_bits: float) -> float:
    """Table III's cell from a rate in bits per pixel of which only three digits were kept.

    For a gain that is the whole rate per image, dictionary included; for n* it is R(z).
    """
    overhead, image = rate.dictionary_bits(point), rate.image_bits_printed(point)
    each = image if size in (BREAK_EVEN, math.inf) else rate.total_bits(size, overhead, image) / size
    kept = cut(rate.bits_per_pixel(each)) * rate.PIXELS
    return cell(size, overhead, kept, other_bits) if size == BREAK_EVEN else other_bits / kept


def measured_p_nonzero(point: OperatingPoint, measured: pd.DataFrame) -> dict[str, float]:
    """Split -> measured share of non-null coefficients at an operating point; NaN where not measured."""
    splits = measured["split"].unique()
    return {split: 1 - measured_p_null(measured, split, point.n_atoms, point.penalty) for split in splits}


def corrected_bits(point: OperatingPoint, measured: pd.DataFrame | None = None) -> dict[str, float]:
    """Column -> bits per image of the tuple code: with Eq. 14's P, and with each split's measured one."""
    bits = {"corrected": rate.image_bits_corrected(point)}
    for split, share in ({} if measured is None else measured_p_nonzero(point, measured)).items():
        known = not math.isnan(share)
        bits[f"corrected, P of {split}"] = rate.image_bits_corrected(point, share) if known else math.nan
    return bits


def file_columns(model: str, files: pd.DataFrame | None) -> dict[str, tuple[float, float]]:
    """Column -> (bits paid once, bits of an image) of the files of a model, by coding and split.

    Args:
        model: "low", "medium" or "high".
        files: a row per model, coding and split with `overhead_bits` and `payload_bits`, or None.
    """
    rows = [] if files is None else files[files["model"] == model].to_dict("records")
    return {
        f"file ({row['coding']}), {row['split']}": (
            row["overhead_bits"] + rate.INDEX_ONCE,
            row["payload_bits"] + rate.INDEX_IMAGE,
        )
        for row in rows
    }


def _row(printed: Cell, exact: float, kept: float, further: dict[str, float]) -> dict:
    return {
        "row": printed.row,
        "column": printed.column,
        "as published": printed.printed,
        "digits": printed.digits,
        "Eq. 10-15": exact,
        "deviation %": 100 * (exact / printed.value - 1),
        "published is": printed.reading(exact),
        "cut rates": kept,
        "deviation % (cut)": 100 * (kept / printed.value - 1),
        "published is (cut)": printed.reading(kept),
        **further,
    }


def table3(measured: pd.DataFrame | None = None, files: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every cell of Table III: as published, recomputed twice with deviations, corrected, and measured on files.

    `Eq. 10-15` rounds nothing, `cut rates` is `cut_cell`; "published is" says how either becomes the
    printed digits (rounded, cut off, either, neither). `corrected` is the tuple code with Eq. 14's P,
    then with the measured one of each split. An infinite n* means never.

    Args:
        measured: `null_proportion.sweep`'s table, or None.
        files: what the points' files take, as `file_columns` has it, or None.
    """

    other, rows = rate.single_item_bits(), []
    for (model, size), printed in published.TABLE_3.items():
        point = rate.POINTS[model]
        overhead = rate.dictionary_bits(point)
        corrected = {name: cell(size, overhead, bits, other) for name, bits in corrected_bits(point, measured).items()}
        written = {name: cell(size, *bits, other) for name, bits in file_columns(model, files).items()}
        exact, kept = (function(point, size, other) for function in (exact_cell, cut_cell))
        rows.append(_row(printed, exact, kept, corrected | written))
    return pd.DataFrame(rows)


def table4(measured: pd.DataFrame | None = None, files: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every cell of Table IV that the rate model can compute, in `table3`'s columns.

    The rates of other codecs are inputs here: what is recomputed is SMIC's rate at n = 5000, dictionary
    included, in bits per pixel, and n* against each codec.
    """

    point, n = rate.POINTS[published.TABLE_4_MODEL], published.TABLE_4_SIZE
    overhead = rate.dictionary_bits(point)
    bits = {name: (overhead, image) for name, image in corrected_bits(point, measured).items()}
    bits |= file_columns(published.TABLE_4_MODEL, files)
    exact = smic_bpp(n, overhead, rate.image_bits_printed(point))
    further = {name: smic_bpp(n, *pair) for name, pair in bits.items()}
    rows = [_row(published.TABLE_4_RATES["SMIC"], exact, cut(exact), further)]
    for codec, printed in published.TABLE_4_BREAK_EVEN.items():
        other = rate.single_item_bits(published.TABLE_4_RATES[codec].value)
        further = {name: cell(BREAK_EVEN, *pair, other) for name, pair in bits.items()}
        cells = (function(point, BREAK_EVEN, other) for function in (exact_cell, cut_cell))
        rows.append(_row(printed, *cells, further))
    return pd.DataFrame(rows)


def smic_bpp(n: int, overhead_bits: float, image_bits: float) -> float:
    """Bits per pixel of one image in a collection of `n`, what is paid once shared out among them."""
    return rate.bits_per_pixel(rate.total_bits(n, overhead_bits, image_bits) / n)


def implied_dictionary(codec: str) -> tuple[float, float]:
    """R(T) in bits, at least the first and less than the second, for which Eq. 15 gives Table IV's n*."""
    printed = published.TABLE_4_BREAK_EVEN[codec].value
    other = rate.single_item_bits(published.TABLE_4_RATES[codec].value)
    saved = other - rate.image_bits_printed(rate.POINTS[published.TABLE_4_MODEL])
    return (printed - 1) * saved, printed * saved


def compare_points(measured: pd.DataFrame | None = None, files: pd.DataFrame | None = None) -> pd.DataFrame:
    """The three operating points in bits per image: as printed, corrected, with each split's measured P, and as files;
    arguments as in `table3`.
    """

    rows = []
    for name, point in rate.POINTS.items():
        shares = {} if measured is None else measured_p_nonzero(point, measured)
        bits = corrected_bits(point, measured)
        rows.append(
            {
                "model": name,
                "n_atoms": point.n_atoms,
                "b_coef": point.b_coef,
                "b_dict": point.b_dict,
                "penalty": point.penalty,
                "R(T) bits": rate.dictionary_bits(point),
                "P(non-null) of Eq. 14": float(rate.p_nonzero_printed(point.n_atoms, point.penalty)),
                **{f"P(non-null) of {split}": share for split, share in shares.items()},
                "R(z) as printed": rate.image_bits_printed(point),
                **{f"R(z) {column}": image for column, image in bits.items()},
                **{f"R(z) {column}": image for column, (_, image) in file_columns(name, files).items()},
            }
        )
    return pd.DataFrame(rows)
