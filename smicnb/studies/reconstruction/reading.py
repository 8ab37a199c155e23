"""What the tables of notebooks 02 and 03 come to, in sentences that are made from them."""

from collections.abc import Iterator, Mapping

import pandas as pd

from smicnb.compare.images import floors
from smicnb.studies.sentences import count, name_data, tell_value

RIVALS = {"pca": "PCA", "exemplars": "random photographs as atoms"}
PCA_DEBIASED = "pca, debiased codes"
METRICS = {"latent_cosine": "latent cosine", "image_cosine": "image cosine"}
AHEAD, BEHIND = "learned ahead", "learned behind"


def tell_atoms(table: pd.DataFrame, collection: str) -> Iterator[str]:
    """Notebook 02: how well words name atoms, and how evenly atoms are used.

    Args:
        table: a row for each atom: share_of_use, images_using_it, words, cosine_of_first_word.
        collection: the name of the coded one.
    """
    where, cosines = f"of {name_data(collection)}", table["cosine_of_first_word"]
    first = table["words"].str.partition(", ")[0]
    best, worst = cosines.idxmax(), cosines.idxmin()
    yield (
        f"The cosine of an atom {where} and its nearest word is {cosines.median():.3f} at the median of {len(table)}, "
        f"from {cosines[worst]:.3f} ('{first[worst]}') to {cosines[best]:.3f} ('{first[best]}')."
    )
    alike = first.duplicated(keep=False)
    shared = f"Names do not tell all atoms apart: {int(alike.sum())} {where} share their nearest word"
    yield f"{shared}." if alike.any() else f"No two atoms {where} have the same nearest word."
    share, even = table["share_of_use"], 1 / len(table)
    most, least = share.max() / even, share.min() / even
    yield (
        f"The most used atom {where} holds {100 * share.max():.1f} % of all coefficients' magnitude, {most:.2f} times "
        f"an even share, and the least used {100 * share.min():.1f} %, {least:.2f} times."
    )
    used = table["images_using_it"]
    yield f"An atom {where} serves {used.median():.0f} images at the median, {used.min()} to {used.max()}."


def tell(differences: Mapping[str, pd.DataFrame], beside: pd.DataFrame, collection: str) -> Iterator[str]:
    """Notebook 03: learned atoms against their rivals on held-out scenes, and floors.

    Args:
        differences: rows of `measures.differences`, by the name of the collection.
        beside: rows of `floors.measure`.
        collection: the name of that of `beside`.
    """
    for name, table in differences.items():
        for against, rival in RIVALS.items():
            said = [_tell_sizes(table, against, metric, words) for metric, words in METRICS.items()]
            if against == "pca":
                said.append(_tell_sizes(table, PCA_DEBIASED, "latent_cosine", "latent cosine of debiased codes"))
            yield f"On held-out scenes of {name_data(name)}, learned atoms against {rival} are {'; '.join(said)}."
    yield from floors.tell(beside, f"held-out scenes of {name_data(collection)}")


def _tell_sizes(table: pd.DataFrame, against: str, metric: str, words: str) -> str:
    own = table[(table["split"] == "heldout") & (table["against"] == against) & (table["metric"] == metric)]
    own = own.sort_values("n_atoms")
    last = own.iloc[-1]
    sizes = count(own["verdict"], "sizes", AHEAD, BEHIND)
    return f"by {words} {sizes} ({tell_value(last)} with {last['n_atoms']} vectors)"
