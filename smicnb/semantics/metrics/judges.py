"""Models of the hub that judge images, loaded through transformers: captioner, segmenter, quality."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from smicnb.semantics import devices
from smicnb.semantics.photographs.images import check_rgb
from smicnb.semantics.selection import Selection
from smicnb.semantics.weights import repositories

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

FILES = ("config.json", "*.json", "*.txt", "model*.safetensors")


@dataclass(frozen=True)
class Family:
    """One kind of judge.

    Args:
        name: the family in a selection ("blip").
        model, processor: names of the classes of transformers that load it.
        candidates: repositories that "auto" tries.
        variable: environment variable that names one to be tried before them.
        licence: licence of every candidate, as its makers state it.
        purpose: one clause for captions: what the judge makes of an image.
    """

    name: str
    model: str
    processor: str
    candidates: tuple[str, ...]
    variable: str
    licence: str
    purpose: str

    @property
    def sources(self) -> repositories.Sources:
        """Where its models come from."""
        return repositories.Sources(self.candidates, self.variable, FILES, self.licence, self.name)


class Judge:
    """A model in evaluation mode with the processor that prepares its input.

    Args:
        family: the classes that load it.
        selection: the source ("auto", a folder, a repository), and the option device.

    Raises:
        MissingWeightsError: no source has it. UnknownNameError: an unknown option. SmicnbError: no such device.
    """

    def __init__(self, family: Family, selection: Selection):
        self.family = family
        self.device = devices.check_device(**selection.settings(device="cpu"))
        self.located = family.sources.locate(selection.source)

    @property
    def name(self) -> str:
        """Family and source, as a table shows them."""
        return f"{self.family.name}:{self.located.source}"

    @cached_property
    def what(self) -> str:
        """One clause for captions; says so where the weights are random."""
        stand_in = self.located.stand_in
        return f"{self.family.purpose} (a stand-in: {stand_in})" if stand_in else self.family.purpose

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """What a record keeps: source, revision, hash of the weights."""
        return {
            "source": self.located.source,
            "revision": self.located.revision or "",
            "weights": repositories.weights_hash(self.located.folder, self.family.sources.patterns),
        }

    @cached_property
    def processor(self) -> Any:
        """Images and texts to the model's input."""
        import transformers

        return repositories.load(getattr(transformers, self.family.processor), self.located.folder, self.name)

    @cached_property
    def model(self) -> "PreTrainedModel":
        """The network in single precision, whatever its files have, without gradients."""
        import transformers

        kind = getattr(transformers, self.family.model)
        return repositories.load_network(kind, self.located.folder, self.name).float().to(self.device)

    def prepared(self, image: np.ndarray, **more: Any) -> dict[str, "torch.Tensor"]:
        """The processor's tensors of an RGB uint8 image H×W×3, and of what else it is given, on the device."""
        check_rgb(image)
        return dict(self.processor(images=[image], return_tensors="pt", **more).to(self.device))
