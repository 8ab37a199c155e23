"""Near duplicates: groups of which every two are alike, at thresholds that follow a file's fidelity."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prior_latents import PRIOR, images

from smicnb.base.errors import SmicnbError
from smicnb.codec.coders.axes import AxesCodec
from smicnb.codec.coders.smic import SMICCodec
from smicnb.codec.format.reader import decode
from smicnb.codec.search import duplicates
from smicnb.codec.search.index import SemanticIndex
from smicnb.semantics.metrics.pairs import latent_cosine


@given(st.integers(0, 2**31), st.floats(0.5, 0.999))
@settings(deadline=None, max_examples=20)
def test_every_two_of_a_group_are_alike_and_no_two_groups_could_be_one(seed, above):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((6, 5))[rng.integers(6, size=40)] + 0.3 * rng.standard_normal((40, 5))
    data = AxesCodec(fidelity=70).fit(Z).encode(Z)
    index = SemanticIndex.open(data)
    found = duplicates.find_groups(index, above)
    Y = decode(data)
    cosines = index.scores(Y)
    members = [[hit.image for hit in group.hits] for group in found]
    assert all(len(group) > 1 and group == sorted(group) for group in members)
    assert members == sorted(members)
    assert len(set(itertools.chain(*members))) == sum(map(len, members))
    for group, some in zip(found, members, strict=True):
        lowest = min(cosines[a, b] for a, b in itertools.combinations(some, 2))
        assert group.least == pytest.approx(lowest, abs=1e-6)
        assert group.least >= above
    alone = [[image] for image in range(40) if image not in set(itertools.chain(*members))]
    for one, other in itertools.combinations(members + alone, 2):
        assert min(cosines[a, b] for a in one for b in other) < above + 1e-6


CODECS = {  # with a share that takes no search; each kind with its latents, and how near it has to be
    "prior": ([AxesCodec("prior", fidelity, prior=PRIOR, share=0.2) for fidelity in (86, 94, 102)], images(300), 0.03),
    "own": ([AxesCodec("own", fidelity, prior=PRIOR, share=0.2) for fidelity in (86, 94, 102)], images(300), 0.03),
    "atoms": ([SMICCodec(24, penalty, 8, 10) for penalty in (0.5, 2.0)], images(200) @ np.eye(384)[:, :24], 0.01),
}


@pytest.mark.parametrize("kind", CODECS)
def test_a_file_tells_its_fidelity(kind):
    codecs, Z, near = CODECS[kind]
    for codec in codecs:
        said = SemanticIndex.open(codec.fit(Z).encode(Z)).fidelity()
        assert said == pytest.approx(latent_cosine(codec.reconstruct(Z), Z).mean(), abs=near)


def test_thresholds_rise_with_fidelity_and_are_those_of_the_page(repository):
    fidelities, thresholds = duplicates.chosen()
    assert (np.diff(fidelities) > 0).all()
    assert (np.diff(thresholds) >= 0).all()
    assert 0.5 < thresholds[0] < thresholds[-1] < 1
    page = (repository / "docs" / "search.md").read_text(encoding="utf-8")
    table = page.partition("<!-- choice")[2].partition("<!-- end of choice")[0]
    said = re.findall(r"^\| axes: \w+ \| \d+ \| [\d.]+ \| ([\d.]+) ", table, re.MULTILINE)
    assert sorted(map(float, said)) == fidelities.tolist()
    Z = images(100)
    fine, coarse = (SemanticIndex.open(AxesCodec("prior", f, prior=PRIOR).fit(Z).encode(Z)) for f in (80, 112))
    assert duplicates.threshold(fine) > duplicates.threshold(coarse) == thresholds[0]
    assert duplicates.is_fine_enough(fine)
    assert not duplicates.is_fine_enough(coarse)


def test_more_pairs_than_can_be_kept_are_refused(monkeypatch):
    monkeypatch.setattr(duplicates, "MOST_PAIRS", 100)
    Z = np.ones((20, 5)) + 1e-3 * np.eye(20, 5)
    with pytest.raises(SmicnbError, match="found more than 100 pairs"):
        duplicates.find_groups(SemanticIndex.open(AxesCodec(fidelity=90).fit(Z).encode(Z)), 0.9)
