"""What the trainings of both codecs are tried with."""

import pytest

from smicnb.learned.training import loop
from smicnb.learned.training.photographs import VALIDATED, photographs
from smicnb.semantics.encoders.encoders import encoder


@pytest.fixture(scope="session")
def parts():
    """The same photographs, with captions, to fit and to validate on."""
    return [photographs(["embedded"], VALIDATED, 64, encoder("lite0-minilm"))] * 2


@pytest.fixture
def interrupt(monkeypatch):
    """(training, parts, folder, step) -> the training begins, keeps its state every two steps, and is stopped."""
    monkeypatch.setattr(loop, "KEEP_EVERY", 2)
    take_step = loop.Trainer.take_step

    def stop(training, parts, folder, at):
        def interrupted(self, network, optimisers, number):
            if number == at:
                raise KeyboardInterrupt
            return take_step(self, network, optimisers, number)

        with monkeypatch.context() as patched:
            patched.setattr(loop.Trainer, "take_step", interrupted)
            with pytest.raises(KeyboardInterrupt):
                loop.train([training], *parts, folder)

    return stop
