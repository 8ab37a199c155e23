"""The theory of synonyms on random sources: identities hold, inequalities hold, and what is false has its witness."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import DimensionError, SmicnbError
from smicnb.studies.synonyms import sources as synonyms
from smicnb.studies.synonyms import steps
from smicnb.studies.synonyms.sources import EIGHT, Codec, Source

CLOSE = 1e-9


def random_source(rng, size, count):
    labels = np.concatenate([np.arange(count), rng.integers(count, size=size - count)])
    return Source(rng.dirichlet(np.full(size, 0.7)), rng.permutation(labels))


@st.composite
def generators(draw):
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


@st.composite
def sources(draw):
    size = draw(st.integers(1, 9))
    return random_source(draw(generators()), size, draw(st.integers(1, size)))


@st.composite
def codecs(draw):
    """Any encoder, decoder, prior and reconstructed synsets; some rows with zeros."""
    source, rng = draw(sources()), draw(generators())
    size, latents = len(source.synsets), draw(st.integers(1, 5))
    sharp = draw(st.sampled_from([0.05, 1.0]))
    encoder, decoder = (rng.dirichlet(np.full(k, sharp), n) for n, k in ((size, latents), (latents, size)))
    synsets = random_source(rng, size, draw(st.integers(1, size))).synsets
    return Codec(source, encoder, decoder, rng.dirichlet(np.ones(latents)), synsets)


def test_entropies_of_a_source_worked_by_hand():
    source = Source([0.5, 0.25, 0.125, 0.125], [0, 0, 1, 1])
    assert source.entropy == pytest.approx(1.75)
    assert source.semantic_entropy == pytest.approx(-0.75 * np.log2(0.75) - 0.25 * np.log2(0.25))
    np.testing.assert_allclose(source.conditionals, [[2 / 3, 1 / 3, 0, 0], [0, 0, 0.5, 0.5]])


@given(sources())
def test_entropy_is_semantic_entropy_and_that_of_the_details(source):
    details = source.synset_probabilities @ [synonyms.entropy(row) for row in source.conditionals]
    assert source.entropy == pytest.approx(source.semantic_entropy + details, abs=CLOSE)
    assert source.semantic_entropy <= source.entropy + CLOSE
    alone = source.merge(np.arange(len(source.synsets)))
    assert alone.semantic_entropy == pytest.approx(source.entropy, abs=CLOSE)


def least_partial_semantic_kl(source):
    """The q of least D_KL,s and that least in bits, by Gibbs' inequality: q takes each symbol as its synset's share."""
    weights = source.synset_probabilities[source.synsets]
    return weights / weights.sum(), -np.log2(weights.sum())


@given(sources(), generators())
def test_partial_semantic_kl_is_below_kl_and_above_its_least(source, rng):
    q = rng.dirichlet(np.full(len(source.synsets), 0.7))
    partial = synonyms.partial_semantic_kl(q, source)
    within = source.conditionals[source.synsets, np.arange(len(q))]
    plain = synonyms.relative_entropy(q, source.probabilities)
    assert partial <= plain + CLOSE
    assert partial == pytest.approx(plain + q @ np.log2(within), abs=CLOSE)
    synsets = synonyms.relative_entropy(q @ source.members, source.synset_probabilities)
    inside = synonyms.entropy(q) - synonyms.entropy(q @ source.members)
    assert partial == pytest.approx(synsets - inside, abs=CLOSE)
    best, least = least_partial_semantic_kl(source)
    assert synonyms.partial_semantic_kl(best, source) == pytest.approx(least, abs=CLOSE)
    assert least <= partial + CLOSE


def test_the_least_partial_semantic_kl_is_not_at_the_source():
    at_source = synonyms.partial_semantic_kl(EIGHT.probabilities, EIGHT)
    best, least = least_partial_semantic_kl(EIGHT)
    assert at_source == pytest.approx(-(EIGHT.entropy - EIGHT.semantic_entropy))
    assert least < at_source - 0.2
    assert np.abs(best @ EIGHT.members - EIGHT.synset_probabilities).max() > 0.1
    np.testing.assert_allclose(synonyms.tilt(EIGHT, 1), best)
    np.testing.assert_allclose(synonyms.tilt(EIGHT, 0), EIGHT.probabilities)


@given(codecs())
def test_semantic_information_is_at_most_the_mutual_information(codec):
    down = synonyms.down_semantic_information(codec.joint, codec.source.members, codec.reconstructed.members)
    assert down <= synonyms.mutual_information(codec.joint) + CLOSE


@given(codecs())
@settings(max_examples=200)
def test_steps_hold_for_any_codec_as_their_column_says(codec):
    table = steps.steps(codec).set_index("step")
    always = table["holds"].isin([steps.EXACT, steps.BOUND])
    assert table.loc[always, "met"].all()
    excess = table["left_bits"] - table["right_bits"]
    assert (excess[["rate", "encoder"]] > -CLOSE).all()


@given(sources())
def test_every_condition_is_met_by_the_ideal_codec(source):
    table = steps.steps(Codec.ideal(source)).set_index("step")
    assert table.loc[table["holds"] == steps.CONDITION, "met"].all()
    assert table.loc["rate", "left_bits"] == pytest.approx(source.semantic_entropy, abs=CLOSE)
    assert table.loc["single", "left_bits"] == pytest.approx(table.loc["single", "right_bits"], abs=CLOSE)


@pytest.mark.parametrize(
    ("broken", "change"),
    [
        ("rate", {"prior": np.full(4, 0.25)}),
        ("decoder", {"decoder": 0.5 * EIGHT.conditionals + 0.5 * EIGHT.conditionals[::-1]}),
        ("encoder", {"encoder": 0.9 * EIGHT.members + 0.025}),
        ("ideal", {"encoder": np.eye(8), "decoder": np.eye(8), "synsets": np.arange(8)}),
    ],
)
def test_conditions_fail_where_they_are_broken(broken, change):
    codec = Codec(**{"source": EIGHT, "encoder": EIGHT.members, "decoder": EIGHT.conditionals, **change})
    assert not steps.steps(codec).set_index("step").loc[broken, "met"]


def test_down_semantic_information_is_no_least_rate():
    table = steps.steps(Codec.ideal(EIGHT)).set_index("step")
    down = table.loc["whole", "right_bits"]
    assert down == pytest.approx(3 * EIGHT.semantic_entropy - 2 * EIGHT.entropy)
    assert down < 0 < EIGHT.semantic_entropy
    assert not table.loc[["nonnegative", "least"], "met"].any()


def test_drawn_details_leave_both_informations_equal_however_many_there_are():
    """The equality that A.2 reserves for reconstructed synsets of one sample."""
    table = steps.steps(Codec.ideal(EIGHT)).set_index("step")
    assert table.loc["single", "left_bits"] == pytest.approx(table.loc["single", "right_bits"])
    finer = Codec(EIGHT, np.eye(8), np.eye(8))  # sends the details too
    table = steps.steps(finer).set_index("step")
    assert table.loc["single", "left_bits"] < table.loc["single", "right_bits"] - 1


def toy_model(rng, source, latents=3, details=2):
    size, count = len(source.synsets), source.synsets.max() + 1
    q = rng.dirichlet(np.ones(latents * details), size).reshape(size, latents, details)
    return q, rng.dirichlet(np.ones(count), latents), rng.dirichlet(np.ones(latents))


@given(generators())
def test_the_variational_identity_is_exact_and_its_constant_is_the_encoders_only(rng):
    source = random_source(rng, 7, 3)
    q, likelihood, prior = toy_model(rng, source)
    found = steps.variational(source, q, likelihood, prior)
    assert found["left"] == pytest.approx(found["right"], abs=CLOSE)
    assert found["left"] == pytest.approx(found["synonymous"] - found["details"], abs=CLOSE)
    assert found["synonymous"] >= -CLOSE
    other = steps.variational(source, toy_model(rng, source)[0], likelihood, prior)
    assert other["constant"] == pytest.approx(found["constant"], abs=CLOSE)
    moved = steps.variational(source, q, likelihood[:, ::-1], prior)
    assert abs(moved["constant"] - found["constant"]) > 1e-6
    sure = q.sum(axis=2, keepdims=True)  # one detail: as the unit noise, no entropy
    found = steps.variational(source, sure, likelihood, prior)
    assert found["left"] == pytest.approx(found["synonymous"], abs=CLOSE)


def test_partial_semantic_kl_of_an_encoder_can_be_negative():
    q = np.full((8, 1, 4), 0.25)  # one y_s, so that only the details are left
    found = steps.variational(EIGHT, q, EIGHT.synset_probabilities[None], np.ones(1))
    assert found["left"] == pytest.approx(-2)


@given(generators())
def test_the_bound_of_lemma_3_2_holds_no_divergence(rng):
    source = random_source(rng, 7, 3)
    found = steps.lemma(source, rng.dirichlet(np.ones(7), 3))
    other = steps.lemma(source, rng.dirichlet(np.ones(7), 3))
    assert -CLOSE <= found["likelihood"] <= found["bound_d"] + CLOSE <= found["bound_e"] + 2 * CLOSE
    assert found["source_constant"] >= -CLOSE
    for name in ("source_constant", "fourth"):
        assert found[name] == pytest.approx(other[name], abs=CLOSE)
    fixed = found["bound_d"] - found["first"]  # so that bounding is minimising the distortion term alone
    assert fixed == pytest.approx(source.semantic_entropy - source.entropy, abs=CLOSE)


def test_the_two_sides_of_lemma_3_2_have_different_minima():
    table = steps.lemma_table(EIGHT).set_index("decoder")
    np.testing.assert_allclose(table["likelihood"], 0, atol=CLOSE)
    np.testing.assert_allclose(table["bound_d"], 0, atol=CLOSE)
    assert table.loc["as the source", "divergence"] == pytest.approx(0, abs=CLOSE)
    assert table.loc["evenly", "divergence"] > 0.1
    assert table.loc["most probable", "divergence"] == np.inf
    assert table["second"].idxmin() == "most probable"  # Eq. 26 would take the worst for the best
    assert table.loc["most probable", "second"] == pytest.approx(EIGHT.semantic_entropy - EIGHT.entropy)


def test_levels_fall_from_entropy_to_nothing():
    levels = [synonyms.grid(block) for block in synonyms.BLOCKS]
    semantic = np.array([level.semantic_entropy for level in levels])
    assert semantic[0] == pytest.approx(levels[0].entropy)
    assert semantic[-1] == 0
    assert (np.diff(semantic) < -0.5).all()
    for fine, coarse in itertools.pairwise(levels):
        assert (np.count_nonzero(fine.members.T @ coarse.members, axis=1) == 1).all()


def test_bad_sources_and_codecs_are_refused():
    with pytest.raises(SmicnbError, match="no probabilities"):
        Source([0.5, 0.6], [0, 1])
    with pytest.raises(SmicnbError, match="without members"):
        Source([0.5, 0.5], [0, 2])
    with pytest.raises(DimensionError):
        Source([0.5, 0.5], [0])
    with pytest.raises(DimensionError):
        Codec(EIGHT, np.eye(4), np.eye(4))
    with pytest.raises(DimensionError):
        synonyms.partial_semantic_kl(np.ones(1), EIGHT)
    with pytest.raises(SmicnbError, match="3×3"):
        synonyms.grid((3, 3))
