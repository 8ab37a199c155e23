"""Coding takes the memory of a few blocks, however many latents there are; and the bytes are those of all at once."""

import tracemalloc

import numpy as np
import prior_latents
import pytest

from smicnb.codec.coders import choice, smic
from smicnb.codec.coders.axes import AxesCodec
from smicnb.codec.coders.smic import SMICCodec
from smicnb.codec.format import container
from smicnb.codec.format.reader import SmicReader
from smicnb.semantics.metrics.pairs import latent_cosine

WHOLE = 1 << 20  # blocks: all at once


@pytest.fixture(scope="module")
def many():
    return prior_latents.images(1500, seed=3).astype(np.float32)


@pytest.mark.parametrize("codec", [AxesCodec(fidelity=100), SMICCodec(4, penalty=2.0)], ids=["axes", "paper"])
def test_blocks_as_they_come_are_those_of_all_at_once(codec, many, monkeypatch):
    names, sizes = [f"{row}.jpg" for row in range(len(many))], [(row + 20, 40) for row in range(len(many))]
    codec.fit(many[:300])
    monkeypatch.setattr(smic, "AT_ONCE", WHOLE)
    whole = codec.encode(many, names, sizes)
    monkeypatch.setattr(smic, "AT_ONCE", 1)
    assert codec.encode(many, names, sizes) == whole


def test_the_way_that_is_chosen_is_that_of_all_at_once(many, monkeypatch):
    found = []
    for at_once in (WHOLE, 1):
        monkeypatch.setattr(smic, "AT_ONCE", at_once)
        found.append(choice.ways(many, cosine=0.5, only=["own"])[0])
    assert found[0].bits == found[1].bits
    assert found[0].latent_cosine == pytest.approx(found[1].latent_cosine, abs=1e-12)
    assert found[0].codec.encode(many) == found[1].codec.encode(many)


def test_of_very_many_the_best_way_is_measured_on_some(many, monkeypatch):
    monkeypatch.setattr(choice, "LEARNED", 200)
    monkeypatch.setattr(choice, "MEASURED", 600)
    way = choice.ways(many, cosine=0.5, only=["own"])[0]
    assert (way.measured, way.at_hand, way.meets) == (600, 1500, True)
    codec = way.codec
    decoded = codec.codebook_.reconstruct(codec.levels(many))
    assert latent_cosine(decoded, many).mean() == pytest.approx(way.latent_cosine, abs=0.01)
    assert 8 * len(codec.encode(many)) / len(many) == pytest.approx(way.bits, rel=0.05)


def test_memory_does_not_grow_with_the_collection(tmp_path):
    codec, rng = SMICCodec(4, penalty=3.0), np.random.default_rng(0)
    few, peaks = rng.standard_normal((4096, 384)).astype(np.float32), []
    codec.fit(few[:200])
    for times in (1, 5):
        Z = np.memmap(tmp_path / f"{times}.bin", np.float32, "w+", shape=(times * len(few), 384))
        Z[:] = np.tile(few, (times, 1))
        target = tmp_path / f"{times}.smic"
        tracemalloc.start()
        container.create(target, *codec.sections, codec.stream(Z))
        container.append(target, codec.stream(Z))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        with SmicReader(target) as opened:
            assert len(opened) == 2 * len(Z)
    assert peaks[1] < 1.1 * peaks[0] < few.nbytes * 3
