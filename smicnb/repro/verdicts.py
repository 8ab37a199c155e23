"""What the reproduction came to: a sentence for a row of the map, computed from the committed tables alone."""

import re
from collections.abc import Callable

from smicnb.base import names
from smicnb.base.errors import SmicnbError
from smicnb.repro import (
    verdicts_frontier,
    verdicts_rates,
    verdicts_semantics,
    verdicts_sic,
    verdicts_sota,
    verdicts_taco,
)
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
        verdicts_sota.break_even_of_records,
        verdicts_sota.lower_rates,
        verdicts_taco.taco_parameters,
        verdicts_taco.taco_fewer_parameters,
        verdicts_taco.taco_cost,
        verdicts_taco.taco_four_times,
        verdicts_taco.taco_on_kodak,
        verdicts_taco.taco_psnr_near,
        verdicts_taco.taco_best_lpips,
        verdicts_taco.taco_captions,
        verdicts_taco.taco_captions_kept,
        verdicts_sic.sic_rate_distortion,
        verdicts_sic.sic_rate_perception,
        verdicts_sic.sic_semantic_entropy,
        verdicts_sic.sic_partial_divergence,
        verdicts_sic.sic_rate_is_entropy,
        verdicts_sic.sic_lower_bound,
        verdicts_sic.sic_lemma,
        verdicts_sic.sic_theorem,
        verdicts_sic.sic_special_cases,
        verdicts_sic.sic_entropy_bound,
        verdicts_sic.sic_divergence_bound,
        verdicts_sic.sic_synonymous_part,
        verdicts_sic.sic_losses,
        verdicts_sic.sic_one_model,
        verdicts_sic.sic_twin,
        verdicts_sic.sic_warm_up,
    )
}


# Verdicts on one of several rows or statements, which stands behind the name: "audit 7d".
ABOUT: dict[str, Callable[[Tables, str], Verdict]] = {
    function.__name__: function for function in (verdicts_rates.audit, verdicts_taco.taco_part, verdicts_sic.sic_claims)
}


def verdict(name: str, tables: Tables) -> Verdict:
    """The verdict called `name`: a function of `VERDICTS`, or one of `ABOUT` and what it is to be about.

    Raises:
        UnknownNameError: no such verdict.
        SmicnbError: a table is absent, or holds other rows or columns than the verdict needs.
    """
    kind, _, about = name.partition(" ")
    function = names.lookup("verdict", kind, VERDICTS | ABOUT)
    try:
        found = function(tables, about) if kind in ABOUT else function(tables)
        if re.search(r"\bnan\b", found.sentence):
            raise ValueError(f"no number in '{found.sentence}'")
        return found
    except (KeyError, IndexError, ValueError, TypeError) as error:
        read = ", ".join(sorted(tables.read))
        do = "rerun the notebook, or mend the verdict"
        raise SmicnbError(f"verdict '{name}' met {error!r}", f"its rows and columns in {read}", do) from error
