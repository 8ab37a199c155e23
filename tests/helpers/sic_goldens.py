"""What notebook 09 has committed, computed again: all that follows from other tables, and one image of the rest."""

from dataclasses import replace
from functools import cached_property

from smicnb.compare.images import classical, curves, evaluate
from smicnb.learned.files import shipped
from smicnb.learned.networks.sic import SIZES
from smicnb.learned.training.curves import training_table
from smicnb.semantics.encoders import encoders
from smicnb.semantics.photographs import image_collections
from smicnb.studies.sic import measures as sic_study
from smicnb.studies.sic import plots as plots_sic
from smicnb.studies.synonyms import plots as plots_synonyms
from smicnb.studies.synonyms import sources, steps
from smicnb.studies.taco import measures as taco_study

NOTEBOOK, KODAK = "09_sic_ablations", "figures/kodak"
METRICS = ("dists", "lpips", "psnr", "image_cosine")
PLOTS = ("sic_rates", "sic_fig4_fig11", "sic_fig5_fig6_fig19", "sic_gaps", "sic_rate_of_levels")
OF_NOTHING = ("sic_synonyms", "sic_steps", "sic_lemma", "sic_table1", "sic_parameters")  # theory, and counted sizes
PHOTOGRAPHS_SHOWN = ("sic_levels", "sic_synset")
MEASURED = 2  # models whose files of the first image are made again
EVERY = 3  # of their levels and JPEG's settings, by which these are gone through


def redrawn(read, origin):
    """What follows from the committed tables of Kodak alone."""
    kodak, seed = read(KODAK, "sic_rates"), origin(KODAK, "sic_rates")["parameters"]["seed"]
    judged = sic_study.judge_claims(kodak, seed)
    variants = [name for name in plots_sic.LOOKS if name != "twin"]
    return {
        "sic_level_rates": sic_study.level_rates(kodak),
        "sic_rate_of_levels": read(KODAK, "sic_level_rates"),
        "sic_fig4_fig11": plots_sic.select_codecs(kodak, ["one-sample", "five-samples", "twin"]),
        "sic_fig5_fig6_fig19": plots_sic.select_codecs(kodak, variants, rivals=False),
        "sic_verdicts": judged,
        "sic_gaps": judged.dropna(subset=["gap"]),
        "sic_ranks": sic_study.ranks(kodak, METRICS, seed),
        "sic_bd_rates": sic_study.bd_rates(kodak, ("psnr", "lpips", "dists"), sic_study.TWIN, seed),
        "sic_twin_jpeg": curves.compare_at_rate(kodak, [sic_study.TWIN], ["JPEG"], ("psnr", "lpips", "dists"), seed),
    }


class Again:
    """The tables of one folder, with the parameters that its sidecars name."""

    def __init__(self, collection, folder, read, origin):
        self.read, self.folder = read, folder
        self.p = origin(folder, "sic_rates")["parameters"]
        self.photographs = image_collections.load(collection)
        self.tested = taco_study.select_tested(self.photographs, self.p["largest_side"])
        self.judge = encoders.encoder(self.p["encoder"])

    @cached_property
    def levels(self):
        paths = shipped.choose_models(self.p["models"]).values()
        return sic_study.operating_points(paths, self.p["shown_levels"], self.p["seed"])

    @cached_property
    def checkpoints(self):
        return {level.whole.checkpoint.name: level.whole for level in self.levels}

    @property
    def inputs(self):
        models = {f"model {name}": codec.checkpoint.sha256 for name, codec in self.checkpoints.items()}
        return {"collection": self.photographs.fingerprint, "encoder": self.judge.weights_hash, **models}

    @cached_property
    def tables(self):
        shown = self.shown() if self.folder == "figures" else {}  # elsewhere no photograph is committed
        rates = {"sic_level_rates": sic_study.level_rates(self.read(self.folder, "sic_rates"))}
        return {**self.exact(), **rates, **self.measured(), **shown}

    def exact(self):
        return {
            "sic_synonyms": plots_synonyms.synonyms_data(),
            "sic_steps": steps.steps_table(sources.EIGHT),
            "sic_lemma": steps.lemma_table(sources.EIGHT),
            "sic_table1": sic_study.loss_weights(16),
            "sic_parameters": sic_study.parameters(SIZES),
            "sic_training": training_table(
                (codec.checkpoint for codec in self.checkpoints.values()), sic_study.TRAINED_WITH
            ),
        }

    def measured(self):
        names = list(dict.fromkeys(level.name for level in self.levels))[:MEASURED]
        some = [level for level in self.levels if level.name in names and level.level % EVERY == 1]
        first = replace(self.tested, items=self.tested.items[:1])
        coded = [*some, *classical.ladder("jpeg")[::EVERY]]
        rows = evaluate.evaluate(coded, first, ("psnr", "lpips", "dists"), self.judge)
        return {"sic_rates": sic_study.points(rows)}

    def shown(self):
        photograph, p = sic_study.pick_typical(self.tested, self.read(self.folder, "sic_rates")), self.p
        progressive = sic_study.list_progressive(self.levels)
        return {
            "sic_levels": sic_study.decode_levels(photograph, progressive, p["shown_levels"], p["seed"])[1],
            "sic_synset": sic_study.synset(photograph, progressive[0], p["shown_levels"][:-1], p["samples"])[1],
        }
