"""What notebook 10 has committed, computed again: all of it, for its intervals are over all points."""

from functools import cached_property

import numpy as np
import pandas as pd

from smicnb.codec.format import priors
from smicnb.compare.latents import points as latent_points
from smicnb.compare.latents import rivals, smic
from smicnb.semantics import spaces
from smicnb.semantics.photographs import image_collections
from smicnb.studies.beyond import measures as beyond
from smicnb.studies.state_of_the_art import measures as state_of_the_art

NOTEBOOK = "10_beyond_the_paper"
PLOTS = ("beyond_rates", "beyond_break_even", "beyond_totals")
PHOTOGRAPHS_SHOWN = ("beyond_words",)


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
        coders = smic.our_coders(prior, images=1000) + smic.paper_coders(p["n_atoms"], p["seed"])
        coders += rivals.rivals(self.space.dim, len(Z), steps, p["seed"], prior)
        points = latent_points.measure(coders, Z, H)
        points += latent_points.reference(Z, H, waters, p["seed"], prior)
        fidelity = beyond.fidelities(points)
        compared = [smic.OURS, smic.OURS_BARE, "KLT", smic.PAPER]
        sizes = {f"cosine {cosine:.3f} ({name})": beyond.totals(points, cosine) for name, cosine in fidelity.items()}
        parts = latent_points.measure(smic.part_coders(prior, steps), Z, H)
        return {
            "beyond_rates": latent_points.table(points, scenes, p["seed"]),
            "beyond_checks": beyond.checks(points, scenes, p["seed"]),
            "beyond_image_cosine": beyond.image_cosines(
                points, compared, fidelity["medium"], self.space, H, scenes, p["seed"]
            ),
            "beyond_parts": beyond.parts(parts, fidelity),
            "beyond_break_even": beyond.break_even(points, np.linspace(fidelity["lowest"], fidelity["medium"], 9)),
            "beyond_totals": pd.concat([table.assign(fidelity=title) for title, table in sizes.items()]),
            **({"beyond_words": self.words(H)} if self.folder == "figures" else {}),
        }

    def words(self, H):
        """Of the photographs that are shown, which are committed for the embedded collection alone."""
        shown = np.linspace(0, len(H) - 1, self.p["examples"]).astype(int)
        return beyond.named(H[shown], self.prior, self.p["words_cosine"], 8)[0]
