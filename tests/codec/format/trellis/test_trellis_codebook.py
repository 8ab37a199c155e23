"""The codebook of trellis-coded axes: coefficients of least squares, whatever the axes were rounded to."""

import numpy as np
import pytest
from prior_latents import PRIOR

from smicnb.codec.format import quantise
from smicnb.codec.format.trellis import codebook


def rounded(count, dim, bits):
    """Orthonormal axes (count, dim) as a file of so many bits a dimension has them."""
    axes = np.linalg.qr(np.random.default_rng(count).standard_normal((dim, count)))[0].T
    return quantise.unit_atoms(quantise.atom_levels(axes, bits), bits) / quantise.ATOM_UNIT


@pytest.mark.parametrize("atoms", [PRIOR.axes / quantise.ATOM_UNIT, *(rounded(count, 48, 3) for count in (1, 7, 48))])
def test_coefficients_are_those_of_the_pseudo_inverse(atoms):
    assert codebook.least_squares(atoms[:0]).shape == (atoms.shape[1], 0)
    np.testing.assert_allclose(codebook.least_squares(atoms), np.linalg.pinv(atoms), rtol=0, atol=1e-10)


@pytest.mark.parametrize("apart", [0.0, 1e-13, 1e-9])
def test_axes_that_repeat_one_another_share_their_coefficient(apart):
    atoms = rounded(5, 24, 8)
    atoms[3] = atoms[1] + apart * rounded(1, 24, 8)[0]
    found = codebook.least_squares(atoms)
    np.testing.assert_allclose(found, np.linalg.pinv(atoms), rtol=1e-6, atol=1e-10)
    assert np.isfinite(found).all()
