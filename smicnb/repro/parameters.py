"""The parameters of every notebook: a model each, with bounds and units, mirrored by its `parameters` cell."""

from typing import Annotated, Any, ClassVar, Literal, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from smicnb.base import names
from smicnb.base.bounds import MOST_SEED
from smicnb.base.errors import SmicnbError

T = TypeVar("T")


def _printable(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError("not printable")
    return text


def _increasing(values: list[T]) -> list[T]:
    if not values or sorted(set(values)) != values:
        raise ValueError("not increasing")
    return values


Increasing = Annotated[list[T], AfterValidator(_increasing), Field(min_length=1)]
Text = Annotated[str, AfterValidator(_printable)]
Atoms = Annotated[int, Field(ge=1, le=4096, description="atoms of a dictionary, n_a")]
Bits = Annotated[int, Field(ge=1, le=16, description="bits of a quantised number")]
# A latent has a norm of about 20: from there on, λ leaves no coefficient.
Penalty = Annotated[float, Field(ge=1e-3, le=20, description="λ of Eq. 7 and 8, for latents of norm 20")]
Factor = Annotated[float, Field(ge=1e-3, le=100, description="factor of a latent, no unit")]
Images = Annotated[int, Field(ge=1, le=1_000_000, description="images at most")]
Shown = Annotated[int, Field(ge=1, le=100, description="rows or pictures of a figure")]
Examples = Annotated[int, Field(ge=2, le=100, description="photographs of a figure")]
Draws = Annotated[int, Field(ge=1, le=1000, description="random draws")]
Quality = Annotated[int, Field(ge=1, le=100, description="quality of JPEG")]
Level = Annotated[int, Field(ge=1, le=255, description="level of SIC")]
Pixels = Annotated[int, Field(ge=8, le=16384, description="pixels of a side")]
Seed = Annotated[int, Field(ge=0, le=MOST_SEED, description="of everything random")]

PENALTIES = [0.05, 0.063, 0.08, 0.1, 0.125, 0.16, 0.2, 0.25, 0.315, 0.4,
             0.5, 0.63, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0]  # fmt: skip
SIZES = [2, 4, 8, 16, 32, 64, 128]


class Parameters(BaseModel):
    """Values of a notebook's parameters, all plain JSON types.

    Tuples, arrays and numpy's numbers become lists and numbers, whole numbers may stand for others. Nothing
    else is converted: a number in quotes and a Path are refused.

    Raises:
        UnknownNameError: a name that the notebook has not; says which one was probably meant.
        SmicnbError: a value of another type or out of its bounds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    notebook: ClassVar[str]

    def __init__(self, **values: Any):
        try:
            super().__init__(**{name: plain(value) for name, value in values.items()})
        except ValidationError as error:
            raise self._refusal(error.errors(include_url=False)) from None

    @classmethod
    def _refusal(cls, mistakes: list[dict[str, Any]]) -> SmicnbError:
        """The first mistake as one line; an unknown name goes before a wrong value."""
        mistake = min(mistakes, key=lambda mistake: mistake["type"] != "extra_forbidden")
        name, value = mistake["loc"][0], mistake["input"]
        if mistake["type"] == "extra_forbidden":
            return names.unknown(f"parameter of {cls.notebook}", name, cls.model_fields)
        found = f"parameter {name} got {value!r}"
        if mistake["type"].endswith("_type"):
            found += f" of type {type(value).__name__}"
        return SmicnbError(found, f"{_words(cls.schema_of(name))}, such as {cls.model_fields[name].default!r}")

    @classmethod
    def schema_of(cls, name: str) -> dict[str, Any]:
        """The JSON schema of one parameter: type, bounds, description with unit, default."""
        return cls.model_json_schema()["properties"][name]


def plain(value: Any) -> Any:
    """`value` with tuples and arrays as lists and numpy's numbers as Python's; all else as it is."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value


def _words(schema: dict[str, Any]) -> str:
    """What a JSON schema asks for, in words: "a whole number from 1 to 16"."""
    if schema.get("type") == "array":
        return f"a list that increases, each {_words(schema.get('items', {}))}"
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    kinds = {"integer": "a whole number", "number": "a number", "string": "printable text", "boolean": "true or false"}
    words = kinds.get(schema.get("type", ""), "a plain value")
    return f"{words} from {schema['minimum']:.10g} to {schema['maximum']:.10g}" if "minimum" in schema else words


class OnCollection(Parameters):
    """What notebooks on a collection of photographs begin with."""

    collection: Text = "embedded"
    encoder: Text = "lite0-minilm"


class InSpace(OnCollection):
    """And those that make pictures of latents."""

    generator: Text = "retrieval"


class Primer(Parameters):
    """00: JPEG on one photograph."""

    notebook = "00_transform_coding_primer"
    photograph: Text = "coffee/coffee.png#full"
    largest_side: Pixels = 512
    qualities: Increasing[Quality] = [5, 10, 20, 30, 50, 70, 80, 90, 95]
    shown_quality: Quality = 50
    seed: Seed = 1


class Linearity(InSpace):
    """01: latents added and subtracted; the paper's λ is i/4 and i/8, i = 1 … 8."""

    notebook = "01_clip_linearity"
    judge: Text = "inception-fid"
    added: Increasing[Factor] = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
    removed: Increasing[Factor] = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0]
    pairs: Annotated[int, Field(ge=1, le=100_000, description="pairs of images")] = 60
    shown: Shown = 3
    seed: Seed = 1


class Dictionary(InSpace):
    """02: the dictionary and its atoms."""

    notebook = "02_dictionary_atoms"
    n_atoms: Atoms = 32
    penalty: Penalty = 0.5
    shown: Shown = 10
    seed: Seed = 1


class Reconstruction(InSpace):
    """03: images from a semantic dictionary."""

    notebook = "03_reconstruction"
    captioner: Text = "nearest-words"
    segmenter: Text = "none"
    quality: Text = "none"
    n_atoms: Increasing[Atoms] = SIZES
    penalty: Penalty = 0.5
    draws: Draws = 5
    generated: Images = 1000
    examples: Examples = 4
    decomposition_atoms: Atoms = 32
    decomposition_penalty: Penalty = 0.75
    seed: Seed = 1


class Separation(InSpace):
    """04: what a dictionary knows and what it does not."""

    notebook = "04_semantic_separation"
    foreign: Increasing[Text] = ["animals", "clothing", "food", "objects", "people", "rooms", "vehicles"]
    n_atoms: Atoms = 32
    penalty: Penalty = 0.5
    tested: Annotated[int, Field(ge=2, le=1_000_000, description="images at most")] = 400
    draws: Draws = 20
    examples: Examples = 5
    seed: Seed = 1


class RateModel(OnCollection):
    """05: the rate model and the share of null coefficients."""

    notebook = "05_rate_model"
    split: Literal["train", "gallery"] = "train"
    n_atoms: Increasing[Atoms] = SIZES
    penalties: Increasing[Penalty] = PENALTIES
    learning_penalty: Penalty = 0.5
    seed: Seed = 1


class Frontier(InSpace):
    """06: rate against semantic fidelity."""

    notebook = "06_rsf_convex_hull"
    captioner: Text = "nearest-words"
    segmenter: Text = "none"
    quality: Text = "none"
    n_atoms: Increasing[Atoms] = SIZES
    b_dict: Increasing[Bits] = [1, 2, 4, 8, 16]
    b_coef: Increasing[Bits] = [1, 2, 4, 8, 16]
    penalties: Increasing[Penalty] = [0.04, *PENALTIES]
    learning_penalty: Penalty = 0.5
    generated: Images = 1000
    examples: Examples = 4
    seed: Seed = 1


class StateOfTheArt(InSpace):
    """07: SMIC against other codecs."""

    notebook = "07_sota_comparison"
    rivals: Annotated[list[Text], Field(min_length=1, description="families of classical codecs, the anchor last")] = [
        "jpeg",
        "jpeg2000",
        "jpeg-xl",
        "webp",
        "avif",
        "hevc",
        "av1-aom",
        "av1-svt",
        "vvc",
    ]
    factors: Increasing[Annotated[int, Field(ge=2, le=8, description="by which sides are divided: 2, 4, 8")]] = [
        2,
        4,
        8,
    ]
    largest_side: Pixels = 512
    n_images: Images = 1000
    examples: Examples = 4
    seed: Seed = 1


LearnedModels = Annotated[list[Text], Field(min_length=1, description="that ship, by prefix, or file:PATH")]
Rivals = Annotated[list[Text], Field(description="families of classical codecs")]


class Taco(OnCollection):
    """08: TACO's variants against one another and against classical codecs."""

    notebook = "08_taco_ablations"
    captioner: Text = "nearest-words"
    models: LearnedModels = [
        "full/low/0",
        "full/high/0",
        "without-adapter/low/0",
        "without-adapter/high/0",
    ]
    rivals: Rivals = ["jpeg", "avif", "jpeg-xl"]
    largest_side: Pixels = 384
    examples: Examples = 2
    seed: Seed = 1


class Sic(OnCollection):
    """09: SIC's levels, variants and synsets, and its theory on small sources."""

    notebook = "09_sic_ablations"
    models: LearnedModels = [
        "one-sample",
        "five-samples",
        "one-sample-adversarial",
        "twin",
    ]
    rivals: Rivals = ["jpeg", "jpeg-xl", "avif"]
    largest_side: Pixels = 256
    shown_levels: Annotated[list[Level], AfterValidator(_increasing), Field(min_length=2)] = [1, 2, 3, 4, 8]
    samples: Annotated[int, Field(ge=3, le=1000, description="images drawn from the same bytes")] = 8
    seed: Seed = 1


class Beyond(InSpace):
    """10: the coder beyond the paper."""

    notebook = "10_beyond_the_paper"
    n_atoms: Atoms = 128
    steps: Annotated[int, Field(ge=2, le=100, description="settings of the scalar quantisers' curves")] = 15
    words_cosine: Annotated[float, Field(ge=0.05, le=0.99, description="mean latent cosine of the named words")] = 0.75
    examples: Examples = 4
    seed: Seed = 1


class Explore(InSpace):
    """explore: the operating points of 06, to play with."""

    notebook = "explore"
    n_atoms: Increasing[Atoms] = SIZES
    b_dict: Increasing[Bits] = [1, 2, 4, 8, 16]
    b_coef: Increasing[Bits] = [1, 2, 4, 8, 16]
    penalties: Increasing[Penalty] = [0.04, *PENALTIES]
    learning_penalty: Penalty = 0.5
    seed: Seed = 1


_NOTEBOOKS = (
    *(Primer, Linearity, Dictionary, Reconstruction, Separation, RateModel, Frontier, StateOfTheArt, Taco, Sic, Beyond),
    Explore,
)
MODELS = {model.notebook: model for model in _NOTEBOOKS}
