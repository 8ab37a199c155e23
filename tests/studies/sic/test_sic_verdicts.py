"""Verdicts on SIC: those on its theory from the exact tables, those on models from tables made for the purpose."""

import pandas as pd
import pytest

from smicnb.compare.verdicts import DOES_NOT, HOLDS, TOO_FEW
from smicnb.studies.committed import Tables
from smicnb.studies.sic import measures
from smicnb.studies.sic import verdicts as verdicts_sic
from smicnb.studies.synonyms import plots, sources, steps

NOTEBOOK = "09_sic_ablations"
ONE, FIVE = "SIC one-sample (seed 0)", "SIC five-samples (seed 0)"


def made(folder):
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def kodak(tmp_path):
    return made(tmp_path / "kodak" / NOTEBOOK)


@pytest.fixture(scope="module")
def theory(tmp_path_factory):
    figures = tmp_path_factory.mktemp("theory")
    folder = made(figures / NOTEBOOK)
    plots.synonyms_data().to_csv(folder / "sic_synonyms.csv", index=False, float_format="%.6g")
    for name, table in {
        "sic_steps": steps.steps_table(sources.EIGHT),
        "sic_lemma": steps.lemma_table(sources.EIGHT),
        "sic_table1": measures.loss_weights(16),
    }.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
    return Tables(figures)


@pytest.mark.parametrize(
    ("name", "outcome", "said"),
    [
        ("sic_rate_distortion", "measured", "R(D)"),
        ("sic_rate_perception", "measured", "more than R(D)"),
        ("sic_semantic_entropy", "agrees", "by members and by synsets"),
        ("sic_partial_divergence", "differs", "-1.02 bits where q = p"),
        ("sic_rate_is_entropy", "under a reading", "a uniform prior"),
        ("sic_lower_bound", "agrees", "above I_s for 5 of 5 codecs"),
        ("sic_lemma", "differs", "over 3 decoders"),
        ("sic_theorem", "partly", "do not reach the least"),
        ("sic_special_cases", "partly", "with synsets of 1 symbol"),
        ("sic_entropy_bound", "agrees", "in 7 of 7 mappings"),
        ("sic_divergence_bound", "agrees", "at 61 of 61 distributions"),
        ("sic_synonymous_part", "agrees", "as an inequality"),
        ("sic_losses", "under a reading", "by their labels"),
    ],
)
def test_the_theory(theory, name, outcome, said):
    found = getattr(verdicts_sic, name)(theory)
    assert found.outcome == outcome
    assert said in found.sentence
    assert found.sentence.isprintable()
    assert not found.sentence.endswith(".")


def test_other_tables_give_other_outcomes(tmp_path, theory):
    changed, folder = theory(f"{NOTEBOOK}/sic_synonyms"), made(tmp_path / NOTEBOOK)
    changed.loc[changed["curve"] == "H_s", "bits"] += 1
    plain = changed.loc[changed["curve"] == "KL", "bits"].to_numpy()
    changed.loc[changed["curve"] == "partial semantic KL", "bits"] = plain
    changed.to_csv(folder / "sic_synonyms.csv", index=False)
    lemma = theory(f"{NOTEBOOK}/sic_lemma")
    lemma["third"] = lemma["divergence"]
    lemma.to_csv(folder / "sic_lemma.csv", index=False)
    tables = Tables(tmp_path)
    assert verdicts_sic.sic_entropy_bound(tables).outcome == "differs"
    assert verdicts_sic.sic_partial_divergence(tables).outcome == "agrees"
    assert verdicts_sic.sic_lemma(tables).outcome == "agrees"


@pytest.mark.parametrize(("bits", "outcome"), [(-verdicts_sic.EQUAL, "agrees"), (-2 * verdicts_sic.EQUAL, "differs")])
def test_what_the_tables_round_away_is_no_difference(tmp_path, theory, bits, outcome):
    changed, folder = theory(f"{NOTEBOOK}/sic_synonyms"), made(tmp_path / NOTEBOOK)
    changed.loc[changed.index[changed["curve"] == "H - H_s"][0], "bits"] = bits
    changed.to_csv(folder / "sic_synonyms.csv", index=False)
    theory(f"{NOTEBOOK}/sic_steps").to_csv(folder / "sic_steps.csv", index=False)
    assert verdicts_sic.sic_synonymous_part(Tables(tmp_path)).outcome == outcome


def judged(**verdicts):
    """`measures.judge_claims`'s rows with these verdicts for claims that start so."""
    rows = []
    for claim in (*measures.LOW_CLAIMS, *measures.CLAIMS):
        verdict = next((each for start, each in verdicts.items() if claim.text.startswith(start)), "not trained")
        numbers = dict.fromkeys(("gap", "low", "high"), None if verdict == "not trained" else 0.01)
        rows.append({"claim": claim.text, "metric": claim.metric, "verdict": verdict, **numbers})
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (HOLDS, "agrees"),
        (DOES_NOT, "differs"),
        (TOO_FEW, "undecided"),
        ("not trained", "undecided"),
    ],
)
def test_statements_on_variants(tmp_path, kodak, verdict, outcome):
    judged(**{"Fig. 5": verdict}).to_csv(kodak / "sic_verdicts.csv", index=False)
    found = verdicts_sic.sic_claims(Tables(tmp_path), "Fig. 5")
    assert found.outcome == outcome
    assert verdict in found.sentence
    assert "nan" not in found.sentence
    for start in ("Fig. 6", "Fig. 19", "Fig. 6 and Fig. 19", "Eq. 44", "Eq. 46", "Sec. 6"):
        assert verdicts_sic.sic_claims(Tables(tmp_path), start).outcome == "undecided"


def test_one_statement_that_holds_of_two_is_partly(tmp_path, kodak):
    table = judged(**{"Fig. 5": HOLDS})
    table.loc[1, "verdict"] = DOES_NOT
    table.to_csv(kodak / "sic_verdicts.csv", index=False)
    assert verdicts_sic.sic_claims(Tables(tmp_path), "Fig. 5").outcome == "partly"


def test_one_model_and_its_twin(tmp_path, kodak):
    estimated = {"estimated_bpp": 0.1, "own_estimated_bpp": 0.1, "images": 24, "own_within": 24}
    levels = pd.DataFrame([{"codec": codec, "level": level, "bpp": 0.1 * level, **estimated}
                           for codec in (ONE, FIVE) for level in range(1, 17)])  # fmt: skip
    levels["estimated_bpp"] *= levels["level"]
    levels.to_csv(kodak / "sic_level_rates.csv", index=False)
    ranks = pd.DataFrame({"codec": ONE, "metric": ["psnr", "dists"], "rho": [0.9, 0.4], "low": [0.8, 0.1]})
    ranks.to_csv(kodak / "sic_ranks.csv", index=False)
    found = verdicts_sic.sic_one_model(Tables(tmp_path))
    assert found.outcome == "agrees"
    assert "16 levels from 0.100 to 1.600 bits per pixel" in found.sentence
    assert "384 of 384 levels" in found.sentence
    assert "the smallest with 6.2 % of them; the last three add 0.100, 0.100, 0.100" in found.sentence
    levels[levels["level"] <= 8].to_csv(kodak / "sic_level_rates.csv", index=False)
    assert verdicts_sic.sic_one_model(Tables(tmp_path)).outcome == "partly"  # the paper's model serves 16
    levels.to_csv(kodak / "sic_level_rates.csv", index=False)
    ranks.assign(low=[0.8, -0.1]).to_csv(kodak / "sic_ranks.csv", index=False)
    assert verdicts_sic.sic_one_model(Tables(tmp_path)).outcome == "partly"
    ranks.to_csv(kodak / "sic_ranks.csv", index=False)
    levels.loc[2, "own_estimated_bpp"] = 0.015  # of 1.6
    levels.to_csv(kodak / "sic_level_rates.csv", index=False)
    assert verdicts_sic.sic_one_model(Tables(tmp_path)).outcome == "partly"
    costs = pd.DataFrame({"codec": [ONE, ONE, FIVE], "metric": ["psnr", "lpips", "psnr"], "mean": [40.4, None, 9],
                          "low": [30, None, 8], "high": [50, None, 10]})  # fmt: skip
    costs.to_csv(kodak / "sic_bd_rates.csv", index=False)
    found = verdicts_sic.sic_twin(Tables(tmp_path))
    assert found.sentence.endswith("+40 % in psnr (+30 to +50)")


@pytest.mark.parametrize(
    ("with_it", "without_it", "outcome"),
    [(0.02, 0.001, "agrees"), (0.02, 0.02, "undecided"), (0.001, 0.001, "undecided")],
)
def test_a_level_that_dies_without_the_warm_up(tmp_path, kodak, with_it, without_it, outcome):
    rows = [
        {"codec": f"SIC {variant} (seed 0)", "level": level, "own_estimated_bpp": own, "estimated_bpp": 0.3}
        for variant, least in (("one-sample", with_it), ("without-warm-up", without_it))
        for level, own in ((1, 0.2), (2, least))
    ]
    pd.DataFrame(rows).to_csv(kodak / "sic_level_rates.csv", index=False)
    found = verdicts_sic.sic_warm_up(Tables(tmp_path))
    assert found.outcome == outcome
    assert f"takes {without_it:.4f} bits per pixel without the warm-up" in found.sentence
