"""Curves with known answers, and real files at equal rates."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smicnb.base.errors import SmicnbError, UnknownNameError
from smicnb.compare.images import curves, evaluate
from smicnb.compare.images.classical import Jpeg, WebP
from smicnb.compare.images.curves import bd_rate
from smicnb.semantics.photographs import image_collections

RATES = np.array([0.1, 0.2, 0.5, 1.0])
QUALITY = np.array([25.0, 28.0, 33.0, 36.0])


def points_of(codec, rates, values, images=("a", "b")):
    rows = [
        (codec, str(place), "d", image, image, rate, value)
        for image in images
        for place, (rate, value) in enumerate(zip(rates, values, strict=True))
    ]
    return pd.DataFrame(rows, columns=["codec", "setting", "dataset", "scene", "image", "bpp", "psnr"])


@settings(deadline=None)  # the first example imports SciPy
@given(st.floats(0.05, 20))
def test_a_shifted_curve_has_the_bd_rate_of_its_shift(factor):
    assert bd_rate(factor * RATES, QUALITY, RATES, QUALITY) == pytest.approx(100 * (factor - 1), abs=1e-6)


def test_half_the_bits_are_minus_fifty_percent_whichever_way_is_better():
    assert bd_rate(RATES / 2, QUALITY, RATES, QUALITY) == pytest.approx(-50)
    distance = 1 - QUALITY / 40
    assert bd_rate(RATES / 2, distance, RATES, distance, higher=False) == pytest.approx(-50)
    assert bd_rate(RATES[::-1] / 2, QUALITY[::-1], RATES, QUALITY) == pytest.approx(-50)


def test_bd_rate_of_two_lines_is_the_area_between_them():
    # log-rates q and 2q over qualities 0..1 and 0.5..2: the mean of q over the overlap 0.5..1 is 0.75.
    quality, other = np.linspace(0, 1, 5), np.linspace(0.5, 2, 5)
    assert bd_rate(np.exp(2 * other), other, np.exp(quality), quality) == pytest.approx(100 * np.expm1(0.75))


def test_bd_rate_is_nan_where_curves_do_not_meet():
    assert np.isnan(bd_rate(RATES, QUALITY + 20, RATES, QUALITY))
    assert np.isnan(bd_rate(RATES[:1], QUALITY[:1], RATES, QUALITY))
    assert np.isnan(bd_rate(RATES, np.full(4, 30.0), RATES, QUALITY))


def test_points_that_are_beaten_or_infinite_do_not_bend_the_curve():
    rates, quality = np.append(RATES, [0.3, 3.0]), np.append(QUALITY, [26.0, np.inf])
    assert bd_rate(rates / 2, quality, RATES, QUALITY) == pytest.approx(-50)


def test_at_a_rate_is_on_the_line_over_log_rate_and_nan_outside():
    found = curves.interpolate(points_of("one", [0.1, 0.4], [20.0, 30.0]), "psnr", [0.05, 0.1, 0.2, 0.4, 0.41])
    np.testing.assert_allclose(found[found["image"] == "a"]["value"], [np.nan, 20, 25, 30, np.nan])
    assert list(found.columns) == ["codec", "dataset", "scene", "image", "bpp", "value"]
    assert len(found) == 2 * 5


def test_equal_rates_count_as_their_mean_and_infinite_values_not_at_all():
    found = curves.interpolate(points_of("one", [0.1, 0.1, 0.4, 0.8], [20.0, 22.0, 30.0, np.inf]), "psnr", [0.1, 0.6])
    np.testing.assert_allclose(found["value"], [21, np.nan] * 2)
    nothing = curves.interpolate(points_of("one", [0.1], [np.inf]), "psnr", [0.1])
    assert nothing["value"].isna().all()


def test_means_count_what_they_leave_out():
    table = points_of("one", [0.1], [20.0], images=tuple("abcdef"))
    table["psnr"] = [20.0, 22.0, 24.0, 26.0, np.nan, np.inf]
    (row,) = curves.means(table, "psnr", ["codec"], seed=0).to_dict("records")
    assert row["mean"] == 23
    assert 20 <= row["low"] < 23 < row["high"] <= 26
    assert (row["images"], row["left_out"]) == (4, 2)
    (none,) = curves.means(table[-2:], "psnr", ["codec"], seed=0).to_dict("records")
    assert np.isnan(none["mean"])
    assert (none["images"], none["left_out"]) == (0, 2)


def test_a_difference_is_paired_so_that_hard_images_cancel():
    images = tuple("abcdefgh")
    hard = np.arange(8.0)
    one = points_of("one", [0.1], [0.0], images).assign(psnr=20 + 3 * hard + 1)
    two = points_of("two", [0.1], [0.0], images).assign(psnr=20 + 3 * hard)
    found = curves.difference(one, two[:-1], "psnr", seed=0)
    assert found == {"mean": 1, "low": 1, "high": 1, "images": 7, "left_out": 1}
    with pytest.raises(SmicnbError, match="several rows for 'a'"):
        curves.difference(pd.concat([one, one]), two, "psnr", seed=0)


def test_bd_rates_are_per_image_against_the_anchor():
    table = pd.concat([points_of("anchor", RATES, QUALITY), points_of("half", RATES / 2, QUALITY)])
    found = curves.bd_rates(table, "psnr", "anchor")
    assert list(found["codec"]) == ["half", "half"]
    np.testing.assert_allclose(found["value"], -50)
    with pytest.raises(UnknownNameError, match="did you mean 'anchor'"):
        curves.bd_rates(table, "psnr", "anchr")
    with pytest.raises(UnknownNameError):
        curves.bd_rates(table, "nothing", "anchor")
    distances = table.assign(lpips=1 - table["psnr"] / 40)
    np.testing.assert_allclose(curves.bd_rates(distances, "lpips", "anchor")["value"], -50)


def test_webp_needs_fewer_bits_than_jpeg_on_real_photographs(fresh_cache):
    items = image_collections.load("embedded").items
    collection = image_collections.Collection("some", items[:36:12], "", "", {})
    codecs = [Jpeg(quality) for quality in (5, 20, 50, 80)] + [WebP(quality) for quality in (5, 30, 60, 85)]
    points = evaluate.points(evaluate.evaluate(codecs, collection, ["psnr"]))
    (row,) = curves.means(curves.bd_rates(points, "psnr", "JPEG"), "value", ["codec"], 0).to_dict("records")
    assert row["codec"] == "WebP"
    assert row["images"] == 3
    assert -60 < row["mean"] < -10
    found = curves.interpolate(points, "psnr", [0.7])
    jpeg, webp = (found[found["codec"] == codec] for codec in ("JPEG", "WebP"))
    assert curves.difference(webp, jpeg, "value", seed=0)["mean"] > 0.3


def test_points_beside_a_rival_at_their_own_rate():
    ours = points_of("ours", [0.2], [26.0], ("a",))
    rival = points_of("rival", [0.1, 0.4], [20.0, 30.0], ("a",))
    far = points_of("rival", [0.3, 0.4], [20.0, 30.0], ("far",))
    points = pd.concat([ours, rival, ours.assign(image="far", scene="far"), far])
    (row,) = curves.compare_at_rate(points, ["ours"], ["rival"], ["psnr"], 0).to_dict("records")
    assert (row["images"], row["left_out"], row["better"]) == (1, 1, 1)
    assert (row["bpp"], row["value"]) == (0.2, 26)
    assert row["rival_value"] == pytest.approx(25)  # half of the way, over log(bpp)
    assert row["difference"] == pytest.approx(1)
    assert row["ratio"] == pytest.approx(26 / 25)


def test_lower_is_better_beside_a_rival_where_the_metric_says_so():
    ours, rival = points_of("ours", [0.2], [0.1], ("a",)), points_of("rival", [0.1, 0.4], [0.3, 0.3], ("a",))
    points = pd.concat([ours, rival]).rename(columns={"psnr": "lpips"})
    (row,) = curves.compare_at_rate(points, ["ours"], ["rival"], ["lpips"], 0).to_dict("records")
    assert row["better"] == 1
    assert row["difference"] == pytest.approx(-0.2)
