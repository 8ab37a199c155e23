"""A random TACO and a random SIC as checkpoints, and a photograph to code with them."""

import numpy as np
import pytest
from tiny_sic import TINY as SIC
from tiny_sic import random_sic
from tiny_taco import TINY, random_taco

from smicnb.learned.files import checkpoints, coding
from smicnb.learned.files.shifted import shifted_gaussians
from smicnb.semantics.photographs import image_collections


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("taco") / "tiny.safetensors"
    checkpoints.save(path, "taco", "tiny/any/0", random_taco(TINY), {"validation": {"loss": 1.0}})
    return path


@pytest.fixture(scope="session")
def photograph():
    return image_collections.load("embedded").split("heldout").items[0].image()


@pytest.fixture(scope="module", autouse=True)
def quiet(one_thread):
    """Every test of the learned codecs runs on one thread."""


@pytest.fixture(scope="session", autouse=True)
def compiled():
    """What is compiled at first use is, so that no example of a property waits for it."""
    tables, rows = coding.gaussian_tables(), np.zeros(2, np.int64)
    writer = coding.Writer()
    writer.put(rows, rows, tables)
    coding.Reader(writer.bytes(), 2).take(rows, tables)
    shifted_gaussians().rows(np.ones(2), np.zeros(2))


@pytest.fixture(scope="session")
def tiny_sic(tmp_path_factory):
    path = tmp_path_factory.mktemp("sic") / "tiny.safetensors"
    checkpoints.save(path, "sic", "tiny/any/0", random_sic(SIC), {})
    return path
