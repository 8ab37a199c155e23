"""What the reproduction came to: a sentence for a row of the map, computed from the committed tables alone."""

import re
from collections.abc import Callable

from smicnb.base import names
from smicnb.base.errors import SmicnbError
from smicnb.repro import verdicts_frontier, verdicts_rates, verdicts_semantics
from smicnb.repro.committed import Tables, Verdict

# To add a verdict: write the function beside its like, name it here and in docs/reproduction.yaml.
VERDICTS: dict[str, Callable[[Tables], Verdict]] = {
    function.__name__: function
    for function in (
        verdicts_semantics.linearity,
        verdicts_semantics.linearity_progressive,
        verdicts_semantics.separation,
        verdicts_semantics.atoms_have_names,
        verdicts_semantics.coefficient_sum,
        verdicts_semantics.decomposition,
        verdicts_semantics.fidelity_grows,
        verdicts_semantics.learned_atoms,
        verdicts_semantics.dictionary_beside_none,
        verdicts_rates.gains,
        verdicts_rates.break_even,
        verdicts_rates.medium_pays_back,
        verdicts_rates.high_pays_back,
        verdicts_rates.null_law,
        verdicts_rates.pipeline,
        verdicts_rates.estimate_and_file,
        verdicts_rates.jpeg_sample,
        verdicts_frontier.hull,
        verdicts_frontier.models_rank,
        verdicts_frontier.gains_of_files,
        verdicts_frontier.importance,
        verdicts_frontier.penalty,
        verdicts_frontier.coarse,
        verdicts_frontier.full_range,
        verdicts_frontier.medium_trades,
    )
}


def verdict(name: str, tables: Tables) -> Verdict:
    """The verdict called `name`: a function of `VERDICTS`, or "audit N", a row of the table of contradictions.

    Raises:
        UnknownNameError: no such verdict.
        SmicnbError: a table is absent, or holds other rows or columns than the verdict needs.
    """
    kind, _, number = name.partition(" ")
    function = names.lookup("verdict", kind, {**VERDICTS, "audit": None})
    try:
        found = verdicts_rates.audit(tables, number) if function is None else function(tables)
        if re.search(r"\bnan\b", found.sentence):
            raise ValueError(f"no number in '{found.sentence}'")
        return found
    except (KeyError, IndexError, ValueError, TypeError) as error:
        read = ", ".join(sorted(tables.read))
        do = "rerun the notebook, or mend the verdict"
        raise SmicnbError(f"verdict '{name}' met {error!r}", f"its rows and columns in {read}", do) from error
