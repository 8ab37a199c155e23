"""What the explorer answers, without widgets: an operating point, an image made of atoms, what words find."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from smicnb.base.cache import ArrayCache
from smicnb.base.errors import SmicnbError
from smicnb.codec.coders.coefficients import spread_rows
from smicnb.codec.coders.smic import SMICCodec
from smicnb.codec.format import container, payload
from smicnb.codec.format.codebook import Codebook
from smicnb.codec.format.container import BLOCK_IMAGES, ENTRY, SmicFile
from smicnb.codec.rate import MEDIUM, OperatingPoint
from smicnb.explore.pictures import Picture, Pictures, thumbnails
from smicnb.semantics import spaces
from smicnb.semantics.metrics.captions import NearestWords
from smicnb.semantics.metrics.intervals import upper_hull
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.photographs import image_collections
from smicnb.semantics.photographs.data_sets import DATA_SETS
from smicnb.semantics.photographs.image_collections import Collection, Item
from smicnb.semantics.photographs.images import describe
from smicnb.semantics.spaces import SemanticSpace, normalise
from smicnb.studies.frontier import sweep
from smicnb.studies.frontier.codebooks import Codebooks, codebooks
from smicnb.studies.frontier.sweep import Grid, bits_per_image
from smicnb.studies.reconstruction import measures as reconstruction

SPLITS = {"train": "collection", "heldout": "held-out"}  # sweep's name -> how an image's label begins
OWN = "own"
MOST_IMAGES = 400  # of a split that can be chosen, evenly spread over it
WORDS = 3  # that name a latent


@dataclass(frozen=True)
class Setting:
    """Where the sliders stand: an operating point of the grid, and the size n of the collection (math.inf: any)."""

    n_atoms: int
    penalty: float
    b_dict: int
    b_coef: int
    n: float

    @property
    def point(self) -> OperatingPoint:
        """The codec's part of it."""
        return OperatingPoint(self.n_atoms, self.b_coef, self.b_dict, self.penalty)


class Shown(NamedTuple):
    """An image that can be chosen: its item, its latent (L,) of the grid's norm, its JPEG file."""

    item: Item
    latent: np.ndarray
    jpeg: bytes


@dataclass(frozen=True)
class Cost:
    """What the sweep and the file format say of a setting.

    Args:
        bits: split -> bits per image with the share of what is paid once: the abscissa of Fig. 13.
        cosine: split -> mean latent cosine.
        hull: split -> the fidelity that the hull has at these bits.
        components: what an image of the collection takes in a file of n: payload, dictionary, tables, header, index.
            The payload is the sweep's, which that of a file exceeds by padding: at most 48 bits for 64 images.
    """

    bits: Mapping[str, float]
    cosine: Mapping[str, float]
    hull: Mapping[str, float]
    components: Mapping[str, float]


class Part(NamedTuple):
    """One atom of an image: its number and words, its weight as decoded (0: taken out) and as coded."""

    atom: int
    words: str
    weight: float
    coded: float
    by_hand: bool


@dataclass(frozen=True)
class Answer:
    """An image at a setting, as coded or as changed by hand.

    Args:
        parts: atoms given a weight by hand, then the coded ones, the strongest as coded first.
        payload_bits: length of a file's block that holds this image alone.
        latent: (L,) float32 as decoded; zero where nothing is coded.
        latent_cosine, image_cosine: cosines to the original: of latents, and of the picture's latent.
        words, original_words: nearest to the decoded and to the original latent, with cosines.
        picture: what is generated; None where nothing is coded.
    """

    parts: tuple[Part, ...]
    payload_bits: int
    latent: np.ndarray
    latent_cosine: float
    image_cosine: float
    words: list[tuple[str, float]]
    original_words: list[tuple[str, float]]
    picture: Picture | None


class Explorer:
    """Answers over a sweep that was made beforehand.

    Args:
        names: collection, encoder and generator as the user named them.
        photographs: the collection.
        space: encoder and generator.
        points: `sweep.sweep`'s, of the splits "train" and "heldout".
        books: the codebooks of all points.
    """

    def __init__(
        self,
        names: Mapping[str, str],
        photographs: Collection,
        space: SemanticSpace,
        points: pd.DataFrame,
        books: Codebooks,
    ):
        self.names, self.photographs, self.space, self.books, self.grid = names, photographs, space, books, books.grid
        self.splits = {split: rows.reset_index(drop=True) for split, rows in points.groupby("split", sort=False)}
        self._rows = {
            split: {tuple(row[name] for name in sweep.PARAMETERS): row for row in rows.to_dict("records")}
            for split, rows in self.splits.items()
        }
        images = int(self.splits["train"]["images"].iloc[0])
        self.sizes = tuple(sorted({*sweep.SIZES, images}))
        self.hulls = {(split, n): self._hull(split, n) for split in self.splits for n in self.sizes}
        self.namer = NearestWords(space.encoder, image_collections.words(), WORDS)
        self.namer.directions = ArrayCache("words").get_or_make(
            self.namer.fingerprint, lambda: self.namer.directions
        )  # hundreds of sentences, embedded once ever
        self._text = lru_cache(maxsize=64)(lambda text: space.encoder.encode_text([f"a photo of {text}"]))
        self._text("photograph")  # loads the model, so that the first question need not
        self._atom_words: dict[tuple[int, int], list[str]] = {}
        self.pictures = Pictures(space, self.grid.seed)
        self.images: dict[str, Shown] = {}
        self.own = "photos/"  # the folder that was opened
        for split, label in SPLITS.items():
            self._add_choices(label, photographs.split(split))

    def _hull(self, split: str, n: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, bits and fidelity of the hull of entropy-coded points."""
        points = self.splits[split]
        bits = bits_per_image(points, n, "entropy")
        rows = upper_hull(bits, points["latent_cosine"].to_numpy())
        return rows, bits[rows], points["latent_cosine"].to_numpy()[rows]

    def _add_choices(self, label: str, some: Collection) -> None:
        rows = spread_rows(len(some), MOST_IMAGES)
        chosen = replace(some, items=tuple(some.items[row] for row in rows))
        latents = normalise(self.space.encode(chosen), self.grid.norm)
        for item, latent, small in zip(chosen, latents, thumbnails(chosen), strict=True):
            self.images[f"{label} · {item.id}"] = Shown(item, latent, small)

    def default_point(self) -> Setting:
        """The point of the grid nearest to the paper's medium model, in a collection of 1000."""

        def nearest(values: Sequence[float], wanted: float) -> float:
            return min(values, key=lambda value: abs(math.log(value / wanted)))

        parts = {name: nearest(getattr(self.grid, name), getattr(MEDIUM, name)) for name in ("b_dict", "b_coef")}
        return Setting(
            nearest(self.grid.n_atoms, MEDIUM.n_atoms), nearest(self.grid.penalties, MEDIUM.penalty), **parts, n=1000
        )

    def cost(self, setting: Setting) -> Cost:
        """What the setting costs and keeps."""
        key = tuple(getattr(setting, name) for name in sweep.PARAMETERS)
        rows = {split: rows[key] for split, rows in self._rows.items()}
        share = 0.0 if math.isinf(setting.n) else 1 / setting.n
        every = bits_per_image(pd.DataFrame(list(rows.values())), setting.n, "entropy")
        bits = dict(zip(rows, map(float, every), strict=True))
        codec = SMICCodec.from_codebook(self.books.find(setting.point))
        with SmicFile(container.dump(*codec.sections, [])) as empty:
            once = {part: 8 * share * empty.spent[part] for part in ("dictionary", "tables", "header", "index")}
        blocks = 1 / BLOCK_IMAGES if math.isinf(setting.n) else math.ceil(setting.n / BLOCK_IMAGES) / setting.n
        once["index"] += 8 * ENTRY.itemsize * blocks
        return Cost(
            bits,
            {split: row["latent_cosine"] for split, row in rows.items()},
            {split: float(np.interp(bits[split], *self.hulls[split, setting.n][1:])) for split in rows},
            {"payload": rows["train"]["entropy_bits"], **once},
        )

    def nearest_on_hull(self, setting: Setting) -> Setting:
        """The point of the collection's hull whose bits are nearest, as a ratio, to those of a setting."""
        rows, bits, _ = self.hulls["train", setting.n]
        place = np.argmin(np.abs(np.log(bits / self.cost(setting).bits["train"])))
        row = self.splits["train"].iloc[rows[place]]
        return Setting(int(row["n_atoms"]), float(row["penalty"]), int(row["b_dict"]), int(row["b_coef"]), setting.n)

    def atom_words(self, setting: Setting) -> list[str]:
        """The two nearest words of every atom of a setting's dictionary, as the decoder has it."""
        key = setting.n_atoms, setting.b_dict
        if key not in self._atom_words:
            named = self.namer.name_latents(self.books.find(setting.point).atoms)
            self._atom_words[key] = [", ".join(word for word, _ in some[:2]) for some in named]
        return self._atom_words[key]

    def answer(self, setting: Setting, image: str, by_hand: Mapping[int, float] | None = None) -> Answer:
        """An image of `images` at a setting, coded and decoded as its file would be. By hand atoms are given weights,
        in units of the latents of norm `grid.norm`, quantised like any other; 0 takes one out.
        """
        by_hand, book, shown = by_hand or {}, self.books.find(setting.point), self.images[image]
        levels = SMICCodec.from_codebook(book, refit=True).levels(shown.latent[None])
        coded = self._weights(book, levels)
        for atom, weight in by_hand.items():
            levels[0, atom] = book.quantiser.quantise(weight, self.grid.norm) if weight else payload.NULL
        weights, words = self._weights(book, levels), self.atom_words(setting)
        given = [atom for atom, weight in by_hand.items() if weight or not coded[atom]]
        order = sorted(given) + list(np.argsort(-np.abs(coded), kind="stable"))
        parts = tuple(
            Part(int(atom), words[atom], float(weights[atom]), float(coded[atom]), atom in by_hand)
            for atom in dict.fromkeys(order)
            if coded[atom] or atom in by_hand
        )
        latent = book.reconstruct(levels)[0]
        picture = self.pictures.picture_of(latent)
        seen = np.zeros_like(shown.latent) if picture is None else picture.latent
        now, original = self.namer.name_latents(np.stack([latent, shown.latent]))
        kept, looks = latent_cosine(np.stack([shown.latent] * 2), np.stack([latent, seen]))
        bits = 8 * len(book.encode_payload(levels))
        return Answer(
            parts, bits, latent, float(kept), float(looks), now if picture is not None else [], original, picture
        )

    def _weights(self, book: Codebook, levels: np.ndarray) -> np.ndarray:
        """(n_atoms,) coefficients of levels (1, n_atoms) as decoded, 0 where null."""
        return np.where(levels[0] >= 0, book.quantiser.dequantise(np.maximum(levels[0], 0), self.grid.norm), 0.0)

    def ask(
        self, text: str, setting: Setting, count: int = 6
    ) -> tuple[list[tuple[str, float]], list[tuple[int, float]]]:
        """Which images and which atoms answer to words: (image, cosine) and (atom, cosine), the nearest first."""
        if not text.strip():
            raise SmicnbError("found no words", "one or more, such as 'a castle by the sea'")
        wanted = self._text(text.strip())
        labels, atoms = list(self.images), self.books.find(setting.point).atoms
        latents = np.stack([self.images[label].latent for label in labels])
        by_image, by_atom = (latent_cosine(rows, np.broadcast_to(wanted, rows.shape)) for rows in (latents, atoms))
        images = [(labels[row], float(by_image[row])) for row in np.argsort(-by_image, kind="stable")[:count]]
        return images, [(int(row), float(by_atom[row])) for row in np.argsort(-by_atom, kind="stable")[:count]]

    def open_folder(self, path: str) -> tuple[list[str], str]:
        """Make the images of a folder choosable, in place of those of a folder opened before.

        Args:
            path: a folder, or one of a data set by its name ("folder:PATH", "kodak:PATH").

        Returns:
            Their labels, and what was found and left out, on one line.

        Raises:
            SmicnbError: no such folder, or no usable image in it.
        """
        path = path.strip()
        if not path:
            raise SmicnbError("found no path", "a folder of photographs, such as ~/Pictures")
        named = path.partition(":")[0] in DATA_SETS
        loaded = image_collections.load(path if named else f"folder:{path}")
        before, self.images = self.images, {k: v for k, v in self.images.items() if not k.startswith(f"{OWN} ")}
        try:
            self._add_choices(OWN, loaded)
        except BaseException:
            self.images = before
            raise
        self.own = path
        labels = [label for label in self.images if label.startswith(f"{OWN} ")]
        left_out = f"; left out: {describe(loaded.skipped)}" if loaded.skipped else ""
        return labels, f"{len(labels)} of the folder's {len(loaded)} photographs can be chosen{left_out}"


def prepare(collection: str, encoder: str, generator: str, grid: Grid) -> Explorer:
    """All that is slow, once, for the names of a notebook and what the sliders offer; the next time it is read from the
    cache.
    """
    photographs = image_collections.load(collection)
    reconstruction.check_sizes(grid.n_atoms, photographs.split("train"), parameter="explore.n_atoms")
    space = spaces.space(encoder, generator, photographs.split("gallery"))
    parts = {split: photographs.split(split) for split in SPLITS}
    latents, others = (normalise(space.encode(part), grid.norm) for part in parts.values())
    scenes = {split: [item.scene for item in part] for split, part in parts.items()}
    grid = replace(grid, encoder=space.encoder.name)
    points = sweep.sweep(latents, {"heldout": others}, grid, scenes)
    names = {"collection": collection, "encoder": encoder, "generator": generator}
    return Explorer(names, photographs, space, points, codebooks(latents, grid, space.encoder))
