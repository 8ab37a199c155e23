"""The parameters of notebooks: what each name may be, with bounds and units; which there are, and their defaults, the
cell tagged `parameters` of a notebook says, and nothing else does."""

import ast
import json
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

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

Families = Annotated[list[Text], Field(description="families of classical codecs")]

# Name -> what one value may be; a list of them has to increase. A name that is not here has the type of its default.
TYPES: dict[str, Any] = {
    **dict.fromkeys(("collection", "encoder", "generator", "judge"), Text),
    **dict.fromkeys(("captioner", "segmenter", "quality", "photograph", "foreign"), Text),
    **dict.fromkeys(("n_atoms", "decomposition_atoms"), Atoms),
    **dict.fromkeys(("penalty", "penalties", "learning_penalty", "decomposition_penalty"), Penalty),
    **dict.fromkeys(("b_dict", "b_coef"), Bits),
    **dict.fromkeys(("added", "removed"), Factor),
    **dict.fromkeys(("generated", "n_images"), Images),
    **dict.fromkeys(("qualities", "shown_quality"), Quality),
    "draws": Draws,
    "examples": Examples,
    "largest_side": Pixels,
    "seed": Seed,
    "shown": Shown,
    "shown_levels": Level,
    "pairs": Annotated[int, Field(ge=1, le=100_000, description="pairs of images")],
    "tested": Annotated[int, Field(ge=2, le=1_000_000, description="images at most")],
    "split": Literal["train", "gallery"],
    "factors": Annotated[int, Field(ge=2, le=8, description="by which sides are divided: 2, 4, 8")],
    "samples": Annotated[int, Field(ge=3, le=1000, description="images drawn from the same bytes")],
    "steps": Annotated[int, Field(ge=2, le=100, description="settings of the scalar quantisers' curves")],
    "codebooks": Annotated[int, Field(ge=1, le=64, description="codebooks of a vector quantiser")],
    "drawn": Annotated[int, Field(ge=64, le=16384, description="latents drawn for vector quantisers to be trained on")],
    "every": Annotated[int, Field(ge=1, le=8, description="of our fidelities, by which they are gone through")],
    "halves": Annotated[int, Field(ge=1, le=2, description="halves of a collection that are searched")],
    "words_cosine": Annotated[float, Field(ge=0.05, le=0.99, description="mean latent cosine of the named words")],
}
# (Notebook, name) or name -> what a whole list may be that need not increase, or needs more than one entry.
LISTS: dict[tuple[str, str] | str, Any] = {
    "models": Annotated[list[Text], Field(min_length=1, description="that ship, by prefix, or file:PATH")],
    "rivals": Families,
    "high_rate_rivals": Families,
    ("07_sota_comparison", "rivals"): Annotated[Families, Field(min_length=1)],  # the last is the anchor
    "shown_levels": Annotated[list[Level], AfterValidator(_increasing), Field(min_length=2)],
}


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


def defaults(notebook: Path) -> dict[str, Any]:
    """Name -> default value, from the cell tagged `parameters`: assignments of plain values."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]  # nbformat takes two seconds to import
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise SmicnbError(f"{notebook.name} has {len(tagged)} cells tagged 'parameters'", "exactly one")
    values = {}
    for statement in ast.parse("".join(tagged[0]["source"])).body:
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise SmicnbError(f"line {statement.lineno} of {notebook.name}'s parameters is no assignment")
        values[statement.targets[0].id] = ast.literal_eval(statement.value)
    return values


def model_of(notebook: Path) -> type[Parameters]:
    """The model of a notebook's parameters: names and defaults of its own cell, types and bounds of `TYPES`."""
    fields = {name: (_type(notebook.stem, name, value), value) for name, value in defaults(notebook).items()}
    model = create_model(notebook.stem, __base__=Parameters, **fields)
    model.notebook = notebook.stem
    return model


def _type(notebook: str, name: str, value: Any) -> Any:
    if not isinstance(value, list):
        return TYPES.get(name, type(value))
    whole = LISTS.get((notebook, name), LISTS.get(name))
    if whole is not None or not value:
        return whole or list
    entry = TYPES.get(name, type(value[0]))
    return Increasing[entry]
