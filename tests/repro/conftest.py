"""The project's style for tests that draw."""

import checkouts
import matplotlib
import pytest


@pytest.fixture(autouse=True)
def _nobody_is_left_behind():
    yield
    checkouts.end_all()


@pytest.fixture
def style():
    """Figures in the project's style, closed afterwards, and the settings of other tests untouched."""
    import matplotlib.pyplot as plt

    from smicnb.repro import figures

    with matplotlib.rc_context():
        figures.use_style()
        yield
    plt.close("all")
