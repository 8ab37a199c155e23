"""What a .smic file holds and what its bits are spent on, for people and for programs."""

from pathlib import Path
from typing import Any

import numpy as np

from smicnb.codec.format import container, priors
from smicnb.codec.format.reader import SmicReader
from smicnb.codec.format.trellis.codebook import OWN_BITS, TrellisCodebook
from smicnb.codec.format.trellis.quantisation import PER_BIT
from smicnb.codec.rate import FileRate

WORDS = 8  # that are shown of a file of words
PARTS = {
    "header": "what the file says of itself",
    "dictionary": "atoms or axes, or the name of the prior that has them",
    "tables": "ranges, scales, mean, entropy models",
    "payload": "coefficients of all images",
    "index": "what finds and checks the blocks",
    "details": "names and sizes of the photographs",
}


def facts(path: Path) -> dict[str, Any]:
    """Everything about a file, as JSON types; every block is read and checked.

    `bits` are of the whole file by what they are spent on. `bits_per_image` leaves names and sizes out;
    `bits_per_pixel` too, over the pixels of the photographs, None where their sizes are not in the file. `words` are
    the words that most images have, and how many have them; none where the coding is another.
    """
    with SmicReader(path) as opened:
        header, spent = opened.header, opened.file.spent
        pixels, sized, named, empty = 0, 0, 0, 0
        atoms = np.zeros(header.n_atoms, np.int64)
        for number in range(opened.file.blocks):
            levels, names, sizes = opened.records(number)
            atoms += (levels >= 0).sum(axis=0)
            empty += int((levels < 0).all(axis=1).sum())
            named += len(names or ())
            sized += len(sizes or ())
            pixels += sum(width * height for width, height in sizes or ())
        coefficients = int(atoms.sum())
        way, words = _way(opened, coefficients), _words(opened, atoms)
        images, blocks, unfinished = len(opened), opened.file.blocks, opened.file.unfinished
    rate = FileRate.from_spent(spent, images, container.most_images(header)) if images else None
    counted = 8 * (sum(spent.values()) - spent["details"])
    return {
        "file": str(path),
        "images": images,
        "blocks": blocks,
        "encoder": header.encoder,
        "weights": header.weights_hash,
        "dim": header.dim,
        "norm": header.norm,
        "n_atoms": header.n_atoms,
        "penalty": header.penalty,
        "b_dict": header.b_dict,
        "b_coef": header.b_coef,
        "coding": header.coding,
        "way": way,
        "words": words,
        "bits": {part: 8 * spent[part] for part in PARTS},
        "bits_per_image": rate and rate.bits_per_image(),
        "bits_per_further_image": rate and rate.image_bits,
        "dictionary_share": rate and rate.dictionary_share(),
        "bits_per_pixel": counted / pixels if images and sized == images else None,
        "coefficients_per_image": coefficients / images if images else None,
        "images_without_coefficients": empty,
        "images_with_names": named,
        "unfinished_bytes": unfinished,
    }


def _way(opened: SmicReader, coefficients: int) -> list[str]:
    """How the images are coded and why, in sentences."""
    header, book, n = opened.header, opened.codebook, max(1, len(opened))
    if isinstance(book, TrellisCodebook):
        coded = f"{len(book.codes)} axes are coded"
        if len(book.codes):
            least, most = (book.codes[[-1, 0]] + 1) / PER_BIT
            coded += f", with trellis codes of {least:g} to {most:g} bits"
        mean = f"the mean is sent, in {8 * len(book.mean)} bits" if book.mean else "the mean is not sent"
        own = len(book.codes) * header.dim * OWN_BITS
        if book.prior is None:
            share = 8 * len(book.dictionary) / n
            why = f"axes: the collection's own, at {header.b_dict} bits a dimension: {share:.1f} bits of each image"
        else:
            why = f"axes: those of the prior '{book.prior.name}', {book.prior.size} bytes that both sides have, of the "
            why += f"{book.prior.what}; as many axes of its own would take some {own / n:.0f} bits of each image"
        return [why, f"coefficients: {coded}; {mean}"]
    each = f", {coefficients / n:.1f} an image" if len(opened) else ""
    atoms = f"{header.n_atoms} atoms of {header.b_dict} bits a dimension"
    if header.coding == "words":
        atoms = f"{header.n_atoms} words that both sides have, so that nothing is sent"
    return [
        f"dictionary: {atoms}, λ = {header.penalty:g}",
        f"coefficients: {header.b_coef} bits, coding '{header.coding}'{each}",
    ]


def _words(opened: SmicReader, atoms: np.ndarray) -> list[tuple[str, int]]:
    """The `WORDS` words that most images have, with their number, of how many have each atom (n_atoms,)."""
    if opened.header.coding != "words":
        return []
    names = priors.find_by_weights(opened.header.weights_hash).words
    return [(names[place], int(atoms[place])) for place in np.argsort(-atoms, kind="stable")[:WORDS] if atoms[place]]


def lines(about: dict[str, Any]) -> list[str]:
    """`facts` for a person."""
    total = sum(about["bits"].values())
    text = [
        f"{about['file']}: {about['images']} images in {about['blocks']} blocks, {total // 8} bytes",
        f"encoder: {about['encoder']}, weights {about['weights'][:12]}…, L = {about['dim']}, norm {about['norm']:g}",
        *about["way"],
    ]
    if about["words"]:
        text.append("words of most images: " + ", ".join(f"{word} ({images})" for word, images in about["words"]))
    for part, what in PARTS.items():
        bits = about["bits"][part]
        text.append(f"  {part:<10} {bits:>12} bits  {100 * bits / total:5.1f} %  {what}")
    if about["images"]:
        text.append(
            f"an image: {about['bits_per_image']:.1f} bits with its share of the dictionary "
            f"({100 * about['dictionary_share']:.1f} %), {about['bits_per_further_image']:.1f} bits for a further one; "
            "names and sizes apart"
        )
    if about["bits_per_pixel"] is not None:
        text.append(f"bits per pixel: {about['bits_per_pixel']:.3g}, over the photographs' own sizes")
    if about["images_without_coefficients"]:
        text.append(f"{about['images_without_coefficients']} images have no coefficient")
    if about["unfinished_bytes"]:
        text.append(f"{about['unfinished_bytes']} bytes at the end are of an append that was cut off, and are ignored")
    return text


def one_line(path: Path) -> str:
    """Images, bytes and bits per image of a file; no block is read."""
    with container.SmicFile(path) as opened:
        images, spent = len(opened), opened.spent
    counted = 8 * (sum(spent.values()) - spent["details"])
    rate = f", {counted / images:.1f} bits an image (names and sizes apart)" if images else ""
    return f"{path}: {images} images, {sum(spent.values())} bytes{rate}"
