"""Levels as codecs: files are prefixes of one, they decode to what that one gives, and survive the way to a process."""

import pickle

import numpy as np
import pytest
from tiny_sic import TINY, random_sic

from smicnb.compare.images import evaluate
from smicnb.learned.files import checkpoints
from smicnb.learned.files.sic_codec import SicCodec
from smicnb.learned.files.sic_levels import is_twin, levels_of


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("levels") / "sic-one-sample-all-0.safetensors"
    checkpoints.save(path, "sic", "one-sample/all/0", random_sic(TINY), {})
    return path


def test_levels_are_prefixes_of_one_file(path, photograph):
    levels, whole = levels_of(path, seed=3), SicCodec(path)
    assert [(level.name, level.setting) for level in levels] == [
        ("SIC one-sample (seed 0)", f"level {number}") for number in (1, 2, 3, 4)
    ]
    for image in (photograph[:40, :50], photograph[:33, :20], photograph[:40, :50]):
        data = whole.encode(image)
        for number, level in enumerate(levels, 1):
            assert level.encode(image) == whole.prefix(data, number)
            np.testing.assert_array_equal(level.decode(level.encode(image)), whole.decode(data, number, seed=3))
            assert level.estimate(image) == pytest.approx(whole.estimate(image, number))
    assert len({str(level.fingerprint) for level in [*levels, *levels_of(path)]}) == 8


def test_a_level_goes_to_another_process_by_its_path(path, photograph):
    level = levels_of(path, seed=1)[1]
    again = pickle.loads(pickle.dumps(level))
    assert len(pickle.dumps(level)) < 1000
    assert (again.name, again.setting, again.fingerprint) == (level.name, level.setting, level.fingerprint)
    image = photograph[:20, :30]
    assert again.encode(image) == level.encode(image)


def test_a_twin_has_one_operating_point(tmp_path):
    path = tmp_path / "twin"
    checkpoints.save(path, "sic", "twin/low/0", random_sic(TINY), {"run": {"objective": "rate-distortion"}})
    assert is_twin(path)
    (one,) = levels_of(path)
    assert (one.name, one.setting, one.level) == ("SIC twin (seed 0)", "low", 4)


def test_they_are_measured_as_any_codec(path, fresh_cache):
    from dataclasses import replace

    from smicnb.semantics.photographs import image_collections
    from smicnb.studies.taco.measures import select_tested

    some = select_tested(image_collections.load("embedded"), 64)
    rows = evaluate.evaluate(levels_of(path), replace(some, items=some.items[:1]), ["psnr"])
    assert not len(evaluate.failures(rows))
    assert evaluate.points(rows)["bpp"].is_monotonic_increasing
    assert (rows["rate_kind"] == "estimated").sum() == 2 * 4
