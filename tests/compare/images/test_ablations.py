"""Verdicts on ablations: a known gap is found, and noise between seeds is no gap."""

import numpy as np
import pandas as pd
import pytest

from smicnb.base.errors import SmicnbError
from smicnb.compare.images import ablations
from smicnb.compare.images.ablations import Claim
from smicnb.compare.verdicts import DOES_NOT, HOLDS, TOO_FEW


def curves(gain=0.0, seeds=(0, 1), seed_noise=0.0, image_noise=0.0, images=12, slope=-0.1):
    """Points of two variants whose LPIPS falls with log-rate; the whole is better by `gain`."""
    rng = np.random.default_rng(3)
    own = rng.normal(0, 0.05, images)
    rows = []
    for variant in ("full", "part"):
        for seed in seeds:
            shift = seed_noise * (seed - 0.5) - (gain if variant == "full" else 0)
            for image in range(images):
                noise = rng.normal(0, image_noise)
                for setting, rate in (("low", 0.1 + 0.004 * image), ("high", 0.3)):
                    rate *= 1.05 if variant == "part" else 1
                    value = 0.3 + own[image] + slope * np.log(rate) + shift + noise
                    name = f"TACO {variant} (seed {seed})"
                    rows.append((name, setting, "made", f"s{image}", f"i{image}", rate, value, -value))
    return pd.DataFrame(rows, columns=["codec", "setting", "dataset", "scene", "image", "bpp", "lpips", "psnr"])


def test_a_gap_is_measured_at_equal_rate():
    points = curves(gain=0.02)
    gaps = ablations.gaps(points, "TACO full (seed 0)", "TACO part (seed 0)", "lpips")
    np.testing.assert_allclose(gaps["value"], 0.02, atol=1e-9)  # though the second spends 5 % more bits
    back = ablations.gaps(points, "TACO part (seed 0)", "TACO full (seed 0)", "psnr")
    np.testing.assert_allclose(back["value"], -0.02, atol=1e-9)


def test_no_common_rate_is_no_number():
    points = curves()
    points.loc[points["codec"] == "TACO part (seed 0)", "bpp"] *= 10
    assert ablations.gaps(points, "TACO full (seed 0)", "TACO part (seed 0)", "lpips")["value"].isna().all()


CLAIM = [Claim("the part lowers LPIPS", "full", "part", "lpips")]


def verdict(points, claims=CLAIM):
    (row,) = ablations.judge(points, claims, "TACO", 0).to_dict("records")
    return row


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({"gain": 0.02}, HOLDS),
        ({"gain": -0.02}, DOES_NOT),
        ({"gain": 0.02, "seed_noise": 0.03}, TOO_FEW),  # two seeds lie further apart
        ({"gain": 0.002, "image_noise": 0.05}, TOO_FEW),  # images differ too much
        ({"gain": 0.02, "seeds": (0,)}, TOO_FEW),  # nothing is known of seeds
    ],
)
def test_the_rule(about, expected):
    assert verdict(curves(**about))["verdict"] == expected


def test_nothing_is_decided_on_one_seed_of_a_variant_though_another_has_two():
    points = curves(gain=0.02, seed_noise=0.001)
    alone = points[points["codec"] != "TACO part (seed 1)"]
    assert np.isfinite(verdict(alone)["spread"])
    assert (verdict(points)["verdict"], verdict(alone)["verdict"]) == (HOLDS, TOO_FEW)


def test_what_the_row_says():
    row = verdict(curves(gain=0.02, seed_noise=0.01))
    assert row["gap"] == pytest.approx(0.02)
    assert row["spread"] == pytest.approx(0.01)
    assert row["low"] <= row["gap"] <= row["high"]
    assert (row["seeds"], row["images"]) == (2, 12)


def test_equality_is_a_claim_of_its_own():
    claims = [Claim("PSNR stays", "full", "part", "psnr", 0.01, equal=True)]
    assert verdict(curves(gain=0.002), claims)["verdict"] == HOLDS
    assert verdict(curves(gain=0.05), claims)["verdict"] == DOES_NOT
    assert verdict(curves(gain=-0.05), claims)["verdict"] == DOES_NOT
    assert verdict(curves(gain=0.01, image_noise=0.02), claims)["verdict"] == TOO_FEW


def test_a_variant_that_is_absent_is_listed_as_untrained():
    row = verdict(curves(), [Claim("the other lowers LPIPS", "full", "other", "lpips")])
    assert row["verdict"] == "not trained"


def test_names_of_variants():
    assert ablations.seed_of("TACO without-adapter (seed 1)") == ("without-adapter", 1)
    with pytest.raises(SmicnbError, match="FAMILY VARIANT"):
        ablations.seed_of("JPEG")
