"""Numbers as published in the SMIC paper, each with the place it was printed in; nothing here was measured.

Source: T. Bachard and T. Maugey, "SMIC: Semantic Multi-Item Compression based on CLIP dictionary".
"""

import math
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal


@dataclass(frozen=True)
class Cell:
    """One printed number.

    Args:
        table: "Table III".
        row: the row's label in our words.
        column: the column's label in our words.
        printed: the digits as printed ("22.51"), so that they can be counted.
    """

    table: str
    row: str
    column: str
    printed: str

    @property
    def value(self) -> float:
        """The number itself."""
        return float(self.printed)

    @property
    def digits(self) -> int:
        """How many significant digits were printed ("0.17" has 2, "659" has 3)."""
        return len(Decimal(self.printed).as_tuple().digits)

    def reading(self, value: float) -> str:
        """How `value` becomes the printed digits: "rounded", "cut off", "either" or "neither"."""
        printed, exact = Decimal(self.printed), Decimal(value)
        rounded = exact.quantize(printed, ROUND_HALF_UP) == printed
        cut = exact.quantize(printed, ROUND_DOWN) == printed
        return {(1, 1): "either", (1, 0): "rounded", (0, 1): "cut off", (0, 0): "neither"}[rounded, cut]


# Sec. II-B, V-C and V-D: the conventions behind every rate.
LATENT_DIM = 768
LATENT_BITS = 16
WIDER_DIM = 1024  # of the other Stable unCLIP checkpoint
IMAGE_SIDE = 768
LATENT_NORM = 20.0  # "around 20" (Sec. III)
SINGLE_ITEM_BPP = 1.2e-3  # R_SIC of [21], caption of Table III

# Sec. V-D: name -> (n_atoms, b_coef, b_dict, penalty)
OPERATING_POINTS = {"low": (2, 2, 2, 1.6), "medium": (128, 4, 4, 0.2), "high": (128, 16, 16, 0.1)}

# Table I: n_atoms -> (CC, CSS, BSS, MSE-SS); None is the single-item codec [21]
TABLE_1 = {
    None: ("0.891", "0.751", "0.512", None),
    2: ("0.806", "0.525", "0.393", "0.545"),
    4: ("0.822", "0.558", "0.408", "0.539"),
    8: ("0.835", "0.619", "0.457", "0.488"),
    16: ("0.859", "0.680", "0.473", "0.431"),
    32: ("0.873", "0.708", "0.486", "0.408"),
    64: ("0.881", "0.712", "0.501", "0.385"),
    128: ("0.893", "0.732", "0.516", "0.382"),
}

# Table II: model -> (CC, CSS, BSS), in Table I's order; "single item" is the codec [21]
TABLE_2 = {
    "low": ("0.78", "0.51", "0.38"),
    "medium": ("0.85", "0.67", "0.49"),
    "high": ("0.89", "0.74", "0.52"),
    "single item": ("0.90", "0.72", "0.48"),
}

# Table III: gain over single-item coding at each size of the collection, and n*
TABLE_3_SIZES = (100, 1000, 10000, math.inf)
BREAK_EVEN = "n*"
_TABLE_3 = {
    "low": ("22.51", "184.3", "659", "923", "5"),
    "medium": ("0.17", "1.76", "15", "90.9", "562"),
    "high": ("0.04", "0.43", "3.3", "12.3", "2419"),
}
TABLE_3 = {
    (model, size): Cell("Table III", model, f"n = {size}" if size != BREAK_EVEN else size, printed)
    for model, row in _TABLE_3.items()
    for size, printed in zip((*TABLE_3_SIZES, BREAK_EVEN), row, strict=True)
}

# Table IV: codec -> bits per pixel, and the n* from which "medium" is cheaper
TABLE_4_SIZE = 5000
TABLE_4_MODEL = "medium"
TABLE_4_RATES = {
    "SMIC": Cell("Table IV", "Clip inter (SMIC, medium)", "bits per pixel", "1.4e-4"),
    "Clip intra [21]": Cell("Table IV", "Clip intra [21]", "bits per pixel", "1.2e-3"),
    "PICS [31]": Cell("Table IV", "PICS [31]", "bits per pixel", "2.6e-2"),
    "VVC [32]": Cell("Table IV", "VVC [32]", "bits per pixel", "4.5e-3"),
}
TABLE_4_BREAK_EVEN = {
    "Clip intra [21]": Cell("Table IV", "Clip intra [21]", "n*", "150"),
    "PICS [31]": Cell("Table IV", "PICS [31]", "n*", "5"),
    "VVC [32]": Cell("Table IV", "VVC [32]", "n*", "38"),
}

# Sizes n of the collection that each place names for the rate-fidelity optimisation and the tables.
SIZES_NAMED = {
    "Sec. V-C": (100, 10000, 100000, math.inf),
    "caption of Fig. 13": (1000, math.inf),
    "Table III": TABLE_3_SIZES,
    "Table IV": (TABLE_4_SIZE,),
}
SELECTION_SIZE = 10000  # Sec. V-C: "as there are around 5000 images" in the collection
ABSTRACT_BPP = 1e-5  # "around 10^-5 BPP per image"
PICS_OWN_BPP = 0.013  # Fig. 1 of [31], caption and sketch of one image

# What the paper says, in our words: number in our list -> (place, claim)
CLAIMS = {
    "1": (
        "Eq. 12, Sec. V-C",
        "images are coded as tuples (index, value), at log2(n_a) * b_coef * P bits each",
    ),
    "2": ("Sec. V-A, Table III", "each image can be read by itself, at gains of 923 (low) and 90.9 (medium)"),
    "3a": ("Eq. 13, Sec. V-C", "the proportion of null coefficients rises with λ, as 1 / (1 + λ)^log2(n_a)"),
    "3b": ("Eq. 13, Eq. 14", "1 / (1 + λ)^log2(n_a) is P(null) in Eq. 13 and P(non-null) in Eq. 14"),
    "3c": ("Eq. 13, Fig. 12", "Eq. 13 follows the measured proportion, if with a debatable exponent"),
    "4": ("Eq. 8, Sec. V-D", "λ (1.6, 0.2, 0.1) weighs the L1 norm of the codes of latents of norm about 20"),
    "5a": ("Table IV, Eq. 15", "n* of medium is 150 against Clip intra, 5 against PICS, 38 against VVC"),
    "5b": ("Table IV, Eq. 15", "the three n* of Table IV belong to one model"),
    "5c": ("Table IV", "an image takes 1.4e-4 bits per pixel at n = 5000, dictionary included"),
    "5d": ("abstract", "an image takes around 1e-5 bits per pixel"),
    "6a": (
        "Sec. V-A, Eq. 11",
        "atoms are quantised along each dimension, as are coefficients; only levels cost bits",
    ),
    "6b": ("Sec. V-D", "b_coef and b_dict are given as 2^k"),
    "7a": ("Sec. V-C, Fig. 13, Tables III and IV", "the sizes n of the collection for which rates are given"),
    "7b": ("Sec. V-C", "parameters are chosen at n = 10000, as the collection holds around 5000 images"),
    "7c": ("Sec. IV and V", "the dictionary is learned on the images whose rates are given"),
    "7d": ("Sec. IV-D", "the bridge is generated only when n_a <= 32"),
    "7e": ("Table IV", "PICS takes 2.6e-2 bits per pixel"),
    "8a": ("Sec. IV-D", "every decoded latent is rescaled to norm 20"),
    "8b": ("Sec. IV-D, Eq. 14", "every decoded latent can be rescaled"),
    "9": ("Sec. II-B", "CLIP ViT-L/14 of 768 dimensions, and the Stable unCLIP of the diffusers page"),
    "10": ("Table III", "twelve gains over single-item coding"),
    "11": ("Table III", "n* of high is 2419"),
    "12": ("Tables I and II", "scores of the single-item codec [21]"),
}
