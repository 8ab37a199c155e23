"""How everything that is compared looks: its colour, marker and label are the same in every figure.

The colours are Okabe and Ito's (without their yellow, too light for lines), three of Paul Tol's, a grey, and five that
were searched for among dark ones to lie far from these: all stay apart for the colour-blind too.
No two codecs share a marker, so that figures can be read without colours.
"""

BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK = "#E69F00", "#56B4E9", "#000000"
WINE, OLIVE, INDIGO, GREY = "#882255", "#999933", "#332288", "#777777"
BROWN, CORNFLOWER, PLUM, MINT, FOREST = "#7b331b", "#688dfe", "#6e2e78", "#00bc6a", "#104507"
CLOUD = "#b8c4cf"  # of the many points behind a curve

# Kinds of vectors that latents are written in.
KINDS = {
    "learned": {"color": BLUE, "marker": "o", "label": "learned atoms (Eq. 7)"},
    "debiased": {"color": PURPLE, "marker": "D", "label": "the same atoms, debiased codes"},
    "exemplars": {"color": VERMILION, "marker": "s", "label": "random photographs as atoms"},
    "pca": {"color": GREEN, "marker": "^", "label": "PCA"},
}

# How SMIC's bits are counted; what was measured is drawn full, what is a formula broken.
ACCOUNTINGS = {
    "as printed": {"color": PURPLE, "linestyle": ":", "marker": "", "label": "as printed (Eq. 11–14)"},
    "corrected": {"color": ORANGE, "linestyle": "--", "marker": "", "label": "corrected tuples, measured P (formula)"},
    "tuple": {"color": VERMILION, "linestyle": "-", "marker": "s", "label": "tuples (file)"},
    "entropy": {"color": BLUE, "linestyle": "-", "marker": "o", "label": "entropy coded (file)"},
}

# Codecs whose files are compared. SMIC looks as its accountings do.
CODECS = {
    "smic": {**ACCOUNTINGS["entropy"], "label": "SMIC, entropy coded"},
    "smic-tuple": {**ACCOUNTINGS["tuple"], "label": "SMIC, tuples"},
    "smic-beyond": {"color": GREEN, "marker": "H", "linestyle": "-.", "label": "SMIC, beyond the paper"},
    "pca": {**KINDS["pca"], "label": "PCA of latents"},
    "exemplars": {"color": ORANGE, "marker": "8", "label": "SMIC, random photographs as atoms"},
    "taco": {"color": PURPLE, "marker": "D", "label": "TACO"},
    "sic": {"color": WINE, "marker": "*", "label": "SIC"},
    "jpeg": {"color": BLACK, "marker": "v", "label": "JPEG"},
    "jpegli": {"color": FOREST, "marker": "1", "linestyle": "-.", "label": "jpegli"},
    "jpeg2000": {"color": GREY, "marker": "P", "label": "JPEG 2000"},
    "jpeg-xl": {"color": SKY, "marker": "p", "label": "JPEG XL"},
    "webp": {"color": OLIVE, "marker": "<", "label": "WebP"},
    "avif": {"color": INDIGO, "marker": ">", "label": "AVIF"},
    "hevc": {"color": CORNFLOWER, "marker": "x", "linestyle": "--", "label": "x265 intra"},
    "vvc": {"color": BROWN, "marker": "h", "linestyle": "--", "label": "VVenC intra"},
    "av1-aom": {"color": PLUM, "marker": "d", "linestyle": "--", "label": "AV1 (libaom)"},
    "clip-intra": {"color": WINE, "marker": "+", "linestyle": "--", "label": "CLIP-intra [21]"},
    "av1": {"color": MINT, "marker": "X", "linestyle": "--", "label": "AV1 (SVT-AV1)"},
}

# Coders of latents. The paper's code looks as its accountings do, ours as among the image codecs.
LATENT_CODERS = {
    "ours, best of three": {"color": GREEN, "marker": "H", "linestyle": "-"},
    "scalars searched as ours": {"color": GREEN, "marker": "^", "linestyle": "--"},
    "best scalars given our prior": {"color": WINE, "marker": "x", "linestyle": "-"},
    "best vectors given our prior": {"color": ORANGE, "marker": "D", "linestyle": "-"},
    "best of OPQ, LSQ, RaBitQ, TurboQuant": {"color": SKY, "marker": "p", "linestyle": "-"},
    "best of KLT, PQ, RQ": {"color": PURPLE, "marker": "P", "linestyle": "-"},
    "paper's code at its best": {key: ACCOUNTINGS["entropy"][key] for key in ("color", "marker", "linestyle")},
    "best that learns nothing": {"color": GREY, "marker": "+", "linestyle": "-"},
    "paper's tuples": {key: ACCOUNTINGS["tuple"][key] for key in ("color", "marker", "linestyle")},
    "best Gaussian reference": {"color": BLACK, "marker": "", "linestyle": ":"},
}

# Coders of latents that are searched: as above, ours for search, and who is made for search.
RETRIEVAL = {
    **LATENT_CODERS,
    "ours, for search": {"color": BLUE, "marker": "o", "linestyle": "-"},
    "best made for search, without our prior": {"color": BLACK, "marker": "s", "linestyle": "--"},
    "paper's code at its best": {"color": INDIGO, "marker": ">", "linestyle": "-"},
}

# What a collection sends once, of our coder of latents.
SENT = {
    "mean sent": {"color": SKY, "marker": "D", "linestyle": "-"},
    "own axes sent": {"color": GREEN, "marker": "H", "linestyle": "-"},
    "own axes sent, without the prior": {"color": VERMILION, "marker": "v", "linestyle": "--"},
}

# Sets of images: coded with what was fitted on themselves, or on others.
SPLITS = {"train": {"color": BLUE, "marker": "o"}, "heldout": {"color": VERMILION, "marker": "s"}}
