"""The committed tables are what the package computes, and any changed number in them is noticed.

Here a few sizes of the dictionary are computed again from the latents, and everything that follows from other
committed numbers; test_notebooks computes all of it. What was measured on BSDS500 is computed again where its
photographs are. The tolerance is that of `figures.is_same_data`.
"""

import io
import json
import re
import subprocess
from functools import lru_cache
from pathlib import Path

import beyond_goldens
import numpy as np
import pandas as pd
import pytest
import retrieval_goldens
import sic_goldens
import sota_goldens
import taco_goldens
from PIL import Image

from smicnb.base.files import sha256_file
from smicnb.codec.coders.dictionary import SemanticDictionary
from smicnb.codec.rate import LOW, MEDIUM, POINTS
from smicnb.compare.images import floors
from smicnb.repro import figures
from smicnb.semantics.encoders import encoders
from smicnb.semantics.generators.generators import RetrievalGenerator
from smicnb.semantics.metrics import captions
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.spaces import SemanticSpace, normalise
from smicnb.studies import readings
from smicnb.studies.frontier import importance, point_files
from smicnb.studies.frontier import plots as plots_frontier
from smicnb.studies.frontier import sweep as frontier
from smicnb.studies.linearity import measures as linearity
from smicnb.studies.primer import jpeg_model
from smicnb.studies.primer import plots as plots_primer
from smicnb.studies.primer import transform_coding as tc
from smicnb.studies.rate_model import null_proportion
from smicnb.studies.rate_model import plots as plots_rate
from smicnb.studies.rate_model import tables as rate_tables
from smicnb.studies.rate_model.contradictions import contradictions
from smicnb.studies.reconstruction import measures as reconstruction
from smicnb.studies.reconstruction.tables import table1, table2
from smicnb.studies.separation import measures as separation

ROOT = Path(__file__).resolve().parent.parent
SIZES = [2, 8, 32]  # of the dictionaries that are learned here
FOLDERS = ("figures", "figures/bsds500")  # those whose tables of notebooks 00 to 06 are computed again here
OTHERS = (
    sota_goldens,
    taco_goldens,
    sic_goldens,
    beyond_goldens,
    retrieval_goldens,
)  # goldens that have a module of their own
OF_NOTEBOOK = {module.NOTEBOOK: module for module in OTHERS}
PHOTOGRAPHS_SHOWN = (
    *("fig04_addition", "fig04_failures", "fig05_removal", "fig06_learning", "fig07_atoms"),
    *("fig08_reconstructions", "fig09_decomposition", "fig10_separation", "fig14_models"),
)
# Every picture of BSDS500 that may be in the repository: curves, of which none shows a photograph.
PLOTS = (
    *("claim_learned_atoms", "claim_linearity", "claim_separation", "fig12_null_proportion"),
    *("fig12_null_proportion_heldout", "linearity_curves", "separation_scores"),
    *("table1_image_cosine", "table1_latent_cosine", "claim_frontier", "fig13_files", "fig13_hulls"),
    *("fig13_hulls_heldout", "parameter_effects", "parameter_importance"),
)
POINT = ("codec", "setting", "source", "image")  # whose rows stand for themselves in tables of image codecs


def find_figures():
    """(folder of a data set, name) -> (notebook, path without suffix), of each figure and table, by its sidecar.

    Those that show photographs are committed for the embedded collection alone.
    """
    shown, found = {*PHOTOGRAPHS_SHOWN, *(name for module in OTHERS for name in module.PHOTOGRAPHS_SHOWN)}, {}
    for path in sorted((ROOT / "figures").rglob("*.json")):
        notebook, folder = json.loads(path.read_text()).get("notebook"), path.parents[1].relative_to(ROOT).as_posix()
        data = path.with_suffix(".csv").is_file()  # else it is a reading, made of tables
        if notebook and data and (folder == "figures" or path.stem not in shown):
            found[folder, path.stem] = notebook, path.relative_to(ROOT).with_suffix("").as_posix()
    return found


PLACES = find_figures()
FOLDERS_OF = sorted({(book, folder) for (folder, _), (book, _) in PLACES.items()})
OTHERS_IN = [(OF_NOTEBOOK[book], folder) for book, folder in FOLDERS_OF if book in OF_NOTEBOOK]


def place(folder, name):
    """The path of a table or figure of a data set's folder, or of any folder, without suffix."""
    return PLACES.get((folder, name), (None, f"{folder}/{name}"))[1]


def git(repository, *words):
    try:
        done = subprocess.run(["git", *words], cwd=repository, capture_output=True, text=True, timeout=60)
    except OSError:
        pytest.skip("git is not here, and with it no list of what is committed")
    if done.returncode > 1:
        pytest.skip("this is no clone, so that there is no list of what is committed")
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def tracked(repository):
    """All paths that are committed, or would be by `git add`."""
    paths = git(repository, "ls-files", "--cached", "--others", "--exclude-standard")
    return [path for path in paths if (repository / path).is_file()]


@pytest.fixture(scope="module")
def read(repository):
    """(folder, name) -> the committed table."""
    return lambda folder, name: pd.read_csv(repository / f"{place(folder, name)}.csv")


@pytest.fixture(scope="module")
def origin(repository):
    """(folder, name) -> the committed sidecar."""
    return lambda folder, name: json.loads((repository / f"{place(folder, name)}.json").read_text())


def stored(table):
    """A table as the CSV that `write_data` makes of it gives it back."""
    read = pd.read_csv(io.StringIO(table.to_csv(index=False, float_format="%.6g")))
    read.attrs = table.attrs
    return read


def part(committed, again):
    """The rows and columns of a committed table that were computed again."""
    if "image" in again.columns and "n_a=2" in again.columns:  # Fig. 8 has a column for each size
        committed = committed[[name for name in committed.columns if name in again.columns or "=" not in name]]
    for key in ("n_atoms", "n_a", *(POINT if {"bpp", "image"} <= set(again.columns) else ())):
        if key in again.columns and key in committed.columns:
            committed = committed[committed[key].isin(again[key].unique())]
    if keys := again.attrs.get("some_of"):
        rows = set(again[keys].itertuples(index=False, name=None))
        committed = committed[[row in rows for row in committed[keys].itertuples(index=False, name=None)]]
    return committed.reset_index(drop=True)


def agrees(committed, again):
    """Whether a committed table says what was computed again."""
    again = stored(again)
    return len(again) > 0 and figures.is_same_data(part(committed, again), again, slack=False)


# Once more from the committed numbers


def committed_sweep(read, folder):
    """`null_proportion.sweep`'s table, without its empty codes, as it stands behind Fig. 12."""
    parts = [read(folder, name) for name in ("fig12_null_proportion", "fig12_null_proportion_heldout")]
    columns = ["split", "n_atoms", "penalty", "p_null", "images"]
    return pd.concat([table[columns] for table in parts], ignore_index=True).assign(p_empty=np.nan)


def derived(read, folder):
    sweep = committed_sweep(read, folder)
    rivals = read("figures/bsds500", "atoms_against_baselines")
    hulls = read("figures/bsds500", "fig13_hulls_heldout")
    files = read(folder, "model_files")
    return {
        "claim_learned_atoms": rivals[(rivals["metric"] == "latent_cosine") & (rivals["split"] == "heldout")],
        "claim_linearity": read("figures/bsds500", "linearity_wins"),
        "claim_separation": read("figures/bsds500", "separation_verdicts"),
        "fig12_laws": null_proportion.compare_laws(sweep),
        "rate_models": rate_tables.compare_points(sweep, files),
        "table3_gain": rate_tables.table3(sweep, files),
        "table4_rates": rate_tables.table4(sweep, files),
        "claim_frontier": hulls[hulls["n"].isin(plots_frontier.CLAIMED)],
        "table2": table2(read(folder, "table2_metrics"), files),
    }


# Once more from one photograph


def primer(origin):
    p = origin("figures", "transform_coding_rates")["parameters"]
    item = next(item for item in image_collections.load("embedded") if item.id == p["photograph"])
    image, quality = tc.centre_crop(item.image(), p["largest_side"]), p["shown_quality"]
    quantised, rng = tc.encode(image, quality), np.random.default_rng(p["seed"])
    standard, fitted = (
        jpeg_model.huffman_codes(tc.jpeg_bytes(image, quality, fitted=own, restart_marker_rows=1))
        for own in (False, True)
    )
    pictures = {
        f"the photograph at quality {quality}": quantised,
        "coin flips through the tables of Annex K": jpeg_model.sample_code(standard, *quantised.shape[:2], rng),
        "coin flips through the photograph's Huffman tables": jpeg_model.sample_code(fitted, *quantised.shape[:2], rng),
        "each frequency from its own distribution": jpeg_model.sample_frequencies(quantised, rng),
    }
    samples = [{"picture": title, **row} for title, some in pictures.items() for row in jpeg_model.statistics(some)]
    curves = pd.DataFrame(tc.rate_distortion(image, p["qualities"]))
    rates = {"quality": p["qualities"]} | {
        codec: rows["bits_per_pixel"].to_numpy() for codec, rows in curves.groupby("codec", sort=False)
    }
    return {
        "fig1_1_samples": pd.DataFrame(samples),
        "fig1_2_pipeline": plots_primer.block_data(image, quality, tc.busy_block(quantised, share=0.9)),
        "fig1_2_rate_distortion": curves,
        "transform_coding_rates": pd.DataFrame(rates),
    }


# Once more from the latents


class RowGenerator(RetrievalGenerator):
    """Retrieval that hands out a photograph's row in the gallery in place of its pixels."""

    def __init__(self, gallery, latents):
        super().__init__(gallery, latents)
        self._rows = {item.id: np.array(row) for row, item in enumerate(gallery)}

    def generate(self, latents, seeds):
        return [self._rows[item.id] for item in self.nearest(latents)]


class KnownEncoder:
    """An encoder of images that are rows of known latents, or pictures as any; texts are encoded once."""

    def __init__(self, encoder, latents):
        self._encoder, self._latents = encoder, latents
        self.mean = getattr(encoder, "mean", None)
        self.name, self.dim, self.side = encoder.name, encoder.dim, encoder.side
        self.weights_hash = encoder.weights_hash
        self._text = lru_cache(maxsize=None)(lambda texts: encoder.encode_text(list(texts)))

    def encode_images(self, images):
        pictures = list(images)
        if all(image.ndim for image in pictures):
            return self._encoder.encode_images(pictures)
        return self._latents[np.array([int(image) for image in pictures])]

    def encode_text(self, texts):
        return self._text(tuple(texts))


class Again:
    """The notebooks' computations at a few sizes, with the parameters that the sidecars name."""

    def __init__(self, collection, folder, read, origin):
        self.read, self.folder = read, folder
        tables = ("linearity_wins", "atoms_by_word", "table1", "separation_verdicts", "rate_models", "fig13_hulls")
        self.p01, self.p02, self.p03, self.p04, self.p05, self.p06 = (
            origin(folder, name)["parameters"] for name in tables
        )
        self.photographs = image_collections.load(collection)
        self.coded, self.heldout = self.photographs.split("train"), self.photographs.split("heldout")
        gallery = self.photographs.split("gallery")
        encoder = encoders.encoder(self.p02["encoder"])
        shown, self.Z, self.H = (
            encoders.encode_collection(encoder, some) for some in (gallery, self.coded, self.heldout)
        )
        # RowGenerator's images are the first rows; the photographs that are coded follow.
        known = KnownEncoder(encoder, np.concatenate([shown, self.Z, self.H]))
        self.space = SemanticSpace(known, RowGenerator(gallery, shown))
        self.words = image_collections.words()
        judge = encoders.image_encoder(self.p01["judge"])
        encoders.encode_collection(judge, self.coded)
        self.judge = KnownEncoder(judge, encoders.encode_collection(judge, gallery))
        encoders.encode_collection(judge, self.heldout)
        self.readings = readings.Readings(
            self.space,
            {
                "train": [np.array(len(shown) + row) for row in range(len(self.Z))],
                "heldout": [np.array(len(shown) + len(self.Z) + row) for row in range(len(self.H))],
            },
            {"train": [item.scene for item in self.coded], "heldout": [item.scene for item in self.heldout]},
            captions.captioner(self.p03["captioner"], known),
        )

    def tables(self):
        return {
            **self.linear(),
            **self.atoms(),
            **self.reconstructions(),
            **self.parts(),
            **self.separated(),
            **self.nulls(),
            **self.frontier(),
        }

    def linear(self):
        p, scenes = self.p01, [item.scene for item in self.coded]
        add = linearity.pairs_to_add(scenes, p["pairs"], p["seed"])
        remove = linearity.pairs_to_remove(self.Z, scenes, p["pairs"], p["seed"])
        measured = pd.concat(
            linearity.measure(self.space, self.judge, self.coded, pairs, p[factors], p["seed"])
            for pairs, factors in ((add, "added"), (remove, "removed"))
        )
        gains = linearity.gains(measured)
        result = {
            "linearity_curves": linearity.curves(measured, p["seed"]),
            "linearity_wins": linearity.wins(gains),
        }
        gains = gains[gains["against"] == "third"]
        for name, pairs in (("fig04_addition", add), ("fig05_removal", remove)):
            own = gains[gains["operation"] == pairs.operation]
            order = linearity.ranking(own)
            pair = order[len(order) // 2]
            ids = {"x1": self.coded.items[pairs.first[pair]].id, "x2": self.coded.items[pairs.second[pair]].id}
            result[name] = own[own["pair"] == pair].assign(**ids)
        own = gains[gains["operation"] == "add"]
        worst = linearity.ranking(own)[: p["shown"]]
        result["fig04_failures"] = pd.DataFrame(
            {
                "pair": worst,
                "mean_gain": own.groupby("pair")["gain"].mean()[worst].to_numpy(),
                "x1": [self.coded.items[add.first[pair]].id for pair in worst],
                "x2": [self.coded.items[add.second[pair]].id for pair in worst],
            }
        )
        return result

    def separated(self):
        p = self.p04
        division = separation.divide(self.space, self.words, self.photographs, p["foreign"], p["tested"])
        model = SemanticDictionary(p["n_atoms"], p["penalty"], random_state=p["seed"])
        model.fit(self.space.encode(division.coded))
        parts = separation.split(model, self.space.encode(division.tested), p["seed"])
        for name in ("projection", "residual"):
            parts[f"{name} as generated"] = self.space.encoder.encode_images(
                self.space.generate(parts[name], p["seed"])
            )
        scores = separation.score(self.space, division, parts, p["draws"], p["seed"])
        first = reconstruction.pick_scenes(division.tested, len(division.tested.scenes))
        strange = [row for row in first if division.foreign[row]]
        count = min(p["examples"] - 1, len(strange))
        rows = [strange[k] for k in np.linspace(0, len(strange) - 1, count).astype(int)]
        rows += [row for row in first if not division.foreign[row]][:1]
        named = {
            column: [
                ", ".join(word for word, _ in best)
                for best in self.space.name_latents(parts[name][rows], self.words, 2)
            ]
            for column, name in (("z", "latent"), ("projection", "projection"), ("residual", "residual"))
        }
        ids = [division.tested.items[row].id for row in rows]
        return {
            "separation_scores": separation.summarise(scores, p["seed"]),
            "separation_verdicts": separation.verdicts(scores, p["seed"]),
            "fig10_separation": pd.DataFrame(named).assign(image=ids, foreign=division.foreign[rows]),
        }

    def atoms(self):
        p = self.p02
        model = SemanticDictionary(p["n_atoms"], p["penalty"], random_state=p["seed"]).fit(self.Z)
        codes = model.transform(self.Z)
        named = self.space.name_latents(model.atoms_, self.words, 3)
        table = pd.DataFrame(
            {
                "atom": np.arange(1, p["n_atoms"] + 1),
                "share_of_use": np.abs(codes).sum(axis=0) / np.abs(codes).sum(),
                "images_using_it": np.count_nonzero(codes, axis=0),
                "words": [", ".join(word for word, _ in best) for best in named],
                "cosine_of_first_word": [best[0][1] for best in named],
            }
        )
        nearest = reconstruction.nearest_items(self.coded, self.Z, model.atoms_[: p["shown"]])
        columns = [f"atom{k + 1}" for k in range(p["n_atoms"])]
        return {
            "fig06_learning": pd.DataFrame(codes, columns=columns).assign(scene=[item.scene for item in self.coded]),
            "fig07_atoms": table.head(p["shown"]).assign(nearest=[item.id for item in nearest]),
            "atoms_by_word": table,
        }

    def reconstructions(self):
        p = self.p03
        models = reconstruction.fit_all(self.Z, SIZES, p["penalty"], p["draws"], p["seed"])
        splits = {
            "train": (self.Z, [item.scene for item in self.coded]),
            "heldout": (self.H, [item.scene for item in self.heldout]),
        }
        cosines = reconstruction.cosines(self.space, splits, models, p["generated"], p["seed"], self.readings)
        summary = reconstruction.summarise(cosines, p["seed"])
        half = p["examples"] // 2
        rows = reconstruction.pick_scenes(self.coded, half)
        others = reconstruction.pick_scenes(self.heldout, p["examples"] - half)
        chosen = np.concatenate([self.Z[rows], self.H[others]])
        items = [self.coded.items[row] for row in rows] + [self.heldout.items[row] for row in others]
        kept = {
            f"n_a={size}": latent_cosine(chosen, reconstruction.reconstruct(models["learned", size][0], chosen))
            for size in SIZES
        }
        learned = {
            f"{size} atoms": (np.nan, reconstruction.reconstruct(models["learned", size][0], self.H)) for size in SIZES
        }
        beside = self.floors(learned, p)
        beside.attrs["some_of"] = ["shown"]
        return {
            "table1_floors": beside,
            "table1_latent_cosine": summary[summary["metric"] == "latent_cosine"],
            "table1_image_cosine": summary[summary["metric"] == "image_cosine"],
            "table1_readings": summary[~summary["metric"].isin(["latent_cosine", "image_cosine"])],
            "table1": table1(summary),
            "atoms_against_baselines": reconstruction.differences(cosines, p["seed"]),
            "fig08_reconstructions": pd.DataFrame(kept).assign(image=[item.id for item in items]),
        }

    def floors(self, decoded, p):
        gallery = self.photographs.split("gallery")
        return floors.measure(self.space, gallery, self.heldout, decoded, self.judge, p["seed"], p["generated"])

    def parts(self):
        p = self.p03
        model = reconstruction.model_of("learned", p["decomposition_atoms"], p["decomposition_penalty"], p["seed"])
        model.fit(self.Z)
        fidelity = latent_cosine(self.Z, reconstruction.reconstruct(model, self.Z))
        first = reconstruction.pick_scenes(self.coded, len(self.coded.scenes))
        typical = reconstruction.median_row(fidelity, first)
        table = reconstruction.decomposition(
            model, self.Z[typical], lambda atoms: self.space.nearest_words(atoms, self.words)
        )
        return {"fig09_decomposition": table.head(6).assign(image=self.coded.items[typical].id)}

    def nulls(self):
        p = self.p05
        measured = null_proportion.sweep(
            self.Z, {"heldout": self.H}, SIZES, p["penalties"], p["learning_penalty"], p["seed"], name=p["split"]
        )
        # The law is fitted to all sizes: those not measured here are taken from the committed table.
        sweep = committed_sweep(self.read, self.folder)
        whole = pd.concat([measured, sweep[~sweep["n_atoms"].isin(SIZES)]], ignore_index=True)
        fig12 = {
            split: plots_rate.null_data(measured, null_proportion.fit_measured(whole, split), split)
            for split in ("train", "heldout")
        }
        empty = measured[(measured["n_atoms"] == LOW.n_atoms) & (measured["penalty"] == LOW.penalty)]
        assert len(empty) == 2
        return {
            "fig12_null_proportion": fig12["train"],
            "fig12_null_proportion_heldout": fig12["heldout"],
            "rate_contradictions": contradictions(whole, np.linalg.norm(self.Z, axis=1), p["split"]),
        }

    def frontier(self):
        p, Z, H = self.p06, normalise(self.Z), normalise(self.H)
        values = (p[name] for name in ("n_atoms", "b_dict", "b_coef", "penalties", "learning_penalty"))
        grid = frontier.Grid(*values, 20.0, p["seed"], self.space.encoder.name)
        scenes = {"train": [item.scene for item in self.coded], "heldout": [item.scene for item in self.heldout]}
        points = frontier.sweep(Z, {"heldout": H}, grid, scenes)
        hulls = frontier.hulls(points)
        ranking = importance.ranking(points, hulls)
        rates, decoded = point_files.file_rates(Z, {"heldout": H}, p["seed"])
        splits = {"train": (Z, scenes["train"]), "heldout": (H, scenes["heldout"])}
        metrics = point_files.fidelity(self.space, splits, decoded, p["generated"], p["seed"], self.readings)
        rows = reconstruction.pick_scenes(self.coded, p["examples"] // 2)
        others = reconstruction.pick_scenes(self.heldout, p["examples"] - p["examples"] // 2)
        items = [self.coded.items[row] for row in rows] + [self.heldout.items[row] for row in others]
        kept = {
            model: np.concatenate(
                [
                    latent_cosine(Z[rows], decoded[model, "train"][rows]),
                    latent_cosine(H[others], decoded[model, "heldout"][others]),
                ]
            )
            for model in POINTS
        }
        bits = dict(zip(POINTS, point_files.entropy_bits(rates, "heldout"), strict=True))
        return {
            "table2_floors": self.floors({model: (bits[model], decoded[model, "heldout"]) for model in POINTS}, p),
            "fig13_hulls": hulls[hulls["split"] == "train"],
            "fig13_hulls_heldout": hulls[hulls["split"] == "heldout"],
            "fig13_files": point_files.hull_files(
                hulls[hulls["n_atoms"].isin(SIZES)], Z, {"heldout": H}, grid, self.space.encoder
            ),
            "parameter_effects": frontier.effects(points, MEDIUM.penalty),
            "parameter_importance": ranking,
            "parameter_ranking": importance.claim(ranking),
            "model_files": rates,
            "table2_metrics": point_files.summarise(metrics, p["seed"]),
            "fig14_models": pd.DataFrame(kept).assign(image=[item.id for item in items]),
        }


@pytest.fixture(scope="module")
def collection_of(request):
    """folder -> the collection that it is about; skips where the photographs are not here."""

    def of(folder):
        _, _, name = folder.partition("/")
        return f"{name}:{request.getfixturevalue('shared_data') / name}" if name else "embedded"

    return of


@pytest.fixture(scope="module")
def again(read, origin, collection_of):
    """folder -> the `Again` of its collection."""
    return lru_cache(lambda folder: Again(collection_of(folder), folder, read, origin))


@pytest.fixture(scope="module")
def others(read, origin, collection_of):
    """A module of `OTHERS` and a folder -> its `Again`."""
    return lru_cache(lambda module, folder: module.Again(collection_of(folder), folder, read, origin))


@pytest.fixture(scope="module")
def recomputed(read, origin, again, others):
    """(folder, name) -> the table as the package computes it now."""
    derived_of = lru_cache(lambda folder: derived(read, folder))
    primer_of = lru_cache(lambda folder: primer(origin))
    measured_of = lru_cache(lambda folder: again(folder).tables())
    redrawn_of = lru_cache(lambda module: module.redrawn(read, origin) if hasattr(module, "redrawn") else {})

    def of(folder, name):
        notebook, _ = PLACES[folder, name]
        module = OF_NOTEBOOK.get(notebook)
        if module:  # what follows from committed tables alone takes no photographs
            known = redrawn_of(module) if folder == "figures/kodak" else {}
            return known[name] if name in known else others(module, folder).tables[name]
        if notebook.startswith("00"):
            return primer_of(folder)[name]
        known = derived_of(folder)
        return known[name] if name in known else measured_of(folder)[name]

    return of


@pytest.mark.parametrize(("folder", "name"), PLACES)
def test_committed_numbers_are_those_of_the_package(read, recomputed, folder, name):
    committed, table = read(folder, name), recomputed(folder, name)
    assert agrees(committed, table), part(committed, stored(table)).compare(stored(table))


def changed(value):
    """Another value of the same kind, as a slip or a wrong formula would leave it."""
    if isinstance(value, str):
        digits = list(re.finditer(r"\d", value))
        if not digits:
            return value + "x"
        last = digits[-1]
        return f"{value[: last.start()]}{(int(last[0]) + 5) % 10}{value[last.end() :]}"
    if isinstance(value, int | np.integer):
        return value + max(1, abs(value) // 100)
    return 0.5 if np.isnan(value) else 1.0 if np.isinf(value) else 1.01 * value + np.copysign(0.01, value)


def one_changed(table, row, column):
    """A copy of a table with one value changed."""
    values = list(table[column])
    values[row] = changed(values[row])
    return table.assign(**{column: values})


@pytest.mark.parametrize(("folder", "name"), PLACES)
def test_one_changed_value_is_noticed_in_any_column(read, recomputed, folder, name):
    committed, table = read(folder, name), recomputed(folder, name)
    rows = part(committed.assign(row=range(len(committed))), stored(table))["row"]
    columns = list(part(committed, stored(table)).columns)
    assert len(columns) == len(stored(table).columns)
    unnoticed = [
        (row, column)
        for column in columns
        for row in (rows.iloc[0], rows.iloc[len(rows) // 2], rows.iloc[-1])
        if agrees(one_changed(committed, row, column), table)
    ]
    assert unnoticed == []
    assert not agrees(committed.drop(index=rows.iloc[-1]), table)


@pytest.mark.parametrize("folder", FOLDERS)
def test_sidecars_name_the_data_and_weights_of_now(again, origin, repository, folder):
    now = again(folder)
    inputs = {
        "collection": now.photographs.fingerprint,
        "space": now.space.fingerprint,
        "encoder": now.space.encoder.weights_hash,
        "words": now.words.sha256,
        "judge": now.judge.name,
        "judge_weights": now.judge.weights_hash,
        "readings": now.readings.fingerprint,
    }
    hashes = {item.id: item.content_hash for item in now.photographs}
    for name in (name for (place, name), (book, _) in PLACES.items() if place == folder and book not in OF_NOTEBOOK):
        sidecar = origin(folder, name)
        named = sidecar["made_from"]
        inputs["photograph"] = hashes.get(sidecar["parameters"].get("photograph"))
        tables = {key: sha256_file(repository / key) for key in named if key.endswith(".csv")}
        assert named == {key: (inputs | tables)[key] for key in named}, name
        assert "collection" in named, name


@pytest.mark.parametrize(("module", "folder"), OTHERS_IN)
def test_sidecars_name_the_data_and_models_of_now(others, origin, repository, module, folder):
    inputs, judged = others(module, folder).inputs, getattr(module, "JUDGED", ())
    judge = encoders.image_encoder(floors.JUDGE)
    by = {"judge": judge.name, "judge_weights": judge.weights_hash}
    for name in (name for (place, name), (book, _) in PLACES.items() if (place, book) == (folder, module.NOTEBOOK)):
        named = origin(folder, name)["made_from"]
        tables = {key: sha256_file(repository / key) for key in named if key.endswith(".csv")}
        of = inputs | (by if name in judged else {})
        assert named == ({} if name in getattr(module, "OF_NOTHING", ()) else of | tables), name


# What lies in figures/


def test_figures_lie_in_the_folder_of_their_notebook_each_once(origin, tables_and_pictures, repository):
    """Where several recipes would write the same, the sidecar names the one folder that keeps it."""
    names = [(folder.rpartition("/")[0], name) for folder, name in tables_and_pictures]
    assert len(set(names)) == len(names), "in the folders of one data set a name stands once"
    contents = {}
    for folder, name in tables_and_pictures:
        sidecar, leaf = origin(folder, name), folder.rpartition("/")[2]
        assert sidecar.get("notebook", leaf) == leaf, name
        assert sidecar.get("kept_in", folder) == folder, name
        file = repository / folder / f"{name}.{'csv' if 'csv' in tables_and_pictures[folder, name] else 'md'}"
        contents.setdefault((name, file.read_bytes()), []).append(folder)
    assert len(contents) > 100
    assert [folders for folders in contents.values() if len(folders) > 1] == []


@pytest.fixture(scope="module")
def tables_and_pictures(tracked):
    """(folder, name) -> suffixes of the committed files of that name, in figures/ and below."""
    stems = {}
    for path in (path for path in tracked if path.startswith("figures/")):
        stem, _, suffix = path.rpartition(".")
        folder, _, name = stem.rpartition("/")
        stems.setdefault((folder, name), set()).add(suffix)
    return stems


def test_every_picture_and_table_has_its_data_and_every_reading_its_origin(tables_and_pictures):
    readings = {key for key in tables_and_pictures if key[1].endswith("_reading")}
    assert {frozenset(tables_and_pictures[key] - {"tex"}) for key in tables_and_pictures.keys() - readings} == {
        frozenset({"png", "csv", "json"}),
        frozenset({"md", "csv", "json"}),
    }
    assert {frozenset(tables_and_pictures[key]) for key in readings} == {frozenset({"md", "json"})}


def test_every_folder_of_a_notebook_has_one_reading(tables_and_pictures):
    readings = sorted(folder for folder, name in tables_and_pictures if name.endswith("_reading"))
    assert readings == sorted({place.rpartition("/")[0] for _, place in PLACES.values()})


def test_sidecars_hold_the_hashes_of_the_files_beside_them(repository, origin, tables_and_pictures):
    for (folder, name), suffixes in tables_and_pictures.items():
        sidecar = origin(folder, name)
        assert sidecar["files"] == {
            f"{name}.{suffix}": sha256_file(repository / folder / f"{name}.{suffix}") for suffix in suffixes - {"json"}
        }, name
        assert len(sidecar["caption"]) > 20, name
        assert {"made_from", "versions"} < set(sidecar), name
        assert isinstance(sidecar.get("parameters", sidecar)["seed"], int), name


@pytest.mark.parametrize(("suffix", "write"), [("md", figures.write_markdown), ("tex", figures.write_latex)])
def test_markdown_and_latex_say_what_the_csv_says(repository, origin, tmp_path, tables_and_pictures, suffix, write):
    for folder, name in (stem for stem, suffixes in tables_and_pictures.items() if {suffix, "csv"} <= suffixes):
        table, text = (repository / folder / f"{name}.{kind}" for kind in ("csv", suffix))
        write(tmp_path / "again", table, origin(folder, name)["caption"])
        assert (tmp_path / "again").read_text() == text.read_text(), name


@pytest.mark.parametrize("folder", FOLDERS)
def test_table_1_rounds_the_figures_beside_it(read, folder):
    parts = [read(folder, f"table1_{name}") for name in ("latent_cosine", "image_cosine", "readings")]
    assert agrees(read(folder, "table1"), table1(pd.concat(parts)))


PATH = re.compile(r"""(?:^|[\s"'(=,:])(?:~?/[A-Za-z_.]|[A-Za-z]:\\)""")
WORDS = re.compile(r"file://|localhost", re.IGNORECASE)


def private_text(text):
    """What in a text tells of one machine or of how the work was done."""
    return [match[0] for pattern in (PATH, WORDS) for match in pattern.finditer(text)]


@pytest.mark.parametrize(
    "text",
    ['"bsds500:/data/x"', "in /home/me/smicnb", "(~/photographs", r"C:\figures", "from=/tmp/a"],
)
def test_the_check_for_private_text_can_fail(text):
    assert private_text(text)


def test_figures_hold_no_path_of_a_machine(repository, tracked):
    seen = set()
    for path in tracked:
        if path.startswith("figures/"):
            file = repository / path
            text = json.dumps(Image.open(file).text) if file.suffix == ".png" else file.read_text()
            assert private_text(text) == [], path
            seen.add(file.suffix)
    assert seen - {".tex"} == {".png", ".csv", ".md", ".json"}


def test_no_photograph_of_bsds500_or_kodak_is_committed(repository, origin, tracked):
    suffixes = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".ppm", ".pdf", ".svg")
    pictures = {path for path in tracked if path.lower().endswith(suffixes)}
    theirs = {f"{place('figures/bsds500', name)}.png" for name in PLOTS}
    away = [(module, folder) for module, folder in OTHERS_IN if folder != "figures"]
    theirs |= {f"{place(folder, name)}.png" for module, folder in away for name in module.PLOTS}
    theirs |= {"figures/sic_equal_terms/rates.png", "figures/taco_control/captions.png"}  # curves and intervals
    assert theirs <= pictures
    for path in pictures - theirs:
        folder, _, name = path.rpartition(".")[0].rpartition("/")
        if folder == "tests/helpers/frozen/files":  # of the embedded collection and of noise, as its page says
            continue
        if folder == "docs/notebooks/pictures":  # reduced ones of figures, each of which is looked at here
            assert any(each.endswith(f"/{name.replace('-', '/', 1)}.png") for each in pictures), path
            continue
        assert re.fullmatch(r"figures/(\d\d_\w+|generators|face)", folder), path
        parameters = origin(folder, name).get("parameters", {})  # a tool's sidecar has none
        assert parameters.get("collection", "embedded") == "embedded", path
    text = [path for path in tracked if path.endswith((".md", ".ipynb", ".html", ".json", ".csv"))]
    assert [path for path in text if "data:image" in (repository / path).read_text()] == []
    shown_of = [("figures/bsds500", name) for name in PHOTOGRAPHS_SHOWN]
    shown_of += [(folder, name) for module, folder in away for name in module.PHOTOGRAPHS_SHOWN]
    kept_away = [place("figures", name).replace("figures", folder, 1) for folder, name in shown_of]
    shown = [f"{stem}.{suffix}" for stem in kept_away for suffix in ("png", "pdf", "csv")]
    assert git(repository, "check-ignore", *shown) == shown
