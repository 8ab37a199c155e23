"""What the tables of notebook 06 come to, in sentences that are made from them."""

from collections.abc import Iterator, Mapping

import pandas as pd

from smicnb.compare.images import floors
from smicnb.studies.frontier.sweep import PARAMETERS
from smicnb.studies.sentences import join, name_data, tell_value

FORMULA = "printed_bits"
FILES = {"tuple": "tuples", "entropy": "entropy coding"}


def tell(
    hulls: Mapping[str, pd.DataFrame],
    ranking: pd.DataFrame,
    metrics: pd.DataFrame,
    beside: pd.DataFrame,
    collection: str,
) -> Iterator[str]:
    """Files beside the printed formula, the order of the parameters, the three models, and floors.

    Args:
        hulls: rows of `sweep.hulls`, held-out scenes alone, by the name of the collection.
        ranking: rows of `importance.claim`.
        metrics: rows of `point_files.summarise`.
        beside: rows of `floors.measure`.
        collection: the name of that of all but `hulls`.
    """
    where = name_data(collection)
    for name, table in hulls.items():
        said, settings = [], []
        for accounting in FILES:
            own = table[(table["accounting"] == accounting) & (table["n"] == table["n"].max())]
            settings.append(f"{len(own)} of {FILES[accounting]}")
            said.append(f"{(own[f'{accounting}_bits'] / own[FORMULA]).median():.1f}")
        yield (
            f"A record of a held-out image of {name_data(name)} takes {join(said)} times the bits that Eq. 12 prints "
            f"for the same latents, at the median over settings of hulls ({join(settings)}), without the dictionary."
        )
    orders = ranking["order"].value_counts()
    same = int(ranking["as_claimed"].astype(str).eq("True").sum())
    first = int(ranking["order"].str.startswith(PARAMETERS[0]).sum())
    yield (
        f"By what a hull of {where} loses when one parameter is held, the paper's order ({' > '.join(PARAMETERS)}) is "
        f"that of {same} of {len(ranking)} hulls and {PARAMETERS[0]} comes first on {first}; most often "
        f"({orders.iloc[0]}) it is {orders.index[0]}."
    )
    rows = metrics.set_index(["metric", "split", "model"]).sort_index()
    coded, held = (rows.loc["latent_cosine", split, "medium"] for split in ("train", "heldout"))
    apart = held["high"] < coded["low"]
    yield (
        f"The latent cosine of the medium model is {tell_value(held, form='.3f')} on held-out scenes of {where} and "
        f"{tell_value(coded, form='.3f')} on those that its dictionary was learned from: "
        f"{'less on what it has not seen' if apart else 'the two intervals overlap'}."
    )
    image = rows.loc["image_cosine", "heldout"]
    parts = join(f"{tell_value(image.loc[name], form='.3f')} ({name})" for name in ("low", "medium", "high"))
    none = image.loc["no codec"]
    below = [name for name in ("low", "medium", "high") if image.loc[name, "high"] < none["low"]]
    yield (
        f"After generation the image cosine on held-out scenes of {where} is {parts}, {tell_value(none, form='.3f')} "
        f"for latents that were not coded: the interval of {join(below) if below else 'no model'} lies below that."
    )
    yield from floors.tell(beside, f"held-out scenes of {where}")
