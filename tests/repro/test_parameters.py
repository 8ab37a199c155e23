"""The parameters of every notebook are in its cell, and have a type and bounds."""

from pathlib import Path

import nbformat
import numpy as np
import pytest

from smicnb.base.errors import SmicnbError, UnknownNameError
from smicnb.repro import parameters
from smicnb.repro.parameters import model_of

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
Primer, Linearity, _, Reconstruction, _, RateModel, Frontier, *_ = map(model_of, NOTEBOOKS)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_defaults_of_a_notebook_lie_within_the_bounds_and_it_starts_under_its_own_name(notebook):
    model, cell = model_of(notebook), parameters.defaults(notebook)
    assert model(**cell).model_dump() == model().model_dump() == cell
    assert list(model.model_fields) == list(cell)  # the order that sidecars have
    sources = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    (start,) = [line for source in sources for line in source.splitlines() if "session.start" in line]
    assert start == f'run = session.start("{notebook.stem}", globals())'


def test_every_name_of_the_table_is_a_parameter_of_some_notebook():
    used = {name for notebook in NOTEBOOKS for name in parameters.defaults(notebook)}
    assert set(parameters.TYPES) | {name for name in parameters.LISTS if isinstance(name, str)} == used


def test_every_parameter_says_its_type_and_every_number_its_bounds_and_unit():
    for model in map(model_of, NOTEBOOKS):
        for name in model.model_fields:
            schema = model.schema_of(name)
            entry = schema.get("items", schema)
            assert entry["type"] in ("integer", "number", "string"), name
            if entry["type"] != "string":
                assert entry["minimum"] < entry["maximum"], name
                assert entry.get("description"), name


@pytest.mark.parametrize(
    ("model", "values", "plain"),
    [
        (Reconstruction, {"n_atoms": (2, 4)}, {"n_atoms": [2, 4]}),
        (Reconstruction, {"n_atoms": np.array([2, 4])}, {"n_atoms": [2, 4]}),
        (Reconstruction, {"penalty": np.float32(0.5), "seed": np.int64(3)}, {"penalty": 0.5, "seed": 3}),
        (Linearity, {"added": [1, np.float64(2)]}, {"added": [1.0, 2.0]}),
        (Reconstruction, {"penalty": 1}, {"penalty": 1.0}),
    ],
)
def test_what_holds_numbers_becomes_plain_numbers(model, values, plain):
    given = model(**values).model_dump()
    for name, value in plain.items():
        assert given[name] == value
        entries = given[name] if isinstance(value, list) else [given[name]]
        wanted = value if isinstance(value, list) else [value]
        assert [type(entry) for entry in entries] == [type(entry) for entry in wanted]


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (Reconstruction, {"lamda": 1.0, "penalty": "x"}, "unknown parameter of 03_reconstruction 'lamda'"),
        (Reconstruction, {"penality": 1.0}, "did you mean 'penalty'"),
        (
            Reconstruction,
            {"penalty": "1e-3"},
            "penalty got '1e-3' of type str; needed: a number from 0.001 to 20, such",
        ),
        (Reconstruction, {"penalty": 21}, "penalty got 21; needed: a number from 0.001 to 20, such as 0.5"),
        (Reconstruction, {"penalty": float("nan")}, "penalty got nan; needed: a number from 0.001 to 20"),
        (Reconstruction, {"penalty": True}, "penalty got True of type bool"),
        (Reconstruction, {"penalty": None}, "penalty got None of type NoneType"),
        (Reconstruction, {"seed": 1.5}, "seed got 1.5 of type float; needed: a whole number from 0 to"),
        (Reconstruction, {"collection": Path("x")}, r"collection got \w*Path\('x'\) of type \w*Path; needed: p"),
        (Reconstruction, {"collection": ""}, "collection got ''; needed: printable text, such as 'embedded'"),
        (Reconstruction, {"n_atoms": [2, 5000]}, "n_atoms got 5000; needed: a list that increases, each a whole"),
        (Reconstruction, {"n_atoms": {2, 4}}, "n_atoms got {2, 4} of type set; needed: a list that increases"),
        (Reconstruction, {"n_atoms": ()}, r"n_atoms got \[\]; needed: a list that increases"),
        (Reconstruction, {"n_atoms": "[2, 4]"}, "of type str; needed: a list that increases"),
        (Frontier, {"b_dict": [1, 17]}, "b_dict got 17; needed: .* from 1 to 16"),
        (RateModel, {"split": "trian"}, "split got 'trian'; needed: one of train, gallery"),
        (Primer, {"qualities": [50, 5]}, r"qualities got \[50, 5\]; needed: a list that increases"),
    ],
)
def test_what_is_wrong_is_refused_on_one_line(model, values, message):
    with pytest.raises(SmicnbError, match=message) as caught:
        model(**values)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_a_refusal_in_a_notebook_shows_no_other_error():
    with pytest.raises(UnknownNameError) as caught:
        Reconstruction(lamda=1.0)
    assert caught.value.__suppress_context__


def test_parameters_stay_as_they_were_given():
    given = Reconstruction()
    with pytest.raises(ValueError, match="frozen"):
        given.penalty = 0.7
    given.n_atoms.append(256)
    assert Reconstruction().n_atoms == [2, 4, 8, 16, 32, 64, 128]
