"""A device that is not there is refused by name."""

import pytest
import torch

from smicnb.base.errors import SmicnbError
from smicnb.semantics import devices
from smicnb.semantics.encoders import encoders


def test_the_cpu_is_always_there():
    assert devices.check_device("cpu") == "cpu"


@pytest.mark.parametrize("name", ["gpu", "cuda:x", ""])
def test_what_is_no_device_is_refused(name):
    with pytest.raises(SmicnbError, match="needed: cpu, cuda"):
        devices.check_device(name)


def test_a_device_that_is_not_there_is_refused():
    beyond = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(SmicnbError, match=f"device '{beyond}' was asked for, torch found 1 cpu"):
        devices.check_device(beyond)


def test_an_encoder_is_asked_for_its_device_before_its_weights():
    with pytest.raises(SmicnbError, match="was asked for"):
        encoders.encoder(f"lite0-minilm?device=cuda:{torch.cuda.device_count()}")
