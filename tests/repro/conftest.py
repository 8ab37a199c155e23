"""The project's style for tests that draw."""

import sys

import checkouts
import matplotlib
import pytest


@pytest.fixture(autouse=True)
def _nobody_is_left_behind():
    yield
    checkouts.end_all()


@pytest.fixture(autouse=True)
def _no_figure_is_left_open():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def house_style():
    """Figures in the project's style, and the settings of other tests untouched."""
    from smicnb.drawing import style

    with matplotlib.rc_context():
        style.use_style()
        yield
