"""What the reproduction came to: a sentence for a row of the map, computed from the committed tables alone."""

import re

# Each enters its verdicts.
import smicnb.studies.beyond.verdicts
import smicnb.studies.frontier.verdicts
import smicnb.studies.linearity.verdicts
import smicnb.studies.primer.verdicts
import smicnb.studies.rate_model.verdicts
import smicnb.studies.reconstruction.verdicts
import smicnb.studies.retrieval.verdicts
import smicnb.studies.separation.verdicts
import smicnb.studies.sic.verdicts
import smicnb.studies.state_of_the_art.verdicts
import smicnb.studies.taco.verdicts  # noqa: F401
from smicnb.base import names
from smicnb.base.errors import SmicnbError
from smicnb.studies.committed import VERDICTS, Tables, Verdict


def verdict(name: str, tables: Tables) -> Verdict:
    """The verdict called `name`: a function of `VERDICTS`, and behind a space what it is to be about ("audit 7d").

    Raises:
        UnknownNameError: no such verdict.
        SmicnbError: a table is absent, or holds other rows or columns than the verdict needs.
    """
    kind, _, about = name.partition(" ")
    function = names.lookup("verdict", kind, VERDICTS)
    try:
        found = function(tables, *filter(None, [about]))
        if re.search(r"\bnan\b", found.sentence):
            raise ValueError(f"no number in '{found.sentence}'")
        return found
    except (KeyError, IndexError, ValueError, TypeError) as error:
        read = ", ".join(sorted(tables.read))
        do = "rerun the notebook, or mend the verdict"
        raise SmicnbError(f"verdict '{name}' met {error!r}", f"its rows and columns in {read}", do) from error
