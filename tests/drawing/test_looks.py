"""Looks are told apart: by marker, and by colour with any colour vision."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from skimage.color import rgb2lab

from smicnb.drawing import looks
from smicnb.studies.learned_plots import VARIANTS

# What a dichromat sees, in linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
VISION = {
    "all cones": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}
APART = 10  # in CIELAB, where about 2 is just seen


def seen(colour: str, vision: str) -> np.ndarray:
    """CIELAB coordinates of a colour as a kind of vision has it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(VISION[vision]) @ linear, 0, 1)
    back = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(back)


def test_every_codec_of_the_comparison_has_a_look_of_its_own():
    wanted = {"smic", "pca", "exemplars", "jpeg", "jpeg-xl", "avif", "vvc", "hevc", "jpeg2000", "webp", "taco", "sic"}
    assert set(looks.CODECS) >= wanted
    markers = [look["marker"] for look in looks.CODECS.values()]
    assert len(set(markers)) == len(markers)
    assert len({look["label"] for look in looks.CODECS.values()}) == len(markers)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("group", ["KINDS", "ACCOUNTINGS", "CODECS", "LATENT_CODERS", "SENT", "SPLITS"])
def test_colours_stay_apart(group, vision):
    for one, other in itertools.combinations(getattr(looks, group).values(), 2):
        if one["color"] == other["color"]:
            assert one.get("linestyle", "-") != other.get("linestyle", "-")
        else:
            apart = np.linalg.norm(seen(one["color"], vision) - seen(other["color"], vision))
            assert apart > APART, (one, other, apart)


def test_the_measure_can_fail():
    assert np.linalg.norm(seen("#D55E00", "deutan") - seen("#6E8B00", "deutan")) < 2 * APART
    assert np.linalg.norm(seen("#FF0000", "deutan") - seen("#7A6A00", "deutan")) < np.linalg.norm(
        seen("#FF0000", "all cones") - seen("#7A6A00", "all cones")
    )


def test_one_look_wherever_it_is_the_same_thing():
    assert looks.CODECS["smic"]["color"] == looks.ACCOUNTINGS["entropy"]["color"]
    assert looks.CODECS["smic-tuple"]["marker"] == looks.ACCOUNTINGS["tuple"]["marker"]
    assert looks.CODECS["pca"]["marker"] == looks.KINDS["pca"]["marker"]
    for family, variant in (("TACO", "full"), ("SIC", "one-sample")):
        shown, named = VARIANTS[family][variant], looks.CODECS[family.lower()]
        assert (shown["color"], shown["marker"]) == (named["color"], named["marker"])
