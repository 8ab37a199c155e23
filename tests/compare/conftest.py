"""The embedded collection, for all tests of this room."""

import pytest


@pytest.fixture(scope="session")
def embedded():
    from smicnb.semantics import collections

    return collections.load("embedded")
