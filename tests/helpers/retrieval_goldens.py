"""What notebook 11 has committed, computed again in part: coders that take no time, and ours on its hull.

The hull of ours, which the table of matched bits rests on, is that of the settings which the committed table of rates
has on it: no others are coded again.
"""

from functools import cached_property

import numpy as np
from beyond_goldens import some_of

from smicnb.codec.format import priors
from smicnb.compare.latents import smic
from smicnb.semantics.encoders import encoders
from smicnb.semantics.photographs import image_collections
from smicnb.studies.retrieval import kinds, matched, measures, plots, searches, tried
from smicnb.studies.state_of_the_art import measures as state_of_the_art

NOTEBOOK = "11_retrieval"
PLOTS = ("retrieval_rates", "retrieval_others")
PHOTOGRAPHS_SHOWN = ()
QUICK = (smic.PAPER, f"{kinds.SIGNS} + entropy", "CLIP-intra + entropy")


class Again:
    """The tables of one folder, with the parameters that its sidecars name."""

    def __init__(self, collection, folder, read, origin):
        self.p, self.folder, self.read = origin(folder, "retrieval_rates")["parameters"], folder, read
        self.photographs = image_collections.load(collection)
        self.coded = state_of_the_art.coded_collection(self.photographs)
        self.encoder, self.words = encoders.encoder(self.p["encoder"]), image_collections.words()
        self.prior = priors.find_by_weights(self.encoder.weights_hash)

    @property
    def inputs(self):
        made = {"collection": self.photographs.fingerprint, "fitted": self.coded.fingerprint}
        return {
            **made,
            "encoder": self.encoder.weights_hash,
            "words": self.words.sha256,
            "prior": self.prior.identity.hex(),
        }

    @cached_property
    def tables(self):
        p, rates = self.p, self.read(self.folder, "retrieval_rates")
        found_in, _ = searches.searches(self.photographs, self.coded, self.encoder, None, p["seed"], p["halves"])
        texts = searches.texts(self.photographs, self.encoder, self.words.words)
        asked = [measures.Asked(search, texts) for search in found_in]
        fitted_to = min(len(search.fitted) for search in found_in)
        steps = np.geomspace(11, 0.8, p["steps"])
        sizes = p["n_atoms"], steps, p["codebooks"], p["drawn"], p["seed"], p["every"]
        coders = kinds.coders(self.prior, found_in[0].stored.shape[1], fitted_to, *sizes)
        wanted = {*_hull(rates, "payload_bits"), *_hull(rates, "bits_at_1000")}
        coders = [coder for coder in coders if coder.name in QUICK or (coder.name, coder.setting) in wanted]
        found = measures.measure(coders, asked) + measures.floors(asked, p["seed"])
        drawn = measures.groups(asked)
        table = measures.table(found, drawn, p["seed"])
        coded = table[(table["measure"] == measures.RECALL) & (table["setting"] != "")]  # floors have no setting
        against = {name: (name,) for name in QUICK}
        return {
            "retrieval_rates": some_of(coded, "coder", "setting", "measure"),
            "retrieval_others": plots.others_data(rates),
            "retrieval_matched": some_of(
                matched.matched(found, drawn[measures.RECALL], p["seed"], against), "against", "size", "bits"
            ),
            "retrieval_checks": matched.checks(self.read(self.folder, "retrieval_matched")),
            "retrieval_tried": tried.tried(searches.folds(found_in[0]), found_in[:1], self.prior, p["seed"]),
        }


def _hull(rates, column):
    own = rates[(rates["measure"] == measures.RECALL) & rates["coder"].isin(kinds.OURS_SEARCH)]
    return list(plots.hull(own, column)[["coder", "setting"]].itertuples(index=False, name=None))
