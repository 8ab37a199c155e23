"""What the tables of notebook 01 come to, in sentences that are made from them."""

from collections.abc import Iterator, Mapping

import pandas as pd

from smicnb.studies.linearity.measures import SIDES
from smicnb.studies.sentences import join, name_data, tell_value

OPERATIONS = {"remove": "removing f(x₂) loses x₂ beyond x₁ more", "add": "adding f(x₂) keeps both x₁ and x₂ better"}
DOING = {"add": "adding", "remove": "removing"}
RIVALS = {"third": "a third photograph's latent", "random": "a random latent"}


def tell(wins: Mapping[str, pd.DataFrame], judge: str) -> Iterator[str]:
    """The concept against its two controls, on each collection: what is specific, then how much at the largest λ.

    Args:
        wins: rows of `measures.wins`, by the name of the collection.
        judge: the encoder that looked at the images.
    """
    for name, table in wins.items():
        said, where = [], f"on {name_data(name)}, judged by {judge}"
        for operation, does in OPERATIONS.items():
            parts, total = [], 0
            for against, rival in RIVALS.items():
                own = table[(table["operation"] == operation) & (table["against"] == against)]["specific_verdict"]
                ahead, behind = (int((own == word).sum()) for word in SIDES)
                parts.append(f"than {rival} at {ahead} of {len(own)} λ{f' (less at {behind})' if behind else ''}")
                total += ahead - behind
            said.append((total, f"{where[0].upper()}{where[1:]}, {does} {join(parts)}; else not told apart."))
        yield from (sentence for _, sentence in sorted(said))
        last = table.groupby(["against", "operation"], sort=False).last()
        gains = join(
            f"over {rival} "
            + join(
                f"{tell_value(last.loc[(against, operation)], 'gain')} {doing} (λ = "
                f"{last.loc[(against, operation), 'factor']:g})"
                for operation, doing in DOING.items()
            )
            for against, rival in RIVALS.items()
        )
        yield f"{where[0].upper()}{where[1:]}, the gain of cosine to x₂ is {gains}."
