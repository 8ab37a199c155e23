"""What notebook 10 has committed, computed again, but for what rests on coders that take long to train or to search.

Of the vector quantisers of today and of the paper's code refitted a few settings are measured again. Rows that are of
the best of many, these among them, are left out: other rows are made of their points by the same functions.
"""

from functools import cached_property

import numpy as np
import pandas as pd

from smicnb.codec.format import priors
from smicnb.compare.images import floors
from smicnb.compare.latents import points as latent_points
from smicnb.compare.latents import rivals, smic
from smicnb.semantics import spaces
from smicnb.semantics.encoders import encoders
from smicnb.semantics.photographs import image_collections
from smicnb.studies.beyond import kinds, sharing
from smicnb.studies.beyond import measures as beyond
from smicnb.studies.state_of_the_art import measures as state_of_the_art

NOTEBOOK = "10_beyond_the_paper"
PLOTS = ("beyond_rates", "beyond_sharing", "beyond_break_even", "beyond_totals")
PHOTOGRAPHS_SHOWN = ("beyond_words",)
JUDGED = ("beyond_floors",)  # by the second judge too
LONG = {*rivals.TODAY, *rivals.VECTORS_GIVEN, smic.PAPER_REFITTED, smic.BEST_REFITTED, smic.ENTROPY_REFITTED}
FEW = (
    "2 × 4 bit",
    "1 × 6 bit",
    "1 bit, all axes",
    f"128 atoms of 4 bits, 4 bits, λ {smic.PENALTIES[-1]:g}",
)  # settings of these


class Again:
    """The tables of one folder, with the parameters that its sidecars name."""

    def __init__(self, collection, folder, read, origin):
        self.p, self.folder = origin(folder, "beyond_rates")["parameters"], folder
        self.photographs = image_collections.load(collection)
        self.coded = state_of_the_art.coded_collection(self.photographs)
        self.heldout = state_of_the_art.exclude_fitted(self.photographs, self.coded)
        self.space = spaces.space(self.p["encoder"], self.p["generator"], self.coded.split("gallery"))
        self.prior = priors.find_by_weights(self.space.encoder.weights_hash)

    @property
    def inputs(self):
        named = {"collection": self.photographs, "fitted": self.coded, "space": self.space}
        return {"prior": self.prior.identity.hex(), **{key: each.fingerprint for key, each in named.items()}}

    @cached_property
    def tables(self):
        p, prior, scenes = self.p, self.prior, [item.scene for item in self.heldout]
        Z, H = self.space.encode(self.coded.split("train")), self.space.encode(self.heldout)
        steps, waters = np.geomspace(11, 0.8, p["steps"]), np.geomspace(20, 0.1, 20)
        coders = smic.our_coders(prior, images=1000) + smic.searched_coders(prior, images=1000)
        coders += smic.paper_coders(p["n_atoms"], p["seed"], refitted=True)
        coders += rivals.rivals(self.space.dim, len(Z), steps, p["seed"], prior)
        coders += rivals.today(self.space.dim, len(Z), p["seed"], prior, p["codebooks"], p["drawn"])
        coders = [coder for coder in coders if coder.name not in LONG or coder.setting.startswith(FEW)]
        some = latent_points.measure(coders, Z, H, shares=True)
        some += latent_points.reference(Z, H, waters, p["seed"], prior)
        assert {point.coder for point in some} > LONG
        points = [point for point in some if point.coder not in LONG]
        fidelity = beyond.fidelities(points)
        compared = [smic.OURS, smic.OURS_BARE, "KLT", smic.PAPER]
        worth = sharing.worth(points, scenes, p["seed"])
        totals = [beyond.totals(points, cosine).assign(fidelity=f"cosine {cosine:.3f} ({name})")
                  for name, cosine in fidelity.items()]  # fmt: skip
        parts = latent_points.measure(smic.part_coders(prior, steps), Z, H)
        checked = {f"{check[0]}, {size}": check[1] for check in beyond.CHECKS for size in ("payload", "n = 1000")}
        return {
            "beyond_rates": some_of(latent_points.table(some, scenes, p["seed"]), "coder", "setting"),
            "beyond_checks": measured(beyond.checks(points, scenes, p["seed"]), "against", checked),
            "beyond_sharing": worth,
            "beyond_sharing_sizes": sharing.by_size(worth),
            "beyond_prior": measured(sharing.repaid(points, prior), "against", sharing.AGAINST),
            "beyond_image_cosine": beyond.image_cosines(
                points, compared, fidelity["medium"], self.space, H, scenes, p["seed"]
            ),
            "beyond_floors": self.floors(beyond.nearest_points(points, compared, fidelity["medium"])),
            "beyond_parts": beyond.parts(parts, fidelity),
            "beyond_break_even": beyond.break_even(points, np.linspace(fidelity["lowest"], fidelity["medium"], 9)),
            "beyond_totals": measured(pd.concat(totals), "coder", kinds.CODES),
            **({"beyond_words": self.words(H)} if self.folder == "figures" else {}),
        }

    def floors(self, nearest):
        decoded = {point.coder: (point.payload_bits, point.decoded) for point in nearest}
        judge, gallery = encoders.image_encoder(floors.JUDGE), self.coded.split("gallery")
        return floors.measure(self.space, gallery, self.heldout, decoded, judge, self.p["seed"])

    def words(self, H):
        """Of the photographs that are shown, which are committed for the embedded collection alone."""
        shown = np.linspace(0, len(H) - 1, self.p["examples"]).astype(int)
        return beyond.named(H[shown], self.prior, self.p["words_cosine"], 8)[0]


def measured(table, column, coders):
    """The rows of a table in whose coders none of `LONG` is: name in the column -> coders."""
    return some_of(table[[not LONG.intersection(coders[name]) for name in table[column]]], column)


def some_of(table, *columns):
    """A table whose rows are some of the committed: those of the same values in these columns."""
    table.attrs["some_of"] = list(columns)
    return table
