"""The embedded collection, for all tests of this room."""

import pytest


@pytest.fixture(scope="session")
def embedded():
    from smicnb.semantics.photographs import image_collections

    return image_collections.load("embedded")
