"""What notebook 08 has committed, computed again: all that follows from other tables, and one image of the rest."""

from dataclasses import replace
from functools import cached_property

import pandas as pd

from smicnb.compare.images import ablations, classical, evaluate
from smicnb.learned.files import shipped
from smicnb.learned.files.taco_codec import TacoCodec
from smicnb.learned.networks.taco import SIZES
from smicnb.learned.training.curves import training_table
from smicnb.semantics.encoders import encoders
from smicnb.semantics.metrics import captions
from smicnb.semantics.metrics.caption_scores import cider_d
from smicnb.semantics.photographs import image_collections
from smicnb.studies.taco import captions as taco_captions
from smicnb.studies.taco import measures

NOTEBOOK, KODAK = "08_taco_ablations", "figures/kodak"
PHOTOGRAPHS_SHOWN = ("taco_reconstructions", "taco_attention")
JPEG = classical.ladder("jpeg")[::4]  # settings of it that are measured again
PLOTS = ("fig7_kodak", "taco_gaps", "taco_rates", "taco_captions", "taco_captions_kept")


def redrawn(read, origin):
    """What follows from the committed tables of Kodak alone."""
    points, seed = read(KODAK, "taco_rates"), origin(KODAK, "taco_rates")["parameters"]["seed"]
    judged = ablations.judge(points, measures.CLAIMS, "TACO", seed)
    by_caption, kept = (read(KODAK, name) for name in ("taco_captions", "taco_captions_kept"))
    return {
        "fig7_kodak": points,
        "taco_beside": measures.compare_whole(points, seed),
        "taco_verdicts": judged,
        "taco_gaps": judged.dropna(subset=["gap"]),
        **from_captions(by_caption, kept, seed),
    }


def from_captions(by_caption, kept, seed):
    return {
        "taco_caption_sources": taco_captions.summary_by_caption(by_caption, seed),
        "taco_caption_similarity": taco_captions.caption_similarity(kept, seed),
    }


class Again:
    """The tables of one folder, with the parameters that its sidecars name."""

    def __init__(self, collection, folder, read, origin):
        self.read, self.folder = read, folder
        self.p = origin(folder, "taco_rates")["parameters"]
        self.photographs = image_collections.load(collection)
        self.tested = measures.select_tested(self.photographs, self.p["largest_side"])
        self.first = replace(self.tested, items=self.tested.items[:1])
        self.judge = encoders.encoder(self.p["encoder"])

    @cached_property
    def learned(self):
        return [TacoCodec(path) for path in shipped.choose_models(self.p["models"]).values()]

    @property
    def whole(self):
        return [codec for codec in self.learned if codec.name == measures.WHOLE]

    @property
    def inputs(self):
        models = {f"model {codec.checkpoint.name}": codec.checkpoint.sha256 for codec in self.learned}
        return {"collection": self.photographs.fingerprint, "encoder": self.judge.weights_hash, **models}

    @cached_property
    def tables(self):
        by_caption, kept = (self.read(self.folder, name) for name in ("taco_captions", "taco_captions_kept"))
        derived = from_captions(by_caption, kept, self.p["seed"])
        return {**derived, **self.captioned(), **self.counted(), **self.shown()}

    def captioned(self):
        speaker = captions.captioner(self.p["captioner"], self.judge)
        sources = taco_captions.caption_sources(self.tested, speaker, self.p["seed"])
        ours = {source: said[:1] for source, said in sources.items()}
        kept = taco_captions.caption_decoded([*self.whole, *JPEG], self.first, speaker)
        # A score weighs words by how many captions of the whole table have them.
        table = self.read(self.folder, "taco_captions_kept")
        scores = [
            pd.Series(cider_d(cell["after"].tolist(), cell["before"].tolist()), cell.index)
            for _, cell in table.groupby(["codec", "setting"], sort=False)
        ]
        scored = table.assign(cider_d=pd.concat(scores))
        own = ["codec", "setting", "image"]
        kept = kept.drop(columns="cider_d").merge(scored[[*own, "cider_d"]], on=own)
        return {
            "taco_captions": taco_captions.evaluate_captions(self.whole, self.first, ours),
            "taco_captions_kept": kept,
        }

    def counted(self):
        some = [*self.whole, *JPEG]
        rows = evaluate.evaluate(some, self.first, encoder=self.judge)
        return {
            "taco_parameters": measures.parameters(SIZES),
            "taco_cost": measures.cost(SIZES),
            "taco_training": training_table(codec.checkpoint for codec in self.learned),
            "taco_rates": evaluate.points(rows).drop(columns=["bytes", "encode_seconds", "decode_seconds"]),
        }

    def shown(self):
        items = list(self.tested.items[: self.p["examples"]])
        low = [codec for codec in self.learned if codec.setting == "low"]
        image = items[0].image()
        speaker = captions.captioner(self.p["captioner"], self.judge)
        said = items[0].caption or speaker.caption([image])[0]
        tokens, fine, coarse = self.whole[0].attention(image, said)
        looks = {"token": tokens, "first": fine.mean((1, 2)), "second": coarse.mean((1, 2))}
        return {
            "taco_reconstructions": measures.decode_nearest(items, low, classical.ladder("jpeg"))[1],
            "taco_attention": pd.DataFrame(looks),
        }
