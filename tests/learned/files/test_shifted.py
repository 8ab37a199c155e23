"""Gaussians about any mean: what their tables lose, and that both sides choose alike."""

import numpy as np
import pytest
from scipy.stats import norm

from smicnb.learned.files import coding
from smicnb.learned.files.coding import Reader, Writer
from smicnb.learned.files.shifted import shifted_gaussians


@pytest.fixture(scope="module")
def gaussians():
    return shifted_gaussians()


def drawn(scale, count=20_000):
    rng = np.random.default_rng(0)
    scales = (scale * np.exp(rng.uniform(-0.07, 0.07, count))).clip(0.11)
    means = rng.uniform(-3, 3, count)
    return scales, means, np.rint(rng.normal(means, scales))


def bits(gaussians, scales, means, values):
    rows, near, mirror = gaussians.rows(scales, means)
    columns = (mirror * (values - near)).astype(int) - gaussians.tables.offsets[rows]
    assert (columns >= 0).all()
    assert (columns < gaussians.tables.sizes[rows] - 2).all()  # the last entry stands for all others
    cdfs = gaussians.tables.cdfs
    return -np.log2((cdfs[rows, columns + 1] - cdfs[rows, columns]) / 2**16).mean()


@pytest.mark.parametrize("scale", [0.11, 0.13, 0.16, 0.2, 0.3, 0.45, 0.7, 1, 1.6, 2.5, 4, 8, 30])
def test_the_tables_cost_less_than_half_a_hundredth_more(gaussians, scale):
    scales, means, values = drawn(scale)
    exact = -np.log2(norm.cdf(values + 0.5, means, scales) - norm.cdf(values - 0.5, means, scales)).mean()
    assert abs(bits(gaussians, scales, means, values) / exact - 1) < 0.005


def test_without_the_fractions_far_more_would_be_lost(gaussians):
    scales, means, values = drawn(0.5)
    near = np.floor(means + 0.5)
    plain = bits(gaussians, scales, near, values)
    assert plain > 1.1 * bits(gaussians, scales, means, values)


def test_the_fraction_is_mirrored_where_it_is_negative(gaussians):
    scales = np.full(2, 0.11)
    rows, near, mirror = gaussians.rows(scales, np.array([2.25, 1.75]))
    assert rows[0] == rows[1] == 16
    assert near.tolist() == [2, 2]
    assert mirror.tolist() == [1, -1]


def test_a_difference_that_rounding_forgives_changes_nothing(gaussians):
    scales, means, _ = drawn(0.3)
    for one, other in zip(gaussians.rows(scales, means), gaussians.rows(scales, means + 1e-12), strict=True):
        assert (one == other).all()


def test_any_integers_come_back(gaussians):
    rng = np.random.default_rng(1)
    scales, means = rng.uniform(0, 300, 500), rng.normal(0, 100, 500)
    values = np.rint(rng.normal(means, 200))
    rows, near, mirror = gaussians.rows(scales, means)
    writer = Writer()
    writer.put(mirror * (values - near), rows, gaussians.tables)
    symbols = Reader(writer.bytes(), 500).take(rows, gaussians.tables)
    assert (near + mirror * symbols == values).all()


def test_every_row_is_the_gaussian_of_its_scale_and_fraction(gaussians):
    scales, tables = coding.scale_table(), gaussians.tables
    assert (gaussians.first == np.cumsum(gaussians.fineness // 2 + 1) - (gaussians.fineness // 2 + 1)).all()
    assert len(tables.sizes) == gaussians.first[-1] + 1
    for scale, first, fine in zip(scales, gaussians.first, gaussians.fineness, strict=True):
        for step in range(fine // 2 + 1):
            row, size, offset = (each[first + step] for each in (tables.cdfs, tables.sizes, tables.offsets))
            edges = norm.cdf(offset + np.arange(size - 1) - 0.5, loc=step / fine, scale=scale)
            np.testing.assert_allclose(row[: size - 1] / 2**16, edges - edges[0], atol=size / 2**16)


def test_tables_made_anew_are_these_here_or_the_kept_ones_count(gaussians, load_tool):
    again, more = load_tool("build_gaussian_tables").shifted_tables()
    assert (again.sizes == gaussians.tables.sizes).all()
    assert np.abs(again.cdfs - gaussians.tables.cdfs).max() <= 1
    assert (more["first"] == gaussians.first).all()
    assert (more["fineness"] == gaussians.fineness).all()
    np.testing.assert_allclose(more["edges"], gaussians.edges)


@pytest.mark.parametrize("mean", [1e300, -np.inf, np.nan])
@pytest.mark.parametrize("scale", [0.0, np.inf, np.nan])
def test_numbers_that_nothing_trained_gives_stay_within_the_tables(mean, scale, gaussians):
    rows, near, mirror = gaussians.rows(np.array([scale]), np.array([mean]))
    assert 0 <= rows[0] < len(gaussians.tables.sizes)
    assert near[0] == 0
    assert mirror[0] == 1
