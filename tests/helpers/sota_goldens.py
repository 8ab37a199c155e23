"""What notebook 07 has committed, computed again: all that follows from other tables, and one image of the rest."""

from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd

from smicnb.compare.images import classical, downscaled, evaluate, floors, generated
from smicnb.semantics import spaces
from smicnb.semantics.encoders import encoders
from smicnb.semantics.photographs import image_collections
from smicnb.studies.state_of_the_art import measures as state_of_the_art
from smicnb.studies.taco import measures as taco_study

NOTEBOOK = "07_sota_comparison"
PLOTS = ("sota_curves", "sota_judged", "sota_rates", "sota_reduced")
JUDGED = ("sota_floors", "sota_judged", "sota_side_by_side")  # by the second judge too
PHOTOGRAPHS_SHOWN = ("sota_side_by_side",)
METRICS = ("psnr", "ms_ssim", "lpips", "image_cosine")
RATES = ["codec", "setting", "variant", "bpp", "bpp_to", "reading", "reported", "source"]


class Again:
    """The tables of one folder, with the parameters that its sidecars name."""

    def __init__(self, collection, folder, read, origin):
        self.p = origin(folder, "sota_curves")["parameters"]
        self.points, self.judged = read(folder, "sota_curves"), read(folder, "sota_judged")
        self.photographs = image_collections.load(collection)
        self.tested = taco_study.select_tested(self.photographs, self.p["largest_side"])
        self.coded = state_of_the_art.coded_collection(self.photographs)
        self.space = spaces.space(self.p["encoder"], self.p["generator"], self.coded.split("gallery"))

    @property
    def inputs(self):
        named = {"collection": self.photographs, "codebooks": self.coded, "space": self.space}
        return {key: each.fingerprint for key, each in named.items()}

    @cached_property
    def tables(self):
        p, points, seed = self.p, self.points, self.p["seed"]
        latents = self.space.encode(self.coded.split("train"))
        semantic = generated.semantic_codecs(self.space, latents, seed)
        whole, high = classical.classical(p["rivals"]), classical.classical(p["high_rate_rivals"])
        shared = generated.add_share(points, semantic[: -len(generated.INTRA_BITS)], p["n_images"])
        summary = state_of_the_art.summary(pd.concat([points, shared], ignore_index=True), METRICS, seed)
        drawn = [summary.drop_duplicates(["codec", "setting"]), state_of_the_art.published_rates()]
        aim = semantic[1]
        low_rates = points[~points["codec"].isin([codec.name for codec in high])]
        alike = low_rates[low_rates["codec"] != semantic[3].name]
        matched = state_of_the_art.match_rates(alike, (aim.name, aim.setting))
        others = [*semantic, *whole, *downscaled.reduce_families(p["rivals"], p["factors"])]
        grey = np.full(self.tested.items[0].image().shape, 128, np.uint8)
        shown = [item.id for item in self.tested.items[: p["examples"]]]
        anchor = classical.ladder(p["rivals"][-1])[0].name
        beside = self.judged["shown"].isin(state_of_the_art.nearest_in_rate(matched, 4))
        return {
            "sota_floors": floors.summarise(self.judged, seed),
            "sota_judged": self.judge(matched, others),
            "sota_curves": self.measured(semantic),
            "sota_rates": pd.concat(drawn, ignore_index=True)[RATES],
            "sota_reduced": summary,
            "sota_bd_rates": state_of_the_art.bd_table(points, METRICS, anchor, seed),
            "sota_encoders": state_of_the_art.list_makers([*semantic, *whole, *high]),
            "sota_matched": state_of_the_art.matched_verdicts(matched, METRICS, seed),
            "sota_table4": state_of_the_art.break_evens(low_rates, semantic, others, grey),
            "sota_side_by_side": self.judged[beside & self.judged["image"].isin(shown)],
        }

    def measured(self, semantic):
        """The first image by our codecs, two quick families, and two on images reduced by the last factor."""
        some = [*semantic, *classical.ladder("jpeg"), *classical.ladder("webp")]
        some += downscaled.reduce_families(["jpeg", "vvc"], self.p["factors"][-1:])
        first = replace(self.tested, items=self.tested.items[:1])
        rows = evaluate.evaluate(some, first, METRICS[:-1], self.space.encoder)
        return evaluate.points(rows).drop(columns=["encode_seconds", "decode_seconds"])

    def judge(self, matched, codecs):
        """The first image: floors, our codecs and two quick families, whole and as thumbnails."""
        first = replace(self.tested, items=self.tested.items[:1])
        quick = {"JPEG", "WebP", *(codec.name for codec in codecs if isinstance(codec, generated.SemanticImages))}
        matched = matched[matched["family"].isin(quick) & (matched["image"] == first.items[0].id)]
        thumbnails, small = state_of_the_art.match_thumbnails(matched, ["jpeg", "webp"], first)
        table, gallery = pd.concat([matched, thumbnails], ignore_index=True), self.coded.split("gallery")
        judge, codecs = encoders.image_encoder(floors.JUDGE), [*codecs, *small]
        judged = state_of_the_art.judge_pictures(table, codecs, first, self.space, gallery, judge, self.p["seed"])
        judged = judged[judged["shown"] != floors.RANDOM]  # drawn for all images at once
        judged.attrs["some_of"] = ["shown", "image"]
        return judged
