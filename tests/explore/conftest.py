"""No worker of a run outlives its test."""

import checkouts
import pytest


@pytest.fixture(autouse=True)
def _nobody_is_left_behind():
    yield
    checkouts.end_all()
