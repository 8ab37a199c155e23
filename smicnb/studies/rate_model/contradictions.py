"""Where SMIC's rate model contradicts itself or what was measured: a row each, with computed evidence."""

import math

import numpy as np
import pandas as pd

from smicnb.codec import published, rate
from smicnb.codec.published import BREAK_EVEN, TABLE_3, TABLE_4_BREAK_EVEN, TABLE_4_RATES, Cell
from smicnb.codec.rate import HIGH, LOW, MEDIUM, POINTS
from smicnb.studies.rate_model import null_proportion, tables

CONTRADICTED = "contradicted"
MISSING = "not specified"
READING = "reading found"
UNMEASURED = "needs a measurement"

Finding = tuple[str, str]  # evidence, and a verdict that begins with one of the four above


def contradictions(
    measured: pd.DataFrame | None = None, norms: np.ndarray | None = None, split: str = "train"
) -> pd.DataFrame:
    """Every contradiction of the rate model: `no`, `place`, `claim as published`, `evidence`, `verdict`.

    Args:
        measured: `null_proportion.sweep`'s table; without it, the rows that need it say so.
        norms: (n,) L2 norms of the collection's latents before any rescaling, or None.
        split: the split of `measured` that the dictionaries were learned on.
    """

    found = {
        **_code(),
        **_null_share(measured, split),
        **_penalty(),
        **_table4(),
        **_quantisers(),
        **_settings(measured, split),
        **_norm(norms, measured, split),
        **_dimension(),
        **_table3(),
    }
    rows = [(number, *published.CLAIMS[number], *found[number]) for number in published.CLAIMS]
    return pd.DataFrame(rows, columns=["no", "place", "claim as published", "evidence", "verdict"])


def _each(template: str, values: dict[str, tuple]) -> str:
    return "; ".join(f"{name} {template.format(*value)}" for name, value in values.items())


def _code() -> dict[str, Finding]:
    other, tuples, printed = rate.single_item_bits(), {}, {}
    for name, point in POINTS.items():
        printed[name] = rate.image_bits_printed(point)
        parts = rate.dictionary_bits(point), rate.image_bits_corrected(point), other
        gain, needed = rate.gain(math.inf, *parts), rate.break_even(*parts)
        tuples[name] = parts[1], printed[name], gain, "never" if needed is None else needed
    below = {name: (bits,) for name, bits in printed.items() if bits < 8}
    return {
        "1": (
            "bits per image: " + _each("{:.4g} (Eq. 12: {:.3g}), gain at n = inf {:.3g}, n* {}", tuples),
            f"{CONTRADICTED}: a tuple costs log2(n_a) + b_coef, not their product, and n_a * P are expected",
        ),
        "2": (
            f"bits per image: {_each('{:.3g}', below)}; one byte each limits the gain to {other / 8:.3g}",
            f"{CONTRADICTED}: a record that can be read by itself is at least one byte",
        ),
    }


def _null_share(measured: pd.DataFrame | None, split: str) -> dict[str, Finding]:
    n_atoms, seldom, often = MEDIUM.n_atoms, HIGH.penalty, LOW.penalty
    value = {penalty: float(rate.p_null_printed(n_atoms, penalty)) for penalty in (seldom, 1.0, often)}
    sums = {name: (2 * float(rate.p_null_printed(point.n_atoms, point.penalty)),) for name, point in POINTS.items()}
    evidence, verdict = "not measured in this run", UNMEASURED
    if measured is not None:
        laws = null_proportion.compare_laws(measured[measured["split"] == split])
        errors = dict(zip(laws["law"], laws[["rms error"]].itertuples(index=False), strict=True))
        share = null_proportion.measured_p_null(measured, split, n_atoms, 1.0)
        evidence = (
            f"P(null) at n_a = {n_atoms}, λ = 1: {share:.3g} measured, {value[1.0]:.3g} by Eq. 13; "
            f"rms error over all n_a and λ: {_each('{:.3g}', errors)}"
        )
        best = min(errors, key=errors.get)
        verdict = f"{CONTRADICTED}: the least error is that of: {best}"
    return {
        "3a": (
            f"n_a = {n_atoms}: {value[seldom]:.3g} at λ = {seldom}, {value[often]:.3g} at λ = {often}",
            f"{CONTRADICTED}: the expression falls as λ rises",
        ),
        "3b": (
            f"P(null) + P(non-null) would be {_each('{:.3g}', sums)}",
            f"{CONTRADICTED}: the sum has to be 1; Table III follows Eq. 14",
        ),
        "3c": (evidence, verdict),
    }


def _penalty() -> dict[str, Finding]:
    dim, norm = published.LATENT_DIM, published.LATENT_NORM
    scaled = {name: (point.penalty * dim,) for name, point in POINTS.items()}
    return {
        "4": (
            f"as alpha of a solver that divides the squared error by L = {dim}, λ acts like "
            f"{_each('{:.4g}', scaled)}: above the norm {norm:g} and so above every |tᵀz|, which leaves no coefficient",
            f"{READING}: the λ of Eq. 8 itself, alpha = λ / L, on latents of norm {norm:g}",
        )
    }


def _table4() -> dict[str, Finding]:
    overhead, image = rate.dictionary_bits(MEDIUM), rate.image_bits_printed(MEDIUM)
    needed, implied = {}, {}
    for codec, printed in TABLE_4_BREAK_EVEN.items():
        other = rate.single_item_bits(TABLE_4_RATES[codec].value)
        needed[codec] = rate.break_even(overhead, image, other), printed.printed
        implied[codec] = tables.implied_dictionary(codec)
    apart = max(least for least, _ in implied.values()) >= min(most for _, most in implied.values())
    n, smic = published.TABLE_4_SIZE, TABLE_4_RATES["SMIC"]
    shared_out = tables.smic_bpp(n, overhead, image)
    border = 1.5 * published.ABSTRACT_BPP  # what still rounds to one digit of the abstract's rate
    size = rate.break_even(overhead, image, rate.single_item_bits(border))
    return {
        "5a": (
            f"Eq. 15 with R(T) = {overhead} bits: {_each('{} (Table IV: {})', needed)}; Table III has "
            f"{TABLE_3['medium', BREAK_EVEN].printed} for the first",
            f"{CONTRADICTED}: by Eq. 15 and by Table III",
        ),
        "5b": (
            f"R(T) that each n* needs, bits: {_each('{:.4g} to {:.4g}', implied)}",
            f"{CONTRADICTED}: no dictionary gives all three" if apart else f"{READING}: another R(T)",
        ),
        "5c": (
            f"Eq. 10 gives {shared_out:.4g}; the published digits are {smic.reading(shared_out)}",
            f"{READING}: medium at n = {n}, digits cut off instead of rounded",
        ),
        "5d": (
            f"medium: {rate.bits_per_pixel(image):.3g} without the dictionary, {shared_out:.3g} with it at n = {n}; "
            f"below {border:g} only from n = {size}",
            f"{CONTRADICTED}: the dictionary is left out",
        ),
    }


def _quantisers() -> dict[str, Finding]:
    ranges = {name: (rate.range_bits(point), rate.dictionary_bits(point)) for name, point in POINTS.items()}
    gains = {}
    for name, point in POINTS.items():
        levels = (bits.bit_length() - 1 for bits in (point.b_coef, point.b_dict))  # k of 2^k
        fewer = rate.OperatingPoint(point.n_atoms, *levels, point.penalty)
        printed = TABLE_3[name, math.inf].printed
        gains[name] = tables.exact_cell(fewer, math.inf, rate.single_item_bits()), printed
    return {
        "6a": (
            f"a range for each dimension and each atom's coefficient, {rate.RANGE_BITS} bits each: "
            f"{_each('{} bits beside R(T) = {}', ranges)}; one for all atoms and one for all coefficients: "
            f"{2 * rate.RANGE_BITS} bits",
            f"{MISSING}: neither the ranges nor their bits",
        ),
        "6b": (
            f"if it were k bits, gain at n = inf: {_each('{:.4g} (Table III: {})', gains)}",
            f"{READING}: b = 2^k means 2^k bits",
        ),
    }


def _settings(measured: pd.DataFrame | None, split: str) -> dict[str, Finding]:
    overhead, image = rate.dictionary_bits(MEDIUM), rate.image_bits_printed(MEDIUM)
    sizes = {place: (", ".join(f"{n:g}" for n in named),) for place, named in published.SIZES_NAMED.items()}
    rates = {
        f"n = {n}:": (tables.smic_bpp(n, overhead, image),) for n in (published.SELECTION_SIZE, published.TABLE_4_SIZE)
    }
    cosine = [float(row[0]) for size, row in published.TABLE_1.items() if size]
    pics = TABLE_4_RATES["PICS [31]"].value, published.PICS_OWN_BPP
    needed = [rate.break_even(overhead, image, rate.single_item_bits(bpp)) for bpp in pics]
    return {
        "7a": (
            _each("{}", sizes),
            f"{CONTRADICTED}: {len(set(sizes.values()))} lists in {len(sizes)} places",
        ),
        "7b": (
            f"bits per pixel of medium, {_each('{:.3g}', rates)}",
            f"{CONTRADICTED}: the overhead of each image doubles between the two sizes",
        ),
        "7c": _count_unseen(measured, split),
        "7d": (
            f"Table I's CC rises at {sum(np.diff(cosine) > 0)} of {len(cosine) - 1} steps of n_a, from "
            f"{cosine[0]:g} to {cosine[-1]:g}",
            f"{READING}: n_a >= 32, as detail comes with atoms",
        ),
        "7e": (
            f"Fig. 1 of its own paper has {pics[1]:g}; Eq. 15 then gives n* {needed[1]} instead of {needed[0]}",
            f"{MISSING}: where {pics[0] / pics[1]:.3g} times that rate was measured",
        ),
    }


def _count_unseen(measured: pd.DataFrame | None, split: str) -> Finding:
    others = [] if measured is None else [name for name in measured["split"].unique() if name != split]
    if not others:
        return "not measured in this run", UNMEASURED
    bits = {name: tables.corrected_bits(point, measured) for name, point in POINTS.items()}
    pairs = {name: tuple(row[f"corrected, P of {part}"] for part in (split, others[0])) for name, row in bits.items()}
    return (
        f"tuple code with measured P, bits per image on {split} and on {others[0]}: "
        f"{_each('{:.3g} and {:.3g}', pairs)}",
        f"{CONTRADICTED}: as the rate of images to come, where the two differ",
    )


def _norm(norms: np.ndarray | None, measured: pd.DataFrame | None, split: str) -> dict[str, Finding]:
    wasted = {name: (point.b_coef - 1, rate.image_bits_corrected(point)) for name, point in POINTS.items()}
    spread = ""
    if norms is not None:
        spread = f"; the latents here have norms of {np.mean(norms):.3g}, standard deviation {np.std(norms):.2g}"
    expected = LOW.n_atoms * float(rate.p_nonzero_printed(LOW.n_atoms, LOW.penalty))
    empty = f"low: {expected:.3g} coefficients expected per image, so at least {1 - expected:.0%} have none"
    if measured is not None:
        cell = measured[(measured["split"] == split) & (measured["n_atoms"] == LOW.n_atoms)]
        shares = cell.loc[np.isclose(cell["penalty"], LOW.penalty), "p_empty"]
        empty += "".join(f"; {share:.1%} measured" for share in shares)
    return {
        "8a": (
            "a common factor of the coefficients is lost, so that one of each code needs its sign only: idle "
            f"{_each('{} of {:.4g} bits', wasted)}{spread}",
            f"{READING}: the L2 norm of CLIP's un-normalised projection; the gain needs no bits",
        ),
        "8b": (empty, f"{CONTRADICTED}: a code without coefficients decodes to zero, which has no direction"),
    }


def _dimension() -> dict[str, Finding]:
    sizes = {}
    for dim in (published.LATENT_DIM, published.WIDER_DIM):
        parts = rate.dictionary_bits(MEDIUM, dim), rate.image_bits_printed(MEDIUM), rate.single_item_bits()
        sizes[f"L = {dim}:"] = (rate.break_even(*parts),)
    return {
        "9": (
            f"n* of medium, {_each('{}', sizes)} (Table III: {TABLE_3['medium', BREAK_EVEN].printed})",
            f"{READING}: the checkpoint of that page that takes ViT-L/14, called small; its other takes "
            f"{published.WIDER_DIM} dimensions of OpenCLIP ViT-H",
        )
    }


def _table3() -> dict[str, Finding]:
    cells = tables.table3()
    gains = cells[cells["column"] != BREAK_EVEN]
    exact, kept = (int((gains[name] != "neither").sum()) for name in ("published is", "published is (cut)"))
    worst = gains.loc[gains["digits"] >= 3, "deviation %"].abs().max()
    overhead, image, bits = rate.dictionary_bits(HIGH), rate.image_bits_printed(HIGH), rate.single_item_bits()
    needed = {f"{one:.6g}": (rate.break_even(overhead, image, one),) for one in (bits, float(round(bits)))}
    pairs = zip(("CC", "CSS", "BSS"), published.TABLE_1[None], published.TABLE_2["single item"], strict=False)
    scores = {name: (first, second) for name, first, second in pairs}
    apart = [name for name, (first, second) in scores.items() if not _rounds_to(first, second)]
    return {
        "10": (
            f"Eq. 10-14 are within {worst:.2g} % where three or more digits are printed, and give the digits of "
            f"{exact} of {len(gains)} cells; with rates in bits per pixel cut to {tables.CUT_DIGITS} digits "
            f"first, of {kept}",
            f"{READING}: rates cut to {tables.CUT_DIGITS} digits, then divided",
        ),
        "11": (
            f"n* by R_SIC in bits: {_each('gives {}', needed)}",
            f"{READING}: {published.SINGLE_ITEM_BPP:g} bits per pixel, not rounded to whole bits",
        ),
        "12": (
            _each("{} in Table I, {} in Table II", scores),
            f"{CONTRADICTED}: beyond rounding in {', '.join(apart)}",
        ),
    }


def _rounds_to(longer: str, shorter: str) -> bool:
    return Cell("", "", "", shorter).reading(float(longer)) != "neither"
