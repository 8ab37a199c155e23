"""Floors and a ceiling of image cosine: what it comes to where next to nothing was coded, seen by two judges.

A decoder that holds a gallery can be told a photograph of it by its number, or show any, or a grey frame. What a coder
keeps counts for something only where it is above these. One judge is the encoder whose latents are coded; the other,
`JUDGE`, had no part in making latents or pictures.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from smicnb.base.errors import IntegrityError
from smicnb.base.progress import progress
from smicnb.codec.coders.coefficients import spread_rows
from smicnb.compare.verdicts import Outcome, judge_interval
from smicnb.semantics.encoders import inception
from smicnb.semantics.encoders.encoders import ImageEncoder, encode_collection
from smicnb.semantics.generators.generators import RetrievalGenerator
from smicnb.semantics.metrics.captions import NearestWords
from smicnb.semantics.metrics.intervals import bootstrap_mean
from smicnb.semantics.metrics.pairs import latent_cosine
from smicnb.semantics.photographs.image_collections import Collection, Item
from smicnb.semantics.photographs.words import words
from smicnb.semantics.spaces import SemanticSpace, normalise

Picture = np.ndarray | Item  # RGB uint8 H×W×3, or a photograph of the gallery
Shown = tuple[np.ndarray, list[list[Picture]]]  # bits of n records, NaN where there is none; n pictures for each draw
JUDGE = inception.NAME
COSINES = ("image_cosine", "judge_cosine")  # by the encoder whose latents are coded, and by `JUDGE`
JUDGES = ("the encoder that was coded", JUDGE)  # as sentences name them
RANDOM, GREY, INDEX, CEILING = "random photograph", "grey frame", "gallery index", "not coded"
COUNTS = (1, 3, 8)  # of words in a caption
CAPTIONS = {count: f"{count} word{'s' if count > 1 else ''}" for count in COUNTS}
FLOORS = (RANDOM, GREY, *CAPTIONS.values(), INDEX)
DRAWS = 5  # random photographs for an image, whose cosines are averaged
SIDE, LEVEL = 64, 128  # of a grey frame, in pixels, and its grey


def pack_digits(digits: Sequence[int], base: int) -> bytes:
    """Digits below `base`, the highest first, as a number in as few whole bytes as hold any so many digits."""
    number = 0
    for digit in digits:
        number = number * base + digit
    return number.to_bytes(_size_of(len(digits), base))


def unpack_digits(data: bytes, count: int, base: int) -> list[int]:
    """The `count` digits below `base` of such a number; raises IntegrityError where it is none."""
    number, digits = int.from_bytes(data), []
    if len(data) != _size_of(count, base) or number >= base**count:
        raise IntegrityError(f"found {data[:16]!r}", f"a number below {base**count} in {_size_of(count, base)} bytes")
    for _ in range(count):
        number, digit = divmod(number, base)
        digits.append(digit)
    return digits[::-1]


def _size_of(count: int, base: int) -> int:
    return -(-(base**count - 1).bit_length() // 8)


class GalleryIndex:
    """The number of the gallery photograph whose latent is nearest in angle, as a coder of latents
    (`generated.Records`): both sides have the photographs, in one order. `latents` are (len(gallery), L).
    """

    once = b""

    def __init__(self, latents: np.ndarray):
        self._directions = normalise(latents, 1.0)

    def pack(self, Z: np.ndarray) -> bytes:
        """The number that is nearest to one latent (1, L), the first of equals."""
        return pack_digits([int(np.argmax(Z @ self._directions.T))], len(self._directions))

    def unpack(self, data: bytes) -> np.ndarray:
        """The latent (1, L) of that photograph."""
        return self._directions[unpack_digits(data, 1, len(self._directions))]


class CaptionWords:
    """The nearest `count` words of a vocabulary that both sides have, by their numbers: a caption as a coder of latents
    (`generated.Records`). What is decoded is the sum of the words' directions, each of them centred on all words':
    on the embedded collection it finds nearer photographs than the latent of the sentence.

    Args:
        captioner: names at least `count` words.
        count: words of a caption.
    """

    once = b""

    def __init__(self, captioner: NearestWords, count: int):
        self._captioner, self._count = captioner, count
        self._numbers = {word: number for number, word in enumerate(captioner.vocabulary)}

    def pack(self, Z: np.ndarray) -> bytes:
        """The words of one latent (1, L), the nearest first."""
        (named,) = self._captioner.name_latents(Z)
        return pack_digits([self._numbers[word] for word, _ in named[: self._count]], len(self._numbers))

    def unpack(self, data: bytes) -> np.ndarray:
        """The latent (1, L) of the caption."""
        return self._captioner.directions[self._read(data)].sum(axis=0, keepdims=True)

    def _read(self, data: bytes) -> list[int]:
        return unpack_digits(data, self._count, len(self._numbers))


class Floors:
    """What a decoder shows that was told next to nothing.

    Args:
        space: encoder, and the generator whose ceiling is asked for.
        gallery: photographs that both sides have, whatever the generator.
        seed: seed of random photographs, and of the generator.
    """

    def __init__(self, space: SemanticSpace, gallery: Collection, seed: int):
        self._space, self._seed, self._latents = space, seed, space.encode(gallery)
        self._gallery = RetrievalGenerator(gallery, self._latents)
        captioner = NearestWords(space.encoder, words(), max(COUNTS))
        self._records = {name: CaptionWords(captioner, count) for count, name in CAPTIONS.items()}
        self._records[INDEX] = GalleryIndex(self._latents)

    def show(self, Z: np.ndarray) -> dict[str, Shown]:
        """Floors and the ceiling, in this order, for latents (n, L) that were not coded."""
        rng, nothing = np.random.default_rng(self._seed), np.zeros(len(Z))
        drawn = [rng.integers(0, len(self._latents), len(Z)) for _ in range(DRAWS)]
        frame = np.full((SIDE, SIDE, 3), LEVEL, np.uint8)
        shown = {
            RANDOM: (nothing, [self._gallery.nearest(self._latents[rows]) for rows in drawn]),
            GREY: (nothing, [[frame] * len(Z)]),
        }
        for name, coder in self._records.items():
            files = [coder.pack(latent[None]) for latent in Z]
            decoded = np.concatenate([coder.unpack(data) for data in files])
            shown[name] = np.array([8.0 * len(data) for data in files]), [self._gallery.nearest(decoded)]
        shown[CEILING] = np.full(len(Z), np.nan), [self.generate(Z)]
        return shown

    def generate(self, latents: np.ndarray) -> list[Picture]:
        """What the generator makes of latents (n, L): items of the gallery where it retrieves them."""
        if isinstance(self._space.generator, RetrievalGenerator):
            return self._space.generator.nearest(latents)
        return self._space.generate(latents, self._seed)


class Judge:
    """An encoder that looks at pictures beside the originals, whose latents are (n, L).

    Args:
        encoder: images to latents.
        originals: what was coded.
        gallery: photographs that may be shown, each encoded once ever.
        centred: whether the gallery's mean latent is taken off: Inception's features are all positive, so that
            unrelated photographs are alike.
    """

    def __init__(self, encoder: ImageEncoder, originals: Collection, gallery: Collection, centred: bool):
        known = encode_collection(encoder, gallery)
        self.centre = known.mean(axis=0) if centred else np.zeros(encoder.dim, np.float32)
        self._encoder = encoder
        self._known = dict(zip((item.id for item in gallery), known - self.centre, strict=True))
        self.originals = encode_collection(encoder, originals) - self.centre

    def encode(self, pictures: Sequence[Picture]) -> np.ndarray:
        """Latents (n, L) of pictures; one array object is encoded once."""
        new = {id(picture): picture for picture in pictures if isinstance(picture, np.ndarray)}
        seen = dict(zip(new, self._encoder.encode_images(new.values()) - self.centre, strict=True)) if new else {}
        return np.stack([seen[id(one)] if id(one) in seen else self._known[one.id] for one in pictures])


def measure(
    space: SemanticSpace,
    gallery: Collection,
    images: Collection,
    decoded: Mapping[str, tuple[float, np.ndarray]],
    judge: ImageEncoder,
    seed: int,
    generated: int | None = None,
) -> pd.DataFrame:
    """Floors, what coders leave of the latents of images, and the ceiling: `summarise`'s table.

    Args:
        space: encoder and generator.
        gallery: photographs that both sides have; those that are retrieved, where the generator retrieves.
        images: what is coded.
        decoded: coder -> (bits of an image, latents (n, L) as decoded).
        judge: who looks at the pictures beside the space's encoder.
        seed: seed of floors, generator and intervals.
        generated: number of images that pictures are made of at most, evenly spread.
    """
    rows, made = spread_rows(len(images), generated or len(images)), Floors(space, gallery, seed)
    judges = [Judge(space.encoder, images, gallery, centred=False), Judge(judge, images, gallery, centred=True)]
    shown = made.show(space.encode(images)[rows])
    ceiling = shown.pop(CEILING)
    for name, (bits, latents) in decoded.items():
        shown[name] = np.full(len(rows), bits), [made.generate(latents[rows])]
    shown[CEILING] = ceiling
    scenes, frames = [images.items[row].scene for row in rows], []
    for name, (bits, draws) in progress(list(shown.items()), "judging floors"):
        values = {
            cosine: np.mean([latent_cosine(who.originals[rows], who.encode(some)) for some in draws], axis=0)
            for cosine, who in zip(COSINES, judges, strict=True)
        }
        frames.append(pd.DataFrame({"shown": name, "scene": scenes, "image": rows, "bits": bits} | values))
    return summarise(pd.concat(frames, ignore_index=True), seed)


def summarise(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Means with 95 % intervals over scenes, and which floors each row is told apart from.

    Args:
        table: a row for each picture: shown, scene, image, bits and `COSINES`; the floors among the rows.
        seed: seed of the bootstrap.

    Returns:
        shown, bits (mean; NaN where none were counted), and for each cosine C: C, C_low, C_high, C_ahead_of and
        C_behind, the floors from which it differs by paired differences whose interval leaves out zero, "none" where
        there is none; images.
    """
    by = {name: rows.set_index("image") for name, rows in table.groupby("shown", sort=False)}
    result = []
    for name, own in by.items():
        row = {"shown": name, "bits": own["bits"].mean()}
        for cosine in COSINES:
            mean, low, high = bootstrap_mean(own[cosine].to_numpy(), own["scene"].to_numpy(), seed)
            told = _told_apart(own, {floor: by[floor] for floor in FLOORS if floor != name}, cosine, seed)
            row |= {cosine: mean, f"{cosine}_low": low, f"{cosine}_high": high}
            row |= {f"{cosine}_{side}": ", ".join(floors) or "none" for side, floors in told.items()}
        result.append(row | {"images": len(own)})
    return pd.DataFrame(result)


def _told_apart(own: pd.DataFrame, floors: Mapping[str, pd.DataFrame], cosine: str, seed: int) -> dict[str, list[str]]:
    """The floors that a row is ahead of, and those that it is behind."""
    told = {"ahead_of": [], "behind": []}
    for floor, rows in floors.items():
        difference = (own[cosine] - rows[cosine]).dropna()
        _, low, high = bootstrap_mean(difference.to_numpy(), own.loc[difference.index, "scene"].to_numpy(), seed)
        verdict = judge_interval(low, high, "ahead_of", "behind")
        if verdict in told:
            told[verdict].append(floor)
    return told


def show(cosine: float) -> str:
    """A cosine with two digits, and no minus before a zero."""
    return f"{round(cosine, 2) + 0.0:.2f}"


def tell(table: pd.DataFrame, where: str) -> Iterator[str]:
    """What a table of `summarise` can and cannot show: a sentence for each judge.

    Args:
        table: the table.
        where: the data set, as the sentence names it.
    """
    rows = table.set_index("shown")
    coders = len(rows) - len(FLOORS) - 1
    for cosine, who in zip(COSINES, JUDGES, strict=True):
        index, known = told_apart(table, cosine, INDEX), told_apart(table, cosine, RANDOM, GREY)
        shown = "of all" if len(index[0]) == coders else "of these alone" if index[0] else "of none"
        random, grey, known_index = (show(rows.loc[name, cosine]) for name in (RANDOM, GREY, INDEX))
        yield (
            f"Judged by {who} on {where}, {len(index[0])} of {coders} rows are ahead of the {INDEX} of "
            f"{rows.loc[INDEX, 'bits']:.0f} bits (cosine {known_index}) and {len(index[1])} behind, so that {shown} is "
            f"it shown that more bits are worth more; {len(known[0])} are ahead of both a {RANDOM} ({random}) and a "
            f"{GREY} ({grey}), which cost nothing."
        )


def told_apart(table: pd.DataFrame, cosine: str, *known: str) -> tuple[list[str], list[str]]:
    """The coders of a table of `summarise` that are ahead of all these floors by one of `COSINES`, and those behind
    one of them.
    """
    coders = table[~table["shown"].isin([*FLOORS, CEILING])]
    above, below = (
        [held(floor in named.split(", ") for floor in known) for named in coders[f"{cosine}_{side}"]]
        for side, held in (("ahead_of", all), ("behind", any))
    )
    return list(coders.loc[above, "shown"]), list(coders.loc[below, "shown"])


def tell_briefly(table: pd.DataFrame, coders: Sequence[str]) -> str:
    """Floors and some rows of a table of `summarise`, by both judges: a clause for a verdict."""
    rows, said = table.set_index("shown"), []
    for cosine, who in zip(COSINES, JUDGES, strict=True):
        values = [f"{name} {show(rows.loc[name, cosine])}" for name in (RANDOM, GREY)]
        for name in (CAPTIONS[COUNTS[1]], INDEX, *coders):
            bits = rows.loc[name, "bits"]
            values.append(f"{name}{f' ({bits:.0f} bits)' if np.isfinite(bits) else ''} {show(rows.loc[name, cosine])}")
        above, below = told_apart(table, cosine, INDEX)
        count = f"ahead of that index {len(above)}, behind it {len(below)} of {len(rows) - len(FLOORS) - 1} rows"
        said.append(f"by {who}: {', '.join(values)}; {count}")
    return "; ".join(said)


def judge_floor(table: pd.DataFrame) -> Outcome:
    """Whether the gallery index is a floor that no coder rises above ("agrees"), by either judge, some do ("partly"),
    or all do.
    """
    coders = len(table) - len(FLOORS) - 1
    above = [len(told_apart(table, cosine, INDEX)[0]) for cosine in COSINES]
    return "agrees" if not any(above) else "differs" if min(above) == coders else "partly"
