"""Readings made once more from the committed tables of a data set's folder."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from smicnb.studies.beyond import reading as beyond
from smicnb.studies.frontier import reading as frontier
from smicnb.studies.linearity import reading as linearity
from smicnb.studies.primer import reading as primer
from smicnb.studies.rate_model import reading as rate_model
from smicnb.studies.reconstruction import reading as reconstruction
from smicnb.studies.retrieval import reading as retrieval
from smicnb.studies.separation import reading as separation
from smicnb.studies.sic import reading as sic
from smicnb.studies.state_of_the_art import reading as state_of_the_art
from smicnb.studies.taco import reading as taco

KEPT = "bsds500", "kodak", "embedded"  # whose folder may keep a table that several recipes take


def tell_again(
    figures: Path,
    collection: str,
    notebook: str,
    change: Callable[[str, pd.DataFrame], pd.DataFrame] = lambda _, table: table,
) -> list[str]:
    """The sentences of a notebook's reading, by its committed tables on "embedded", "bsds500" or "kodak"; `change` may
    make another table of one, by its name.
    """

    def table(name: str, of: str = collection) -> pd.DataFrame:
        places = (figures / ("" if data == "embedded" else data) / notebook for data in (of, *KEPT))
        return change(name, pd.read_csv(next(path for place in places if (path := place / f"{name}.csv").is_file())))

    def both(name: str) -> dict[str, pd.DataFrame]:
        return {"bsds500": table(name, "bsds500"), collection: table(name)}

    made = {
        "00": lambda: primer.tell(table("fig1_2_rate_distortion"), table("fig1_1_samples")),
        "01": lambda: linearity.tell(both("linearity_wins"), "inception-fid"),
        "02": lambda: reconstruction.tell_atoms(table("atoms_by_word"), collection),
        "03": lambda: reconstruction.tell(both("atoms_against_baselines"), table("table1_floors"), collection),
        "04": lambda: separation.tell(both("separation_verdicts"), table("separation_scores"), collection),
        "05": lambda: rate_model.tell(
            *map(table, ("fig12_laws", "table3_gain", "table4_rates", "rate_contradictions")), "train", collection
        ),
        "06": lambda: frontier.tell(
            both("fig13_hulls_heldout"),
            *map(table, ("parameter_ranking", "table2_metrics", "table2_floors")),
            collection,
        ),
        "07": lambda: state_of_the_art.tell(
            *map(table, ("sota_matched", "sota_table4", "sota_bd_rates", "sota_floors")), "VVenC intra", collection
        ),
        "08": lambda: taco.tell(
            *map(table, ("taco_verdicts", "taco_beside", "taco_caption_sources", "taco_caption_similarity")), collection
        ),
        "09": lambda: sic.tell(
            *map(table, ("sic_verdicts", "sic_bd_rates", "sic_twin_jpeg", "sic_ranks", "sic_level_rates", "sic_steps")),
            collection,
        ),
        "10": lambda: beyond.tell(
            *map(table, ("beyond_checks", "beyond_sharing_sizes", "beyond_prior", "beyond_parts", "beyond_floors")),
            collection,
        ),
        "11": lambda: retrieval.tell(
            *map(table, ("retrieval_matched", "retrieval_checks", "retrieval_rates", "retrieval_tried")), collection
        ),
    }  # fmt: skip
    return list(made[notebook[:2]]())
