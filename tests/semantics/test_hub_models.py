"""Models of the hub by name: where they are fetched from, and what stands for their numbers."""

import json

import pytest

from smicnb.base.errors import DimensionError, MissingWeightsError, UnknownNameError
from smicnb.semantics import hub_models


@pytest.fixture(scope="module")
def segmenter(tiny_models, tmp_path_factory):
    return tiny_models.segformer(tmp_path_factory.mktemp("models") / "segformer")


def test_every_family_has_its_sources():
    assert set(hub_models.FAMILIES) == {"stable-unclip", "kandinsky22", "blip", "segformer", "clip-iqa"}
    for family in hub_models.FAMILIES:
        found = hub_models.sources(family)
        assert found.candidates
        assert found.licence
        assert found.variable == f"SMICNB_{family.upper().replace('-', '_')}"
        assert any(pattern.endswith(".safetensors") for pattern in found.patterns)
        assert not any(pattern.endswith((".bin", ".ckpt", ".pt", ".py")) for pattern in found.patterns)


def test_a_generator_s_sources_follow_the_dimension():
    small, large = (hub_models.sources("stable-unclip", dim).candidates for dim in (768, 1024))
    assert small == hub_models.sources("stable-unclip").candidates
    assert small[0] == "stabilityai/stable-diffusion-2-1-unclip-small"
    assert not set(small) & set(large)
    assert hub_models.sources("stable-unclip", 5, "some/folder").candidates == ()


@pytest.mark.parametrize(
    ("name", "dim", "message"),
    [
        ("stable-unclip:auto", 384, "takes 768 or 1024 dimensions.* latents of 384; .*none that is registered fits"),
        ("stable-unclip", 384, "'stable-unclip:auto' takes 768 or 1024"),
        ("kandinsky22:auto", 768, "takes 1280 dimensions.*stable-unclip:auto fits"),
        ("stable-unclip:stabilityai/stable-diffusion-2-1-unclip@main", 768, "takes 1024 dimensions"),
    ],
)
def test_a_generator_of_another_dimension_is_told_before_its_files_are_missed(name, dim, message, monkeypatch):
    monkeypatch.delenv("SMICNB_STABLE_UNCLIP", raising=False)
    monkeypatch.delenv("SMICNB_KANDINSKY22", raising=False)
    with pytest.raises(DimensionError, match=message) as caught:
        hub_models.weights_hash(name, dim)
    assert "\n" not in str(caught.value)


def test_a_source_of_one_s_own_may_have_any_dimension(monkeypatch):
    monkeypatch.setenv("SMICNB_KANDINSKY22", "owner/nothing")
    with pytest.raises(MissingWeightsError, match="tried: owner/nothing"):
        hub_models.weights_hash("kandinsky22:auto", 768)


def test_a_folder_is_its_own_source(segmenter):
    assert hub_models.fetch(f"segformer:{segmenter}") == segmenter.resolve()


def test_the_hash_is_of_the_numbers_and_the_configuration(segmenter):
    name = f"segformer:{segmenter}?device=cpu"
    before = hub_models.weights_hash(name)
    assert len(before) == 64
    path = segmenter / "config.json"
    text = path.read_text()
    path.write_text(json.dumps(json.loads(text) | {"semantic_loss_ignore_index": 254}))
    changed = hub_models.weights_hash(name)
    path.write_text(text)
    assert changed != before == hub_models.weights_hash(name)


@pytest.mark.parametrize("name", ["retrieval", "inversion?steps=3", "nearest-words", "none"])
def test_what_comes_from_no_repository_has_no_hash(name):
    assert hub_models.weights_hash(name) == ""


def test_unknown_families_and_absent_models_are_errors():
    with pytest.raises(UnknownNameError, match="did you mean 'segformer'"):
        hub_models.fetch("segformr:auto")
    with pytest.raises(MissingWeightsError, match=r"tried: owner/nothing \(not on this machine\)"):
        hub_models.weights_hash("blip:owner/nothing")
